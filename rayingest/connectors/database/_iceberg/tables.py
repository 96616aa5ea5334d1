"""What the metadata of a table or view tells, as a table of the catalogue: pure, over pyiceberg's values."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rayingest.kit.sql.facts import Wants
from rayingest.kit.sql.keys import NO_KEYS, Keys
from rayingest.kit.sql.reflected.shapes import Shape, column, shape
from rayingest.kit.sql.scrub import scrub
from rayingest.model import (
    Column,
    DatabaseSchema,
    Owner,
    PartitionColumn,
    Table,
    TableType,
)

COMMENTS = ("comment", "description")
UNITS = {"year", "month", "day", "hour"}
# https://iceberg.apache.org/spec/#schemas-and-data-types; the others are spelled as everywhere.
TYPES = {
    "fixed": "BINARY",
    "time": "TIME",
    "timestamp": "TIMESTAMP",
    "timestamptz": "TIMESTAMPZ",
    "timestamp_ns": "TIMESTAMP",
    "timestamptz_ns": "TIMESTAMPZ",
    "unknown": "NULL",
}
_SIZE = re.compile(r"\[(\d+)\]")
_TRANSFORM = re.compile(r"\w+")


def schema(told: Mapping[str, str], owner: str, wants: Wants, **place: Any) -> DatabaseSchema:
    """A namespace."""
    return DatabaseSchema(description=_comment(told), owners=_owners(told, owner, wants), **place)


def table(metadata: Any, owner: str, wants: Wants, **place: Any) -> Table:
    """A table, as its current schema and partition spec have it."""
    current = metadata.schema()
    primary = [current.find_column_name(each) for each in current.identifier_field_ids]
    keys = Keys.of([each for each in primary if each]) if primary else NO_KEYS
    return Table(
        table_type=TableType.ICEBERG,
        description=_comment(metadata.properties),
        columns=tuple(columns(current.fields, keys)),
        constraints=keys.of_table,
        partition=tuple(partitions(metadata.spec(), current)),
        location_path=metadata.location,
        owners=_owners(metadata.properties, owner, wants),
        **place,
    )


def view(metadata: Any, owner: str, wants: Wants, **place: Any) -> Table:
    """A view; where its text is kept in several dialects, it is the first."""
    version = next(e for e in metadata.versions if e.version_id == metadata.current_version_id)
    current = next(e for e in metadata.schemas if e.schema_id == version.schema_id)
    texts = [each.root.sql for each in version.representations]
    return Table(
        table_type=TableType.VIEW,
        description=_comment(metadata.properties),
        columns=tuple(columns(current.fields)),
        schema_definition=scrub(texts[0]) if texts else None,
        location_path=metadata.location,
        owners=_owners(metadata.properties, owner, wants),
        **place,
    )


def columns(fields: Sequence[Any], keys: Keys = NO_KEYS) -> Iterator[Column]:
    """Columns with what they are made of."""
    for position, field in enumerate(fields, 1):
        yield column(
            field.name,
            _shape(field.field_type),
            constraint=keys.constraint(field.name, required=field.required),
            ordinal_position=position,
            description=field.doc or None,
        )


def partitions(spec: Any, current: Any) -> Iterator[PartitionColumn]:
    """How a table is partitioned; https://iceberg.apache.org/spec/#partition-transforms."""
    for field in spec.fields:
        path, transform = current.find_column_name(field.source_id), str(field.transform)
        if not path or transform == "void":  # a partition that was dropped leaves its place
            continue
        name = next(
            e.name for e in current.fields if path == e.name or path.startswith(f"{e.name}.")
        )
        kind, interval = _interval(transform)
        if name != path:  # the catalogue knows columns, and none inside of them
            kind, interval = "OTHER", f"{transform}({path})"
        yield PartitionColumn(column_name=name, interval_type=kind, interval=interval)


def _interval(transform: str) -> tuple[str, str | None]:
    if transform == "identity":
        return "COLUMN-VALUE", None
    if transform in UNITS:
        return "TIME-UNIT", transform.upper()
    return "OTHER", transform


def _shape(kind: Any) -> Shape:
    """The type of a column in the catalogue's words, with Iceberg's beside it."""
    display = text(kind)
    if hasattr(kind, "fields"):
        return Shape("STRUCT", display, children=tuple(columns(kind.fields)))
    if hasattr(kind, "element_type"):
        inner = _shape(kind.element_type)
        return Shape("ARRAY", display, element=inner.data_type, children=inner.children)
    if hasattr(kind, "key_type"):
        return Shape("MAP", display)
    found = _TRANSFORM.match(display)
    name = found[0] if found else display
    if name in TYPES:
        size = _SIZE.search(display)
        return Shape(TYPES[name], display, length=int(size[1]) if size else None)
    return shape(display)


def text(kind: Any) -> str:
    """A type as Spark and Trino would write it, with the names of fields."""
    if hasattr(kind, "fields"):
        return f"struct<{', '.join(f'{e.name}: {text(e.field_type)}' for e in kind.fields)}>"
    if hasattr(kind, "element_type"):
        return f"list<{text(kind.element_type)}>"
    if hasattr(kind, "key_type"):
        return f"map<{text(kind.key_type)}, {text(kind.value_type)}>"
    return str(kind)


def _comment(told: Mapping[str, str]) -> str | None:
    return next((told[each] for each in COMMENTS if told.get(each)), None)


def _owners(told: Mapping[str, str], key: str, wants: Wants) -> tuple[Owner, ...]:
    return wants.owned(told.get(key))
