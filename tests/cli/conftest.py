"""The program as a user has it: a SQLite shop, a config, and two ways to type a command."""

import json
import os
import sqlite3
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rayingest.cli import logs
from rayingest.cli.app import program
from rayingest.testing import StrictCatalogue

from ..launch.dashboards import FakeRay, serving

UNTESTED = "--allow-untested"
TOKEN = "t-canary"  # noqa: S105
SECRET = "canary-4f2a91-password"  # noqa: S105 - looked for in everything that is said
CONFIG = """\
source:
  type: sqlite
  serviceName: shop
  serviceConnection:
    config: {{type: SQLite, databaseMode: {database}}}
  sourceConfig:
    config: {{type: DatabaseMetadata{options}}}
sink: {sink}
"""
SERVER = """\
workflowConfig:
  openMetadataServerConfig:
    hostPort: {url}
    authProvider: openmetadata
    securityConfig: {{jwtToken: {token}}}
"""


@dataclass
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[Any]:
        """Standard output as JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass
class Shop:
    """A folder with a database and configs."""

    folder: Path

    @property
    def database(self) -> Path:
        return self.folder / "shop.db"

    def config(
        self, *, options: str = "", sink: str = "", more: str = "", name: str = "c.yaml"
    ) -> str:
        sink = sink or f"{{type: file, config: {{path: {self.folder / 'out'}}}}}"
        path = self.folder / name
        path.write_text(
            CONFIG.format(
                database=self.database, options=f", {options}" if options else "", sink=sink
            )
            + more
        )
        return str(path)

    def written(self, kind: str = "table") -> list[str]:
        file = self.folder / "out" / f"{kind}.jsonl"
        lines = file.read_text().splitlines() if file.exists() else []
        return [json.loads(line)["fullyQualifiedName"] for line in lines]


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    made = Shop(tmp_path)
    with sqlite3.connect(made.database) as connection:
        connection.execute("create table customer (id integer primary key, name text)")
        connection.execute(
            "create table orders (id integer, customer integer references customer(id))"
        )
        connection.execute("create view totals as select count(*) as n from orders")
    connection.close()
    return made


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("COLUMNS", "120")


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[..., Said]]:
    """Type a command in this process."""

    def typed(*arguments: str) -> Said:
        capsys.readouterr()
        code = int(program(list(arguments)))
        out, err = capsys.readouterr()
        return Said(code, out, err)

    with warnings.catch_warnings():
        yield typed
    logs.reset()


@pytest.fixture
def spawn() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Type a command in a process of its own; what is left of it is ended."""
    started: list[subprocess.Popen[str]] = []

    def typed(*arguments: str, **environ: str) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        command = [sys.executable, "-m", "rayingest", *arguments]
        process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env={**os.environ, **environ}
        )
        started.append(process)
        return process

    yield typed
    for each in started:
        if each.poll() is None:
            each.kill()
        each.communicate()


@pytest.fixture
def catalogue() -> Iterator[StrictCatalogue]:
    """A catalogue that nobody may send anything wrong."""
    with StrictCatalogue(token=SECRET) as running:
        yield running
        assert running.validation_errors() == []


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeRay]:
    """A Ray cluster that the environment leads to."""
    made = FakeRay(token=TOKEN)
    with serving(made) as url:
        monkeypatch.setenv("RAY_API_SERVER_ADDRESS", url)
        monkeypatch.setenv("RAY_AUTH_TOKEN", TOKEN)
        yield made


def many(shop: Shop, count: int) -> None:
    """Make so many more tables."""
    with sqlite3.connect(shop.database) as connection:
        for number in range(count):
            connection.execute(f"create table many_{number:03} (id integer)")
    connection.close()


def wait_for_a_request(catalogue: StrictCatalogue) -> None:
    """Until the run has begun to write: a fact of the catalogue, not a pause."""
    never = threading.Event()
    for _ in range(600):
        if catalogue.stats["requests"]:
            return
        never.wait(0.05)
    raise AssertionError("the run never wrote anything")
