"""One connection to MongoDB: commands sent and counted, listings read to their end, cancelling."""

import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from importlib import import_module
from typing import Any

from rayingest.connectors.database._mongodb.errors import told
from rayingest.errors import TimedOut

LONGEST = 2**31 - 1  # of maxTimeMS
HANDSHAKE = {"hello", "isMaster", "saslStart", "saslContinue", "authenticate", "endSessions"}
Json = Mapping[str, Any]


class Session:
    """The driver's client, used by one thread; `sample` is how many documents are looked at."""

    def __init__(
        self,
        client: Any,
        counter: Any,
        *,
        beside: Callable[[], Any],
        database: str,
        only: str | None,
        sample: int,
        wait: float,
    ) -> None:
        """Wrap a client that tells `counter` of its calls; `beside` makes one with short time-outs."""
        self.database = database
        self.only = only
        self.sample = sample
        self._client = client
        self._counter = counter
        self._beside = beside
        self._limit = {"maxTimeMS": min(LONGEST, max(1, int(wait * 1000)))}
        self._session: Any = None
        self._stopped = threading.Event()

    @property
    def calls(self) -> int:
        """Commands sent since it was opened, those for further answers of a listing too."""
        return int(self._counter.calls)

    @property
    def hosts(self) -> set[str]:
        """All servers that are known."""
        return {str(host) for host, _ in self._client.nodes}

    def begin(self) -> None:
        """Ask a first question, which signs in, and give all that follow a session that can be killed."""
        self.ask("admin", {"ping": 1})
        # What speaks MongoDB's protocol need not have sessions.
        if self._client.topology_description.logical_session_timeout_minutes is not None:
            self._session = self._client.start_session(causal_consistency=False)

    def ask(self, database: str, command: Json) -> Json:
        """The answer to one command. Raises what `errors.told` makes of the driver's exceptions."""
        with self._telling(database, command):
            at = self._client[database]
            return dict(at.command({**command, **self._limit}, **self._how(at)))

    def listed(self, database: str, command: Json) -> Iterator[Json]:
        """What a command lists, to its end; raises like `ask`."""
        with self._telling(database, command):
            at = self._client[database]
            with closing(at.cursor_command({**command, **self._limit}, **self._how(at))) as cursor:
                yield from cursor

    def cancel(self) -> None:
        """Have the server break off what runs, and stop waiting for it."""
        self._stopped.set()
        threading.Thread(target=self._cancel, name="mongodb-cancel", daemon=True).start()

    def close(self) -> None:
        """Close the connection."""
        with suppress(Exception):
            self._client.close()

    def _how(self, database: Any) -> dict[str, Any]:
        """A command follows neither the client's read preference nor its codec by itself."""
        return {
            "read_preference": self._client.read_preference,
            "codec_options": database.codec_options,
            "session": self._session,
        }

    @contextmanager
    def _telling(self, database: str, command: Json) -> Generator[None]:
        name, of = next(iter(command.items()))
        if self._stopped.is_set():
            raise TimedOut("The session was cancelled.")
        try:
            yield
        except Exception as error:
            if self._stopped.is_set():
                raise TimedOut("The call was cancelled.") from error
            known = told(error, name, database, of if isinstance(of, str) else "")
            if known is None or known is error:
                raise
            raise known from error

    def _cancel(self) -> None:
        if self._session is not None:
            with suppress(Exception), closing(self._beside()) as other:
                # Everybody may kill sessions of his own.
                other.admin.command({"killSessions": [self._session.session_id]})
        with suppress(Exception):
            for server in self._client._topology._servers.values():  # noqa: SLF001 - no public way
                server.pool.reset(interrupt_connections=True)


def counter() -> Any:
    """What the driver tells of each command that it sends."""
    monitoring: Any = import_module("pymongo.monitoring")

    class Counter(monitoring.CommandListener):  # type: ignore[misc] # a class of the driver's
        calls = 0

        def started(self, event: Any) -> None:
            self.calls += event.command_name not in HANDSHAKE

        def succeeded(self, event: Any) -> None:
            """Nothing to count."""

        def failed(self, event: Any) -> None:
            """It was counted when it was sent."""

    return Counter()
