"""DuckDB through the generic tier: types, keys, names, faults."""

import pickle

import msgspec
import pytest

from rayingest.connectors.database.duckdb import CONNECTOR
from rayingest.core import fqn
from rayingest.core.source import ScopeListed, ScopeOpened
from rayingest.errors import ConfigError, Gone, Unreachable
from rayingest.model import EntityType, TableType
from rayingest.testing.probe import of, sort

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:duckdb_engine")
TABLE, SCHEMA = EntityType.TABLE, EntityType.DATABASE_SCHEMA
HOSTILE = [
    'a"b',
    "a'b",
    "a.b",
    "a::b",
    "select",
    "Ünïcödé 🛒",
    "%s",
    ":x",
    "?",
    "a\nb",
    "[x]",
    " ",
    "--",
]


def ident(name):
    return '"' + name.replace('"', '""') + '"'


@pytest.fixture
def shop(make):
    return make(
        "create table a (i int primary key, u varchar unique, d decimal(10,2) not null, l int[],"
        ' s struct(a int, "b c" varchar[]), m map(varchar, int), e timestamptz, h hugeint,'
        " k uuid, j json, x enum('p', 'q'), g int generated always as (i + 1))",
        "create table b (x int references a (i), y int, z int, primary key (z, y), unique (x, y))",
        "create view v as select i, u from a",
        "create schema other",
        "create table other.c (i int)",
        "comment on table a is 'hey'",
        "comment on column a.u is 'you'",
        "comment on view v is 'a view'",
    )


def test_columns(shop):
    table = shop.entities(TABLE)["svc.shop.main.a"]
    assert table.description == "hey"
    assert [(c.name, c.data_type, c.constraint, c.description) for c in table.columns] == [
        ("i", "INT", "PRIMARY_KEY", None),
        ("u", "VARCHAR", "UNIQUE", "you"),
        ("d", "DECIMAL", "NOT_NULL", None),
        ("l", "ARRAY", "NULL", None),
        ("s", "STRUCT", "NULL", None),
        ("m", "MAP", "NULL", None),
        ("e", "TIMESTAMPZ", "NULL", None),
        ("h", "LARGEINT", "NULL", None),
        ("k", "UUID", "NULL", None),
        ("j", "JSON", "NULL", None),
        ("x", "ENUM", "NULL", None),
        ("g", "INT", "NULL", None),
    ]
    _, u, d, items, struct, *_ = table.columns
    assert (u.data_length, d.precision, d.scale, items.array_data_type) == (1, 10, 2, "INT")
    assert [(c.name, c.data_type, c.array_data_type) for c in struct.children] == [
        ("a", "INT", None),
        ("b c", "ARRAY", "VARCHAR"),
    ]


def test_keys_and_views(shop):
    tables = shop.entities(TABLE)
    assert [
        (k.constraint_type, k.columns, k.referred_columns)
        for k in tables["svc.shop.main.b"].constraints
    ] == [
        ("PRIMARY_KEY", ("z", "y"), ()),
        ("UNIQUE", ("x", "y"), ()),
        ("FOREIGN_KEY", ("x",), ("svc.shop.main.a.i",)),
    ]
    view = tables["svc.shop.main.v"]
    assert (view.table_type, view.description) == (TableType.VIEW, "a view")
    assert view.schema_definition.startswith("CREATE VIEW v")
    assert tables["svc.shop.main.b"].schema_definition is None
    told = shop.entities(TABLE, options={"includeDDL": True})["svc.shop.main.b"].schema_definition
    assert told.startswith("CREATE TABLE b(")


def test_schemas_are_opened_as_scopes(shop):
    listing = shop.listing()
    assert [(each.type, each.scope) for each in listing if isinstance(each, ScopeOpened)] == [
        (SCHEMA, "svc.shop"),
        (TABLE, "svc.shop.main"),
        (TABLE, "svc.shop.other"),
    ]
    ends = {
        (each.type, each.scope): each.count for each in listing if isinstance(each, ScopeListed)
    }
    assert ends == {
        (EntityType.DATABASE, "svc"): 1,
        (SCHEMA, "svc.shop"): 2,
        (TABLE, "svc.shop.main"): 3,
        (TABLE, "svc.shop.other"): 1,
    }
    with shop.open() as source:
        everywhere = of(source.discover_entities(TABLE))
        assert [each.id for each in everywhere] == [
            each.id for each in of(listing) if each.type is TABLE
        ]
        assert [each.id for each in of(source.discover_entities(TABLE, "svc.shop"))] == [
            each.id for each in everywhere
        ]


def test_filters_and_one_schema(shop):
    kept = shop.descriptors(TABLE, filters={"schemaFilterPattern": {"excludes": ["main"]}})
    assert [each.id for each in kept] == ["svc.shop.other.c"]
    kept = shop.descriptors(
        TABLE,
        filters={
            "tableFilterPattern": {"includes": ["svc.shop.main.a"]},
            "useFqnForFiltering": True,
        },
    )
    assert [each.id for each in kept] == ["svc.shop.main.a"]
    assert [each.id for each in shop.descriptors(TABLE, databaseSchema="other")] == [
        "svc.shop.other.c"
    ]
    views = shop.descriptors(TABLE, options={"includeTables": False})
    assert [each.id for each in views] == ["svc.shop.main.v"]


def test_names_come_out_as_they_went_in(make):
    columns = ", ".join(f"{ident(each)} int" for each in HOSTILE)
    made = []
    for name in HOSTILE:
        made += [
            f"create schema {ident(name)}",
            f"create table {ident(name)}.{ident(name)} ({columns}, primary key ({ident(name)}))",
            f"create table {ident(name)}.r (i int references {ident(name)}.{ident(name)} ({ident(name)}))",
        ]
    probe = make(*made, f"create table wide ({', '.join(f'c{i} int' for i in range(1000))})")
    tables = probe.entities(TABLE)
    assert len(tables) == 2 * len(HOSTILE) + 1
    for name in HOSTILE:
        table = tables[fqn.join("svc", "shop", name, name)]
        assert [each.name for each in table.columns] == HOSTILE
        assert [each.name for each in table.columns if each.constraint == "PRIMARY_KEY"] == [name]
        (key,) = tables[fqn.join("svc", "shop", name, "r")].constraints
        assert key.referred_columns == (fqn.child(table.fqn, name),)
    assert len(tables["svc.shop.main.wide"].columns) == 1000
    probe.agree(TABLE)
    for each in of(probe.listing()):
        assert len(msgspec.json.encode(each)) < 1000
        assert pickle.loads(pickle.dumps(each)) == each


def test_statements_per_table(make):
    probe = make(*(f"create table t{i} (id int primary key, a int)" for i in range(200)))
    with probe.open() as source:
        listed = of(source.discover_entities(SCHEMA, "svc.shop")) + of(
            source.discover_entities(TABLE, "svc.shop.main")
        )
        assert len(listed) == 201
        found, _ = sort(source.process_entities(listed))
        assert sum(len(each.columns) for each in found.values() if each.type is TABLE) == 400
        assert source.calls / 200 <= 0.05


def test_a_dropped_table_is_gone(make):
    probe = make("create table t (i int)", "create table u (i int)")
    descriptors = probe.descriptors(TABLE)
    make("drop table t")
    with probe.open() as source:
        found, failed = sort(source.process_entities(descriptors))
    assert list(found) == ["svc.shop.main.u"]
    assert isinstance(failed["svc.shop.main.t"], Gone)


def test_files_that_cannot_be_read(make, tmp_path):
    probe = make()
    with pytest.raises(Unreachable, match="does not exist"):
        probe.open(database=str(tmp_path / "no")).__enter__()
    other = tmp_path / "other.db"
    other.write_bytes(b"x" * 20_000)
    with pytest.raises(Unreachable, match="does not answer"):
        probe.open(database=str(other)).__enter__()
    with pytest.raises(ConfigError, match="nothing to read"):
        probe.open(database=":memory:").__enter__()
    assert [each.status for each in CONNECTOR.check(probe.settings(database=str(other)))] == [
        "failed"
    ]
    assert {each.status for each in CONNECTOR.check(probe.settings())} == {"ok"}


def test_the_connector_pickles():
    assert pickle.loads(pickle.dumps(CONNECTOR)).service_type == "CustomDatabase"
