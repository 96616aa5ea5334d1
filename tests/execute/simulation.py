"""A world without threads or clocks of its own for the scheduler to run in, and what it must never do.

The world knows every entity's fate beforehand. It plays engine, source and sink in an order that a
seed decides, kills what can be killed, and after every step holds the scheduler to its promises.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import msgspec

from rayingest.core.sink import Row
from rayingest.core.source import (
    Batching,
    Described,
    EntityDescriptor,
    Listed,
    ScopeListed,
    ScopeOpened,
)
from rayingest.errors import Permanent, Retryable
from rayingest.execute.events import (
    Chunk,
    Deferred,
    Dispatch,
    Found,
    Later,
    Listing,
    ListingEnded,
    Read,
    ReplaceWorker,
    Result,
    ScopeSettled,
    Settled,
    SinkState,
    StartListing,
    Why,
    WorkerLost,
    WorkerReady,
    Written,
)
from rayingest.execute.plan import Plan, RetryPolicy
from rayingest.execute.replay import Replay
from rayingest.execute.scheduler import Scheduler
from rayingest.model import EntityType

SERVICE, DATABASE, SCHEMA = (
    EntityType.DATABASE_SERVICE,
    EntityType.DATABASE,
    EntityType.DATABASE_SCHEMA,
)
TABLE, PROCEDURE, CHART = EntityType.TABLE, EntityType.STORED_PROCEDURE, EntityType.CHART
ROOT = EntityDescriptor(SERVICE, "svc")
ATTEMPTS = 3
BUSY = Why("Retryable", "busy")
Key = tuple[EntityType, str]

# What becomes of an entity that nobody disturbs.
FATES = {
    "ok": "ok",
    "told": "ok",  # described by the listing itself
    "unchanged": "unchanged",
    "refused": "failed",
    "deferred": "ok",
    "bad": "failed",
    "gone": "skipped",
    "silent": "failed",  # the source never answers for it
    "flaky": "ok",
    "throttled": "ok",
    "busy": "failed",  # answers Retryable for ever
    "breaker": "failed",  # any question that holds it raises Retryable
    "hung": "failed",
    "poison": "quarantined",
    "job": "ok",  # the source works on it for a while
    "endless": "failed",  # the source works on it for ever
}
JOB = 5.0  # seconds that it may


@dataclass(frozen=True)
class Shape:
    """One world: what there is and what goes wrong. All of it is drawn by hypothesis."""

    seed: int
    schemas: tuple[tuple[str, ...], ...]  # per schema the fates of its tables
    bad_parents: frozenset[int] = frozenset()  # schemas that cannot be described
    unlisted_parents: frozenset[int] = frozenset()  # schemas that nobody lists, their tables are
    opened_scopes: bool = False  # tables have listings of their own
    listing_deaths: int = 0
    listing_errors: int = 0
    broken_listing: int = -1  # this schema's listing raises Permanent, always
    wrong_count: int = -1  # this schema's count disagrees
    born: int = 0  # children per table
    workers: int = 1
    slots: int = 1
    parallelism: int = 1
    replaceable: bool = True
    random_deaths: int = 0
    preemptions: int = 0
    sink_outages: int = 0
    backlog: int = 1000
    batches: int = 1
    stop_at: int = -1
    crashes: tuple[int, ...] = ()  # steps at which the driver dies and another goes on
    away: tuple[int, int] = (0, 0)  # steps in which nobody answers at the source's address
    apart: bool = False  # what was read then is read by a worker of its own from then on
    least: int = 1
    most: int = 5


@dataclass
class Running:
    """A dispatch as the worker of the world sees it."""

    id: int
    worker: int
    chunk: Chunk
    unsettled: list[Result] = field(default_factory=list)
    deferred: list[Deferred] = field(default_factory=list)
    left: list[EntityDescriptor] = field(default_factory=list)


@dataclass
class Place:
    """A worker of the world."""

    slots: int
    running: dict[int, Running] = field(default_factory=dict)
    unsettled: dict[int, Running] = field(default_factory=dict)
    zombies: int = 0
    sink_down: bool = False
    apart: bool = False


class World:
    """Everything around one scheduler."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.chance = random.Random(shape.seed)
        self.fates: dict[Key, str] = {(SERVICE, "svc"): "told", (DATABASE, "svc.db"): "ok"}
        self.wanted: dict[Key, EntityDescriptor] = {}
        self.children: dict[Key, list[EntityDescriptor]] = defaultdict(list)
        self.items: dict[tuple[EntityType, str | None], list[Listed]] = {}
        self._lay_out()
        self.now = 0.0
        self.places: dict[int, Place] = {}
        self.born_workers = 0
        self.to_start: list[int] = []
        self.apart: set[int] = set()  # workers for suspects alone
        self.under_way: set[Key] = set()  # what was read when a driver died
        self.listings: dict[Listing, list[Listed]] = {}
        self.old_listings: list[Listing] = []
        self.spent: list[Read | Settled] = []
        self.deaths = shape.random_deaths
        self.preemptions = shape.preemptions
        self.listing_deaths = shape.listing_deaths
        self.listing_errors = shape.listing_errors
        self.outages = shape.sink_outages
        self.tries: Counter[Key] = Counter()
        self.begun: set[Key] = set()  # jobs at the source that are recorded
        self.first_asked: dict[Key, float] = {}
        self.alone: Counter[Key] = Counter()
        self.ends: dict[Key, Result] = {}
        self.opened: set[Key] = set()
        self.settled: set[Key] = set()
        self.held: list[tuple[EntityType, Deferred]] = []
        self.deferrals: list[tuple[EntityType, Deferred]] = []
        self.records: list[tuple] = []
        self.partly: set[Key] = set()
        self.dispatched: set[int] = set()
        self.steps = 0
        self.scheduler = Scheduler(self._plan())
        for _ in range(shape.workers):
            self._new_worker()

    # --- the driver dies, and another goes on from what was recorded ---

    def _crash(self) -> None:
        """Only a beginning of what was recorded is durable, and a beginning of what was deferred."""
        self.records = self.records[: self.chance.randint(0, len(self.records))]
        self.deferrals = self.deferrals[: self.chance.randint(0, len(self.deferrals))]
        before = Replay(parent_types=frozenset((SERVICE, DATABASE, SCHEMA)))
        for record in self.records:
            before.take(msgspec.json.encode(record))
        for kind, each in self.deferrals:
            before.defer(1, kind, each.id)
        before.unfinished()
        assert before.wrong == []
        if self.shape.apart:
            self.under_way |= {
                (each.type, each.id)
                for place in self.places.values()
                for run in place.running.values()
                for each in run.chunk.items
                if run.chunk.kind == "process"
            }
            before.apart = frozenset(self.under_way)
        self.ends = {
            (kind, each.id): each
            for what, *rest in self.records
            if what == "ended"
            for kind, each in [rest]
        }
        self.opened = set(self.ends) | set(before.open)
        self.held = [each for each in self.deferrals if (each[0], each[1].id) in before.deferred]
        self.held = list({(kind, each.id): (kind, each) for kind, each in self.held}.values())
        self.partly = set(before.deferred)
        self.begun = {key for key, each in before.open.items() if each.metadata}
        self.alone.clear()
        self.settled.clear()
        self.dispatched.clear()
        self.places.clear()
        self.to_start.clear()
        self.listings.clear()
        self.old_listings.clear()
        self.spent.clear()
        self.scheduler = Scheduler(replace(self._plan(), before=before))
        for kind, _ in self.held:
            self.scheduler.ledger.emitted[kind.value] += 1
        for _ in range(self.shape.workers):
            self._new_worker()
        if self.under_way:
            self._new_worker(apart=True)
        self._tell(None)

    # --- what there is ---

    def _lay_out(self) -> None:
        shape = self.shape
        database = EntityDescriptor(DATABASE, "svc.db", "svc", "db")
        self.items[DATABASE, None] = [
            database,
            ScopeListed(DATABASE, "svc", 1),
            ScopeOpened(SCHEMA, "svc.db"),
        ]
        self._want(database, "ok")
        listed: list[Listed] = []
        for at, fates in enumerate(shape.schemas):
            name = f"svc.db.s{at}"
            parent = EntityDescriptor(SCHEMA, name, "svc.db", "db")
            if at not in shape.unlisted_parents:
                listed.append(parent)
                self._want(parent, "bad" if at in shape.bad_parents else "ok")
            tables = self._tables(at, name, fates)
            if shape.opened_scopes:
                listed.append(ScopeOpened(TABLE, name))
                self.items[TABLE, name] = tables
            else:
                listed += tables
        there = len(shape.schemas) - len(shape.unlisted_parents & set(range(len(shape.schemas))))
        self.items[SCHEMA, "svc.db"] = [*listed, ScopeListed(SCHEMA, "svc.db", there)]

    def _tables(self, at: int, scope: str, fates: tuple[str, ...]) -> list[Listed]:
        found: list[Listed] = []
        counts: Counter[EntityType] = Counter()
        for number, fate in enumerate(fates):
            kind = PROCEDURE if number % 4 == 3 else TABLE
            counts[kind] += 1
            batch = f"b{(at + number) % self.shape.batches}"
            item = EntityDescriptor(kind, f"{scope}.{fate}-{number}", scope, batch)
            self._want(item, fate)
            for each in range(self.shape.born if fate in ("ok", "told", "deferred") else 0):
                child = EntityDescriptor(CHART, f"{item.id}.c{each}", item.id, batch)
                self.children[item.type, item.id].append(child)
                self.fates[CHART, child.id] = ("ok", "flaky", "bad")[each % 3]
            found.append(
                Described(item, (), (), self.children[kind, item.id]) if fate == "told" else item
            )
        for kind in (TABLE, PROCEDURE):
            off = 1 if at == self.shape.wrong_count and kind is TABLE else 0
            found.append(ScopeListed(kind, scope, counts[kind] + off))
        return found

    def _want(self, item: EntityDescriptor, fate: str) -> None:
        self.fates[item.type, item.id] = fate
        self.wanted[item.type, item.id] = item

    def _plan(self) -> Plan:
        shape = self.shape
        listed_by = {SCHEMA: DATABASE, TABLE: SCHEMA, PROCEDURE: SCHEMA}
        return Plan(
            (DATABASE, SCHEMA, TABLE, PROCEDURE),
            {SCHEMA: DATABASE, TABLE: SCHEMA, PROCEDURE: SCHEMA},
            listed_by,
            {TABLE: Batching(shape.least, max(shape.least, shape.most))},
            Described(ROOT, ()),
            parallelism=shape.parallelism,
            listings_at_once=2,
            replaceable=shape.replaceable,
            retry=RetryPolicy(ATTEMPTS, backoff=4.0),
            linger=0.2,
            backlog=shape.backlog,
            seed=shape.seed,
            job_timeout=JOB,
        )

    # --- running it ---

    def run(self) -> "World":
        """To the end. Fails when the scheduler breaks a promise, or does not come to an end."""
        self._tell(None)
        limit = 3_000 + 400 * len(self.fates)
        while not self.scheduler.done:
            self.steps += 1
            assert self.steps < limit, f"no end after {limit} steps"
            if self.steps in self.shape.crashes:
                self._crash()
            if self.steps == self.shape.stop_at:
                self._perform()
                self.scheduler.stop("interrupted")
            self._second_wave()
            choices = self._choices()
            if choices and self.chance.random() < 0.9:
                self.chance.choice(choices)()
            else:
                self.now += self.chance.choice((0.05, 0.3, 1.0))
                self._tell(None)
        return self

    def _second_wave(self) -> None:
        scheduler = self.scheduler
        if scheduler.stopping is None and scheduler.first_wave_over and self.held:
            block, self.held = self.held[:2], self.held[2:]
            scheduler.second_wave([Chunk("deferred", kind, block=[each]) for kind, each in block])
            self._tell(None)

    def _choices(self) -> list:
        """Everything that could happen next."""
        can = [lambda number=number: self._start(number) for number in self.to_start]
        if not self.scheduler.crowded:
            can += [lambda listing=listing: self._list(listing) for listing in self.listings]
        for number, place in self.places.items():
            can += [lambda each=each: self._read(each) for each in place.running.values()]
            if place.sink_down:
                can.append(lambda number=number: self._sink(number, None))
                continue
            can += [lambda each=each: self._settle(each) for each in place.unsettled.values()]
            if self.outages and place.unsettled and self.chance.random() < 0.2:
                can.append(lambda number=number: self._sink(number, Why("SinkDown", "503")))
            if (self.deaths or self.preemptions) and self.chance.random() < 0.1:
                can.append(lambda number=number: self._die_at_random(number))
        if self.chance.random() < 0.1:
            can.append(self._tell_old_news)
        return can

    def _tell(self, event: object) -> None:
        """Give the scheduler an event, look at what it wants, and check every promise."""
        self.scheduler.handle(event, self.now)
        self._look_at_ends()
        if event is not None and self.chance.random() < 0.3:
            return  # several events came at once
        self._perform()

    def _perform(self) -> None:
        actions, self.scheduler.actions = self.scheduler.actions, []
        for action in actions:
            if self.scheduler.stopping is not None:
                assert isinstance(action, ReplaceWorker), "nothing begins after a stop"
            match action:
                case StartListing():
                    self._begin_listing(action.listing)
                case Dispatch():
                    self._dispatch(action)
                case ReplaceWorker():
                    self.places.pop(action.worker, None)
                    self._new_worker(apart=action.worker in self.apart)
        running = sum(len(each.running) for each in self.places.values())
        assert not self.scheduler.actions
        assert self.scheduler.in_flight == running
        assert running <= self.shape.parallelism

    # --- the engine ---

    def _new_worker(self, *, apart: bool = False) -> None:
        self.born_workers += 1
        self.to_start.append(self.born_workers)
        if apart:
            self.apart.add(self.born_workers)

    def _start(self, number: int) -> None:
        self.to_start.remove(number)
        apart = number in self.apart
        slots = 1 if apart else self.shape.slots
        self.places[number] = Place(slots, apart=apart)
        self._tell(WorkerReady(number, slots, apart=apart))

    def _begin_listing(self, listing: Listing) -> None:
        assert listing not in self.listings
        assert listing not in self.old_listings, "an attempt runs once"
        items = list(self.items[listing.key])
        if listing.number > 1:
            self._reorder(items)
        self.listings[listing] = items

    def _reorder(self, items: list[Listed]) -> None:
        """Another order, but every end after what it counts."""
        self.chance.shuffle(items)
        items.sort(key=lambda each: isinstance(each, ScopeListed))

    def _list(self, listing: Listing) -> None:
        items = self.listings[listing]
        if listing.scope == f"svc.db.s{self.shape.broken_listing}":
            return self._end_listing(listing, Permanent("permission denied"))
        if self.listing_deaths and self.chance.random() < 0.3:
            self.listing_deaths -= 1
            return self._end_listing(listing, None, lost=True)
        if self.listing_errors and self.chance.random() < 0.3:
            self.listing_errors -= 1
            return self._end_listing(listing, Retryable("it broke off"))
        if not items:
            return self._end_listing(listing, None)
        count = self.chance.randint(1, len(items))
        block, self.listings[listing] = items[:count], items[count:]
        self._tell(Found(listing, block))
        return None

    def _end_listing(
        self, listing: Listing, error: Exception | None, *, lost: bool = False
    ) -> None:
        del self.listings[listing]
        self.old_listings.append(listing)
        self._tell(ListingEnded(listing, error, lost))

    def _dispatch(self, action: Dispatch) -> None:
        assert action.id not in self.dispatched, "an id is a generation: it is never used again"
        self.dispatched.add(action.id)
        assert action.worker in self.places, "only living workers are given work"
        place, chunk = self.places[action.worker], action.chunk
        assert len(place.running) < place.slots
        assert not any(each.sink_down for each in self.places.values())
        here = [*place.running.values(), *place.unsettled.values()]
        assert not any(each.chunk.suspect for each in here), "suspects are alone"
        if chunk.suspect:
            assert not here, "suspects are alone"
        if self.under_way:
            assert place.apart == chunk.suspect, "suspects go to the worker that is there for them"
        if chunk.kind == "process" and not chunk.suspect:
            asked = {(each.type, each.id) for each in chunk.items}
            assert not asked & self.under_way, "what a driver may have died of is suspected"
        if chunk.kind == "process" and chunk.type is TABLE:
            assert len(chunk) <= max(self.shape.least, self.shape.most)
        assert chunk.items or chunk.kind == "deferred"
        for item in chunk.items:
            assert (item.type, item.batch) == (chunk.type, chunk.batch)
            assert (item.type, item.id) not in self.ends
            self._check_parent(item)
            for other in self._everything_running():
                assert item not in other.left, "in two places"
        assert [each.descriptor.id for each in chunk.described] == (
            [each.id for each in chunk.items] if chunk.kind == "write" else []
        )
        place.running[action.id] = Running(action.id, action.worker, chunk, left=list(chunk.items))

    def _everything_running(self) -> list[Running]:
        return [
            each
            for place in self.places.values()
            for each in (*place.running.values(), *place.unsettled.values())
            if each.chunk.kind != "deferred"
        ]

    def _check_parent(self, item: EntityDescriptor) -> None:
        parent = {SERVICE: None, SCHEMA: DATABASE, TABLE: SCHEMA, PROCEDURE: SCHEMA}.get(
            item.type, SERVICE
        )
        if parent is None:
            return
        key = (parent, "svc" if parent is SERVICE else item.scope)
        settled = key in self.partly or (
            key in self.ends and self.ends[key].status in ("ok", "unchanged")
        )
        assert settled, f"{item.id} went before its parent"

    # --- the source ---

    def _read(self, run: Running) -> None:
        """A worker answers for a chunk, or dies of it, or never comes back."""
        place, chunk = self.places[run.worker], run.chunk
        if chunk.kind == "process" and self.steps in range(*self.shape.away):
            nobody = Why("Unreachable", "nobody answers")
            return self._answer(run, [Result(each.id, "retry", nobody) for each in chunk.items], [])
        fates = [self.fates[each.type, each.id] for each in chunk.items]
        if "poison" in fates:
            return self._die(run.worker, blame=True)
        if "breaker" in fates and chunk.kind == "process":
            return self._answer(run, [Result(each.id, "retry", BUSY) for each in chunk.items], [])
        if "hung" in fates:
            ended = [Result(each.id, "hung") for each in chunk.items]
            place.zombies += 1
            place.slots = max(1, place.slots - 1)
            return self._answer(run, ended, [], abandoned=True)
        ended, described, pending = [], [], []
        for item in chunk.items:
            if chunk.kind == "process" and (later := self._works_on(item)):
                pending.append(later)
                continue
            answer = self._processed(item)
            if answer is None:
                described.append(item)
            elif answer.status != "ok":
                ended.append(answer)
        return self._answer(run, ended, described, pending)

    def _works_on(self, item: EntityDescriptor) -> Later | None:
        """The source's job: begun once, and asked after three times, or for ever."""
        key = item.type, item.id
        if self.fates[key] not in ("job", "endless"):
            return None
        if not item.metadata:
            assert key not in self.begun, f"{item.id} is begun twice"
            self.begun.add(key)
        self.first_asked.setdefault(key, self.now)
        asked = int(item.metadata.get("asked", 0))
        if self.fates[key] == "job" and asked == 3:
            return None
        again = msgspec.structs.replace(
            item, batch=f"job-{asked}", metadata={"asked": str(asked + 1)}
        )
        return Later(again, self.chance.choice((0.0, 0.3, 1.0)))

    def _processed(self, item: EntityDescriptor) -> Result | None:
        """None: it was described and goes to the sink."""
        key = item.type, item.id
        match self.fates[key]:
            case "bad":
                return Result(item.id, "failed", Why("Permanent", "cannot describe it"))
            case "gone":
                return Result(item.id, "skipped", Why("Gone", "it vanished"))
            case "silent":
                return Result(item.id, "failed", Why("NotAnswered", "no answer"))
            case "busy":
                return Result(item.id, "retry", BUSY)
            case "flaky" | "throttled" as fate:
                self.tries[key] += 1
                if self.tries[key] == 1:
                    wait = 3.0 if fate == "throttled" else None
                    return Result(item.id, "retry", Why("Throttled", "later", None, wait))
        return None

    def _answer(
        self,
        run: Running,
        ended: list[Result],
        described: list[EntityDescriptor],
        pending: Sequence[Later] = (),
        *,
        abandoned: bool = False,
    ) -> None:
        place = self.places[run.worker]
        del place.running[run.id]
        over = {each.id for each in ended} | {each.descriptor.id for each in pending}
        run.left = [each for each in run.left if each.id not in over]
        children = [child for each in described for child in self.children[each.type, each.id]]
        for item in described:
            self._plan_settling(run, item)
        emitted = Counter(each.type.value for each in described)
        if run.chunk.kind == "deferred":
            run.unsettled = [
                Result(
                    each.id,
                    "ok",
                    None,
                    [Written(row.type, row.fqn, "", "acknowledged") for row in each.rows],
                )
                for each in run.chunk.block
            ]
        if described or run.chunk.kind == "deferred":
            place.unsettled[run.id] = run
        read = Read(run.id, run.worker, ended, children, 0.6, 1, abandoned, [], dict(emitted))
        read.pending = [*pending]
        self.spent.append(read)
        self._tell(read)

    def _plan_settling(self, run: Running, item: EntityDescriptor) -> None:
        kind, fate = item.type.value, self.fates[item.type, item.id]
        if fate == "deferred":
            run.deferred.append(Deferred(item.id, [Row(kind, item.id, b"{}", "", b"", ("svc",))]))
        elif fate == "refused":
            run.unsettled.append(
                Result(
                    item.id,
                    "failed",
                    Why("Refused", "400"),
                    [Written(kind, item.id, "", "refused")],
                )
            )
        elif fate == "unchanged":
            run.unsettled.append(
                Result(item.id, "unchanged", None, [Written(kind, item.id, "", "unchanged")])
            )
        else:
            run.unsettled.append(
                Result(item.id, "ok", None, [Written(kind, item.id, "", "acknowledged")])
            )

    # --- the sink ---

    def _settle(self, run: Running) -> None:
        del self.places[run.worker].unsettled[run.id]
        settled = Settled(run.id, run.unsettled, run.deferred)
        self.spent.append(settled)
        self.partly |= {(run.chunk.type, each.id) for each in run.deferred}
        self._tell(settled)

    def _sink(self, number: int, why: Why | None) -> None:
        self._perform()
        self.outages -= why is not None
        self.places[number].sink_down = why is not None
        self._tell(SinkState(number, why))

    # --- what kills ---

    def _die_at_random(self, number: int) -> None:
        if self.preemptions:
            self.preemptions -= 1
            self._die(number, blame=False)
        elif self.deaths:
            self.deaths -= 1
            self._die(number, blame=True)

    def _die(self, number: int, *, blame: bool) -> None:
        place = self.places.pop(number)
        for run in (*place.running.values(), *place.unsettled.values()):
            if blame and run.chunk.suspect and len(run.left) == 1:
                self.alone[run.left[0].type, run.left[0].id] += 1
        self._tell(WorkerLost(number, blame, "signal 9"))

    def _tell_old_news(self) -> None:
        """Events of what is long over change nothing."""
        before = self._books()
        if self.spent:
            self._tell(self.chance.choice(self.spent))
        for listing in self.old_listings[-1:]:
            ghost = EntityDescriptor(TABLE, "svc.db.ghost", "svc.db.s0", "b0")
            self._tell(Found(listing, [ghost]))
            self._tell(ListingEnded(listing, Permanent("old news")))
        self._tell(WorkerLost(10_000, blame=True))
        assert self._books() == before

    def _books(self) -> tuple[int, int, int]:
        ledger = self.scheduler.ledger
        ended = sum(each.total() for each in ledger.ended.values())
        return ledger.discovered.total(), ended, ledger.emitted.total()

    # --- what came of it ---

    def _look_at_ends(self) -> None:
        scheduler = self.scheduler
        news, scheduler.books.news = scheduler.books.news, []
        self.records += news
        for item in (each[1] for each in news if each[0] in ("opened", "told")):
            key = item.type, item.id
            assert key not in self.opened, f"{item.id} was discovered twice"
            assert key in self.fates, f"{item.id} does not exist"
            self.opened.add(key)
        ended, scheduler.books.ended = scheduler.books.ended, []
        for kind, _, result in ended:
            assert (kind, result.id) not in self.ends, f"{result.id} ended twice"
            assert result.status in ("ok", "unchanged", "skipped", "failed", "quarantined")
            self.ends[kind, result.id] = result
            self.records.append(("ended", kind, result))
        deferred, scheduler.books.deferred = scheduler.books.deferred, []
        self.held += deferred
        self.deferrals += deferred
        settled, scheduler.books.settled = scheduler.books.settled, []
        for each in settled:
            self._check_settled(each)

    def _check_settled(self, settled: ScopeSettled) -> None:
        """A scope settles once, when it was listed and every member has its end."""
        key = settled.type, settled.scope
        assert key not in self.settled, f"{key} settled twice"
        assert key in self.scheduler.listings.scopes, "it was not listed"
        members = [each for each in self.wanted.values() if (each.type, each.scope) == key]
        ends = [self.ends[each.type, each.id].status for each in members]
        bad = [each for each in ends if each in ("failed", "quarantined")]
        assert settled.failed == len(bad)
        self.settled.add(key)

    def deserved(self, key: Key, result: Result) -> bool:
        """Whether an end fits the entity's fate, its deaths, and the attempts that others cost it."""
        if self.alone[key] >= 2:
            return result.status == "quarantined"
        fate = self.fates[key]
        if fate == "job" and result.why is not None:
            return result.why.kind == "TimedOut" and self.now - self.first_asked[key] >= JOB
        if fate in ("flaky", "throttled") and "breaker" in self.fates.values():
            return result.status in ("ok", "failed")
        return result.status == FATES[fate]
