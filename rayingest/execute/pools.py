"""Descriptors that are ready to be processed, cut into chunks of a size that suits the source."""

import math
import random
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, field

from rayingest.core.source import Batching, EntityDescriptor
from rayingest.model import EntityType

AIM = (0.5, 2.0)  # seconds of work in one chunk
START = 200


@dataclass
class Sizer:
    """How many descriptors of one type a chunk should hold: 0.5-2 s of measured work."""

    batching: Batching
    size: int = 0
    most: int = 0

    def __post_init__(self) -> None:
        self.size = self.size or max(self.batching.min, min(START, self.batching.max))
        self.most = self.batching.max

    def measured(self, count: int, seconds: float) -> None:
        """Learn from a chunk: a full one that was too quick or too slow changes the size."""
        if seconds > AIM[1] and count > 1:
            fitting = int(count * AIM[1] / seconds)
            self.size = max(self.batching.min, 1, min(self.size, fitting))
        elif seconds < AIM[0] and count >= self.size:
            self.size = min(self.most, self.size * 2)

    def shrink(self) -> None:
        """A worker had too little memory: half as much from now on, and never more again."""
        self.size = self.most = max(1, self.size // 2)

    def cut(self, ready: int, slots: int) -> int:
        """Size of the next chunk when `ready` descriptors are left for `slots`: smaller at the tail."""
        share = math.ceil(ready / max(1, slots))
        return max(1, min(self.size, max(self.batching.min, share), ready))


@dataclass
class Pool:
    """Ready descriptors of one type and one batch value, in runs of one scope each."""

    type: EntityType
    batch: str
    priority: int = 0
    runs: dict[str, deque[EntityDescriptor]] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    count: int = 0
    since: float = 0.0

    def add(self, descriptors: list[EntityDescriptor], now: float) -> None:
        """Put descriptors in; `now` starts the linger when the pool was empty."""
        if not self.count:
            self.since = now
        scope: str | None = None
        run: deque[EntityDescriptor] = deque()
        for descriptor in descriptors:
            if scope is None or descriptor.scope != scope:
                scope = descriptor.scope
                if scope not in self.runs:
                    self.runs[scope] = deque()
                    self.order.append(scope)
                run = self.runs[scope]
            run.append(descriptor)
        self.count += len(descriptors)

    def take(self, count: int, chance: random.Random) -> list[EntityDescriptor]:
        """Take `count`: whole runs of scopes in a seeded order, so that chunks interleave scopes."""
        taken: list[EntityDescriptor] = []
        while len(taken) < count and self.order:
            at = chance.randrange(len(self.order)) if len(self.order) > 1 else 0
            scope = self.order[at]
            run = self.runs[scope]
            while run and len(taken) < count:
                taken.append(run.popleft())
            if not run:
                self.order[at] = self.order[-1]
                self.order.pop()
                del self.runs[scope]
        self.count -= len(taken)
        return taken


class Ready:
    """All pools, parents' types first, higher priorities first."""

    def __init__(
        self,
        types: list[EntityType],
        batching: dict[EntityType, Batching],
        seed: int,
        linger: float,
        urgent: Collection[EntityType] = (),
    ) -> None:
        self._rank = {each: at for at, each in enumerate(types)}
        self._batching = batching
        self._sizers: dict[EntityType, Sizer] = {}
        self._pools: dict[tuple[int, int, str], Pool] = {}
        self._chance = random.Random(seed)  # noqa: S311 - an order, not a secret
        self._linger = linger
        self._urgent = urgent
        self.count = 0

    def sizer(self, entity_type: EntityType) -> Sizer:
        """The sizer of a type."""
        found = self._sizers.get(entity_type)
        if found is None:
            bounds = self._batching.get(entity_type, Batching(1, 5))
            found = self._sizers[entity_type] = Sizer(bounds)
        return found

    def add(self, descriptors: list[EntityDescriptor], now: float) -> None:
        """Sort descriptors into their pools."""
        groups: dict[tuple[int, int, str], list[EntityDescriptor]] = {}
        last: EntityDescriptor | None = None
        group: list[EntityDescriptor] = []
        for each in descriptors:
            alike = last is not None and last.type is each.type and last.batch == each.batch
            if last is None or not alike or last.priority != each.priority:
                rank = self._rank.setdefault(each.type, len(self._rank))
                group = groups.setdefault((-each.priority, rank, each.batch), [])
                last = each
            group.append(each)
        for key, group in groups.items():
            pool = self._pools.get(key)
            if pool is None:
                pool = self._pools[key] = Pool(group[0].type, group[0].batch, group[0].priority)
            pool.add(group, now)
        self.count += len(descriptors)

    def take(
        self, slots: int, now: float, *, growing: bool, prefer: set[str]
    ) -> list[EntityDescriptor]:
        """The next chunk, or nothing yet.

        While listings run (`growing`), a pool with less than its type's `min` waits up to the linger
        for more, so that a set-based source isn't asked table by table; but not an `urgent` type, for
        which others wait. `prefer` names batch values that the worker has a session for.
        """
        for key in sorted(
            self._pools, key=lambda key: (key[0], key[1], key[2] not in prefer, key[2])
        ):
            pool = self._pools[key]
            sizer = self.sizer(pool.type)
            few = growing and pool.count < sizer.batching.min and pool.type not in self._urgent
            if few and now - pool.since < self._linger:
                continue
            chunk = pool.take(sizer.cut(pool.count, slots), self._chance)
            self.count -= len(chunk)
            if not pool.count:
                del self._pools[key]
            return chunk
        return []
