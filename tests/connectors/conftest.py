"""Grades come out of test results: `pytest tests/connectors/test_conformance.py --write-grades`."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import stamina

from .dashboards import Place, place_of

STOCK = ("orders", "users", "products")


def pytest_addoption(parser):
    parser.addoption("--write-grades", action="store_true", help="store what the tests showed")


@pytest.fixture(scope="session")
def write_grades(request):
    return request.config.getoption("--write-grades", default=False)


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """State of its own, and no waiting between tries."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    stamina.set_testing(True, attempts=3)
    yield
    stamina.set_testing(False)


@pytest.fixture
def place(request: pytest.FixtureRequest, hurried: None, tmp_path: Path) -> Iterator[Place[Any]]:
    """The dashboard tool that the test's folder is named after, and a catalogue."""
    with place_of(request.path.parent.name, tmp_path) as made:
        yield made


@pytest.fixture
def warehouse(place: Place[Any]) -> Place[Any]:
    """The same with the tables in the catalogue that the tool's queries read."""
    place.stock(*STOCK)
    return place


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`server.pem` is of localhost, signed by itself; `stranger.pem` is of nobody we know."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    folder = tmp_path_factory.mktemp("tls")
    for name in ("server", "stranger"):
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
        command += ["-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost"]
        command += ["-keyout", f"{name}.key", "-out", f"{name}.pem"]
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=60)
        with (folder / f"{name}.pem").open("a") as file:
            file.write((folder / f"{name}.key").read_text())
    return folder
