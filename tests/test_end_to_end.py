"""From a real PostgreSQL to a strict catalogue: what arrives is what is there, as the user asked."""

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import rayingest as ri
from rayingest.core import fqn
from rayingest.model import EntityType
from rayingest.testing import StrictCatalogue
from rayingest.testing.catalogue import Faults
from rayingest.testing.hostile import HOSTILE, hostile
from rayingest.testing.postgres import Server
from rayingest.testing.shop import Shop, shop

from .running import COLLECTIONS, PASSWORD, ROLE, TOKEN, World, database, tells, with_role

SERVICE, DATABASES, SCHEMAS, TABLES, PROCEDURES = COLLECTIONS
FEW = "drop schema public; create schema a; create schema b; " + ";".join(
    f"create table {schema}.{name} (i int primary key)"
    for schema in "ab"
    for name in ("orders", "orders_tmp", "customers")
)


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture(scope="session")
def server(postgres: Server) -> Server:
    return with_role(postgres)


@dataclass(frozen=True)
class Filled:
    """A database and the shop that it was filled with."""

    name: str
    shop: Shop


@pytest.fixture(scope="session")
def filled(server: Server) -> Filled:
    made = shop(200)
    server.create("e2e_shop")
    with server.connect("e2e_shop") as connection:
        made.fill(connection)
    return Filled("e2e_shop", made)


@pytest.fixture(scope="session")
def nasty(server: Server) -> Filled:
    made = hostile()
    return Filled(database(server, "e2e_hostile", *made.blocks), made)


@pytest.fixture(scope="session")
def few(server: Server) -> str:
    return database(server, "e2e_few", FEW)


@pytest.fixture
def catalogue(contracts: Path) -> Iterator[StrictCatalogue]:
    with StrictCatalogue(token=TOKEN) as running:
        yield running
        assert running.validation_errors() == []


@pytest.fixture
def world(server: Server, filled: Filled, catalogue: StrictCatalogue, tmp_path: Path) -> World:
    return World(server, filled.name, catalogue, tmp_path)


@pytest.fixture
def small(server: Server, few: str, catalogue: StrictCatalogue, tmp_path: Path) -> World:
    """Two schemas of three tables."""
    return World(server, few, catalogue, tmp_path)


@pytest.fixture
def world_of(server: Server, catalogue: StrictCatalogue, tmp_path: Path) -> Callable[..., World]:
    def made(name: str, *statements: str) -> World:
        return World(server, database(server, name, *statements), catalogue, tmp_path)

    return made


def names(world: World, collection: str = TABLES) -> set[str]:
    """What arrived, without service and database."""
    found = (fqn.split(each)[2:] for each in world.outcome()[collection])
    return {".".join(each) for each in found}


# --- what is there arrives ---


def test_everything_that_the_shop_has_arrives(world: World, filled: Filled) -> None:
    run = world.run()
    counts = filled.shop.counts
    assert (run.report.state, run.report.exit_code) == ("success", 0)
    arrived = world.outcome()
    assert [len(arrived[each]) for each in COLLECTIONS] == [
        1,
        1,
        counts["schemas"],
        counts["tables"],
        counts["routines"],
    ]
    assert {kind: book["ok"] for kind, book in run.report.types.items()} == {
        "databaseService": 1,
        "database": 1,
        "databaseSchema": counts["schemas"],
        "table": counts["tables"],
        "storedProcedure": counts["routines"],
    }
    assert world.catalogue is not None
    assert world.catalogue.stats["columns"] == counts["columns"]
    assert world.catalogue.validation_errors() == []
    tables = arrived[TABLES].values()
    kinds = [each["tableType"] for each in tables]
    assert kinds.count("View") == counts["views"]
    assert kinds.count("MaterializedView") == counts["materialized"]
    assert kinds.count("Foreign") == counts["foreign"]
    assert sum("description" in each for each in tables) == counts["table_comments"]
    told = [column for each in tables for column in each["columns"] if column.get("description")]
    assert len(told) == counts["column_comments"]
    assert run.failures == []
    assert run.report.not_listed == []
    assert run.report.errors == []


FOREIGN_KEYS = """
select n.nspname || '.' || c.relname,
       array(select a.attname from unnest(k.conkey) with ordinality x(number, place)
               join pg_attribute a on a.attrelid = k.conrelid and a.attnum = x.number
              order by x.place)::text[],
       array(select m.nspname || '.' || t.relname || '.' || a.attname
               from unnest(k.confkey) with ordinality x(number, place)
               join pg_attribute a on a.attrelid = k.confrelid and a.attnum = x.number
               join pg_class t on t.oid = k.confrelid join pg_namespace m on m.oid = t.relnamespace
              order by x.place)::text[]
  from pg_constraint k join pg_class c on c.oid = k.conrelid
  join pg_namespace n on n.oid = c.relnamespace where k.contype = 'f'
"""


def test_foreign_keys_arrive_with_what_they_refer_to(world: World) -> None:
    world.run()
    with world.server.connect(world.database) as connection:
        there = {
            (table, tuple(columns), tuple(targets))
            for table, columns, targets in connection.execute(FOREIGN_KEYS)
        }
    prefix = f"svc.{world.database}."
    arrived = {
        (
            name.removeprefix(prefix),
            tuple(key["columns"]),
            tuple(each.removeprefix(prefix) for each in key["referredColumns"]),
        )
        for name, table in world.outcome()[TABLES].items()
        for key in table.get("tableConstraints", ())
        if key["constraintType"] == "FOREIGN_KEY"
    }
    assert len(there) > 20
    assert arrived == there


def test_keys_in_a_circle_and_to_oneself_arrive(world_of: Callable[..., World]) -> None:
    world = world_of(
        "e2e_circle",
        "create table a (i int primary key, b int, up int references a);"
        "create table b (i int primary key, a int references a);"
        "alter table a add foreign key (b) references b",
    )
    assert world.run().report.exit_code == 0
    keys = {
        (name.rpartition(".")[2], each["columns"][0], each["referredColumns"][0])
        for name, table in world.outcome()[TABLES].items()
        for each in table["tableConstraints"]
        if each["constraintType"] == "FOREIGN_KEY"
    }
    place = "svc.e2e_circle.public"
    assert keys == {
        ("a", "b", f"{place}.b.i"),
        ("a", "up", f"{place}.a.i"),
        ("b", "a", f"{place}.a.i"),
    }


def test_a_reference_out_of_the_filter_is_dropped_and_counted(
    world_of: Callable[..., World],
) -> None:
    world = world_of(
        "e2e_out",
        "create table hidden (i int primary key); create table seen (i int primary key);"
        "create table child (h int references hidden, s int references seen)",
    )
    run = world.run(world.config(options={"tableFilterPattern": {"excludes": ["^hidden$"]}}))
    assert (run.report.exit_code, run.report.unresolved) == (0, 1)
    assert run.report.filtered["table"] == 1
    child = world.outcome()[TABLES]["svc.e2e_out.public.child"]
    (key,) = child["tableConstraints"]
    assert key["referredColumns"] == ["svc.e2e_out.public.seen.i"]
    # What is found later is referred to later.
    assert world.run().report.unresolved == 0
    child = world.outcome()[TABLES]["svc.e2e_out.public.child"]
    assert len(child["tableConstraints"]) == 2


def test_hostile_names_survive(
    server: Server, nasty: Filled, catalogue: StrictCatalogue, tmp_path: Path
) -> None:
    world = World(server, nasty.name, catalogue, tmp_path)
    run = world.run()
    assert run.report.exit_code == 0
    arrived, counts = world.outcome(), nasty.shop.counts
    assert len(arrived[SCHEMAS]) == counts["schemas"]
    assert len(arrived[TABLES]) == counts["tables"]
    assert len(arrived[PROCEDURES]) == counts["routines"]
    assert catalogue.stats["columns"] == counts["columns"]
    with server.connect(nasty.name) as connection:
        there = {
            fqn.join("svc", nasty.name, schema, name)
            for schema, name in connection.execute(
                "select n.nspname, c.relname from pg_class c join pg_namespace n "
                "on n.oid = c.relnamespace where c.relkind in ('r', 'v') "
                "and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'"
            )
        }
    assert set(arrived[TABLES]) == there
    for name in HOSTILE:
        table = arrived[TABLES][fqn.join("svc", nasty.name, name, name)]
        assert [fqn.decode(each["name"]) for each in table["columns"]] == list(HOSTILE)
        assert table["description"] == name
        child = arrived[TABLES][fqn.join("svc", nasty.name, name, f"t {name}")]
        (key,) = child["tableConstraints"]
        assert key["referredColumns"] == [fqn.join("svc", nasty.name, name, name, name)]
    assert len(arrived[TABLES][f"svc.{nasty.name}.public.wide"]["columns"]) == 1000
    assert arrived[TABLES][f"svc.{nasty.name}.public.nothing"]["columns"] == []


def test_a_hostile_service_name_survives(small: World) -> None:
    run = small.run(small.config(source={"serviceName": 'my "shop".v1::x'}))
    assert run.report.exit_code == 0
    service = fqn.join('my "shop".v1::x')
    assert len(small.outcome()[TABLES]) == 6
    assert all(each.startswith(f"{service}.e2e_few.") for each in small.outcome()[TABLES])
    assert run.entity(f"{service}.e2e_few.a.orders").status == "ok"


# --- what the user asked for ---


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({}, "a.orders a.orders_tmp a.customers b.orders b.orders_tmp b.customers"),
        ({"schemaFilterPattern": {"includes": ["^A$"]}}, "a.orders a.orders_tmp a.customers"),
        ({"tableFilterPattern": {"excludes": [".*_tmp$"]}}, "a.orders a.customers b.orders b.customers"),
        ({"tableFilterPattern": {"includes": ["orders"], "excludes": ["orders_"]}}, "a.orders b.orders"),
        # re.match: anchored at the start only.
        ({"tableFilterPattern": {"includes": ["ord"]}}, "a.orders a.orders_tmp b.orders b.orders_tmp"),
        ({"tableFilterPattern": {"includes": ["rders"]}}, ""),
        (
            {
                "useFqnForFiltering": True,
                "tableFilterPattern": {"includes": [r"svc\.e2e_few\.b\.orders$"]},
            },
            "b.orders",
        ),
        ({"useFqnForFiltering": True, "schemaFilterPattern": {"excludes": [r"svc\.e2e_few\.b"]}},
         "a.orders a.orders_tmp a.customers"),
        ({"databaseFilterPattern": {"excludes": ["e2e"]}}, ""),
    ],
)  # fmt: skip
def test_filters_keep_what_openmetadata_would(small: World, options: Any, kept: str) -> None:
    run = small.run(small.config(options=options))
    assert run.report.exit_code == 0
    assert names(small) == set(kept.split())


def test_filtered_names_are_counted(small: World) -> None:
    run = small.run(small.config(options={"tableFilterPattern": {"excludes": [".*_tmp"]}}))
    assert run.report.filtered["table"] == 2
    assert run.report.types["table"]["discovered"] == 4


def test_all_databases_are_read_that_the_filter_keeps(
    server: Server, few: str, catalogue: StrictCatalogue, tmp_path: Path
) -> None:
    database(server, "e2e_other", "create table other (i int)")
    world = World(server, few, catalogue, tmp_path)
    config = world.config(
        connection={"ingestAllDatabases": True},
        options={"databaseFilterPattern": {"includes": ["^e2e_few$", "^e2e_other$"]}},
    )
    run = world.run(config)
    assert run.report.exit_code == 0
    assert set(world.outcome()[DATABASES]) == {"svc.e2e_few", "svc.e2e_other"}
    assert "svc.e2e_other.public.other" in world.outcome()[TABLES]
    assert len(world.outcome()[TABLES]) == 7


def test_owners_are_users_or_teams_that_the_catalogue_knows(world: World, filled: Filled) -> None:
    assert world.catalogue is not None
    user = world.catalogue.add_user("shop_owner")
    team = world.catalogue.add_team("shop_analyst")
    run = world.run(world.config(options={"includeOwners": True}))
    assert run.report.exit_code == 0
    arrived = world.outcome()
    schema = arrived[SCHEMAS][f"svc.{filled.name}.sales"]
    assert schema["owners"] == [{"id": user, "type": "user"}]
    owned = [each for each in arrived[TABLES].values() if each.get("owners")]
    assert len(owned) == filled.shop.counts["owned_tables"]
    procedure = arrived[PROCEDURES][f"svc.{filled.name}.sales.close_month"]
    assert procedure["owners"] == [{"id": team, "type": "team"}]
    # `postgres`, who owns the rest, is nobody in the catalogue.
    assert "owners" not in arrived[DATABASES][f"svc.{filled.name}"]


def test_owners_are_left_out_unless_they_are_asked_for(world: World) -> None:
    assert world.catalogue is not None
    world.catalogue.add_user("shop_owner")
    world.run()
    bodies = [body for found in world.outcome().values() for body in found.values()]
    assert not any(body.get("owners") for body in bodies)


@pytest.mark.parametrize("wanted", [True, False])
def test_policies_are_tags_if_tags_are_wanted(world: World, filled: Filled, wanted: bool) -> None:
    world.run(world.config(options={"includeTags": wanted}))
    tagged = [each for each in world.outcome()[TABLES].values() if each.get("tags")]
    assert len(tagged) == (filled.shop.counts["policies"] if wanted else 0)
    if wanted:
        (tag,) = tagged[0]["tags"]
        assert tag["tagFQN"] == "PostgresPolicyTags.own_rows"


@pytest.mark.parametrize("wanted", [True, False])
def test_ddl_is_there_if_it_is_wanted_and_views_always(
    world: World, filled: Filled, wanted: bool
) -> None:
    world.run(world.config(options={"includeDDL": wanted}))
    counts = filled.shop.counts
    views = counts["views"] + counts["materialized"]
    defined = [each for each in world.outcome()[TABLES].values() if each.get("schemaDefinition")]
    assert len(defined) == (counts["tables"] if wanted else views)
    with world.server.connect() as connection:
        connection.execute("drop database if exists e2e_rebuilt with (force)")


@pytest.mark.parametrize("stored", [True, False])
def test_the_password_is_in_the_service_alone_and_only_if_it_is_stored(
    small: World, stored: bool
) -> None:
    run = small.run(small.config(server={"storeServiceConnection": stored}))
    assert run.report.exit_code == 0
    assert small.catalogue is not None
    with_it = {each.collection for each in small.catalogue.log if PASSWORD.encode() in each.body}
    assert with_it == ({SERVICE} if stored else set())
    service = small.outcome()[SERVICE]["svc"]
    assert ("connection" in service) == stored
    if stored:
        assert service["connection"]["config"]["authType"] == {"password": PASSWORD}
        assert service["connection"]["config"]["username"] == ROLE


def test_the_connection_is_read_from_the_catalogue_when_the_config_has_none(small: World) -> None:
    assert small.catalogue is not None
    small.run()
    before = small.outcome()
    log = len(small.catalogue.log)
    run = small.run(small.config(source={"serviceConnection": None}))
    assert run.report.exit_code == 0
    assert run.report.types["table"]["discovered"] == 6
    assert small.outcome() == before
    assert small.outcome()[SERVICE]["svc"]["connection"]["config"]["username"] == ROLE
    assert not [each for each in small.catalogue.log[log:] if each.collection == SERVICE]


def test_an_ingestion_pipeline_hears_how_its_run_goes(small: World) -> None:
    assert small.catalogue is not None
    small.catalogue.add_ingestion_pipeline("svc.nightly")
    run = small.run(small.config(ingestionPipelineFQN="svc.nightly"))
    assert run.report.exit_code == 0
    told = [each["body"] for each in small.catalogue.writes("pipelineStatus")]
    assert [each["pipelineState"] for each in told] == ["running", "success"]
    assert {each["runId"] for each in told} == {run.id}
    source, sink = told[-1]["status"]
    assert (source["records"], source["errors"]) == (10, 0)
    assert sink["records"] == 10
    progress = [each["body"] for each in small.catalogue.writes("progress")]
    assert progress[-1]["progress"]["table"] == {"total": 6, "processed": 6}


def test_an_ingestion_pipeline_hears_of_a_failure(small: World) -> None:
    assert small.catalogue is not None
    small.catalogue.add_ingestion_pipeline("svc.nightly")
    wrong = {"authType": {"password": "wrong"}}
    run = small.run(small.config(ingestionPipelineFQN="svc.nightly", connection=wrong))
    assert run.report.exit_code == 1
    last = small.catalogue.writes("pipelineStatus")[-1]["body"]
    assert last["pipelineState"] == "failed"
    assert "password authentication failed" in json.dumps(last["status"])


def test_an_ingestion_pipeline_that_is_unknown_is_no_reason_to_fail(small: World) -> None:
    run = small.run(small.config(ingestionPipelineFQN="svc.unheard_of"))
    assert run.report.exit_code == 0


# --- trying out ---


def test_a_dry_run_writes_nothing_and_yet_validates(
    small: World, contracts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert small.catalogue is not None
    monkeypatch.setenv("RAYINGEST_CONTRACTS", str(contracts))
    run = small.run(dry_run=True)
    assert (run.report.state, run.report.exit_code) == ("success", 0)
    assert run.report.dry_run
    assert run.report.types["table"]["ok"] == 6
    assert small.catalogue.writes() == []


def test_a_dry_run_finds_what_the_schema_would_refuse(
    world_of: Callable[..., World], contracts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAYINGEST_CONTRACTS", str(contracts))
    from rayingest.sinks.openmetadata import dry

    class Strict:
        """A schema that no table called `b` fits."""

        def iter_errors(self, body: Any) -> Iterator[Any]:
            if body.get("name") == "b":
                yield type("Error", (), {"instance_path": ["name"], "message": "'b' is too short"})

    monkeypatch.setattr(dry, "validator", lambda kind: Strict() if kind == "table" else None)
    world = world_of("e2e_dry", "create table a (i int); create table b (i int)")
    run = world.run(dry_run=True)
    assert [each.id for each in run.failures] == ["svc.e2e_dry.public.b"]
    assert "too short" in run.failures[0].message
    assert world.catalogue is not None
    assert world.catalogue.writes() == []


def test_a_preview_is_n_entities_and_no_write(small: World) -> None:
    assert small.catalogue is not None
    run = small.run(preview=2)
    assert run.report.exit_code == 0
    assert [each["entityType"] for each in run.preview].count("table") == 2
    assert small.catalogue.writes() == []
    assert PASSWORD not in json.dumps(run.preview)


@pytest.mark.parametrize(
    ("wishes", "kept"),
    [
        ({"select": ["e2e_few.a.*"]}, "a.orders a.orders_tmp a.customers"),
        ({"select": ["svc.e2e_few.b.orders"]}, "b.orders"),
        ({"select": ["ORDERS"]}, "a.orders b.orders"),
        ({"exclude": ["*_tmp", "e2e_few.b.*"]}, "a.orders a.customers"),
        ({"select": ["*.a.*"], "exclude": ["customers"]}, "a.orders a.orders_tmp"),
    ],
)
def test_select_and_exclude_are_globs(small: World, wishes: Any, kept: str) -> None:
    assert small.run(**wishes).report.exit_code == 0
    assert names(small) == set(kept.split())


# --- again, elsewhere, and asked about ---


def test_a_second_run_changes_nothing(world: World) -> None:
    world.run()
    before = world.outcome()
    assert world.catalogue is not None
    written = len(world.catalogue.log)
    run = world.run()
    assert run.report.exit_code == 0
    assert world.outcome() == before
    assert len(world.catalogue.log) == written
    for book in run.report.types.values():
        assert book["unchanged"] == book["discovered"]


def test_a_full_refresh_writes_all_of_it_again(world: World) -> None:
    world.run()
    before = world.outcome()
    assert world.catalogue is not None
    written = len(world.catalogue.log)
    run = world.run(full_refresh=True)
    assert run.report.exit_code == 0
    assert world.outcome() == before
    # Services carry no hash, and a table with foreign keys is written in two steps.
    again = list(world.catalogue.log[written:])
    plain = {name for name, table in before[TABLES].items() if not _referring(table)} | set(
        before[PROCEDURES]
    )
    assert {each.outcome for each in again if each.fqn in plain} == {"unchanged"}
    assert {each.fqn for each in again} >= plain


def _referring(table: Any) -> bool:
    return any(each.get("referredColumns") for each in table.get("tableConstraints", ()))


@pytest.mark.parametrize("parallelism", [1, 7])
def test_any_parallelism_tells_the_same_story(
    world: World, parallelism: int, contracts: Path
) -> None:
    world.run(world.config(execution={"parallelism": 3}))
    reference = world.outcome()
    with StrictCatalogue(token=TOKEN) as other:
        world.catalogue = other
        run = world.run(world.config(execution={"parallelism": parallelism}), seed=parallelism)
        assert (run.report.exit_code, run.report.parallelism) == (0, parallelism)
        assert world.outcome() == reference
        assert other.validation_errors() == []


@pytest.mark.ray
def test_ray_tells_the_same_story(world: World, contracts: Path) -> None:
    world.run()
    reference = world.outcome()
    with StrictCatalogue(token=TOKEN) as other:
        world.catalogue = other
        run = world.run(engine="ray")
        assert (run.report.engine, run.report.exit_code) == ("ray", 0)
        assert world.outcome() == reference
        assert other.validation_errors() == []


@pytest.mark.ray
@pytest.mark.slow
def test_ray_loses_one_row_to_a_troubled_sink_and_nothing_else(world: World) -> None:
    world.run()
    reference = world.outcome()
    assert world.catalogue is not None
    world.catalogue.reset()
    lost = next(name for name, body in reference[TABLES].items() if not _referring(body))
    world.catalogue.faults = Faults(
        refuse=f"^{fqn.split(lost)[-1]}$", status_for_next=[(503, 5)], torn_next=2, down_next=3
    )
    run = world.run(world.config(execution={"sinkOutageSeconds": 60}), engine="ray")
    assert run.report.exit_code == 3
    assert [each.id for each in run.failures] == [lost]
    assert reference[TABLES].keys() - world.outcome()[TABLES].keys() == {lost}


def test_the_file_sink_tells_the_same_story(world: World, tmp_path: Path) -> None:
    world.run()
    arrived = world.outcome()
    sink = {"type": "file", "config": {"path": str(tmp_path / "out")}}
    run = world.run(world.config(sink=sink))
    assert run.report.exit_code == 0
    for collection, kind in (
        (SERVICE, "databaseService"),
        (DATABASES, "database"),
        (SCHEMAS, "databaseSchema"),
        (TABLES, "table"),
        (PROCEDURES, "storedProcedure"),
    ):
        lines = (tmp_path / "out" / f"{kind}.jsonl").read_text().splitlines()
        bodies = {body.pop("fullyQualifiedName"): body for body in map(json.loads, lines)}
        assert len(bodies) == len(lines)
        assert bodies.keys() == arrived[collection].keys()
        if kind != "databaseService":
            assert {name: _meant(body) for name, body in bodies.items()} == {
                name: _meant(body) for name, body in arrived[collection].items()
            }
        assert PASSWORD not in "".join(lines)


def _meant(body: Any) -> Any:
    """A body without the hash, which each sink makes its own way."""
    return {key: value for key, value in body.items() if key not in ("sourceHash", "tags")}


def test_the_sql_sink_tells_the_same_story(world: World, filled: Filled, tmp_path: Path) -> None:
    path = tmp_path / "catalogue.db"
    run = world.run(world.config(sink={"type": "sql", "config": {"url": f"sqlite:///{path}"}}))
    assert run.report.exit_code == 0
    counts = filled.shop.counts
    connection = sqlite3.connect(path)
    try:
        held = {
            name: connection.execute(f"select count(*) from {name}").fetchone()[0]  # noqa: S608
            for name in ("schemas", "tables", "procedures", "columns")
        }
        keys = "select count(*) from (select distinct table_fqn, number from foreign_keys)"
        referring = connection.execute(keys).fetchone()[0]
    finally:
        connection.close()
    assert held == {
        "schemas": counts["schemas"],
        "tables": counts["tables"],
        "procedures": counts["routines"],
        "columns": counts["columns"],
    }
    with world.server.connect(world.database) as connection:
        there = connection.execute("select count(*) from pg_constraint where contype = 'f'")
        assert referring == there.fetchone()[0]
    assert PASSWORD.encode() not in path.read_bytes()


def test_what_became_of_one_entity_can_be_asked(small: World) -> None:
    assert small.catalogue is not None
    small.catalogue.faults = Faults(refuse="^orders_tmp$")
    run = small.run()
    assert run.report.exit_code == 1  # 2 of 10
    good, bad = run.entity("svc.e2e_few.a.orders"), run.entity("svc.e2e_few.a.orders_tmp")
    assert (good.status, good.type, good.why) == ("ok", EntityType.TABLE, None)
    assert [each.outcome for each in good.written] == ["acknowledged"]
    assert good.descriptor is not None
    assert good.descriptor.scope == "svc.e2e_few.a"
    assert bad.status == "failed"
    assert bad.why is not None
    assert "orders_tmp is refused" in bad.why.message
    assert {each.id for each in run.failures} == {
        "svc.e2e_few.a.orders_tmp",
        "svc.e2e_few.b.orders_tmp",
    }
    assert "orders_tmp is refused" in repr(run.failures[0])
    with pytest.raises(KeyError, match="nowhere"):
        run.entity("nowhere")


def test_nothing_found_is_fine_and_names_the_filters(small: World) -> None:
    run = small.run(small.config(options={"tableFilterPattern": {"includes": ["nothing"]}}))
    assert (run.report.state, run.report.exit_code) == ("success", 0)
    tells(run.report, "Nothing was discovered", "tableFilterPattern", "--explain")
    assert run.directory is not None
    assert "tableFilterPattern" in (Path(run.directory.url) / "report.json").read_text()


def test_an_empty_database_is_fine_and_says_so(world_of: Callable[..., World]) -> None:
    world = world_of("e2e_empty", "drop schema public")
    run = world.run()
    assert (run.report.state, run.report.exit_code) == ("success", 0)
    tells(run.report, "Nothing was discovered", "database name")


@pytest.mark.parametrize(("limit", "code"), [("1", 1), ("5", 3), ("0", 1), ("0%", 3)])
def test_max_failures_ends_a_run_that_goes_wrong(small: World, limit: str, code: int) -> None:
    assert small.catalogue is not None
    small.catalogue.faults = Faults(refuse="^orders_tmp$")
    config = small.config(workflow={"successThreshold": 50})
    run = small.run(config, max_failures=limit)  # a share counts only when a hundred have ended
    assert run.report.exit_code == code
    if code == 1:
        tells(run.report, "--max-failures")


def test_a_time_limit_ends_in_5_and_says_so(small: World) -> None:
    assert small.catalogue is not None
    small.catalogue.faults = Faults(delay_ms=400)
    run = small.run(timeout=0.6)
    assert (run.report.state, run.report.exit_code) == ("stalled", 5)
    tells(run.report, "The time limit of 1 s passed", "not reached")


def test_progress_can_be_watched(small: World) -> None:
    seen: list[Any] = []
    main = threading.current_thread()

    def observe(snapshot: Any) -> None:
        assert threading.current_thread() is main
        seen.append(snapshot)

    small.run(observe=observe)
    assert seen[-1].types["table"]["ok"] == 6
    assert not seen[-1].listing


def test_the_python_api_reads_well(small: World) -> None:
    job = ri.load(small.config())
    assert repr(job) == "<Job postgres:svc -> metadata-rest, LOCAL>"
    run = job.run(allow_untested=True)
    assert run.ok
    assert repr(run).startswith(f"<Run {run.id} success: Success: 10 of 10 entities ingested")
    assert repr(run.entity("svc.e2e_few.a.orders")) == "<table svc.e2e_few.a.orders ok>"
    assert "<table>" in run._repr_html_()


def test_a_table_that_is_processed_alone_keeps_its_foreign_keys(
    world_of: Callable[..., World],
) -> None:
    """What it refers to was written by another run: the catalogue is asked."""
    world = world_of(
        "e2e_alone",
        "create table parent (id int primary key);"
        "create table child (id int primary key, parent_id int references parent)",
    )
    world.run()
    before = world.outcome()[TABLES]
    job = ri.load(world.config())
    run = job.process(job.find(["e2e_alone.public.child"]))
    assert (run.report.state, run.report.unresolved) == ("success", 0)
    assert world.outcome()[TABLES] == before
    (key,) = before["svc.e2e_alone.public.child"]["tableConstraints"]
    assert key["constraintType"] == "FOREIGN_KEY"
