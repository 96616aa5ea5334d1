"""BigQuery as bqemulator has it: listings, shapes, partitions, days folded into one, names, counts."""

import pickle

import msgspec
import pytest

from rayingest.connectors.database.bigquery import CONNECTOR
from rayingest.core import fqn
from rayingest.core.source import ScopeListed, ScopeOpened
from rayingest.errors import ConfigError, Gone
from rayingest.kit.sql.bigquery.listing import _wanted, folded, shard
from rayingest.kit.sql.bigquery.options import Options, texts
from rayingest.kit.sql.facts import Found, Wants
from rayingest.model import EntityType, TableType
from rayingest.testing.probe import Probe, of, sort

DATABASE, SCHEMA, TABLE, PROCEDURE = (
    EntityType.DATABASE,
    EntityType.DATABASE_SCHEMA,
    EntityType.TABLE,
    EntityType.STORED_PROCEDURE,
)
SHOP = (
    "create schema shop",
    """create table shop.t (id int64 not null, n numeric(10, 2), f float64, b bool,
      x bytes, d date, dt datetime, ts timestamp, ti time,
      a array<string>, s struct<a int64, b array<struct<c string>>>)""",
    "create view shop.v as select id from shop.t",
    "create materialized view shop.m as select id, count(*) as n from shop.t group by id",
    "create table shop.by_day (id int64, day date) partition by day",
    "create snapshot table shop.snap clone shop.by_day",
    "create function shop.twice(n int64) returns int64 as (n * 2)",
    "create procedure shop.work() begin select 1; end",
    "create schema empty",
)


def test_shapes(make, project):
    tables = make(*SHOP).entities(TABLE)
    assert [
        (c.name, c.data_type, c.data_type_display) for c in tables[f"svc.{project}.shop.t"].columns
    ] == [
        ("id", "BIGINT", "INT64"),
        ("n", "DECIMAL", "NUMERIC"),
        ("f", "DOUBLE", "FLOAT64"),
        ("b", "BOOLEAN", "BOOL"),
        ("x", "BLOB", "BYTES"),
        ("d", "DATE", "DATE"),
        ("dt", "DATETIME", "DATETIME"),
        ("ts", "TIMESTAMP", "TIMESTAMP"),
        ("ti", "TIME", "TIME"),
        ("a", "ARRAY", "ARRAY<STRING>"),
        ("s", "STRUCT", "STRUCT<a INT64, b ARRAY<STRUCT<c STRING>>>"),
    ]
    *_, items, struct = tables[f"svc.{project}.shop.t"].columns
    assert items.array_data_type == "STRING"
    a, b = struct.children
    assert (a.data_type, b.array_data_type, b.children[0].name) == ("BIGINT", "STRUCT", "c")
    assert {each.name: each.table_type for each in tables.values()} == {
        "t": TableType.REGULAR,
        "v": TableType.VIEW,
        "m": TableType.MATERIALIZED_VIEW,
        "by_day": TableType.PARTITIONED,
        "snap": TableType.PARTITIONED,
    }
    assert tables[f"svc.{project}.shop.v"].schema_definition == (
        "create view `shop`.`v` as SELECT id FROM shop.t"
    )


def test_datasets_are_opened_as_scopes(make, project):
    probe = make(*SHOP)
    listing = probe.listing()
    here = f"svc.{project}"
    assert {(each.type, each.scope) for each in listing if isinstance(each, ScopeOpened)} == {
        (SCHEMA, here),
        (TABLE, f"{here}.empty"),
        (PROCEDURE, f"{here}.empty"),
        (TABLE, f"{here}.shop"),
        (PROCEDURE, f"{here}.shop"),
    }
    ends = {(e.type, e.scope): e.count for e in listing if isinstance(e, ScopeListed)}
    assert ends == {
        (DATABASE, "svc"): 1,
        (SCHEMA, here): 2,
        (TABLE, f"{here}.shop"): 5,
        (PROCEDURE, f"{here}.shop"): 2,
        (TABLE, f"{here}.empty"): 0,
        (PROCEDURE, f"{here}.empty"): 0,
    }
    kinds = {each.name: each.procedure_type for each in probe.entities(PROCEDURE).values()}
    assert kinds == {"twice": "Function", "work": "StoredProcedure"}


def test_options_filter_what_is_listed(make, project):
    probe = make(*SHOP)
    views = probe.descriptors(TABLE, options={"includeTables": False})
    assert {each.metadata["name"] for each in views} == {"v", "m"}
    tables = probe.descriptors(TABLE, options={"includeViews": False})
    assert {each.metadata["name"] for each in tables} == {"t", "by_day", "snap"}
    kept = probe.descriptors(TABLE, filters={"schemaFilterPattern": {"excludes": ["shop"]}})
    assert kept == []
    assert probe.descriptors(PROCEDURE, options={"includeStoredProcedures": False}) == []


def test_models_are_no_tables_and_what_is_new_is_one():
    for kind, tables, views in (
        ("TABLE", True, False),
        ("VIEW", False, True),
        ("MODEL", False, False),
        ("SOMETHING_NEW", True, False),
    ):
        assert _wanted(kind, Wants(views=False)) is tables
        assert _wanted(kind, Wants(tables=False)) is views


def test_several_projects(server, project):
    names = [f"{project}-a", f"{project}-b"]
    for each in names:
        server.run("create schema shop", "create table shop.t (id int64)", project=each)
    probe = Probe(CONNECTOR, server.config(*names))
    assert list(probe.entities(DATABASE)) == [f"svc.{each}" for each in names]
    assert list(probe.entities(TABLE)) == [f"svc.{each}.shop.t" for each in names]
    kept = probe.descriptors(DATABASE, filters={"databaseFilterPattern": {"includes": [names[1]]}})
    assert [each.metadata["name"] for each in kept] == names[1:]


def test_labels_descriptions_and_names_to_show(make, client, project):
    probe = make("create schema shop", "create table shop.t (id int64)")
    table = client.get_table("shop.t")
    table.labels = {"team": "shop", "old": ""}
    table.friendly_name, table.description = "The t", 'All "t"'
    client.update_table(table, ["labels", "friendly_name", "description"])
    dataset = client.get_dataset("shop")
    dataset.labels, dataset.description = {"env": "test"}, "Everything"
    client.update_dataset(dataset, ["labels", "description"])
    (found,) = probe.entities(TABLE).values()
    assert (found.display_name, found.description) == ("The t", 'All "t"')
    assert [(each.classification, each.name) for each in found.tags] == [
        ("old", "old"),
        ("team", "shop"),
    ]
    (schema,) = probe.entities(SCHEMA).values()
    assert (schema.description, schema.tags[0].classification) == ("Everything", "env")
    (found,) = probe.entities(TABLE, options={"includeTags": False}).values()
    (schema,) = probe.entities(SCHEMA, options={"includeTags": False}).values()
    assert found.tags == schema.tags == ()


def test_clustered_and_external_tables(make, client, project):
    from google.cloud import bigquery

    probe = make("create schema shop")
    table = bigquery.Table(
        f"{project}.shop.t",
        schema=[bigquery.SchemaField(name, "STRING") for name in ("a", "b", "c")],
    )
    table.clustering_fields = ["c", "a"]
    client.create_table(table, retry=None)
    (found,) = probe.entities(TABLE).values()
    assert [(each.constraint_type, each.columns) for each in found.constraints] == [
        ("CLUSTER_KEY", ("c", "a"))
    ]


def test_tables_by_day_are_one(make, project):
    days = [f"events_202601{day:02}" for day in range(1, 6)]
    probe = make(
        "create schema shop",
        *(f"create table shop.{each} (a int64)" for each in days[:-1]),
        f"create table shop.{days[-1]} (a int64, b string)",
        "create table shop.lonely_20260101 (a int64)",
        "create table shop.no_20261399 (a int64)",
        "create table shop.no_20261398 (a int64)",
    )
    tables = probe.entities(TABLE)
    assert {each.name for each in tables.values()} == {
        "events_*",
        "lonely_20260101",
        "no_20261399",
        "no_20261398",
    }
    events = tables[f"svc.{project}.shop.events_*"]
    assert [each.name for each in events.columns] == ["a", "b"]  # the newest's
    assert events.description == "5 tables by day; this is the newest, events_20260105."
    assert [(each.column_name, each.interval) for each in events.partition] == [
        ("_TABLE_SUFFIX", "DAY")
    ]
    probe.agree(TABLE)


def test_what_counts_as_a_table_by_day():
    assert shard("events_20260101") == "events_"
    assert shard("a_b_20240229") == "a_b_"
    for name in ("events_20230229", "events20260101", "_20260101", "events_2026010", "x_٢٠٢٦٠١٠١"):
        assert shard(name) is None
    views = [{"type": "VIEW", "tableReference": {"tableId": f"v_2026010{n}"}} for n in (1, 2)]
    assert [each.name for each in folded("s", views)] == ["v_20260101", "v_20260102"]
    one = {
        "type": "TABLE",
        "tableReference": {"tableId": "t"},
        "timePartitioning": {"type": "HOUR"},
    }
    assert list(folded("s", [one])) == [Found(TABLE, "s", "t", "TABLE/HOUR")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"plain"', ["plain"]),
        ('"a \\"b\\" \\\\ \\n \\u00fc \\x41 \\101"', ['a "b" \\ \n ü A A']),
        ('"""two\n"lines" """', ['two\n"lines" ']),
        ("'single'", ["single"]),
        ('[STRUCT("k", "v"), STRUCT("k2", "")]', ["k", "v", "k2", ""]),
        ('["gs://a/b", "gs://c"]', ["gs://a/b", "gs://c"]),
        ("3.0", []),
        (None, []),
    ],
)
def test_literals(text, expected):
    assert texts(text) == expected


def test_options():
    told = Options.of([("uris", '["gs://a/*", "gs://b"]'), ("description", '""')])
    assert told == Options(description=None, location="gs://a/*")


HOSTILE = ["select", "a-b", "from", "order", "Shop", "x" * 200]
COLUMNS = ["select", "Ünïcödé", "with space", "a-b", "from"]


def test_names_come_out_as_they_went_in(make, client, project):
    from google.cloud import bigquery

    probe = make("create schema shop")
    fields = [bigquery.SchemaField(each, "INTEGER") for each in COLUMNS]
    inner = bigquery.SchemaField("s", "RECORD", fields=[bigquery.SchemaField("b", "STRING")])
    for name in HOSTILE:
        client.create_table(
            bigquery.Table(f"{project}.shop.{name}", schema=[*fields, inner]), retry=None
        )
    tables = probe.entities(TABLE)
    assert set(tables) == {fqn.join("svc", project, "shop", each) for each in HOSTILE}
    for each in tables.values():
        assert [column.name for column in each.columns] == [*COLUMNS, "s"]
        assert each.columns[-1].children[0].name == "b"
    probe.agree(TABLE)
    for each in of(probe.listing()):
        assert len(msgspec.json.encode(each)) < 1000
        assert pickle.loads(pickle.dumps(each)) == each


def test_statements_per_table(make, project):
    """Statements are jobs; listings are other calls, which cost nothing."""
    probe = make(
        "create schema shop",
        *(f"create table shop.t{number} (a int64, b string)" for number in range(60)),
    )
    with probe.open() as source:
        listed = of(source.discover_entities(TABLE, f"svc.{project}.shop"))
        assert (len(listed), source.calls) == (60, 1)
        found, failed = sort(source.process_entities(listed))
        assert (len(found), failed) == (60, {})
        # Where datasets lie, and three views; with all that Google has it is six.
        assert source.calls == 1 + 1 + 3


def test_a_dropped_table_is_gone_and_so_is_a_dataset(make, server, project):
    probe = make(*SHOP)
    tables = probe.descriptors(TABLE)
    schemas = probe.descriptors(SCHEMA)
    server.run("drop view shop.v", "drop schema empty", project=project)
    with probe.open() as source:
        found, failed = sort(source.process_entities(tables))
        assert (len(found), list(failed)) == (4, [f"svc.{project}.shop.v"])
        assert isinstance(failed[f"svc.{project}.shop.v"], Gone)
        found, failed = sort(source.process_entities(schemas))
        assert list(found) == [f"svc.{project}.shop"]
        assert isinstance(failed[f"svc.{project}.empty"], Gone)


def test_check(make, server, project):
    probe = make(*SHOP)
    told = {each.capability: each.status for each in CONNECTOR.check(probe.settings())}
    assert told == {
        "connect": "ok",
        "schemas": "ok",
        "tables": "ok",
        "columns": "ok",
        "comments": "warning",
        "views": "ok",
        "keys": "warning",
        "tags": "ok",
        "procedures": "ok",
    }
    nothing = Probe(CONNECTOR, server.config(f"{project}-nothing"))
    told = list(CONNECTOR.check(nothing.settings()))
    assert [(each.capability, each.status) for each in told] == [
        ("connect", "ok"),
        ("schemas", "warning"),
    ]


def test_only_an_emulator_here_is_asked_without_encryption(server):
    far = {**server.config(), "hostPort": "http://bigquery.example.com"}
    with pytest.raises(ConfigError, match="without encryption"):
        Probe(CONNECTOR, far).open().__enter__()
    with pytest.raises(ConfigError, match="is no address"):
        Probe(CONNECTOR, {**far, "hostPort": "ftp://x"}).open().__enter__()


def test_the_connector_pickles():
    assert pickle.loads(pickle.dumps(CONNECTOR)).service_type == "BigQuery"
