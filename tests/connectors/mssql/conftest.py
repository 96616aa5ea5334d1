"""One pysqlbridge for the folder; every test reads databases of its own."""

from itertools import count

import pytest

from rayingest.connectors.database.mssql import CONNECTOR
from rayingest.testing.probe import Probe
from rayingest.testing.servers import pysqlbridge

from .story import TABLES
from .written import Database

NUMBERS = count(1)


@pytest.fixture(scope="session")
def running():
    pytest.importorskip("pytds")
    if why := pysqlbridge.ENVIRONMENT.available():
        pytest.skip(why)
    with pysqlbridge.server(TABLES) as made:
        yield made


@pytest.fixture
def server(running):
    """It behaves again when the test is over."""
    yield running
    running.behave()


@pytest.fixture
def database(server):
    """An empty database, to be written."""
    return Database(server, f"db{next(NUMBERS)}")


@pytest.fixture
def probe(server):
    """A probe of a database, after all that was said of it is written."""

    def make(database, connector=CONNECTOR, **changes):
        database.write()
        kind = connector.service_type
        return Probe(connector, server.config(kind, database=database.name, **changes))

    return make


@pytest.fixture
def plain(server):
    """A probe of the database that pysqlbridge has of its own."""
    return Probe(CONNECTOR, server.config())
