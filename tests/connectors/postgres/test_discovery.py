"""Listing is one statement per database; what it yields is small, filtered exactly, and streams."""

import pickle
from collections import Counter

import msgspec
import pytest

from rayingest.core import fqn
from rayingest.core.source import EntityDescriptor, ScopeListed, ScopeOpened
from rayingest.errors import ConfigError
from rayingest.model import EntityType

SCHEMA, TABLE, PROCEDURE = (
    EntityType.DATABASE_SCHEMA,
    EntityType.TABLE,
    EntityType.STORED_PROCEDURE,
)


@pytest.fixture(scope="module")
def small(make):
    return make(
        "small",
        "create schema sales; create schema secret; drop schema public;"
        "create table sales.orders (i int); create table sales.orders_old (i int);"
        "create view sales.v as select 1 as one; create table secret.keys (i int);"
        "create function sales.f() returns int language sql as 'select 1';"
        "create function sales.f(i int) returns int language sql as 'select 1'",
    )


def names(listing, entity_type=TABLE):
    return [
        each.metadata["name"]
        for each in listing
        if isinstance(each, EntityDescriptor) and each.type is entity_type
    ]


def end(listing, entity_type, scope):
    (found,) = [
        each
        for each in listing
        if isinstance(each, ScopeListed) and (each.type, each.scope) == (entity_type, scope)
    ]
    return found


def test_parents_come_first_and_every_scope_ends(small):
    assert [
        (type(each).__name__, each.type.value, getattr(each, "id", each.scope))
        for each in small.listing()
    ] == [
        ("EntityDescriptor", "database", "svc.small"),
        ("ScopeOpened", "databaseSchema", "svc.small"),
        ("ScopeListed", "database", "svc"),
        ("EntityDescriptor", "databaseSchema", "svc.small.sales"),
        ("EntityDescriptor", "table", "svc.small.sales.orders"),
        ("EntityDescriptor", "table", "svc.small.sales.orders_old"),
        ("EntityDescriptor", "table", "svc.small.sales.v"),
        ("EntityDescriptor", "storedProcedure", "svc.small.sales.f"),
        ("ScopeListed", "table", "svc.small.sales"),
        ("ScopeListed", "storedProcedure", "svc.small.sales"),
        ("EntityDescriptor", "databaseSchema", "svc.small.secret"),
        ("EntityDescriptor", "table", "svc.small.secret.keys"),
        ("ScopeListed", "table", "svc.small.secret"),
        ("ScopeListed", "storedProcedure", "svc.small.secret"),
        ("ScopeListed", "databaseSchema", "svc.small"),
    ]


def test_descriptors_are_small_pickle_and_name_parent_and_batch(nasty):
    for each in nasty.listing():
        if isinstance(each, EntityDescriptor):
            assert len(msgspec.json.encode(each)) < 1000
            assert pickle.loads(pickle.dumps(each)) == each
            assert each.batch == "nasty"
            assert each.id.startswith(each.scope + ".")


def test_one_statement_lists_a_database(shop200):
    with shop200.open() as source:
        list(source.discover_entities(SCHEMA, "svc.shop200"))
        assert source.calls == 1


def test_a_table_scope_can_be_listed_by_itself(small):
    with small.open() as source:
        assert [type(each) for each in source.discover_entities(TABLE, "svc.small.secret")] == [
            EntityDescriptor,
            ScopeListed,
        ]
        everywhere = list(source.discover_entities(TABLE))
        assert names(everywhere) == ["orders", "orders_old", "v", "keys"]
        assert names(source.discover_entities(PROCEDURE, "svc.small"), PROCEDURE) == ["f"]
        with pytest.raises(ConfigError, match=r"other\.small"):
            list(source.discover_entities(TABLE, "other.small"))


@pytest.mark.parametrize(
    ("filters", "kept", "dropped"),
    [
        ({"tableFilterPattern": {"includes": ["orders"]}}, ["orders", "orders_old"], 1),
        ({"tableFilterPattern": {"includes": ["ORDERS$"]}}, ["orders"], 2),
        ({"tableFilterPattern": {"includes": [".*"], "excludes": ["o"]}}, ["v"], 2),
        ({"tableFilterPattern": {"includes": ["rders"]}}, [], 3),
        (
            {"tableFilterPattern": {"includes": ["svc.small.sales.o"]}, "useFqnForFiltering": True},
            ["orders", "orders_old"],
            1,
        ),
        ({"tableFilterPattern": {"includes": ["orders"]}, "useFqnForFiltering": True}, [], 3),
    ],
)
def test_table_filters_are_openmetadatas(small, filters, kept, dropped):
    listing = small.listing(
        filters=filters | {"schemaFilterPattern": {"excludes": ["secret", "svc.small.secret"]}}
    )
    assert names(listing) == kept
    ended = end(listing, TABLE, "svc.small.sales")
    assert (ended.count, ended.filtered) == (len(kept), dropped)


def test_nothing_of_a_dropped_schema_is_listed(small):
    listing = small.listing(filters={"schemaFilterPattern": {"includes": ["sec"]}})
    assert names(listing, SCHEMA) == ["secret"]
    assert names(listing) == ["keys"]
    schemas = end(listing, SCHEMA, "svc.small")
    assert (schemas.count, schemas.filtered) == (1, 1)


def test_a_dropped_database_is_not_opened(small):
    with small.open(filters={"databaseFilterPattern": {"excludes": ["small"]}}) as source:
        assert list(source.discover_entities(EntityType.DATABASE)) == [
            ScopeListed(EntityType.DATABASE, "svc", 0, filtered=1)
        ]


@pytest.mark.usefixtures("shop200")
def test_all_databases_but_templates_and_closed_ones(small):
    with small.server.connect() as connection:
        connection.execute("drop database if exists closed_one")
        connection.execute("create database closed_one allow_connections false")
    with small.open(ingestAllDatabases=True) as source:
        listing = list(source.discover_entities(EntityType.DATABASE))
        found = names(listing, EntityType.DATABASE)
        assert found[0] == "small"
        assert {"shop200", "postgres"} <= set(found)
        assert not {"template0", "template1", "closed_one"} & set(found)
        opened = [each.scope for each in listing if isinstance(each, ScopeOpened)]
        assert opened == [fqn.join("svc", name) for name in found]
        assert "orders" not in names(source.discover_entities(SCHEMA, "svc.shop200"))


def test_what_is_not_wanted_is_not_listed_and_its_absence_means_nothing(small):
    listing = small.listing(options={"includeViews": False, "includeStoredProcedures": False})
    assert names(listing) == ["orders", "orders_old", "keys"]
    assert Counter(each.type for each in listing if isinstance(each, ScopeListed)) == {
        EntityType.DATABASE: 1,
        SCHEMA: 1,
        TABLE: 2,
    }
    assert {end(listing, TABLE, f"svc.small.{name}").mode for name in ("sales", "secret")} == {
        "changes"
    }
    assert names(small.listing(options={"includeTables": False})) == ["v"]


def test_the_first_descriptor_comes_before_the_listing_ends(make):
    many = "; ".join(f"create table t{number} ()" for number in range(3000))
    probe = make("many", many)
    with probe.open() as source:
        listing = source.discover_entities(SCHEMA, "svc.many")
        next(listing), next(listing)
        (session,) = source._busy
        # The server is still sending: rows are read a thousand at a time.
        assert session.connection.info.transaction_status.name == "ACTIVE"
        # Another listing or batch in the meantime takes a session of its own.
        (schema,) = [
            each
            for each in source.discover_entities(SCHEMA, "svc.many")
            if isinstance(each, EntityDescriptor) and each.type is SCHEMA
        ]
        (described,) = source.process_entities([schema])
        assert described.entities[0].name == "public"
        assert len(names(listing)) == 2999
        abandoned = source.discover_entities(SCHEMA, "svc.many")
        next(abandoned)
        abandoned.close()
        assert len(names(source.discover_entities(SCHEMA, "svc.many"))) == 3000
