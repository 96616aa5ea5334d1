"""`postgres-lineage`: where the columns of views come from, out of a real database into a catalogue."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rayingest.errors import ConfigError
from rayingest.testing import StrictCatalogue
from rayingest.testing.postgres import Server

from .running import TOKEN, World, database, with_role

SHOP = """
create schema sales; create schema report; drop schema public;
create table sales.customer (id int primary key, name text, "Mixed Case" int);
create table sales.bill (id int primary key, customer_id int references sales.customer, total numeric);
create view report.spent as
  select c.name, sum(b.total) as spent, max(c."Mixed Case") as "Most"
  from sales.customer c join sales.bill b on b.customer_id = c.id group by c.name;
create view report.best as
  with top as (select name, spent from report.spent where spent > 100) select name as who from top;
create materialized view report.everything as select * from sales.customer;
create view report.one as select 1 as one;
"""
EDGES = {
    ("sales.customer", "report.spent"): {
        "name": ["sales.customer.name"],
        "Most": ["sales.customer.Mixed Case"],
    },
    ("sales.bill", "report.spent"): {"spent": ["sales.bill.total"]},
    ("report.spent", "report.best"): {"who": ["report.spent.name"]},
    ("sales.customer", "report.everything"): {
        "id": ["sales.customer.id"],
        "name": ["sales.customer.name"],
        "Mixed Case": ["sales.customer.Mixed Case"],
    },
}
LINEAGE: dict[str, Any] = {"source": {"type": "postgres-lineage"}, "name": "lineage.yaml"}


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture(scope="module")
def server(postgres: Server) -> Server:
    return with_role(postgres)


@pytest.fixture(scope="module")
def views(server: Server) -> str:
    return database(server, "view_lineage", SHOP)


@pytest.fixture
def catalogue(contracts: Path) -> Iterator[StrictCatalogue]:
    with StrictCatalogue(token=TOKEN) as running:
        yield running
        assert running.validation_errors() == []


@pytest.fixture
def world(server: Server, views: str, catalogue: StrictCatalogue, tmp_path: Path) -> World:
    return World(server, views, catalogue, tmp_path)


def lineage(world: World, **changes: Any) -> Path:
    """A config of the lineage of what `world` reads."""
    options = {"type": "DatabaseLineage", **changes.pop("options", {})}
    return world.config(options=options, **LINEAGE, **changes)


def edges(world: World) -> dict[tuple[str, str], dict[str, list[str]]]:
    """What the catalogue knows: ends -> column of the view -> columns it comes from."""
    assert world.catalogue is not None
    prefix = f"svc.{world.database}."
    told = {}
    for name, body in world.catalogue.entities("lineage").items():
        ends = tuple(each.strip().removeprefix(prefix) for each in name.split("->"))
        details = body["edge"]["lineageDetails"]
        assert details["source"] == "ViewLineage"
        assert "select" in details["sqlQuery"].lower()
        told[ends] = {
            each["toColumn"].removeprefix(f"{prefix}{ends[1]}."): [
                column.removeprefix(prefix) for column in each["fromColumns"]
            ]
            for each in details.get("columnsLineage", ())
        }
    return told


@pytest.mark.parametrize("engine", ["local", pytest.param("ray", marks=pytest.mark.ray)])
def test_every_table_that_a_view_reads_is_told_with_its_columns(world: World, engine: str) -> None:
    world.run()
    run = world.run(lineage(world), engine=engine)
    assert (run.report.state, run.report.exit_code) == ("success", 0)
    assert {kind: book["ok"] for kind, book in run.report.types.items()} == {"table": 4}
    assert edges(world) == EDGES


def test_nothing_but_lineage_is_written_and_the_second_run_writes_nothing(world: World) -> None:
    world.run()
    before = world.outcome()
    world.run(lineage(world))
    assert world.outcome() == before
    assert world.catalogue is not None
    written = len(world.catalogue.log)
    again = world.run(lineage(world))
    assert len(world.catalogue.log) == written
    book = again.report.types["table"]
    assert (book["unchanged"], book["ok"]) == (3, 1)  # of the view of no table nothing is known
    assert again.report.exit_code == 0
    assert edges(world) == EDGES


def test_what_the_catalogue_does_not_have_is_told_and_not_guessed(world: World) -> None:
    world.run(world.config(options={"tableFilterPattern": {"excludes": ["bill"]}}))
    run = world.run(lineage(world))
    assert set(edges(world)) == EDGES.keys() - {("sales.bill", "report.spent")}
    assert run.report.unresolved == 1


def test_views_are_chosen_by_the_patterns_of_the_config(world: World) -> None:
    world.run()
    world.run(lineage(world, options={"tableFilterPattern": {"includes": ["best"]}}))
    assert edges(world).keys() == {("report.spent", "report.best")}


def test_lineage_into_files_needs_no_catalogue(world: World, tmp_path: Path) -> None:
    sink = {"type": "file", "config": {"path": str(tmp_path / "out")}}
    world.run(world.config(sink=sink))
    run = world.run(lineage(world, sink=sink))
    assert run.report.exit_code == 0
    assert len((tmp_path / "out" / "lineage.jsonl").read_text().splitlines()) == len(EDGES)


def test_a_config_that_asks_for_nothing_says_so(world: World) -> None:
    with pytest.raises(ConfigError, match="processViewLineage is false"):
        world.run(lineage(world, options={"processViewLineage": False}))


def test_tables_of_another_service_are_found_when_it_is_named(world: World) -> None:
    """A view over a table that the catalogue has in another service, by the same names."""
    world.run(world.config(source={"serviceName": "elsewhere"}))
    world.run(world.config(options={"tableFilterPattern": {"excludes": ["bill", "customer"]}}))
    named = {"processCrossDatabaseLineage": True, "crossDatabaseServiceNames": ["elsewhere"]}
    run = world.run(lineage(world, options=named))
    assert run.report.unresolved == 0
    found = {ends[0] for ends in edges(world)}
    assert found == {
        f"elsewhere.{world.database}.sales.customer",
        f"elsewhere.{world.database}.sales.bill",
        "report.spent",
    }
