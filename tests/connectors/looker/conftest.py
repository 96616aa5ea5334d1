"""What all tests of Looker need."""

from collections.abc import Iterator

import pytest

from ...cluster import ray_cluster

pytest.importorskip("looker_sdk")


@pytest.fixture(autouse=True)
def _hurried(hurried: None) -> None:
    """All of these tests."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    with ray_cluster() as address:
        yield address
