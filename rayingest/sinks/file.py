"""JSON lines: `<path>/<entityType>.jsonl`, the create request plus `fullyQualifiedName`.

The files are a small catalogue: writing is upserting by FQN. They appear (or change) when a run
ends well; until then, and after a run that did not, what was acknowledged waits in `.part` files
that the next run into the same folder takes up (`journal` has the details).
"""

import errno
import threading
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rayingest.core.sink import ACKNOWLEDGED, Answer, Placement, Row
from rayingest.core.source import CheckResult
from rayingest.errors import ConfigError, SinkDown
from rayingest.sinks.journal import Journal
from rayingest.sinks.local import LocalSpelling, unreadable
from rayingest.sinks.options import known

_PART = ".jsonl.part"


class FileSession(LocalSpelling):
    """One journal per entity type."""

    def __init__(self, folder: Path, *, dry_run: bool) -> None:
        self._folder, self._dry_run = folder, dry_run
        self._journals: dict[str, Journal] = {}
        self._lock = threading.Lock()
        self.calls = 0

    def write(self, entity_type: str, rows: Sequence[Row]) -> Sequence[Answer]:
        """Append rows durably. Raises SinkDown when the disk does not take them."""
        refusals = [unreadable(row) for row in rows]
        good = [
            (row.fqn, row.body) for row, refusal in zip(rows, refusals, strict=True) if not refusal
        ]
        if good and not self._dry_run:
            with self._lock, _telling(self._folder):
                self.calls += 1
                self._journal(entity_type).append(good)
        return [refusal or ACKNOWLEDGED for refusal in refusals]

    def publish(self) -> None:
        """Put everything under its final name. Raises SinkDown."""
        if self._dry_run:
            return
        with self._lock, _telling(self._folder):
            for left in self._folder.glob(f"*{_PART}"):
                self._journal(left.name.removesuffix(_PART))
            for name in sorted(self._journals):
                self._journals[name].publish()
                del self._journals[name]

    def close(self) -> None:
        """Leave what is there to the next run."""
        with self._lock:
            for journal in self._journals.values():
                journal.close()
            self._journals.clear()

    def _journal(self, name: str) -> Journal:
        if name not in self._journals:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._journals[name] = Journal(self._folder / f"{name}.jsonl")
        return self._journals[name]


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """The folder to write to."""

    path: str
    max_rows: int = 1000
    max_bytes: int = 8_000_000
    concurrency: int = 1
    placement: Placement = Placement.DRIVER

    @property
    def identity(self) -> str:
        """Which folder this is, for the state that is kept about it."""
        return f"file:{self._folder.resolve()}"

    @contextmanager
    def open(self, *, dry_run: bool = False) -> Generator[FileSession]:
        """A session; leaving it without an exception publishes the files."""
        session = FileSession(self._folder, dry_run=dry_run)
        try:
            yield session
            session.publish()
        finally:
            session.close()

    def check(self) -> Iterator[CheckResult]:
        """Whether the folder can be written."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            probe = self._folder / ".rayingest"
            probe.write_bytes(b"")
            probe.unlink()
        except OSError as error:
            yield CheckResult("sink", "failed", f"{self._folder}: {error.strerror}")
        else:
            yield CheckResult("sink", "ok", f"{self._folder} can be written")

    @property
    def _folder(self) -> Path:
        return Path(self.path).expanduser()


def from_options(options: Mapping[str, Any]) -> File:
    """Read sink.config: `path` (OpenMetadata calls it `filename`). Raises ConfigError."""
    known(options, ("path", "filename"))
    path = options.get("path") or options.get("filename")
    if not isinstance(path, str) or not path or "://" in path:
        raise ConfigError(
            "sink 'file' needs sink.config.path, a local folder.",
            hint="sink: {type: file, config: {path: ./catalogue}}",
        )
    return File(path=path)


@contextmanager
def _telling(folder: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        hint = "Nothing that was acknowledged is lost: run again with --run-id to go on."
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise SinkDown(f"The disk of {folder} is full.", hint=f"Make room. {hint}") from error
        why = error.strerror or str(error)
        raise SinkDown(f"{folder} cannot be written: {why}", hint=hint) from error
