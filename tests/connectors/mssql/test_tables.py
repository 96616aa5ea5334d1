"""Tables, views and routines as the catalogue describes them, asked in T-SQL of views with documented columns.

pysqlbridge executes the statements, over rows that we wrote: no SQL Server has answered them.
"""

import pytest

from rayingest.connectors.database.synapse import CONNECTOR as SYNAPSE
from rayingest.core.source import Capability
from rayingest.errors import Denied, Gone
from rayingest.kit.sql.mssql.session import AZURE
from rayingest.kit.sql.mssql.session import SYNAPSE as DEDICATED
from rayingest.model import EntityType, TableType

from .story import EDITION
from .written import OWNER, SALES

DATABASE, SCHEMA = EntityType.DATABASE, EntityType.DATABASE_SCHEMA
TABLE, ROUTINE = EntityType.TABLE, EntityType.STORED_PROCEDURE
ON_PREMISES = 3


def entity(probe, kind, name, **changes):
    return probe.entities(kind, **changes)[name]


def test_keys_over_several_columns(database, probe):
    one = database.table("one", {"a": "int not null", "b": "int not null", "c": "int"})
    two = database.table("two", {"x": "int", "y": "int"})
    database.index(one, 1, "b", "a", primary=True)
    database.index(one, 3, "a", "c", unique=True)
    database.refer(two, ["x", "y"], one, ["b", "a"])
    found = probe(database).entities(TABLE)
    place = f"svc.{database.name}.dbo"
    assert [(c.constraint_type, c.columns) for c in found[f"{place}.one"].constraints] == [
        ("PRIMARY_KEY", ("b", "a")),
        ("UNIQUE", ("a", "c")),
    ]
    (foreign,) = found[f"{place}.two"].constraints
    assert (foreign.columns, foreign.referred_table) == (("x", "y"), f"{place}.one")
    assert foreign.referred_columns == (f"{place}.one.b", f"{place}.one.a")
    assert foreign.relationship_type == "MANY_TO_ONE"


def test_a_key_over_what_is_not_shown_is_none(database, probe):
    """As the inner number of a graph's node; or a column that came after the columns were read."""
    number = database.table("t", {"a": "int", "b": "int"})
    database.columns[number]["hidden"] = 99
    database.index(number, 1, "a", primary=True, partition="hidden")
    database.index(number, 2, "b", "hidden", unique=True)
    database.refer(number, ["hidden"], number, ["a"])
    found = entity(probe(database), TABLE, f"svc.{database.name}.dbo.t")
    assert (found.constraints, found.partition) == ((), ())
    assert found.columns[0].constraint == "PRIMARY_KEY"


def test_kinds_of_tables(database, probe):
    database.table("plain", {"id": "int"})
    parted = database.table("parted", {"id": "int not null", "year": "int not null", "s": "xml"})
    database.index(parted, 1, "id", primary=True, partition="year")
    database.table("seen", {"id": "int"}, kind="V", text="create view dbo.seen as select 1 as id")
    kept = database.table("kept", {"id": "int"}, kind="V", text="create view dbo.kept as select 2")
    database.index(kept, 1, "id")
    far = database.table("far", {"id": "int"})
    database.put("external_data_sources", {"data_source_id": 7, "location": "abfss://a@b/"})
    database.put(
        "external_tables", {"object_id": far, "data_source_id": 7, "location": "/x/y.parquet"}
    )
    database.table("theirs", {"id": "int"}, is_ms_shipped=True)
    found = probe(database).entities(TABLE)
    told = {each.name: each for each in found.values()}
    assert {name: each.table_type for name, each in told.items()} == {
        "plain": TableType.REGULAR,
        "parted": TableType.PARTITIONED,
        "seen": TableType.VIEW,
        "kept": TableType.MATERIALIZED_VIEW,
        "far": TableType.EXTERNAL,
    }
    (part,) = told["parted"].partition
    assert (part.column_name, part.interval_type) == ("year", "INTEGER-RANGE")
    assert {c.name: str(c.constraint) for c in told["parted"].columns} == {
        "id": "PRIMARY_KEY",
        "year": "NOT_NULL",
        "s": "NULL",
    }
    assert told["far"].location_path == "abfss://a@b/x/y.parquet"
    assert told["seen"].schema_definition == "create view dbo.seen as select 1 as id"


def test_descriptions_and_owners(database, probe):
    database.comment(0, 0, 0, "All about sales")
    database.schema("shop", owner=SALES, comment="What is sold")
    database.table("a", {"id": "int -- Its number"}, schema="shop", comment="A table")
    database.table("b", {"id": "int"}, schema="shop", owner=OWNER)
    database.thing(
        "p", kind="P", schema="shop", text="create proc shop.p as select 1", comment="Runs"
    )
    made = probe(database)
    place = f"svc.{database.name}"
    wanted = {"options": {"includeOwners": True}}
    assert entity(made, DATABASE, place).description == "All about sales"
    schema = entity(made, SCHEMA, f"{place}.shop", **wanted)
    assert (schema.description, schema.owners[0].name) == ("What is sold", "sales team")
    tables = made.entities(TABLE, **wanted)
    a, b = tables[f"{place}.shop.a"], tables[f"{place}.shop.b"]
    assert (a.description, a.columns[0].description) == ("A table", "Its number")
    assert (a.owners[0].name, b.owners[0].name) == ("sales team", "dbo")
    assert entity(made, ROUTINE, f"{place}.shop.p").description == "Runs"
    assert entity(made, TABLE, f"{place}.shop.a").owners == ()


def test_routines_of_every_kind(database, probe):
    """Texts that are encrypted or hidden cost themselves alone."""
    database.thing("run", kind="P", text="  create procedure dbo.run as select 1\n")
    database.thing("sum2", kind="IF", text="create function dbo.sum2() returns table as return …")
    database.thing("secret", kind="P")
    database.thing("clr", kind="FS")
    database.thing("a trigger", kind="TR", text="create trigger")
    found = {each.name: each for each in probe(database).entities(ROUTINE).values()}
    assert {n: (e.procedure_type, e.language, e.code) for n, e in found.items()} == {
        "run": ("StoredProcedure", "SQL", "create procedure dbo.run as select 1"),
        "sum2": ("Function", "SQL", "create function dbo.sum2() returns table as return …"),
        "secret": ("StoredProcedure", "SQL", "create procedure [dbo].[secret]"),
        "clr": ("Function", "External", "create function [dbo].[clr]"),
    }


def test_a_view_whose_text_is_hidden_has_its_columns(database, probe):
    database.table("v", {"id": "int"}, kind="V")
    found = entity(probe(database), TABLE, f"svc.{database.name}.dbo.v")
    assert (found.schema_definition, [each.name for each in found.columns]) == (None, ["id"])


def test_passwords_in_texts_are_masked(database, probe):
    text = "create proc dbo.p as create login x with password = 'canary-42'"
    database.thing("p", kind="P", text=text)
    database.table("v", {"id": "int"}, kind="V", text=text)
    made = probe(database)
    assert "canary-42" not in repr(
        [*made.entities(ROUTINE).values(), *made.entities(TABLE).values()]
    )


def test_a_table_that_vanishes_costs_itself_alone(database, probe, server):
    database.table("stays", {"id": "int"})
    gone = database.table("goes", {"id": "int"})
    renamed = database.table("renamed", {"id": "int"})
    made = probe(database)
    found = made.descriptors(TABLE)
    # The server answers about other objects than those that were listed.
    server.behave(
        instead={f"{gone}": "0", "o.name, o.type, m.definition": "case when o.object_id = "
                 f"{renamed} then 'new' else o.name end, o.type, m.definition"}
    )  # fmt: skip
    with made.open() as source:
        told = {a.descriptor.metadata["name"]: a for a in source.process_entities(found)}
    assert isinstance(told["goes"].error, Gone)
    assert "was dropped" in str(told["goes"].error)
    assert isinstance(told["renamed"].error, Gone)
    assert "was renamed" in str(told["renamed"].error)
    assert told["stays"].entities


def test_a_table_without_rights_is_told(database, probe):
    """It shows itself and no columns: no table without columns is written."""
    database.table("closed", {})
    _, failed = probe(database).answers(TABLE)
    (error,) = failed.values()
    assert isinstance(error, Denied)
    assert "[dbo].[closed]" in str(error)
    assert "VIEW DEFINITION" in error.hint


@pytest.mark.parametrize(
    ("said", "graph", "external"),
    [
        (("11.0.2100", ON_PREMISES), False, False),
        (("13.0.1", ON_PREMISES), False, True),
        (("14.0.1", ON_PREMISES), True, True),
        (("12.0.2000", AZURE), True, True),  # what it says, whatever it has
    ],
)
def test_servers_of_old_are_not_asked_for_what_they_lack(database, probe, said, graph, external):
    database.table("t", {"id": "int"})
    made, server = probe(database), database.server
    version, edition = said
    server.behave(
        instead={
            "cast(serverproperty('ProductVersion') as nvarchar(128))": f"'{version}'",
            EDITION: str(edition),
        }
    )
    assert made.entities(TABLE)
    asked = " ".join(server.asked)
    assert ("graph_type" in asked, "sys.external_tables" in asked) == (graph, external)


def test_synapse_has_distribution_and_lacks_other_views(database, probe, server):
    number = database.table("sales", {"id": "int", "shop": "int"}, comment="not there")
    for column, ordinal in (("id", 0), ("shop", 1)):
        database.put(
            "pdw_column_distribution_properties",
            {
                "object_id": number,
                "column_id": database.columns[number][column],
                "distribution_ordinal": ordinal,
            },
        )
    made = probe(database, connector=SYNAPSE)
    server.behave(instead={EDITION: str(DEDICATED)})
    found = entity(made, TABLE, f"svc.{database.name}.dbo.sales")
    assert [(each.constraint_type, each.columns) for each in found.constraints] == [
        ("DIST_KEY", ("shop",))
    ]
    assert found.description is None
    asked = " ".join(server.asked)
    assert not [
        each
        for each in ("extended_properties", "foreign_keys", "graph_type", "lock_timeout")
        if each in asked
    ]
    assert Capability.COMMENTS in SYNAPSE.lacks
