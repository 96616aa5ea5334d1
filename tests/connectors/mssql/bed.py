"""The story in pysqlbridge, and what of SQL Server it cannot show."""

from contextlib import contextmanager
from functools import partial

import pytest

from rayingest.core import registry
from rayingest.core.source import Grade
from rayingest.testing.servers import pysqlbridge

from ..beds import Bed
from .story import COMPILED, TABLES


@contextmanager
def on_pysqlbridge(kind, folder, grade=Grade.EMULATED, **behaviour):
    pytest.importorskip("pytds")
    if why := pysqlbridge.ENVIRONMENT.available():
        pytest.skip(why)
    claimed = registry.load(kind.lower()).capabilities
    with pysqlbridge.server(TABLES) as server:
        server.behave(**behaviour)
        yield Bed(
            server.config(kind),
            f"pysqlbridge {pysqlbridge.VERSION}",
            grade,
            compiled={each: why for each, why in COMPILED.items() if each in claimed},
        )


bed = partial(on_pysqlbridge, "Mssql")
