"""Hostile names come out as they went in."""

import pytest

from rayingest.core import fqn
from rayingest.model import EntityType
from rayingest.testing.hostile import HOSTILE, WIDE


@pytest.fixture(scope="module")
def tables(nasty):
    return nasty.entities(EntityType.TABLE, options={"includeDDL": True})


def test_nothing_is_missing(nasty, tables):
    counts = nasty.shop.counts
    assert len(tables) == counts["tables"]
    assert sum(len(table.columns) for table in tables.values()) == counts["columns"]
    assert len(nasty.entities(EntityType.DATABASE_SCHEMA)) == counts["schemas"]
    assert len(nasty.entities(EntityType.STORED_PROCEDURE)) == counts["routines"]


@pytest.mark.parametrize("name", HOSTILE)
def test_schema_table_column_comment_key_and_routine(nasty, tables, name):
    table = tables[fqn.join("svc", "nasty", name, name)]
    assert table.name == name
    assert table.description == name
    assert table.database_schema == fqn.join("svc", "nasty", name)
    assert [column.name for column in table.columns] == list(HOSTILE)
    (key,) = [column for column in table.columns if column.constraint == "PRIMARY_KEY"]
    assert (key.name, key.description) == (name, name)
    (reference,) = tables[fqn.join("svc", "nasty", name, "t " + name)].constraints
    assert reference.columns == (name,)
    assert reference.referred_table == table.fqn
    assert reference.referred_columns == (fqn.child(table.fqn, name),)
    view = tables[fqn.join("svc", "nasty", name, "v " + name)]
    assert [column.name for column in view.columns] == [name]
    routines = nasty.entities(EntityType.STORED_PROCEDURE)
    assert routines[fqn.join("svc", "nasty", name, name)].name == name


def test_wide_empty_and_dropped(tables):
    assert len(tables["svc.nasty.public.wide"].columns) == WIDE
    assert tables["svc.nasty.public.nothing"].columns == ()
    dropped = tables["svc.nasty.public.dropped"]
    assert [(each.name, each.ordinal_position) for each in dropped.columns] == [
        ("b", 1),
        ("c", 2),
        ("d", 3),
    ]
    assert dropped.constraints[0].columns == ("b", "d")


def test_hostile_schemas_can_be_listed_and_filtered_by_themselves(nasty):
    for name in HOSTILE:
        scope = fqn.join("svc", "nasty", name)
        with nasty.open() as source:
            found = list(source.discover_entities(EntityType.TABLE, scope))
        assert found[-1].count == 3, name


def test_a_hostile_database(make):
    probe = make('d.b "x" 🛒', "create table t (i int)")
    scope = fqn.join("svc", probe.database)
    with probe.open() as source:
        (table,) = [
            each
            for each in source.discover_entities(EntityType.TABLE, scope)
            if hasattr(each, "id")
        ]
        assert table.id == fqn.join("svc", probe.database, "public", "t")
        (described,) = source.process_entities([table])
        assert described.entities[0].database_schema == table.scope


def test_two_names_that_the_catalogue_cannot_tell_apart_are_said_so(make):
    probe = make("twins", 'create table "a::b" (); create table "a__reserved__colon__b" ()')
    ends = [each for each in probe.listing() if getattr(each, "complete", True) is False]
    assert [end.count for end in ends] == [1]
    assert "a__reserved__colon__b" in ends[0].why or "a::b" in ends[0].why
