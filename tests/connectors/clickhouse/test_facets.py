"""Types, engines, keys, partitions, views and DDL come out as the server means them."""

import pytest

from rayingest.kit.sql.clickhouse.engines import table_type
from rayingest.kit.sql.clickhouse.partitions import partition
from rayingest.kit.sql.clickhouse.secrets import without_secrets
from rayingest.kit.sql.clickhouse.shapes import shape
from rayingest.kit.sql.scrub import MASK
from rayingest.model import EntityType, TableType

TABLE, SCHEMA = EntityType.TABLE, EntityType.DATABASE_SCHEMA

TYPES = {
    "Int8": ("TINYINT", "NOT_NULL"),
    "UInt64": ("UINT", "NOT_NULL"),
    "Nullable(Int64)": ("BIGINT", "NULL"),
    "Float32": ("FLOAT", "NOT_NULL"),
    "Float64": ("DOUBLE", "NOT_NULL"),
    "Decimal(10, 2)": ("DECIMAL", "NOT_NULL", {"precision": 10, "scale": 2}),
    "Nullable(Decimal(38, 5))": ("DECIMAL", "NULL", {"precision": 38, "scale": 5}),
    "String": ("STRING", "NOT_NULL"),
    "FixedString(7)": ("CHAR", "NOT_NULL", {"data_length": 7}),
    "UUID": ("UUID", "NOT_NULL"),
    "Date": ("DATE", "NOT_NULL"),
    "DateTime": ("DATETIME", "NOT_NULL"),
    "DateTime('Europe/Berlin')": ("DATETIME", "NOT_NULL"),
    "Enum8('a\\'b' = 1, 'c,)d' = 2)": ("ENUM", "NOT_NULL"),
    "Array(Array(Nullable(Int32)))": ("ARRAY", "NOT_NULL", {"array_data_type": "ARRAY"}),
    "Tuple(UInt8, String)": ("TUPLE", "NOT_NULL"),
    "AggregateFunction(quantiles(0.5, 0.9), UInt64)": ("AGGREGATEFUNCTION", "NOT_NULL"),
}
# Debian's server has not heard of these; their texts are those of ClickHouse 26.9.
NEWER = {
    "Bool": "BOOLEAN",
    "Int256": "LARGEINT",
    "Date32": "DATE",
    "DateTime64(3, 'UTC')": "DATETIME",
    "Time64(6)": "TIME",
    "IPv4": "IPV4",
    "JSON(max_dynamic_paths=8, `a.b` UInt32)": "JSON",
    "Object('json')": "JSON",
    "SimpleAggregateFunction(max, Nullable(UInt8))": "UINT",
    "LowCardinality(Nullable(String))": "STRING",
    "Variant(String, UInt8)": "VARIANT",
    "Dynamic(max_types=3)": "VARIANT",
    "Point": "POINT",
    "MultiPolygon": "GEOMETRY",
    "IntervalDay": "INTERVAL",
    "QBit(BFloat16, 1536)": "ARRAY",
    "Nothing": "NULL",
    "SomethingNew(1)": "UNKNOWN",
    "": "UNKNOWN",
    "(": "UNKNOWN",
}


@pytest.mark.parametrize("scheme", ["clickhouse+http", "clickhouse+native"])
def test_types(make, scheme):
    columns = ", ".join(f"c{place} {declared}" for place, declared in enumerate(TYPES))
    probe = make("types", f"create table types.t ({columns}) engine = Memory", scheme=scheme)
    table = probe.entities(TABLE)["svc.default.types.t"]
    assert [each.data_type_display for each in table.columns] == list(TYPES)
    for column, (data_type, constraint, *more) in zip(table.columns, TYPES.values(), strict=True):
        assert (column.data_type, column.constraint) == (data_type, constraint)
        for name, value in (more[0] if more else {}).items():
            assert getattr(column, name) == value
    pair = next(each for each in table.columns if each.data_type == "TUPLE")
    assert [(each.name, each.data_type) for each in pair.children] == [
        ("1", "UINT"),
        ("2", "STRING"),
    ]


@pytest.mark.parametrize(("text", "data_type"), NEWER.items())
def test_types_that_only_newer_servers_have(text, data_type):
    found = shape(text)
    assert (found.data_type, found.display) == (data_type, text)


@pytest.mark.parametrize(
    ("text", "required"),
    [("LowCardinality(Nullable(String))", False), ("SimpleAggregateFunction(max, Nullable(UInt8))", False),
     ("Variant(String, UInt8)", False), ("Dynamic", False), ("LowCardinality(String)", True),
     ("Array(Nullable(UInt8))", True)],
)  # fmt: skip
def test_what_may_be_null(text, required):
    assert shape(text).required is required


def test_what_types_are_made_of():
    found = shape(
        "Array(Tuple(a UInt8, `b c` Tuple(x Nullable(Decimal(9, 2)), y Map(String, Array(UInt8)))))"
    )
    assert (found.data_type, found.element) == ("ARRAY", "TUPLE")
    first, second = found.children
    assert (first.name, first.data_type) == ("a", "UINT")
    assert (second.name, second.data_type) == ("b c", "TUPLE")
    inner, mapped = second.children
    assert (inner.name, inner.precision, inner.scale) == ("x", 9, 2)
    assert [(each.name, each.data_type_display) for each in mapped.children] == [
        ("keys", "Array(String)"),
        ("values", "Array(Array(UInt8))"),
    ]
    nested = shape("Nested(a UInt8, `b\\`c` String)")
    assert (nested.data_type, nested.element) == ("ARRAY", "STRUCT")
    assert [each.name for each in nested.children] == ["a", "b`c"]


def test_a_type_without_end_is_no_endless_work():
    assert shape("Array(" * 500 + "UInt8" + ")" * 500).data_type == "ARRAY"


@pytest.fixture(scope="module")
def shop(make):
    return make(
        "shop",
        "create table shop.orders (id UInt64, day Date, region String, n Nested(a UInt8, b String),"
        " total Decimal(9, 2) default 0, twice UInt64 alias id * 2, thrice UInt64 materialized id * 3)"
        " engine = MergeTree partition by (toYYYYMM(day), region) order by (region, id) primary key region",
        "alter table shop.orders comment column id 'the \\'id\\''",
        "create table shop.old (d Date, k UInt8) engine = MergeTree(d, (k, d), 8192)",
        "create table shop.hashed (id UInt64, at DateTime) engine = MergeTree"
        " partition by (id % 8, toStartOfHour(at)) order by cityHash64(id)",
        "create table shop.plain (x UInt8) engine = Log",
        "create table shop.everywhere as shop.orders engine = Distributed(alone, shop, orders, rand())",
        "create table shop.far (a Int32) engine = MySQL('h:3306', 'd', 't', 'u', 'hun\\'ter2')",
        "create table shop.web (a Int32) engine = URL('http://bob:hunter2@example.org/x', 'CSV')",
        "create view shop.v as select id, 'hunter' as what from shop.orders",
        "create materialized view shop.kept engine = MergeTree order by id as select id from shop.orders",
        "create materialized view shop.fed to shop.plain as select toUInt8(id) as x from shop.orders",
    )


def test_tables_of_every_engine(shop):
    tables = shop.entities(TABLE)
    assert {each.name: str(each.table_type) for each in tables.values()} == {
        "orders": "Partitioned",
        "old": "Partitioned",
        "hashed": "Partitioned",
        "plain": "Regular",
        "everywhere": "Regular",
        "far": "Foreign",
        "web": "External",
        "v": "View",
        "kept": "MaterializedView",
        "fed": "MaterializedView",
    }


def test_the_hidden_table_of_a_materialized_view_is_hidden(shop, server):
    assert ".inner.kept" in server.run("select name from system.tables where database = 'shop'")
    assert not [each for each in shop.descriptors(TABLE) if "inner" in each.id]


@pytest.mark.parametrize(
    ("engine", "kind"),
    [("IcebergS3", TableType.ICEBERG), ("Kafka", TableType.EXTERNAL), ("Dictionary", TableType.EXTERNAL),
     ("PostgreSQL", TableType.FOREIGN), ("WindowView", TableType.MATERIALIZED_VIEW),
     ("ReplicatedMergeTree", TableType.REGULAR), ("SomethingNew", TableType.REGULAR)],
)  # fmt: skip
def test_engines_that_this_server_cannot_make(engine, kind):
    assert table_type(engine) is kind


def test_columns_comments_and_keys(shop):
    orders = shop.entities(TABLE)["svc.default.shop.orders"]
    assert [each.name for each in orders.columns] == [
        *("id", "day", "region", "n.a", "n.b", "total", "thrice", "twice")
    ]
    assert [each.ordinal_position for each in orders.columns] == list(range(1, 9))
    assert [each.description for each in orders.columns][:2] == ["the 'id'", None]
    assert {each.constraint for each in orders.columns} == {"NOT_NULL"}
    (key,) = orders.constraints
    assert (key.constraint_type, key.columns) == ("SORT_KEY", ("region", "id"))


def test_partitions(shop):
    tables = shop.entities(TABLE)
    told = {
        each.name: [(p.column_name, p.interval_type, p.interval) for p in each.partition]
        for each in tables.values()
        if each.partition
    }
    assert told == {
        "orders": [("day", "TIME-UNIT", "month"), ("region", "COLUMN-VALUE", None)],
        "old": [("d", "TIME-UNIT", "month")],
        "hashed": [("id", "OTHER", None), ("at", "TIME-UNIT", "hour")],
    }
    assert [each.columns for each in tables["svc.default.shop.old"].constraints] == [("k", "d")]
    assert [each.columns for each in tables["svc.default.shop.hashed"].constraints] == [("id",)]


def test_partitions_by_strange_names_and_expressions():
    types = {"a`b": "DATE", "c,d": "UINT", "e": "STRING", "f": "UINT"}
    found = partition("(toMonday(`a\\`b`), `c,d`, substring(e, 1, 'f'))", list(types)[:3], types)
    assert [(each.column_name, each.interval_type, each.interval) for each in found] == [
        ("a`b", "TIME-UNIT", "week"),
        ("c,d", "COLUMN-VALUE", None),
        ("e", "OTHER", "substring"),
    ]
    (found,) = partition("", ["f"], types)  # the server says so, its expression does not
    assert (found.column_name, found.interval_type) == ("f", "OTHER")


def test_ddl_of_views_always_and_of_tables_when_asked(shop):
    tables = shop.entities(TABLE)
    assert tables["svc.default.shop.v"].schema_definition.startswith("CREATE VIEW shop.v ")
    assert "SELECT id" in tables["svc.default.shop.kept"].schema_definition
    assert "TO shop.plain" in tables["svc.default.shop.fed"].schema_definition
    assert tables["svc.default.shop.orders"].schema_definition is None
    tables = shop.entities(TABLE, options={"includeDDL": True})
    assert "PARTITION BY" in tables["svc.default.shop.orders"].schema_definition
    texts = "".join(each.schema_definition for each in tables.values())
    assert "ter2" not in texts
    assert "'u'" not in texts
    assert f"MySQL('h:3306', 'd', 't', '{MASK}', '{MASK}')" in texts
    assert "'hunter' AS what" in texts


@pytest.mark.parametrize(
    "text",
    [
        "ENGINE = S3('https://x.y/z', '{}', 'CANARY', 'CSV')",
        "select * from s3Cluster('c', 'https://x.y/z', 'CANARY', 'CANARY', 'CSV')",
        "select * from remote('h', db, t, 'u', 'CANARY')",
        "select * from postgresql('h:1', 'd', 't', 'u', 'CANARY', 'public')",
        "ENGINE = MongoDB('h:1', 'd', 'c', 'u', 'CANARY')",
        "ENGINE = MongoDB('mongodb://u:CANARY@h:1/d', 'c')",
        "ENGINE = Redis('h:1', 0, 'CANARY')",
        "ENGINE = AzureBlobStorage('AccountName=a;AccountKey=CANARY', 'c', 'p')",
        "ENGINE = ODBC('DSN=x;PWD=CANARY', 'd', 't')",
        "ENGINE = Kafka SETTINGS kafka_broker_list = 'h:1', kafka_sasl_password = 'CANARY'",
        "SOURCE(CLICKHOUSE(TABLE 't' USER 'u' PASSWORD 'CAN\\'CANARY'))",
        "SOURCE(MYSQL(password 'CANARY' replica(host 'h' priority 1)))",
        "SOURCE(HTTP(url 'http://h' credentials(user 'CANARY' password 'CANARY')))",
        "SOURCE(HTTP(url 'http://h' headers(header(name 'API-KEY' value 'CANARY'))))",
        "ENGINE = URL('http://h', 'CSV', headers('Authorization' = 'Bearer CANARY'))",
        "ENGINE = MySQL(mine, host = 'h', password = 'CANARY')",
        "ENGINE = S3(mine, secret_access_key = 'CANARY', access_key_id = 'CANARY')",
        "ENGINE = DeltaLake(concat('https://', 'h'), 'CANARY', 'CANARY')",
    ],
)
def test_secrets_by_position_and_by_name(text):
    told = without_secrets(f"CREATE TABLE t (`password` String COMMENT 'the (kept') {text}")
    assert "CANARY" not in told
    assert MASK in told
    assert "COMMENT 'the (kept'" in told


def test_what_is_no_secret_stays():
    text = "CREATE VIEW v AS SELECT replaceAll(a, 'x', 'y'), 'remote(' AS b FROM t WHERE c IN ('1', '2')"
    assert without_secrets(text) == text


def test_batches_orders_and_singles_agree(shop):
    shop.agree(TABLE)
    shop.agree(TABLE, options={"includeDDL": True})
    shop.agree(SCHEMA)


def test_both_ways_tell_the_same(shop, whole):
    options = {"includeDDL": True}
    over_http = shop.entities(TABLE, options=options)
    native = whole("clickhouse+native", databaseSchema="shop").entities(TABLE, options=options)
    assert native == over_http
