"""Primary, unique and foreign keys as the catalogue wants them: pure, the same for every database."""

from collections.abc import Sequence
from typing import NamedTuple

from rayingest.core import fqn
from rayingest.model import ColumnConstraint, TableConstraint


class Foreign(NamedTuple):
    """A reference: our columns, the FQN of the other table, its columns in the same order."""

    columns: Sequence[str]
    table: str
    referred: Sequence[str]


class Keys(NamedTuple):
    """Single-column keys stand on the column, the rest on the table."""

    of_columns: dict[str, ColumnConstraint]
    of_table: tuple[TableConstraint, ...]

    @classmethod
    def of(
        cls,
        primary: Sequence[str],
        unique: Sequence[Sequence[str]] = (),
        foreign: Sequence[Foreign] = (),
    ) -> "Keys":
        """Sort the keys of one table; one that is both primary and unique counts as primary."""
        of_columns: dict[str, ColumnConstraint] = {}
        of_table: list[TableConstraint] = []
        kinds = [(ColumnConstraint.PRIMARY_KEY, primary)] if primary else []
        for kind, columns in [*kinds, *((ColumnConstraint.UNIQUE, each) for each in unique)]:
            if len(columns) == 1:
                of_columns.setdefault(columns[0], kind)
            else:
                constraint = TableConstraint(constraint_type=kind.value, columns=tuple(columns))
                of_table.append(constraint)
        sets = [frozenset(each) for each in (primary, *unique) if each]
        of_table += [_reference(each, sets) for each in foreign]
        return cls(of_columns, tuple(of_table))

    def constraint(self, name: str, *, required: bool) -> ColumnConstraint:
        """What OpenMetadata says of one column: its key, else whether it may be empty."""
        absent = ColumnConstraint.NOT_NULL if required else ColumnConstraint.NULL
        return self.of_columns.get(name, absent)


NO_KEYS = Keys({}, ())


def _reference(foreign: Foreign, unique: Sequence[frozenset[str]]) -> TableConstraint:
    one = any(key <= frozenset(foreign.columns) for key in unique)
    return TableConstraint(
        constraint_type="FOREIGN_KEY",
        columns=tuple(foreign.columns),
        referred_columns=tuple([fqn.child(foreign.table, each) for each in foreign.referred]),
        referred_table=foreign.table,
        relationship_type="ONE_TO_ONE" if one else "MANY_TO_ONE",
    )
