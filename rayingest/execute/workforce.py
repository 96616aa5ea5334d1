"""Workers and what they hold, as the scheduler knows them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from rayingest.core.source import EntityDescriptor
from rayingest.execute.events import Chunk
from rayingest.model import EntityType


@dataclass
class WorkerState:
    """What the scheduler knows of one worker."""

    slots: int
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


@dataclass
class Sent:
    """A dispatch under way; `left` are the ids that have no result yet."""

    worker: int
    chunk: Chunk
    left: dict[str, EntityDescriptor]
    read: bool = False
    emitted: dict[str, int] = field(default_factory=dict)
    born: list[tuple[EntityType, str]] = field(default_factory=list)


def least_loaded(workers: Mapping[int, WorkerState]) -> int | None:
    """The worker with the most room, if any has some."""
    free = [
        (len(each.running) / each.slots, len(each.unsettled), number)
        for number, each in workers.items()
        if not each.reserved and not each.draining and len(each.running) < each.slots
    ]
    return min(free)[2] if free else None
