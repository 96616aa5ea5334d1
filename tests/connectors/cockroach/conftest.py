"""One PostgreSQL with CockroachDB's columns, and databases on it."""

import pytest

from rayingest.connectors.database.cockroach import CONNECTOR
from rayingest.testing.probe import Probe

from ..beds import story
from .bed import config, create, serving


@pytest.fixture(scope="module")
def server():
    with serving() as running:
        yield running


@pytest.fixture
def probe(server):
    """A probe of a database of this name; with the story, if nothing else shall be in it."""

    def make(name="story", *statements, **changes):
        create(server, name, *(statements or story("cockroach")))
        return Probe(CONNECTOR, config(server, name, **changes))

    return make
