"""Where each connector is tested: something real that tells the story, and what it is."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from rayingest.core.source import Capability, Connector, Grade
from rayingest.testing import mariadb, postgres
from rayingest.testing.rest import serving

from .dashboards import TOOLS

# These start for long, or are big: tests/connectors/<name>/test_server.py
ELSEWHERE = {"superset", "hive", "impala"}
STORIES = Path(__file__).parent / "stories"


@dataclass(frozen=True)
class Bed:
    """A place that tells the story: the connection to it, what answers there, and what that is worth.

    `compiled`: what the product has and this place cannot show, and why; its SQL is parsed in a test.
    `spelled`: texts that change from run to run, and what stands for them in the golden file.
    `connector`: the connector with another way to connect, where nothing can be had that speaks its
    protocol: its statements are answered by tables as the vendor documents them, and all is `compiled`.
    """

    connection: dict[str, Any]
    server: str
    grade: Grade
    compiled: Mapping[Capability, str] = field(default_factory=dict)
    spelled: Mapping[str, str] = field(default_factory=dict)
    connector: Connector | None = None


def story(name: str) -> list[str]:
    text = (STORIES / f"{name}.sql").read_text()
    return [each.strip() for each in text.split(";\n") if each.strip()]


@contextmanager
def on_postgres(kind: str, folder: Path) -> Iterator[Bed]:
    """PostgreSQL itself, or what stands in for one of its descendants."""
    with postgres.server() as server:
        server.create("story")
        with server.connect("story") as connection:
            for statement in story("postgres"):
                connection.execute(statement)
            version = connection.execute("show server_version").fetchone()[0]
        grade = Grade.CERTIFIED if kind == "Postgres" else Grade.COMPATIBLE
        yield Bed(server.config("story", type=kind), f"PostgreSQL {version}", grade)


@contextmanager
def on_mariadb(kind: str, grade: Grade) -> Iterator[Bed]:
    if why := mariadb.available():
        pytest.skip(why)
    with mariadb.server() as server:
        server.run(*story("mariadb"))
        with server.connect() as connection, connection.cursor() as cursor:
            cursor.execute("select version()")
            version = cursor.fetchone()[0].partition("-")[0]
        yield Bed(server.config(kind), f"MariaDB {version}", grade)


@contextmanager
def on_sqlite(folder: Path) -> Iterator[Bed]:
    path = folder / "story.db"
    with sqlite3.connect(path) as connection:
        for statement in story("sqlite"):
            connection.execute(statement)
    connection.close()
    yield Bed(
        {"type": "SQLite", "databaseMode": str(path)},
        f"SQLite {sqlite3.sqlite_version}",
        Grade.CERTIFIED,
    )


@contextmanager
def on_tool(name: str, folder: Path) -> Iterator[Bed]:
    tool = TOOLS[name]
    if tool.driver:
        pytest.importorskip(tool.driver)
    server, grade = "our server", Grade.DECLARED
    if tool.judge:
        server, grade = f"our server, judged by {tool.judge} {version(tool.judge)}", Grade.CONTRACT
    elif tool.specification:
        server, grade = f"our server, held against {tool.specification}", Grade.CONTRACT
    with serving(tool.world()) as url, tool.hurried():
        yield Bed({**tool.at(url), **tool.more(folder)}, server, grade)


BEDS: dict[str, Callable[[Path], Any]] = {
    "postgres": partial(on_postgres, "Postgres"),
    "timescale": partial(on_postgres, "Timescale"),
    "greenplum": partial(on_postgres, "Greenplum"),
    "mariadb": lambda folder: on_mariadb("MariaDB", Grade.CERTIFIED),
    "mysql": lambda folder: on_mariadb("Mysql", Grade.COMPATIBLE),
    "sqlite": on_sqlite,
    **{each: partial(on_tool, each) for each in TOOLS.keys() - ELSEWHERE},
}
# A connector with a folder of its own brings its bed: `bed(folder)` of tests/connectors/<name>/bed.py.
for path in sorted(Path(__file__).parent.glob("*/bed.py")):
    BEDS[path.parent.name] = import_module(f"{__package__}.{path.parent.name}.bed").bed
