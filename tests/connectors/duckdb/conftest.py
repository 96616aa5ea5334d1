"""DuckDB files made of statements, asked through the connector."""

import pytest

from rayingest.connectors.database.duckdb import CONNECTOR
from rayingest.testing.probe import Probe


@pytest.fixture
def make(tmp_path):
    duckdb = pytest.importorskip("duckdb")
    pytest.importorskip("duckdb_engine")

    def create(*statements, name="shop.duckdb"):
        path = tmp_path / name
        with duckdb.connect(str(path)) as connection:
            for statement in statements:
                connection.execute(statement)
        return Probe(CONNECTOR, {"database": str(path)})

    return create
