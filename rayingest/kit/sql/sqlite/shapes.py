"""SQLite's declared types in OpenMetadata's words; the affinity decides where the name says nothing.

https://www.sqlite.org/datatype3.html#determination_of_column_affinity
"""

import re
from functools import lru_cache
from typing import NamedTuple

NAMES = {
    "BOOL": "BOOLEAN",
    "BOOLEAN": "BOOLEAN",
    "TINYINT": "TINYINT",
    "SMALLINT": "SMALLINT",
    "INT2": "SMALLINT",
    "BIGINT": "BIGINT",
    "INT8": "BIGINT",
    "UNSIGNED BIG INT": "BIGINT",
    "DECIMAL": "DECIMAL",
    "NUMERIC": "NUMERIC",
    "NUMBER": "NUMBER",
    "MONEY": "MONEY",
    "FLOAT": "FLOAT",
    "DATE": "DATE",
    "DATETIME": "DATETIME",
    "TIMESTAMP": "TIMESTAMP",
    "TIME": "TIME",
    "CHAR": "CHAR",
    "CHARACTER": "CHAR",
    "NCHAR": "CHAR",
    "NATIVE CHARACTER": "CHAR",
    "VARCHAR": "VARCHAR",
    "VARCHAR2": "VARCHAR",
    "NVARCHAR": "VARCHAR",
    "VARYING CHARACTER": "VARCHAR",
    "CHARACTER VARYING": "VARCHAR",
    "STRING": "STRING",
    "CLOB": "CLOB",
    "BINARY": "BINARY",
    "VARBINARY": "VARBINARY",
    "JSON": "JSON",
    "JSONB": "JSON",
    "XML": "XML",
    "UUID": "UUID",
    "GUID": "UUID",
    "ANY": "VARIANT",
}
AFFINITIES = (
    ("INT", "INT"),
    ("CHAR", "TEXT"),
    ("CLOB", "TEXT"),
    ("TEXT", "TEXT"),
    ("BLOB", "BLOB"),
    ("REAL", "DOUBLE"),
    ("FLOA", "DOUBLE"),
    ("DOUB", "DOUBLE"),
)
SIZED = {"CHAR", "VARCHAR", "BINARY", "VARBINARY"}
_DECLARED = re.compile(r"([^()]*)(?:\(\s*([+-]?\d+)\s*(?:,\s*([+-]?\d+)\s*)?\))?(.*)", re.DOTALL)
# The words that make a generated column are told as part of its type.
_GENERATED = re.compile(r"\s*\bGENERATED\s+ALWAYS\s*$", re.IGNORECASE)
_LONGEST = 2**31 - 1


class Shape(NamedTuple):
    """What a declared type says about a column."""

    data_type: str
    display: str | None = None
    length: int | None = None
    precision: int | None = None
    scale: int | None = None


@lru_cache(maxsize=4096)
def shape(declared: str) -> Shape:
    """Read a declared type; a column without one (also: an expression of a view) is UNKNOWN."""
    declared = " ".join(_GENERATED.sub("", declared).split())
    if not declared:
        return Shape("UNKNOWN")
    found = _DECLARED.match(declared)
    name, first, second, rest = found.groups() if found else (declared, None, None, "")
    name = " ".join(f"{name} {rest}".upper().split())
    data_type = NAMES.get(name) or _affinity(declared.upper())
    numbers = [int(each) for each in (first, second) if each is not None]
    if data_type in SIZED:
        length = numbers[0] if numbers and 0 < numbers[0] <= _LONGEST else 1
        return Shape(data_type, declared, length)
    if data_type in {"DECIMAL", "NUMERIC", "NUMBER"} and numbers:
        return Shape(data_type, declared, None, numbers[0], numbers[1] if numbers[1:] else 0)
    return Shape(data_type, declared)


def _affinity(declared: str) -> str:
    return next((kind for word, kind in AFFINITIES if word in declared), "NUMERIC")
