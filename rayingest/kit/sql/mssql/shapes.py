"""Types of columns as the catalogue calls them: pure, but for the server's own list of its types.

https://learn.microsoft.com/en-us/sql/relational-databases/system-catalog-views/sys-types-transact-sql
"""

from collections.abc import Collection
from typing import NamedTuple

from rayingest.kit.sql.mssql.session import Row, TdsSession
from rayingest.kit.sql.reflected.shapes import Shape

TYPES = """select t.user_type_id, t.system_type_id, t.name, t.is_user_defined, s.name
  from sys.types t left join sys.schemas s on s.schema_id = t.schema_id"""
NAMES = {
    "bigint": "BIGINT",
    "int": "INT",
    "smallint": "SMALLINT",
    "tinyint": "TINYINT",
    "bit": "BIT",
    "decimal": "DECIMAL",
    "numeric": "NUMERIC",
    "money": "MONEY",
    "smallmoney": "MONEY",
    "float": "DOUBLE",
    "real": "FLOAT",
    "date": "DATE",
    "time": "TIME",
    "datetime": "DATETIME",
    "datetime2": "DATETIME",
    "smalldatetime": "DATETIME",
    "datetimeoffset": "TIMESTAMPZ",
    "char": "CHAR",
    "nchar": "CHAR",
    "varchar": "VARCHAR",
    "nvarchar": "VARCHAR",
    "sysname": "VARCHAR",
    "text": "TEXT",
    "ntext": "NTEXT",
    "binary": "BINARY",
    "varbinary": "VARBINARY",
    "timestamp": "BINARY",  # a number of the row; no time
    "image": "IMAGE",
    "uniqueidentifier": "UUID",
    "xml": "XML",
    "json": "JSON",
    "sql_variant": "VARIANT",
    "geography": "GEOGRAPHY",
    "geometry": "GEOMETRY",
    "hierarchyid": "HIERARCHYID",
    "vector": "ARRAY",
}
LONG = {"VARCHAR": "TEXT", "VARBINARY": "BLOB"}  # what (max) makes of them
OF_TWO_BYTES = {"nchar", "nvarchar", "sysname"}
SIZED = {"char", "nchar", "varchar", "nvarchar", "binary", "varbinary"}
FRACTIONS = {"time", "datetime2", "datetimeoffset"}
CLR = 240  # the system_type_id of all types made of .NET


class Type(NamedTuple):
    """A type of the server; that of a user has the name of a system's type as its base."""

    name: str
    base: str
    ours: bool


def learn(session: TdsSession, wanted: Collection[Row]) -> None:
    """Make shapes of what no column of this session had before: ids of the type, its measures."""
    new = [each for each in wanted if each not in session.shapes]
    if any(each[0] not in session.types for each in new):
        session.types = types(session.rows(TYPES))
    for key in new:
        user_type, system_type, length, precision, scale = key
        known = session.types.get(user_type) or session.types.get(system_type)
        session.shapes[key] = shape(known, length, precision, scale)


def types(rows: Collection[Row]) -> dict[int, Type]:
    """Rows of TYPES by their id; a user's type is called with its schema."""
    plain = {row[0]: row[2] for row in rows if not row[3]}
    return {
        user: Type(
            f"{schema}.{name}" if ours else name,
            str(name if system == CLR else plain.get(system, name)),
            bool(ours),
        )
        for user, system, name, ours, schema in rows
    }


def shape(known: Type | None, length: int, precision: int, scale: int) -> Shape:
    """The shape of one type; lengths are in bytes, -1 is (max)."""
    if known is None:
        return Shape("UNKNOWN", "unknown")
    base = known.base
    data_type = NAMES.get(base, "UNKNOWN")
    characters = length // 2 if base in OF_TWO_BYTES and length > 0 else length
    display = known.name if known.ours else _display(base, characters, precision, scale)
    if data_type in LONG and length == -1:
        return Shape(LONG[data_type], display)
    if data_type in {"CHAR", "VARCHAR", "BINARY", "VARBINARY"}:
        return Shape(data_type, display, length=characters)
    if data_type in {"DECIMAL", "NUMERIC"}:
        return Shape(data_type, display, precision=precision, scale=scale)
    return Shape(data_type, display, element="FLOAT" if data_type == "ARRAY" else None)


def _display(name: str, characters: int, precision: int, scale: int) -> str:
    if name in SIZED:
        return f"{name}({'max' if characters == -1 else characters})"
    if name in {"decimal", "numeric"}:
        return f"{name}({precision},{scale})"
    return f"{name}({scale})" if name in FRACTIONS else name
