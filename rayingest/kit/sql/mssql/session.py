"""One connection to one database of a server: statements counted, cancelling by hanging up."""

import socket
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from typing import Any

Row = tuple[Any, ...]

# https://learn.microsoft.com/en-us/sql/t-sql/functions/serverproperty-transact-sql: EngineEdition.
AZURE, SYNAPSE, MANAGED, SERVERLESS, FABRIC = 5, 6, 8, 11, 12
NAMES = {
    AZURE: "Azure SQL Database",
    SYNAPSE: "Azure Synapse, dedicated SQL pool",
    MANAGED: "Azure SQL Managed Instance",
    SERVERLESS: "Azure Synapse, serverless SQL pool",
    FABRIC: "SQL database in Fabric",
}
EXTERNAL, GRAPH = 13, 14  # the major versions that brought external tables, and graph tables
OLDEST = 11
WHAT = """select cast(serverproperty('EngineEdition') as int),
       cast(serverproperty('ProductVersion') as nvarchar(128))"""


class TdsSession:
    """A python-tds connection in autocommit."""

    def __init__(self, connection: Any, database: str) -> None:
        """Wrap a connection to a database."""
        self.connection = connection
        self.database = database
        self.calls = 0
        self.types: dict[int, Any] = {}  # kit.sql.mssql.shapes learns them here
        self.shapes: dict[Row, Any] = {}
        self.edition, self.version = 0, ""

    def learn(self) -> None:
        """Ask the server what it is."""
        self.edition, self.version = self.rows(WHAT)[0]

    @property
    def major(self) -> int:
        """The version, by which views have columns; what is in Azure has them all, and says 12."""
        if self.edition in {AZURE, MANAGED, FABRIC}:
            return 99
        first = self.version.partition(".")[0]
        return int(first) if first.isdecimal() else 0

    @property
    def is_synapse(self) -> bool:
        """Whether it is a pool of Synapse, which has views of its own and lacks others."""
        return self.edition in {SYNAPSE, SERVERLESS}

    def rows(self, query: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Run one statement."""
        with closing(self._asked(query, parameters)) as cursor:
            return list(cursor.fetchall())

    def run(self, statement: str) -> None:
        """Run one statement that answers nothing."""
        self._asked(statement, ()).close()

    def stream(self, query: str, parameters: Sequence[Any] = ()) -> Iterator[Row]:
        """Run one statement whose rows are read as they come."""
        with closing(self._asked(query, parameters)) as cursor:
            while rows := cursor.fetchmany(1000):
                yield from rows

    def _asked(self, query: str, parameters: Sequence[Any]) -> Any:
        self.calls += 1
        cursor = self.connection.cursor()
        cursor.execute(query, tuple(parameters))
        return cursor

    def cancel(self) -> None:
        """Hang up: the server breaks off what runs for nobody. KILL wants a right that few have."""
        with suppress(Exception):
            wire = self.connection._tds_socket.sock  # noqa: SLF001 - no public way
            getattr(wire, "_transport", wire).shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection."""
        with suppress(Exception):
            self.connection.close()


def quoted(*names: str) -> str:
    """Names between brackets, joined by dots."""
    return ".".join(f"[{each.replace(']', ']]')}]" for each in names)


def among(ids: Sequence[str]) -> str:
    """Numbers for `in ({ids})`: written out, for a statement takes 2,100 parameters and has other plans for each."""
    return ", ".join([str(int(each)) for each in ids]) or "0"


def constants(words: Iterable[str]) -> str:
    """Words of ours, never of a user's, for `in (…)`."""
    return ", ".join(f"'{each}'" for each in words) or "''"
