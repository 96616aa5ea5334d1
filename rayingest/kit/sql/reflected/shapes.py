"""Type names of any database in OpenMetadata's words, read from their text: `DECIMAL(10,2)`, `INT[]`."""

import re
from functools import lru_cache
from typing import Any, NamedTuple

from rayingest.model import Column

NAMES = {
    **dict.fromkeys(("BOOL", "BOOLEAN"), "BOOLEAN"),
    **dict.fromkeys(("TINYINT", "INT1"), "TINYINT"),
    **dict.fromkeys(("SMALLINT", "INT2", "SHORT", "USMALLINT", "UTINYINT"), "SMALLINT"),
    **dict.fromkeys(("INT", "INTEGER", "INT4", "SERIAL", "MEDIUMINT", "INT32"), "INT"),
    **dict.fromkeys(("BIGINT", "INT8", "BIGSERIAL", "INT64", "LONG", "UINTEGER"), "BIGINT"),
    **dict.fromkeys(("HUGEINT", "UHUGEINT", "UBIGINT", "INT128", "LARGEINT"), "LARGEINT"),
    **dict.fromkeys(("DECIMAL", "DEC", "NUMERIC", "BIGNUMERIC"), "DECIMAL"),
    **dict.fromkeys(("FLOAT", "REAL", "FLOAT4", "FLOAT32", "BINARY_FLOAT"), "FLOAT"),
    **dict.fromkeys(("DOUBLE", "DOUBLE PRECISION", "FLOAT8", "FLOAT64"), "DOUBLE"),
    **dict.fromkeys(("CHAR", "CHARACTER", "NCHAR", "BPCHAR"), "CHAR"),
    **dict.fromkeys(("VARCHAR", "NVARCHAR", "CHARACTER VARYING", "VARCHAR2"), "VARCHAR"),
    **dict.fromkeys(("TEXT", "LONGTEXT", "TINYTEXT", "CITEXT"), "TEXT"),
    **dict.fromkeys(("CLOB", "NCLOB"), "CLOB"),
    **dict.fromkeys(("BLOB", "TINYBLOB", "BYTES", "IMAGE"), "BLOB"),
    **dict.fromkeys(("TIMESTAMP", "TIMESTAMP WITHOUT TIME ZONE", "TIMESTAMP_NTZ"), "TIMESTAMP"),
    **dict.fromkeys(("TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"), "TIMESTAMP"),
    **dict.fromkeys(("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ", "TIMESTAMP_TZ"), "TIMESTAMPZ"),
    **dict.fromkeys(("TIME", "TIME WITHOUT TIME ZONE", "TIME WITH TIME ZONE", "TIMETZ"), "TIME"),
    **dict.fromkeys(("DATETIME", "DATETIME2", "SMALLDATETIME"), "DATETIME"),
    **dict.fromkeys(("JSON", "JSONB"), "JSON"),
    **dict.fromkeys(("UUID", "UNIQUEIDENTIFIER"), "UUID"),
    **dict.fromkeys(("BIT", "BITSTRING", "BIT VARYING", "VARBIT"), "BIT"),
    **dict.fromkeys(("STRUCT", "ROW"), "STRUCT"),
    **dict.fromkeys(("LIST", "ARRAY"), "ARRAY"),
    # Teradata's, SAP HANA's, Db2's and Exasol's own words.
    **dict.fromkeys(("BYTE", "CHARACTER FOR BIT DATA"), "BINARY"),
    **dict.fromkeys(("VARBYTE", "VARCHAR FOR BIT DATA"), "VARBINARY"),
    **dict.fromkeys(("ALPHANUM", "SHORTTEXT", "VARGRAPHIC"), "VARCHAR"),
    **dict.fromkeys(("GRAPHIC",), "CHAR"),
    **dict.fromkeys(("LONG VARCHAR", "LONG VARGRAPHIC", "BINTEXT"), "TEXT"),
    **dict.fromkeys(("DBCLOB",), "CLOB"),
    **dict.fromkeys(("SMALLDECIMAL", "DECFLOAT"), "DECIMAL"),
    **dict.fromkeys(("SECONDDATE",), "TIMESTAMP"),
    "ST_GEOMETRY": "GEOMETRY",
    "ST_POINT": "POINT",
    # Hive's own words.
    "UNIONTYPE": "UNION",
    "TIMESTAMP WITH LOCAL TIME ZONE": "TIMESTAMPZ",
    **dict.fromkeys(("INTERVAL_YEAR_MONTH", "INTERVAL_DAY_TIME"), "INTERVAL"),
    "VOID": "NULL",
    "NULL": "UNKNOWN",
    '"NULL"': "UNKNOWN",
}
# Names that OpenMetadata has as they are.
SAME = frozenset(
    re.findall(
        r"\w+",
        "NUMBER BYTEINT INTERVAL STRING MEDIUMTEXT BINARY VARBINARY BYTEA DATE MAP UNION SET GEOGRAPHY "
        "ENUM VARIANT GEOMETRY LONGBLOB MEDIUMBLOB XML INET CIDR MACADDR YEAR POINT POLYGON MONEY SUPER "
        "ROWID NTEXT TSVECTOR TSQUERY IPV4 IPV6 HLL BITMAP QUANTILE_STATE AGG_STATE TUPLE",
    )
)
SIZED = {"CHAR", "VARCHAR", "BINARY", "VARBINARY"}
EXACT = {"DECIMAL", "NUMBER"}
DEEPEST = 32  # BigQuery lets records lie in each other 15 times, each in an array
_OPEN, _CLOSE = "(<[", ")>]"
_HEAD = re.compile(r'\s*("?[\w$. ]+"?)\s*', re.UNICODE)
_ARRAY = re.compile(r"\[\d*\]$")
_FIELD = re.compile(r'\s*(?:"((?:[^"]|"")*)"|`([^`]*)`|([^\s:]+))\s*[:\s]\s*(.+)', re.DOTALL)


class Shape(NamedTuple):
    """What a column's type says about the column."""

    data_type: str
    display: str | None = None
    element: str | None = None
    length: int | None = None
    precision: int | None = None
    scale: int | None = None
    children: tuple[Column, ...] = ()


def text_of(given: Any, dialect: Any) -> str:
    """The text of a type: SQLAlchemy's types are compiled, '' when it does not know it."""
    if given is None or isinstance(given, str):
        return given or ""
    enums = getattr(given, "enums", None)
    if enums:
        return f"ENUM({', '.join(map(repr, enums))})"
    item = getattr(given, "item_type", None)
    if item is not None:
        return text_of(item, dialect) + "[]" * (getattr(given, "dimensions", None) or 1)
    try:
        return str(given.compile(dialect=dialect))
    except Exception:  # noqa: BLE001 - a compiler of any dialect, which knows no such type
        return ""


@lru_cache(maxsize=10_000)
def shape(text: str, depth: int = 0) -> Shape:  # noqa: PLR0911 - a table of cases
    """Read the text of a type, with the types that it is made of."""
    text = text.strip()
    if not text or depth > DEEPEST:
        return Shape("UNKNOWN", text or None)
    if found := _ARRAY.search(text):
        return _array(text, shape(text[: found.start()], depth + 1))
    head = _HEAD.match(text)
    name = head[1].strip().upper() if head else text.upper()
    inner, tail = _inside(text, head.end() if head else 0)
    full = " ".join(f"{name} {tail}".split())
    data_type = _named(full) or _named(name) or "UNKNOWN"
    arguments = split(inner)
    match data_type:
        case "ARRAY" if arguments:
            return _array(text, shape(arguments[0], depth + 1))
        case "STRUCT":
            return Shape("STRUCT", text, children=tuple(_fields(arguments, depth)))
        case _ if data_type in SIZED:
            return Shape(data_type, text, length=_number(arguments, 0) or 1)
        case _ if data_type in EXACT:
            precision = _number(arguments, 0)
            scale = (_number(arguments, 1) or 0) if precision is not None else None
            return Shape(data_type, text, precision=precision, scale=scale)
        case _:
            return Shape(data_type, text)


def split(text: str) -> list[str]:
    """Split at the top-level commas; brackets and quotes hold together."""
    parts, depth, quote, start = [], 0, "", 0
    for place, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"`":
            quote = character
        elif character in _OPEN:
            depth += 1
        elif character in _CLOSE:
            depth -= 1
        elif character == "," and depth == 0:
            parts.append(text[start:place].strip())
            start = place + 1
    last = text[start:].strip()
    return [*parts, last] if last else parts


def _named(name: str) -> str | None:
    if name.startswith("INTERVAL "):  # YEAR TO MONTH, DAY TO SECOND
        return "INTERVAL"
    return NAMES.get(name) or (name if name in SAME else None)


def _array(text: str, element: Shape) -> Shape:
    return Shape("ARRAY", text, element=element.data_type, children=element.children)


def _inside(text: str, start: int) -> tuple[str, str]:
    """What stands in the brackets that open at `start`, and what follows them."""
    if start >= len(text) or text[start] not in _OPEN:
        return "", text[start:]
    depth = 0
    for place in range(start, len(text)):
        depth += (text[place] in _OPEN) - (text[place] in _CLOSE)
        if depth == 0:
            return text[start + 1 : place], text[place + 1 :].upper()
    return text[start + 1 :], ""


def _fields(arguments: list[str], depth: int) -> list[Column]:
    columns = []
    for each in arguments:
        if found := _FIELD.fullmatch(each):
            double, back, plain, kind = found.groups()
            name = double.replace('""', '"') if double is not None else back or plain
            columns.append(column(name, shape(kind, depth + 1)))
    return columns


def column(name: str, form: Shape, **more: Any) -> Column:
    """A column of this shape."""
    return Column(
        name=name,
        data_type=form.data_type,
        data_type_display=form.display,
        array_data_type=form.element,
        data_length=form.length,
        precision=form.precision,
        scale=form.scale,
        children=form.children,
        **more,
    )


def _number(arguments: list[str], place: int) -> int | None:
    text = arguments[place] if place < len(arguments) else ""
    return int(text) if text.isdecimal() else None
