"""What a run would find and do, without describing or writing anything.

A survey is a run whose chunks end as soon as they are handed out, over a state that keeps nothing:
listings, filters, the comparison with what is known, and the rules of deletion are those of a run.
"""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from rayingest.core.sink import SinkSession
from rayingest.core.source import EntityDescriptor
from rayingest.errors import RayingestError
from rayingest.execute.deletion import Deleted, grouped
from rayingest.execute.drive import Drive
from rayingest.execute.encoding import Encoder
from rayingest.execute.events import Chunk, Event, KnownOf, ListingEnded, Read, Result, WorkerReady
from rayingest.execute.knowing import Knowing
from rayingest.execute.local import LocalEngine
from rayingest.execute.report import Report
from rayingest.execute.start import Options, drive
from rayingest.model import EntityType
from rayingest.state.deletions import Decision
from rayingest.state.shard import Scope
from rayingest.workflows.stage import Stage, WorkerTask

AT_HAND = 500  # descriptors of a type and batch that are kept to sample from


@dataclass
class Tally:
    """Descriptors of one type. `create`: the sink has none; `rewrite`: it is there and written in any
    case; `update` and `unchanged` are known for sure, for a listing described them; `open`: it is
    there, and only describing it tells whether it has changed. `told`: described by a listing.
    """

    create: int = 0
    rewrite: int = 0
    update: int = 0
    unchanged: int = 0
    open: int = 0
    told: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.create + self.rewrite + self.update + self.unchanged + self.open


@dataclass
class Sampled:
    """A descriptor that may be sampled, and what the sink has of it."""

    descriptor: EntityDescriptor
    known: KnownOf | None
    open: bool


class Reservoir:
    """A random few of many, every one with the same chance (Vitter's algorithm R)."""

    def __init__(self, size: int, chance: random.Random) -> None:
        self._size, self._chance = size, chance
        self.seen = 0
        self.kept: list[Sampled] = []

    def add(self, one: Sampled) -> None:
        """Offer one."""
        self.seen += 1
        if len(self.kept) < self._size:
            self.kept.append(one)
        elif (at := self._chance.randrange(self.seen)) < self._size:
            self.kept[at] = one


@dataclass
class Survey:
    """What was found. Seconds; `calls` of listings; `first` is when the first was ready to be described."""

    report: Report
    types: dict[EntityType, Tally]
    created: list[tuple[EntityType, str]]
    pools: dict[tuple[EntityType, str], Reservoir]
    deleted: list[tuple[str, str]]
    below: Counter[str]
    calls: int
    first: float
    warnings: list[str] = field(default_factory=list)


class SurveyEngine(LocalEngine):
    """Lists like the local engine; what it is given to describe, `look` sees, and that is all."""

    def __init__(self, task: WorkerTask, look: Callable[[Chunk], None]) -> None:
        super().__init__(task)
        self.calls = 0
        self.first: float | None = None
        self._look = look
        self._began = time.monotonic()

    def start(self) -> None:
        """See Engine."""
        self.put(WorkerReady(1, self.task.slots))

    def dispatch(self, dispatch: int, worker: int, chunk: Chunk) -> None:
        """See Engine."""
        if chunk.kind == "process" and self.first is None:
            self.first = time.monotonic() - self._began
        self._look(chunk)
        children = [child for each in chunk.described for child in each.children]
        ends = [Result(each.id, "unchanged") for each in chunk.items]
        self.put(Read(dispatch, worker, ends, children, 0.0, 0))

    def wait(self, timeout: float) -> list[Event]:
        """See Engine."""
        events = super().wait(timeout)
        self.calls += sum(each.calls for each in events if isinstance(each, ListingEnded))
        return events


class Surveyor:
    """Sorts what a survey finds by what a run would do with it."""

    def __init__(self, *, compare: bool, seed: int = 0) -> None:
        self.types: dict[EntityType, Tally] = {}
        self.created: list[tuple[EntityType, str]] = []
        self.pools: dict[tuple[EntityType, str], Reservoir] = {}
        self.deleted: list[tuple[str, str]] = []
        self.below: Counter[str] = Counter()
        self.warnings: list[str] = []
        self._compare = compare
        self._chance = random.Random(seed)  # noqa: S311 - a sample, not a secret
        self._there: dict[Scope, set[str]] = {}
        self._readable = True
        self._new: set[str] = set()  # nothing can be there below these
        self._drive: Drive | None = None
        self._closed = threading.Event()
        self._closed.set()  # a sink that is down is not waited for

    def bind(self, drive: Drive) -> None:
        """Say in which run we are: what is known, and the sink, are there once it has begun."""
        self._drive = drive

    @property
    def _knowing(self) -> Knowing | None:
        return self._drive.knowing if self._drive is not None else None

    @property
    def _session(self) -> SinkSession | None:
        return self._drive.session if self._drive is not None else None

    def look(self, chunk: Chunk) -> None:
        """Sort a chunk."""
        if chunk.kind == "write":
            self._told(chunk)
        else:
            self._listed(chunk)

    def decided(self, knowing: Knowing, session: SinkSession, *, whole: bool) -> Deleted:
        """What would be deleted, instead of deleting it. Raises StateError."""
        decision = knowing.decide(whole=whole)
        self._note(decision, knowing)
        return Deleted([each.candidate for each in decision.delete], withheld=grouped(decision))

    def _note(self, decision: Decision, knowing: Knowing) -> None:
        heads = knowing.state.heads()
        for each in decision.delete:
            self.deleted.append(each.candidate.key)
        for scope in {scope for each in decision.delete for scope in each.below}:
            if scope in heads:
                self.below.update(heads[scope].counts)

    def _told(self, chunk: Chunk) -> None:
        """What a listing described can be compared now: it costs no call."""
        session = self._session
        encoder = Encoder(session, lambda _why: None, self._closed) if session else None
        tally = self.types.setdefault(chunk.type, Tally())
        for each in chunk.described:
            tally.told += 1
            rows = encoder.encode(each, chunk.known)[0] if encoder is not None else []
            if not self._is_there(chunk.type, each.descriptor):
                self._create(tally, each.descriptor)
            elif not rows:
                tally.unchanged += 1
            else:
                tally.update += 1

    def _listed(self, chunk: Chunk) -> None:
        tally = self.types.setdefault(chunk.type, Tally())
        for each in chunk.items:
            comparable = self._comparable(chunk, each)
            if comparable:
                tally.open += 1
            elif self._is_there(chunk.type, each):
                tally.rewrite += 1
            else:
                self._create(tally, each)
            key = chunk.type, each.batch
            pool = self.pools.get(key)
            if pool is None:
                pool = self.pools[key] = Reservoir(AT_HAND, self._chance)
            pool.add(Sampled(each, chunk.known, comparable))

    def _create(self, tally: Tally, item: EntityDescriptor) -> None:
        tally.create += 1
        self.created.append((item.type, item.id))
        self._new.add(item.id)

    def _comparable(self, chunk: Chunk, item: EntityDescriptor) -> bool:
        """Whether a run leaves it out if it is as it was."""
        knowing = self._knowing
        if knowing is None or not self._compare:
            return False
        shard, believed = knowing.shard((chunk.type, item.scope))
        return bool(
            shard is not None and believed and shard.hashes([item.id], knowing.memory.context)
        )

    def _is_there(self, kind: EntityType, item: EntityDescriptor) -> bool:
        """Whether the sink has it: the state says so, or, where that knows nothing, the sink."""
        scope = kind, item.scope
        if scope not in self._there:
            knowing = self._knowing
            shard = knowing.shard(scope)[0] if knowing is not None else None
            if shard is not None:
                self._there[scope] = {*shard.present, *(each.id for each in shard.missing)}
            else:
                self._there[scope] = set() if item.scope in self._new else self._list(scope, item)
        return item.id in self._there[scope]

    def _list(self, scope: Scope, item: EntityDescriptor) -> set[str]:
        """What the sink has in a scope; of services, which lie in none, just this one."""
        session = self._session
        catalogue = session.catalogue if session is not None else None
        if catalogue is None or not self._readable:
            return set()
        kind, name = scope
        try:
            if not name:
                return set(catalogue.get(kind, [item.id]))
            return {str(each.get("fullyQualifiedName")) for each in catalogue.list(kind, name)}
        except RayingestError as error:
            self._readable = False
            self.warnings.append(
                f"What the sink has could not be read, so what nobody knows of counts as new: {error}"
            )
            return set()


def survey(
    stage: Stage, options: Options, *, log: Callable[[str, str], None] | None = None
) -> Survey:
    """Find out what a run with these options would do; `options.memory` must be over an `Overlay`.

    Raises ConfigError; whatever goes wrong later is in the report.
    """
    memory = options.memory
    surveyor = Surveyor(compare=memory is not None and memory.compare, seed=options.seed)
    engines: list[SurveyEngine] = []

    def engine(task: WorkerTask) -> SurveyEngine:
        engines.append(SurveyEngine(task, surveyor.look))
        return engines[0]

    here = replace(options, engine="local", dry_run=True)
    driver = drive(stage, here, None, engine_of=engine, deleting=surveyor.decided, log=log)
    surveyor.bind(driver)
    report = driver.run()
    return Survey(
        report,
        surveyor.types,
        surveyor.created,
        surveyor.pools,
        surveyor.deleted,
        surveyor.below,
        engines[0].calls,
        engines[0].first or report.seconds.total,
        surveyor.warnings,
    )
