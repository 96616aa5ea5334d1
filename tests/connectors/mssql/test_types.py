"""Types of columns come out as the server means them."""

from rayingest.model import EntityType

TABLE, ROUTINE = EntityType.TABLE, EntityType.STORED_PROCEDURE


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


def test_columns_of_graph_tables_that_nobody_can_select_are_left_out(database, probe):
    number = database.table("person", {})
    for place, (name, kind) in enumerate([("graph_id_1", 1), ("$node_id_1", 2), ("name", None)], 1):
        database.column(number, place, name, "bigint", graph_type=kind)
    found = entity(probe(database), TABLE, f"svc.{database.name}.dbo.person")
    assert [(each.name, each.ordinal_position) for each in found.columns] == [
        ("$node_id_1", 1),
        ("name", 2),
    ]
