"""Catalogues of Iceberg: in a file of SQLite, and over REST, asked through the connector."""

import pytest
import stamina

from rayingest.connectors.database.iceberg import CONNECTOR
from rayingest.testing.probe import Probe

from .server import TOKEN, serving
from .story import catalogue, config


@pytest.fixture(autouse=True)
def impatient():
    stamina.set_testing(True, attempts=3)
    yield
    stamina.set_testing(False)


@pytest.fixture
def made(tmp_path):
    """The writer's side of a SQL catalogue."""
    there = catalogue(tmp_path / "warehouse")
    yield there
    there.close()


@pytest.fixture
def probe(made, tmp_path):
    return Probe(CONNECTOR, config(tmp_path / "warehouse"))


@pytest.fixture
def server(made):
    """The same catalogue over REST."""
    with serving(made) as running:
        yield running


def over_rest(server, **more):
    connection = {"uri": server.url, **({} if more else {"token": TOKEN}), **more}
    return Probe(CONNECTOR, {"catalog": {"name": "rest", "connection": connection}})
