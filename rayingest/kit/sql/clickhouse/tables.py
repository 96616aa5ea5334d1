"""Describe tables and views, hundreds at a time: one statement for them, one for their columns."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from rayingest.core.source import Described, EntityDescriptor, Failed, Processed
from rayingest.errors import Denied, Gone, Permanent, RayingestError
from rayingest.kit.sql.clickhouse.engines import VIEWS, table_type
from rayingest.kit.sql.clickhouse.partitions import named, partition
from rayingest.kit.sql.clickhouse.secrets import without_secrets
from rayingest.kit.sql.clickhouse.session import ClickHouseSession, Row
from rayingest.kit.sql.clickhouse.shapes import shape
from rayingest.kit.sql.clickhouse.text import Key, among, listed, quoted
from rayingest.kit.sql.facts import Wants
from rayingest.model import Column, ColumnConstraint, Table, TableConstraint

RELATIONS = """select database, name, engine, {text}, {comment}, {partition_key}, {sorting_key},
       notEmpty({parameterized_view_parameters})
  from system.tables where {among}"""
TEXT = "if(engine in ({views}), create_table_query, '')"
MAYBE = ("comment", "partition_key", "sorting_key", "parameterized_view_parameters")
# Old servers have no `position`, and answer in the order of the table.
COLUMNS = """select database, table, name, type, {comment}, {partition}, {sorting}, {position}
  from system.columns where {among}"""


def tables(
    session: ClickHouseSession, descriptors: Sequence[EntityDescriptor], wants: Wants
) -> Iterator[Processed]:
    """Answer each descriptor: a table, Gone when it was dropped, or why it cannot be read."""
    keys = [(each.metadata["schema"], each.metadata["name"]) for each in descriptors]
    relations = _relations(session, keys, wants)
    columns = _columns(session, relations)
    # A view with parameters has columns when it is given them, and none of its own.
    empty = {key for key, row in relations.items() if key not in columns and not row[7]}
    again = _relations(session, empty, wants) if empty else {}
    for key, descriptor in zip(keys, descriptors, strict=True):
        if key in relations and key not in empty:
            rows = columns.get(key, ())
            yield Described(descriptor, (_table(descriptor, relations[key], rows),))
        else:
            yield Failed(descriptor, _why_none(session, key, there=key in again))


def _relations(session: ClickHouseSession, keys: Iterable[Key], wants: Wants) -> dict[Key, Row]:
    text = "create_table_query" if wants.ddl else TEXT.format(views=listed(VIEWS))
    found: dict[Key, Row] = {}
    for condition in among("database", "name", keys):
        statement = RELATIONS.format(
            text=text,
            among=condition,
            **{each: session.column("tables", each) for each in MAYBE},
        )
        found |= {(row[0], row[1]): row for row in session.rows(statement)}
    return found


def _columns(session: ClickHouseSession, keys: Iterable[Key]) -> dict[Key, list[Row]]:
    found: dict[Key, list[Row]] = defaultdict(list)
    for condition in among("database", "table", keys):
        statement = COLUMNS.format(
            among=condition,
            comment=session.column("columns", "comment"),
            partition=session.column("columns", "is_in_partition_key", "0"),
            sorting=session.column("columns", "is_in_sorting_key", "0"),
            position=_number(session.column("columns", "position", "0")),
        )
        for row in session.rows(statement):
            found[row[0], row[1]].append(row)
    for rows in found.values():
        rows.sort(key=lambda row: int(row[7]))
    return dict(found)


def _number(column: str) -> str:
    # JSON writes 64 bits as text, or not, as a setting says; 32 are always a number.
    return f"toUInt32({column})"


def _table(descriptor: EntityDescriptor, row: Row, rows: Sequence[Row]) -> Table:
    _, name, engine, text, comment, partition_key, sorting_key, _ = row
    columns = tuple([_column(each, place) for place, each in enumerate(rows, 1)])
    parted = [each[2] for each in rows if each[5]]
    types = {each.name: each.data_type for each in columns} if parted else {}
    is_view = engine in VIEWS
    return Table(
        name=name,
        fqn=descriptor.id,
        description=comment or None,
        database_schema=descriptor.scope,
        table_type=table_type(engine, partitioned=bool(parted)),
        columns=columns,
        constraints=() if is_view else _sorted_by(rows, sorting_key),
        partition=partition(partition_key, parted, types) if parted else (),
        schema_definition=without_secrets(text) if text else None,
    )


def _sorted_by(rows: Sequence[Row], sorting_key: str) -> tuple[TableConstraint, ...]:
    """The sorting key. A primary key is a part of it and unique to no row: nothing is told as PRIMARY_KEY."""
    members = [row[2] for row in rows if row[6]]
    if not members:
        return ()
    columns = tuple(dict.fromkeys([*named(sorting_key, members), *members]))
    return (TableConstraint(constraint_type="SORT_KEY", columns=columns),)


def _column(row: Row, place: int) -> Column:
    form = shape(row[3])
    return Column(
        name=row[2],
        data_type=form.data_type,
        data_type_display=form.display,
        array_data_type=form.element,
        data_length=form.length,
        precision=form.precision,
        scale=form.scale,
        constraint=ColumnConstraint.NOT_NULL if form.required else ColumnConstraint.NULL,
        ordinal_position=place,
        description=row[4] or None,
        children=form.children,
    )


def _why_none(session: ClickHouseSession, key: Key, *, there: bool) -> RayingestError:
    if not there and "\ufffd" in "".join(key):
        return Permanent(
            f"The name of {quoted(*key)} is not UTF-8: nothing can be asked of it.",
            hint="RENAME TABLE, or leave it out by tableFilterPattern.",
        )
    if not there:
        return Gone(f"{quoted(*key)} was dropped after it was listed.")
    return Denied(
        f"No columns of {quoted(*key)} are shown to user {session.user!r}.",
        hint=f"GRANT SHOW COLUMNS ON {quoted(*key)} TO {session.user};",
    )
