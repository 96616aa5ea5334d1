"""Types of Unity Catalog's columns in OpenMetadata's words.

A nested type is read from `type_json`, the JSON of Spark's schemas: in its text a field's name may hold
any character. Others are read from `type_text`.
"""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from rayingest.kit.sql.reflected.shapes import DEEPEST, Shape, column, shape
from rayingest.model import Column, ColumnConstraint

# Words of Spark's JSON that SQL spells otherwise.
WORDS = {"integer": "int", "long": "bigint", "short": "smallint", "byte": "tinyint"}
BYTE = "BYTE"  # a number in Spark, bytes in Teradata
NESTED = {"ARRAY", "MAP", "STRUCT"}
# What the text does not say in a word that is known: names of Unity Catalog's type_name.
NAMED = {
    "STRING": "STRING",  # string collate unicode
    BYTE: "TINYINT",
    "INTERVAL": "INTERVAL",
    "NULL": "NULL",
    "VOID": "NULL",
    "TABLE_TYPE": "TABLE",
    "GEOGRAPHY": "GEOGRAPHY",
    "GEOMETRY": "GEOMETRY",
}


def shape_of(raw: Mapping[str, Any]) -> Shape:
    """The type of an item of `columns`."""
    text, name = raw.get("type_text") or "", raw.get("type_name") or ""
    if name in NESTED and (told := _read(raw.get("type_json") or "")) is not None:
        return _nested(told, text, 0)
    return _plain(text or name, name)


@lru_cache(maxsize=10_000)
def _plain(text: str, name: str) -> Shape:
    form = shape(text)
    if text.upper() == BYTE:
        return Shape(NAMED[BYTE], form.display)
    if form.data_type == "UNKNOWN":
        word = next((each for each in NAMED if name.startswith(each)), "")
        return form._replace(data_type=NAMED.get(word, "UNKNOWN"))
    return form


def _read(text: str) -> Any:
    """The type in the JSON of a column: of a field, or of the type alone; None when it is neither."""
    try:
        told = json.loads(text)
    except ValueError:
        return None
    if isinstance(told, dict) and "name" in told:
        told = told.get("type")
    return told if isinstance(told, dict) and "type" in told else None


def _nested(told: Any, text: str, depth: int) -> Shape:
    """A type of Spark's JSON: a word, or an object for what is made of others."""
    text = text or _text(told)
    if depth > DEEPEST:
        return Shape("UNKNOWN", text)
    match told:
        case {"type": "array", "elementType": inner}:
            element = _nested(inner, "", depth + 1)
            return Shape("ARRAY", text, element=element.data_type, children=element.children)
        case {"type": "map", "keyType": key, "valueType": value}:
            sides = [("key", key), ("value", value)]
            children = [column(name, _nested(each, "", depth + 1)) for name, each in sides]
            return Shape("MAP", text, children=tuple(children))
        case {"type": "struct", "fields": fields}:
            return Shape("STRUCT", text, children=_fields(fields, depth + 1))
        case _:
            return _plain(text, text.upper())


def _fields(fields: Sequence[Mapping[str, Any]], depth: int) -> tuple[Column, ...]:
    return tuple(
        [
            column(
                each["name"],
                _nested(each["type"], "", depth),
                constraint=None if each.get("nullable", True) else ColumnConstraint.NOT_NULL,
                description=(each.get("metadata") or {}).get("comment") or None,
            )
            for each in fields
        ]
    )


def _text(told: Any) -> str:
    """What Databricks writes for a type: `array<struct<a:int>>`."""
    match told:
        case {"type": "array", "elementType": inner}:
            return f"array<{_text(inner)}>"
        case {"type": "map", "keyType": key, "valueType": value}:
            return f"map<{_text(key)},{_text(value)}>"
        case {"type": "struct", "fields": fields}:
            inside = ",".join(f"{each['name']}:{_text(each['type'])}" for each in fields)
            return f"struct<{inside}>"
        case {"type": other}:
            return str(other)
        case _:
            return WORDS.get(str(told), str(told))
