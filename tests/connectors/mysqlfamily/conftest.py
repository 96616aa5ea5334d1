"""Documented views of one product, empty or with the library, and its connector that asks them."""

import pytest

from rayingest.testing.probe import Probe

from .story import tell


@pytest.fixture
def server():
    duckdb = pytest.importorskip("duckdb")
    pytest.importorskip("pymysql")
    from .standin import Server, config_of, connector_of

    def make(name, *, library=False):
        made = Server(name, duckdb)
        if library:
            tell(made)
        return made, Probe(connector_of(made), config_of(name))

    return make
