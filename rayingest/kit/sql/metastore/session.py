"""A session with the metastore's database: where its tables are, which of them it has, what errors mean."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from rayingest.core.source import Settings
from rayingest.errors import Gone, Permanent, RayingestError
from rayingest.kit.sql.mysql.connect import connect as connect_mysql
from rayingest.kit.sql.mysql.errors import classify as mysql_meant
from rayingest.kit.sql.mysql.session import MySqlSession
from rayingest.kit.sql.places import schema_with
from rayingest.kit.sql.postgres.connect import connect as connect_postgres
from rayingest.kit.sql.postgres.errors import classify as postgres_meant
from rayingest.kit.sql.postgres.session import PgSession

Row = tuple[Any, ...]
DATABASE = "default"
NEEDED = (
    *("DBS", "TBLS", "SDS", "COLUMNS_V2", "PARTITION_KEYS", "TABLE_PARAMS"),
    *("BUCKETING_COLS", "SORT_COLS"),
)
# Catalogues are there since Hive 3, keys since 2.1.
LATER = (("DBS", "CTLG_NAME"), ("KEY_CONSTRAINTS", "CONSTRAINT_TYPE"))
GRANT = f"SELECT on {', '.join((*NEEDED, 'KEY_CONSTRAINTS'))}."
WHERE = (
    "select table_schema, table_name, column_name from information_schema.columns"
    " where table_name in ({marks}) and upper(column_name) in"
    " ('DB_ID', 'TBL_ID', 'SD_ID', 'CD_ID', 'CTLG_NAME', 'CONSTRAINT_TYPE')"
)


@dataclass
class Metastore:
    """A session; `quote` stands around names, `place` is the schema with the tables, quoted."""

    session: PgSession | MySqlSession
    meant: Callable[[Exception], RayingestError | None]
    quote: str
    database: str
    schema: str | None
    only: str | None = None
    usual: str = ""
    place: str = ""
    later: set[tuple[str, str]] = field(default_factory=set)

    @property
    def calls(self) -> int:
        """Statements so far."""
        return self.session.calls

    def cancel(self) -> None:
        """See the session of the database."""
        self.session.cancel()

    def close(self) -> None:
        """Close the connection."""
        self.session.close()

    def find(self) -> None:
        """Find the tables. Raises Denied or Permanent when they are not there."""
        tables = (*NEEDED, *(table for table, _ in LATER))
        both = dict.fromkeys(
            (*tables, *map(str.lower, tables))
        )  # MySQL may keep names in lower case
        marks = ", ".join(["%s"] * len(both))
        found = self.given(WHERE.format(marks=marks), [*both])
        place = schema_with(
            NEEDED,
            [(row[0], row[1].upper()) for row in found],
            whose="the metastore's",
            grant=GRANT,
            only=self.only,
            usual=self.usual,
        )
        self.place = f"{self.quote}{place.replace(self.quote, self.quote * 2)}{self.quote}"
        ours = {(row[1].upper(), row[2].upper()) for row in found if row[0] == place}
        self.later = ours & {*LATER}

    @property
    def keys(self) -> bool:
        """Whether it knows of keys."""
        return ("KEY_CONSTRAINTS", "CONSTRAINT_TYPE") in self.later

    def rows(self, text: str, parameters: Sequence[Any] = (), **parts: str) -> list[Row]:
        """Run one statement; names stand between double quotes in it."""
        return self.given(self._spelled(text, parts), parameters)

    def stream(self, text: str, parameters: Sequence[Any] = (), **parts: str) -> Iterator[Row]:
        """Run one statement whose rows are read as they come."""
        try:
            yield from self.session.stream(self._spelled(text, parts), parameters)
        except Exception as error:
            raise self._known(error) from error

    def given(self, statement: str, parameters: Sequence[Any]) -> list[Row]:
        """Run a statement as it is."""
        try:
            return self.session.rows(statement, parameters)
        except Exception as error:
            raise self._known(error) from error

    def _spelled(self, text: str, parts: dict[str, str]) -> str:
        catalogue = """d."CTLG_NAME" = 'hive'""" if LATER[0] in self.later else "1 = 1"
        whole = text.format(s=self.place, hive=catalogue, **parts)
        return whole.replace('"', self.quote) if self.quote != '"' else whole

    def _known(self, error: Exception) -> Exception:
        meant = self.meant(error) or error
        if isinstance(
            meant, Gone
        ):  # a table of the metastore's, which must not look like one of Hive's
            return Permanent(f"The metastore's tables are not those that are known: {meant}")
        return meant


def connect(settings: Settings, database: str | None) -> Metastore:
    """Open a session with the database that `metastoreConnection` names."""
    config = settings.connection
    inner = replace(settings, connection=config.metastoreConnection)
    name, schema = config.databaseName or DATABASE, config.databaseSchema
    if inner.connection.type == "Postgres":
        session = connect_postgres(inner, None)
        made = Metastore(session, postgres_meant, '"', name, schema, usual="public")
    else:
        only = inner.connection.databaseSchema
        made = Metastore(connect_mysql(inner, None), mysql_meant, "`", name, schema, only=only)
    try:
        made.find()
    except BaseException:
        made.close()
        raise
    return made
