"""A workspace of ours, asked through the connector."""

from dataclasses import dataclass

import pytest

from rayingest.connectors.database.unitycatalog import CONNECTOR
from rayingest.testing.probe import Probe
from rayingest.testing.rest import serving
from rayingest.testing.unitycatalog import TOKEN, WAREHOUSE, World


@dataclass(frozen=True)
class Lake:
    """A world that may be changed at any time, and how the connector is told of it."""

    world: World
    url: str
    probe: Probe


@pytest.fixture
def lake(hurried):
    world = World()
    with serving(world) as url:
        config = {
            "hostPort": url,
            "httpPath": f"/sql/1.0/warehouses/{WAREHOUSE}",
            "authType": {"token": TOKEN},
        }
        yield Lake(world, url, Probe(CONNECTOR, config))
