"""Doris and StarRocks: keys by their columns, types with what they hold, partitions, what lies elsewhere."""

import pytest

from rayingest.model import EntityType, TableType

from .story import table

TABLE = EntityType.TABLE
frontends = pytest.mark.parametrize("name", ["doris", "starrocks"])


@frontends
def test_the_columns_tell_of_a_key_that_is_unique(server, name):
    made, probe = server(name)
    made.add("schemata", schema_name="s")
    for kind in ("PRI", "UNI", "DUP", "AGG"):
        two = [(each, "int", "NO", kind) for each in ("a", "b")]
        table(made, "s", f"{kind}1", two[0], ("v", "int"))
        table(made, "s", f"{kind}2", *two, ("v", "int"))
    found = {each.name: each for each in probe.entities(TABLE).values()}
    assert found["PRI1"].columns[0].constraint == "PRIMARY_KEY"
    assert found["UNI1"].columns[0].constraint == "UNIQUE"
    for kind, word in (("PRI", "PRIMARY_KEY"), ("UNI", "UNIQUE")):
        keys = [(each.constraint_type, each.columns) for each in found[f"{kind}2"].constraints]
        assert keys == [(word, ("a", "b"))]
    for other in ("DUP1", "DUP2", "AGG1", "AGG2"):
        assert found[other].columns[0].constraint == "NOT_NULL"
        assert not found[other].constraints


TYPES = {
    "largeint": ("LARGEINT", None, []),
    "bigint(20) unsigned": ("BIGINT", None, []),
    "decimal(38, 9)": ("DECIMAL", None, []),
    "varchar(65533)": ("VARCHAR", None, []),
    "string": ("STRING", None, []),
    "json": ("JSON", None, []),
    "variant": ("VARIANT", None, []),
    "bitmap": ("BITMAP", None, []),
    "hll": ("HLL", None, []),
    "quantile_state": ("QUANTILE_STATE", None, []),
    "agg_state<sum(int)>": ("AGG_STATE", None, []),
    "ipv6": ("IPV6", None, []),
    "datetime(6)": ("DATETIME", None, []),
    "array<int(11)>": ("ARRAY", "INT", []),
    "map<varchar(10),int(11)>": ("MAP", None, []),
    "struct<a int(11), b array<varchar(5)>>": ("STRUCT", None, ["a", "b"]),
    "struct<a:int,b:struct<c:text>>": ("STRUCT", None, ["a", "b"]),
    "array<struct<a:int>>": ("ARRAY", "STRUCT", ["a"]),
}


@frontends
def test_types_and_what_they_hold(server, name):
    made, probe = server(name)
    made.add("schemata", schema_name="s")
    table(made, "s", "t", *((f"c{place}", form) for place, form in enumerate(TYPES)))
    (found,) = probe.entities(TABLE).values()
    for column, (form, (kind, element, inside)) in zip(found.columns, TYPES.items(), strict=True):
        assert (column.data_type, column.array_data_type) == (kind, element), form
        assert column.data_type_display == form
        assert [each.name for each in column.children] == inside


def test_partitions_of_doris(server):
    made, probe = server("doris")
    made.add("schemata", schema_name="s")
    for place, (method, expression) in enumerate(
        {"RANGE": "`d`", "LIST": "c, i", "UNPARTITIONED": ""}.items()
    ):
        table(made, "s", f"t{place}", ("d", "date"), ("c", "varchar(3)"), ("i", "int"))
        for _ in range(3):
            made.add(
                "partitions",
                table_schema="s",
                table_name=f"t{place}",
                partition_method=method,
                partition_expression=expression,
            )
    ranged, listed, whole = probe.entities(TABLE).values()
    assert [(each.column_name, each.interval_type) for each in ranged.partition] == [
        ("d", "TIME-UNIT")
    ]
    assert [(each.column_name, each.interval_type) for each in listed.partition] == [
        ("c", "COLUMN-VALUE"),
        ("i", "COLUMN-VALUE"),
    ]
    assert (whole.table_type, whole.partition) == (TableType.REGULAR, ())


@pytest.mark.parametrize("kind", ["VIEW", "BASE TABLE"])
def test_materialized_views_of_starrocks(server, kind):
    made, probe = server("starrocks", library=True)
    table(made, "library", "best", ("id", "int"), kind=kind, engine="StarRocks")
    table(made, "library", "short", ("id", "int"), kind=kind, engine="StarRocks")
    select = "SELECT `id` FROM `library`.`book`"
    whole = f"CREATE MATERIALIZED VIEW `best` REFRESH ASYNC AS {select}"
    for name, text in (("best", whole), ("short", select)):
        made.add(
            "materialized_views",
            table_schema="library",
            table_name=name,
            materialized_view_definition=text,
        )
    tables = probe.entities(TABLE)
    found = [tables[f"svc.default.library.{name}"] for name in ("best", "short")]
    assert {each.table_type for each in found} == {TableType.MATERIALIZED_VIEW}
    made_one = f"create materialized view `library`.`short` as {select}"
    assert [each.schema_definition for each in found] == [whole, made_one]


@frontends
def test_tables_that_lie_elsewhere_are_foreign(server, name):
    made, probe = server(name)
    made.add("schemata", schema_name="s")
    table(made, "s", "far", ("i", "int"), engine="jdbc")
    table(made, "s", "old", ("i", "int"), kind="EXTERNAL TABLE", engine="ElasticSearch")
    table(made, "s", "near", ("i", "int"), engine="Doris")
    kinds = {each.name: each.table_type for each in probe.entities(TABLE).values()}
    assert kinds == {
        "far": TableType.FOREIGN,
        "old": TableType.FOREIGN,
        "near": TableType.REGULAR,
    }
