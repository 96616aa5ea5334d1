"""What a collection's validator declares: kinds, descriptions, what must be there. Pure.

https://www.mongodb.com/docs/manual/reference/operator/query/jsonSchema/
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rayingest.connectors.database._mongodb.values import (
    ARRAY,
    COVERS,
    NULL,
    OBJECT,
    TYPES,
    settled,
    tell,
)
from rayingest.kit.shapes import Shape

Json = Mapping[str, Any]
# JSON schema's own words, where BSON's differ.
WORDS = {"boolean": "bool", "integer": "int"}
DEEPEST = 10


@dataclass(frozen=True, slots=True)
class Declared:
    """What all documents look like; `required` are those fields that none may lack."""

    shape: Shape = field(default_factory=Shape)
    required: frozenset[str] = frozenset()


def declared(options: Json) -> Declared:
    """What the options of a collection say; nothing is required that is not enforced for every document."""
    shape, required = Shape(), set[str]()
    for schema in _schemas(options.get("validator")):
        _read(shape, schema, 0)
        required |= {str(each) for each in _list(schema.get("required"))}
    if (options.get("validationLevel") or "strict") != "strict":
        required = set()
    if (options.get("validationAction") or "error") == "warn":
        required = set()
    if time := _map(options.get("timeseries")).get("timeField"):
        shape.at(time).kinds.add("date")  # the server takes no document without it
        required.add(time)
    # What is required and not described has a place all the same.
    never_null = {
        name for name in required if (kinds := shape.at(name).kinds) and NULL not in kinds
    }
    return Declared(shape, frozenset(never_null))


def joined(told: Shape, seen: Shape) -> Shape:
    """What is declared, and beside it what documents have that is not."""
    kinds = set(told.kinds)
    covered = kinds.union(*(COVERS.get(each, ()) for each in kinds))
    kinds |= {each for each in seen.kinds if each not in covered and (each != NULL or not kinds)}
    fields = {
        name: joined(told.fields.get(name, Shape()), seen.fields.get(name, Shape()))
        for name in (*told.fields, *(each for each in seen.fields if each not in told.fields))
    }
    items = None
    if told.items or seen.items:
        items = joined(told.items or Shape(), seen.items or Shape())
    return Shape(kinds, fields, items, told.description)


def _schemas(validator: Any) -> Iterator[Json]:
    """A validator is a query; a schema may stand beside other conditions."""
    given = _map(validator)
    if "$jsonSchema" in given:
        yield _map(given["$jsonSchema"])
    for each in _list(given.get("$and")):
        yield from _schemas(each)


def _read(shape: Shape, schema: Json, depth: int) -> None:
    if depth > DEEPEST:
        return
    shape.kinds |= _kinds(schema)
    text = schema.get("description") or schema.get("title")
    if isinstance(text, str):
        shape.description = shape.description or text
    for name, each in _map(schema.get("properties")).items():
        _read(shape.at(name), _map(each), depth + 1)
    items = schema.get("items")
    for each in items if isinstance(items, list) else [items]:
        if isinstance(each, Mapping):
            _read(shape.inside(), each, depth + 1)
    for word in ("allOf", "anyOf", "oneOf"):
        for each in _list(schema.get(word)):
            _read(shape, _map(each), depth + 1)


def _kinds(schema: Json) -> set[str]:
    """`bsonType` and `type` take one word or several; else what stands in `enum` or inside tells."""
    given = schema.get("bsonType", schema.get("type"))
    words = given if isinstance(given, list) else [given]
    kinds = {WORDS.get(each, each) for each in words if isinstance(each, str)}
    kinds |= set() if kinds else {tell(each)[0] for each in _list(schema.get("enum"))}
    if not kinds and "properties" in schema:
        kinds = {OBJECT}
    if not kinds and "items" in schema:
        kinds = {ARRAY}
    return set(settled(kinds & TYPES.keys()))


def _map(value: Any) -> Json:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else ()
