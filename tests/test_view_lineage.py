"""`postgres-lineage`: where the columns of views come from, out of a real database into a catalogue."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

import rayingest as ri
from rayingest.errors import ConfigError
from rayingest.testing import Faults, StrictCatalogue
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


# --- what a view has no more ---

ONE = 'create or replace view report.spent as select name, 0.0::numeric as spent, 0 as "Most" from sales.customer'
TWO = SHOP.split("create view report.spent as")[1].split(";", maxsplit=1)[0]
OLD = ("sales.bill", "report.spent")


@pytest.fixture
def changing(
    server: Server, catalogue: StrictCatalogue, tmp_path: Path, request: pytest.FixtureRequest
) -> World:
    """A world with a database of its own, whose lineage is in the catalogue."""
    name = f"changing_{abs(hash(request.node.name))}"
    world = World(server, database(server, name, SHOP), catalogue, tmp_path)
    world.run()
    world.run(lineage(world))
    assert set(edges(world)) == EDGES.keys()
    return world


def do(world: World, *statements: str) -> None:
    with world.server.connect(world.database) as connection:
        for each in statements:
            connection.execute(each)


def put_by_hand(world: World, ends: tuple[str, str], source: str) -> None:
    """What somebody enters in the catalogue itself."""
    assert world.catalogue is not None
    one, other = (f"svc.{world.database}.{each}" for each in ends)
    with httpx2.Client(headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        path = f"{world.catalogue.url}/v1/lineage/table/name/{one}/table/name/{other}"
        told = {"source": source, "sqlQuery": "select by hand"}
        assert client.put(path, json=told).status_code == 200


def sources(world: World) -> dict[tuple[str, ...], str]:
    assert world.catalogue is not None
    return {
        tuple(
            each.strip().removeprefix(f"svc.{world.database}.") for each in name.split("->")
        ): body["edge"]["lineageDetails"]["source"]
        for name, body in world.catalogue.entities("lineage").items()
    }


def test_an_edge_that_a_view_has_no_more_is_deleted(changing: World) -> None:
    do(changing, ONE)
    run = changing.run(lineage(changing))
    assert set(sources(changing)) == EDGES.keys() - {OLD}
    assert run.report.types["lineage"]["deleted"] == 1
    assert run.report.exit_code == 0
    assert changing.catalogue is not None
    written = len(changing.catalogue.log)
    changing.run(lineage(changing))
    assert len(changing.catalogue.log) == written
    do(changing, f"create or replace view report.spent as {TWO}")
    changing.run(lineage(changing))
    assert edges(changing) == EDGES


def test_edges_that_others_wrote_stay(changing: World) -> None:
    ours, theirs = OLD, ("report.one", "report.spent")
    put_by_hand(changing, ours, "Manual")  # ours once, and now somebody's
    put_by_hand(changing, theirs, "ViewLineage")  # looks like ours, and never was
    do(changing, ONE)
    run = changing.run(lineage(changing))
    found = sources(changing)
    assert (found[ours], found[theirs]) == ("Manual", "ViewLineage")
    assert run.report.exit_code == 0


def test_nothing_is_deleted_while_a_name_of_the_view_is_unresolved(changing: World) -> None:
    do(changing, "create table sales.new (id int)", ONE + ", sales.new")
    run = changing.run(lineage(changing))
    assert run.report.unresolved == 1
    assert OLD in sources(changing)
    changing.run()  # the catalogue hears of the table
    changing.run(lineage(changing))
    assert set(sources(changing)) == EDGES.keys() - {OLD} | {("sales.new", "report.spent")}


@pytest.mark.parametrize(
    "wishes",
    [{"select": ["*.spent"]}, {"exclude": ["*.best"]}, {"dry_run": True}, {"preview": 9}],
    ids=lambda each: next(iter(each)),
)
def test_a_run_of_a_part_deletes_no_edge_and_the_next_whole_run_does(
    changing: World, wishes: dict[str, Any]
) -> None:
    do(changing, ONE)
    changing.run(lineage(changing), **wishes)
    assert OLD in sources(changing)
    changing.run(lineage(changing))
    assert OLD not in sources(changing)


def test_a_run_that_is_held_to_a_plan_deletes_no_edge_and_says_so(changing: World) -> None:
    do(changing, ONE)
    plan = ri.load(lineage(changing)).plan(allow_untested=True, sample=0)
    assert any("run --plan deletes none" in each for each in plan.caveats)
    run = changing.run(lineage(changing), plan=plan)
    (kept,) = run.report.withheld
    assert (kept.type, kept.rule, kept.count) == ("lineage", "plan", 1)
    assert "run without --plan" in kept.reason
    assert OLD in sources(changing)


def test_many_edges_at_once_wait_for_a_second_look(changing: World) -> None:
    names = [f"sales.t{number}" for number in range(7)]
    do(changing, *(f"create table {each} (id int)" for each in names))
    wide = "view report.wide as select 1 as one from"
    do(changing, f"create {wide} {', '.join(names)}")
    changing.run()
    changing.run(lineage(changing))
    do(changing, f"create or replace {wide} {names[0]}")
    run = changing.run(lineage(changing))
    (kept,) = run.report.withheld
    assert (kept.rule, kept.count) == ("many", 6)
    assert {(each, "report.wide") for each in names} <= sources(changing).keys()
    run = changing.run(lineage(changing))
    assert (run.report.withheld, run.report.types["lineage"]["deleted"]) == ([], 6)
    assert [each for each in names if (each, "report.wide") in sources(changing)] == names[:1]


def test_a_catalogue_that_does_not_delete_an_edge_is_asked_again(changing: World) -> None:
    assert changing.catalogue is not None
    do(changing, ONE)
    changing.catalogue.faults = Faults(fail_rate={403: 1.0}, only="DELETE")
    run = changing.run(lineage(changing))
    assert (run.report.exit_code, OLD in sources(changing)) == (3, True)
    assert any("edit lineage" in str(each.hint) for each in run.report.errors)
    changing.catalogue.faults = Faults()
    assert changing.run(lineage(changing)).report.exit_code == 0
    assert OLD not in sources(changing)


def test_a_line_of_a_file_goes_like_an_edge(server: Server, tmp_path: Path) -> None:
    world = World(server, database(server, "changing_file", SHOP), None, tmp_path)
    sink = {"type": "file", "config": {"path": str(tmp_path / "out")}}
    world.run(world.config(sink=sink))
    world.run(lineage(world, sink=sink))
    do(world, ONE)
    world.run(lineage(world, sink=sink))
    assert len((tmp_path / "out" / "lineage.jsonl").read_text().splitlines()) == len(EDGES) - 1


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
