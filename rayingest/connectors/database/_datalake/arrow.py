"""Columns out of a schema of Arrow's, which is how Parquet, ORC and text are read: pure."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from rayingest.kit.sql.reflected.shapes import DEEPEST, Shape, column
from rayingest.model import Column, ColumnConstraint

# https://arrow.apache.org/docs/python/api/datatypes.html, by the names of the types' tests.
_PLAIN = {
    "null": "NULL",
    "boolean": "BOOLEAN",
    **dict.fromkeys(("int8", "uint8"), "TINYINT"),
    "int16": "SMALLINT",
    **dict.fromkeys(("int32", "uint16"), "INT"),
    **dict.fromkeys(("int64", "uint32"), "BIGINT"),
    "uint64": "LARGEINT",
    **dict.fromkeys(("float16", "float32"), "FLOAT"),
    "float64": "DOUBLE",
    **dict.fromkeys(("string", "large_string", "string_view"), "STRING"),
    **dict.fromkeys(("binary", "large_binary", "binary_view"), "BYTES"),
    **dict.fromkeys(("date32", "date64"), "DATE"),
    **dict.fromkeys(("time32", "time64"), "TIME"),
    **dict.fromkeys(("duration", "interval_month_day_nano"), "INTERVAL"),
}
# Spark's schema, beside Parquet's own: it has the comments. https://github.com/apache/spark, ParquetReadSupport.
_SPARK = b"org.apache.spark.sql.parquet.row.metadata"
_PANDAS_INDEX = "__index_level_"


def columns(schema: Any) -> Iterator[Column]:
    """The columns of a file; the index that pandas adds is none."""
    comments = _spark(schema.metadata or {})
    for field in schema:
        if field.name.startswith(_PANDAS_INDEX):
            continue
        yield column(
            field.name,
            shape(field.type),
            constraint=ColumnConstraint.NULL if field.nullable else ColumnConstraint.NOT_NULL,
            description=comments.get(field.name) or _comment(field.metadata),
        )


def shape(kind: Any, depth: int = 0) -> Shape:  # noqa: PLR0911 - a table of cases
    """What a type of Arrow's says about a column."""
    import pyarrow.types as is_

    text = str(kind)
    if depth > DEEPEST:
        return Shape("UNKNOWN", text)
    if is_.is_dictionary(kind):
        return shape(kind.value_type, depth)
    if hasattr(kind, "storage_type"):  # an extension, as `arrow.uuid`
        known = {"arrow.uuid": "UUID", "arrow.json": "JSON"}.get(kind.extension_name)
        return Shape(known, text) if known else shape(kind.storage_type, depth)
    if is_.is_struct(kind):
        return Shape("STRUCT", text, children=tuple(_fields(kind, depth)))
    if is_.is_map(kind):
        return Shape("MAP", text)
    if hasattr(kind, "value_type"):  # lists of all sorts
        inner = shape(kind.value_type, depth + 1)
        return Shape("ARRAY", text, element=inner.data_type, children=inner.children)
    if is_.is_decimal(kind):
        return Shape("DECIMAL", text, precision=kind.precision, scale=kind.scale)
    if is_.is_timestamp(kind):
        return Shape("TIMESTAMPZ" if kind.tz else "TIMESTAMP", text)
    if is_.is_fixed_size_binary(kind):
        return Shape("BINARY", text, length=kind.byte_width)
    return Shape(_named(text), text)


def _named(text: str) -> str:
    spelled = {"bool": "boolean", "halffloat": "float16", "float": "float32", "double": "float64"}
    name = text.partition("[")[0]
    return _PLAIN.get(spelled.get(name, name), "UNKNOWN")


def _fields(kind: Any, depth: int) -> Iterator[Column]:
    for field in kind:
        yield column(field.name, shape(field.type, depth + 1), description=_comment(field.metadata))


def _comment(metadata: Mapping[bytes, bytes] | None) -> str | None:
    found = (metadata or {}).get(b"comment")
    return found.decode("utf-8", "replace") or None if found else None


def _spark(metadata: Mapping[bytes, bytes]) -> dict[str, str]:
    try:
        fields = json.loads(metadata[_SPARK])["fields"]
        return {each["name"]: each["metadata"].get("comment", "") for each in fields}
    except (KeyError, ValueError, TypeError, AttributeError):
        return {}
