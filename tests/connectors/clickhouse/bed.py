"""The story on Debian's ClickHouse, which is an old one."""

from contextlib import contextmanager

import pytest

from rayingest.core.source import Capability, Grade
from rayingest.testing import clickhouse

from ..beds import Bed, story


@contextmanager
def bed(folder):
    if why := clickhouse.available():
        pytest.skip(why)
    with clickhouse.server() as server:
        server.run(*story("clickhouse"))
        version = server.run("select version()").strip()
        yield Bed(
            server.config(),
            f"ClickHouse {version}",
            Grade.CERTIFIED,
            compiled={Capability.COMMENTS: "18.16 has none on tables; test_newer.py shows them"},
        )
