"""A real ClickHouse for these tests, asked over HTTP and over the native protocol."""

import pytest

from rayingest.connectors.database.clickhouse import CONNECTOR
from rayingest.testing import clickhouse
from rayingest.testing.clickhouse import User
from rayingest.testing.probe import Probe

HTTP, NATIVE = "clickhouse+http", "clickhouse+native"
# Who may see one database, may change no setting, has answers cut, is let in but once at a time.
USERS = {
    "reader": User("pass-ÿé✓: 1", databases=("readable",)),
    "fixed": User("fixed-9f", settings={"readonly": "1"}),
    "careful": User("careful-9f", settings={"readonly": "2"}),
    "cut": User(
        "cut-9f",
        settings={"readonly": "1", "max_result_rows": "5", "result_overflow_mode": "break"},
    ),
    "alone": User("alone-9f", settings={"max_concurrent_queries_for_user": "1"}),
}


@pytest.fixture(scope="session")
def server():
    if why := clickhouse.available():
        pytest.skip(why)
    with clickhouse.server(users=USERS) as running:
        yield running


@pytest.fixture(scope="session")
def make(server):
    """Create a database of ClickHouse (a schema of ours) out of statements, and read that alone.

    A table is named without its database: `{t}` is where that goes.
    """

    def create(schema, *statements, scheme=HTTP):
        server.run(f"drop database if exists {schema}", f"create database {schema}")
        for statement in statements:
            server.run(statement.replace("{t}", schema))
        return Probe(CONNECTOR, server.config(scheme, databaseSchema=schema))

    return create


@pytest.fixture(scope="session")
def whole(server):
    """The whole server."""

    def probe(scheme=HTTP, **changes):
        return Probe(CONNECTOR, server.config(scheme, **changes))

    return probe


@pytest.fixture(scope="session")
def as_user(server):
    """The whole server as one of the other users."""

    def probe(name, scheme=HTTP, **changes):
        account = {"username": name, "password": USERS[name].password}
        return Probe(CONNECTOR, server.config(scheme, **account, **changes))

    return probe
