"""What all tests of Looker need."""

import pytest

pytest.importorskip("looker_sdk")


@pytest.fixture(autouse=True)
def _hurried(hurried: None) -> None:
    """All of these tests."""
