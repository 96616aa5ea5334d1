"""Who speaks MySQL's protocol: what each of them is asked, and how it names its rights."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from rayingest.kit.sql.mysql.partitions import PARTITIONS
from rayingest.kit.sql.mysql.shapes import shape

# A slow reader (back-pressure) must not be hung up on in the middle of a listing.
PATIENCE = 3600
KEYS = """select table_schema, table_name, constraint_name, ordinal_position, column_name,
       referenced_table_schema, referenced_table_name, referenced_column_name
  from information_schema.key_column_usage where table_schema = %s and table_name in %s"""
# Where KEY_COLUMN_USAGE is empty: the one key of a table is told by its columns.
KEY_COLUMNS = """select table_schema, table_name,
       case column_key when 'PRI' then 'PRIMARY' else column_key end, ordinal_position, column_name,
       null, null, null
  from information_schema.columns
 where column_key in ('PRI', 'UNI') and table_schema = %s and table_name in %s"""


class Rights(NamedTuple):
    """The words of a GRANT: to read a thing or a view's text, on one thing, a database, all there is."""

    read: str = "SELECT, SHOW VIEW"
    view: str = "SHOW VIEW"
    one: str = "{}"
    database: str = "`{}`.*"
    everything: str = "*.*"
    views: str = "*.*"
    grant: str = "GRANT {right} ON {what} TO {who};"

    def on_one(self, thing: str | None, who: str) -> str:
        """The statement that lets somebody read one thing; everything, if it has no name here."""
        what = self.one.format(thing) if thing else self.everything
        return self.grant.format(right=self.read, what=what, who=who)

    def on_database(self, name: str | None, who: str) -> str:
        """The statement that lets somebody read a database."""
        what = self.database.format(name) if name else self.everything
        return self.grant.format(right=self.read, what=what, who=who)

    def on_views(self, who: str) -> str:
        """The statement that lets somebody read the texts of all views."""
        return self.grant.format(right=self.view, what=self.views, who=who)


class Catalogs(NamedTuple):
    """A level above databases: which one is read, how it is entered, where SHOW CATALOGS has names."""

    own: str
    enter: str
    name: int


def limits(seconds: float, *, is_mariadb: bool) -> Mapping[str, object]:
    """Session variables of MySQL and MariaDB that bound a statement, and make sure that it only reads."""
    return {
        "net_write_timeout": PATIENCE,
        "lock_wait_timeout": max(1, min(int(seconds), 30)),
        **(
            {"max_statement_time": seconds, "tx_read_only": 1}
            if is_mariadb
            else {"max_execution_time": int(seconds * 1000), "transaction_read_only": 1}
        ),
    }


RIGHTS = Rights()


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One of them; the defaults are MySQL and MariaDB.

    * `limits` are session variables; where the server knows one of them not, none is set.
    * `exact` compares names by their bytes; `{}` where the server does so by itself.
    * `pairs`: it understands `(a, b) in ((…))`.
    * `routines`: it has some that its catalogue tells of, for `check`; which are read, `Sql.types` says.
    * `keys`, `partitions`, `materialized` are queries over the names of a schema's tables; '' when
      there is nothing to ask. `flagged`: CREATE_OPTIONS says which tables are partitioned.
    * `faults`: TABLE_COMMENT says why a broken table or view cannot be read.
    * `shape` reads the text of a column's type.
    * `kills`: KILL QUERY on another connection is sure to mean ours. Where many servers are behind one
      address, each with numbers of its own, or clients are not told the whole number, the line is cut
      instead, and the server's limit ends it.
    * `catalogs`, where databases lie in some.
    """

    name: str = "MySQL"
    port: int = 3306
    hidden: tuple[str, ...] = ("information_schema", "mysql", "performance_schema", "sys")
    limits: Callable[..., Mapping[str, object]] = limits
    exact: str = "cast({} as binary)"
    pairs: bool = True
    routines: bool = True
    keys: str = KEYS
    partitions: str = PARTITIONS
    flagged: bool = True
    materialized: str = ""
    faults: bool = True
    shape: Callable[[str], tuple[Any, ...]] = shape
    rights: Rights = RIGHTS
    kills: bool = True
    catalogs: Catalogs | None = None


MYSQL = Product()
