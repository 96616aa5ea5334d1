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

NESTED = {"ARRAY", "MAP", "STRUCT"}
# What the text does not say in a word that is known: names of Unity Catalog's type_name.
NAMED = {
    "BYTE": "TINYINT",
    "INTERVAL": "INTERVAL",
    "NULL": "NULL",
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
    if form.data_type == "UNKNOWN" and name in NAMED:
        return form._replace(data_type=NAMED[name], display=text)
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


def _nested(told: Any, text: str, depth: int) -> Shape:  # noqa: PLR0911 - a table of cases
    """A type of Spark's JSON: a word, or an object for what is made of others."""
    if not isinstance(told, dict):
        return _plain(str(told), str(told).upper())
    text = text or _text(told)
    if depth > DEEPEST:
        return Shape("UNKNOWN", text)
    match told["type"]:
        case "array":
            element = _nested(told["elementType"], "", depth + 1)
            return Shape("ARRAY", text, element=element.data_type, children=element.children)
        case "map":
            sides = (("key", told["keyType"]), ("value", told["valueType"]))
            children = tuple([column(name, _nested(kind, "", depth + 1)) for name, kind in sides])
            return Shape("MAP", text, children=children)
        case "struct":
            return Shape("STRUCT", text, children=_fields(told["fields"], depth + 1))
        case "udt":
            return _nested(told.get("sqlType"), text, depth + 1)
        case other:
            return _plain(str(other), str(other).upper())


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
    if not isinstance(told, dict):
        return {"integer": "int", "long": "bigint", "short": "smallint", "byte": "tinyint"}.get(
            str(told), str(told)
        )
    match told["type"]:
        case "array":
            return f"array<{_text(told['elementType'])}>"
        case "map":
            return f"map<{_text(told['keyType'])},{_text(told['valueType'])}>"
        case "struct":
            inner = ",".join(f"{each['name']}:{_text(each['type'])}" for each in told["fields"])
            return f"struct<{inner}>"
        case other:
            return str(other)
