"""Workers and what they hold, as the scheduler knows them."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from rayingest.core.source import EntityDescriptor
from rayingest.execute.events import Chunk
from rayingest.model import EntityType


@dataclass
class WorkerState:
    """What the scheduler knows of one worker."""

    slots: int
    apart: bool = False
    running: set[int] = field(default_factory=set)
    unsettled: set[int] = field(default_factory=set)
    reserved: bool = False
    draining: bool = False
    full: bool = False
    batches: set[str] = field(default_factory=set)

    @property
    def idle(self) -> bool:
        """Whether nothing at all is with this worker."""
        return not self.running and not self.unsettled

    @property
    def held(self) -> int:
        """How many dispatches are with this worker."""
        return len(self.running) + len(self.unsettled)

    def settled(self, dispatch: int) -> None:
        """A dispatch came to its end."""
        self.unsettled.discard(dispatch)
        self.running.discard(dispatch)


@dataclass
class Sent:
    """A dispatch under way; `left` are the ids that have no result yet."""

    worker: int
    chunk: Chunk
    left: dict[str, EntityDescriptor]
    read: bool = False
    emitted: dict[str, int] = field(default_factory=dict)
    born: list[tuple[EntityType, str]] = field(default_factory=list)


class Workforce:
    """All workers by number. `replaceable`: one that is worn out drains, and another takes its place.

    `apart`: there are, or will be, workers for suspects alone, and no other is set aside for them.
    """

    def __init__(self, *, replaceable: bool, apart: bool = False) -> None:
        self._workers: dict[int, WorkerState] = {}
        self._replaceable = replaceable
        self._apart = apart

    def __getitem__(self, number: int) -> WorkerState:
        """Raises KeyError when it is not there."""
        return self._workers[number]

    def get(self, number: int) -> WorkerState | None:
        """One worker, if it is still there."""
        return self._workers.get(number)

    def join(self, number: int, slots: int, *, apart: bool = False) -> None:
        """A worker is ready."""
        self._workers[number] = WorkerState(slots, apart=apart, reserved=apart)

    def leave(self, number: int) -> WorkerState | None:
        """A worker is gone; answers what it held."""
        return self._workers.pop(number, None)

    @property
    def slots(self) -> int:
        """Dispatches that all workers together can run at once, but for suspects."""
        return sum(each.slots for each in self._workers.values() if not each.apart)

    def least_loaded(self) -> int | None:
        """The worker with the most room, if any has some."""
        free = [
            (len(each.running) / each.slots, len(each.unsettled), number)
            for number, each in self._workers.items()
            if not each.reserved and not each.draining and len(each.running) < each.slots
        ]
        return min(free)[2] if free else None

    # --- wear ---

    def lose_slot(self, worker: WorkerState) -> None:
        """A thread of it was given up."""
        worker.slots = max(1, worker.slots - 1)
        worker.draining = worker.draining or self._replaceable

    def fill(self, worker: WorkerState) -> bool:
        """It holds too much memory; answers whether that is news: it is not full of what it reads now."""
        news, worker.full = not worker.full, True
        worker.draining = worker.draining or self._replaceable
        return news

    def drained(self) -> list[int]:
        """Let go of those who drain and hold nothing any more."""
        gone = [number for number, each in self._workers.items() if each.draining and each.idle]
        for number in gone:
            del self._workers[number]
        return gone

    # --- workers for suspects ---

    def reserve(self, suspects: int) -> None:
        """Set workers aside for so many chunks that one may die of: half of all at most."""
        if self._apart:
            return
        everyone = self._workers.values()
        reserved = [each for each in everyone if each.reserved and not each.draining]
        if not suspects:
            for each in reserved:
                each.reserved = not each.idle
            return
        wanted = min(suspects, max(1, len(everyone) // 2))
        free = [each for each in everyone if not each.reserved and not each.draining]
        for each in sorted(free, key=lambda each: each.held)[: max(0, wanted - len(reserved))]:
            each.reserved = True

    def apart(self) -> Iterator[tuple[int, WorkerState]]:
        """Those that are set aside and hold nothing."""
        for number, each in self._workers.items():
            if each.reserved and each.idle and not each.draining:
                yield number, each
