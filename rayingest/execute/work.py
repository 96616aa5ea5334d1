"""Chunks of a run: those that wait to be given out, who gets which, and what every worker holds."""

from collections import deque
from collections.abc import Iterator
from itertools import count

from rayingest.core.source import Described, EntityDescriptor
from rayingest.execute.events import Chunk, Dispatch, Read
from rayingest.execute.plan import Plan
from rayingest.execute.pools import Ready
from rayingest.execute.suspects import Suspects
from rayingest.execute.workforce import Sent, WorkerState, Workforce
from rayingest.model import EntityType

JOINED = 200  # of what listings described, in one chunk


class Work:
    """What waits: `ready` descriptors, `writes` that go before them, `suspects` that go alone.

    `sent` is what was given out and has not all its answers; of that `in_flight` is still being read.
    `retired` slots are lost to threads that hang.
    """

    def __init__(self, plan: Plan) -> None:
        self._apart = plan.before.apart if plan.before is not None else frozenset()
        self.workers = Workforce(replaceable=plan.replaceable, apart=bool(self._apart))
        self.ready = Ready(
            list(plan.types),
            dict(plan.batching),
            plan.seed,
            plan.linger,
            frozenset(plan.dependencies.values()),
        )
        self.writes: deque[Chunk] = deque()
        self.suspects = Suspects()
        self.sent: dict[int, Sent] = {}
        self.in_flight = 0
        self.retired = 0
        self._parallelism = plan.parallelism
        self._ids = count(1)

    def __bool__(self) -> bool:
        """Whether there is any, waiting or given out."""
        return bool(self.sent or self.ready.count or self.writes or self.suspects)

    # --- what waits ---

    def add(self, items: list[EntityDescriptor], now: float) -> None:
        """These are ready; what a process may have died of goes apart."""
        if self._apart:
            items = list(self._harmless(items))
        if items:
            self.ready.add(items, now)

    def _harmless(self, items: list[EntityDescriptor]) -> Iterator[EntityDescriptor]:
        suspected: dict[tuple[EntityType, str], list[EntityDescriptor]] = {}
        for each in items:
            if (each.type, each.id) in self._apart:
                suspected.setdefault((each.type, each.batch), []).append(each)
            else:
                yield each
        for (kind, batch), held in suspected.items():
            most = self.ready.sizer(kind).most
            for at in range(0, len(held), most):
                chunk = Chunk("process", kind, batch, held[at : at + most], suspect=True)
                self.suspects.append(chunk)

    def write(self, described: Described) -> None:
        """What a listing described is only to be written."""
        item = described.descriptor
        self.writes.append(Chunk("write", item.type, item.batch, [item], [described]))

    def alone(self, item: EntityDescriptor) -> None:
        """One is to be asked for alone."""
        suspect = (item.type, item.id) in self._apart
        chunk = Chunk("process", item.type, item.batch, [item], suspect=suspect)
        (self.suspects if suspect else self.writes).append(chunk)

    def apart(self, chunk: Chunk, items: list[EntityDescriptor]) -> None:
        """Each of these out of a chunk is to be asked for alone; suspects stay suspects."""
        for each in items:
            (self.suspects if chunk.suspect else self.writes).append(chunk.only([each]))

    def again(self, chunk: Chunk, now: float) -> None:
        """A chunk that came back, and that nobody blames."""
        if chunk.suspect:
            self.suspects.first(chunk)
        elif chunk.kind == "write":
            self.writes.append(chunk)
        else:
            self.add(chunk.items, now)

    # --- giving out ---

    def assign(self, now: float, *, growing: bool) -> Iterator[Dispatch]:
        """Chunks for all workers with room; while it is `growing` small ones wait for company."""
        yield from self._isolated()
        while self._free and (self.writes or self.ready.count):
            number = self.workers.least_loaded()
            if number is None:
                return
            worker = self.workers[number]
            if self.writes:
                yield self._give(number, worker, self._joined_writes())
                continue
            slots = min(self._parallelism, self.workers.slots)
            items = self.ready.take(slots, now, growing=growing, prefer=worker.batches)
            if not items:
                return
            items = self._once_each(items)
            chunk = Chunk("process", items[0].type, items[0].batch, items)
            yield self._give(number, worker, chunk)

    def _once_each(self, items: list[EntityDescriptor]) -> list[EntityDescriptor]:
        """What a source lists in two scopes is asked for twice: answers are told apart by id alone."""
        first = {each.id: each for each in reversed(items)}
        if len(first) == len(items):
            return items
        for each in items:
            if first[each.id] is not each:
                self.alone(each)
        return [each for each in items if first[each.id] is each]

    def _isolated(self) -> Iterator[Dispatch]:
        """Suspects go to workers that hold nothing else; workers are set aside for them."""
        self.workers.reserve(len(self.suspects))
        for number, worker in self.workers.apart():
            if self.suspects and self._free:
                yield self._give(number, worker, self.suspects.take())

    @property
    def _free(self) -> bool:
        return self.in_flight < self._parallelism

    def _joined_writes(self) -> Chunk:
        """One chunk of what listings described: neighbours of one type and batch go together."""
        first = self.writes.popleft()
        ids = {each.id for each in first.items}
        while (
            first.kind == "write"
            and self.writes
            and len(first) < JOINED
            and (self.writes[0].kind, self.writes[0].type, self.writes[0].batch)
            == (first.kind, first.type, first.batch)
            and ids.isdisjoint(each.id for each in self.writes[0].items)
        ):
            more = self.writes.popleft()
            ids.update(each.id for each in more.items)
            first.items += more.items
            first.described += more.described
        return first

    def _give(self, number: int, worker: WorkerState, chunk: Chunk) -> Dispatch:
        dispatch = next(self._ids)
        worker.running.add(dispatch)
        worker.batches.add(chunk.batch)
        self.in_flight += 1
        self.sent[dispatch] = Sent(number, chunk, {each.id: each for each in chunk.items})
        return Dispatch(dispatch, number, chunk)

    # --- what comes back ---

    def was_read(self, event: Read, entity_type: EntityType, *, unsettled: bool) -> None:
        """The slot of a dispatch is free, but for a hung thread."""
        worker = self.workers.get(event.worker)
        if worker is None:
            return
        worker.running.discard(event.dispatch)
        if unsettled:
            worker.unsettled.add(event.dispatch)
        if event.abandoned:
            self.workers.lose_slot(worker)
            self.retired += 1
        if event.full and self.workers.fill(worker):
            self.ready.sizer(entity_type).shrink()

    def settled(self, dispatch: int) -> None:
        """All of a dispatch has its answers."""
        sent = self.sent.pop(dispatch)
        worker = self.workers.get(sent.worker)
        if worker is not None:
            worker.settled(dispatch)
