"""Keys, which Redshift keeps and does not enforce; how rows are distributed and sorted.

https://docs.aws.amazon.com/redshift/latest/dg/t_Defining_constraints.html
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from rayingest.core import fqn
from rayingest.kit.sql.keys import NO_KEYS, Foreign, Keys
from rayingest.kit.sql.postgres.session import Row
from rayingest.model import TableConstraint

# One row a key, and for a foreign key one a referred column.
KEYS = """
select k.conrelid, k.conname, k.contype, k.conkey, k.confkey, n.nspname, c.relname,
       a.attnum, a.attname
  from pg_catalog.pg_constraint k
  left join pg_catalog.pg_class c on c.oid = k.confrelid
  left join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  left join pg_catalog.pg_attribute a on a.attrelid = k.confrelid and a.attnum = any(k.confkey)
 where k.conrelid in ({oids}) and k.contype in ('p', 'u', 'f')
 order by k.conrelid, k.conname
"""


def keys(rows: Sequence[Row], names: dict[int, str], database: str) -> Keys:
    """The keys of one relation; `names` of its columns by their numbers, `database` is an FQN."""
    if not rows:
        return NO_KEYS
    primary: list[str] = []
    unique: list[list[str]] = []
    foreign: list[Foreign] = []
    for _, group in groupby(rows, key=lambda row: row[1]):
        found = list(group)
        _, _, kind, numbers, referred, schema, table, *_ = found[0]
        columns = [names[number] for number in _numbers(numbers)]
        match kind:
            case "p":
                primary = columns
            case "u":
                unique.append(columns)
            case _:
                theirs = {row[7]: row[8] for row in found}
                to = [theirs[number] for number in _numbers(referred)]
                foreign.append(Foreign(columns, fqn.child(database, schema, table), to))
    return Keys.of(primary, unique, foreign)


def distribution(attributes: Iterable[Row]) -> tuple[TableConstraint, ...]:
    """The column by which rows are distributed, and those by which they are sorted, as constraints."""
    rows = list(attributes)
    spread = tuple([row[1] for row in rows if row[5]])
    kinds = {"DIST_KEY": spread, "SORT_KEY": tuple(sort_key(rows))}
    return tuple(
        [
            TableConstraint(constraint_type=kind, columns=each)
            for kind, each in kinds.items()
            if each
        ]
    )


def sort_key(attributes: Iterable[Row]) -> list[str]:
    """The columns of the sort key in their order: in an interleaved one every other number is negative."""
    found = [(abs(row[6]), row[1]) for row in attributes if row[6]]
    return [name for _, name in sorted(found)]


def _numbers(array: Any) -> list[int]:
    """An array of numbers: as psycopg reads it, or, of a type it does not know, as text."""
    if isinstance(array, str):
        return [int(each) for each in array.strip("{}").replace(",", " ").split()]
    return list(array or ())
