"""An emulator of Snowflake for these tests, asked through the connector by the vendor's client."""

from contextlib import closing

import pytest

from rayingest.connectors.database.snowflake import CONNECTOR
from rayingest.testing.probe import Probe
from rayingest.testing.servers import fakesnow


@pytest.fixture(scope="session")
def server():
    pytest.importorskip("snowflake.connector")
    if why := fakesnow.ENVIRONMENT.available():
        pytest.skip(why)
    with fakesnow.server() as running:
        yield running


@pytest.fixture(scope="session")
def make(server):
    """Create a database with a schema PUBLIC out of statements, and read that alone."""

    def create(database, *statements):
        use = f"use schema {database}.public"
        with closing(server.connect()) as connection:
            server.run(
                f"create database {database}",
                f"create schema {database}.public",
                use,
                *statements,
                connection=connection,
            )
        return Probe(CONNECTOR, server.config(database=database))

    return create


@pytest.fixture(scope="session")
def account(server):
    """The whole account."""
    return Probe(CONNECTOR, server.config())
