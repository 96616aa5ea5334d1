"""JSON lines: `<path>/<entityType>.jsonl`, the create request plus `fullyQualifiedName`.

The files are a small catalogue: writing is upserting by FQN, what is deleted vanishes. They appear
(or change) when a run ends well; until then, and after a run that did not, what was acknowledged
waits in `.part` files that the next run into the same folder takes up (`journal` has the details).
"""

import errno
import threading
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from rayingest.core.sink import ACKNOWLEDGED, UNCHANGED, Answer, Placement, Row
from rayingest.core.source import CheckResult
from rayingest.errors import ConfigError, SinkDown
from rayingest.model import EntityType
from rayingest.sinks.journal import PART, Journal, live
from rayingest.sinks.local import ENTITIES, LocalSpelling, target, unreadable
from rayingest.sinks.names import Names
from rayingest.sinks.options import known

_LINES = ".jsonl"


class FileSession(LocalSpelling):
    """One journal per entity type."""

    def __init__(self, folder: Path, *, dry_run: bool) -> None:
        self._folder, self._dry_run = folder, dry_run
        self._journals: dict[str, Journal] = {}
        self._names: dict[str, Names] = {}
        self._lock = threading.Lock()
        self.calls = 0
        self.catalogue = FileCatalogue(self)

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
                if entity_type in self._names:
                    self._names[entity_type].add(fqn for fqn, _ in good)
        return [refusal or ACKNOWLEDGED for refusal in refusals]

    def delete(
        self,
        entity_type: str,
        fqns: Sequence[str],
        *,
        scope: str,
        seen: Collection[str] | None = None,
    ) -> Sequence[Answer]:
        """Let entities vanish durably, with all below them and the facts about any of these.

        Raises SinkDown when the disk does not take it.
        """
        with self._lock, _telling(self._folder):
            present = self._known(entity_type).present(fqns)
            if present and not self._dry_run:
                self.calls += 1
                self._delete(entity_type, present)
        there = set(present)
        return [ACKNOWLEDGED if fqn in there else UNCHANGED for fqn in fqns]

    def lines(self, name: str) -> Iterator[tuple[str, bytes]]:
        """FQN and line of everything of one type that is written. Raises SinkDown."""
        with _telling(self._folder):
            yield from live(self._folder / f"{name}{_LINES}")

    def count(self, name: str, scope: str) -> int:
        """How many of one type lie below an FQN. Raises SinkDown."""
        with self._lock:
            return self._known(name).count(scope)

    def publish(self) -> None:
        """Put everything under its final name. Raises SinkDown."""
        if self._dry_run:
            return
        with self._lock, _telling(self._folder):
            for left in self._folder.glob(f"*{_LINES}{PART}"):
                self._journal(left.name.removesuffix(_LINES + PART))
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
            self._journals[name] = Journal(self._folder / f"{name}{_LINES}")
        return self._journals[name]

    def _known(self, name: str) -> Names:
        if name not in self._names:
            self._names[name] = Names(fqn for fqn, _ in self.lines(name))
        return self._names[name]

    def _delete(self, entity_type: str, fqns: Sequence[str]) -> None:
        """What lies below goes first: if it does not work, the entities themselves are still there."""
        gone = {name: self._known(name).below(fqns) for name in self._types() & ENTITIES}
        gone[entity_type] = list(dict.fromkeys((*gone.get(entity_type, ()), *fqns)))
        targets = {(name, fqn) for name, each in gone.items() for fqn in each}
        facts = {name: self._facts(name, targets) for name in self._types() - ENTITIES}
        itself = {entity_type: gone.pop(entity_type)}
        for name, each in (facts | gone | itself).items():
            if each:
                self._journal(name).delete(each)
                self._known(name).remove(each)

    def _facts(self, name: str, targets: Collection[tuple[str, str]]) -> list[str]:
        try:
            return [fqn for fqn, line in self.lines(name) if target(line) in targets]
        except msgspec.DecodeError:  # somebody else's file
            return []

    def _types(self) -> set[str]:
        """The types of entities and facts that there is a file of."""
        found = self._folder.glob(f"*{_LINES}*")
        return {each.name.partition(_LINES)[0] for each in found}


class FileCatalogue:
    """Reads the lines, those that wait to be published too."""

    def __init__(self, session: FileSession) -> None:
        self._session = session

    def list(
        self, entity_type: EntityType, scope: str, *, full: bool = False
    ) -> Iterator[dict[str, object]]:
        """Entities of a type below an FQN, as they were sent."""
        for fqn, line in self._session.lines(entity_type.value):
            if not scope or fqn.startswith(f"{scope}."):
                yield msgspec.json.decode(line)

    def get(self, entity_type: EntityType, fqns: Sequence[str]) -> dict[str, dict[str, object]]:
        """Entities by FQN; reads the whole file."""
        wanted = set(fqns)
        lines = self._session.lines(entity_type.value)
        return {fqn: msgspec.json.decode(line) for fqn, line in lines if fqn in wanted}

    def count(self, entity_type: EntityType, scope: str) -> int:
        """How many entities of a type lie below an FQN; reads the file once."""
        return self._session.count(entity_type.value, scope)


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
