"""Spell columns: most go out as the model holds them, only those that need it are rewritten."""

from collections.abc import Iterable
from typing import TypeVar, cast

from msgspec.structs import replace

from rayingest.core import fqn
from rayingest.model import Column, Tag
from rayingest.sinks import wire

# What OpenMetadata takes for "not known", and what its own client says of every type without a length.
UNSIZED = 1
_SIZED = frozenset(("CHAR", "VARCHAR", "BINARY", "VARBINARY"))
_CARE = {"ARRAY", *_SIZED}
# The rest of the values of OpenMetadata's dataType.
# fmt: off
_PLAIN = frozenset((
    "NUMBER", "TINYINT", "SMALLINT", "INT", "BIGINT", "BYTEINT", "BYTES", "FLOAT", "DOUBLE",
    "DECIMAL", "NUMERIC", "TIMESTAMP", "TIMESTAMPZ", "TIME", "DATE", "DATETIME", "INTERVAL",
    "STRING", "MEDIUMTEXT", "TEXT", "LONG", "BOOLEAN", "BLOB", "LONGBLOB", "MEDIUMBLOB", "MAP",
    "STRUCT", "UNION", "SET", "GEOGRAPHY", "ENUM", "JSON", "UUID", "VARIANT", "GEOMETRY", "BYTEA",
    "AGGREGATEFUNCTION", "ERROR", "FIXED", "RECORD", "NULL", "SUPER", "HLLSKETCH", "PG_LSN",
    "PG_SNAPSHOT", "TSQUERY", "TXID_SNAPSHOT", "XML", "MACADDR", "TSVECTOR", "UNKNOWN", "CIDR",
    "INET", "CLOB", "ROWID", "LOWCARDINALITY", "YEAR", "POINT", "POLYGON", "TUPLE", "SPATIAL",
    "TABLE", "NTEXT", "IMAGE", "IPV4", "IPV6", "DATETIMERANGE", "HLL", "LARGEINT",
    "QUANTILE_STATE", "AGG_STATE", "BITMAP", "UINT", "BIT", "MONEY", "MEASURE", "KPI",
    "HEIRARCHY", "HIERARCHYID", "MEASURE HIDDEN", "MEASURE VISIBLE",
))
# fmt: on


def label(tag: Tag) -> wire.TagLabel:
    """A tag that the source itself carries: set by a tool, in need of nobody's confirmation."""
    return wire.TagLabel(
        tag_fqn=fqn.join(tag.classification, tag.name),
        source="Classification",
        label_type="Automated",
        state="Confirmed",
    )


def tags_of(columns: Iterable[Column]) -> Iterable[Tag]:
    """All tags on columns and their children."""
    for column in columns:
        yield from column.tags
        if column.children:
            yield from tags_of(column.children)


def spell(columns: tuple[Column, ...]) -> tuple[wire.Column, ...]:
    """The columns as they are sent: the very same tuple where nothing has to change."""
    names = [column.name for column in columns]
    if "" in names or not fqn.is_plain("\0".join(names)) or _unfinished(columns):
        return tuple(_column(column) for column in columns)
    return cast("tuple[wire.Column, ...]", columns)


_Either = TypeVar("_Either", Column, wire.Column)


def sized(columns: tuple[_Either, ...]) -> tuple[_Either, ...]:
    """The columns of a table, each with a length.

    A catalogue that OpenMetadata's own client has filled holds one for every column. Left out, it would count
    as taken away: a new version of every table, from a server that has compared lengths without asking
    whether there are two (issue 6868 of OpenMetadata tells of the one way round).
    """
    return tuple(
        [
            each
            if each.data_length is not None and not each.children
            else replace(
                each,
                data_length=UNSIZED if each.data_length is None else each.data_length,
                children=sized(each.children),
            )
            for each in columns
        ]
    )


def _unfinished(columns: tuple[Column, ...]) -> bool:
    # The one loop over every column of a run: attribute look-ups only, no calls.
    for column in columns:
        if column.tags or column.children:
            return True
        kind = column.data_type
        if kind not in _PLAIN and (
            column.data_length is None
            if kind in _SIZED
            else kind != "ARRAY" or column.array_data_type is None
        ):
            return True
    return False


def _column(column: Column) -> wire.Column:
    name = fqn.encode(column.name)
    kind = column.data_type if column.data_type in _PLAIN | _CARE else "UNKNOWN"
    return wire.Column(
        name=name,
        data_type=kind,
        data_type_display=column.data_type_display
        or (None if kind != "UNKNOWN" else column.data_type),
        array_data_type=column.array_data_type or ("UNKNOWN" if kind == "ARRAY" else None),
        # OpenMetadata refuses these types without a length.
        data_length=UNSIZED
        if column.data_length is None and kind in _SIZED
        else column.data_length,
        precision=column.precision,
        scale=column.scale,
        constraint=column.constraint,
        ordinal_position=column.ordinal_position,
        description=column.description,
        tags=tuple(label(tag) for tag in column.tags),
        children=spell(column.children),
        display_name=column.display_name or (column.name if name != column.name else None),
    )
