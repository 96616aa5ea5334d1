"""One connection to one database: statements counted, pipelines, streams, cancelling."""

import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from os import dup
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

    from rayingest.kit.sql.postgres.shapes import Shape

Row = tuple[Any, ...]
PATIENCE = 2.0  # seconds for the server to obey before the line is cut
ACTIVE = 1  # libpq's PQTRANS_ACTIVE: a statement is running


class PgSession:
    """A psycopg connection in autocommit mode, with what it has learned about types.

    Without `binary`, a statement without parameters (None) goes out by the simple protocol, as
    psycopg2 sends it, and is answered in text.
    """

    def __init__(
        self,
        connection: "psycopg.Connection[Row]",
        classification: str = "",
        *,
        binary: bool = True,
    ) -> None:
        self.connection = connection
        self.classification = classification
        self._binary = binary
        self.database = connection.info.dbname
        self.version = connection.info.server_version
        self.calls = 0
        self.shapes: dict[int, Shape] = {}
        self._streamed = False

    def rows(self, query: str, parameters: Sequence[Any] | None = ()) -> list[Row]:
        """Run one statement."""
        self.calls += 1
        self._streamed = False
        return self.connection.execute(query, parameters, binary=self._binary).fetchall()

    def pipeline(self, queries: Sequence[tuple[str, Sequence[Any]]]) -> list[list[Row]]:
        """Run statements in one round trip."""
        # libpq (18) forgets to leave the chunked mode of a stream when a pipeline comes next; an
        # ordinary statement resets it.
        first = [self.rows(*queries[0])] if self._streamed else []
        with self.connection.pipeline():
            cursors = []
            for query, parameters in queries[len(first) :]:
                self.calls += 1
                cursors.append(self.connection.execute(query, parameters, binary=True))
        return first + [cursor.fetchall() for cursor in cursors]

    def stream(self, query: str, parameters: Sequence[Any] = ()) -> Iterator[Row]:
        """Run one statement whose rows are read as they come, a thousand at a time."""
        from psycopg import capabilities

        size = 1000 if capabilities.has_stream_chunked() else 1
        self.calls += 1
        self._streamed = True
        with self.connection.cursor(binary=True) as cursor:
            yield from cursor.stream(query, parameters, size=size)

    def cancel(self) -> None:
        """Ask the server to break off the running statement; hang up if it does not listen."""
        threading.Thread(target=self._cancel, name="pg-cancel", daemon=True).start()

    def _cancel(self) -> None:
        calls = self.calls
        with suppress(Exception):
            self.connection.cancel_safe(timeout=PATIENCE)
            time.sleep(PATIENCE)
        with suppress(Exception):  # it may be closed already, which is as good
            if calls == self.calls and self.connection.info.transaction_status == ACTIVE:
                _hang_up(self.connection.fileno())

    def close(self) -> None:
        """Close the connection."""
        with suppress(Exception):
            self.connection.close()


def _hang_up(descriptor: int) -> None:
    with socket.socket(fileno=dup(descriptor)) as other:
        other.shutdown(socket.SHUT_RDWR)
