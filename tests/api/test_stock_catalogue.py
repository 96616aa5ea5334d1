"""A catalogue that the stock client has filled: what would a run of ours change?

The database is made anew from what that client said of it: types as they are displayed, keys, comments, views.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

import rayingest as ri
from rayingest.core import fqn
from rayingest.testing import StrictCatalogue
from rayingest.testing.postgres import Server

from .. import recorded
from ..running import TOKEN, World

NOT_NULL = {"NOT_NULL", "PRIMARY_KEY"}

pytestmark = recorded.needs_recorded


@pytest.fixture
def database(postgres: Server) -> Iterator[Server]:
    """A server with a database `shop`."""
    postgres.create("shop")
    with postgres.connect("shop") as connection:
        connection.execute("drop schema public")
        for each in made_of(recorded.tables()):
            connection.execute(each)
    yield postgres
    with postgres.connect() as connection:
        connection.execute("drop database shop")


def made_of(tables: dict[str, Any]) -> Iterator[str]:
    """Statements that make such tables and views."""
    for schema in sorted({body["databaseSchema"] for body in tables.values()}):
        yield f"create schema {schema.rpartition('.')[2]}"
    for name, body in tables.items():
        if body["tableType"] == "Regular":
            lines = [_column(each) for each in body["columns"]]
            lines += [
                f"unique ({', '.join(each['columns'])})"
                for each in body.get("tableConstraints", ())
                if each["constraintType"] == "UNIQUE"
            ]
            yield f"create table {_local(name)} ({', '.join(lines)})"
            yield from _comments(name, body)
    for name, body in tables.items():
        for each in body.get("tableConstraints", ()):
            if each["constraintType"] == "FOREIGN_KEY":
                (to,) = each["referredColumns"]
                table, _, column = to.rpartition(".")
                keys = ", ".join(each["columns"])
                yield (
                    f"alter table {_local(name)} add foreign key ({keys}) "
                    f"references {_local(table)} ({column})"
                )
        if body["tableType"] == "View":
            yield body["schemaDefinition"]


def _local(name: str) -> str:
    return ".".join(fqn.split(name)[-2:])


def _column(body: dict[str, Any]) -> str:
    constraint = body.get("constraint")
    key = " primary key" if constraint == "PRIMARY_KEY" else ""
    unique = " unique" if constraint == "UNIQUE" else ""
    null = " not null" if constraint in NOT_NULL else ""
    return f"{body['name']} {body['dataTypeDisplay']}{null}{key}{unique}"


def _comments(name: str, body: dict[str, Any]) -> Iterator[str]:
    if text := body.get("description"):
        yield f"comment on table {_local(name)} is '{text}'"
    for each in body["columns"]:
        if text := each.get("description"):
            yield f"comment on column {_local(name)}.{each['name']} is '{text}'"


@pytest.fixture
def filled() -> Iterator[StrictCatalogue]:
    """A catalogue that was sent just what the stock client sends."""
    with StrictCatalogue(token=TOKEN, version="2.0.7") as catalogue:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        with httpx2.Client(headers=headers, timeout=60) as client:
            base = catalogue.url.removesuffix("/api")
            for each in recorded.requests():
                if each["method"] == "PUT":
                    answer = client.put(f"{base}{each['path']}", json=each["body"])
                    assert answer.is_success, answer.text
            for name, patch in recorded.patches().items():
                found = client.get(f"{catalogue.url}/v1/tables/name/{name}").json()
                answer = client.patch(
                    f"{catalogue.url}/v1/tables/{found['id']}",
                    json=patch,
                    headers={"Content-Type": "application/json-patch+json"},
                )
                assert answer.is_success, answer.text
        yield catalogue
        assert catalogue.validation_errors() == []


@pytest.fixture
def job(database: Server, filled: StrictCatalogue, tmp_path: Path) -> ri.Job:
    """What ingests that database into that catalogue."""
    config = World(database, "shop", filled, tmp_path).config(
        source={"serviceName": "pgtest"},
        connection={"username": database.user, "authType": {"password": database.password}},
    )
    return ri.load(config, flags={"engine": "local"})


def test_a_run_would_change_nothing_but_what_another_postgresql_spells_otherwise(
    job: ri.Job,
) -> None:
    """A newer PostgreSQL than the recorded one writes `SELECT id` where that wrote `SELECT t0.id`."""
    made = job.compare()
    tables = recorded.tables().values()
    views = sum(each["tableType"] == "View" for each in tables)
    told = made.types["table"]
    assert (told.here, told.there, told.changed) == (len(tables), len(tables), views)
    assert [(each.field, each.how, each.count) for each in made.fields] == [
        ("schemaDefinition", "differs", views)
    ]
    (sample, *_) = made.fields[0].samples
    assert sample.here == sample.there.replace("t0.id", "id").replace("t0.c1", "c1")
    assert (made.create, made.only_there, made.renamed) == ([], [], [])
    others = {name: each for name, each in made.types.items() if name != "table"}
    assert {name: (each.same, each.changed) for name, each in others.items()} == {
        "databaseService": (1, 0),
        "database": (1, 0),
        "databaseSchema": (2, 0),
    }


def test_and_what_has_changed_since_is_told(database: Server, job: ri.Job) -> None:
    with database.connect("shop") as connection:
        connection.execute("alter table hr.t9 add column more text")
        connection.execute("alter table hr.t8 alter column c2 type varchar(41)")
        connection.execute("drop table sales.t83")
        connection.execute("create table sales.newer (id int)")
    made = job.compare()
    found = {(each.field, each.how) for each in made.fields if each.field != "schemaDefinition"}
    assert found == {
        ("columns[]", "here"),
        ("columns[].dataLength", "differs"),
        ("columns[].dataTypeDisplay", "differs"),
    }
    assert made.create == [("table", "pgtest.shop.sales.newer")]
    assert made.only_there == [("table", "pgtest.shop.sales.t83")]


def test_after_a_run_nothing_differs_and_nothing_is_gone(
    job: ri.Job, filled: StrictCatalogue
) -> None:
    before = filled.entities("tables").keys()
    assert job.run().report.exit_code == 0
    assert filled.entities("tables").keys() == before
    made = job.compare()
    assert (made.fields, made.create, made.only_there) == ([], [], [])
    assert made.types["table"].same == len(before)
