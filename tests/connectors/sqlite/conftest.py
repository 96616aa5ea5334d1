"""SQLite files made of statements, asked through the connector."""

import sqlite3

import pytest

from rayingest.connectors.database.sqlite import CONNECTOR
from rayingest.testing.probe import Probe


@pytest.fixture
def make(tmp_path):
    def create(*statements, name="t.db"):
        path = tmp_path / name
        connection = sqlite3.connect(path)
        for statement in statements:
            connection.execute(statement)
        connection.commit()
        connection.close()
        return Probe(CONNECTOR, {"databaseMode": str(path)})

    return create
