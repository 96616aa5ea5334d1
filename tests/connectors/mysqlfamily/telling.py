"""The bed of each: its documented views, with the library in them."""

from contextlib import contextmanager

import pytest

from rayingest.core.source import Grade

from ..beds import Bed
from .story import tell

NAMES = {"doris": "Doris", "starrocks": "StarRocks", "singlestore": "SingleStore", "tidb": "TiDB"}


@contextmanager
def telling(name, folder):
    """The bed of one of them."""
    pytest.importorskip("pymysql")
    duckdb = pytest.importorskip("duckdb")
    from .standin import Server, config_of, connector_of

    server = Server(name, duckdb)
    tell(server)
    what = f"{NAMES[name]}'s documented information_schema, in DuckDB"
    yield Bed(config_of(name), what, Grade.COMPILED, connector=connector_of(server))
