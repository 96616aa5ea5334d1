"""Types and columns as Spark writes them into JSON: Delta's log has them so, and Glue's parameters.

https://github.com/delta-io/delta/blob/master/PROTOCOL.md#schema-serialization-format
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rayingest.kit.sql.reflected.shapes import Shape, column, shape
from rayingest.model import Column, ColumnConstraint

Json = Mapping[str, Any]
HIVE = {"integer": "int", "long": "bigint", "short": "smallint", "byte": "tinyint"}
DEEPEST = 20


def text(given: Any, depth: int = 0) -> str:
    """A type of Spark's as Hive would write it."""
    if depth > DEEPEST:
        return ""
    if isinstance(given, str):
        return HIVE.get(given, given)
    match given["type"]:
        case "struct":
            inner = ",".join(
                f"`{each['name']}`:{text(each['type'], depth + 1)}" for each in given["fields"]
            )
            return f"struct<{inner}>"
        case "array":
            return f"array<{text(given['elementType'], depth + 1)}>"
        case "map":
            key, value = given["keyType"], given["valueType"]
            return f"map<{text(key, depth + 1)},{text(value, depth + 1)}>"
        case _:  # a type of somebody's own names what it is stored as
            return text(given["sqlType"], depth + 1)


def columns(fields: Sequence[Json], depth: int = 0) -> Iterator[Column]:
    """Columns with their comments, whether they may be empty, and those that they are made of."""
    for place, field in enumerate(fields, 1):
        required = not field.get("nullable", True)
        yield column(
            field["name"],
            _shape(field["type"], depth),
            constraint=ColumnConstraint.NOT_NULL if required else ColumnConstraint.NULL,
            ordinal_position=place,
            description=(field.get("metadata") or {}).get("comment") or None,
        )


def _shape(given: Any, depth: int) -> Shape:
    """A struct keeps what is told of its fields, which its text has no room for; so does an array of them."""
    written = text(given)
    known = shape(written)
    inner = given
    while isinstance(inner, Mapping) and inner["type"] == "array":
        inner = inner["elementType"]
    if isinstance(inner, Mapping) and inner["type"] == "struct" and depth < DEEPEST:
        return known._replace(children=tuple(columns(inner["fields"], depth + 1)))
    return known
