"""One bqemulator for the folder; every test reads projects of its own."""

from itertools import count

import pytest

from rayingest.connectors.database.bigquery import CONNECTOR
from rayingest.testing.probe import Probe
from rayingest.testing.servers import bigquery

NUMBERS = count(1)


@pytest.fixture(scope="session")
def server():
    pytest.importorskip("google.cloud.bigquery")
    if why := bigquery.ENVIRONMENT.available():
        pytest.skip(why)
    with bigquery.server() as made:
        yield made


@pytest.fixture
def project():
    return f"project-{next(NUMBERS)}"


@pytest.fixture
def make(server, project):
    """Execute statements in a new project; a probe of it."""

    def create(*statements, **changes):
        server.run(*statements, project=project)
        return Probe(CONNECTOR, server.config(project, **changes))

    return create


@pytest.fixture
def client(server, project):
    made = server.client(project)
    yield made
    made.close()
