"""One SQLite file, opened read-only: statements counted, batches in one snapshot, errors explained."""

import sqlite3
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, urlencode

from rayingest import errors
from rayingest.core.source import Settings

Row = tuple[Any, ...]
DATABASE, SCHEMA = "default", "main"
MEMORY = ":memory:"
BUSY_SECONDS = 10.0
_ONE_FILE = "Name a file: databaseMode: /path/to/file.db"

_WAL = (
    "Reading needs permission on the file, and in WAL mode also on its folder: "
    "connectionOptions: {immutable: '1'} reads a file that nobody writes to."
)
# By result code: READONLY, CORRUPT, CANTOPEN, NOTADB.
_HINTS = {
    8: _WAL,
    11: "The file is damaged: `PRAGMA integrity_check` says where; restore a backup.",
    14: _WAL,
    26: "Another kind of file, or an encrypted one.",
}


class Connection(Protocol):
    """The fields that are needed of a connection model."""

    database: str | None
    databaseMode: str  # noqa: N815 - OpenMetadata's spelling
    connectionOptions: dict[str, str]  # noqa: N815
    connectionArguments: dict[str, Any]  # noqa: N815


class SqliteSession:
    """A read-only connection to one file."""

    def __init__(self, connection: sqlite3.Connection, path: Path, database: str) -> None:
        self.connection = connection
        self.path = path
        self.database = database
        self.calls = 0

    def stream(self, query: str, parameters: Sequence[Any] = ()) -> Iterator[Row]:
        """Run one statement whose rows are read as they come."""
        self.calls += 1
        yield from self.connection.execute(query, parameters)

    def rows(self, query: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Run one statement."""
        return list(self.stream(query, parameters))

    @contextmanager
    def snapshot(self) -> Generator[None, None, None]:
        """Let all statements of the block see one state of the file."""
        self.rows("begin")
        try:
            yield
        finally:
            with suppress(sqlite3.Error):
                self.rows("rollback")

    def cancel(self) -> None:
        """Break off the running statement."""
        with suppress(sqlite3.Error):
            self.connection.interrupt()

    def close(self) -> None:
        """Close the file."""
        with suppress(sqlite3.Error):
            self.connection.close()


def location(connection: Connection) -> tuple[Path, str]:
    """The file, and what its database is called in the catalogue. Raises ConfigError.

    `databaseMode` is the file; then `database`, when given, is the name. Without it `database`
    is the file and the name is `default`, as OpenMetadata calls the database of systems that have none.
    """
    mode, name = connection.databaseMode.strip(), connection.database
    file, called = (mode, name or DATABASE) if mode not in ("", MEMORY) else (name or "", DATABASE)
    file = file.removeprefix("sqlite:///")
    if not file or MEMORY in file or "mode=memory" in file:
        raise errors.ConfigError(
            f"SQLite: {MEMORY!r} is a new, empty database of this process: there is nothing to read.",
            hint=_ONE_FILE,
        )
    if file.startswith("file:"):
        raise errors.ConfigError(
            f"SQLite: {file.partition('?')[0]!r} is a URI.",
            hint=f"{_ONE_FILE}, and the URI's parameters as connectionOptions.",
        )
    return Path(file).expanduser(), called


def connect(settings: Settings, database: str | None) -> SqliteSession:
    """Open the file of the config; it is never created and never written."""
    config: Connection = settings.connection
    path, name = location(config)
    if not path.is_file():
        what = "is no file" if path.exists() else "does not exist"
        raise errors.Unreachable(
            f"SQLite file {path} {what}.",
            hint="Check databaseMode (or database) of the connection.",
        )
    parameters = urlencode({**config.connectionOptions, "mode": "ro"}, quote_via=quote)
    uri = f"file:{quote(str(path.absolute()))}?{parameters}"
    arguments = {"timeout": min(BUSY_SECONDS, settings.call_timeout)} | config.connectionArguments
    arguments |= {"uri": True, "check_same_thread": False, "isolation_level": None}
    try:
        connection = sqlite3.connect(uri, **arguments)
    except sqlite3.Error as error:
        raise _unreachable(error, path) from error
    except (TypeError, ValueError) as error:
        raise errors.ConfigError(
            f"connectionArguments: {error}", hint="They take the arguments of sqlite3.connect."
        ) from error
    connection.text_factory = _text
    session = SqliteSession(connection, path, name)
    try:
        # Opening reads nothing; the first statement finds out whether this is a database.
        connection.execute("select count(*) from sqlite_master").fetchone()
    except sqlite3.Error as error:
        session.close()
        raise _unreachable(error, path) from error
    return session


def classify(error: Exception) -> errors.RayingestError | None:  # noqa: PLR0911 - a table of cases
    """Say what a failed statement means for its caller; codes: https://www.sqlite.org/rescode.html."""
    if not isinstance(error, sqlite3.Error):
        return None
    text = " ".join(str(error).split())
    match _code(error):
        case 5 | 6:  # BUSY, LOCKED
            return errors.Retryable(
                f"The file is locked: {text}", hint="Another process is writing to it."
            )
        case 9:  # INTERRUPT
            return errors.TimedOut(f"The statement was cancelled: {text}")
        case 10 | 14:  # IOERR, CANTOPEN
            return errors.SessionLost(f"The file cannot be read: {text}")
        case 17:  # SCHEMA changed meanwhile
            return errors.Retryable(text)
        case 3 | 23:  # PERM, AUTH
            return errors.Denied(text)
        case 11 | 26:  # CORRUPT, NOTADB
            return errors.Permanent(
                f"The file is damaged: {text}", hint="`PRAGMA integrity_check` says where."
            )
        case _:
            return errors.Permanent(text)


def _unreachable(error: sqlite3.Error, path: Path) -> errors.RayingestError:
    text = " ".join(str(error).split())
    code = _code(error)
    if code in (5, 6):
        return errors.Retryable(f"SQLite file {path} is locked: {text}")
    hint = _HINTS.get(code, "Check that the file may be read.")
    return errors.Unreachable(f"SQLite file {path} cannot be read: {text}", hint=hint)


def _code(error: sqlite3.Error) -> int:
    return int(getattr(error, "sqlite_errorcode", None) or 0) & 0xFF


def _text(raw: bytes) -> str:
    # A name that is no UTF-8 must not end the listing of all the others.
    return raw.decode("utf-8", errors="replace")
