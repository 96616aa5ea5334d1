"""Who does what next: a state machine over chunks that touches nothing outside itself.

Events go in (`handle`), actions come out (`actions`). Everything discovered ends exactly once,
no more than `parallelism` slots run, nothing is dispatched before its parent settled, and it
terminates: the tests hold it to that against a model.
"""

import heapq
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import replace
from itertools import count

from rayingest.core.source import (
    Described,
    EntityDescriptor,
    Removed,
    ScopeListed,
    ScopeOpened,
)
from rayingest.errors import Retryable
from rayingest.execute.events import (
    Action,
    Chunk,
    Deferred,
    Dispatch,
    Event,
    Found,
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
    why,
)
from rayingest.execute.listings import Listings
from rayingest.execute.plan import Plan
from rayingest.execute.pools import Ready
from rayingest.execute.replay import Replay
from rayingest.execute.suspects import Suspects
from rayingest.execute.workforce import Sent, WorkerState, least_loaded
from rayingest.model import EntityType
from rayingest.state.ledger import Ledger

Parent = tuple[EntityType, str]


class Scheduler:
    """The state machine. `now` is passed in, in seconds of any monotonic clock."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.ledger = Ledger()
        self.listings = Listings()
        self.actions: list[Action] = []
        self.stopping: str | None = None
        self.sink_down: Why | None = None
        self.sink_full = False
        self.fatal: Why | None = None
        self.retired = 0
        self.ended: list[tuple[EntityType, str, Result]] = []  # type, scope, end
        self.deferred: list[tuple[EntityType, Deferred]] = []
        self.news: list[tuple[object, ...]] = []  # records for the journal, in order
        self.settled: list[ScopeSettled] = []
        self._members: Counter[Parent] = Counter()
        self._badly: Counter[Parent] = Counter()
        self._listed: set[Parent] = set()  # scopes that are listed and not settled
        self.in_flight = 0
        self.deferred_open = 0
        self._leaves = 0
        self._now = 0.0
        self._workers: dict[int, WorkerState] = {}
        self._sent: dict[int, Sent] = {}
        self._ids = count(1)
        self._ready = Ready(
            list(plan.types),
            dict(plan.batching),
            plan.seed,
            plan.linger,
            frozenset(plan.dependencies.values()),
        )
        self._writes: deque[Chunk] = deque()
        self._suspects = Suspects()
        self._unreachable = 0  # chunks in a row that found nobody at the source's address
        self._attempts: Counter[tuple[EntityType, str]] = Counter()
        self._later: list[tuple[float, int, bool, EntityDescriptor]] = []
        self._relist: list[tuple[float, int, Listing]] = []
        self._waiting: dict[Parent, list[EntityDescriptor | Described]] = {}
        self._parents: dict[Parent, bool] = {}
        self._parent_types = {*plan.dependencies.values()}
        self._root: Parent | None = None
        self._born: set[Parent] = set()
        self._sinks_down: dict[int, Why] = {}
        self._start()

    # --- beginning and end ---

    def _start(self) -> None:
        if self.plan.root is not None:
            root = self.plan.root.descriptor
            self._root = (root.type, root.id)
            self._parent_types.add(root.type)
        if self.plan.before is not None:
            self._go_on(self.plan.before)
        if self.plan.root is not None and self._root not in self._parents:
            self._found([self.plan.root])
        self._found([each for each in self.plan.given if (each.type, each.id) not in self._born])
        for each in self.plan.types:
            if each not in self.plan.listed_by:
                self.listings.want(Listing(each, None))

    def _go_on(self, before: Replay) -> None:
        """Take over what earlier attempts recorded: nothing that has its end is done again."""
        self.ledger = before.ledger
        self._parents.update(before.parents)
        self._badly.update(before.badly)
        self._members.update((each.type, each.scope) for each in before.open.values())
        self._born.update((kind, each) for (kind, _), ids in before.seen.items() for each in ids)
        self.deferred_open = len(before.deferred)
        self.listings.go_on(before)
        waiting = [each for key, each in before.open.items() if key not in before.deferred]
        self._admit(waiting)
        for scope in before.scopes:
            self._listed.add(scope)
            self._maybe_settled(scope)

    @property
    def open(self) -> int:
        """Descriptors without an end."""
        ledger = self.ledger
        return ledger.discovered.total() - sum(each.total() for each in ledger.ended.values())

    @property
    def first_wave_over(self) -> bool:
        """Whether all that is left to do is the second wave."""
        return (
            not self._sent
            and not self._ready.count
            and not self._writes
            and not self._suspects
            and not self._later
            and not self._waiting
            and not self._relist
            and self.listings.idle
        )

    @property
    def quiet(self) -> bool:
        """Whether nothing is on its way to the sink, and nothing half-written is there."""
        return not self._sent and not self.deferred_open

    @property
    def done(self) -> bool:
        """Whether nothing is left to do, or, when stopping, nothing is under way."""
        if self.stopping is not None:
            return not self._sent
        return self.first_wave_over and not self.deferred_open

    def stop(self, reason: str) -> None:
        """Dispatch nothing any more; what runs may end."""
        if self.stopping is None:
            self.stopping = reason

    @property
    def _growing(self) -> bool:
        """Whether more descriptors may become ready soon: listings run, or parents are on their way."""
        return bool(self.listings.running or self._waiting)

    def due(self) -> float | None:
        """When the next delayed thing is due, on the clock of `handle`."""
        times = [heap[0][0] for heap in (self._later, self._relist) if heap]
        if self._ready.count and self._growing:
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
                self._workers[event.worker] = WorkerState(event.slots)
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
                self.news.append(("scope", each.type, each.scope))
                self.listings.want(Listing(each.type, each.scope))
            elif isinstance(each, ScopeListed):
                self.news.append(("listed", each))
                self.ledger.filtered[each.type.value] += each.filtered
                self._listed.add((each.type, each.scope))
                self._maybe_settled((each.type, each.scope))
            elif isinstance(each, Removed):
                self.news.append(("removed", each))

    def _found(self, items: list[EntityDescriptor | Described]) -> None:
        kept: list[EntityDescriptor | Described] = []
        dropped: Counter[EntityType] = Counter()
        found: Counter[Parent] = Counter()
        chosen = self.plan.keeps is not None or self.plan.limit is not None
        for each in items:
            told = type(each) is Described
            descriptor = each.descriptor if isinstance(each, Described) else each
            if chosen and not self._selected(descriptor):
                dropped[descriptor.type] += 1
                continue
            found[descriptor.type, descriptor.scope] += 1
            self.news.append(("told" if told else "opened", descriptor))
            kept.append(each)
        for (kind, scope), number in found.items():
            self.ledger.discovered[kind.value] += number
            self._members[kind, scope] += number
        for kind, number in dropped.items():
            self.ledger.filtered[kind.value] += number
            self.news.append(("dropped", kind, number))
        self._admit(kept)

    def _selected(self, descriptor: EntityDescriptor) -> bool:
        """Whether the user's selection keeps it; parents stay, their children need them."""
        if descriptor.type in self._parent_types:
            return True
        if self.plan.keeps is not None and not self.plan.keeps(descriptor):
            return False
        if self.plan.limit is None:
            return True
        self._leaves += 1
        return self._leaves <= self.plan.limit

    def _admit(self, items: Iterable[EntityDescriptor | Described]) -> None:
        """Put what was found where it belongs: ready, waiting for a parent, or failed with it."""
        ready = []
        key: Parent | None = None
        parent: Parent | None = None
        settled: bool | None = None
        for each in items:
            descriptor = each if isinstance(each, EntityDescriptor) else each.descriptor
            # Neighbours have one parent; only the root has a parent of its own: none.
            if key is None or key[1] != descriptor.scope or key[0] is not descriptor.type:
                parent = self._parent(descriptor)
                settled = True if parent is None else self._parents.get(parent)
                alone = self._root is not None and descriptor.type is self._root[0]
                key = None if alone else (descriptor.type, descriptor.scope)
            if settled is None and parent is not None:
                self._waiting.setdefault(parent, []).append(each)
            elif not settled:
                self._fail(descriptor, Why("Permanent", f"failed (parent): {descriptor.scope}"))
            elif isinstance(each, EntityDescriptor):
                ready.append(each)
            else:
                self._writes.append(
                    Chunk("write", descriptor.type, descriptor.batch, [descriptor], [each])
                )
        if ready:
            self._ready.add(ready, self._now)

    def _parent(self, descriptor: EntityDescriptor) -> Parent | None:
        kind = self.plan.dependencies.get(descriptor.type)
        if kind is not None and (self._root is None or descriptor.scope != self._root[1]):
            return kind, descriptor.scope
        return None if self._root == (descriptor.type, descriptor.id) else self._root

    def _hear_listing_ended(self, event: ListingEnded) -> None:
        error = event.error
        again = self.listings.ended(event)
        if again is None and self.listings.well_ended(event.listing):
            self.news.append(("done", event.listing.type, event.listing.scope))
        if error is not None and type(error).__name__ in {
            "Unauthorised",
            "Unreachable",
            "ConfigError",
            "MissingDriver",
        }:
            if event.listing.scope is None or not self.listings.any_listed:
                self.fatal = self.fatal or why(error, "discovery")
        elif again is not None:
            retryable = event.lost or isinstance(error, Retryable)
            if retryable and self.listings.may_retry(again, self.plan.retry.max_attempts):
                delay = (
                    0.0
                    if event.lost
                    else self.plan.retry.delay(again.number - 1, getattr(error, "wait", None))
                )
                heapq.heappush(self._relist, (self._now + delay, next(self._ids), again))

    def _hear_lost(self, event: WorkerLost) -> None:
        worker = self._workers.pop(event.worker, None)
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
            sent = self._sent.pop(each)
            self.in_flight -= not sent.read
            for kind, number in sent.emitted.items():
                self.ledger.emitted[kind] -= number
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
            self._again(chunk.only(left))
        elif cause := self._suspects.accuse(chunk, left, event.why):
            self._end(left[0], Result(left[0].id, "quarantined", cause))

    def _deferred_again(self, chunk: Chunk, event: WorkerLost) -> None:
        chunk.deaths += event.blame
        if chunk.deaths < 3:
            self._writes.appendleft(chunk)
            return
        cause = Why(
            "WorkerDied", "the worker process died three times while it wrote this", layer="sink"
        )
        for each in chunk.block:
            lost = [Written(row.type, row.fqn, row.hash, "refused") for row in each.rows]
            self._end_deferred(
                chunk.type, Result(each.id, "failed", cause, [*each.written, *lost]), each.scope
            )

    def _again(self, chunk: Chunk) -> None:
        if chunk.suspect:
            self._suspects.first(chunk)
        elif chunk.kind == "write":
            self._writes.append(chunk)
        else:
            self._ready.add(chunk.items, self._now)

    def _hear_read(self, event: Read) -> None:
        sent = self._sent.get(event.dispatch)
        if sent is None or sent.read:
            return
        sent.read = True
        self.in_flight -= 1
        self._learn(sent, event)
        unreachable = any(each.why and each.why.kind == "Unreachable" for each in event.ended)
        self._unreachable = self._unreachable + 1 if unreachable else 0
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
        unsettled = bool(sent.left) or sent.chunk.kind == "deferred"
        if not unsettled:
            del self._sent[event.dispatch]
        self._free_slot(event, sent.chunk.type, unsettled=unsettled)

    def _learn(self, sent: Sent, event: Read) -> None:
        """Take the chunk's measurements: how long it took, what it emitted."""
        if sent.chunk.kind == "deferred":
            return
        if sent.chunk.kind == "process" and not event.abandoned:
            self._ready.sizer(sent.chunk.type).measured(
                len(sent.chunk), event.seconds - event.waited - event.held_back
            )
        sent.emitted = event.emitted
        for kind, number in event.emitted.items():
            self.ledger.emitted[kind] += number

    def _free_slot(self, event: Read, entity_type: EntityType, *, unsettled: bool) -> None:
        worker = self._workers.get(event.worker)
        if worker is None:
            return
        worker.running.discard(event.dispatch)
        if unsettled:
            worker.unsettled.add(event.dispatch)
        if event.abandoned:
            worker.slots = max(1, worker.slots - 1)
            worker.draining = worker.draining or self.plan.replaceable
            self.retired += 1
        if event.full and not worker.full:  # once for each: it is not full of what it reads now
            worker.full = True
            worker.draining = worker.draining or self.plan.replaceable
            self._ready.sizer(entity_type).shrink()

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
        """Later once more; the last attempt is made alone, so that nobody fails for a neighbour."""
        key = item.type, item.id
        attempt = self._attempts[key] + 1
        # A server that is gone is no entity's fault: nobody is asked for alone, with a time-out for each.
        gone = result.why is not None and result.why.kind == "Unreachable"
        if attempt >= self.plan.retry.max_attempts and (alone or gone):
            if gone and self._unreachable >= self.plan.retry.max_attempts:
                self.fatal = self.fatal or result.why
            self._end(item, Result(item.id, "failed", result.why, result.written))
            return
        self._attempts[key] = attempt
        for each in result.written:  # the next attempt emits it again
            self.ledger.emitted[each.type] -= 1
        wait = result.why.wait if result.why else None
        due = self._now + self.plan.retry.delay(attempt, wait)
        last = attempt + 1 >= self.plan.retry.max_attempts and not gone
        heapq.heappush(self._later, (due, next(self._ids), last, item))

    def _hear_hung(self, chunk: Chunk, hung: list[EntityDescriptor]) -> None:
        """A call never returned: a single is to blame; of more, each is asked alone.

        A hang does no harm to others, so these need no worker of their own; and asking at once one
        by one costs two threads and two time-outs at most, bisecting one per halving.
        """
        if len(hung) > 1:
            for each in hung:
                one = chunk.only([each])
                (self._suspects if chunk.suspect else self._writes).append(one)
            return
        cause = Why(
            "TimedOut",
            "the source did not answer in time for this entity",
            "Raise distributedExecution.callTimeoutSeconds if it only needs longer.",
        )
        self._end(hung[0], Result(hung[0].id, "failed", cause))

    def _hear_settled(self, event: Settled) -> None:
        sent = self._sent.get(event.dispatch)
        if sent is None:
            return
        for each in event.deferred:
            self._defer(sent, each)
        scopes = {each.id: each.scope for each in sent.chunk.block}
        well: list[tuple[EntityDescriptor, Result]] = []
        plain = sent.chunk.type not in self._parent_types
        for result in event.results:
            if sent.chunk.kind == "deferred":
                self._end_deferred(sent.chunk.type, result, scopes[result.id])
                continue
            item = sent.left.pop(result.id, None)
            if item is None:
                continue
            if plain and result.status in ("ok", "unchanged"):
                well.append((item, result))
            else:
                self._one_ended(sent, item, result, [])
        if well:
            self._end_well(sent.chunk.type, well)
        for item in list(sent.left.values()) if sent.read else []:
            self._fail(item, Why("NotAnswered", "the source gave no answer for this entity"))
        worker = self._workers.get(sent.worker)
        if worker is not None:
            worker.unsettled.discard(event.dispatch)
            worker.running.discard(event.dispatch)
        del self._sent[event.dispatch]

    def _defer(self, sent: Sent, deferred: Deferred) -> None:
        item = sent.left.pop(deferred.id, None)
        if item is None:
            return
        self._attempts.pop((item.type, item.id), None)
        self.deferred_open += 1
        deferred.scope = item.scope
        self.deferred.append((item.type, deferred))
        if item.type in self._parent_types:
            self._settle_parent((item.type, item.id), ok=True)

    def _end_deferred(self, entity_type: EntityType, result: Result, scope: str) -> None:
        self.deferred_open -= 1
        self._close(entity_type, result, scope)

    def _fail(self, item: EntityDescriptor, cause: Why) -> None:
        self._end(item, Result(item.id, "failed", cause))

    def _end(self, item: EntityDescriptor, result: Result) -> None:
        key = item.type, item.id
        if key in self._attempts:
            result.attempts = self._attempts.pop(key) + 1
        self._close(item.type, result, item.scope)
        if item.type in self._parent_types:
            self._settle_parent(key, ok=result.status in ("ok", "unchanged"))

    def _end_well(
        self, entity_type: EntityType, ended: list[tuple[EntityDescriptor, Result]]
    ) -> None:
        """What `_end` does, for many at once that are nobody's parents: the common case."""
        scopes: Counter[str] = Counter()
        statuses: Counter[str] = Counter()
        answers: Counter[tuple[str, str]] = Counter()
        for item, result in ended:
            if self._attempts and (attempts := self._attempts.pop((entity_type, item.id), 0)):
                result.attempts = attempts + 1
            scopes[item.scope] += 1
            statuses[result.status] += 1
            for each in result.written:
                answers[each.type, each.outcome] += 1
            self.ended.append((entity_type, item.scope, result))
        for scope, number in scopes.items():
            self._members[entity_type, scope] -= number
            self._maybe_settled((entity_type, scope))
        for status, number in statuses.items():
            self.ledger.end(entity_type, status, number)
        for (kind, outcome), number in answers.items():
            self.ledger.answer(kind, outcome, number)

    def _close(self, entity_type: EntityType, result: Result, scope: str) -> None:
        key = entity_type, scope
        self._members[key] -= 1
        self._badly[key] += result.status in ("failed", "quarantined")
        self._maybe_settled(key)
        self.ledger.end(entity_type, result.status)
        for each in result.written:
            self.ledger.answer(each.type, each.outcome)
        self.ended.append((entity_type, scope, result))

    def _maybe_settled(self, key: Parent) -> None:
        """A scope is settled when it was listed and every member has its end."""
        if key in self._listed and not self._members[key]:
            self._listed.discard(key)
            del self._members[key]
            complete = self.listings.scopes[key].complete
            self.settled.append(ScopeSettled(*key, self._badly.pop(key, 0), complete))

    def add(self, described: Described) -> None:
        """Take what a combination described; after a crash it may be known already."""
        if (described.descriptor.type, described.descriptor.id) not in self._born:
            self._found([described])

    def _settle_parent(self, parent: Parent, *, ok: bool) -> None:
        if parent in self._parents:
            return
        self._parents[parent] = ok
        self._admit(self._waiting.pop(parent, []))

    # --- decisions ---

    def _wake(self) -> None:
        while self._later and self._later[0][0] <= self._now:
            _, _, alone, item = heapq.heappop(self._later)
            if alone:
                self._writes.append(Chunk("process", item.type, item.batch, [item]))
            else:
                self._ready.add([item], self._now)
        while self._relist and self._relist[0][0] <= self._now:
            self.listings.want(heapq.heappop(self._relist)[2])

    def second_wave(self, chunks: list[Chunk]) -> None:
        """Hand over the deferred rows, in blocks, when `first_wave_over`."""
        self._writes.extend(chunks)

    def _act(self) -> None:
        if self.stopping is not None:
            return
        self._release_orphans()
        self._start_listings()
        if self.sink_down is None and not self.sink_full:
            self._isolate()
            self._dispatch()
        for number, worker in list(self._workers.items()):
            if worker.draining and worker.idle:
                del self._workers[number]
                self.actions.append(ReplaceWorker(number))

    def _release_orphans(self) -> None:
        """Descriptors whose parent nobody listed must not wait for ever."""
        if not self._waiting or self._sent or self._ready.count or self._writes:
            return
        if self._suspects or self._later or self._relist or not self.listings.idle:
            return
        for kind, scope in list(self._waiting):
            cause = Why("Permanent", f"failed (parent): {kind.value} {scope} was not listed")
            # An orphan may be a parent itself: its own children have failed with it by now.
            for each in self._waiting.pop((kind, scope), ()):
                self._fail(each if isinstance(each, EntityDescriptor) else each.descriptor, cause)

    @property
    def crowded(self) -> bool:
        """Whether listings should hold back: enough is known, and there is work to go on with."""
        known = self.open - self.deferred_open
        return known >= self.plan.backlog and bool(self._sent or self._ready.count)

    def _start_listings(self) -> None:
        if self.crowded:
            return
        for listing in self.listings.start(self.plan.listings_at_once):
            self.actions.append(StartListing(listing))

    def _isolate(self) -> None:
        """Give suspects to workers that hold nothing else; set workers aside for them."""
        wanted = min(len(self._suspects), max(1, len(self._workers) // 2))
        reserved = [each for each in self._workers.values() if each.reserved and not each.draining]
        if not self._suspects:
            for each in reserved:
                each.reserved = not each.idle
            return
        for each in sorted(
            self._workers.values(), key=lambda each: len(each.running) + len(each.unsettled)
        ):
            if len(reserved) >= wanted:
                break
            if not each.reserved and not each.draining:
                each.reserved = True
                reserved.append(each)
        for number, worker in self._workers.items():
            if worker.draining or not (worker.reserved and worker.idle):
                continue
            if self._suspects and self._free():
                self._send(number, worker, self._suspects.take())

    def _free(self) -> bool:
        return self.in_flight < self.plan.parallelism

    def _dispatch(self) -> None:
        growing = self._growing
        while self._free() and (self._writes or self._ready.count):
            number = least_loaded(self._workers)
            if number is None:
                return
            worker = self._workers[number]
            if self._writes:
                self._send(number, worker, self._joined_writes())
                continue
            slots = min(self.plan.parallelism, sum(each.slots for each in self._workers.values()))
            items = self._ready.take(slots, self._now, growing=growing, prefer=worker.batches)
            if not items:
                return
            self._send(number, worker, Chunk("process", items[0].type, items[0].batch, items))

    def _joined_writes(self) -> Chunk:
        """One chunk of what listings described: neighbours of one type and batch go together."""
        first = self._writes.popleft()
        while (
            first.kind == "write"
            and self._writes
            and len(first) < 200
            and (self._writes[0].kind, self._writes[0].type, self._writes[0].batch)
            == (first.kind, first.type, first.batch)
        ):
            more = self._writes.popleft()
            first.items += more.items
            first.described += more.described
        return first

    def _send(self, number: int, worker: WorkerState, chunk: Chunk) -> None:
        dispatch = next(self._ids)
        worker.running.add(dispatch)
        worker.batches.add(chunk.batch)
        self.in_flight += 1
        self._sent[dispatch] = Sent(number, chunk, {each.id: each for each in chunk.items})
        self.actions.append(Dispatch(dispatch, number, chunk))
