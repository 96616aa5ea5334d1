"""A dictionary for each test, and probes that read it."""

import pytest

from rayingest.testing.probe import Probe

from .dictionary import Dictionary
from .standin import CONFIG, connector_of


@pytest.fixture
def dictionary():
    pytest.importorskip("oracledb")
    return Dictionary(pytest.importorskip("duckdb"))


@pytest.fixture
def probe(dictionary):
    return Probe(connector_of(dictionary), CONFIG)
