"""The story in a real Spark Thrift Server: HiveServer2's protocol over a metastore of Hive's."""

from contextlib import contextmanager

import pytest

from rayingest.core.source import Capability, Grade
from rayingest.testing.servers import hive

from ..beds import Bed, story

NO_KEYS = (
    "Spark has no keys: test_formatted.py reads Hive's words for them, test_metastore.py its tables"
)


@contextmanager
def bed(folder, kind="Hive"):
    if why := hive.available():
        pytest.skip(why)
    with hive.server() as server:
        server.run(*story("hive"))
        made = Bed(
            server.config(kind),
            f"Spark Thrift Server {hive.VERSION}",
            Grade.COMPATIBLE,
            compiled={Capability.KEYS: NO_KEYS},
            spelled=spelled(server),
        )
        yield made


def spelled(server):
    """Where the tables are is another folder each time."""
    rows = server.run("describe database extended library")
    place = next(value for word, value in rows if word == "Location")
    return {place: "file:/warehouse/library.db"}
