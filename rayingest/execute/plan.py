"""What a run is made of, as the scheduler needs to know it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from rayingest.core.source import Batching, Described, EntityDescriptor
from rayingest.execute.replay import Replay
from rayingest.model import EntityType


@dataclass(frozen=True)
class RetryPolicy:
    """How descriptors are tried again: attempts in all, delays 1 s, 1 s x factor, … up to `backoff` s."""

    max_attempts: int = 3
    backoff: float = 30.0
    factor: float = 2.0

    def delay(self, attempt: int, wait: float | None) -> float:
        """Seconds before the attempt after number `attempt`; a source that says how long is believed."""
        own = min(self.backoff, self.factor ** (attempt - 1))
        return max(own, wait or 0.0)


@dataclass(frozen=True)
class Plan:
    """What a run is made of, as the scheduler needs to know it.

    `dependencies`: child type -> parent type, the parent's id is the child's scope; all others wait
    for `root`. `listed_by`: types whose listing starts from another type's. `replaceable`: a worker
    with an abandoned thread is drained and replaced; else it goes on with one slot less. `linger` is
    in seconds, `backlog` in descriptors; for `job_timeout` seconds the source may work on one by itself.
    `keeps` and `limit` hold for types that are no parents; `given` descriptors are processed without
    discovery. `before` is what earlier attempts recorded.
    """

    types: tuple[EntityType, ...]
    dependencies: Mapping[EntityType, EntityType] = field(default_factory=dict)
    listed_by: Mapping[EntityType, EntityType] = field(default_factory=dict)
    batching: Mapping[EntityType, Batching] = field(default_factory=dict)
    root: Described | None = None
    parallelism: int = 1
    listings_at_once: int = 4
    replaceable: bool = False
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    linger: float = 0.25
    backlog: int = 20_000
    seed: int = 0
    keeps: Callable[[EntityDescriptor], bool] | None = None
    limit: int | None = None
    given: tuple[EntityDescriptor, ...] = ()
    before: Replay | None = None
    job_timeout: float = 3600.0
