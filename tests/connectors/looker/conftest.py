"""What all tests of Looker need."""

from pathlib import Path

import pytest

from rayingest.testing.looker import write_lookml

pytest.importorskip("looker_sdk")


@pytest.fixture(autouse=True)
def _hurried(hurried: None) -> None:
    """All of these tests."""


@pytest.fixture
def files(tmp_path: Path) -> str:
    """A folder with the shop's LookML."""
    folder = tmp_path / "clone"
    folder.mkdir()
    write_lookml(folder)
    return str(folder)
