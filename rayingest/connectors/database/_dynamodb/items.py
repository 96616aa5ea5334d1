"""The columns that a sample of items has, out of DynamoDB's typed values: pure.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rayingest.model import Column, ColumnConstraint

Value = Mapping[str, Any]  # {"S": "text"}, {"M": {"city": {"S": "Oslo"}}}, …
TYPES = {
    "S": ("STRING", "string"),
    "N": ("NUMBER", "number"),
    "B": ("BINARY", "binary"),
    "BOOL": ("BOOLEAN", "boolean"),
    "NULL": ("NULL", "null"),
    "M": ("MAP", "map"),
    "L": ("ARRAY", "list"),
    "SS": ("SET", "string set"),
    "NS": ("SET", "number set"),
    "BS": ("SET", "binary set"),
}
DEEPEST = 5
WIDEST = 200  # a map with more keys has data for keys, and no fields


def columns(items: Iterable[Mapping[str, Value]]) -> dict[str, Column]:
    """A column for each attribute, in the order of their names: items have no order of theirs."""
    return {each.name: each for each in _fields(items, 0)}


def _fields(items: Iterable[Mapping[str, Value]], depth: int) -> Iterator[Column]:
    values: dict[str, list[Value]] = {}
    for item in items:
        for name, value in item.items():
            values.setdefault(name, []).append(value)
    if depth and len(values) > WIDEST:
        return
    for name in sorted(values):
        yield column(name, values[name], depth)


def column(
    name: str,
    values: Sequence[Value],
    depth: int = 0,
    constraint: ColumnConstraint | None = None,
) -> Column:
    """A column that holds these values; those of different types make a union."""
    kinds = _kinds(values)
    data_type, display = TYPES[kinds[0]] if len(kinds) == 1 else ("UNION", _display(kinds))
    inner = [each for value in values for each in value.get("L", ())]
    items = _kinds(inner)
    if data_type == "ARRAY" and items:
        display = f"list<{_display(items)}>"
    maps = [each["M"] for each in (*values, *inner) if "M" in each]
    return Column(
        name=name,
        data_type=data_type,
        data_type_display=display,
        array_data_type=_element(items) if data_type == "ARRAY" else None,
        data_length=1 if data_type == "BINARY" else None,  # the catalogue wants one
        constraint=constraint or (None if depth else ColumnConstraint.NULL),
        children=tuple(_fields(maps, depth + 1)) if depth < DEEPEST else (),
    )


def _kinds(values: Iterable[Value]) -> list[str]:
    """Letters of the types, sorted; NULL only where there is nothing else."""
    kinds = sorted({kind for value in values for kind in value})
    return [each for each in kinds if each != "NULL"] or kinds


def _display(kinds: Sequence[str]) -> str:
    return " | ".join(TYPES[each][1] for each in kinds)


def _element(kinds: Sequence[str]) -> str:
    if not kinds:
        return "UNKNOWN"
    return TYPES[kinds[0]][0] if len(kinds) == 1 else "UNION"
