"""One Ray for all tests of this folder."""

from collections.abc import Iterator

import pytest

from ..cluster import ray_cluster


@pytest.fixture(scope="package")
def cluster() -> Iterator[str]:
    pytest.importorskip("ray")
    with ray_cluster() as address:
        yield address
