"""What the catalogue says of a database, asked in T-SQL of views with the columns that Microsoft documents.

pysqlbridge executes the statements, over rows that we wrote: no SQL Server has answered them, so
what only this shows has the grade `compiled`.
"""

import pytest

from rayingest.connectors.database.mssql import CONNECTOR
from rayingest.connectors.database.synapse import CONNECTOR as SYNAPSE
from rayingest.core.source import Capability, Described
from rayingest.errors import Denied, Gone
from rayingest.kit.sql.mssql.session import SYNAPSE as DEDICATED
from rayingest.model import EntityType, TableType
from rayingest.testing.conformance import DATABASE_FLOORS, batches, reached
from rayingest.testing.connector_suite import CHECKS, case

from .story import COMPILED, EDITION
from .written import OWNER, SALES, library

DATABASE, SCHEMA = EntityType.DATABASE, EntityType.DATABASE_SCHEMA
TABLE, ROUTINE = EntityType.TABLE, EntityType.STORED_PROCEDURE


@pytest.fixture(scope="module")
def story(running):
    made = library(running, "the library")
    return case("mssql", running.config(database=made.name))


@pytest.mark.parametrize("capability", DATABASE_FLOORS)
def test_the_story_is_told_to_its_end(story, capability):
    """Also what the emulator has nothing of."""
    assert COMPILED.keys() <= CONNECTOR.capabilities
    assert reached(story.told, "database", capability) == (capability in CONNECTOR.capabilities)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_suite_holds_for_it(story, check):
    check(story)


def entity(probe, kind, name, **changes):
    return probe.entities(kind, **changes)[name]


TYPES = {
    "bigint": ("BIGINT", "bigint"),
    "bit": ("BIT", "bit"),
    "decimal(8, 2)": ("DECIMAL", "decimal(8,2)", {"precision": 8, "scale": 2}),
    "numeric(38)": ("NUMERIC", "numeric(38,0)", {"precision": 38, "scale": 0}),
    "smallmoney": ("MONEY", "smallmoney"),
    "float": ("DOUBLE", "float"),
    "real": ("FLOAT", "real"),
    "date": ("DATE", "date"),
    "time(3)": ("TIME", "time(3)"),
    "datetime2": ("DATETIME", "datetime2(7)"),
    "datetimeoffset(0)": ("TIMESTAMPZ", "datetimeoffset(0)"),
    "smalldatetime": ("DATETIME", "smalldatetime"),
    "char(3)": ("CHAR", "char(3)", {"data_length": 3}),
    "nchar(3)": ("CHAR", "nchar(3)", {"data_length": 3}),
    "varchar(8000)": ("VARCHAR", "varchar(8000)", {"data_length": 8000}),
    "nvarchar(50)": ("VARCHAR", "nvarchar(50)", {"data_length": 50}),
    "nvarchar(max)": ("TEXT", "nvarchar(max)", {"data_length": None}),
    "varbinary(max)": ("BLOB", "varbinary(max)", {"data_length": None}),
    "binary(16)": ("BINARY", "binary(16)", {"data_length": 16}),
    "timestamp": ("BINARY", "timestamp", {"data_length": 8}),
    "ntext": ("NTEXT", "ntext"),
    "image": ("IMAGE", "image"),
    "uniqueidentifier": ("UUID", "uniqueidentifier"),
    "xml": ("XML", "xml"),
    "json": ("JSON", "json"),
    "sql_variant": ("VARIANT", "sql_variant"),
    "hierarchyid": ("HIERARCHYID", "hierarchyid"),
    "geometry": ("GEOMETRY", "geometry"),
    "geography": ("GEOGRAPHY", "geography"),
}


def test_types(database, probe):
    database.table("t", {f"c{place}": each for place, each in enumerate(TYPES)})
    found = entity(probe(database), TABLE, f"svc.{database.name}.dbo.t").columns
    for column, (data_type, display, *more) in zip(found, TYPES.values(), strict=True):
        assert (column.data_type, column.data_type_display) == (data_type, display)
        for name, value in (more[0] if more else {}).items():
            assert getattr(column, name) == value


def test_every_type_is_one_of_the_catalogues(contracts):
    import json

    from rayingest.kit.sql.mssql.shapes import LONG, NAMES

    schema = contracts / "openmetadata/schemas/entity/data/table.json"
    known = set(json.loads(schema.read_text())["definitions"]["dataType"]["enum"])
    assert {*NAMES.values(), *LONG.values()} <= known


def test_types_that_users_made(database, probe):
    """An alias is told by its name and its base, one of .NET by its name; one that is hidden is unknown."""
    mine = {"schema_id": 1, "is_user_defined": True}
    database.put("types", {**mine, "name": "Phone", "user_type_id": 300, "system_type_id": 231})
    database.put("types", {**mine, "name": "Money3", "user_type_id": 301, "system_type_id": 240})
    number = database.table("t", {})
    for place, (user, system) in enumerate([(300, 231), (301, 240), (302, 167), (303, 240)], 1):
        database.column(number, place, f"c{place}", "int", user_type_id=user,
                        system_type_id=system, max_length=40)  # fmt: skip
    found = entity(probe(database), TABLE, f"svc.{database.name}.dbo.t").columns
    assert [(c.data_type, c.data_type_display, c.data_length) for c in found] == [
        ("VARCHAR", "dbo.Phone", 20),
        ("UNKNOWN", "dbo.Money3", None),
        ("VARCHAR", "varchar(40)", 40),
        ("UNKNOWN", "unknown", None),
    ]


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


def test_columns_of_graph_tables_that_nobody_can_select_are_left_out(database, probe):
    number = database.table("person", {})
    for place, (name, kind) in enumerate([("graph_id_1", 1), ("$node_id_1", 2), ("name", None)], 1):
        database.column(number, place, name, "bigint", graph_type=kind)
    found = entity(probe(database), TABLE, f"svc.{database.name}.dbo.person")
    assert [(each.name, each.ordinal_position) for each in found.columns] == [
        ("$node_id_1", 1),
        ("name", 2),
    ]


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


def test_what_is_not_wanted_is_not_listed(database, probe):
    database.table("t", {"id": "int"})
    database.table("v", {"id": "int"}, kind="V", text="create view v as select 1")
    database.thing("p", kind="P", text="create proc p as select 1")
    made = probe(database)
    views = {"includeTables": False, "includeStoredProcedures": False}
    assert [d.metadata["name"] for d in made.descriptors(TABLE, options=views)] == ["v"]
    assert made.descriptors(ROUTINE, options=views) == []


@pytest.mark.parametrize(
    ("version", "graph", "external"),
    [("11.0.2100", False, False), ("13.0.1", False, True), ("14.0.1", True, True)],
)
def test_servers_of_old_are_not_asked_for_what_they_lack(database, probe, version, graph, external):
    database.table("t", {"id": "int"})
    made = probe(database)
    server = database.server
    server.behave(
        instead={"cast(serverproperty('ProductVersion') as nvarchar(128))": f"'{version}'"}
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


# --- DDL ---

LEDGER = """CREATE TABLE [dbo].[ledger] (
    [id] int IDENTITY(1,10) NOT NULL,
    [day] date DEFAULT (getdate()) NOT NULL,
    [net] decimal(8,2),
    [gross] AS ([net]*(1.19)) PERSISTED,
    [since] datetime2(7) GENERATED ALWAYS AS ROW START NOT NULL,
    [until] datetime2(7) GENERATED ALWAYS AS ROW END NOT NULL,
    PERIOD FOR SYSTEM_TIME ([since], [until]),
    PRIMARY KEY ([id]),
    UNIQUE ([day], [net]),
    FOREIGN KEY ([id]) REFERENCES [dbo].[other] ([id]),
    CHECK ([net]>(0))
) ON [by day] ([day]) WITH (SYSTEM_VERSIONING = ON (HISTORY_TABLE = [dbo].[past]));"""


def ledger(database):
    """A table of which there is much to tell."""
    other = database.table("other", {"id": "int not null"})
    past = database.table("past", {"id": "int not null"})
    columns = {
        "id": "int not null",
        "day": "date not null",
        "net": "decimal(8,2)",
        "gross": "decimal(8,2)",
        "since": "datetime2 not null",
        "until": "datetime2 not null",
    }
    number = database.thing("ledger")
    database.columns[number] = {}
    more = {
        "id": {"is_identity": True},
        "day": {"default_object_id": 9001},
        "gross": {"is_computed": True},
        "since": {"generated_always_type": 1},
        "until": {"generated_always_type": 2},
    }
    for place, (name, declared) in enumerate(columns.items(), 1):
        plain = {"is_identity": False, "is_computed": False, "default_object_id": 0}
        said = {**plain, "generated_always_type": 0, **more.get(name, {})}
        database.column(number, place, name, declared, **said)
    database.index(number, 1, "id", primary=True, partition="day", data_space_id=7)
    database.index(number, 2, "day", "net", unique=True)
    database.refer(number, ["id"], other, ["id"])
    place = {"object_id": number}
    identity = {"column_id": 1, "seed_value": "1", "increment_value": "10"}
    computed = {"column_id": 4, "definition": "([net]*(1.19))", "is_persisted": True}
    database.put("identity_columns", {**place, **identity})
    database.put("computed_columns", {**place, **computed})
    database.put("default_constraints", {"object_id": 9001, "definition": "(getdate())"})
    check = {"object_id": 9002, "parent_object_id": number, "definition": "([net]>(0))"}
    database.put("check_constraints", check)
    database.put("data_spaces", {"data_space_id": 7, "name": "by day", "type": "PS"})
    database.put(
        "tables",
        {**place, "name": "ledger", "schema_id": 1, "history_table_id": past},
        {"object_id": past, "name": "past", "schema_id": 1},
        {"object_id": other, "name": "other", "schema_id": 1},
    )


def test_the_ddl_of_a_table_says_what_the_catalogue_says(database, probe):
    ledger(database)
    made = probe(database)
    name = f"svc.{database.name}.dbo.ledger"
    assert entity(made, TABLE, name, options={"includeDDL": True}).schema_definition == LEDGER
    assert entity(made, TABLE, name).schema_definition is None
    made.agree(TABLE, options={"includeDDL": True})


def test_the_ddl_is_tsql():
    import sqlglot

    (parsed,) = sqlglot.parse(LEDGER, dialect="tsql")
    assert parsed.find(sqlglot.exp.Table).name == "ledger"


def test_a_node_of_a_graph_is_created_without_what_the_graph_adds(database, probe):
    number = database.table("person", {})
    for place, (name, kind) in enumerate([("$node_id_1", 2), ("name", None)], 1):
        database.column(number, place, name, "bigint", graph_type=kind)
    said = {"object_id": number, "name": "person", "schema_id": 1}
    database.put("tables", {**said, "is_node": True, "is_edge": False})
    name = f"svc.{database.name}.dbo.person"
    found = entity(probe(database), TABLE, name, options={"includeDDL": True})
    assert found.schema_definition == "CREATE TABLE [dbo].[person] (\n    [name] bigint\n) AS NODE;"


def test_eight_statements_with_ddl(database, probe):
    for number in range(200):
        database.table(f"t{number}", {"id": "int"})
    made = probe(database)
    found = made.descriptors(TABLE)
    with made.open(options={"includeDDL": True}) as source:
        before = source.calls
        list(source.process_entities(found))
        assert source.calls - before == 9  # the types, once in a session: 0.045 for each table
