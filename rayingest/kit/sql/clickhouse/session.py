"""One session with a server, whatever it speaks: statements counted, cancelling, what the server has."""

import threading
import uuid
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from typing import Any, Protocol

from rayingest.errors import RayingestError
from rayingest.kit.sql.clickhouse.text import literal

Row = tuple[Any, ...]


class Transport(Protocol):
    """How statements get to a server, by one thread at a time; all that it raises are RayingestErrors."""

    def rows(self, statement: str, query_id: str) -> list[Row]:
        """The answer to one statement, whole."""
        ...

    def hang_up(self) -> None:
        """Break the connection under a running statement; called from another thread."""
        ...

    def close(self) -> None:
        """Close the connection; never raises."""
        ...


class ClickHouseSession:
    """Statements of one user; the whole server is one database of the catalogue.

    `beside` opens another connection, with short time-outs.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        database: str,
        schema: str | None,
        user: str,
        beside: Callable[[], Transport],
    ) -> None:
        self.transport = transport
        self.database = database
        self.schema = schema
        self.user = user
        self.calls = 0
        self.version = ""
        self._known: Mapping[str, set[str]] = {}
        self._beside = beside
        self._running = ""

    def rows(self, statement: str) -> list[Row]:
        """Run one statement."""
        self.calls += 1
        self._running = str(uuid.uuid4())
        try:
            return self.transport.rows(statement, self._running)
        finally:
            self._running = ""

    def learn(self, version: str, known: Mapping[str, set[str]]) -> None:
        """Remember the version, and the columns of system tables that it has."""
        self.version, self._known = version, known

    def column(self, table: str, name: str, absent: str = "''") -> str:
        """A column of a system table, or a constant where the server does not have it yet."""
        return name if name in self._known.get(table, ()) else absent

    def cancel(self) -> None:
        """Ask the server to break off the running statement; hang up if it does not listen."""
        if query := self._running:
            threading.Thread(
                target=self._cancel, args=[query], name="clickhouse-cancel", daemon=True
            ).start()

    def _cancel(self, query: str) -> None:
        killed: list[Row] = []
        with suppress(RayingestError), closing(self._beside()) as other:
            killed = other.rows(f"kill query where query_id = {literal(query)}", str(uuid.uuid4()))
        if not killed and self._running == query:
            with suppress(Exception):
                self.transport.hang_up()

    def close(self) -> None:
        """Close the connection."""
        self.transport.close()
