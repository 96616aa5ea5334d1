"""Keys, partitions and distribution of hundreds of tables: three statements at most.

https://learn.microsoft.com/en-us/sql/relational-databases/system-catalog-views/sys-index-columns-transact-sql
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from rayingest.core import fqn
from rayingest.kit.sql.keys import NO_KEYS, Foreign, Keys
from rayingest.kit.sql.mssql.session import SYNAPSE, Row, TdsSession, among
from rayingest.model import Column, PartitionColumn, TableConstraint

# A partitioning column stands in the clustered index, or in the heap: indexes 1 and 0.
INDEXES = """select i.object_id, i.index_id, i.is_primary_key, i.is_unique_constraint,
       c.key_ordinal, c.partition_ordinal, c.column_id
  from sys.indexes i
  join sys.index_columns c on c.object_id = i.object_id and c.index_id = i.index_id
 where i.object_id in ({ids}) and (i.is_primary_key = 1 or i.is_unique_constraint = 1
       or (i.index_id < 2 and c.partition_ordinal > 0))"""
FOREIGN = """select f.parent_object_id, f.object_id, k.constraint_column_id, k.parent_column_id,
       s.name, o.name, c.name
  from sys.foreign_keys f
  join sys.foreign_key_columns k on k.constraint_object_id = f.object_id
  join sys.objects o on o.object_id = f.referenced_object_id
  join sys.schemas s on s.schema_id = o.schema_id
  join sys.columns c on c.object_id = k.referenced_object_id and c.column_id = k.referenced_column_id
 where f.parent_object_id in ({ids})"""
DISTRIBUTION = """select d.object_id, d.distribution_ordinal, d.column_id
  from sys.pdw_column_distribution_properties d
 where d.distribution_ordinal > 0 and d.object_id in ({ids})"""
NUMBERS = {"TINYINT", "SMALLINT", "INT", "BIGINT"}
TIMES = {"DATE", "DATETIME", "TIMESTAMPZ", "TIME"}


class Told(NamedTuple):
    """Rows of the statements above, by table."""

    indexes: Mapping[int, Sequence[Row]]
    foreign: Mapping[int, Sequence[Row]]
    distribution: Mapping[int, Sequence[Row]]


def told(session: TdsSession, ids: Sequence[str]) -> Told:
    """Ask for the keys of these tables; Synapse has no foreign ones, and distributes by hash."""
    if not ids:
        return Told({}, {}, {})
    numbers = among(ids)
    foreign = [] if session.is_synapse else session.rows(FOREIGN.format(ids=numbers))
    spread = session.rows(DISTRIBUTION.format(ids=numbers)) if session.edition == SYNAPSE else []
    return Told(_by(session.rows(INDEXES.format(ids=numbers))), _by(foreign), _by(spread))


class Parts(NamedTuple):
    """The keys of one table, by the names of its columns; rows of FOREIGN for each reference."""

    primary: Sequence[str] = ()
    unique: Sequence[Sequence[str]] = ()
    foreign: Sequence[Sequence[Row]] = ()
    distributed: Sequence[str] = ()


NOTHING = Parts()


def parts(given: Told, table: int, names: Mapping[int, str]) -> Parts:
    """Put the rows of one table together; `names` are its columns by their numbers.

    A key over a column that is not shown, the inner number of a graph's node, is left out.
    """
    shown = names.keys()
    indexes = [row for row in given.indexes.get(table, ()) if row[4] and (row[2] or row[3])]
    foreign, spread = given.foreign.get(table, ()), given.distribution.get(table, ())
    if not (indexes or foreign or spread):
        return NOTHING
    primary: list[str] = []
    unique: list[list[str]] = []
    for rows in _groups(indexes):
        if not shown >= {row[6] for row in rows}:
            continue
        columns = [names[row[6]] for row in sorted(rows, key=lambda row: row[4])]
        if rows[0][2]:
            primary = columns
        else:
            unique.append(columns)
    references = [
        sorted(rows, key=lambda row: row[2])
        for rows in _groups(foreign)
        if shown >= {row[3] for row in rows}
    ]
    distributed = [names[row[2]] for row in sorted(spread) if row[2] in shown]
    return Parts(primary, unique, references, distributed)


def keys(found: Parts, names: Mapping[int, str], database: str) -> Keys:
    """The same for the catalogue; `database` is an FQN."""
    if found is NOTHING:
        return NO_KEYS
    references = [_foreign(rows, names, database) for rows in found.foreign]
    made = Keys.of(found.primary, found.unique, references)
    if not found.distributed:
        return made
    spread = TableConstraint(constraint_type="DIST_KEY", columns=tuple(found.distributed))
    return Keys(made.of_columns, (*made.of_table, spread))


def _foreign(rows: Sequence[Row], names: Mapping[int, str], database: str) -> Foreign:
    target = fqn.child(database, rows[0][4], rows[0][5])
    return Foreign([names[row[3]] for row in rows], target, [row[6] for row in rows])


def partition(
    given: Told, table: int, columns: Mapping[int, Column]
) -> tuple[PartitionColumn, ...]:
    """What a table is partitioned by: one column, by ranges of its values."""
    rows = [row for row in given.indexes.get(table, ()) if row[1] < 2 and row[5]]
    found = {row[5]: columns[row[6]] for row in rows if row[6] in columns}
    return tuple(
        PartitionColumn(column_name=each.name, interval_type=_interval(each.data_type))
        for _, each in sorted(found.items(), key=lambda pair: pair[0])
    )


def _interval(data_type: str) -> str:
    if data_type in TIMES:
        return "TIME-UNIT"
    return "INTEGER-RANGE" if data_type in NUMBERS else "OTHER"


def _by(rows: Sequence[Row]) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        found[row[0]].append(row)
    return found


def _groups(rows: Sequence[Row]) -> list[list[Row]]:
    """Rows of each index, or of each constraint, in the order of their ids."""
    found: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        found[row[1]].append(row)
    return [found[each] for each in sorted(found)]
