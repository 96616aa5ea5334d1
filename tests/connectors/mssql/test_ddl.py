"""CREATE TABLE, written out of the catalogue."""

from rayingest.model import EntityType

TABLE, ROUTINE = EntityType.TABLE, EntityType.STORED_PROCEDURE


def entity(probe, kind, name, **changes):
    return probe.entities(kind, **changes)[name]


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
