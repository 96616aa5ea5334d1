"""Keep everything in this process: for tests and for Python programs."""

import threading
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import msgspec

from rayingest.core.sink import ACKNOWLEDGED, UNCHANGED, Answer, Placement, Row
from rayingest.core.source import CheckResult
from rayingest.model import EntityType
from rayingest.sinks.local import ENTITIES, LocalSpelling, target, unreadable
from rayingest.sinks.names import above
from rayingest.sinks.options import known


class Store:
    """Entities by type and FQN; `writes` is every row that was ever written, in order."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.rows: dict[str, dict[str, Row]] = {}
        self.writes: list[tuple[str, str]] = []
        self._lock = threading.Lock()

    def put(self, entity_type: str, rows: Sequence[Row]) -> list[Answer]:
        """Keep rows; those that are here already, and equal, are unchanged."""
        with self._lock:
            held = self.rows.setdefault(entity_type, {})
            answers = []
            for row in rows:
                if refusal := unreadable(row):
                    answers.append(refusal)
                    continue
                known_row = held.get(row.fqn)
                same = known_row is not None and known_row.hash == row.hash
                answers.append(UNCHANGED if same else ACKNOWLEDGED)
                held[row.fqn] = row
                self.writes.append((entity_type, row.fqn))
            return answers

    def delete(self, entity_type: str, fqns: Sequence[str]) -> list[Answer]:
        """Forget entities, all below them, and the facts about any of these."""
        with self._lock:
            answers = self._presence(entity_type, fqns)
            gone, themselves = set(fqns), {(entity_type, fqn) for fqn in fqns}
            for kind, held in self.rows.items():
                for fqn, row in list(held.items()):
                    about = (kind not in ENTITIES and target(row.body)) or (kind, fqn)
                    itself = not themselves.isdisjoint({(kind, fqn), about})
                    if itself or not gone.isdisjoint(above(about[1])):
                        del held[fqn]
            return answers

    def presence(self, entity_type: str, fqns: Sequence[str]) -> list[Answer]:
        """What deleting entities would be answered."""
        with self._lock:
            return self._presence(entity_type, fqns)

    def _presence(self, entity_type: str, fqns: Sequence[str]) -> list[Answer]:
        held = self.rows.get(entity_type, {})
        return [ACKNOWLEDGED if fqn in held else UNCHANGED for fqn in fqns]

    def count(self, entity_type: str, scope: str) -> int:
        """How many lie below an FQN; '' counts all."""
        with self._lock:
            held = self.rows.get(entity_type, {})
            return sum(fqn.startswith(f"{scope}.") for fqn in held) if scope else len(held)

    def entities(self, entity_type: str) -> dict[str, dict[str, Any]]:
        """FQN -> the entity as it was sent."""
        held = self.rows.get(entity_type, {})
        return {fqn: msgspec.json.decode(row.body) for fqn, row in held.items()}

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self.rows.clear()
            self.writes.clear()

    def __repr__(self) -> str:
        counts = ", ".join(f"{len(held)} {kind}" for kind, held in self.rows.items())
        return f"Store({self.name!r}: {counts or 'empty'})"


# One per name and process: the only way that a config, which is text, can name an object.
_stores: dict[str, Store] = {}
_lock = threading.Lock()


def store(name: str = "default") -> Store:
    """The process's store of this name."""
    with _lock:
        return _stores.setdefault(name, Store(name))


class MemorySession(LocalSpelling):
    """Writes into a store, and reads from it."""

    def __init__(self, kept: Store, *, dry_run: bool) -> None:
        self._store, self._dry_run = kept, dry_run
        self.calls = 0

    def write(self, entity_type: str, rows: Sequence[Row]) -> Sequence[Answer]:
        """Keep rows of one type."""
        self.calls += 1
        return [ACKNOWLEDGED] * len(rows) if self._dry_run else self._store.put(entity_type, rows)

    def delete(
        self,
        entity_type: str,
        fqns: Sequence[str],
        *,
        scope: str,
        seen: Collection[str] | None = None,
    ) -> Sequence[Answer]:
        """Forget entities of one type, with all below them and the facts about any of these."""
        self.calls += 1
        forget = self._store.presence if self._dry_run else self._store.delete
        return forget(entity_type, fqns)

    @property
    def catalogue(self) -> "MemorySession":
        """The read side: the session itself."""
        return self

    def list(
        self, entity_type: EntityType, scope: str, *, full: bool = False
    ) -> Iterator[dict[str, object]]:
        """Entities of a type below an FQN."""
        for fqn, entity in self._store.entities(entity_type.value).items():
            if not scope or fqn.startswith(f"{scope}."):
                yield entity

    def get(self, entity_type: EntityType, fqns: Sequence[str]) -> dict[str, dict[str, object]]:
        """Entities by FQN."""
        held = self._store.entities(entity_type.value)
        return {fqn: held[fqn] for fqn in fqns if fqn in held}

    def count(self, entity_type: EntityType, scope: str) -> int:
        """How many entities of a type lie below an FQN."""
        return self._store.count(entity_type.value, scope)


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """A named store of this process."""

    name: str = "default"
    max_rows: int = 1000
    max_bytes: int = 8_000_000
    concurrency: int = 1
    placement: Placement = Placement.DRIVER

    @property
    def identity(self) -> str:
        """Which store this is, for the state that is kept about it."""
        return f"memory:{self.name}"

    @property
    def store(self) -> Store:
        """What is written to, in this process."""
        return store(self.name)

    @contextmanager
    def open(self, *, dry_run: bool = False) -> Generator[MemorySession]:
        """A session on the store."""
        yield MemorySession(self.store, dry_run=dry_run)

    def check(self) -> Iterator[CheckResult]:
        """Always fine."""
        yield CheckResult("sink", "ok", f"memory of this process, {self.name!r}")


def from_options(options: Mapping[str, Any]) -> Memory:
    """Read sink.config: `name`. Raises ConfigError."""
    known(options, ("name",))
    return Memory(name=str(options.get("name", "default")))
