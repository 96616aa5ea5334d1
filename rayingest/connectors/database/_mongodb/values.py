"""Kinds of BSON values, by the words that MongoDB's own `$type` and `bsonType` have for them.

https://www.mongodb.com/docs/manual/reference/bson-types/
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rayingest.kit.shapes import Vocabulary

NULL, ARRAY, OBJECT = "null", "array", "object"
TYPES = {
    "double": ("DOUBLE", "double"),
    "string": ("STRING", "string"),
    OBJECT: ("STRUCT", "object"),
    ARRAY: ("ARRAY", "array"),
    "binData": ("BINARY", "binData"),
    "undefined": ("NULL", "undefined"),
    "objectId": ("STRING", "objectId"),
    "bool": ("BOOLEAN", "bool"),
    "date": ("DATETIME", "date"),
    NULL: ("NULL", "null"),
    "regex": ("STRING", "regex"),
    "dbPointer": ("STRUCT", "dbPointer"),
    "javascript": ("STRING", "javascript"),
    "symbol": ("STRING", "symbol"),
    "javascriptWithScope": ("STRING", "javascriptWithScope"),
    "int": ("INT", "int"),
    "timestamp": ("TIMESTAMP", "timestamp"),
    "long": ("BIGINT", "long"),
    "decimal": ("DECIMAL", "decimal"),
    "minKey": ("UNKNOWN", "minKey"),
    "maxKey": ("UNKNOWN", "maxKey"),
    "number": ("NUMBER", "number"),
    # Ours: what the driver makes of a subtype of binData, and of an object with $ref and $id.
    "uuid": ("UUID", "uuid"),
    "dbRef": ("STRUCT", "dbRef"),
    "unknown": ("UNKNOWN", "unknown"),
}
NUMBERS = {"int", "long", "double", "decimal", "number"}
# The kinds that a declared one covers besides itself.
COVERS = {"number": NUMBERS, "binData": {"uuid"}, OBJECT: {"dbRef"}}
# By the names of the driver's classes: asking for the classes would import it.
KINDS = {
    "int": "int",
    "Int64": "long",
    "float": "double",
    "Decimal128": "decimal",
    "str": "string",
    "bool": "bool",
    "NoneType": NULL,
    "dict": OBJECT,
    "list": ARRAY,
    "ObjectId": "objectId",
    "datetime": "date",
    "DatetimeMS": "date",
    "Timestamp": "timestamp",
    "bytes": "binData",
    "Binary": "binData",
    "UUID": "uuid",
    "DBRef": "dbRef",
    "Regex": "regex",
    "Pattern": "regex",
    "Code": "javascript",
    "MinKey": "minKey",
    "MaxKey": "maxKey",
}
HOLD = {OBJECT, ARRAY}
UUIDS = (3, 4)  # subtypes of binData


def tell(value: Any) -> tuple[str, Mapping[str, Any] | Sequence[Any] | None]:
    """The kind of a value as the driver gives it, and what an object or an array holds."""
    kind = KINDS.get(type(value).__name__, "unknown")
    if kind in HOLD:
        return kind, value
    if kind == "binData" and getattr(value, "subtype", 0) in UUIDS:
        return "uuid", None
    return kind, None


def settled(kinds: Iterable[str]) -> list[str]:
    """Kinds in order; numbers of several kinds are numbers, for many drivers write what is shortest."""
    found = set(kinds)
    numbers = found & NUMBERS
    if len(numbers) > 1:
        found = (found - numbers) | {"long" if numbers == {"int", "long"} else "number"}
    return sorted(found)


DOCUMENTS = Vocabulary(TYPES, tell, null=NULL, array=ARRAY, settled=settled, deepest=10)
