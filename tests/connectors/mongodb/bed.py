"""The story in SecantusDB, which says that it is a MongoDB 8.2."""

from contextlib import contextmanager

import pytest

from rayingest.core.source import Grade
from rayingest.testing.servers import mongodb

from ..beds import Bed
from .story import tell


@contextmanager
def bed(folder):
    pytest.importorskip("pymongo")
    if why := mongodb.ENVIRONMENT.available():
        pytest.skip(why)
    with mongodb.server() as server:
        tell(server)
        yield Bed(server.config(), f"SecantusDB {mongodb.VERSION}", Grade.EMULATED)
