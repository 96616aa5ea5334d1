"""What bqemulator cannot show: the statements that ask for it, answered by views as Google documents them.

These capabilities have the grade `compiled`: no BigQuery has answered these statements.
"""

from types import SimpleNamespace

import pytest
import sqlglot

from rayingest.core.source import Described, EntityDescriptor
from rayingest.errors import Denied, Gone
from rayingest.kit.sql.bigquery import queries
from rayingest.kit.sql.bigquery.facts import schemas
from rayingest.kit.sql.bigquery.routines import routines
from rayingest.kit.sql.bigquery.tables import tables
from rayingest.kit.sql.facts import Wants
from rayingest.model import EntityType, TableType, Tag

from .views import COMPILED, Views

ALL = [each for each in vars(queries).values() if isinstance(each, queries.View)]
EU = {"library": "EU", "other": "EU"}


@pytest.fixture
def session():
    return Views(pytest.importorskip("duckdb"), EU)


def descriptor(entity_type, name, schema="library", **metadata):
    scope = "svc.shop-project" + (
        f".{schema}" if entity_type is not EntityType.DATABASE_SCHEMA else ""
    )
    told = {"name": name, "schema": schema, **metadata}
    return EntityDescriptor(entity_type, f"{scope}.{name}", scope, "shop-project", told)


def column(session, table, name, place, data_type="INT64", *, schema="library", **more):
    said = {"is_nullable": "YES", "is_hidden": "NO", "is_partitioning_column": "NO", **more}
    session.add(
        "COLUMNS",
        table_schema=schema,
        table_name=table,
        column_name=name,
        ordinal_position=place,
        data_type=data_type,
        **said,
    )


def table(session, name, *columns, kind="BASE TABLE", schema="library", ddl=None):
    session.add("TABLES", table_schema=schema, table_name=name, table_type=kind, ddl=ddl)
    for place, each in enumerate(columns or ("id",), 1):
        column(session, name, each, place, schema=schema)


def key(session, name, table, *columns, refers=None, to=()):
    for place, each in enumerate(columns, 1):
        session.add(
            "KEY_COLUMN_USAGE",
            constraint_name=name,
            table_schema="library",
            table_name=table,
            column_name=each,
            ordinal_position=place,
            position_in_unique_constraint=to[place - 1] if refers else None,
        )
        session.add(
            "CONSTRAINT_COLUMN_USAGE",
            constraint_name=name,
            table_schema="library",
            table_name=refers or table,
            column_name=each,
        )


def described(session, *names, wants=None, function=tables, entity_type=EntityType.TABLE):
    told = [
        each if isinstance(each, EntityDescriptor) else descriptor(entity_type, each)
        for each in names
    ]
    answers = list(function(session, told, wants or Wants()))
    assert all(isinstance(each, Described) for each in answers), answers
    return [each.entities[0] for each in answers]


@pytest.mark.parametrize(
    "view", ALL, ids=lambda view: view.text.split("INFORMATION_SCHEMA.")[1].split()[0]
)
@pytest.mark.parametrize("count", [1, 3])
def test_every_statement_is_googles_sql(view, count):
    names = {f"d{i}": ["a", "b"] for i in range(count)}
    columns = {"ddl": "t.ddl", "language": "r.external_language"}
    texts = [text for text, _ in queries.by_dataset(view, "a-b", names, columns)]
    texts.append(queries.by_region(view, "a-b", names, "EU", columns)[0])
    for each in texts:
        assert sqlglot.parse_one(each, dialect="bigquery").sql("bigquery")


def test_what_is_only_compiled_is_told_here():
    assert {each.value for each in COMPILED} == {
        "keys",
        "comments",
        "procedures",
        "ddl",
        "incremental",
    }


def test_keys(session):
    table(session, "author", "a", "b", "c")
    table(session, "book", "id", "x", "y")
    key(session, "author.pk$", "author", "a", "b")
    key(session, "book.pk$", "book", "id")
    key(session, "book.fk", "book", "x", "y", refers="author", to=(2, 1))
    author, book = described(session, "author", "book")
    assert [(each.constraint_type, each.columns) for each in author.constraints] == [
        ("PRIMARY_KEY", ("a", "b"))
    ]
    assert {each.name: str(each.constraint) for each in book.columns} == {
        "id": "PRIMARY_KEY",
        "x": "NULL",
        "y": "NULL",
    }
    (foreign,) = book.constraints
    assert foreign.columns == ("x", "y")
    assert foreign.referred_table == "svc.shop-project.library.author"
    assert foreign.referred_columns == tuple(
        f"svc.shop-project.library.author.{each}" for each in "ba"
    )


def test_a_key_to_what_is_hidden_is_no_key_of_its_own(session):
    table(session, "book", "id", "x")
    key(session, "book.fk", "book", "x", refers="author", to=(1,))
    session.engine.execute('delete from "CONSTRAINT_COLUMN_USAGE"')
    (book,) = described(session, "book")
    assert book.constraints == ()
    assert str(book.columns[1].constraint) == "NULL"


def test_descriptions_of_columns_at_any_depth(session):
    session.add("TABLES", table_schema="library", table_name="t", table_type="BASE TABLE")
    column(session, "t", "s", 1, "STRUCT<a INT64, b ARRAY<STRUCT<c STRING, `d e` INT64>>>")
    column(session, "t", "a", 2, "STRING(10)", is_nullable="NO")
    for path, text in {"s": "outer", "s.b": None, "s.b.c": "inner", "a": "top"}.items():
        session.add(
            "COLUMN_FIELD_PATHS",
            table_schema="library",
            table_name="t",
            field_path=path,
            description=text,
        )
    (found,) = described(session, "t")
    outer, top = found.columns
    assert (outer.description, top.description) == ("outer", "top")
    assert (top.data_type, top.data_type_display, str(top.constraint)) == (
        "STRING",
        "STRING(10)",
        "NOT_NULL",
    )
    a, b = outer.children
    assert (a.description, b.description, b.array_data_type) == (None, None, "STRUCT")
    assert [(e.name, e.data_type, e.description) for e in b.children] == [
        ("c", "STRING", "inner"),
        ("d e", "BIGINT", None),
    ]


def test_policy_tags_of_columns_at_any_depth(session):
    session.add("TABLES", table_schema="library", table_name="t", table_type="BASE TABLE")
    column(session, "t", "s", 1, "STRUCT<a INT64, b INT64>")
    for path, names in {"s": [], "s.a": ["tag/1", "tag/2"]}.items():
        session.add(
            "COLUMN_FIELD_PATHS",
            table_schema="library",
            table_name="t",
            field_path=path,
            policy_tags=names,
        )
    session.policy_tags = lambda names: tuple(Tag(classification="C", name=n) for n in names)
    (found,) = described(session, "t")
    assert [[tag.name for tag in each.tags] for each in found.columns[0].children] == [
        ["tag/1", "tag/2"],
        [],
    ]
    (found,) = described(session, "t", wants=Wants(tags=False))
    assert found.columns[0].children[0].tags == ()


def test_fields_as_deep_as_google_lets_them_be(session):
    text = "INT64"
    for level in reversed(range(15)):
        text = f"ARRAY<STRUCT<l{level} {text}>>"
    session.add("TABLES", table_schema="library", table_name="t", table_type="BASE TABLE")
    column(session, "t", "top", 1, text)
    (found,) = described(session, "t")
    at, depth = found.columns[0], 0
    while at.children:
        (at,) = at.children
        depth += 1
    assert (depth, at.data_type) == (15, "BIGINT")


@pytest.mark.parametrize(
    ("text", "data_type"),
    [
        ("BIGNUMERIC(40, 2)", "DECIMAL"),
        ("JSON", "JSON"),
        ("INTERVAL", "INTERVAL"),
        ("GEOGRAPHY", "GEOGRAPHY"),
        ("BYTES(10)", "BLOB"),
        ("ARRAY<NUMERIC(8, 2)>", "ARRAY"),
        ("RANGE<DATE>", "UNKNOWN"),  # OpenMetadata has no such type; the display tells
    ],
)
def test_types_that_the_emulator_does_not_keep(session, text, data_type):
    session.add("TABLES", table_schema="library", table_name="t", table_type="BASE TABLE")
    column(session, "t", "c", 1, text)
    (found,) = described(session, "t")
    assert (found.columns[0].data_type, found.columns[0].data_type_display) == (data_type, text)


def test_six_statements_for_hundreds_of_tables(session):
    names = [f"t{number}" for number in range(200)]
    for each in names[1:]:
        table(session, each)
    table(session, names[0], kind="VIEW")
    described(session, *names)
    assert session.calls == 6  # 0.03 for each table


def test_names_that_the_emulator_refuses(session):
    names = ["Ünïcödé 表", "with space", "Shop", "shop", "%s", "{x}", "@n0", "it's", "a-b"]
    for each in names:
        table(session, each, *names)
        key(session, f"{each}.pk$", each, each)
    session.add("TABLES", table_schema="library", table_name="nested", table_type="BASE TABLE")
    column(session, "nested", "s", 1, "STRUCT<`select` INT64, `a, b` STRING, c NUMERIC(8, 2)>")
    found = described(session, *names, "nested")
    assert [each.name for each in found] == [*names, "nested"]
    for each in found[:-1]:
        assert [column.name for column in each.columns] == names
        assert [c.name for c in each.columns if c.constraint == "PRIMARY_KEY"] == [each.name]
    inside = found[-1].columns[0].children
    assert [(each.name, each.precision) for each in inside] == [
        ("select", None),
        ("a, b", None),
        ("c", 8),
    ]


def test_ddl_and_materialized_views(session):
    table(session, "t", ddl="CREATE TABLE `x`")
    table(session, "m", kind="MATERIALIZED VIEW", ddl="CREATE MATERIALIZED VIEW `x` AS SELECT 1")
    table(session, "v", kind="VIEW", ddl="CREATE VIEW `x` AS SELECT 2")
    session.add("VIEWS", table_schema="library", table_name="v", view_definition="SELECT 2")
    t, m, v = described(session, "t", "m", "v")
    assert (t.schema_definition, t.table_type) == (None, TableType.REGULAR)
    assert m.schema_definition == "CREATE MATERIALIZED VIEW `x` AS SELECT 1"
    assert (m.table_type, v.table_type) == (TableType.MATERIALIZED_VIEW, TableType.VIEW)
    assert v.schema_definition == "create view `library`.`v` as SELECT 2"
    t, _, v = described(session, "t", "m", "v", wants=Wants(ddl=True))
    assert t.schema_definition == "CREATE TABLE `x`"
    assert v.schema_definition == "CREATE VIEW `x` AS SELECT 2"


def test_partitions_of_every_kind(session):
    for name, kind in {"day": "DATE", "number": "INT64", "_PARTITIONTIME": "TIMESTAMP"}.items():
        table(session, f"by_{name}")
        hidden = {"is_hidden": "YES"} if name.startswith("_") else {}
        place = None if hidden else 2
        column(session, f"by_{name}", name, place, kind, is_partitioning_column="YES", **hidden)
    found = described(
        session,
        descriptor(EntityType.TABLE, "by_day", kind="TABLE/MONTH"),
        "by_number",
        descriptor(EntityType.TABLE, "by__PARTITIONTIME", kind="TABLE/HOUR"),
    )
    assert [(p.column_name, p.interval_type, p.interval) for t in found for p in t.partition] == [
        ("day", "TIME-UNIT", "MONTH"),
        ("number", "INTEGER-RANGE", None),
        ("_PARTITIONTIME", "INGESTION-TIME", "HOUR"),
    ]
    assert {each.table_type for each in found} == {TableType.PARTITIONED}
    assert [each.name for each in found[2].columns] == ["id"]  # a pseudo column is none


def test_routines(session):
    session.add(
        "ROUTINES",
        routine_schema="library",
        routine_name="twice",
        routine_type="FUNCTION",
        routine_body="EXTERNAL",
        external_language="JAVASCRIPT",
        ddl="CREATE FUNCTION twice(n FLOAT64) ... 'return 2 * n'",
    )
    session.add(
        "ROUTINE_OPTIONS",
        specific_schema="library",
        specific_name="twice",
        option_name="description",
        option_value='"Doubles \\"it\\""',
    )
    (found,) = described(
        session, "twice", function=routines, entity_type=EntityType.STORED_PROCEDURE
    )
    assert (found.language, found.procedure_type) == ("JavaScript", "Function")
    assert "return 2 * n" in found.code
    assert found.description == 'Doubles "it"'


MANY = {f"d{i}": "EU" for i in range(23)} | {f"u{i}": "us-central1" for i in range(3)}


@pytest.fixture
def many():
    made = Views(pytest.importorskip("duckdb"), MANY)
    for name in MANY:
        for twin in ("t", name):
            table(made, twin, schema=name)
    table(made, "d1", schema="d2")  # a namesake that nobody asked for
    return made


def test_many_datasets_are_asked_for_by_their_region(many):
    asked = [descriptor(EntityType.TABLE, n, d) for d in MANY for n in ("t", d)]
    found = described(many, *asked)
    assert [each.fqn for each in found] == [each.id for each in asked]
    assert all(len(each.columns) == 1 for each in found)
    assert sum("`region-eu`" in text for text, _ in many.said) == 4
    assert sum("`u1`" in text for text, _ in many.said) == 5  # few: no right to the region needed
    assert many.calls == 10  # however many tables there are


def test_without_rights_to_the_project_datasets_are_asked_for(many, monkeypatch):
    monkeypatch.setattr(queries, "UNITED", 10)
    asked = [descriptor(EntityType.TABLE, "t", d) for d in MANY]
    whole = described(many, *asked)
    many.regions_denied = True
    many.said.clear()
    assert described(many, *asked) == whole
    assert sum("`region-eu`" in text for text, _ in many.said) == 1  # asked once, then never again
    assert max(text.count("union all") for text, _ in many.said) == 9


def test_a_dataset_that_its_region_does_not_show_is_asked_for_itself(many):
    asked = [descriptor(EntityType.TABLE, "t", d) for d in MANY]
    whole = described(many, *asked)
    many.linked = {"d3", "d5"}
    assert described(many, *asked) == whole
    many.said.clear()
    assert described(many, *asked) == whole
    assert sum("`d3`" in text for text, _ in many.said) == 5  # known by now: not a second time


def test_datasets_by_their_region(many, monkeypatch):
    said = {
        "description": '"""Two\nlines"""',
        "labels": '[STRUCT("team", "eu"), STRUCT("old", "")]',
    }
    for name, value in said.items():
        many.add("SCHEMATA_OPTIONS", schema_name="d7", option_name=name, option_value=value)
    asked = [descriptor(EntityType.DATABASE_SCHEMA, name, name) for name in MANY]
    found = described(many, *asked, function=schemas, entity_type=EntityType.DATABASE_SCHEMA)
    assert many.calls == 2
    by_name = {each.name: each for each in found}
    assert by_name["d7"].description == "Two\nlines"
    assert [(t.classification, t.name) for t in by_name["d7"].tags] == [
        ("old", "old"),
        ("team", "eu"),
    ]
    assert by_name["d8"].description is None
    many.regions_denied = True
    monkeypatch.setattr(many, "dataset", lambda name: {"description": f"of {name}"})
    alone = described(many, *asked, function=schemas, entity_type=EntityType.DATABASE_SCHEMA)
    assert {each.description for each in alone} == {f"of {name}" for name in MANY}


def test_what_was_dropped_is_gone_and_what_is_hidden_denied(session):
    table(session, "t")
    session.add("TABLES", table_schema="library", table_name="v", table_type="VIEW")
    asked = [descriptor(EntityType.TABLE, each) for each in ("t", "v", "w")]
    t, v, w = tables(session, asked, Wants())
    assert isinstance(t, Described)
    assert isinstance(v.error, Denied)
    assert "roles/bigquery.metadataViewer" in v.error.hint
    assert isinstance(w.error, Gone)


def test_tags_are_left_out_when_nobody_wants_them(session):
    table(session, "t")
    session.add(
        "TABLE_OPTIONS",
        table_schema="library",
        table_name="t",
        option_name="labels",
        option_value='[STRUCT("a", "b")]',
    )
    assert [
        len(described(session, "t", wants=Wants(tags=each))[0].tags) for each in (True, False)
    ] == [1, 0]
    assert Wants.of(SimpleNamespace(includeTags=False)).tags is False
