"""A real MariaDB for these tests, asked through both connectors."""

import pytest

from rayingest.connectors.database import mariadb as mariadb_connector
from rayingest.connectors.database import mysql as mysql_connector
from rayingest.testing import mariadb
from rayingest.testing.probe import Probe

CONNECTORS = {"MariaDB": mariadb_connector.CONNECTOR, "Mysql": mysql_connector.CONNECTOR}


@pytest.fixture(scope="session")
def server():
    if why := mariadb.available():
        pytest.skip(why)
    with mariadb.server() as running:
        yield running


@pytest.fixture(scope="session")
def make(server):
    """Create a MySQL database (a schema of ours) out of statements, and read that alone."""

    def create(schema, *statements, kind="MariaDB"):
        server.run(f"drop database if exists {schema}", f"create database {schema}")
        with server.connect(schema) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
        return Probe(CONNECTORS[kind], server.config(kind, databaseSchema=schema))

    return create


@pytest.fixture(scope="session")
def whole(server):
    """The whole server, by the connector of that name."""

    def probe(kind="MariaDB"):
        return Probe(CONNECTORS[kind], server.config(kind))

    return probe


@pytest.fixture
def user(server):
    """A user with a password and nothing else, but for what is granted."""

    def create(*grants, name="reader"):
        server.run(
            f"drop user if exists {name}@'%'",
            f"create user {name}@'%' identified by 'pass-{name}-ÿé✓'",
            *(f"grant {each} to {name}@'%'" for each in grants),
        )
        return {"username": name, "password": f"pass-{name}-ÿé✓"}

    return create
