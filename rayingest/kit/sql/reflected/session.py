"""One SQLAlchemy connection with one Inspector: statements counted, errors told by their kind."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from rayingest import errors
from rayingest.core.source import Settings

if TYPE_CHECKING:
    import sqlalchemy as sa

Row = tuple[Any, ...]
_DENIED = re.compile(
    r"permission|denied|privilege|not authori[sz]ed|forbidden|not have \w+ access", re.IGNORECASE
)
_CREDENTIALS = re.compile(
    r"password|authenticat|login|credential|unauthori[sz]ed|access denied|\b401\b", re.IGNORECASE
)
# OperationalError is what drivers raise for anything, from a lost connection to a missing table.
_LOST = re.compile(r"connection|closed|broken pipe|reset by peer|gone away", re.IGNORECASE)
_BUSY = re.compile(
    r"lock|time-?d? ?out|too many|busy|try again|temporar|overload|unavailable|throttl|\b(?:429|503)\b",
    re.IGNORECASE,
)
# Drivers in Go and Java append where they were.
_STACK = re.compile(r"^\s+at \S.*$", re.MULTILINE)
_MASK = "********"


@dataclass(frozen=True, slots=True)
class Connect:
    """How to reach a database: a `sqlalchemy.URL` (never a template) and the driver's arguments.

    `paramstyle` is another way to bind than the driver's usual one, where that cannot be trusted.
    `where` names the server in errors, where the URL's host does not. `folder` holds certificates, and is
    removed once the connection is there.
    """

    url: "sa.URL" = field(repr=False)
    arguments: Mapping[str, Any] = field(default_factory=dict, repr=False)
    fresh_password: Callable[[], str] | None = field(default=None, repr=False)
    paramstyle: str | None = None
    where: str | None = None
    folder: TemporaryDirectory[str] | None = None


class ReflectedSession:
    """A connection of its own engine: nothing is pooled, nothing is shared, nothing is patched."""

    def __init__(self, engine: "sa.Engine", database: str, schema: str | None = None) -> None:
        import sqlalchemy as sa

        self.calls = 0
        sa.event.listen(engine, "before_cursor_execute", self._count)
        self.engine = engine
        self.database = database
        self.schema = schema
        self.connection = engine.connect()
        self.inspector = sa.inspect(self.connection)
        self._driver = self.connection.connection.dbapi_connection

    def _count(self, *_: object) -> None:
        self.calls += 1

    @property
    def reads_many(self) -> bool:
        """Whether the dialect has a statement for many tables, or loops over them one by one."""
        from sqlalchemy.engine.default import DefaultDialect

        own = type(self.engine.dialect).get_multi_columns
        return own is not DefaultDialect.get_multi_columns

    def rows(self, query: str, **values: Any) -> list[Row]:
        """Run one statement; `:name` stands for a value, lists become `(a, b, …)`."""
        import sqlalchemy as sa

        lists: list[Any] = [
            sa.bindparam(key, expanding=True) for key in values if isinstance(values[key], list)
        ]
        found = self.connection.execute(sa.text(query).bindparams(*lists), values)
        return [tuple(row) for row in found]

    def refresh(self) -> None:
        """Forget what was reflected, and end the transaction that it was read in."""
        self.inspector.clear_cache()
        self.connection.rollback()

    def cancel(self) -> None:
        """Break off the running statement the way the driver knows, or hang up."""
        for way in ("interrupt", "cancel", "close"):
            if callable(break_off := getattr(self._driver, way, None)):
                with suppress(Exception):
                    break_off()
                return

    def close(self) -> None:
        """Close the connection."""
        with suppress(Exception):
            self.connection.close()
        with suppress(Exception):
            self.engine.dispose()


def open_session(
    settings: Settings,
    extra: str,
    connect: Callable[[Settings], Connect],
    database: str,
) -> ReflectedSession:
    """Connect. Raises MissingDriver, ConfigError, Unauthorised or Unreachable."""
    try:
        import sqlalchemy as sa  # noqa: F401 - whether it is there
    except ImportError as error:
        raise errors.MissingDriver(extra, "sqlalchemy") from error
    how = connect(settings)
    with how.folder or nullcontext():
        return _opened(settings, how, extra, database)


def _opened(settings: Settings, how: Connect, extra: str, database: str) -> ReflectedSession:
    import sqlalchemy as sa

    url = how.url.set(password=how.fresh_password()) if how.fresh_password else how.url
    try:
        engine = sa.create_engine(
            url,
            connect_args=dict(how.arguments),
            poolclass=sa.NullPool,
            **({"paramstyle": how.paramstyle} if how.paramstyle else {}),
        )
    except (ImportError, sa.exc.NoSuchModuleError) as error:
        missing = getattr(error, "name", None) or url.drivername
        raise errors.MissingDriver(extra, missing) from error
    except (sa.exc.ArgumentError, TypeError) as error:
        raise errors.ConfigError(f"The connection of {extra}: {error}") from error
    try:
        only = getattr(settings.connection, "databaseSchema", None)
        return ReflectedSession(engine, database, only)
    except Exception as error:  # noqa: BLE001 - of any driver; none may leave with a password in it
        engine.dispose()
        raise _refused(error, url, extra, how.where) from None


def classify(error: Exception) -> errors.RayingestError | None:  # noqa: PLR0911 - a table of cases
    """Say what a failed statement means by the kind of the exception."""
    from sqlalchemy import exc

    text = _text(error)
    match error:
        case exc.NoSuchTableError():
            return errors.Gone(f"{text} was dropped after it was listed.")
        case exc.DBAPIError(connection_invalidated=True) | exc.ResourceClosedError():
            return errors.SessionLost(f"The connection broke: {text}")
        case exc.DBAPIError() if _DENIED.search(text):
            return errors.Denied(text)
        case exc.InterfaceError():
            return errors.SessionLost(f"The connection broke: {text}")
        case exc.OperationalError() if _LOST.search(text):
            return errors.SessionLost(f"The connection broke: {text}")
        case exc.OperationalError() if _BUSY.search(text):
            return errors.Retryable(text)
        case exc.TimeoutError():
            return errors.TimedOut(text)
        case exc.SQLAlchemyError():
            return errors.Permanent(text)
        case NotImplementedError():
            return errors.Permanent(f"The dialect cannot say: {text or 'not implemented'}")
        case _:
            return None


def _refused(error: Exception, url: "sa.URL", extra: str, where: str | None) -> Exception:
    """A driver may quote the whole address: the password goes before anything else sees it."""
    from sqlalchemy import exc

    text = _text(error)
    for secret in filter(None, (url.password, *_values(url))):
        text = text.replace(str(secret), _MASK)
    if isinstance(error, TypeError | ValueError | exc.ArgumentError):
        return errors.ConfigError(f"The connection of {extra}: {text}")
    if _CREDENTIALS.search(text):
        return errors.Unauthorised(f"{extra} does not accept the credentials: {text}")
    reachable = where or url.host
    return errors.Unreachable(
        f"{extra} at {reachable or url.database} does not answer: {text}",
        hint="Check the address, the network and the firewall." if reachable else None,
    )


def _values(url: "sa.URL") -> Iterator[str]:
    """What stands in the query under a key that sounds secret."""
    for key, value in url.query.items():
        if re.search(r"pass|pwd|secret|token|key|logdata", key, re.IGNORECASE):
            yield from [value] if isinstance(value, str) else value


def _text(error: Exception) -> str:
    """The driver's own words; SQLAlchemy would add the statement and a link."""
    original = getattr(error, "orig", None) or error
    return " ".join(_STACK.sub("", str(original)).split())
