"""How fast a run goes, out of the snapshots that it gives: rate and time left, per type."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from rayingest.execute.snapshot import Snapshot
from rayingest.model import EntityType

WINDOW = 15.0  # seconds that a rate is taken over
ENDED = ("ok", "unchanged", "skipped", "failed", "quarantined")
PLACES = {each.value: place for place, each in enumerate(EntityType)}
BAD = ("failed", "quarantined")
ENOUGH = 20  # ends that a forecast needs, or one in fifty of what is to be done

Book = TypeVar("Book")


@dataclass(frozen=True)
class Line:
    """One type as a display shows it; `rate` is per second, `left` in seconds where it can be told."""

    type: str
    discovered: int
    done: int
    failed: int
    rate: float
    left: float | None


@dataclass
class Pace:
    """Remembers what was done when, over the last seconds."""

    seen: deque[tuple[float, dict[str, int]]] = field(default_factory=deque)

    def lines(self, snapshot: Snapshot) -> list[Line]:
        """All types of a snapshot; call it with every snapshot, in order."""
        done = {kind: ended(book) for kind, book in snapshot.types.items()}
        self.seen.append((snapshot.elapsed, done))
        while len(self.seen) > 2 and self.seen[1][0] <= snapshot.elapsed - WINDOW:
            self.seen.popleft()
        return [self._line(kind, book, snapshot) for kind, book in ordered(snapshot.types).items()]

    def _line(self, kind: str, book: Mapping[str, int], snapshot: Snapshot) -> Line:
        since, before = self.seen[0]
        done = ended(book)
        rate = (done - before.get(kind, 0)) / max(snapshot.elapsed - since, 1e-9)
        rate = rate if len(self.seen) > 1 else 0.0
        rest = book["discovered"] - done
        enough = done >= min(ENOUGH, book["discovered"] / 50)
        left = rest / rate if rate and enough and not snapshot.listing else None
        return Line(kind, book["discovered"], done, failed(book), rate, left)


def ordered(books: Mapping[str, Book]) -> dict[str, Book]:
    """Books by type, containers before what is in them."""
    return {kind: books[kind] for kind in sorted(books, key=_place)}


def _place(kind: str) -> tuple[int, str]:
    return PLACES.get(kind, len(PLACES)), kind


def ended(book: Mapping[str, int]) -> int:
    """Descriptors that have an end."""
    return sum(book.get(each, 0) for each in ENDED)


def failed(book: Mapping[str, int]) -> int:
    """Descriptors that have a bad one."""
    return sum(book.get(each, 0) for each in BAD)


def phase_of(snapshot: Snapshot) -> str:
    """What the run is busy with."""
    if snapshot.sink_down:
        return "Waiting for the sink"
    if snapshot.source_away:
        return "Waiting for the source"
    if snapshot.listing:
        return "Discovering and reading"
    left = sum(book["discovered"] - ended(book) for book in snapshot.types.values())
    if snapshot.second_wave and snapshot.second_wave >= left:
        return "Writing references"
    if snapshot.at_source and not snapshot.in_flight:
        return "Waiting for the source"
    return "Reading" if snapshot.in_flight else "Writing" if left else "Ending"
