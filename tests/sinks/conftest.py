# ruff: noqa: S608 - the questions are ours
"""The four sinks behind one face."""

import json
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import stamina

from rayingest.core.sink import Sink
from rayingest.sinks.file import File
from rayingest.sinks.memory import Memory, store
from rayingest.sinks.openmetadata.session import OpenMetadataSession
from rayingest.sinks.sql import Sql
from rayingest.testing.catalogue import StrictCatalogue

from .world import DATABASE, SCHEMA, SERVICE, TOKEN, openmetadata


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    stamina.set_testing(True, attempts=4)
    yield
    stamina.set_testing(False)


@pytest.fixture
def catalogue() -> Iterator[StrictCatalogue]:
    with StrictCatalogue(token=TOKEN) as running:
        yield running
        assert running.validation_errors() == []


@pytest.fixture
def newer() -> Iterator[StrictCatalogue]:
    """A catalogue that has deleteStale."""
    with StrictCatalogue(token=TOKEN, version="2.0.0") as running:
        yield running
        assert running.validation_errors() == []


@pytest.fixture
def session(catalogue: StrictCatalogue) -> Iterator[OpenMetadataSession]:
    """A session on the strict catalogue with the parents of all tables written."""
    with openmetadata(catalogue).open() as opened:
        for parent in (SERVICE, DATABASE, SCHEMA):
            row = opened.encode(parent)
            opened.write(row.type, [row])
        yield opened


@dataclass
class Harness:
    """A sink, and what it holds: type -> FQN -> description."""

    sink: Sink
    held: Callable[[str], dict[str, str | None]]


@pytest.fixture(params=["metadata-rest", "metadata-rest 2.0", "file", "sql", "memory"])
def harness(request: pytest.FixtureRequest, tmp_path: Path) -> Harness:
    match request.param:
        case "metadata-rest" | "metadata-rest 2.0":
            server = "newer" if request.param.endswith("2.0") else "catalogue"
            running = request.getfixturevalue(server)
            return Harness(openmetadata(running), lambda kind: _held_by_server(running, kind))
        case "file":
            return Harness(File(path=str(tmp_path)), lambda kind: _held_in_file(tmp_path, kind))
        case "sql":
            path = tmp_path / "catalogue.db"
            return Harness(Sql(path=str(path)), lambda kind: _held_in_sqlite(path, kind))
        case _:
            name = uuid.uuid4().hex
            return Harness(Memory(name=name), lambda kind: _held_in_memory(name, kind))


def _held_by_server(running: StrictCatalogue, kind: str) -> dict[str, str | None]:
    from rayingest.sinks.openmetadata.places import COLLECTIONS

    held = running.entities(COLLECTIONS[kind])
    return {name: body.get("description") for name, body in held.items()}


def _held_in_file(folder: Path, kind: str) -> dict[str, str | None]:
    path = folder / f"{kind}.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    bodies = [json.loads(line) for line in lines]
    held = {body["fullyQualifiedName"]: body.get("description") for body in bodies}
    assert len(held) == len(bodies), "an entity has two lines"
    return held


def _held_in_sqlite(path: Path, kind: str) -> dict[str, str | None]:
    from rayingest.sinks.sql.schema import HOMES

    if not path.exists():
        return {}
    connection = sqlite3.connect(path)
    try:
        return dict(connection.execute(f"SELECT fqn, description FROM {HOMES[kind]}"))
    finally:
        connection.close()


def _held_in_memory(name: str, kind: str) -> dict[str, str | None]:
    held = store(name).entities(kind)
    return {fqn: body.get("description") for fqn, body in held.items()}
