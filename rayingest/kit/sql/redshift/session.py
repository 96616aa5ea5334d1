"""One connection to one database of Redshift: statements are whole texts, over the simple protocol.

Neither server-side parameters nor arrays are needed: a set is written as `in (…)`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from rayingest.errors import RayingestError
from rayingest.kit.sql.postgres.session import PgSession, Row
from rayingest.kit.sql.redshift.errors import lasting

# Views that are looked up when they are read are all computed at once, and that takes long:
# https://docs.aws.amazon.com/redshift/latest/dg/PG_GET_LATE_BINDING_VIEW_COLS.html
LATE = """
select view_schema, view_name, col_name, col_type
  from pg_get_late_binding_view_cols()
       cols(view_schema name, view_name name, col_name name, col_type varchar, col_num int)
 order by col_num
"""


class Late(NamedTuple):
    """A column of a late-binding view."""

    name: str
    type: str


LateColumns = Mapping[tuple[str, str], Sequence[Late]]


class RedshiftSession(PgSession):
    """A session that knows the columns of late-binding views, once they were asked for."""

    def __init__(self, connection: Any) -> None:
        super().__init__(connection, binary=False)
        self._late: LateColumns | RayingestError | None = None

    def ask(self, statement: str, **values: Iterable[int | str]) -> list[Row]:
        """Run a statement in which `{oids}` stands for `oids=[…]`, written as a list of literals."""
        # None: the text is no pattern, `%` stands for itself.
        return self.rows(statement.format(**{k: listed(each) for k, each in values.items()}), None)

    def late(self) -> LateColumns | RayingestError:
        """Columns of all late-binding views of the database, by schema and name; asked for once.

        Or why the server does not tell them.
        """
        if self._late is None:
            try:
                rows = self.ask(LATE)
            except Exception as error:
                known = lasting(error)
                if known is None:
                    raise
                self._late = known
                return known
            found: dict[tuple[str, str], list[Late]] = {}
            for schema, view, name, kind in rows:
                found.setdefault((schema, view), []).append(Late(name, kind))
            self._late = found
        return self._late


def listed(values: Iterable[int | str]) -> str:
    """Literals between commas; of no value, what nothing equals."""
    return ", ".join([literal(each) for each in values]) or "null"


def literal(value: int | str) -> str:
    """A number or a text; a backslash is written by its number, because it may begin an escape."""
    if isinstance(value, int):
        return str(value)
    return "'" + value.replace("'", "''").replace("\\", "' || chr(92) || '") + "'"


def quoted(*names: str) -> str:
    """A qualified name between double quotes."""
    return ".".join(['"' + each.replace('"', '""') + '"' for each in names])
