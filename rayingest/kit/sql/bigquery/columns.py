"""Columns with all that lies in them: the text of a type gives the shape, paths give the descriptions."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from msgspec import structs

from rayingest.kit.sql.bigquery.session import Row
from rayingest.kit.sql.keys import Keys
from rayingest.kit.sql.reflected.shapes import column as shaped
from rayingest.kit.sql.reflected.shapes import shape
from rayingest.model import Column, PartitionColumn, Tag

YES = "YES"
INGESTION = "_PARTITIONTIME"


class Said(NamedTuple):
    """What is said of one field: its description, and the names of its policy tags."""

    description: str | None
    policies: Sequence[str] = ()


Fields = Mapping[str, Said]  # path of a field -> what is said of it
Tags = Callable[[Sequence[str]], tuple[Tag, ...]]


def columns(rows: Sequence[Row], fields: Fields, keys: Keys, tags: Tags) -> tuple[Column, ...]:
    """The columns that a query sees with `select *`, in order."""
    seen = [row for row in rows if row[6] != YES]
    return tuple([_column(row, place, fields, keys, tags) for place, row in enumerate(seen, 1)])


def _column(row: Row, place: int, fields: Fields, keys: Keys, tags: Tags) -> Column:
    name, nullable, data_type = row[2], row[4], row[5]
    made = shaped(
        name,
        shape(data_type),
        ordinal_position=place,
        constraint=keys.constraint(name, required=nullable == "NO"),
    )
    return described(made, name, fields, tags) if fields else made


def described(column: Column, path: str, fields: Fields, tags: Tags) -> Column:
    """The column, and what lies in it, with descriptions and policy tags."""
    changes: dict[str, Any] = {}
    if said := fields.get(path):
        changes = {"description": said.description or None, "tags": tags(said.policies)}
    if column.children:
        inside = [described(e, f"{path}.{e.name}", fields, tags) for e in column.children]
        changes["children"] = tuple(inside)
    return structs.replace(column, **changes) if changes else column


def partition(rows: Sequence[Row], unit: str) -> tuple[PartitionColumn, ...]:
    """What a table is partitioned by; `unit` is Google's word for the length of time, or ''."""
    for row in rows:
        if row[7] == YES:
            name, data_type, hidden = row[2], row[5], row[6] == YES
            if hidden:
                return (_by(INGESTION, "INGESTION-TIME", unit),)
            kind = "INTEGER-RANGE" if data_type == "INT64" else "TIME-UNIT"
            return (_by(name, kind, unit),)
    return ()


def shards() -> tuple[PartitionColumn, ...]:
    """Tables by day that are read as one: `_TABLE_SUFFIX` tells them apart."""
    return (_by("_TABLE_SUFFIX", "TIME-UNIT", "DAY"),)


def clustering(rows: Sequence[Row]) -> tuple[str, ...]:
    """The columns that a table is clustered by, in that order."""
    return tuple([row[2] for row in sorted((r for r in rows if r[8]), key=lambda row: row[8])])


def _by(name: str, kind: str, unit: str) -> PartitionColumn:
    return PartitionColumn(column_name=name, interval_type=kind, interval=unit or None)
