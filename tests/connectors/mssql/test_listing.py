"""What is listed, under which names, by how many statements."""

import pytest

from rayingest.connectors.database.mssql import CONNECTOR
from rayingest.core.source import Described
from rayingest.errors import Unreachable
from rayingest.model import EntityType
from rayingest.testing.conformance import batches
from rayingest.testing.probe import Probe, of

from .story import EDITION

DATABASE, SCHEMA = EntityType.DATABASE, EntityType.DATABASE_SCHEMA
TABLE, ROUTINE = EntityType.TABLE, EntityType.STORED_PROCEDURE


def test_schemas_of_the_server_are_hidden(database, probe):
    for name in ("sys", "INFORMATION_SCHEMA", "guest", "db_owner", "db_datareader", "db_own"):
        database.schema(name)
        database.table("t", {"id": "int"}, schema=name)
    found = probe(database).descriptors(SCHEMA)
    assert [each.metadata["name"] for each in found] == ["db_own", "dbo"]


NASTY = [
    "with space",
    "a.b",
    'quo"te',
    "it's",
    "brack]et",
    "Ünïcödé 表",
    "select",
    "%s",
    "{x}",
    "a::b",
]


def test_names_that_are_nasty(database, probe):
    for name in NASTY:
        database.schema(name)
        number = database.table(name, dict.fromkeys(NASTY, "int"), schema=name)
        database.index(number, 1, name, primary=True)
        database.thing(f"{name} p", kind="P", schema=name, text="create proc x as select 1")
    made = probe(database)
    made.agree(TABLE)
    made.agree(ROUTINE)
    found = made.entities(TABLE)
    assert sorted(each.name for each in found.values()) == sorted(NASTY)
    for each in found.values():
        assert [column.name for column in each.columns] == NASTY
        (key,) = [c.name for c in each.columns if c.constraint == "PRIMARY_KEY"]
        assert key == each.name


def test_databases_with_nasty_names(server, probe):
    from .written import Database

    made = Database(server, "a.b 'c' [d]; é")
    made.table("t", {"id": "int"})
    assert list(probe(made).entities(TABLE)) == ["svc.\"a.b 'c' [d]; é\".dbo.t"]


def test_all_databases_each_over_a_connection_of_its_own(database, probe, server):
    database.table("here", {"id": "int"})
    other = type(database)(server, f"{database.name}x")
    other.table("there", {"id": "int"})
    other.write()
    made = probe(database, ingestAllDatabases=True)
    wanted = {"databaseFilterPattern": {"includes": [f"^{database.name}x?$"]}}
    found = made.descriptors(TABLE, filters=wanted)
    assert [each.id for each in found] == [
        f"svc.{database.name}.dbo.here",
        f"svc.{other.name}.dbo.there",
    ]
    with made.open() as source:
        for batch in batches(found):
            assert isinstance(next(source.process_entities(batch)), Described)
    assert f"svc.{other.name}" not in probe(database).entities(DATABASE)


def test_azure_is_asked_for_its_databases_in_master(database, probe, server):
    """A database of Azure knows itself and master alone; none of it is found by a shorter list."""
    type(database)(server, "master").write()
    made = probe(database, ingestAllDatabases=True)
    server.behave(instead={EDITION: "5"})
    found = {each.metadata["name"] for each in made.descriptors(DATABASE)}
    assert {database.name, "pysqlbridge"} <= found
    assert "master" not in found
    assert not [each for each in server.asked if "has_dbaccess" in each]


def test_in_master_azure_is_asked_over_the_same_connection(database, probe, server):
    type(database)(server, "master").write()
    probe(database)
    server.behave(instead={EDITION: "5"})
    with Probe(CONNECTOR, server.config(database="master", ingestAllDatabases=True)).open() as made:
        found = {each.metadata["name"] for each in of(made.discover_entities(DATABASE))}
    assert database.name in found
    assert len([each for each in server.asked if EDITION in each]) == 1


def test_who_may_not_look_into_azures_master_is_told_what_to_grant(database, probe, server):
    server.behave(instead={EDITION: "5"})
    with probe(database, ingestAllDatabases=True).open() as source:
        server.behave(where=EDITION, number=18456)
        with pytest.raises(Unreachable, match="ingestAllDatabases: ") as caught:
            list(source.discover_entities(DATABASE))
    assert "In master: CREATE USER" in caught.value.hint


def test_what_is_not_wanted_is_not_listed(database, probe):
    database.table("t", {"id": "int"})
    database.table("v", {"id": "int"}, kind="V", text="create view v as select 1")
    database.thing("p", kind="P", text="create proc p as select 1")
    made = probe(database)
    views = {"includeTables": False, "includeStoredProcedures": False}
    assert [d.metadata["name"] for d in made.descriptors(TABLE, options=views)] == ["v"]
    assert made.descriptors(ROUTINE, options=views) == []


def test_a_batch_says_what_one_by_one_says(database, probe):
    for number in range(12):
        table = database.table(f"t{number}", {"id": "int not null", "x": "date -- A day"})
        database.index(table, 1, "id", primary=True, partition="x" if number % 2 else None)
    probe(database).agree(TABLE)


def test_five_statements_for_hundreds_of_tables(database, probe):
    for number in range(300):
        database.table(f"t{number}", {"id": "int"})
        database.thing(f"p{number}", kind="P", text="create proc p as select 1")
    made = probe(database)
    tables, procedures = made.descriptors(TABLE), made.descriptors(ROUTINE)
    with made.open() as source:
        before = source.calls
        list(source.process_entities(tables))
        middle = source.calls
        list(source.process_entities(procedures))
        after = source.calls
    # One more in a session that has not read the types yet. That is 0.02 for each table.
    assert (middle - before, after - middle) == (6, 2)


def test_one_statement_lists_a_database(database, probe, server):
    for name in ("a", "b", "c"):
        database.schema(name)
        database.table("t", {"id": "int"}, schema=name)
    made = probe(database)
    with made.open() as source:
        before = source.calls
        found = list(source.discover_entities(SCHEMA, f"svc.{database.name}"))
        assert source.calls - before == 1
    assert (
        sum(
            1
            for each in found
            if getattr(each, "type", None) is TABLE
            and each.__class__.__name__ == "EntityDescriptor"
        )
        == 3
    )


def test_eight_statements_with_ddl(database, probe):
    for number in range(200):
        database.table(f"t{number}", {"id": "int"})
    made = probe(database)
    found = made.descriptors(TABLE)
    with made.open(options={"includeDDL": True}) as source:
        before = source.calls
        list(source.process_entities(found))
        assert source.calls - before == 9  # the types, once in a session: 0.045 for each table
