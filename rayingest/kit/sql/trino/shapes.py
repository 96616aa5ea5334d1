"""Trino's types in OpenMetadata's words, with the types that they are made of; each text is read once.

https://trino.io/docs/current/language/types.html. The information schema writes names of fields in a row
without quotes, whatever is in them (`row(a b integer)`), and none for fields that have none.
"""

import re
from functools import lru_cache

from rayingest.kit.sql.reflected.shapes import Shape, column, split
from rayingest.model import Column

NAMES = {
    "boolean": "BOOLEAN",
    "tinyint": "TINYINT",
    "smallint": "SMALLINT",
    **dict.fromkeys(("integer", "int"), "INT"),
    "bigint": "BIGINT",
    "real": "FLOAT",
    "double": "DOUBLE",
    "decimal": "DECIMAL",
    "number": "NUMBER",
    "varchar": "VARCHAR",
    "char": "CHAR",
    "varbinary": "VARBINARY",
    "json": "JSON",
    "variant": "VARIANT",
    "date": "DATE",
    **dict.fromkeys(("time", "time with time zone"), "TIME"),
    "timestamp": "TIMESTAMP",
    "timestamp with time zone": "TIMESTAMPZ",
    **dict.fromkeys(("interval year to month", "interval day to second"), "INTERVAL"),
    "array": "ARRAY",
    "map": "MAP",
    "row": "STRUCT",
    "uuid": "UUID",
    "ipaddress": "INET",
    **dict.fromkeys(("hyperloglog", "p4hyperloglog"), "HLL"),
    **dict.fromkeys(("qdigest", "tdigest"), "QUANTILE_STATE"),
    "setdigest": "AGG_STATE",
    "geometry": "GEOMETRY",
    "sphericalgeography": "GEOGRAPHY",
    "objectid": "BINARY",
    "unknown": "NULL",
    # Known to be types, and to OpenMetadata by no word.
    **dict.fromkeys(("color", "bingtile", "kdbtree", "regressor", "classifier"), "UNKNOWN"),
}
DEEPEST = 32
_TYPE = re.compile(
    r"([a-z]\w*(?: \w+)*?)\s*(?:\((.*)\))?\s*((?:with|without) time zone)?",
    re.DOTALL | re.IGNORECASE,
)
_QUOTED = re.compile(r'"((?:[^"]|"")*)"\s+(.+)', re.DOTALL)


@lru_cache(maxsize=10_000)
def shape(text: str, depth: int = 0) -> Shape:
    """Read the text of a type."""
    name, inner = _head(text)
    data_type = NAMES.get(name, "UNKNOWN") if depth <= DEEPEST else "UNKNOWN"
    arguments = split(inner)
    match data_type:
        case "ARRAY" if arguments:
            element = shape(arguments[0], depth + 1)
            return Shape("ARRAY", text, element=element.data_type, children=element.children)
        case "STRUCT":
            return Shape("STRUCT", text, children=_fields(arguments, depth + 1))
        case "VARCHAR" | "CHAR" | "VARBINARY" | "BINARY":  # the catalogue wants a length of all
            return Shape(data_type, text, length=_number(arguments, 0) or 1)
        case "DECIMAL":
            return Shape(
                "DECIMAL", text, precision=_number(arguments, 0), scale=_number(arguments, 1) or 0
            )
        case _:
            return Shape(data_type, text)


def _head(text: str) -> tuple[str, str]:
    """The name of a type in small letters, and what stands between its brackets."""
    found = _TYPE.fullmatch(text.strip())
    if found is None:
        return "", ""
    zone = (found[3] or "").lower().removeprefix("without time zone")
    return f"{found[1].lower()} {zone}".strip(), found[2] or ""


def _fields(arguments: list[str], depth: int) -> tuple[Column, ...]:
    named = [_field(each, place) for place, each in enumerate(arguments, 1)]
    return tuple([column(name, shape(kind, depth)) for name, kind in named])


def _field(text: str, place: int) -> tuple[str, str]:
    """Name and type of a field; one without a name is called by its place, as in queries."""
    if found := _QUOTED.fullmatch(text):
        return found[1].replace('""', '"'), found[2]
    if _head(text)[0] in NAMES:
        return str(place), text
    # The type is the longest end of the text that is one: `a b timestamp(3) with time zone`.
    for each in re.finditer(r"\s", text):
        if _head(text[each.end() :])[0] in NAMES:
            return text[: each.start()], text[each.end() :]
    name, _, kind = text.partition(" ")
    return name, kind


def _number(arguments: list[str], place: int) -> int | None:
    text = arguments[place] if place < len(arguments) else ""
    return int(text) if text.isdecimal() else None
