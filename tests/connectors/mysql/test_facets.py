"""Columns, keys, partitions, views, routines and DDL come out as the server means them."""

import pytest

from rayingest.kit.sql.mysql.partitions import partition
from rayingest.kit.sql.mysql.shapes import shape
from rayingest.model import EntityType, TableType

TABLE, PROCEDURE = EntityType.TABLE, EntityType.STORED_PROCEDURE

TYPES = {
    "tinyint(1)": ("TINYINT", "tinyint(1)"),
    "int(10) unsigned": ("INT", "int(10) unsigned"),
    "bigint(20)": ("BIGINT", "bigint(20)"),
    "decimal(10,2)": ("DECIMAL", "decimal(10,2)", {"precision": 10, "scale": 2}),
    "double": ("DOUBLE", "double"),
    "float": ("FLOAT", "float"),
    "bit(3)": ("BIT", "bit(3)", {"data_length": 3}),
    "char(7)": ("CHAR", "char(7)", {"data_length": 7}),
    "varchar(20)": ("VARCHAR", "varchar(20)", {"data_length": 20}),
    "varbinary(16)": ("VARBINARY", "varbinary(16)", {"data_length": 16}),
    "tinytext": ("TEXT", "tinytext"),
    "mediumtext": ("MEDIUMTEXT", "mediumtext"),
    "longtext": ("TEXT", "longtext"),
    "longblob": ("LONGBLOB", "longblob"),
    "enum('a''b','c,d')": ("ENUM", "enum('a''b','c,d')"),
    "set('x','y')": ("SET", "set('x','y')"),
    "json": ("JSON", "longtext"),  # MariaDB writes it as text with a check
    "date": ("DATE", "date"),
    "datetime(6)": ("DATETIME", "datetime(6)"),
    "timestamp": ("TIMESTAMP", "timestamp"),
    "time": ("TIME", "time"),
    "year(4)": ("YEAR", "year(4)"),
    "point": ("POINT", "point"),
    "linestring": ("GEOMETRY", "linestring"),
    "uuid": ("UUID", "uuid"),
    "inet6": ("IPV6", "inet6"),
}


def test_types(make):
    columns = ", ".join(f"c{place} {declared} null" for place, declared in enumerate(TYPES))
    probe = make("types", f"create table t ({columns})")
    table = probe.entities(TABLE)["svc.default.types.t"]
    for column, (data_type, display, *more) in zip(table.columns, TYPES.values(), strict=True):
        assert (column.data_type, column.data_type_display) == (data_type, display)
        for name, value in (more[0] if more else {}).items():
            assert getattr(column, name) == value
        assert column.constraint == "NULL"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("int unsigned", ("INT", "int unsigned", None, None, None, None)),
        ("json", ("JSON", "json", None, None, None, None)),
        ("vector(3)", ("ARRAY", "vector(3)", "FLOAT", None, None, None)),
        ("varchar(0)", ("VARCHAR", "varchar(0)", None, 1, None, None)),
        ("something_new(1)", ("UNKNOWN", "something_new(1)", None, None, None, None)),
        ("", ("UNKNOWN", "", None, None, None, None)),
    ],
)
def test_types_that_only_mysql_has(text, expected):
    assert tuple(shape(text)) == expected


@pytest.fixture(scope="module")
def shop(make):
    make("other", "create table far (a int, b int, primary key (b, a))")
    return make(
        "shop",
        "create table parent (id int auto_increment primary key comment 'the id', n int not null,"
        " code varchar(9) unique, u int, v int, unique (u, v), key (n)) comment 'parents'",
        "create table child (id int primary key, p int, q int, a int, b int,"
        " twice int as (q * 2) virtual, thrice int as (q * 3) stored,"
        " doc json comment 'd', constraint fk1 foreign key (p) references parent (id),"
        " constraint fk2 foreign key (b, a) references other.far (b, a),"
        " constraint fk3 foreign key (id) references parent (id))",
        "create view v as select id, n from parent",
        "create table ranged (i int, d date) partition by range (year(d))"
        " subpartition by hash (i) subpartitions 2"
        " (partition p0 values less than (2000), partition p1 values less than maxvalue)",
        "create table listed (i int, d date) partition by list columns (i, d)"
        " (partition p0 values in ((1, '2000-01-01')))",
        "create table keyed (i int primary key) partition by key () partitions 3",
        "create table versioned (i int) with system versioning",
        "create sequence numbers",
        "create function f (a int unsigned, `b c` varchar(3)) returns int deterministic comment 'fn'"
        " return a",
        "create procedure f (in a int, out b int) sql security invoker begin select a into b; end",
        "create procedure secret () select 'https://bob:hunter2@example.org'",
    )


def test_keys_and_comments(shop):
    tables = shop.entities(TABLE)
    parent, child = tables["svc.default.shop.parent"], tables["svc.default.shop.child"]
    assert parent.description == "parents"
    assert [(each.name, each.constraint, each.description) for each in parent.columns] == [
        ("id", "PRIMARY_KEY", "the id"),
        ("n", "NOT_NULL", None),
        ("code", "UNIQUE", None),
        ("u", "NULL", None),
        ("v", "NULL", None),
    ]
    assert [(each.constraint_type, each.columns) for each in parent.constraints] == [
        ("UNIQUE", ("u", "v"))
    ]
    assert {
        (each.columns, each.referred_columns, each.relationship_type) for each in child.constraints
    } == {
        (("p",), ("svc.default.shop.parent.id",), "MANY_TO_ONE"),
        (("b", "a"), ("svc.default.other.far.b", "svc.default.other.far.a"), "MANY_TO_ONE"),
        (("id",), ("svc.default.shop.parent.id",), "ONE_TO_ONE"),
    }
    assert [each.name for each in child.columns][-3:] == ["twice", "thrice", "doc"]
    assert (child.columns[-1].data_type, child.columns[-1].description) == ("JSON", "d")


def test_views_and_what_is_no_table(shop):
    tables = shop.entities(TABLE)
    view = tables["svc.default.shop.v"]
    assert view.table_type is TableType.VIEW
    assert view.schema_definition.startswith("create view `shop`.`v` as select ")
    assert view.description is None
    assert "svc.default.shop.numbers" not in tables
    assert tables["svc.default.shop.versioned"].table_type is TableType.REGULAR


def test_partitions(shop):
    tables = shop.entities(TABLE)
    ranged, listed, keyed = (tables[f"svc.default.shop.{n}"] for n in ("ranged", "listed", "keyed"))
    assert ranged.table_type is TableType.PARTITIONED
    assert [(p.column_name, p.interval_type, p.interval) for p in ranged.partition] == [
        ("d", "TIME-UNIT", "year"),
        ("i", "OTHER", None),
    ]
    assert [(p.column_name, p.interval_type) for p in listed.partition] == [
        ("i", "COLUMN-VALUE"),
        ("d", "COLUMN-VALUE"),
    ]
    assert keyed.table_type is TableType.PARTITIONED


def test_a_partition_by_an_expression_without_columns_stands_for_itself():
    (found,) = partition((("RANGE", "rand()"), (None, None)), {})
    assert (found.column_name, found.interval_type) == ("rand()", "OTHER")
    (found,) = partition((("RANGE", "`a``b`"), (None, None)), {"a`b": "BIGINT"})
    assert (found.column_name, found.interval_type) == ("a`b", "INTEGER-RANGE")


def test_a_procedure_and_a_function_of_one_name_are_one(shop):
    routines = shop.entities(PROCEDURE)
    assert sorted(routines) == ["svc.default.shop.f", "svc.default.shop.secret"]
    both = routines["svc.default.shop.f"]
    assert both.procedure_type == "StoredProcedure"
    assert both.language == "SQL"
    assert both.description == "fn"
    assert both.code == (
        "CREATE PROCEDURE `shop`.`f`(IN `a` int(11), OUT `b` int(11))\n"
        "SQL SECURITY INVOKER\nbegin select a into b; end\n\n"
        "CREATE FUNCTION `shop`.`f`(`a` int(10) unsigned, `b c` varchar(3))\n"
        "RETURNS int(11)\nDETERMINISTIC\nreturn a"
    )
    assert "hunter2" not in routines["svc.default.shop.secret"].code


def test_ddl_only_when_asked(shop):
    assert shop.entities(TABLE)["svc.default.shop.parent"].schema_definition is None
    found = shop.entities(TABLE, options={"includeDDL": True})["svc.default.shop.parent"]
    assert found.schema_definition.startswith("CREATE TABLE `parent` (")


def test_batches_orders_and_singles_agree(shop):
    shop.agree(TABLE)
    shop.agree(TABLE, options={"includeDDL": True})
    shop.agree(PROCEDURE)
    shop.agree(EntityType.DATABASE_SCHEMA)
