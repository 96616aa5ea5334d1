"""The lineage of a view: an edge from each table that its statement reads, with their columns."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from rayingest.core import fqn
from rayingest.kit.sql.known import Known
from rayingest.kit.sql.origins import Origins, origins
from rayingest.model import EntityType, Fact, Table

LONGEST = 100_000  # characters of a statement that goes with an edge; a longer one stays away


# By FQN of a column those that it comes from.
Columns = Iterable[tuple[str, tuple[str, ...]]]
# What a view reads, by its text; the services are those to look in besides its own.
Reads = Callable[[Table, Known, Sequence[str]], Origins]


def in_sql(dialect: str) -> Reads:
    """How a view is read whose text is a statement of this dialect of sqlglot's."""
    return partial(_in_sql, dialect)


def _in_sql(dialect: str, view: Table, known: Known, others: Sequence[str]) -> Origins:
    return origins(view.schema_definition or "", view.fqn, dialect, known, others)


class ViewEdges(NamedTuple):
    """The edges of a view; `whole`: its text was read, and the catalogue has every table in it."""

    facts: list[Fact]
    whole: bool


def view_lineage(view: Table, known: Known, reads: Reads, others: Sequence[str] = ()) -> ViewEdges:
    """An edge from each table that a view reads; `others` are services to look in as well.

    None of a view whose statement is unknown or cannot be parsed, with a warning that says which.
    """
    if not view.schema_definition:
        return ViewEdges([], whole=False)
    found = reads(view, known, others)
    by_table = _by_table(view, found)
    sql = view.schema_definition if len(view.schema_definition) <= LONGEST else None
    facts = [
        edge(view.fqn, table, by_table.get(table, ()), "ViewLineage", sql) for table in found.tables
    ]
    return ViewEdges(facts, found.read and all(each in known.columns for each in found.tables))


def _by_table(view: Table, found: Origins) -> Mapping[str, list[tuple[str, tuple[str, ...]]]]:
    """By table: columns of the view with the columns of that table that they come from."""
    told: dict[str, list[tuple[str, tuple[str, ...]]]] = defaultdict(list)
    if found.columns is None or len(found.columns) != len(view.columns):
        return told
    for column, names in zip(view.columns, found.columns, strict=True):
        for table in found.tables:
            own = tuple(each for each in names if fqn.join(*fqn.split(each)[:-1]) == table)
            if own:
                told[table].append((fqn.child(view.fqn, column.name), own))
    return told


def edge(target: str, table: str, columns: Columns, source: str, sql: str | None = None) -> Fact:
    """From a table to what has its data, by FQN; `source` is OpenMetadata's word for how that is known."""
    details: dict[str, Any] = {"source": source}
    if sql:
        details["sqlQuery"] = sql
    mapped = [{"fromColumns": list(names), "toColumn": column} for column, names in columns]
    if mapped:
        details["columnsLineage"] = mapped
    payload = {"fromType": EntityType.TABLE.value, "fromFqn": table, "details": details}
    return Fact(
        target_type=EntityType.TABLE,
        target_fqn=target,
        kind="lineage",
        key=table,
        payload=payload,
    )
