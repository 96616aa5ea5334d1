"""Who does what next: a state machine over chunks that touches nothing outside itself.

Events go in (`handle`), actions come out (`actions`). Everything discovered ends exactly once,
no more than `parallelism` slots run, nothing is dispatched before its parent settled, and it
terminates: the tests hold it to that against a model.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from itertools import islice

from rayingest.core.source import (
    Described,
    EntityDescriptor,
    Removed,
    ScopeListed,
    ScopeOpened,
)
from rayingest.errors import Retryable, Unreachable
from rayingest.execute.books import Books, Scope
from rayingest.execute.events import (
    Action,
    Chunk,
    Deferred,
    Dispatch,
    Event,
    Found,
    Later,
    Listing,
    ListingEnded,
    Read,
    ReplaceWorker,
    Result,
    Settled,
    SinkState,
    StartListing,
    Why,
    WorkerLost,
    WorkerReady,
    Written,
    why,
)
from rayingest.execute.family import Family, Item
from rayingest.execute.listings import Listings
from rayingest.execute.plan import Plan
from rayingest.execute.presence import Presence
from rayingest.execute.replay import Replay
from rayingest.execute.retries import Retries
from rayingest.execute.work import Work
from rayingest.execute.workforce import Sent
from rayingest.model import EntityType
from rayingest.state.ledger import Ledger

HOPELESS = {"Unauthorised", "Unreachable", "ConfigError", "MissingDriver"}


class Scheduler:
    """The state machine. `now` is passed in, in seconds of any monotonic clock."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.listings = Listings()
        self.books = Books(self.listings)
        self.actions: list[Action] = []
        self.stopping: str | None = None
        self.sink_down: Why | None = None
        self.sink_full = False
        self.fatal: Why | None = None
        self.deferred_open = 0
        self._leaves = 0
        self._now = 0.0
        self._work = Work(plan)
        self._presence = Presence(plan.retry)
        self._retries = Retries(plan.retry, self._presence)
        root = plan.root.descriptor if plan.root is not None else None
        self._family = Family(plan.dependencies, root)
        self._born: set[Scope] = set()
        self._sinks_down: dict[int, Why] = {}
        self._start()

    # --- beginning and end ---

    def _start(self) -> None:
        if self.plan.before is not None:
            self._go_on(self.plan.before)
        root = self.plan.root
        if root is not None and not self._family.has((root.descriptor.type, root.descriptor.id)):
            self._found([root])
        self._found([each for each in self.plan.given if (each.type, each.id) not in self._born])
        for each in self.plan.types:
            if each not in self.plan.listed_by:
                self.listings.want(Listing(each, None))

    def _go_on(self, before: Replay) -> None:
        """Take over what earlier attempts recorded: nothing that has its end is done again."""
        self.books.go_on(before)
        self._family.go_on(before.parents)
        self._born.update((kind, each) for (kind, _), ids in before.seen.items() for each in ids)
        self.deferred_open = len(before.deferred)
        self.listings.go_on(before)
        waiting = [each for key, each in before.open.items() if key not in before.deferred]
        self._admit(waiting)
        self.books.go_on_listed(before.scopes)

    @property
    def ledger(self) -> Ledger:
        """The sums of the books."""
        return self.books.ledger

    @property
    def in_flight(self) -> int:
        """Dispatches that are being read."""
        return self._work.in_flight

    @property
    def retired(self) -> int:
        """Slots that are lost to threads that hang."""
        return self._work.retired

    @property
    def first_wave_over(self) -> bool:
        """Whether all that is left to do is the second wave."""
        return not self._work and not self._retries and not self._family and self.listings.idle

    @property
    def quiet(self) -> bool:
        """Whether nothing is on its way to the sink, and nothing half-written is there."""
        return not self._work.sent and not self.deferred_open

    @property
    def done(self) -> bool:
        """Whether nothing is left to do, or, when stopping, nothing is under way."""
        if self.stopping is not None:
            return not self._work.sent
        return self.first_wave_over and not self.deferred_open

    def stop(self, reason: str) -> None:
        """Dispatch nothing any more; what runs may end."""
        if self.stopping is None:
            self.stopping = reason

    @property
    def _growing(self) -> bool:
        """Whether more descriptors may become ready soon: listings run, or parents are on their way."""
        return bool(self.listings.running or self._family)

    def due(self) -> float | None:
        """When the next delayed thing is due, on the clock of `handle`."""
        times = [*self._retries.due()]
        if self._work.ready.count and self._growing:
            times.append(self._now + self.plan.linger)
        return min(times, default=None)

    # --- events ---

    def handle(self, event: Event | None, now: float) -> None:
        """Take one event (None: the clock alone) and decide what follows."""
        self._now = now
        match event:
            case Found():
                self._hear_found(event)
            case ListingEnded():
                self._hear_listing_ended(event)
            case WorkerReady():
                self._work.workers.join(event.worker, event.slots, apart=event.apart)
            case WorkerLost():
                self._hear_lost(event)
            case Read():
                self._hear_read(event)
            case Settled():
                self._hear_settled(event)
            case SinkState():
                self._sink_state(event.worker, event.why)
            case None:
                pass
        self._wake()
        self._act()

    def _sink_state(self, worker: int, down: Why | None) -> None:
        """One worker's word on the sink; a worker that is gone has none."""
        if down is None:
            self._sinks_down.pop(worker, None)
        else:
            self._sinks_down[worker] = down
        self.sink_down = next(iter(self._sinks_down.values()), None)

    def _hear_found(self, event: Found) -> None:
        fresh = self.listings.hear(event)
        if fresh is None:
            return
        self._found([each for each in fresh if isinstance(each, EntityDescriptor | Described)])
        for each in fresh:
            if isinstance(each, ScopeOpened):
                self.books.news.append(("scope", each.type, each.scope))
                self.listings.want(Listing(each.type, each.scope))
            elif isinstance(each, ScopeListed):
                self.books.listed(each)
            elif isinstance(each, Removed):
                self.books.news.append(("removed", each))

    def _found(self, items: list[Item]) -> None:
        kept: list[Item] = []
        dropped: Counter[EntityType] = Counter()
        found: Counter[Scope] = Counter()
        chosen = self.plan.keeps is not None or self.plan.limit is not None
        news = self.books.news
        for each in items:
            told = type(each) is Described
            descriptor = each.descriptor if isinstance(each, Described) else each
            if chosen and not self._selected(descriptor):
                dropped[descriptor.type] += 1
                continue
            found[descriptor.type, descriptor.scope] += 1
            news.append(("told" if told else "opened", descriptor))
            kept.append(each)
        self.books.found(found)
        self.books.dropped(dropped)
        self._admit(kept)

    def _selected(self, descriptor: EntityDescriptor) -> bool:
        """Whether the user's selection keeps it; parents stay, their children need them."""
        if self._family.of_parents(descriptor.type):
            return True
        if self.plan.keeps is not None and not self.plan.keeps(descriptor):
            return False
        if self.plan.limit is None:
            return True
        self._leaves += 1
        return self._leaves <= self.plan.limit

    def _admit(self, items: Iterable[Item]) -> None:
        """Put what was found where it belongs: ready, waiting for a parent, or failed with it."""
        free, orphans = self._family.admit(items)
        ready = []
        for each in free:
            if isinstance(each, EntityDescriptor):
                ready.append(each)
            else:
                self._work.write(each)
        if ready:
            self._work.add(ready, self._now)
        for orphan in orphans:
            self._fail(orphan, Why("Permanent", f"failed (parent): {orphan.scope}"))

    def _hear_listing_ended(self, event: ListingEnded) -> None:
        error = event.error
        again = self.listings.ended(event)
        if again is None and self.listings.well_ended(event.listing):
            self.books.news.append(("done", event.listing.type, event.listing.scope))
        away = isinstance(error, Unreachable) and self._presence.answered
        if error is not None and type(error).__name__ in HOPELESS and not away:
            if event.listing.scope is None or not self.listings.any_listed:
                self.fatal = self.fatal or why(error, "discovery")
        elif again is not None:
            retryable = event.lost or isinstance(error, Retryable | Unreachable)
            tries = self.listings.may_retry(again, self.plan.retry.max_attempts)
            if retryable and (tries or (away and self.source_away is not None)):
                delay = (
                    0.0
                    if event.lost
                    else self.plan.retry.delay(again.number - 1, getattr(error, "wait", None))
                )
                self._retries.list_again(again, self._now + delay)

    def _hear_lost(self, event: WorkerLost) -> None:
        worker = self._work.workers.leave(event.worker)
        if worker is None:
            return
        self._sink_state(event.worker, None)
        unsent = {
            each.id
            for each in self.actions
            if isinstance(each, Dispatch) and each.worker == event.worker
        }
        self.actions = [
            each for each in self.actions if not isinstance(each, Dispatch) or each.id not in unsent
        ]
        for each in sorted(worker.running | worker.unsettled):
            sent = self._work.sent.pop(each)
            self._work.in_flight -= not sent.read
            self.books.emitted(sent.emitted, sign=-1)
            self._give_back(sent, replace(event, blame=event.blame and each not in unsent))
        self.actions.append(ReplaceWorker(event.worker))

    def _give_back(self, sent: Sent, event: WorkerLost) -> None:
        """What a dead worker had not settled: suspects when it died by itself, else simply again."""
        chunk, left = sent.chunk, list(sent.left.values())
        if chunk.kind == "deferred":
            self._deferred_again(chunk, event)
            return
        if not left:
            return
        self._born.update(sent.born)  # told of already; their parents will tell of them again
        if not event.blame:
            self._work.again(chunk.only(left), self._now)
        elif cause := self._work.suspects.accuse(chunk, left, event.why):
            self._end(left[0], Result(left[0].id, "quarantined", cause))

    def _deferred_again(self, chunk: Chunk, event: WorkerLost) -> None:
        chunk.deaths += event.blame
        if chunk.deaths < 3:
            self._work.writes.appendleft(chunk)
            return
        cause = Why(
            "WorkerDied", "the worker process died three times while it wrote this", layer="sink"
        )
        for each in chunk.block:
            lost = [Written(row.type, row.fqn, row.hash, "refused") for row in each.rows]
            self._end_deferred(
                chunk.type, Result(each.id, "failed", cause, [*each.written, *lost]), each.scope
            )

    def _hear_read(self, event: Read) -> None:
        sent = self._work.sent.get(event.dispatch)
        if sent is None or sent.read:
            return
        sent.read = True
        self._work.in_flight -= 1
        self._learn(sent, event)
        if sent.chunk.kind == "process":
            self._presence.heard(event.ended, self._now)
            if self.source_away is not None and not self._presence.answered:
                self.fatal = self.fatal or self.source_away
        children = [each for each in event.children if (each.type, each.id) not in self._born]
        sent.born = [(each.type, each.id) for each in children]
        self._found([*children])
        hung: list[EntityDescriptor] = []
        for result in event.ended:
            item = sent.left.pop(result.id, None)
            if item is not None:
                self._one_ended(sent, item, result, hung)
        if hung:
            self._hear_hung(sent.chunk, hung)
        for later in event.pending:
            asked = sent.left.pop(later.descriptor.id, None)
            if asked is not None:
                self._await(asked, later)
        unsettled = bool(sent.left) or sent.chunk.kind == "deferred"
        if not unsettled:
            del self._work.sent[event.dispatch]
        self._work.was_read(event, sent.chunk.type, unsettled=unsettled)

    def _learn(self, sent: Sent, event: Read) -> None:
        """Take the chunk's measurements: how long it took, what it emitted."""
        if sent.chunk.kind == "deferred":
            return
        if sent.chunk.kind == "process" and not event.abandoned:
            self._work.ready.sizer(sent.chunk.type).measured(
                len(sent.chunk), event.seconds - event.waited - event.held_back
            )
        sent.emitted = event.emitted
        self.books.emitted(event.emitted)

    def _one_ended(
        self, sent: Sent, item: EntityDescriptor, result: Result, hung: list[EntityDescriptor]
    ) -> None:
        if result.status == "hung":
            hung.append(item)
        elif result.status == "retry":
            self._retry(item, result, alone=len(sent.chunk) == 1)
        else:
            self._end(item, result)

    def _retry(self, item: EntityDescriptor, result: Result, *, alone: bool) -> None:
        if self._retries.again(item, result.why, self._now, alone=alone):
            again = Counter(each.type for each in result.written)
            self.books.emitted(again, sign=-1)  # the next attempt emits it again
            return
        self._end(item, Result(item.id, "failed", result.why, result.written))

    def _await(self, asked: EntityDescriptor, later: Later) -> None:
        """The source works on it: nothing is held meanwhile, and a resumed run knows what to ask for."""
        item = later.descriptor
        self.books.begun |= asked.batch != item.batch or not self._retries.is_pending(item)
        if self._retries.later(item, later.wait, self._now, most=self.plan.job_timeout):
            self.books.news.append(("again", item))
            return
        cause = Why(
            "TimedOut",
            f"the source has worked on this for {self.plan.job_timeout:.0f} s and is not done",
            "Raise distributedExecution.jobTimeoutSeconds if it only needs longer.",
        )
        self._fail(item, cause)

    @property
    def source_away(self) -> Why | None:
        """Why nobody answers at the source, while it is so: then one chunk at a time tries."""
        return self._presence.away

    @property
    def at_source(self) -> int:
        """How many the source works on."""
        return self._retries.pending

    def _hear_hung(self, chunk: Chunk, hung: list[EntityDescriptor]) -> None:
        """A call never returned: a single is to blame; of more, each is asked alone.

        A hang does no harm to others, so these need no worker of their own; and asking at once one
        by one costs two threads and two time-outs at most, bisecting one per halving.
        """
        if len(hung) > 1:
            self._work.apart(chunk, hung)
            return
        cause = Why(
            "TimedOut",
            "the source did not answer in time for this entity",
            "Raise distributedExecution.callTimeoutSeconds if it only needs longer.",
        )
        self._end(hung[0], Result(hung[0].id, "failed", cause))

    def _hear_settled(self, event: Settled) -> None:
        sent = self._work.sent.get(event.dispatch)
        if sent is None:
            return
        for each in event.deferred:
            self._defer(sent, each)
        scopes = {each.id: each.scope for each in sent.chunk.block}
        well: list[tuple[EntityDescriptor, Result]] = []
        plain = not self._family.of_parents(sent.chunk.type)
        for result in event.results:
            if sent.chunk.kind == "deferred":
                self._end_deferred(sent.chunk.type, result, scopes[result.id])
                continue
            item = sent.left.pop(result.id, None)
            if item is None:
                continue
            if plain and result.status in ("ok", "unchanged"):
                self._count_attempts(item, result)
                well.append((item, result))
            else:
                self._one_ended(sent, item, result, [])
        if well:
            self.books.close_well(sent.chunk.type, well)
        for item in list(sent.left.values()) if sent.read else []:
            self._fail(item, Why("NotAnswered", "the source gave no answer for this entity"))
        self._work.settled(event.dispatch)

    def _defer(self, sent: Sent, deferred: Deferred) -> None:
        item = sent.left.pop(deferred.id, None)
        if item is None:
            return
        self._retries.attempts(item)
        self.deferred_open += 1
        deferred.scope = item.scope
        self.books.deferred.append((item.type, deferred))
        self._settle(item, ok=True)

    def _end_deferred(self, entity_type: EntityType, result: Result, scope: str) -> None:
        self.deferred_open -= 1
        self.books.close(entity_type, result, scope)

    def _fail(self, item: EntityDescriptor, cause: Why) -> None:
        self._end(item, Result(item.id, "failed", cause))

    def _end(self, item: EntityDescriptor, result: Result) -> None:
        self._count_attempts(item, result)
        self.books.close(item.type, result, item.scope)
        self._settle(item, ok=result.status in ("ok", "unchanged"))

    def _count_attempts(self, item: EntityDescriptor, result: Result) -> None:
        if attempts := self._retries.attempts(item):
            result.attempts = attempts + 1

    def add(self, described: Described) -> None:
        """Take what a combination described; after a crash it may be known already."""
        if (described.descriptor.type, described.descriptor.id) not in self._born:
            self._found([described])

    def _settle(self, item: EntityDescriptor, *, ok: bool) -> None:
        if self._family.of_parents(item.type):
            self._admit(self._family.settle((item.type, item.id), ok=ok))

    # --- decisions ---

    def _wake(self) -> None:
        if not self._retries:
            return
        for item, alone in self._retries.items_due(self._now):
            if alone:
                self._work.alone(item)
            else:
                self._work.add([item], self._now)
        for listing in self._retries.listings_due(self._now):
            self.listings.want(listing)

    def second_wave(self, chunks: list[Chunk]) -> None:
        """Hand over the deferred rows, in blocks, when `first_wave_over`."""
        self._work.writes.extend(chunks)

    def _act(self) -> None:
        if self.stopping is not None:
            return
        self._release_orphans()
        self._start_listings()
        if self.sink_down is None and not self.sink_full:
            given = self._work.assign(self._now, growing=self._growing)
            if self.source_away is not None:
                ready = not self._work.in_flight and self._presence.may_be_probed(self._now)
                given = islice(given, 1 if ready else 0)
            self.actions += given
        self.actions += [ReplaceWorker(each) for each in self._work.workers.drained()]

    def _release_orphans(self) -> None:
        """Descriptors whose parent nobody listed must not wait for ever."""
        if not self._family or self._work or self._retries or not self.listings.idle:
            return
        for (kind, scope), children in self._family.orphans():
            cause = Why("Permanent", f"failed (parent): {kind.value} {scope} was not listed")
            for each in children:
                self._fail(each if isinstance(each, EntityDescriptor) else each.descriptor, cause)

    @property
    def crowded(self) -> bool:
        """Whether listings should hold back: enough is known, and there is work to go on with."""
        known = self.books.open - self.deferred_open
        return known >= self.plan.backlog and bool(self._work.sent or self._work.ready.count)

    def _start_listings(self) -> None:
        if self.crowded:
            return
        for listing in self.listings.start(self.plan.listings_at_once):
            self.actions.append(StartListing(listing))
