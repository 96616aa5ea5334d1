"""Describe tables and views, a hundred at a time: a statement for their columns, few for the rest."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rayingest.core.source import Described, EntityDescriptor, Failed, Processed
from rayingest.errors import (
    RayingestError,
    Retryable,
    SessionLost,
    SourceError,
    Throttled,
    TimedOut,
    Unauthorised,
    Unreachable,
)
from rayingest.kit.sql.facts import Wants
from rayingest.kit.sql.reflected.shapes import column
from rayingest.kit.sql.scrub import scrub
from rayingest.kit.sql.trino import ddl
from rayingest.kit.sql.trino.listing import MATERIALIZED_VIEW, VIEW
from rayingest.kit.sql.trino.session import TrinoSession
from rayingest.kit.sql.trino.shapes import shape
from rayingest.kit.sql.trino.statements import Row
from rayingest.kit.sql.trino.text import Key, among, listed, literal, quoted
from rayingest.model import Column, ColumnConstraint, PartitionColumn, Table, TableType

# Of more tables than this Trino reads the whole catalog, and throws away what was not asked for:
# `optimizer.experimental-max-prefetched-information-schema-prefixes`, 100 unless somebody changes it.
MOST = 100
# `comment` and `extra_info` are there, though no listing of columns has them: SHOW COLUMNS reads them.
COLUMNS = """select table_schema, table_name, column_name, ordinal_position, is_nullable, data_type,
       comment, extra_info
  from {catalog}.information_schema.columns where {among}"""
VIEWS = """select table_schema, table_name, view_definition
  from {catalog}.information_schema.views where {among}"""
MATERIALIZED = """select schema_name, name, definition from system.metadata.materialized_views
 where catalog_name = {catalog} and schema_name in ({schemas}) and name in ({names})"""
SHOW_COLUMNS = "show columns from {table}"
PARTITION_KEY = "partition key"  # Hive's tables; the others say it in their DDL alone
SESSIONS = (SessionLost, Throttled, TimedOut, Unauthorised, Unreachable)  # nothing of one table
KINDS = {VIEW: TableType.VIEW, MATERIALIZED_VIEW: TableType.MATERIALIZED_VIEW}


@dataclass(slots=True)
class Batch:
    """What was asked of some tables."""

    columns: Mapping[Key, list[Row]]
    comments: Mapping[Key, str]
    texts: Mapping[Key, str]
    missing: Mapping[Key, RayingestError]


def tables(
    session: TrinoSession, descriptors: Sequence[EntityDescriptor], wants: Wants
) -> Iterator[Processed]:
    """Answer each descriptor: a table, Gone when it was dropped, or why it cannot be read."""
    for start in range(0, len(descriptors), MOST):
        yield from _tables(session, descriptors[start : start + MOST], wants)


def _tables(
    session: TrinoSession, descriptors: Sequence[EntityDescriptor], wants: Wants
) -> Iterator[Processed]:
    kinds = {_key(each): each.metadata.get("kind", "") for each in descriptors}
    batch = _asked(session, kinds, wants)
    for each in descriptors:
        key = _key(each)
        if (why := batch.missing.get(key)) is not None:
            yield Failed(each, why)
        else:
            yield Described(each, (_table(each, kinds[key], key, batch),))


def _asked(session: TrinoSession, kinds: Mapping[Key, str], wants: Wants) -> Batch:
    columns: dict[Key, list[Row]] = defaultdict(list)
    catalog = quoted(session.database)
    for row in session.rows(COLUMNS.format(catalog=catalog, among=among(kinds))):
        columns[row[0], row[1]].append(row)
    for rows in columns.values():
        rows.sort(key=lambda row: int(row[3]))
    missing = {key: _why_none(session, key) for key in kinds if key not in columns}
    texts = dict(_texts(session, kinds))
    if wants.ddl:
        plain = [key for key, kind in kinds.items() if kind not in KINDS and key in columns]
        texts |= ddl.statements(session, plain)
    return Batch(
        columns,
        session.comments(kinds),
        texts,
        {key: why for key, why in missing.items() if why is not None},
    )


def _texts(session: TrinoSession, kinds: Mapping[Key, str]) -> Iterator[tuple[Key, str]]:
    known = (
        "materialized_views" in session.metadata
    )  # else what is told of them is told as of views
    kept = [key for key, kind in kinds.items() if kind == MATERIALIZED_VIEW and known]
    views = [key for key, kind in kinds.items() if kind in KINDS and key not in kept]
    rows: list[Row] = []
    if views:
        catalog = quoted(session.database)
        rows += session.rows(VIEWS.format(catalog=catalog, among=among(views)))
    if kept:
        rows += session.rows(_materialized(session, kept))
    yield from (((row[0], row[1]), scrub(row[2])) for row in rows if row[2])


def _materialized(session: TrinoSession, keys: Collection[Key]) -> str:
    return MATERIALIZED.format(
        catalog=literal(session.database),
        schemas=listed(sorted({schema for schema, _ in keys})),
        names=listed(sorted({name for _, name in keys})),
    )


def _why_none(session: TrinoSession, key: Key) -> RayingestError | None:
    """Why a table has no columns: Trino passes over what it cannot read, and says why only when asked for it.

    None for one that really has none.
    """
    table = quoted(session.database, *key)
    try:
        rows = session.rows(SHOW_COLUMNS.format(table=table))
    except SESSIONS:
        raise
    except SourceError as error:
        return error
    if not rows:
        return None
    return Retryable(f"The columns of {table} were not listed, and then they were.")


def _table(descriptor: EntityDescriptor, kind: str, key: Key, batch: Batch) -> Table:
    rows = batch.columns.get(key, ())
    text = batch.texts.get(key)
    is_table = kind not in KINDS
    return Table(
        name=key[1],
        fqn=descriptor.id,
        description=batch.comments.get(key) or (ddl.comment(text) if text and is_table else None),
        database_schema=descriptor.scope,
        table_type=KINDS.get(kind, TableType.REGULAR),
        columns=tuple([_column(row, place) for place, row in enumerate(rows, 1)]),
        partition=_partition(rows, text) if is_table else (),
        schema_definition=text,
    )


def _partition(rows: Sequence[Row], text: str | None) -> tuple[PartitionColumn, ...]:
    keys = tuple([ddl.by_value(row[2]) for row in rows if row[7] == PARTITION_KEY])
    return keys or (ddl.partitioned(text) if text else ())


def _column(row: Row, place: int) -> Column:
    nullable = row[4] != "NO"
    return column(
        row[2],
        shape(row[5]),
        constraint=ColumnConstraint.NULL if nullable else ColumnConstraint.NOT_NULL,
        ordinal_position=place,
        description=row[6] or None,
    )


def _key(descriptor: EntityDescriptor) -> Key:
    return descriptor.metadata["schema"], descriptor.metadata["name"]
