"""The story in a file of DuckDB."""

from contextlib import contextmanager

import pytest

from rayingest.core.source import Grade

from ..beds import Bed, story


@contextmanager
def bed(folder):
    duckdb = pytest.importorskip("duckdb")
    path = folder / "story.duckdb"
    with duckdb.connect(str(path)) as connection:
        for statement in story("duckdb"):
            connection.execute(statement)
    yield Bed(
        {"type": "CustomDatabase", "database": str(path)},
        f"DuckDB {duckdb.__version__}",
        Grade.CERTIFIED,
    )
