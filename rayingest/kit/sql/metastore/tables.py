"""Describe tables and views out of the metastore's database: six statements for hundreds."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from rayingest.core.source import Described, EntityDescriptor, Failed, Processed
from rayingest.errors import Gone
from rayingest.kit.sql.facts import Wants
from rayingest.kit.sql.hive import described
from rayingest.kit.sql.hive.fields import Description, Field
from rayingest.kit.sql.hive.formatted import among
from rayingest.kit.sql.keys import Foreign
from rayingest.kit.sql.metastore import statements
from rayingest.kit.sql.metastore.session import Metastore, Row

PRIMARY, FOREIGN, UNIQUE, REQUIRED = 0, 1, 2, 3  # MConstraint
BUCKETS, SORTED = 0, 1
ByTable = dict[int, list[Row]]


def tables(
    session: Metastore, descriptors: Sequence[EntityDescriptor], wants: Wants
) -> Iterator[Processed]:
    """Answer each descriptor: a table, or Gone when it was dropped."""
    ids = [int(each.metadata["key"]) for each in descriptors]
    found = {row[0]: row for row in _asked(session, statements.TABLES, ids)}
    columns, partitions, parameters = (
        _by_table(_asked(session, each, ids))
        for each in (statements.COLUMNS, statements.PARTITIONS, statements.PARAMETERS)
    )
    layout = _by_table(_asked(session, statements.LAYOUT, [*ids, *ids], len(ids)))
    keys = _keys(session, ids)
    for which, each in zip(ids, descriptors, strict=True):
        if which not in found:
            name = each.metadata["name"]
            yield Failed(each, Gone(f"{name!r} was dropped after it was listed."))
            continue
        _, kind, owner, expanded, original, location = found[which]
        told = Description(
            name=each.metadata["name"],
            kind=kind or "",
            columns=[Field.of(*row[1:4]) for row in columns[which]],
            partitions=[Field.of(*row[1:4]) for row in partitions[which]],
            parameters={row[1]: row[2] or "" for row in parameters[which]},
            owner=owner,
            location=location,
            texts=(expanded, original),
            buckets=[row[2] for row in layout[which] if row[1] == BUCKETS],
            sorted_by=[row[2] for row in layout[which] if row[1] == SORTED],
            **_of_table(keys[which], each.scope),
        )
        yield Described(each, (described.table(told, wants, each.id, each.scope),))


def _asked(
    session: Metastore, text: str, parameters: Sequence[int], marks: int | None = None
) -> list[Row]:
    listed = ", ".join(["%s"] * (len(parameters) if marks is None else marks))
    return session.rows(text, parameters, marks=listed)


def _by_table(rows: Sequence[Row]) -> ByTable:
    found: ByTable = defaultdict(list)
    for row in rows:
        found[row[0]].append(row)
    return found


def _keys(session: Metastore, ids: Sequence[int]) -> ByTable:
    """Constraints by the table that they are of."""
    found: ByTable = defaultdict(list)
    if session.keys:
        for row in _asked(session, statements.KEYS, [*ids, *ids], len(ids)):
            found[row[2] if row[0] == FOREIGN else row[3]].append(row)
    return found


def _of_table(rows: Sequence[Row], scope: str) -> dict[str, Any]:
    """Columns of each constraint, in order; `rows` are in order."""
    named: dict[tuple[int, str], list[Row]] = defaultdict(list)
    for row in rows:
        named[row[0], row[1]].append(row)
    told: dict[str, Any] = {"primary": [], "unique": [], "foreign": [], "required": []}
    referred = among(scope)
    for (kind, _), members in named.items():
        names = [row[4] if kind == FOREIGN else row[7] for row in members]
        if None in names:  # a column that was dropped, or is being changed just now
            continue
        match kind:
            case 0:
                told["primary"] = names
            case 2:
                told["unique"].append(names)
            case 3:
                told["required"] += names
            case _:
                theirs = [row[7] for row in members]
                table = referred(members[0][5], members[0][6])
                told["foreign"].append(Foreign(names, table, theirs))
    return told
