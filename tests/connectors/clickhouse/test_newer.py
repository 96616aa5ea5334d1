"""Servers that are newer than Debian's: what is asked of them, and what chDB (26.9) answers to that.

What a server's system tables have decides what is asked for. That every statement so made is
ClickHouse's SQL is parsed for always; that it means what it should runs where chDB is installed. Grants
and users run nowhere here.
"""

import pytest
import sqlglot

from rayingest.connectors.database.clickhouse import CONNECTOR
from rayingest.core.source import EntityDescriptor
from rayingest.errors import Gone
from rayingest.kit.sql.clickhouse import errors
from rayingest.kit.sql.clickhouse.check import MAY, VISIBLE
from rayingest.kit.sql.clickhouse.connect import CUTS, HELLO, SETTINGS
from rayingest.kit.sql.clickhouse.facts import schemas
from rayingest.kit.sql.clickhouse.listing import listing
from rayingest.kit.sql.clickhouse.session import ClickHouseSession
from rayingest.kit.sql.clickhouse.tables import tables
from rayingest.kit.sql.clickhouse.text import literal
from rayingest.kit.sql.facts import Wants
from rayingest.model import EntityType
from rayingest.testing.conformance import reached
from rayingest.testing.connector_suite import CHECKS, case
from rayingest.testing.probe import Probe, sort
from rayingest.testing.servers import clickhouse

from ..beds import story

TABLE, SCHEMA = EntityType.TABLE, EntityType.DATABASE_SCHEMA
OLDEST = {
    "tables": {"database", "name", "engine"},
    "columns": {"database", "table", "name", "type"},
}
NEWEST = {
    "databases": {"name", "comment"},
    "tables": {*OLDEST["tables"], "comment", "partition_key", "sorting_key"}
    | {"parameterized_view_parameters"},
    "columns": {*OLDEST["columns"], "comment", "position"}
    | {"is_in_partition_key", "is_in_sorting_key"},
}


class Listener:
    """Takes down what is asked, and answers with one table."""

    def __init__(self):
        self.heard = []

    def rows(self, statement, query_id):
        self.heard.append(statement)
        if "system.tables where database in" in statement:
            return [("s", "t", "Log", "", "", "", "", 0)]
        return []


def _asked(known):
    listener = Listener()
    session = ClickHouseSession(
        listener, database="d", schema=None, user="u", beside=lambda: listener
    )
    session.learn("?", known)
    for wants in (
        Wants(),
        Wants(views=False),
        Wants(tables=False),
        Wants(tables=False, views=False),
    ):
        list(listing(session, wants))
    metadata = {"schema": "s", "name": "t"}
    list(
        tables(
            session, [EntityDescriptor(TABLE, "v.d.s.t", "v.d.s", "d", metadata)], Wants(ddl=True)
        )
    )
    list(tables(session, [EntityDescriptor(TABLE, "v.d.s.t", "v.d.s", "d", metadata)], Wants()))
    list(schemas(session, [EntityDescriptor(SCHEMA, "v.d.s", "v.d", "d", {"name": "s"})], Wants()))
    return listener.heard


@pytest.mark.parametrize("known", [OLDEST, NEWEST], ids=["oldest", "newest"])
def test_what_is_asked_is_sql_and_of_columns_that_are_there(known):
    heard = _asked(known)
    assert len(heard) > 8
    for statement in [*heard, HELLO.format(schema=literal("it's"))]:
        (parsed,) = sqlglot.parse(statement, dialect="clickhouse")
        assert isinstance(parsed, sqlglot.exp.Query)
    said = "\n".join(heard)
    maybe = {"comment", "position", "partition_key", "sorting_key", "is_in_partition_key"}
    assert {each for each in maybe if each in said} == (maybe if known is NEWEST else set())


@pytest.fixture(scope="module")
def new():
    if why := clickhouse.ENVIRONMENT.available():
        pytest.skip(why)
    with clickhouse.server() as running:
        running.run(
            "create database shop comment 'a shop'",
            "create table shop.orders (id UInt64 comment 'it''s', n Nested(a UInt8, b String),"
            " t Tuple(a UInt8, `b c` String), m Map(String, Array(UInt8)), d DateTime64(3, 'UTC'),"
            " l LowCardinality(Nullable(String)), j JSON, v Variant(String, UInt8), e Enum8('a\\'b' = 1))"
            " engine = MergeTree partition by (toYYYYMM(d), id % 3) order by (`n.a`, id)"
            " primary key `n.a` comment 'All orders'",
            "create materialized view shop.kept engine = MergeTree order by id as select id from shop.orders",
            "create view shop.given as select * from shop.orders where id = {x:UInt64}",
            "create view shop.v as select id from shop.orders comment 'a view'",
            "create dictionary shop.words (id UInt64, word String) primary key id"
            " source(clickhouse(table 'orders' user 'u' password 'CANARY')) lifetime(10) layout(flat())",
            "create table shop.far (a Int32) engine = MySQL('h:3306', 'd', 't', 'u', 'CANARY')",
            *story("clickhouse"),
            "alter table library.book modify comment 'All books'",
        )
        yield running


@pytest.fixture(scope="module")
def probe(new):
    return Probe(CONNECTOR, new.config())


@pytest.mark.slow
def test_the_story_with_every_capability(new):
    """Here comments of tables are shown, too, which Debian's server has not."""
    told = case("clickhouse", new.config(databaseSchema="library"))
    for check in CHECKS:
        check(told)
    for capability in CONNECTOR.capabilities:
        assert reached(told.told, "database", capability), capability


@pytest.mark.slow
def test_tables_of_a_newer_server(probe):
    found = probe.entities(TABLE, databaseSchema="shop", options={"includeDDL": True})
    kinds = {each.name: str(each.table_type) for each in found.values()}
    assert kinds == {
        "orders": "Partitioned",
        "kept": "MaterializedView",
        "given": "View",
        "v": "View",
        "words": "External",
        "far": "Foreign",
    }
    orders = found["svc.default.shop.orders"]
    assert orders.description == "All orders"
    assert found["svc.default.shop.v"].description == "a view"
    assert [(each.name, each.data_type, str(each.constraint)) for each in orders.columns] == [
        ("id", "UINT", "NOT_NULL"),
        ("n.a", "ARRAY", "NOT_NULL"),
        ("n.b", "ARRAY", "NOT_NULL"),
        ("t", "TUPLE", "NOT_NULL"),
        ("m", "MAP", "NOT_NULL"),
        ("d", "DATETIME", "NOT_NULL"),
        ("l", "STRING", "NULL"),
        ("j", "JSON", "NOT_NULL"),
        ("v", "VARIANT", "NULL"),
        ("e", "ENUM", "NOT_NULL"),
    ]
    assert orders.columns[0].description == "it's"
    assert [each.name for each in orders.columns[3].children] == ["a", "b c"]
    assert [each.columns for each in orders.constraints] == [("n.a", "id")]
    assert [(p.column_name, p.interval_type, p.interval) for p in orders.partition] == [
        ("d", "TIME-UNIT", "month"),
        ("id", "OTHER", None),
    ]
    assert found["svc.default.shop.given"].columns == ()
    assert "CANARY" not in repr(found)
    probe.agree(TABLE, databaseSchema="shop")


@pytest.mark.slow
def test_subcolumns_of_a_map_have_the_names_that_we_tell(new):
    new.run(
        "create table shop.mapped (m Map(String, UInt8)) engine = Memory",
        "insert into shop.mapped select map('a', 1)",
    )
    said = new.run("select toTypeName(m.keys), toTypeName(m.values) from shop.mapped")
    assert said == "Array(String)\tArray(UInt8)\n"
    new.run("drop table shop.mapped")


@pytest.mark.slow
def test_schemas_of_a_newer_server(probe):
    found = probe.entities(SCHEMA)
    assert sorted(found) == ["svc.default.default", "svc.default.library", "svc.default.shop"]
    assert found["svc.default.shop"].description == "a shop"


@pytest.mark.slow
def test_what_was_dropped_from_a_newer_server_is_gone(probe, new):
    new.run("create table shop.going (x UInt8) engine = Memory")
    going = [e for e in probe.descriptors(TABLE) if e.metadata["name"] == "going"]
    new.run("drop table shop.going sync")
    with probe.open() as source:
        (error,) = sort(source.process_entities(going))[1].values()
    assert isinstance(error, Gone)


@pytest.mark.slow
def test_the_check_of_a_newer_server(probe, new):
    lines = {each.capability: each for each in CONNECTOR.check(probe.settings())}
    assert lines["connect"].why.startswith("ClickHouse 26.9")
    assert {each.status for each in lines.values()} == {"ok"}
    assert "comments" in lines
    rights = VISIBLE.format(place="shop.*")
    assert new.run(MAY.format(rights=rights)) == "1\n"


@pytest.mark.slow
def test_settings_and_error_numbers_are_still_known(new):
    limits = [each for limits in CUTS.values() for each in limits]
    names = {*SETTINGS, *CUTS, *limits}
    known = new.run("select name from system.settings")
    assert names <= set(known.split())
    for number, name in errors.NUMBERS.items():
        assert new.run(f"select errorCodeToName({number})").strip() == name
