"""ClickHouse's types in OpenMetadata's words, with the types that they are made of; each text is read once.

https://clickhouse.com/docs/sql-reference/data-types
"""

import re
from functools import lru_cache
from typing import NamedTuple

from rayingest.model import Column

NAMES = {
    "Int8": "TINYINT",
    "Int16": "SMALLINT",
    "Int32": "INT",
    "Int64": "BIGINT",
    **dict.fromkeys(("UInt8", "UInt16", "UInt32", "UInt64"), "UINT"),
    **dict.fromkeys(("Int128", "Int256", "UInt128", "UInt256"), "LARGEINT"),
    **dict.fromkeys(("Float32", "BFloat16"), "FLOAT"),
    "Float64": "DOUBLE",
    **dict.fromkeys(("Decimal", "Decimal32", "Decimal64", "Decimal128", "Decimal256"), "DECIMAL"),
    "Bool": "BOOLEAN",
    "String": "STRING",
    "FixedString": "CHAR",
    "UUID": "UUID",
    **dict.fromkeys(("Date", "Date32"), "DATE"),
    **dict.fromkeys(("DateTime", "DateTime32", "DateTime64"), "DATETIME"),
    **dict.fromkeys(("Time", "Time64"), "TIME"),
    **dict.fromkeys(("Enum8", "Enum16", "Enum"), "ENUM"),
    "IPv4": "IPV4",
    "IPv6": "IPV6",
    **dict.fromkeys(("JSON", "Object"), "JSON"),
    **dict.fromkeys(("Variant", "Dynamic"), "VARIANT"),
    "AggregateFunction": "AGGREGATEFUNCTION",
    "Point": "POINT",
    "Polygon": "POLYGON",
    **dict.fromkeys(
        ("Ring", "MultiPoint", "MultiPolygon", "LineString", "MultiLineString", "Geometry"),
        "GEOMETRY",
    ),
    "Nothing": "NULL",
    "Map": "MAP",
    "Tuple": "TUPLE",
}
# Their values are those of the type that they name last.
WRAPPERS = {"Nullable", "LowCardinality", "SimpleAggregateFunction"}
TIMES = {"DATE", "DATETIME"}
# Values of these may be NULL without being declared so.
LOOSE = {"Variant", "Dynamic"}
DEEPEST = 20
_HEAD = re.compile(r"\s*(\w+)\s*(?:\((.*)\))?\s*", re.DOTALL)
_PART = re.compile(r"'(?:[^'\\]|\\.|'')*'|`(?:[^`\\]|\\.|``)*`|[(),]|[^'`(),]+", re.DOTALL)
_FIELD = re.compile(r"(?:`((?:[^`\\]|\\.|``)*)`|(\w+))\s+(\S.*)", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)|``", re.DOTALL)


class Shape(NamedTuple):
    """What a column's type says about the column."""

    data_type: str
    display: str
    required: bool = True
    element: str | None = None
    length: int | None = None
    precision: int | None = None
    scale: int | None = None
    children: tuple[Column, ...] = ()


@lru_cache(maxsize=10_000)
def shape(text: str, depth: int = 0) -> Shape:
    """Read the text of a type."""
    found = _HEAD.fullmatch(text)
    if found is None or depth > DEEPEST:
        return Shape("UNKNOWN", text)
    name, inner = found.groups()
    parts = split(inner or "")
    if name in WRAPPERS and parts:
        inside = shape(parts[-1], depth + 1)
        required = inside.required and name != "Nullable"
        return inside._replace(display=text, required=required)
    return _made(name, parts, text, depth)


def _made(name: str, parts: list[str], text: str, depth: int) -> Shape:  # noqa: PLR0911 - a table of cases
    match name:
        case "Array" | "QBit" if parts:
            element = shape(parts[0], depth + 1)
            return Shape("ARRAY", text, element=element.data_type, children=element.children)
        case "Nested":
            return Shape("ARRAY", text, element="STRUCT", children=_fields(parts, depth))
        case "Tuple":
            return Shape("TUPLE", text, children=_fields(parts, depth))
        case "Map" if len(parts) == 2:  # its subcolumns, under the names that they have in queries
            fields = [f"keys Array({parts[0]})", f"values Array({parts[1]})"]
            return Shape("MAP", text, children=_fields(fields, depth))
        case "FixedString" if parts:
            return Shape("CHAR", text, length=int(parts[0]))
        case "Decimal" if len(parts) == 2:
            return Shape("DECIMAL", text, precision=int(parts[0]), scale=int(parts[1]))
        case _ if name.startswith("Interval"):
            return Shape("INTERVAL", text)
        case _:
            return Shape(NAMES.get(name, "UNKNOWN"), text, required=name not in LOOSE)


def split(text: str) -> list[str]:
    """Split at the top-level commas; brackets and quotes hold together."""
    parts, depth = [""], 0
    for found in _PART.finditer(text):
        piece = found.group()
        depth += (piece == "(") - (piece == ")")
        if piece == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += piece
    return [each.strip() for each in parts if each.strip()]


def unquoted(name: str) -> str:
    """A name as it stood between backticks."""
    return _ESCAPED.sub(lambda found: found[1] or "`", name)


def _fields(parts: list[str], depth: int) -> tuple[Column, ...]:
    """Fields of a tuple; those without names are called by their numbers, as in queries."""
    columns = []
    for place, part in enumerate(parts, 1):
        found = _FIELD.fullmatch(part)
        quoted, plain, kind = found.groups() if found else (None, str(place), part)
        name = plain if quoted is None else unquoted(quoted)
        form = shape(kind, depth + 1)
        columns.append(
            Column(
                name=name,
                data_type=form.data_type,
                data_type_display=form.display,
                array_data_type=form.element,
                data_length=form.length,
                precision=form.precision,
                scale=form.scale,
                children=form.children,
            )
        )
    return tuple(columns)
