"""One server behind Redshift's names, and databases on it."""

import pytest

from rayingest.connectors.database.redshift import CONNECTOR
from rayingest.testing.probe import Probe

from ..beds import story
from .bed import MORE, config, create, serving
from .door import Door


@pytest.fixture(scope="session")
def server():
    with serving() as running:
        yield running


@pytest.fixture(scope="session")
def make(server):
    """A database out of statements, asked through the connector."""

    def made(database, *statements, **changes):
        create(server, database, *statements)
        return Probe(CONNECTOR, config(server, database, **changes))

    return made


@pytest.fixture(scope="session")
def library(make):
    """The story, and what only Redshift has."""
    return make("story", *story("redshift"), *MORE)


@pytest.fixture
def door(server):
    opened = Door(server)
    yield opened
    opened.close()
