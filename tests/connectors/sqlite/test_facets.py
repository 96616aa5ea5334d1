"""Columns, keys, views and DDL come out as SQLite means them."""

import pytest

from rayingest.kit.sql.sqlite.shapes import shape
from rayingest.model import EntityType, TableType

TABLE = EntityType.TABLE
DDL = {"options": {"includeDDL": True}}


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ("INTEGER", ("INT", "INTEGER", None, None, None)),
        ("int unsigned", ("INT", "int unsigned", None, None, None)),
        ("BIGINT", ("BIGINT", "BIGINT", None, None, None)),
        ("varchar(20)", ("VARCHAR", "varchar(20)", 20, None, None)),
        ("varchar", ("VARCHAR", "varchar", 1, None, None)),
        ("VARYING CHARACTER(255)", ("VARCHAR", "VARYING CHARACTER(255)", 255, None, None)),
        ("decimal(10, 2)", ("DECIMAL", "decimal(10, 2)", None, 10, 2)),
        ("NUMERIC", ("NUMERIC", "NUMERIC", None, None, None)),
        ("FLOATING POINT", ("INT", "FLOATING POINT", None, None, None)),  # SQLite's own joke
        ("double precision", ("DOUBLE", "double precision", None, None, None)),
        ("my own text", ("TEXT", "my own text", None, None, None)),
        ("whatever", ("NUMERIC", "whatever", None, None, None)),
        ("integer GENERATED ALWAYS", ("INT", "integer", None, None, None)),
        ("", ("UNKNOWN", None, None, None, None)),
        (
            "varchar(99999999999999999999)",
            ("VARCHAR", "varchar(99999999999999999999)", 1, None, None),
        ),
        (")((", ("NUMERIC", ")((", None, None, None)),
    ],
)
def test_a_declared_type_means_its_affinity_unless_its_name_is_known(declared, expected):
    assert tuple(shape(declared)) == expected


@pytest.fixture
def shop(make):
    return make(
        "create table parent (a int, b int, name text not null, primary key (b, a))",
        "create table child (id integer primary key, code varchar(8) unique, x int, y int,"
        " twice int generated always as (x * 2) stored, unique (x, y),"
        " foreign key (y, x) references PARENT, foreign key (code) references Child(CODE),"
        " foreign key (x) references absent(z), foreign key (y) references absent)",
        "create table one (id integer primary key references child(id)) without rowid",
        "create view v as select id, count(*) as n from child",
    )


def test_keys(shop):
    tables = shop.entities(TABLE)
    parent, child, one = (tables[f"svc.default.main.{each}"] for each in ("parent", "child", "one"))
    assert [(each.constraint_type, each.columns) for each in parent.constraints] == [
        ("PRIMARY_KEY", ("b", "a"))
    ]
    assert [(each.name, each.constraint) for each in child.columns] == [
        ("id", "PRIMARY_KEY"),
        ("code", "UNIQUE"),
        ("x", "NULL"),
        ("y", "NULL"),
        ("twice", "NULL"),
    ]
    assert [
        (each.constraint_type, each.columns, each.referred_columns, each.relationship_type)
        for each in child.constraints
    ] == [
        ("UNIQUE", ("x", "y"), (), None),
        # No columns named: the primary key, in its order; spelled as the parent spells it.
        (
            "FOREIGN_KEY",
            ("y", "x"),
            ("svc.default.main.parent.b", "svc.default.main.parent.a"),
            "ONE_TO_ONE",
        ),
        ("FOREIGN_KEY", ("code",), ("svc.default.main.child.code",), "ONE_TO_ONE"),
        ("FOREIGN_KEY", ("x",), ("svc.default.main.absent.z",), "MANY_TO_ONE"),
    ]
    assert one.constraints[0].relationship_type == "ONE_TO_ONE"
    assert parent.columns[2].constraint == "NOT_NULL"


def test_views_have_their_text_and_tables_theirs_when_asked(shop):
    view = shop.entities(TABLE)["svc.default.main.v"]
    assert view.table_type is TableType.VIEW
    assert view.schema_definition == "CREATE VIEW v as select id, count(*) as n from child"
    assert [(each.name, each.data_type) for each in view.columns] == [
        ("id", "INT"),
        ("n", "UNKNOWN"),
    ]
    assert shop.entities(TABLE)["svc.default.main.one"].schema_definition is None
    assert "without rowid" in shop.entities(TABLE, **DDL)["svc.default.main.one"].schema_definition


def test_credentials_in_a_text_are_masked(make):
    probe = make("create view v as select 'https://bob:hunter2@example.org' as url")
    assert "hunter2" not in probe.entities(TABLE)["svc.default.main.v"].schema_definition


def test_a_broken_view_costs_itself_alone(make):
    made = [f"create table t{each} (i int)" for each in range(60)]
    made += [f"create view v{each} as select i from t{each}" for each in range(60)]  # noqa: S608
    probe = make(*made, "drop table t3", "drop table t40")
    found, failed = probe.answers(TABLE)
    assert set(failed) == {"svc.default.main.v3", "svc.default.main.v40"}
    assert "no such table: main.t3" in str(failed["svc.default.main.v3"])
    assert len(found) == 116
    probe.agree(TABLE)


def test_what_a_virtual_table_keeps_its_data_in_is_hidden(make):
    probe = make("create virtual table notes using fts5(title, body)", "analyze")
    assert [
        (*each.columns,) and [c.name for c in each.columns]
        for each in probe.entities(TABLE).values()
    ] == [["title", "body"]]
