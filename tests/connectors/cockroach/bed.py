"""The story without CockroachDB: no server of it can be had, so that PostgreSQL is given the columns that it documents."""

from contextlib import contextmanager
from pathlib import Path

import pytest

from rayingest.core.source import Grade
from rayingest.testing import postgres

from ..beds import Bed, story

SHIM = (Path(__file__).parent / "shim.sql").read_text("utf-8")


@contextmanager
def serving():
    """A PostgreSQL whose catalogue may be changed."""
    pytest.importorskip("sqlalchemy_cockroachdb")
    with postgres.server(allow_system_table_mods="on") as server:
        yield server


def create(server, database, *statements):
    """A database that looks like one of CockroachDB's."""
    server.create(database)
    with server.connect(database) as connection:
        connection.execute(SHIM)
        for each in statements:
            connection.execute(each)


def config(server, database, **changes):
    return server.config(database, **{"type": "Cockroach", **changes})


@contextmanager
def bed(folder):
    with serving() as server:
        create(server, "story", *story("cockroach"))
        with server.connect("story") as connection:
            number = connection.execute("show server_version").fetchone()[0]
        named = f"CockroachDB's documented columns, in PostgreSQL {number}"
        yield Bed(config(server, "story"), named, Grade.COMPILED)
