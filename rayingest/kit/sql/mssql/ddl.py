"""Write `CREATE TABLE` from the catalogue: the server itself has text of views and routines alone.

It says what the catalogue says of columns, defaults, identities, computed columns, keys, checks,
partitions, history and graphs. Names of constraints, indexes beside the constraints', triggers,
collations, storage and rights are left out; of external tables there is none.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from rayingest.kit.sql.mssql.keys import Parts
from rayingest.kit.sql.mssql.session import EXTERNAL, GRAPH, Row, TdsSession, among, quoted
from rayingest.model import Column, PartitionColumn

# Only columns that need more words than a name, a type and NOT NULL.
WORDS = """select c.object_id, c.column_id, cast(i.seed_value as nvarchar(40)),
       cast(i.increment_value as nvarchar(40)), m.definition, m.is_persisted, d.definition, {always}
  from sys.columns c
  left join sys.identity_columns i on i.object_id = c.object_id and i.column_id = c.column_id
  left join sys.computed_columns m on m.object_id = c.object_id and m.column_id = c.column_id
  left join sys.default_constraints d on d.object_id = c.default_object_id
 where c.object_id in ({ids}) and (c.is_identity = 1 or c.is_computed = 1
       or c.default_object_id <> 0 or {always} > 0)"""
CHECKS = """select k.parent_object_id, k.object_id, k.definition from sys.check_constraints k
 where k.parent_object_id in ({ids})"""
# A history table is told by the table whose history it has.
STORED = """select t.object_id, p.name, {temporal}, {graph}
  from sys.tables t
  left join sys.indexes i on i.object_id = t.object_id and i.index_id < 2
  left join sys.data_spaces p on p.data_space_id = i.data_space_id and p.type = 'PS'
  {joined}
 where t.object_id in ({ids})"""
TEMPORAL, NOT_TEMPORAL = "hs.name, h.name", "null, null"
HISTORY = """left join sys.tables h on h.object_id = t.history_table_id
  left join sys.schemas hs on hs.schema_id = h.schema_id"""
NODES, NO_NODES = "t.is_node, t.is_edge", "0, 0"
# https://learn.microsoft.com/en-us/sql/relational-databases/system-catalog-views/sys-columns-transact-sql
ALWAYS = {1: "ROW START", 2: "ROW END"}


@dataclass(frozen=True, slots=True)
class Defined:
    """Rows of the statements above: by table, and those of columns by their number."""

    words: Mapping[int, Mapping[int, Row]] = field(default_factory=dict)
    checks: Mapping[int, Sequence[str]] = field(default_factory=dict)
    stored: Mapping[int, Row] = field(default_factory=dict)


def queries(session: TdsSession, numbers: str) -> tuple[str, str, str]:
    """WORDS, CHECKS and STORED for this server, about these tables."""
    temporal, graph = session.major >= EXTERNAL, session.major >= GRAPH
    stored = STORED.format(
        temporal=TEMPORAL if temporal else NOT_TEMPORAL,
        joined=HISTORY if temporal else "",
        graph=NODES if graph else NO_NODES,
        ids=numbers,
    )
    always = "c.generated_always_type" if temporal else "0"
    return WORDS.format(always=always, ids=numbers), CHECKS.format(ids=numbers), stored


def defined(session: TdsSession, ids: Sequence[str]) -> Defined:
    """Ask for what only the DDL of these tables wants: three statements more."""
    if not ids or session.is_synapse:
        return Defined()
    of_columns, of_checks, of_tables = queries(session, among(ids))
    words: dict[int, dict[int, Row]] = defaultdict(dict)
    for table, number, *more in session.rows(of_columns):
        words[table][number] = tuple(more)
    checks: dict[int, list[str]] = defaultdict(list)
    for table, _, text in sorted(session.rows(of_checks), key=lambda row: row[:2]):
        if text:
            checks[table].append(text)
    return Defined(words, checks, {row[0]: row[1:] for row in session.rows(of_tables)})


class Told(NamedTuple):
    """What is known of a table anyway: rows of its columns, and what became of them and of its keys."""

    rows: Sequence[Row]
    columns: Mapping[int, Column]
    keys: Parts
    parted: Sequence[PartitionColumn]


def definition(name: str, number: int, told: Told, given: Defined) -> str | None:
    """The DDL of one table; none where the catalogue was not asked."""
    stored = given.stored.get(number)
    if stored is None:
        return None
    words, columns, keys = given.words.get(number, {}), told.columns, told.keys
    in_graph = bool(stored[3] or stored[4])
    lines = [
        _column(columns[row[1]], words.get(row[1]), required=not row[3])
        for row in told.rows
        if not (in_graph and row[2].startswith("$"))  # the graph's own, which nobody writes
    ]
    lines += _period(columns, words)
    if keys.primary:
        lines.append(f"PRIMARY KEY {_listed(keys.primary)}")
    lines += [f"UNIQUE {_listed(each)}" for each in keys.unique]
    for each in keys.foreign:
        ours = _listed([columns[row[3]].name for row in each])
        theirs = f"{quoted(each[0][4], each[0][5])} {_listed([row[6] for row in each])}"
        lines.append(f"FOREIGN KEY {ours} REFERENCES {theirs}")
    lines += [f"CHECK {each}" for each in given.checks.get(number, ())]
    body = ",\n    ".join(lines)
    return f"CREATE TABLE {name} (\n    {body}\n){_after(stored, told.parted)};"


def _column(column: Column, words: Sequence[Any] | None, *, required: bool) -> str:
    name = quoted(column.name)
    seed, step, computed, persisted, default, always = words or (None,) * 6
    if computed is not None:
        return f"{name} AS {computed}{' PERSISTED' if persisted else ''}"
    told = [name, column.data_type_display or ""]
    told += [f"IDENTITY({seed},{step})"] if seed is not None else []
    told += [f"GENERATED ALWAYS AS {ALWAYS[always]}"] if always in ALWAYS else []
    told += [f"DEFAULT {default}"] if default is not None else []
    return " ".join([*told, *(["NOT NULL"] if required else [])])


def _period(columns: Mapping[int, Column], words: Mapping[int, Row]) -> list[str]:
    ends = {row[5]: columns[number].name for number, row in words.items() if row[5] in ALWAYS}
    return [f"PERIOD FOR SYSTEM_TIME {_listed([ends[1], ends[2]])}"] if len(ends) == 2 else []


def _after(stored: Row, parted: Sequence[PartitionColumn]) -> str:
    scheme, schema, history, is_node, is_edge = stored
    told = " AS NODE" if is_node else " AS EDGE" if is_edge else ""
    if scheme and parted:
        told += f" ON {quoted(scheme)} {_listed([each.column_name for each in parted])}"
    if history:
        told += f" WITH (SYSTEM_VERSIONING = ON (HISTORY_TABLE = {quoted(schema, history)}))"
    return told


def _listed(names: Sequence[str]) -> str:
    return f"({', '.join(map(quoted, names))})"
