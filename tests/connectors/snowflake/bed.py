"""The story in an emulator of Snowflake: what it cannot tell is compiled, not shown (test_compiled.py)."""

from contextlib import contextmanager

import pytest

from rayingest.core.source import Capability, Grade
from rayingest.testing.servers import fakesnow

from ..beds import Bed, story

COMPILED = {
    Capability.KEYS: "fakesnow knows no unique keys, and lists every primary key as a foreign one",
    Capability.PARTITIONS: "fakesnow forgets what a table is clustered by",
    Capability.PROCEDURES: "fakesnow has none",
    Capability.DDL: "fakesnow has no GET_DDL",
    Capability.TAGS: "fakesnow has no ACCOUNT_USAGE",
    Capability.INCREMENTAL: "fakesnow's LAST_DDL is 1970 for all and never moves",
}


@contextmanager
def bed(folder):
    pytest.importorskip("snowflake.connector")
    if why := fakesnow.ENVIRONMENT.available():
        pytest.skip(why)
    with fakesnow.server() as server:
        server.run(*story("snowflake"))
        pins = dict(pin.split("==") for pin in fakesnow.PINS)
        version = pins["fakesnow[server]"]
        yield Bed(server.config(), f"fakesnow {version}", Grade.EMULATED, COMPILED)
