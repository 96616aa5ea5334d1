"""Rows on their way to the sink: buffered across chunks, flushed by number, size or age, answered.

One `Delivery` per process that writes: every worker for sinks placed there, else the driver.
"""

import queue
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from rayingest.core.limits import UNLIMITED, Limiter
from rayingest.core.sink import Answer, Row, SinkSession, identity
from rayingest.execute.asking import Asking
from rayingest.execute.events import Deferred, Result, Settled, SinkState, Why, Written
from rayingest.execute.recent import Recent
from rayingest.model import USAGE

LINGER = 0.2  # seconds that a row waits for company while the source still reads
LAST_WORDS = 0.5  # seconds for writes under way when we close; at a good end there are none


@dataclass(slots=True)
class Ticket:
    """One dispatch's rows: settled when every descriptor has its answers and the source is read."""

    dispatch: int
    results: dict[str, Result] = field(default_factory=dict)
    pending: dict[str, int] = field(default_factory=dict)
    unanswered: int = 0
    queued: dict[str, deque[list[Row]]] = field(default_factory=dict)
    deferred: list[Deferred] = field(default_factory=list)
    later: dict[str, list[Row]] = field(default_factory=dict)
    read: bool = False
    cancelled: bool = False


@dataclass(slots=True)
class _Item:
    ticket: Ticket
    descriptor: str
    row: Row
    halved: bool  # without what it refers to, for now


class Delivery:
    """Buffers rows per type and writes them with a few threads.

    `emit` hears Settled and SinkState. While too much is on its way `add` blocks, so that a slow sink
    slows the source and memory stays flat; where nobody may be held up (`blocking=False`: the
    driver's own thread), it is `full` that says so. `limiter` bounds the calls of several runs to one
    `sink`.
    """

    def __init__(
        self,
        session: SinkSession,
        *,
        max_rows: int,
        max_bytes: int,
        writers: int,
        emit: Callable[[Settled | SinkState], None],
        worker: int = 0,
        blocking: bool = True,
        limiter: Limiter = UNLIMITED,
        sink: str = "",
    ) -> None:
        self._blocking = blocking
        self._max_rows, self._max_bytes = max_rows, max_bytes
        self._emit = emit
        self._lock = threading.Condition()
        self._buffers: dict[str, list[_Item]] = {}
        self._sizes: Counter[str] = Counter()
        self._since: dict[str, float] = {}
        self._batches: queue.SimpleQueue[list[_Item] | None] = queue.SimpleQueue()
        self._room = max(2_000, max_rows * writers * 4)
        self._on_the_way = 0
        self._reading = 0
        self._there = Recent()
        self._closed = threading.Event()
        self._asking = Asking(
            session, self._closed, emit, worker=worker, limiter=limiter, sink=sink
        )
        self._threads = [
            threading.Thread(target=self._write, name=f"sink-{number}", daemon=True)
            for number in range(writers)
        ]
        self._clock = threading.Thread(target=self._tick, name="sink-clock", daemon=True)
        for thread in (*self._threads, self._clock):
            thread.start()

    @property
    def seconds(self) -> float:
        """What all calls of the sink have taken."""
        return self._asking.seconds

    def remember(self, names: Iterable[str]) -> None:
        """Others wrote these: whoever refers to them need not wait."""
        with self._lock:
            for each in names:
                self._there.add(each)

    # --- from the source side ---

    @property
    def full(self) -> bool:
        """Whether so much is on its way that nothing should be read for now."""
        return self._on_the_way > self._room

    def begin(self, dispatch: int) -> Ticket:
        """Announce a dispatch: while any is being read, rows wait for company."""
        with self._lock:
            self._reading += 1
        return Ticket(dispatch)

    def add(
        self,
        ticket: Ticket,
        descriptor: str,
        rows: Sequence[Row],
        done: list[Written],
        cause: Why | None,
        *,
        whole: bool = False,
    ) -> None:
        """Take one descriptor's rows, in writing order; `done` need no writing (see Worker).

        `whole`: see Result.
        """
        if not rows and not done and not self.full:
            # Nobody else looks at a ticket before its end: many threads need not queue for the lock.
            ticket.results[descriptor] = Result(
                descriptor, "ok" if cause is None else "failed", cause, whole=whole
            )
            ticket.pending[descriptor] = 0
            return
        with self._lock:
            while self._blocking and self.full and not self._closed.is_set():
                self._lock.wait(0.5)
            if ticket.cancelled:
                return
            refused = any(each.outcome == "refused" for each in done)
            result = Result(descriptor, "failed" if refused else "ok", cause, done, whole=whole)
            for each in done:
                if each.outcome == "unchanged":
                    self._there.add(identity(each.type, each.fqn))
            ticket.results[descriptor] = result
            ticket.pending[descriptor] = len(rows)
            ticket.unanswered += len(rows)
            self._on_the_way += len(rows)
            groups: deque[list[Row]] = deque()
            for row in rows:
                if groups and groups[-1][0].type == row.type:
                    groups[-1].append(row)
                else:
                    groups.append([row])
            if groups:
                first = groups.popleft()
                if groups:
                    ticket.queued[descriptor] = groups
                self._buffer(ticket, descriptor, first)

    def end(self, ticket: Ticket) -> None:
        """The source has answered for this dispatch; Settled follows when the sink has, too."""
        with self._lock:
            ticket.read = True
            self._reading -= 1
            if not self._reading:
                self._flush_all()
            self._maybe_settle(ticket)

    def cancel(self, ticket: Ticket) -> None:
        """Nothing that an abandoned thread adds later is heard."""
        with self._lock:
            ticket.cancelled = True

    def write_deferred(self, dispatch: int, block: Sequence[Deferred]) -> None:
        """Second wave: send full bodies."""
        with self._lock:
            ticket = Ticket(dispatch, read=True)
            for each in block:
                ticket.results[each.id] = Result(
                    each.id, "ok", None, list(each.written), whole=each.whole
                )
                ticket.pending[each.id] = len(each.rows)
                ticket.unanswered += len(each.rows)
            self._on_the_way += ticket.unanswered
            for each in block:
                self._buffer(ticket, each.id, each.rows, first_wave=False)
            self._flush_all()
            self._maybe_settle(ticket)

    def close(self) -> None:
        """Stop the threads; what is not written stays unanswered."""
        self._closed.set()
        for _ in self._threads:
            self._batches.put(None)
        with self._lock:
            self._lock.notify_all()
        deadline = time.monotonic() + LAST_WORDS
        for thread in self._threads:
            thread.join(timeout=max(0.0, deadline - time.monotonic()))

    # --- buffering ---

    def _buffer(
        self, ticket: Ticket, descriptor: str, rows: Sequence[Row], *, first_wave: bool = True
    ) -> None:
        for row in rows:
            waits = first_wave and bool(row.needs)
            if waits and (row.partial is None or row.known):
                if not self._there.issuperset(row.needs):
                    self._hold_back(ticket, descriptor, row)
                    continue
                waits = False  # lineage between what is there already
            items = self._buffers.setdefault(row.type, [])
            if not items:
                self._since[row.type] = time.monotonic()
            size = len(row.body)
            if items and self._sizes[row.type] + size > self._max_bytes:
                self._flush(row.type)
                items = self._buffers.setdefault(row.type, [])
                self._since[row.type] = time.monotonic()
            items.append(_Item(ticket, descriptor, row, waits))
            self._sizes[row.type] += size
            if len(items) >= self._max_rows:
                self._flush(row.type)

    def _hold_back(self, ticket: Ticket, descriptor: str, row: Row) -> None:
        """A row that is only written when it is clear what it refers to: a lineage edge, or what is there."""
        if row.known:
            self._there.add(identity(row.type, row.fqn))
            row = _half_written(row)
        ticket.later.setdefault(descriptor, []).append(row)
        self._on_the_way -= 1
        self._one_answered(ticket, descriptor)

    def _flush(self, kind: str) -> None:
        items = self._buffers.pop(kind, [])
        self._sizes.pop(kind, None)
        if items:
            self._batches.put(items)

    def _flush_all(self) -> None:
        for kind in list(self._buffers):
            self._flush(kind)

    def _tick(self) -> None:
        while not self._closed.wait(LINGER / 4):
            with self._lock:
                before = time.monotonic() - LINGER
                for kind in [kind for kind in self._buffers if self._since[kind] <= before]:
                    self._flush(kind)

    # --- writing ---

    def _write(self) -> None:
        while (items := self._batches.get()) is not None and not self._closed.is_set():
            for item in items:
                if item.halved and self._there.issuperset(item.row.needs):
                    item.halved = False
            answers = self._asking.ask([_to_send(each) for each in items])
            if answers is None:
                return
            with self._lock:
                for item, answer in zip(items, answers, strict=True):
                    self._answered(item, answer)
                self._on_the_way -= len(items)
                self._lock.notify_all()

    def _answered(self, item: _Item, answer: Answer) -> None:
        result = item.ticket.results[item.descriptor]
        row = item.row
        if answer.outcome == "refused":
            result.status = "failed"
            if result.why is None:
                result.why = Why(
                    "Refused", answer.why or "the sink refused it", answer.hint, None, "sink"
                )
        else:
            self._there.add(identity(row.type, row.fqn))
            if item.halved:
                item.ticket.later.setdefault(item.descriptor, []).append(_half_written(row))
                self._one_answered(item.ticket, item.descriptor)
                return
        result.written.append(Written.of(row, answer.outcome))
        self._one_answered(item.ticket, item.descriptor)

    def _one_answered(self, ticket: Ticket, descriptor: str) -> None:
        ticket.pending[descriptor] -= 1
        ticket.unanswered -= 1
        if ticket.pending[descriptor]:
            queued = ticket.queued.get(descriptor)
            if queued and self._group_over(ticket, descriptor):
                self._buffer(ticket, descriptor, queued.popleft())
                self._flush_all() if not self._reading else None
            return
        self._maybe_settle(ticket)

    def _group_over(self, ticket: Ticket, descriptor: str) -> bool:
        """Whether all rows of a descriptor that were handed on so far are answered."""
        return ticket.pending[descriptor] == sum(map(len, ticket.queued[descriptor]))

    def _maybe_settle(self, ticket: Ticket) -> None:
        if not ticket.read or ticket.cancelled or ticket.unanswered:
            return
        deferred = []
        for descriptor, rows in ticket.later.items():
            result = ticket.results[descriptor]
            if result.status == "failed":
                result.written += [Written(row.type, row.fqn, row.hash, "refused") for row in rows]
            else:
                deferred.append(Deferred(descriptor, rows, result.written, whole=result.whole))
                del ticket.results[descriptor]
        for result in ticket.results.values():
            if result.status == "ok" and _all_unchanged(result.written):
                result.status = "unchanged"
        ticket.cancelled = True
        self._emit(Settled(ticket.dispatch, list(ticket.results.values()), deferred))


def _half_written(row: Row) -> Row:
    """What is left to send of a row that the sink has without what it refers to."""
    return Row(row.type, row.fqn, row.body, row.hash, b"", row.needs, row.known)


def _to_send(item: _Item) -> Row:
    row = item.row
    if item.halved and row.partial is not None:
        return Row(row.type, row.fqn, row.partial, row.hash)
    return row


def _all_unchanged(written: Sequence[Written]) -> bool:
    """Whether the sink had it all: that it was used says nothing about what it is."""
    outcomes = {each.outcome for each in written if each.type != USAGE}
    return outcomes == {"unchanged"}
