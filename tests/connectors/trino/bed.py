"""The story in a cluster of ours, whose answers the vendor's own client reads (test_protocol.py)."""

from contextlib import contextmanager
from importlib.metadata import version

import pytest

from rayingest.core.source import Grade
from rayingest.testing.trino import Cluster, serving

from ..beds import Bed, story


@contextmanager
def bed(folder):
    pytest.importorskip("duckdb")
    pytest.importorskip("trino")
    cluster = Cluster(passwords={"ada": "pass-9f: é"})
    cluster.run(*story("trino"))
    with serving(cluster) as address:
        connection = {
            "type": "Trino",
            "username": "ada",
            "authType": {"password": "pass-9f: é"},
            "hostPort": address,
            "connectionArguments": {"http_scheme": "http"},
        }
        judge = f"our server, judged by trino {version('trino')}"
        yield Bed(connection, judge, Grade.CONTRACT)
