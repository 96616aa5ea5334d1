"""The story without Oracle: no server and no emulator of it can be had, so that all is compiled."""

from contextlib import contextmanager

import pytest

from rayingest.core.source import Grade

from ..beds import Bed
from .dictionary import Dictionary
from .standin import CONFIG, connector_of
from .story import tell

SERVER = "Oracle's documented dictionary, in DuckDB"


@contextmanager
def bed(folder):
    pytest.importorskip("oracledb")
    dictionary = Dictionary(pytest.importorskip("duckdb"))
    tell(dictionary)
    yield Bed(CONFIG, SERVER, Grade.COMPILED, connector=connector_of(dictionary))
