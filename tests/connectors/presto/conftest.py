"""A cluster of ours that speaks as Presto."""

import pytest

from rayingest.connectors.database.presto import CONNECTOR
from rayingest.testing.probe import Probe
from rayingest.testing.trino import Cluster, serving

from ..beds import story


@pytest.fixture
def cluster():
    pytest.importorskip("duckdb")
    made = Cluster(kind="Presto", metadata=("catalogs",), absent="SYNTAX_ERROR", page=3)
    made.run(*story("trino"))
    return made


@pytest.fixture
def probe(cluster):
    with serving(cluster) as address:
        yield Probe(CONNECTOR, {"type": "Presto", "username": "ada", "hostPort": address})
