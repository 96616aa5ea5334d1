"""Describe a few entities to measure what describing costs; the sink validates and writes nothing."""

import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rayingest.core.source import Batching
from rayingest.errors import RayingestError, TimedOut
from rayingest.execute.engine import Engine
from rayingest.execute.events import (
    Chunk,
    Event,
    KnownOf,
    Read,
    Result,
    Settled,
    SinkState,
    WorkerReady,
)
from rayingest.execute.survey import Reservoir, Sampled
from rayingest.model import EntityType

SINGLES = 5  # types whose chunks hold no more are measured one by one
AT_ONCE = 8  # and so many at the same time
MORE = 8  # times as many of what is described many at a time: it costs the source hardly more
PARTS = (1, 2, 4)  # sizes of the chunks that show what a chunk costs, and what an entity
SINGLE = Batching(1, SINGLES)  # of types whose bounds a connector does not name
READY = 60.0  # seconds for the first session
BAD = ("failed", "quarantined", "retry", "hung")


@dataclass(frozen=True, slots=True)
class Measured:
    """One chunk: descriptors, seconds and calls at the source, CPU seconds of this process, rows.

    `opened` are descriptors that the sink has in a known state, `changed` those of them that are to
    be written; `deferred` rows are written twice. `cpu` is None where others ran beside it.
    """

    type: EntityType
    count: int
    seconds: float
    calls: int
    rows: int
    deferred: int
    opened: int
    changed: int
    failed: int
    cpu: float | None


@dataclass(frozen=True, slots=True)
class Sample:
    """All that was measured; `cpu` seconds per descriptor by type; `first`: seconds of one that opened a session.

    Of types that the source works on by itself (`jobs`) one is asked for, and not waited for. `limits`:
    which share of the calls each of them held for.
    """

    measured: list[Measured]
    cpu: Mapping[EntityType, float]
    first: float
    failures: list[str]
    children: bool = False
    jobs: frozenset[EntityType] = frozenset()
    limits: Mapping[str, float] = field(default_factory=dict)


class Sampler:
    """Puts sampled descriptors through an engine's worker."""

    def __init__(self, engine: Engine, *, settles: bool, timeout: float, seed: int = 0) -> None:
        self._engine, self._settles, self._timeout = engine, settles, timeout
        self._chance = random.Random(seed)  # noqa: S311 - a sample, not a secret
        self._number = 0
        self._failures: list[str] = []
        self._open: dict[int, Answers] = {}
        self._children = False
        self._jobs: set[EntityType] = set()
        self._calls = 0

    def run(
        self,
        pools: Mapping[tuple[EntityType, str], Reservoir],
        batching: Mapping[EntityType, Batching],
        size: int,
    ) -> Sample:
        """Describe up to `size` descriptors, the types as often as they are. Raises RayingestError."""
        self._engine.start()
        self._await_worker()
        measured: list[Measured] = []
        cpu: dict[EntityType, float] = {}
        first = 0.0
        for kind, chosen in shares(pools, batching, size, self._chance).items():
            bounds = batching.get(kind, SINGLE)
            chunks = cut(chosen, bounds)
            warm = self._one(kind, chunks[0][:1])
            first = first or warm.seconds
            if kind in self._jobs:
                measured.append(warm)
                cpu[kind] = warm.cpu or 0.0
                continue
            if batched(bounds):
                before = time.process_time()
                found = [self._one(kind, each) for each in chunks]
            else:
                self._beside(kind, chunks[:AT_ONCE])  # every thread opens a session of its own
                before = time.process_time()
                found = self._beside(kind, chunks)
            measured += found
            done = sum(each.count for each in found)
            cpu[kind] = (time.process_time() - before) / max(1, done)
        return Sample(
            measured,
            cpu,
            first,
            self._failures,
            children=self._children,
            jobs=frozenset(self._jobs),
            limits=self._shares(),
        )

    def _shares(self) -> dict[str, float]:
        """Which part of the calls each limit held for."""
        if not self._calls:
            return {}
        self._engine.stats()  # by which the worker tells what it has counted
        return {each.name: min(1.0, each.calls / self._calls) for each in self._engine.limits()}

    def _await_worker(self) -> None:
        deadline = time.monotonic() + READY
        while time.monotonic() < deadline:
            if any(isinstance(each, WorkerReady) for each in self._engine.wait(0.5)):
                return
        raise TimedOut(f"the worker of the sample was not ready in {READY:.0f} s")

    def _one(self, kind: EntityType, chosen: list[Sampled]) -> Measured:
        before = time.process_time()
        self._send(kind, chosen)
        (found,) = self._ended().values()
        return _measured(kind, chosen, found, time.process_time() - before)

    def _beside(self, kind: EntityType, chunks: list[list[Sampled]]) -> list[Measured]:
        """Singles, a few at the same time."""
        todo, done = list(chunks), []
        while todo or self._open:
            while todo and len(self._open) < AT_ONCE:
                self._send(kind, todo.pop())
            done += [_measured(kind, each.chosen, each, None) for each in self._ended().values()]
        return done

    def _send(self, kind: EntityType, chosen: list[Sampled]) -> None:
        self._number += 1
        items = [each.descriptor for each in chosen]
        chunk = Chunk("process", kind, items[0].batch, items, known=merged(chosen))
        self._open[self._number] = Answers(chosen)
        self._engine.dispatch(self._number, 1, chunk)

    def _ended(self) -> dict[int, "Answers"]:
        """Dispatches that have ended: at least one. Raises TimedOut."""
        deadline = time.monotonic() + 2 * self._timeout + READY
        while time.monotonic() < deadline:
            for event in self._engine.wait(0.5):
                self._hear(event)
            ended = {
                number: each
                for number, each in self._open.items()
                if each.complete(settles=self._settles)
            }
            if ended:
                for number in ended:
                    del self._open[number]
                return ended
        raise TimedOut("the sample was not described in time")

    def _hear(self, event: Event) -> None:
        if isinstance(event, SinkState) and event.why is not None:
            raise RayingestError(event.why.message, hint=event.why.hint)
        if isinstance(event, Read | Settled) and event.dispatch in self._open:
            results = event.ended if isinstance(event, Read) else event.results
            for each in results:
                if each.status in BAD and each.why is not None and len(self._failures) < 5:
                    self._failures.append(f"{each.id}: {each.why.message}")
            if isinstance(event, Read):
                self._calls += event.calls
                self._children = self._children or bool(event.children)
                self._jobs.update(each.descriptor.type for each in event.pending)
            self._open[event.dispatch].hear(event)


@dataclass
class Answers:
    """The events of one dispatch."""

    chosen: list[Sampled]
    read: Read | None = None
    settled: Settled | None = None

    def hear(self, event: Read | Settled) -> None:
        """Take one."""
        if isinstance(event, Read):
            self.read = event
        else:
            self.settled = event

    def complete(self, *, settles: bool) -> bool:
        """Whether nothing more is to come."""
        if self.read is None:
            return False
        told = len(self.read.ended) + len(self.read.pending)
        return self.settled is not None or not settles or told == len(self.chosen)


def _measured(
    kind: EntityType, chosen: Sequence[Sampled], found: Answers, cpu: float | None
) -> Measured:
    read = found.read
    assert read is not None  # noqa: S101 - complete() has looked
    results: dict[str, Result] = {each.id: each for each in read.ended}
    rows, changed, deferred = 0, set[str](), 0
    for each in read.rows:
        rows += len(each.rows)
        changed.update({each.id} if each.rows else ())
    if found.settled is not None:
        results |= {each.id: each for each in found.settled.results}
        for late in found.settled.deferred:
            deferred += len(late.rows)
            changed.add(late.id)
    for result in results.values():
        written = [each for each in result.written if each.outcome == "acknowledged"]
        rows += len(written)
        changed.update({result.id} if written else ())
    opened = {each.descriptor.id for each in chosen if each.open}
    return Measured(
        kind,
        len(chosen),
        max(0.0, read.seconds - read.waited - read.held_back),
        read.calls,
        rows + deferred,
        deferred,
        len(opened),
        len(opened & changed),
        sum(each.status in BAD for each in results.values()),
        cpu,
    )


def merged(chosen: Sequence[Sampled]) -> KnownOf | None:
    """What the sink has of all of them together."""
    hashes: dict[str, dict[str, str]] = {}
    for each in {id(one.known): one.known for one in chosen if one.known is not None}.values():
        for kind, found in each.hashes.items():
            hashes.setdefault(kind, {}).update(found)
    return KnownOf(hashes) if hashes else None


def batched(bounds: Batching) -> bool:
    """Whether one call describes many: then a chunk is measured, not an entity."""
    return bounds.max > SINGLES


def shares(
    pools: Mapping[tuple[EntityType, str], Reservoir],
    batching: Mapping[EntityType, Batching],
    size: int,
    chance: random.Random,
) -> dict[EntityType, list[Sampled]]:
    """A sample: of every type some, in proportion to its number, and a few at least if there are.

    A chunk of a few says little of one of hundreds: of what is described many at a time there are more.
    """
    numbers: dict[EntityType, int] = {}
    for (kind, _), pool in pools.items():
        numbers[kind] = numbers.get(kind, 0) + pool.seen
    total = sum(numbers.values())
    chosen: dict[EntityType, list[Sampled]] = {}
    for kind, number in numbers.items():
        least, times = (sum(PARTS), MORE) if batched(batching.get(kind, SINGLE)) else (3, 1)
        wanted = min(number, max(least, times * round(size * number / total)))
        of_kind = [pool for (each, _), pool in pools.items() if each is kind]
        # Few batches, for a session is opened for each; the big ones are likelier.
        order = sorted(of_kind, key=lambda pool: -pool.seen * chance.random())
        found: list[Sampled] = []
        for pool in order:
            kept = list(pool.kept)
            chance.shuffle(kept)
            found += kept[: wanted - len(found)]
            if len(found) >= wanted:
                break
        chosen[kind] = found
    return chosen


def cut(chosen: list[Sampled], bounds: Batching) -> list[list[Sampled]]:
    """Chunks of one batch each: singles for types that are asked for so, else of several sizes."""
    groups: dict[str, list[Sampled]] = {}
    for each in chosen:
        groups.setdefault(each.descriptor.batch, []).append(each)
    if not batched(bounds):
        return [[each] for group in groups.values() for each in group]
    chunks = []
    for group in groups.values():
        rest = list(group)
        for part in PARTS[:-1]:
            size = max(1, len(group) * part // sum(PARTS))
            if len(rest) > size:
                chunks.append([rest.pop() for _ in range(size)])
        chunks.append(rest)
    return chunks
