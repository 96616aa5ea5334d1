"""Primary, unique and foreign keys: single columns on the column, the rest on the table."""

from typing import NamedTuple

from rayingest.core import fqn
from rayingest.kit.sql.postgres.session import Row
from rayingest.model import ColumnConstraint, TableConstraint

# A foreign key to a partitioned table is repeated for each of its partitions, as a child of the
# constraint that was written: only that one counts.
_CONSTRAINTS = """
select k.conrelid, k.contype::text, k.conkey,
       case when k.contype = 'f' then (
         select array[n.nspname::text, c.relname::text]
           from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
          where c.oid = k.confrelid) end,
       case when k.contype = 'f' then array(
         select a.attname::text from unnest(k.confkey) with ordinality u(number, place)
           join pg_catalog.pg_attribute a on a.attrelid = k.confrelid and a.attnum = u.number
          order by u.place) end{more}
  from pg_catalog.pg_constraint k
 where k.conrelid = any(%s::oid[]) and k.contype in ({kinds})
   and not (k.contype = 'f' and k.conparentid <> 0 and exists (
     select from pg_catalog.pg_constraint p where p.oid = k.conparentid and p.conrelid = k.conrelid))
 order by k.conrelid, pg_catalog.strpos('pucxf', k.contype::text), k.conname
"""
KEYS = _CONSTRAINTS.format(more="", kinds="'p', 'u', 'f'")
# With what DDL says of them, too: name, text, and whether the table itself declares it.
DEFINED = _CONSTRAINTS.format(
    more=", pg_catalog.quote_ident(k.conname), pg_catalog.pg_get_constraintdef(k.oid), k.conislocal",
    kinds="'p', 'u', 'f', 'c', 'x'",
)


class References:
    """FQNs of referred tables, built once each; `scope` is the FQN of any schema of the database."""

    def __init__(self, scope: str) -> None:
        self._database = fqn.join(*fqn.split(scope)[:2])
        self._known: dict[tuple[str, str], str] = {}

    def table(self, schema: str, name: str) -> str:
        """FQN of a table of this database."""
        found = self._known.get((schema, name))
        if found is None:
            found = self._known[schema, name] = fqn.child(self._database, schema, name)
        return found


class Keys(NamedTuple):
    """The keys of one relation: by attribute number, and those that belong to the table."""

    of_columns: dict[int, ColumnConstraint]
    of_table: tuple[TableConstraint, ...]

    @classmethod
    def of(cls, rows: list[Row], attributes: list[Row], references: References) -> "Keys":
        """Read the rows of one relation, primary keys first; `attributes` have their numbers third."""
        of_columns: dict[int, ColumnConstraint] = {}
        of_table: list[TableConstraint] = []
        unique: list[frozenset[int]] = []
        for _, kind, numbers, target, referred, *_ in rows:
            if kind in "cx":
                continue
            columns = tuple([_name(attributes, number) for number in numbers])
            if kind == "f":
                one = any(key <= frozenset(numbers) for key in unique)
                of_table.append(_foreign(columns, references.table(*target), referred, one=one))
                continue
            unique.append(frozenset(numbers))
            key = ColumnConstraint.PRIMARY_KEY if kind == "p" else ColumnConstraint.UNIQUE
            if len(numbers) == 1:
                of_columns.setdefault(numbers[0], key)
            else:
                of_table.append(TableConstraint(constraint_type=key.value, columns=columns))
        return cls(of_columns, tuple(of_table))


def _name(attributes: list[Row], number: int) -> str:
    """The name of an attribute; without dropped ones before it, it stands in its place."""
    if number <= len(attributes) and attributes[number - 1][2] == number:
        return str(attributes[number - 1][1])
    return next(str(each[1]) for each in attributes if each[2] == number)


def _foreign(
    columns: tuple[str, ...], table: str, referred: list[str], *, one: bool
) -> TableConstraint:
    return TableConstraint(
        constraint_type="FOREIGN_KEY",
        columns=columns,
        referred_columns=tuple([fqn.child(table, name) for name in referred]),
        referred_table=table,
        relationship_type="ONE_TO_ONE" if one else "MANY_TO_ONE",
    )
