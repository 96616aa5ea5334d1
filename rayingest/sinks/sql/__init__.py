"""The sink `sql`: a catalogue to query, in one SQLite file."""

from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rayingest.core.sink import Placement
from rayingest.core.source import CheckResult
from rayingest.errors import ConfigError, RayingestError
from rayingest.sinks.options import known

if TYPE_CHECKING:
    from rayingest.sinks.sql.session import SqlSession

__all__ = ["Sql", "from_options"]

_SQLITE = "sqlite:///"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sql:
    """The file to write to."""

    path: str
    max_rows: int = 1000
    max_bytes: int = 8_000_000
    concurrency: int = 1
    placement: Placement = Placement.DRIVER

    @property
    def identity(self) -> str:
        """Which file this is, for the state that is kept about it."""
        return f"sql:{Path(self.path).expanduser().resolve()}"

    @contextmanager
    def open(self, *, dry_run: bool = False) -> Generator["SqlSession"]:
        """A session; each write is one transaction."""
        from rayingest.sinks.sql.session import SqlSession

        session = SqlSession(Path(self.path).expanduser(), dry_run=dry_run)
        try:
            yield session
        finally:
            session.close()

    def check(self) -> Iterator[CheckResult]:
        """Whether the file can be written."""
        from rayingest.sinks.sql.session import SqlSession

        session = SqlSession(Path(self.path).expanduser(), dry_run=False)
        try:
            session.connect()
        except RayingestError as error:
            yield CheckResult("sink", "failed", str(error), error.hint)
        else:
            yield CheckResult("sink", "ok", f"{self.path} can be written")
        finally:
            session.close()


def from_options(options: Mapping[str, Any]) -> Sql:
    """Read sink.config: `path`, or `url` as sqlite:///path. Raises ConfigError."""
    known(options, ("path", "url"))
    url, path = options.get("url"), options.get("path")
    if url is not None and not str(url).startswith(_SQLITE):
        raise ConfigError(
            f"sink 'sql' cannot write to {str(url).partition(':')[0]} yet.",
            hint="What works: sink.config.url sqlite:///catalogue.db, or path: catalogue.db.",
        )
    named = str(url).removeprefix(_SQLITE) if url is not None else path or "catalogue.db"
    if not isinstance(named, str) or not named:
        raise ConfigError(
            "sink 'sql' needs the name of a file.",
            hint="sink: {type: sql, config: {url: sqlite:///catalogue.db}}",
        )
    return Sql(path=named)
