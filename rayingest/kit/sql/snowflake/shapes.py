"""INFORMATION_SCHEMA.COLUMNS in OpenMetadata's words; the text of a type as DDL would have it."""

from functools import lru_cache
from typing import Any

from rayingest.kit.sql.reflected.shapes import Shape

# https://docs.snowflake.com/en/sql-reference/intro-summary-data-types
NAMES = {
    "NUMBER": "NUMBER",
    "FLOAT": "FLOAT",
    "DECFLOAT": "DECIMAL",
    "BOOLEAN": "BOOLEAN",
    "DATE": "DATE",
    "TIME": "TIME",
    "DATETIME": "DATETIME",
    "TIMESTAMP_NTZ": "TIMESTAMP",
    "TIMESTAMP_LTZ": "TIMESTAMP",
    "TIMESTAMP_TZ": "TIMESTAMPZ",
    "VARIANT": "VARIANT",
    "OBJECT": "JSON",
    "MAP": "MAP",
    "GEOGRAPHY": "GEOGRAPHY",
    "GEOMETRY": "GEOMETRY",
    "UUID": "UUID",
}
LONGEST = {"TEXT": 16_777_216, "BINARY": 8_388_608}


@lru_cache(maxsize=10_000)
def shape(name: str, length: Any, precision: Any, scale: Any) -> Shape:
    """A column's type; `TEXT` is what INFORMATION_SCHEMA calls every VARCHAR."""
    name = name.upper()
    match name:
        case "TEXT" | "VARCHAR":
            longest = int(length or LONGEST["TEXT"])
            return Shape("VARCHAR", f"VARCHAR({longest})", length=longest)
        case "BINARY":
            longest = int(length or LONGEST["BINARY"])
            return Shape("BINARY", f"BINARY({longest})", length=longest)
        case "NUMBER" if precision is not None:
            digits, after = int(precision), int(scale or 0)
            return Shape("NUMBER", f"NUMBER({digits},{after})", precision=digits, scale=after)
        case "ARRAY":
            return Shape("ARRAY", name, element="VARIANT")
        case "VECTOR":
            return Shape("ARRAY", name, element="FLOAT")
        case _:
            return Shape(NAMES.get(name, "UNKNOWN"), name)
