"""A shop of 200 tables arrives complete, however it is cut, for few statements."""

import random
import time
from collections import Counter

import msgspec
import pytest

from rayingest.core.source import EntityDescriptor, Failed, ScopeListed
from rayingest.errors import Gone
from rayingest.model import EntityType, TableType

EVERYTHING = {"includeOwners": True, "includeDDL": True}


@pytest.fixture(scope="module")
def everything(shop200):
    return shop200.entities(EntityType.TABLE, options=EVERYTHING)


def test_counts_equal_the_oracle(shop200, everything):
    counts = shop200.shop.counts
    kinds = Counter(table.table_type for table in everything.values())
    assert kinds == {
        TableType.REGULAR: counts["regular"] + counts["partitions"],
        TableType.PARTITIONED: counts["partitioned"],
        TableType.VIEW: counts["views"],
        TableType.MATERIALIZED_VIEW: counts["materialized"],
        TableType.FOREIGN: counts["foreign"],
    }
    tables = list(everything.values())
    stored = [table for table in tables if "iew" not in table.table_type]
    columns = [column for table in tables for column in table.columns]
    own = [column for table in stored for column in table.columns]
    keys = Counter(
        (key.constraint_type, len(key.columns)) for table in tables for key in table.constraints
    )
    constraints = Counter(column.constraint for column in columns)
    displays = Counter(column.data_type_display.partition(".")[2] for column in own)
    assert {
        "tables": len(tables),
        "columns": len(columns),
        "table_comments": sum(bool(table.description) for table in tables),
        "column_comments": sum(bool(column.description) for column in columns),
        "primary_keys": constraints["PRIMARY_KEY"],
        "unique_keys": constraints["UNIQUE"],
        "composite_primary_keys": keys["PRIMARY_KEY", 2],
        "composite_unique_keys": keys["UNIQUE", 2],
        "foreign_keys": keys["FOREIGN_KEY", 1],
        "composite_foreign_keys": keys["FOREIGN_KEY", 2],
        "one_to_one": sum(
            key.relationship_type == "ONE_TO_ONE" for table in tables for key in table.constraints
        ),
        "policies": sum(len(table.tags) for table in tables),
        "owned_tables": sum(table.owners[0].name == "shop_owner" for table in tables),
        "array_columns": sum(column.data_type == "ARRAY" for column in own),
        "enum_columns": sum(column.data_type == "ENUM" for column in own),
        "domain_columns": displays["email"] + displays["money_amount"],
    } == {name: counts[name] for name in counts if name not in NOT_COLUMNS}
    assert len(shop200.entities(EntityType.DATABASE_SCHEMA)) == counts["schemas"]
    assert len(shop200.entities(EntityType.STORED_PROCEDURE)) == counts["routines"]


NOT_COLUMNS = {
    "schemas",
    "enums",
    "domains",
    "routines",
    "overloads",
    "regular",
    "partitioned",
    "partitions",
    "views",
    "materialized",
    "foreign",
}


@pytest.mark.parametrize(
    "entity_type", [EntityType.DATABASE_SCHEMA, EntityType.TABLE, EntityType.STORED_PROCEDURE]
)
def test_a_batch_is_the_same_as_one_by_one_and_as_any_order(shop200, entity_type):
    descriptors = shop200.descriptors(entity_type)
    shuffled = random.Random(3).sample(descriptors, len(descriptors))
    with shop200.open(options=EVERYTHING) as source:
        whole = list(source.process_entities(descriptors))
        mixed = list(source.process_entities(shuffled))
        single = [next(iter(source.process_entities([each]))) for each in descriptors]
    assert whole == single
    assert sorted(mixed, key=_identity) == sorted(whole, key=_identity)


def _identity(processed):
    return processed.descriptor.id


def test_types_may_be_mixed_in_one_batch(shop200):
    listed = [each for each in shop200.listing() if isinstance(each, EntityDescriptor)]
    with shop200.open() as source:
        answered = list(source.process_entities(listed[:40]))
    assert {each.descriptor.id for each in answered} == {each.id for each in listed[:40]}


def test_statements_per_table_stay_within_the_budget(shop200):
    with shop200.open() as source:
        list(source.discover_entities(EntityType.DATABASE))
        listed = list(source.discover_entities(EntityType.DATABASE_SCHEMA, "svc.shop200"))
        tables = [
            each for each in listed if isinstance(each, EntityDescriptor) and each.type == "table"
        ]
        list(source.process_entities(tables))
        assert len(tables) == 200
        # databases, listing, four of the batch, the types that are new to the session
        assert source.calls <= 10
        assert source.calls / len(tables) <= 0.05
        before = source.calls
        list(source.process_entities(tables))
        assert source.calls - before == 4


def test_the_server_counts_the_same_statements(shop200):
    with shop200.server.connect() as connection:
        connection.execute("create extension if not exists pg_stat_statements")
        connection.execute("select pg_stat_statements_reset()")
        tables = shop200.descriptors(EntityType.TABLE)
        with shop200.open() as source:
            list(source.process_entities(tables))
            calls = source.calls
        query = (
            "select coalesce(sum(calls), 0) from pg_stat_statements s join pg_database d "
            "on d.oid = s.dbid where datname = 'shop200' and query !~ 'pg_stat_statements'"
        )
        (counted,) = connection.execute(query).fetchone()
    assert counted == calls + 1  # the listing, in a session of its own


def test_client_cpu_per_table_stays_within_the_budget(shop200):
    tables = shop200.descriptors(EntityType.TABLE)
    with shop200.open() as source:
        list(source.process_entities(tables))
        best = min(_cpu(source, tables) for _ in range(5))
    assert best / len(tables) < 0.0005


def _cpu(source, tables):
    start = time.process_time()
    list(source.process_entities(tables))
    return time.process_time() - start


def test_entities_survive_the_wire(everything):
    encoder = msgspec.json.Encoder()
    for table in everything.values():
        decoded = msgspec.json.decode(encoder.encode(table), type=type(table))
        assert decoded == table


def test_a_table_dropped_or_renamed_after_its_listing_is_gone_and_harms_nobody(make):
    probe = make("moving", "create table a (i int); create table b (i int); create table c (i int)")
    tables = probe.descriptors(EntityType.TABLE)
    with probe.server.connect("moving") as connection:
        connection.execute("drop table a")
        connection.execute("alter table b rename to d")
    with probe.open() as source:
        a, b, c = source.process_entities(tables)
    for each, word in ((a, "dropped"), (b, "renamed")):
        assert isinstance(each, Failed)
        assert isinstance(each.error, Gone)
        assert word in str(each.error)
    assert c.entities[0].name == "c"


def test_a_schema_or_routine_dropped_after_its_listing_is_gone(make):
    probe = make(
        "leaving", "create schema s; create function s.f() returns int language sql as 'select 1'"
    )
    schemas = probe.descriptors(EntityType.DATABASE_SCHEMA)
    routines = probe.descriptors(EntityType.STORED_PROCEDURE)
    with probe.server.connect("leaving") as connection:
        connection.execute("drop schema s cascade")
    with probe.open() as source:
        answers = [*source.process_entities(schemas), *source.process_entities(routines)]
    failed = [each for each in answers if isinstance(each, Failed)]
    assert [each.descriptor.id for each in failed] == ["svc.leaving.s", "svc.leaving.s.f"]
    assert all(isinstance(each.error, Gone) for each in failed)


def test_scopes_end_with_the_number_of_what_was_yielded(shop200):
    listing = shop200.listing()
    yielded = Counter(
        (each.type, each.scope) for each in listing if isinstance(each, EntityDescriptor)
    )
    ends = [each for each in listing if isinstance(each, ScopeListed)]
    assert {(end.type, end.scope): end.count for end in ends if end.count} == yielded
    assert all(end.complete and end.mode == "snapshot" for end in ends)
    assert len({(end.type, end.scope) for end in ends}) == len(ends)
