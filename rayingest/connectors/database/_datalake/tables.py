"""One table: what its newest file says of the columns, and what the folders above it say."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from rayingest.connectors.database._datalake.listing import File
from rayingest.connectors.database._datalake.pieces import Malformed, Pieces
from rayingest.connectors.database._datalake.places import place
from rayingest.connectors.database._datalake.reading import Schema, schema
from rayingest.core.source import EntityDescriptor
from rayingest.errors import Permanent
from rayingest.model import Column, ColumnConstraint, PartitionColumn, Table, TableType

_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_NUMBER = re.compile(r"-?\d{1,18}")


def stored(sample: File) -> str:
    """How a descriptor names the file that is read."""
    return f"{sample.size} {sample.key}"


def table(files: Any, descriptor: EntityDescriptor) -> Table:
    """Read the columns of a table. Raises Permanent for a file that is not what its name says."""
    told = descriptor.metadata
    size, _, key = told["key"].partition(" ")
    bucket, name = told["schema"], told["name"]
    found = _schema(files, bucket, key, int(size))
    where = place(key)
    partitions = dict(where.partitions) if where else {}
    return Table(
        name=name,
        fqn=descriptor.id,
        database_schema=descriptor.scope,
        description=found.comment,
        table_type=TableType.PARTITIONED if partitions else TableType.REGULAR,
        columns=tuple(_columns(found.columns, partitions)),
        partition=tuple(
            PartitionColumn(column_name=each, interval_type="COLUMN-VALUE") for each in partitions
        ),
        location_path=files.location(bucket, name),
    )


def _schema(files: Any, bucket: str, key: str, size: int) -> Schema:
    """What a file says; one that was written anew since it was listed has another end."""

    def read(start: int, length: int) -> bytes:
        data: bytes = files.read(bucket, key, start, length)
        return data

    try:
        return schema(key, Pieces(read, size))
    except (Malformed, Permanent) as error:
        now = (
            files.size(bucket, key)
            if isinstance(error, Malformed) or "InvalidRange" in str(error)
            else size
        )
        if now == size:
            raise _said(error, files.location(bucket, key)) from None
    try:
        return schema(key, Pieces(read, now))
    except Malformed as error:
        raise _said(error, files.location(bucket, key)) from None


def _said(error: Exception, where: str) -> Permanent:
    hint = (
        getattr(error, "hint", None) or "Look at the file, or leave it out by tableFilterPattern."
    )
    return Permanent(f"{where}: {error}", hint=hint)


def _columns(given: Sequence[Column], partitions: dict[str, str]) -> Iterator[Column]:
    """The file's columns, then those that only folders tell; no name comes twice."""
    from msgspec.structs import replace

    names = {each.name.lower() for each in given}
    folders = [
        Column(
            name=name,
            data_type=_type(value),
            data_type_display=_type(value).lower(),
            constraint=ColumnConstraint.NULL,
        )
        for name, value in partitions.items()
        if name.lower() not in names
    ]
    for position, each in enumerate([*given, *folders], 1):
        yield replace(each, ordinal_position=position)


def _type(value: str) -> str:
    """As Spark reads it off a folder's name."""
    if _NUMBER.fullmatch(value):
        return "BIGINT"
    return "DATE" if _DATE.fullmatch(value) else "STRING"
