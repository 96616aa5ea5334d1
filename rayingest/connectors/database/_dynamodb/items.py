"""The columns that a sample of items has, out of DynamoDB's typed values: pure.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rayingest.kit.shapes import Shape, Vocabulary
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


def tell(value: Value) -> tuple[str, Mapping[str, Value] | Sequence[Value] | None]:
    """The letters of a value's type, and what a map or a list holds."""
    ((kind, holds),) = value.items()
    return kind, holds if kind in {"M", "L"} else None


# Items have no order of theirs.
ITEMS = Vocabulary(TYPES, tell, null="NULL", array="L", ordered=False)


def columns(items: Iterable[Mapping[str, Value]]) -> dict[str, Column]:
    """A column for each attribute, in the order of their names."""
    return {each.name: each for each in ITEMS.columns(ITEMS.seen(items))}


def key(name: str, kind: str, constraint: ColumnConstraint | None) -> Column:
    """The column of an attribute that is declared, as that of a key is."""
    return ITEMS.column(name, Shape({kind}), constraint=constraint)
