"""MySQL's column types in OpenMetadata's words; each distinct type is read once."""

import re
from functools import lru_cache
from typing import NamedTuple

NAMES = {
    "tinyint": "TINYINT",
    "bool": "BOOLEAN",
    "smallint": "SMALLINT",
    "mediumint": "INT",
    "int": "INT",
    "integer": "INT",
    "bigint": "BIGINT",
    "decimal": "DECIMAL",
    "numeric": "NUMERIC",
    "float": "FLOAT",
    "double": "DOUBLE",
    "real": "DOUBLE",
    "bit": "BIT",
    "char": "CHAR",
    "varchar": "VARCHAR",
    "binary": "BINARY",
    "varbinary": "VARBINARY",
    "tinytext": "TEXT",
    "text": "TEXT",
    "mediumtext": "MEDIUMTEXT",
    "longtext": "TEXT",
    "tinyblob": "BLOB",
    "blob": "BLOB",
    "mediumblob": "MEDIUMBLOB",
    "longblob": "LONGBLOB",
    "enum": "ENUM",
    "set": "SET",
    "json": "JSON",
    "date": "DATE",
    "datetime": "DATETIME",
    "timestamp": "TIMESTAMP",
    "time": "TIME",
    "year": "YEAR",
    "point": "POINT",
    "polygon": "POLYGON",
    "geometry": "GEOMETRY",
    "linestring": "GEOMETRY",
    "multipoint": "GEOMETRY",
    "multilinestring": "GEOMETRY",
    "multipolygon": "GEOMETRY",
    "geometrycollection": "GEOMETRY",
    "geomcollection": "GEOMETRY",
    # SingleStore's; its VECTOR(3, F32) is an array, too.
    "geography": "GEOGRAPHY",
    "geographypoint": "GEOGRAPHY",
    "inet4": "IPV4",
    "inet6": "IPV6",
    "uuid": "UUID",
    "vector": "ARRAY",
    "xmltype": "XML",
}
SIZED = {"CHAR", "VARCHAR", "BINARY", "VARBINARY"}
EXACT = {"DECIMAL", "NUMERIC"}
INTEGERS = {"TINYINT", "SMALLINT", "INT", "BIGINT"}
TIMES = {"DATE", "DATETIME", "TIMESTAMP", "TIME", "YEAR"}
_TYPE = re.compile(r"(\w+)(?:\((\d+)(?:,(\d+))?\))?")


class Shape(NamedTuple):
    """What a column's type says about the column."""

    data_type: str
    display: str
    element: str | None = None
    length: int | None = None
    precision: int | None = None
    scale: int | None = None


@lru_cache(maxsize=10_000)
def shape(column_type: str) -> Shape:
    """Read information_schema's COLUMN_TYPE, as `decimal(10,2) unsigned`."""
    found = _TYPE.match(column_type)
    if found is None:
        return Shape("UNKNOWN", column_type)
    name, first, second = found.groups()
    data_type = NAMES.get(name.lower(), "UNKNOWN")
    if data_type in SIZED:
        return Shape(data_type, column_type, length=int(first or 1) or 1)
    if data_type in EXACT and first:
        return Shape(data_type, column_type, precision=int(first), scale=int(second or 0))
    if data_type == "BIT" and first:
        return Shape(data_type, column_type, length=int(first))
    return Shape(data_type, column_type, element="FLOAT" if data_type == "ARRAY" else None)
