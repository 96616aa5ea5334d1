"""Break things on purpose: what may go wrong between a client and a catalogue."""

import random
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

Names = str | Callable[[str], bool] | None  # a regular expression, or a predicate


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """What goes wrong, how often; a rate is of requests, a count is of the next ones."""

    fail_rate: Mapping[int, float] = field(default_factory=dict)
    """Status -> share of the requests answered with it; 429 and 5xx carry Retry-After."""
    status_for_next: Sequence[tuple[int, int]] = ()
    """(status, how many of the next requests get it), used up in order."""
    retry_after: float | None = 0
    """Seconds in Retry-After; None leaves the header out."""
    torn_rate: float = 0
    """Share of the writes that are stored, their answer cut in the middle."""
    torn_next: int = 0
    down_until: float = 0
    """Until this time.time() a connection is accepted and closed."""
    down_next: int = 0
    """How many of the next requests are not read: the connection closes."""
    refuse: Names = None
    """Rows whose name matches fail with 400."""
    poison_batch: Names = None
    """A bulk of several rows with such a name in it is refused as a whole with 400."""
    hang: str = ""
    """Requests whose path matches this regular expression are never answered."""
    html: bool = False
    """Every answer is a page, as from a proxy's login form."""
    delay_ms: float = 0
    per_entity_ms: float = 0
    only: str = ""
    """Restricts fail_rate, status_for_next, torn_* and down_next to matching `METHOD path`."""
    seed: int = 1

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Faults":
        """Faults as they arrive over HTTP or from a command line."""
        known = {one.name for one in fields(cls)}
        if strange := sorted(set(document) - known):
            raise ValueError(
                f"unknown faults {', '.join(strange)}; known: {', '.join(sorted(known))}"
            )
        faults = cls(**document)
        rates = {int(status): float(rate) for status, rate in faults.fail_rate.items()}
        planned = [(int(status), int(count)) for status, count in faults.status_for_next]
        return replace(faults, fail_rate=rates, status_for_next=planned)


class Mischief:
    """Faults at work: the dice and what is left of the counts."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self.refuses = _matcher(faults.refuse)
        self.poisons = _matcher(faults.poison_batch)
        self._dice = random.Random(faults.seed)  # noqa: S311
        self._lock = threading.Lock()
        self._only = re.compile(faults.only)
        self._hang = re.compile(faults.hang) if faults.hang else None
        self._planned = [list(pair) for pair in faults.status_for_next]
        self._torn_next, self._down_next = faults.torn_next, faults.down_next

    @property
    def quiet(self) -> bool:
        """Whether the counted and the random faults are all switched off: most of the time."""
        faults = self.faults
        return not (faults.fail_rate or self._planned or self._torn_next or faults.torn_rate)

    def is_down(self, label: str = "") -> bool:
        """Whether the connection closes unread; without a label, at its very beginning."""
        if self.faults.down_until > time.time():
            return True
        with self._lock:
            if not (label and self._down_next and self._only.search(label)):
                return False
            self._down_next -= 1
            return True

    def hangs(self, path: str) -> bool:
        """Whether the request is never answered."""
        return self._hang is not None and self._hang.search(path) is not None

    def status(self, label: str) -> int:
        """The status to answer with in place of the work; 0: do the work."""
        if self.quiet or not self._only.search(label):
            return 0
        with self._lock:
            return self._next_planned() or self._next_random()

    def tears(self, label: str) -> bool:
        """Whether the answer to this write is cut."""
        if self.quiet or not self._only.search(label):
            return False
        with self._lock:
            if self._torn_next:
                self._torn_next -= 1
                return True
            return bool(self.faults.torn_rate) and self._dice.random() < self.faults.torn_rate

    def delay(self, rows: int) -> float:
        """Seconds an answer about so many rows takes."""
        return (self.faults.delay_ms + self.faults.per_entity_ms * rows) / 1000

    def _next_planned(self) -> int:
        while self._planned and not self._planned[0][1]:
            self._planned.pop(0)
        if not self._planned:
            return 0
        self._planned[0][1] -= 1
        return self._planned[0][0]

    def _next_random(self) -> int:
        if not self.faults.fail_rate:
            return 0
        roll = self._dice.random()
        for status, rate in self.faults.fail_rate.items():
            if (roll := roll - rate) < 0:
                return status
        return 0


def _matcher(names: Names) -> Callable[[str], bool] | None:
    if not isinstance(names, str):
        return names
    pattern = re.compile(names)
    return lambda name: pattern.search(name) is not None
