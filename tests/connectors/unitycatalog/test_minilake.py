# ruff: noqa: S608 - rows for the emulator, of our own words
"""Unity Catalog by minilake: its listings, and our statements executed by DuckDB; judged by Databricks' client.

What it cannot show (views, partitions, pages, refusals) is in test_world.py. Tags and recorded lineage are
rows of tables that `rayingest.testing.servers.minilake_app` adds to it.
"""

import time

import pytest

from rayingest.connectors.database import databricks, unitycatalog
from rayingest.core.source import Described
from rayingest.kit.sql.flows import Flow
from rayingest.model import EntityType
from rayingest.testing.probe import Probe
from rayingest.testing.servers import minilake

TABLES = EntityType.TABLE
TYPES = {
    "a_boolean": ("boolean", "BOOLEAN"),
    "a_byte": ("tinyint", "TINYINT"),
    "a_short": ("smallint", "SMALLINT"),
    "an_int": ("int", "INT"),
    "a_long": ("bigint", "BIGINT"),
    "a_float": ("float", "FLOAT"),
    "a_double": ("double", "DOUBLE"),
    "a_decimal": ("decimal(12,3)", "DECIMAL"),
    "a_string": ("string", "STRING"),
    "a_varchar": ("varchar(9)", "VARCHAR"),
    "a_binary": ("binary", "BINARY"),
    "a_date": ("date", "DATE"),
    "a_time": ("timestamp", "TIMESTAMP"),
    "a_local_time": ("timestamp_ntz", "TIMESTAMP"),
    "a_span": ("interval", "INTERVAL"),
    "an_array": ("array<array<int>>", "ARRAY"),
    "a_map": ("map<string,struct<a:int>>", "MAP"),
    "a_struct": ("struct<a:int,b:struct<c:decimal(4,1)>>", "STRUCT"),
}


@pytest.fixture(scope="module")
def server():
    if why := minilake.ENVIRONMENT.available():
        pytest.skip(why)
    with minilake.server() as running:
        yield running


@pytest.fixture(scope="module")
def make(server):
    """A catalog with tables by their columns, and the connector at it."""

    def create(catalog, tables, *statements, connector=unitycatalog.CONNECTOR):
        server.make("catalogs", name=catalog)
        server.make("schemas", name="s", catalog_name=catalog)
        for name, columns in tables.items():
            listed = [{"name": each, "type_text": text} for each, text in columns.items()]
            server.make("tables", name=name, catalog_name=catalog, schema_name="s", columns=listed)
        for each in statements:
            server.run(each, catalog, "s")
        config = server.config(connector.service_type, catalog=catalog)
        return Probe(connector, config)

    return create


def tables_of(probe, **changes):
    """As a run would read them, with keys and tags."""
    settings = probe.settings(**changes)
    shared = probe.connector.prepare(settings, None)
    with probe.connector.open(settings, shared) as source:
        found = [e for e in source.discover_entities(TABLES) if isinstance(e, Described)]
    return {each.descriptor.metadata["name"]: each.entities[0] for each in found}


def test_types(make):
    probe = make("types", {"all_of_them": {name: text for name, (text, _) in TYPES.items()}})
    columns = {each.name: each for each in tables_of(probe)["all_of_them"].columns}
    assert {name: each.data_type for name, each in columns.items()} == {
        name: kind for name, (_, kind) in TYPES.items()
    }
    assert {name: each.data_type_display for name, each in columns.items()} == {
        name: text for name, (text, _) in TYPES.items()
    }
    assert (columns["a_decimal"].precision, columns["a_decimal"].scale) == (12, 3)
    assert columns["an_array"].array_data_type == "ARRAY"
    value = columns["a_map"].children[1]
    assert [each.name for each in value.children] == ["a"]
    assert columns["a_struct"].children[1].children[0].data_type_display == "decimal(4,1)"


def test_keys_of_several_columns_and_of_other_schemas(make):
    probe = make(
        "keyed",
        {},
        "create table parent (a int, b int, primary key (a, b))",
        "create table child (x int, y int, z int unique, foreign key (x, y) references parent (a, b))",
    )
    found = tables_of(probe)
    (primary,) = found["parent"].constraints
    assert (primary.constraint_type, primary.columns) == ("PRIMARY_KEY", ("a", "b"))
    (foreign,) = found["child"].constraints
    assert foreign.referred_columns == ("svc.keyed.s.parent.a", "svc.keyed.s.parent.b")
    assert str(found["child"].columns[2].constraint) == "UNIQUE"


def test_keys_of_another_catalog_are_not_taken_for_ours(make):
    one = make("twin_a", {}, "create table t (id int primary key)")
    other = make("twin_b", {}, "create table t (id int)")
    assert str(tables_of(one)["t"].columns[0].constraint) == "PRIMARY_KEY"
    assert str(tables_of(other)["t"].columns[0].constraint) == "NULL"


def test_tags_by_the_documented_columns(make):
    into = "insert into system.information_schema."
    probe = make(
        "tagged",
        {"t": {"id": "int", "name": "string"}},
        into
        + "table_tags values ('tagged', 's', 't', 'pii', 'high'), ('else', 's', 't', 'a', 'b')",
        into + "column_tags values ('tagged', 's', 't', 'name', 'gold', '')",
        into + "schema_tags values ('tagged', 's', 'team', 'web')",
        into + "catalog_tags values ('tagged', 'cost', '7')",
        connector=databricks.CONNECTOR,
    )
    found = tables_of(probe)["t"]
    assert [(each.classification, each.name) for each in found.tags] == [("pii", "high")]
    assert [[(tag.classification, tag.name) for tag in each.tags] for each in found.columns] == [
        [],
        [("UnityCatalogTags", "gold")],
    ]
    assert not tables_of(probe, options={"includeTags": False})["t"].tags


def test_recorded_lineage_by_the_documented_columns(make, server):
    """Each pair once; without what is only read or written, what has a path only, itself, other catalogs, old days."""
    columns = (
        "source_table_full_name, source_table_catalog, source_table_schema, source_table_name, "
    )
    columns += columns.replace("source", "target")

    def happened(source, target, *names, ago=0):
        places = []
        for each in (source, target):
            parts = [None, None, None] if each is None else each.split(".")
            places += [each, *parts]
        told = ", ".join("null" if each is None else f"'{each}'" for each in (*places, *names))
        table = "column_lineage" if names else "table_lineage"
        more = "source_column_name, target_column_name, " if names else ""
        server.run(
            f"insert into system.access.{table} ({columns}{more}event_date) "
            f"values ({told}, current_date() - interval {ago} day)"
        )

    probe = make("fed", {"a": {"id": "int"}, "b": {"id": "int", "other": "int"}})
    for _ in range(3):
        happened("fed.s.a", "fed.s.b")
        happened("fed.s.a", "fed.s.b", "id", "id")
    happened("elsewhere.s.x", "fed.s.b", "y", "other", ago=1)
    happened("fed.s.old", "fed.s.b", ago=2)
    happened("fed.s.b", "fed.s.b", "id", "other")
    happened("fed.s.a", None)
    happened("fed.s.a", None, "id", None)
    happened(None, "fed.s.b")
    happened("fed.s.a", "elsewhere.s.x")
    with probe.open() as source:
        flows = {days: [*source.flows(days)] for days in (0, 1, 30)}
        before = source.calls
        [*source.flows(1)]
        assert source.calls - before == 1
    a, b, x = ("fed", "s", "a"), ("fed", "s", "b"), ("elsewhere", "s", "x")
    assert set(flows[0]) == {Flow(a, b), Flow(a, b, "id", "id")}
    assert set(flows[1]) == {*flows[0], Flow(x, b, "y", "other")}
    assert set(flows[30]) == {*flows[1], Flow(("fed", "s", "old"), b)}
    assert [len(each) for each in flows.values()] == [2, 3, 4]
    with probe.open(databaseSchema="S") as source:
        assert set(source.flows(1)) == set(flows[1])
    with probe.open(databaseSchema="t") as source:
        assert not [*source.flows(1)]


def test_what_is_listed_is_what_is_asked_for(make):
    probe = make("same", {"t": {"id": "int"}, "u": {"a": "array<int>"}})
    by_name = {each.name: each for each in probe.entities(TABLES).values()}
    assert tables_of(probe) == by_name


def test_databricks_own_client_reads_the_same(make, server):
    """The emulator's answers are the vendor's: its client finds in them what we do."""
    sdk = pytest.importorskip("databricks.sdk")
    probe = make("judged", {"t": {"id": "int", "a": "array<struct<b:string>>"}, "u": {"x": "date"}})
    client = sdk.WorkspaceClient(host=server.url, token=minilake.TOKEN, auth_type="pat")
    theirs = {
        each.name: [(column.name, column.type_text) for column in each.columns]
        for each in client.tables.list("judged", "s")
    }
    ours = {
        name: [(column.name, column.data_type_display) for column in each.columns]
        for name, each in tables_of(probe).items()
    }
    assert ours == theirs


def test_a_table_takes_less_than_half_a_millisecond(make):
    """Of this process, with its columns; the median of five, for the machine is shared."""
    tables = {f"t{at}": {f"c{each}": "string" for each in range(8)} for at in range(60)}
    probe = make("many", tables)
    settings = probe.settings()
    seconds = []
    with probe.connector.open(settings) as source:
        for _ in range(5):
            before = time.process_time()
            found = sum(
                isinstance(e, Described) for e in source.discover_entities(TABLES, "svc.many.s")
            )
            seconds.append((time.process_time() - before) / found)
    assert sorted(seconds)[2] < 0.0005
