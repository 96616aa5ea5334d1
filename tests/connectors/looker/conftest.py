"""A Looker, a catalogue, and runs between them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import stamina

from ...cluster import ray_cluster
from ..dashboards import Place, place_of

pytest.importorskip("looker_sdk")


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    stamina.set_testing(True, attempts=3)
    yield
    stamina.set_testing(False)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place[Any]]:
    with place_of("looker", tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    with ray_cluster() as address:
        yield address
