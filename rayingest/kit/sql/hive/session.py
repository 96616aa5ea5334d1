"""One session with HiveServer2, or with who speaks as it does: statements counted, waited for, cancelled.

It speaks by the classes that impyla has made of Hive's interface (TCLIService.thrift); impyla's own
cursor can neither be cancelled nor be given a time-out over HTTP.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from importlib import import_module
from typing import Any

from rayingest.errors import RayingestError, TimedOut
from rayingest.kit.sql.hive.errors import Said
from rayingest.kit.sql.hive.wire import Web, Wire

Row = tuple[Any, ...]
TYPES = "impala._thrift_gen.TCLIService.ttypes"
PROTOCOL = 5  # V6, of Hive 0.13: rows come by columns
NAME, VERSION = 17, 18  # CLI_DBMS_NAME, CLI_DBMS_VER
FINISHED, ERROR, ENDED = 2, 5, (3, 4, 8)  # TOperationState; cancelled, closed, timed out
FAILED = 3  # TStatusCode; 0 to 2 are successes, and "still executing"
NEXT = 0  # TFetchOrientation
PAGE = 10_000
PATIENCE = 2.0  # seconds for the server to obey before the line is cut
POLL = 10.0  # seconds that the server may keep a question after a statement's state: 5, unless it is set
SHORTEST, LONGEST = 0.002, 0.25  # seconds between two questions whether a statement is done
FIELDS = ("stringVal", "boolVal", "byteVal", "i16Val", "i32Val", "i64Val", "doubleVal", "binaryVal")
SPARK, IMPALA, HIVE = "Spark SQL", "Impala", "Apache Hive"


class HiveSession:
    """An open session; `database` is what the catalogue calls the only one, `schema` a restriction."""

    def __init__(
        self,
        client: Any,
        wire: Wire | Web,
        *,
        database: str,
        schema: str | None,
        user: str,
        beside: Callable[[], tuple[Any, Wire | Web]],
    ) -> None:
        """Speak through a client over a wire; `beside` makes another pair of them."""
        self.database = database
        self.schema = schema
        self.user = user
        self.calls = 0
        self.server = self.version = ""
        self.seconds = 300.0
        self._client = client
        self._wire = wire
        self._types: Any = import_module(TYPES)
        self._handle: Any = None
        self._running: Any = None  # the operation that is waited for
        self._asking = self._broken = False
        self._stopped = threading.Event()
        self._beside = beside

    def begin(self, seconds: float, configuration: dict[str, str]) -> None:
        """Open the session, and learn who is there. Raises Said and what the wire raises."""
        types = self._types
        request = types.TOpenSessionReq(
            client_protocol=PROTOCOL, username=self.user, configuration=configuration
        )
        answer = self._call("OpenSession", request)
        self._handle = answer.sessionHandle
        if answer.serverProtocolVersion < PROTOCOL:
            raise Said("it is older than Hive 0.13")
        self.server, self.version = (self._info(each) for each in (NAME, VERSION))
        self.seconds = seconds
        self._wire.wait(seconds + POLL)

    def rows(self, statement: str, what: str = "") -> list[Row]:
        """All that one statement answers; `what` it is about, for the right that may be missing."""
        types = self._types
        request = types.TExecuteStatementReq(self._handle, statement, runAsync=True)
        return self._all("ExecuteStatement", request, what)

    def columns(self, schema: str, tables: str) -> list[Row]:
        """Columns of the tables that a pattern means; rows as JDBC's `getColumns` has them."""
        types = self._types
        request = types.TGetColumnsReq(self._handle, schemaName=schema, tableName=tables)
        return self._all("GetColumns", request, schema)

    def cancel(self) -> None:
        """Ask the server to break off the running statement; hang up if it does not listen."""
        if not self._asking:
            return
        self._stopped.set()
        threading.Thread(target=self._cancel, name="hive-cancel", daemon=True).start()

    def _cancel(self) -> None:
        calls, operation = self.calls, self._running
        with suppress(Exception):
            if operation is not None:  # else Hive is compiling it still
                client, wire = self._beside()
                try:
                    client.CancelOperation(self._types.TCancelOperationReq(operation))
                finally:
                    wire.close()
        time.sleep(PATIENCE)
        if self._asking and calls == self.calls:
            self._wire.hang_up()

    def close(self) -> None:
        """Close session and connection."""
        with suppress(Exception):
            self._wire.wait(PATIENCE)
            if self._handle is not None and not self._broken:
                self._client.CloseSession(self._types.TCloseSessionReq(self._handle))
        self._wire.close()

    def _info(self, which: int) -> str:
        self.calls += 1
        try:
            answer = self._call("GetInfo", self._types.TGetInfoReq(self._handle, which))
        except Said:  # who does not say it is taken for Hive
            return ""
        return text(answer.infoValue.stringValue) or ""

    def _all(self, call: str, request: Any, what: str) -> list[Row]:
        self.calls += 1
        self._asking = True
        try:
            self._running = self._call(call, request, what).operationHandle
            return self._answer(self._running, what)
        except (Said, RayingestError):  # the line is whole: the next answer is to the next call
            raise
        except BaseException:
            self._broken = True  # what is asked next would be given the answer to this
            raise
        finally:
            self._running, self._asking = None, False
            self._stopped.clear()

    def _answer(self, operation: Any, what: str) -> list[Row]:
        try:
            self._finish(operation, what)
            return list(self._fetched(operation, what)) if operation.hasResultSet else []
        except (OSError, EOFError):
            self._broken = True
            raise
        finally:
            if not self._broken:
                with suppress(Exception):
                    self._client.CloseOperation(self._types.TCloseOperationReq(operation))

    def _finish(self, operation: Any, what: str) -> None:
        types, deadline, pause = self._types, time.monotonic() + self.seconds, SHORTEST
        while True:
            request = types.TGetOperationStatusReq(operation)
            told = self._call("GetOperationStatus", request, what)
            if told.operationState == FINISHED:
                return
            if told.operationState == ERROR:
                raise Said(text(told.errorMessage) or "", told.sqlState or "", what, self.user)
            if told.operationState in ENDED:
                raise TimedOut("The server broke the statement off.")
            if self._stopped.wait(pause) or time.monotonic() > deadline:
                with suppress(Exception):
                    self._client.CancelOperation(types.TCancelOperationReq(operation))
                raise TimedOut("The statement was cancelled, or did not end in time.")
            pause = min(pause * 1.5, LONGEST)

    def _fetched(self, operation: Any, what: str) -> Iterator[Row]:
        deadline = time.monotonic() + self.seconds
        while True:
            request = self._types.TFetchResultsReq(operation, orientation=NEXT, maxRows=PAGE)
            answer = self._call("FetchResults", request, what)
            page = rows(answer.results) if answer.results else []
            yield from page
            # In Hive nothing ever comes later, whatever there is; in Impala an empty page may come before others.
            if not page and not answer.hasMoreRows:
                return
            if self._stopped.is_set() or time.monotonic() > deadline:
                raise TimedOut("The answer did not come to its end in time.")

    def _call(self, name: str, request: Any, what: str = "") -> Any:
        call: Callable[[Any], Any] = getattr(self._client, name)
        answer = call(request)
        status = answer.status
        if status.statusCode >= FAILED:
            told = text(status.errorMessage) or " ".join(status.infoMessages or ())
            raise Said(told, status.sqlState or "", what, self.user)
        return answer


def rows(results: Any) -> list[Row]:
    """Rows of an answer, which comes by columns."""
    columns = [list(_values(each)) for each in results.columns or ()]
    return list(zip(*columns, strict=True))


def text(value: bytes | str | None) -> str | None:
    """A text as impyla gives it, which is bytes."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _values(column: Any) -> Iterator[Any]:
    told = next(made for each in FIELDS if (made := getattr(column, each)) is not None)
    missing: bytes = told.nulls or b""
    values: Iterable[Any] = told.values
    if not any(missing):
        yield from map(text, values) if column.stringVal is not None else values
        return
    for place, value in enumerate(values):
        byte, bit = divmod(place, 8)
        empty = byte < len(missing) and missing[byte] >> bit & 1
        yield None if empty else text(value)


def quoted(*names: str) -> str:
    """Names between backticks, joined by dots."""
    return ".".join(f"`{each.replace('`', '``')}`" for each in names)
