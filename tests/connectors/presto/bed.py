"""The story in a cluster of ours that speaks as Presto, and whose answers the vendor's own client reads."""

from contextlib import contextmanager
from importlib.metadata import version

import pytest

from rayingest.core.source import Grade
from rayingest.testing.trino import Cluster, serving

from ..beds import Bed, story


@contextmanager
def bed(folder):
    pytest.importorskip("duckdb")
    pytest.importorskip("prestodb")
    cluster = Cluster(
        kind="Presto",
        passwords={"ada": "pass-9f"},
        metadata=("catalogs",),
        absent="SYNTAX_ERROR",
    )
    cluster.run(*story("trino"))
    with serving(cluster) as address:
        connection = {
            "type": "Presto",
            "username": "ada",
            "password": "pass-9f",
            "hostPort": address,
            "protocol": "http",
        }
        client = f"presto-python-client {version('presto-python-client')}"
        yield Bed(connection, f"our server, judged by {client}", Grade.CONTRACT)
