"""Oracle's types in OpenMetadata's words, and their text as DDL would have it."""

import re
from functools import lru_cache

from rayingest.kit.sql.reflected.shapes import Shape

# https://docs.oracle.com/en/database/oracle/oracle-database/23/sqlrf/Data-Types.html
NAMES = {
    # It has hours, minutes and seconds, but no user of Oracle calls it anything else.
    "DATE": "DATE",
    "FLOAT": "FLOAT",
    "BINARY_FLOAT": "FLOAT",
    "BINARY_DOUBLE": "DOUBLE",
    "INTEGER": "NUMBER",
    "DECIMAL": "DECIMAL",
    "REAL": "FLOAT",
    "DOUBLE PRECISION": "DOUBLE",
    "BOOLEAN": "BOOLEAN",
    "LONG": "TEXT",
    "LONG RAW": "LONGBLOB",
    "CLOB": "CLOB",
    "NCLOB": "CLOB",
    "BLOB": "BLOB",
    "BFILE": "BLOB",
    "ROWID": "ROWID",
    "UROWID": "ROWID",
    "JSON": "JSON",
    "XMLTYPE": "XML",
    "SDO_GEOMETRY": "GEOMETRY",
    "ANYDATA": "VARIANT",
}
TEXTS = {
    **dict.fromkeys(("VARCHAR2", "VARCHAR", "NVARCHAR2"), "VARCHAR"),
    **dict.fromkeys(("CHAR", "NCHAR"), "CHAR"),
}
NATIONAL = {"NVARCHAR2", "NCHAR"}
_SIZED = re.compile(r"\s*\([^)]*\)")


@lru_cache(maxsize=10_000)
def shape(  # noqa: PLR0911 - a table of cases
    name: str, size: int | None, counted: str | None, precision: int | None, scale: int | None
) -> Shape:
    """A type; `size` is of what is `counted`: C characters, B bytes, None neither."""
    if name in TEXTS:
        # A length in bytes is the default: it is told without the word, as it is mostly written.
        unit = " CHAR" if counted == "C" and name not in NATIONAL else ""
        return Shape(TEXTS[name], f"{name}({size}{unit})" if size else name, length=size)
    if name == "RAW":
        return Shape("VARBINARY", f"RAW({size})" if size else name, length=size)
    if name == "NUMBER":
        return _number(precision, scale)
    if name == "FLOAT":
        display = f"FLOAT({precision})" if precision else name
        return Shape("FLOAT", display, precision=precision)
    if name == "VECTOR":
        return Shape("ARRAY", name, element="FLOAT")
    bare = _SIZED.sub("", name)
    if bare.startswith("TIMESTAMP"):
        return Shape("TIMESTAMPZ" if "TIME ZONE" in bare or bare[9:] else "TIMESTAMP", name)
    if bare.startswith("INTERVAL"):
        return Shape("INTERVAL", name)
    return Shape(NAMES.get(bare, "UNKNOWN"), name)


def _number(precision: int | None, scale: int | None) -> Shape:
    """`NUMBER` holds anything; INTEGER is kept as a number of any precision without fraction."""
    if precision is None and scale is None:
        return Shape("NUMBER", "NUMBER")
    after = scale or 0
    text = f"NUMBER(*,{after})" if precision is None else f"NUMBER({precision})"
    if precision is not None and after:
        text = f"NUMBER({precision},{after})"
    return Shape("NUMBER", text, precision=precision, scale=after)
