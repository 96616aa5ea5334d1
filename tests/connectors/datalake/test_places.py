"""Which files are one table, by their keys: each line is a promise to those who have described it."""

import pytest

from rayingest.connectors.database._datalake.listing import File, Tables
from rayingest.connectors.database._datalake.places import place

UUID = "8f1e9c1a-1111-4222-8333-0123456789ab"
PARTS = {
    f"orders/part-00000-{UUID}-c000.snappy.parquet": "orders",  # Spark
    "orders/part-0.parquet.snappy": "orders",
    "orders/000000_0": "orders",  # Hive
    "orders/run-1679417237460-part-r-00000": "orders",  # Glue
    "orders/000000000000.csv.gz": "orders",  # BigQuery
    "orders/data_0_0_0.csv.gz": "orders",  # Snowflake
    "orders/0000_part_00.parquet": "orders",  # Redshift
    f"orders/20240101_123456_00012_abc1e_{UUID}": "orders",  # Athena
    "orders/part-00000.c000": "orders",
    "orders/0101/0001/part-0-deadbeef12.parquet": "orders",
    "orders/year=2024/month=1/anything.parquet": "orders",
    "orders/_year=2024/x.parquet": "orders",
    "topics/orders/partition=0/orders+0+0000000000.avro": "topics/orders",  # Kafka Connect
    "raw/dt=2024-01-01/orders/part-0.parquet": "raw/dt=*/orders",
    "raw/dt=2024-01-01/orders/hour=3/x.parquet": "raw/dt=*/orders",
    "events/2024/01/15/part-0.json.gz": "events",
    "year=2024/x.parquet": "year=*",
    "part-0.parquet": "part-*.parquet",
    "/part-0.parquet": "/part-*.parquet",
}
NAMED = {
    "data.csv": "data.csv",
    "shop/authors.csv": "shop/authors.csv",
    "shop/table1.csv": "shop/table1.csv",
    "shop/q3_report.TSV": "shop/q3_report.TSV",
    "shop/sales_2024.csv": "shop/sales_*.csv",
    "shop/events20260101.jsonl": "shop/events*.jsonl",
    "voyages/2024-01-15/raw-voyage-00001.csv": "voyages/*/raw-voyage-*.csv",
    "tenants/1/orders.csv": "tenants/*/orders.csv",
    "a//b.csv": "a//b.csv",
    "/b.csv": "/b.csv",
}
NOTHING = (
    *("orders/_SUCCESS", "orders/.part-0.parquet.crc", "orders/_temporary/0/part-0.parquet"),
    *("a/photo.jpg", "README", "a/file.tar.gz", "orders/", "a/version.1", ".csv", "a/x.zip"),
)


@pytest.mark.parametrize("key", PARTS)
def test_parts_are_the_table_that_their_folder_is(key):
    found = place(key)
    assert (found.table, found.parts) == (PARTS[key], True)


@pytest.mark.parametrize("key", NAMED)
def test_a_file_with_a_name_is_a_table_with_those_that_only_count_otherwise(key):
    found = place(key)
    assert (found.table, found.parts) == (NAMED[key], False)


@pytest.mark.parametrize("key", NOTHING)
def test_what_is_no_data_is_no_table(key):
    assert place(key) is None


def grouped(*keys, size=1):
    tables = Tables()
    found = [each for key in keys for each in tables.add(File(key, size))] + [*tables.end()]
    return {each.name: each.sample.key for each in found}, tables


def test_a_file_without_a_sibling_keeps_the_name_that_openmetadata_gives_it():
    assert grouped("s/sales_2024.csv")[0] == {"s/sales_2024.csv": "s/sales_2024.csv"}
    told, _ = grouped("s/sales_2024.csv", "s/sales_2025.csv", "s/costs.csv")
    assert told == {"s/sales_*.csv": "s/sales_2025.csv", "s/costs.csv": "s/costs.csv"}


def test_columns_are_read_from_the_newest_partition_by_number():
    keys = [f"o/month={each}/part-0.parquet" for each in (9, 10, 2, "__HIVE_DEFAULT_PARTITION__")]
    assert grouped(*keys)[0] == {"o": "o/month=10/part-0.parquet"}
    assert grouped(*reversed(keys))[0] == {"o": "o/month=10/part-0.parquet"}


def test_files_without_a_byte_are_nobodys():
    assert grouped("a.csv", size=0)[0] == {}


@pytest.mark.parametrize("log", ["_delta_log/0.json", "_delta_log/", ".hoodie/hoodie.properties"])
def test_tables_of_other_connectors_are_left_out_and_told(log):
    told, tables = grouped(
        "t/0.parquet", f"t/{log}", "t/part-1.parquet", "t/y=1/0.parquet", "u/0.csv"
    )
    assert told == {"u": "u/0.csv"}
    assert "t" in tables.foreign
    assert tables.known("t/z/") == "t/"
    assert "left out" in tables.left_out("b")


def test_a_bucket_may_be_one_table_of_another_connector():
    told, tables = grouped("_delta_log/0.json", "part-1.parquet", "a/b.csv")
    assert (told, tables.known("x/y.csv")) == ({}, "")


def test_data_of_iceberg_is_left_out_though_its_metadata_comes_after():
    keys = (
        "t/data/day=1/00000.parquet",
        "t/data/0101/x1.parquet",
        "t/metadata/00000-a.metadata.json",
    )
    assert grouped(*keys, "u/a.csv")[0] == {"u/a.csv": "u/a.csv"}


def test_one_partition_is_enough_unless_tables_lie_inside():
    _, tables = grouped("o/d=2/0.parquet", "raw/d=2/a/0.parquet")
    assert tables.known("o/d=1/") == "o/d="
    assert tables.known("raw/d=1/") is None
    assert tables.known("o/other/") is None


def test_what_is_complete_is_told_while_the_listing_goes_on():
    tables, held = Tables(), []
    for number in range(1000):
        for part in range(3):
            told = [*tables.add(File(f"zone{number:04}/orders/part-{part}.csv", 1))]
            held.append(sum(map(len, tables._open.values())))
            assert [each.name for each in told] == (
                [f"zone{number - 1:04}/orders"] if part == 0 and number else []
            )
    assert max(held) == 1
