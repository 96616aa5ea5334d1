"""Columns with their comments, of hundreds of relations by one statement.

https://docs.oracle.com/en/database/oracle/oracle-database/19/refrn/ALL_TAB_COLS.html
"""

from collections.abc import Iterable, Mapping, Sequence

from rayingest.kit.sql.keys import Keys
from rayingest.kit.sql.oracle.names import columns_told
from rayingest.kit.sql.oracle.objects import Type, Types, shaped, types
from rayingest.kit.sql.oracle.session import Among, Key, OracleSession, Row
from rayingest.kit.sql.oracle.shapes import TEXTS
from rayingest.kit.sql.reflected.shapes import column
from rayingest.model import Column

COLUMNS = """select c.owner, c.table_name, c.column_name, c.data_type, c.data_type_owner,
       c.data_type_mod, c.data_length, c.char_length, c.char_used, c.data_precision, c.data_scale,
       c.nullable, c.column_id, c.internal_column_id, m.comments
  from {v}_tab_cols c
  left join {v}_col_comments m
    on m.owner = c.owner and m.table_name = c.table_name and m.column_name = c.column_name
 where {shown} and {where}"""
# What the server keeps for itself is hidden: columns of function-based indexes, unused columns. Invisible
# ones are the user's, and are told behind the others; since 12.1 there are such, and a column that says so.
SHOWN = "(c.hidden_column = 'NO' or c.user_generated = 'YES')"
SHOWN_BEFORE = "c.hidden_column = 'NO'"
USERS_OWN = (12, 1)
LAST = 1_000_000


def columns(session: OracleSession, among: Among) -> dict[Key, list[Row]]:
    """Rows of the columns by relation, in their order."""
    found: dict[Key, list[Row]] = {}
    shown = SHOWN if session.version >= USERS_OWN else SHOWN_BEFORE
    query = COLUMNS.replace("{shown}", shown)
    query = query.replace("{where}", among.where("c.owner", "c.table_name"))
    for row in session.rows(query, among.binds):
        found.setdefault((row[0], row[1]), []).append(row)
    for rows in found.values():
        rows.sort(key=lambda row: (LAST if row[12] is None else row[12], row[13]))
    return found


def own_types(session: OracleSession, rows: Iterable[Row]) -> Types:
    """What the types are made of that users made themselves."""
    return types(session, (_type(row) for row in rows if row[4] is not None))


def names(rows: Sequence[Row], *, exact: bool) -> Mapping[str, str]:
    """How the columns of one relation are told."""
    return columns_told([row[2] for row in rows], exact=exact)


def told(
    rows: Sequence[Row], spelled: Mapping[str, str], keys: Keys, known: Types, *, exact: bool
) -> tuple[Column, ...]:
    """The columns of one relation; keys speak of names as they are told."""
    return tuple(
        [
            _column(row, place, spelled[row[2]], keys, known, exact=exact)
            for place, row in enumerate(rows, 1)
        ]
    )


def _column(row: Row, place: int, name: str, keys: Keys, known: Types, *, exact: bool) -> Column:
    return column(
        name,
        shaped(_type(row), known, exact=exact),
        constraint=keys.constraint(name, required=row[11] == "N"),
        ordinal_position=place,
        description=row[14] or None,
    )


def _type(row: Row) -> Type:
    _, _, _, name, owner, modifier, size, letters, counted, precision, scale, *_ = row
    return Type(
        name or "UNDEFINED",
        owner,
        modifier,
        letters if name in TEXTS else size,
        counted,
        precision,
        scale,
    )
