"""Markers of this folder, for runs of it alone."""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "ray: starts Ray")
    config.addinivalue_line("markers", "slow: more seeds, or minutes")
