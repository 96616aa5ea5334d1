"""ClickHouse as a source: names, filters, statements, privileges, faults."""

import pickle
import time
from collections import Counter

import msgspec
import pytest

from rayingest.connectors.database.clickhouse import CONNECTOR
from rayingest.core import fqn
from rayingest.core.source import EntityDescriptor, ScopeListed
from rayingest.errors import Gone, Permanent
from rayingest.kit.sql.clickhouse.text import quoted
from rayingest.model import EntityType
from rayingest.testing.probe import of, sort

TABLE, SCHEMA = EntityType.TABLE, EntityType.DATABASE_SCHEMA
SCHEMES = ("clickhouse+http", "clickhouse+native")
HOSTILE = [
    'a"b', "a'b", "a.b", "a::b", "a>b", "a`b", "select", "Ünïcödé", "漢字", "😀", " x", "x ", "%s", "%(x)s",
    "?", ":x", "{x}", "{0}", "a\nb", "a\\b", "a\\'b", "--", "a;drop table b", "#x", "Twin", "twin", "x" * 60,
]  # fmt: skip


@pytest.fixture(scope="module")
def nasty(make, server):
    body = ", ".join(f"{quoted(each)} UInt8" for each in HOSTILE)
    probe = make(
        "nasty",
        *(
            f"create table nasty.{quoted(n)} ({body}) engine = MergeTree order by {quoted(n)}"
            for n in HOSTILE
        ),
        f"create table nasty.wide ({', '.join(f'c{i} UInt8' for i in range(1000))}) engine = Log",
    )
    for name in HOSTILE:
        place = quoted("n." + name)
        server.run(
            f"create database {place}",
            f"create table {place}.{quoted(name)} (i UInt8) engine = Log",
        )
    yield probe
    for name in HOSTILE:
        server.run(f"drop database {quoted('n.' + name)}")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_names_come_out_as_they_went_in(nasty, whole, scheme):
    tables = whole(scheme).entities(TABLE)
    for name in HOSTILE:
        table = tables[fqn.join("svc", "default", "nasty", name)]
        assert table.name == name
        assert [each.name for each in table.columns] == HOSTILE
        assert [each.columns for each in table.constraints] == [(name,)]
        assert tables[fqn.join("svc", "default", "n." + name, name)].name == name
    assert len(tables[fqn.join("svc", "default", "nasty", "wide")].columns) == 1000
    nasty.agree(TABLE)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_name_that_is_not_utf_8_costs_itself_alone(make, scheme):
    probe = make(
        "raw",
        "create table raw.`a\\xff` (x UInt8) engine = Log",
        "create table raw.ok (`c\\xfe` UInt8, d UInt8) engine = Log",
        scheme=scheme,
    )
    found, failed = probe.answers(TABLE)
    assert [each.name for each in found["svc.default.raw.ok"].columns] == ["c\ufffd", "d"]
    (error,) = failed.values()
    assert isinstance(error, Permanent)
    assert "is not UTF-8" in str(error)


def test_every_scope_is_one_piece_and_counted(nasty, whole):
    listing = whole().listing()
    scopes = [(each.type, each.scope) for each in listing if isinstance(each, ScopeListed)]
    assert max(Counter(scopes).values()) == 1
    counts = Counter((each.type, each.scope) for each in of(listing))
    for end in (each for each in listing if isinstance(each, ScopeListed)):
        assert end.count == counts[end.type, end.scope]
        assert end.complete
    for each in of(listing):
        assert len(msgspec.json.encode(each)) < 1000
        assert pickle.loads(pickle.dumps(each)) == each


@pytest.fixture(scope="module")
def shop200(make):
    columns = "id UInt64 comment 'c', a Nullable(Decimal(9, 2)), day Date, s String"
    engine = "MergeTree partition by toYYYYMM(day) order by (id, s)"
    made = [f"create table shop200.t{i} ({columns}) engine = {engine}" for i in range(200)]
    return make("shop200", *made, "create view shop200.v as select * from shop200.t1")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_statements_per_table(shop200, whole, scheme):
    with whole(scheme, databaseSchema="shop200").open() as source:
        assert source.calls == 1  # what the server can tell
        listed = [
            *source.discover_entities(EntityType.DATABASE),
            *source.discover_entities(SCHEMA, "svc.default"),
        ]
        assert source.calls == 2
        found = {}
        started = time.process_time()
        for kind in (EntityType.DATABASE, SCHEMA, TABLE):
            chunk = [each for each in of(listed) if each.type is kind]
            found |= sort(source.process_entities(chunk))[0]
        assert (
            time.process_time() - started
        ) / 201 < 0.0005 * 4  # a machine may be four times slower
        assert source.calls == 5
    tables = [each for each in found.values() if each.type is TABLE]
    assert len(tables) == 201
    assert sum(len(each.columns) for each in tables) == 201 * 4
    assert sum(bool(each.partition) for each in tables) == 200
    assert (
        sum(each.constraints[0].columns == ("id", "s") for each in tables if each.constraints)
        == 200
    )
    assert sum(each.columns[0].description == "c" for each in tables) == 200


@pytest.mark.parametrize(
    ("filters", "kept"),
    [
        ({"tableFilterPattern": {"includes": ["orders"]}}, ["orders", "orders_old"]),
        ({"tableFilterPattern": {"excludes": ["ORDERS"]}}, ["v"]),
        (
            {
                "tableFilterPattern": {"includes": ["svc.default.filtered.v"]},
                "useFqnForFiltering": True,
            },
            ["v"],
        ),
        ({"schemaFilterPattern": {"excludes": ["filtered"]}}, []),
    ],
)
def test_filters(make, filters, kept):
    probe = make(
        "filtered",
        "create table filtered.orders (i UInt8) engine = Log",
        "create table filtered.orders_old (i UInt8) engine = Log",
        "create view filtered.v as select 1 as x",
    )
    assert [each.metadata["name"] for each in probe.descriptors(TABLE, filters=filters)] == kept


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({"includeViews": False}, ["t"]),
        ({"includeTables": False}, ["v"]),
    ],
)
def test_tables_or_views_alone_are_no_snapshot(make, options, kept):
    probe = make(
        "either",
        "create table either.t (i UInt8) engine = Log",
        "create view either.v as select 1 as x",
    )
    listing = probe.listing(options=options)
    assert [each.metadata["name"] for each in of(listing) if each.type is TABLE] == kept
    (end,) = [e for e in listing if isinstance(e, ScopeListed) and e.type is TABLE]
    assert end.mode == "changes"


def test_the_systems_schemas_are_hidden_unless_named(whole):
    names = {each.metadata["name"] for each in whole().descriptors(SCHEMA)}
    assert "default" in names
    assert "system" not in names
    found = whole().descriptors(SCHEMA, databaseSchema="system")
    assert [each.id for each in found] == ["svc.default.system"]


def test_the_database_has_the_name_of_the_config(make):
    probe = make("renamed", "create table renamed.t (i UInt8) engine = Log")
    (found,) = probe.entities(TABLE, databaseName="my.db").values()
    assert found.database_schema == 'svc."my.db".renamed'


def test_what_was_dropped_is_gone(make, server):
    probe = make(
        "going",
        "create table going.t (i UInt8) engine = Log",
        "create table going.u (i UInt8) engine = Log",
    )
    tables, schemas = probe.descriptors(TABLE), probe.descriptors(SCHEMA)
    server.run("drop table going.t")
    with probe.open() as source:
        found, failed = sort(source.process_entities(tables))
        assert list(found) == ["svc.default.going.u"]
        assert {type(each) for each in failed.values()} == {Gone}
        server.run("drop database going")
        assert isinstance(sort(source.process_entities(schemas))[1]["svc.default.going"], Gone)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_who_may_see_one_database_reads_that(make, as_user, scheme):
    make("readable", "create table readable.t (i UInt8) engine = Log")
    make("closed", "create table closed.t (i UInt8) engine = Log")
    probe = as_user("reader", scheme)
    assert list(probe.entities(TABLE)) == ["svc.default.readable.t"]
    lines = {each.capability: each for each in CONNECTOR.check(probe.settings())}
    assert lines["connect"].status == "ok"
    assert (lines["tables"].status, lines["tables"].why) == ("ok", "system.tables: 1 rows")
    assert lines["comments"].status == "warning"


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("who", ["fixed", "careful"])
def test_who_may_change_no_setting_reads_all_the_same(shop200, as_user, whole, scheme, who):
    found = as_user(who, scheme, databaseSchema="shop200").entities(TABLE)
    assert found == whole(databaseSchema="shop200").entities(TABLE)


def test_a_descriptor_of_each_kind(make):
    probe = make("few", "create table few.t (i UInt8) engine = Log")
    assert [each.type.value for each in of(probe.listing())] == [
        *("database", "databaseSchema", "table")
    ]
    assert all(
        isinstance(each, EntityDescriptor) and each.batch == "default"
        for each in of(probe.listing())
    )
