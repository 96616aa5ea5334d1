"""Types and statements, read from their texts alone."""

import pytest

from rayingest.errors import (
    ConfigError,
    Denied,
    Forbidden,
    Gone,
    Permanent,
    Retryable,
    SessionLost,
    Throttled,
    TimedOut,
)
from rayingest.kit.sql.trino import ddl
from rayingest.kit.sql.trino.errors import meaning
from rayingest.kit.sql.trino.shapes import shape
from rayingest.kit.sql.trino.text import among, literal, quoted


@pytest.mark.parametrize(
    ("text", "data_type"),
    [
        ("boolean", "BOOLEAN"),
        ("tinyint", "TINYINT"),
        ("integer", "INT"),
        ("bigint", "BIGINT"),
        ("real", "FLOAT"),
        ("double", "DOUBLE"),
        ("number", "NUMBER"),
        ("varchar", "VARCHAR"),
        ("varbinary", "VARBINARY"),
        ("json", "JSON"),
        ("date", "DATE"),
        ("time(6)", "TIME"),
        ("time(3) with time zone", "TIME"),
        ("timestamp(6)", "TIMESTAMP"),
        ("timestamp(12) with time zone", "TIMESTAMPZ"),
        ("timestamp with time zone", "TIMESTAMPZ"),
        ("interval day to second", "INTERVAL"),
        ("interval year to month", "INTERVAL"),
        ("uuid", "UUID"),
        ("ipaddress", "INET"),
        ("HyperLogLog", "HLL"),
        ("qdigest(bigint)", "QUANTILE_STATE"),
        ("Geometry", "GEOMETRY"),
        ("SphericalGeography", "GEOGRAPHY"),
        ("map(varchar, array(integer))", "MAP"),
        ("unknown", "NULL"),
        ("something new", "UNKNOWN"),
        ("", "UNKNOWN"),
    ],
)
def test_types_have_openmetadatas_names(text, data_type):
    assert shape(text).data_type == data_type
    assert shape(text).display == text


def test_lengths_and_digits():
    assert shape("varchar(20)").length == 20
    assert shape("varchar").length == 1  # the catalogue wants one
    found = shape("decimal(38,9)")
    assert (found.precision, found.scale) == (38, 9)


def children(text):
    return [(each.name, each.data_type_display) for each in shape(text).children]


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("row(a integer, b varchar(3))", [("a", "integer"), ("b", "varchar(3)")]),
        ("row(a b integer)", [("a b", "integer")]),
        ('row("a ""b"", c" integer)', [('a "b", c', "integer")]),
        ("row(integer, timestamp(3) with time zone)", [("1", "integer"), ("2", "timestamp(3) with time zone")]),
        ("row(timestamp timestamp(3) with time zone)", [("timestamp", "timestamp(3) with time zone")]),
        ("row(date date, row row(x integer))", [("date", "date"), ("row", "row(x integer)")]),
        ("array(row(a decimal(5,2)))", [("a", "decimal(5,2)")]),
        ("row(a strange)", [("a", "strange")]),
    ],
)  # fmt: skip
def test_fields_of_rows_are_children(text, fields):
    assert children(text) == fields


def test_rows_in_rows_are_read_to_the_end():
    (outer,) = shape("row(a array(row(b row(c integer))))").children
    assert outer.array_data_type == "STRUCT"
    assert outer.children[0].children[0].name == "c"
    deep = "row(x " * 100 + "integer" + ")" * 100
    assert shape(deep).data_type == "STRUCT"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("partitioned_by = ARRAY['ds','hour']", [("ds", "COLUMN-VALUE", None), ("hour", "COLUMN-VALUE", None)]),
        ("partitioning = ARRAY['day(ts)', 'truncate(name, 3)']", [("ts", "TIME-UNIT", "day"), ("name", "OTHER", "truncate")]),
        ("partitioning = ARRAY['\"a b\"','month(\"a b\")']", [("a b", "COLUMN-VALUE", None)]),
        ("partitioning = ARRAY[]", []),
        ("format = 'ORC'", []),
    ],
)  # fmt: skip
def test_partitions_out_of_ddl(options, told):
    text = f"CREATE TABLE c.s.t (\n   a integer\n)\nWITH (\n   {options},\n   sorted_by = ARRAY['x']\n)"
    found = [(e.column_name, e.interval_type, e.interval) for e in ddl.partitioned(text)]
    assert found == told


def test_the_comment_out_of_ddl_is_the_tables():
    text = "CREATE TABLE c.s.t (\n   a integer COMMENT 'not this'\n)\nCOMMENT 'It''s this'\nWITH (\n   x = 1\n)"
    assert ddl.comment(text) == "It's this"
    assert ddl.comment("CREATE TABLE c.s.t (\n   a integer COMMENT 'not this'\n)") is None


def test_names_and_values_stay_what_they_are():
    assert quoted('a"b', "c.d") == '"a""b"."c.d"'
    assert literal("it's") == "'it''s'"
    assert among([("s", "a"), ("x'y", "b"), ("s", "c")]) == (
        "(table_schema = 's' and table_name in ('a', 'c'))"
        " or (table_schema = 'x''y' and table_name in ('b'))"
    )


@pytest.mark.parametrize(
    ("name", "means"),
    [
        ("PERMISSION_DENIED", Denied),
        ("TABLE_NOT_FOUND", Gone),
        ("UNSUPPORTED_TABLE_TYPE", Forbidden),
        ("SCHEMA_NOT_FOUND", Gone),
        ("CATALOG_NOT_FOUND", Gone),
        ("EXCEEDED_TIME_LIMIT", TimedOut),
        ("USER_CANCELED", TimedOut),
        ("ABANDONED_QUERY", SessionLost),
        ("QUERY_QUEUE_FULL", Throttled),
        ("TOO_MANY_REQUESTS_FAILED", Throttled),
        ("SERVER_STARTING_UP", Retryable),
        ("SERVER_SHUTTING_DOWN", Retryable),
        ("NO_NODES_AVAILABLE", Retryable),
        ("HIVE_METASTORE_ERROR", Retryable),
        ("INVALID_SESSION_PROPERTY", ConfigError),
        ("QUERY_REJECTED", Permanent),
        ("GENERIC_INTERNAL_ERROR", Permanent),
        ("HIVE_BAD_DATA", Permanent),
        ("", Permanent),
    ],
)
def test_what_errors_mean(name, means):
    found = meaning(name, "it went\n wrong", "ada")
    assert means in type(found).__mro__[:2]
    assert "it went wrong" in str(found)


def test_presto_has_no_name_for_what_is_absent():
    assert isinstance(meaning("SYNTAX_ERROR", "line 1:15: Table a.b.c does not exist", "ada"), Gone)
    assert not isinstance(meaning("SYNTAX_ERROR", "line 1:1: mismatched input", "ada"), Gone)
