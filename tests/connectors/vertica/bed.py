"""The story without Vertica: no server of it can be had, so that all is compiled."""

from contextlib import contextmanager

import pytest

from rayingest.core.source import Grade

from ..beds import Bed, story
from .standin import CONFIG, connector_of


@contextmanager
def bed(folder):
    duckdb = pytest.importorskip("duckdb")
    pytest.importorskip("sqla_vertica_python")
    path = folder / "story.duckdb"
    with duckdb.connect(str(path)) as connection:
        for statement in story("vertica"):
            connection.execute(statement)
    server = "Vertica's documented catalogue, in DuckDB"
    yield Bed(CONFIG, server, Grade.COMPILED, connector=connector_of(path))
