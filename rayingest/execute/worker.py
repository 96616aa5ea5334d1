"""A worker: holds sessions, describes chunks on daemon threads, hands rows to the sink.

The same class serves inside a Ray actor and in this process; it is born empty and told everything.
"""

import math
import os
import queue
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack

from rayingest.core.limits import UNLIMITED
from rayingest.core.sink import Placement, SinkSession
from rayingest.execute import cgroup
from rayingest.execute.delivery import Delivery
from rayingest.execute.encoding import Encoder
from rayingest.execute.events import (
    Chunk,
    Event,
    Read,
    Result,
    SinkState,
    Why,
)
from rayingest.execute.reading import Reading
from rayingest.execute.running import Holder, Running
from rayingest.execute.share import Share
from rayingest.execute.watch import Watch
from rayingest.workflows.stage import WorkerTask

FULL = 0.8  # of its share of the memory: then a worker is replaced


class Worker:
    """Runs chunks. `emit` hears Read, Settled and SinkState events."""

    def __init__(
        self,
        number: int,
        task: WorkerTask,
        emit: Callable[[Event], None],
        share: Share | None = None,
        writing: Share | None = None,
    ) -> None:
        self.number = number
        self.task = task
        self.emit = emit
        self.opened = task.stage.open(os.environ)
        self._here = threading.local()
        self._share = share
        self._writing = writing
        if share is not None:
            share.listener = self._limited
            self.opened = self.opened.limited(share)
        self._stack = ExitStack()
        self.session: SinkSession = self._stack.enter_context(
            self.opened.sink.open(dry_run=task.dry_run)
        )
        self.delivery = self._deliver() if self.writes else None
        self._tasks: queue.SimpleQueue[tuple[int, Chunk] | None] = queue.SimpleQueue()
        self._idle = 0
        self._allowed = memory_allowed(task.share)
        self._throttled = cgroup.throttled()
        self._lock = threading.Lock()
        self._running: dict[int, Running] = {}
        self._closed = threading.Event()
        encoder = Encoder(self.session, self._sink_state, self._closed)
        self._reading = Reading(encoder, self.delivery)
        self._watcher = Watch(task.call_timeout, self._current, self._give_up, self._closed)

    @property
    def writes(self) -> bool:
        """Whether rows are written here."""
        return self.opened.sink.placement is Placement.WORKER

    def _deliver(self) -> Delivery:
        sink = self.opened.sink
        return Delivery(
            self.session,
            max_rows=sink.max_rows,
            max_bytes=sink.max_bytes,
            writers=self.task.writers,
            emit=self.emit,
            worker=self.number,
            limiter=self._writing or UNLIMITED,
            sink=sink.identity,
        )

    def submit(self, dispatch: int, chunk: Chunk) -> None:
        """Take a chunk; its events follow. Never blocks."""
        if self.delivery is not None:
            self.delivery.remember(chunk.there)
        if chunk.kind == "deferred":
            self._write_deferred(dispatch, chunk)
            return
        self._tasks.put((dispatch, chunk))
        with self._lock:
            if self._idle:
                self._idle -= 1
                return
        threading.Thread(target=self._serve, name=f"slot-{dispatch}", daemon=True).start()

    def _write_deferred(self, dispatch: int, chunk: Chunk) -> None:
        assert self.delivery is not None  # noqa: S101 - the driver writes for the other sinks
        self.emit(Read(dispatch, self.number, [], [], 0.0, 0))
        self.delivery.write_deferred(dispatch, chunk.block)

    def stats(self) -> dict[str, float]:
        """Seconds and calls at the sink so far."""
        delivery = self.delivery
        if self._share is not None:
            self._share.tell()
        return {
            "sink_seconds": delivery.seconds if delivery else 0.0,
            "sink_calls": float(self.session.calls),
            "cpu_seconds": time.process_time(),
            "throttled_seconds": cgroup.throttled() - self._throttled,
        }

    def running(self) -> list[tuple[str, float]]:
        """What is being read: the first id of each chunk and for how many seconds."""
        now = time.monotonic()
        return [(next(iter([*each.left]), ""), now - each.started) for each in self._current()]

    def _current(self) -> list[Running]:
        with self._lock:
            return list(self._running.values())

    def _sink_state(self, cause: Why | None) -> None:
        self.emit(SinkState(self.number, cause))

    def stacks(self) -> dict[str, str]:
        """Where each thread that is reading stands now, for stall reports."""
        frames = sys._current_frames()  # noqa: SLF001 - the documented way to see other threads
        with self._lock:
            reading = {each.thread: next(iter([*each.left]), "") for each in self._running.values()}
        return {
            f"{thread.name} {reading.get(thread.ident, '')}".strip(): "".join(
                traceback.format_stack(frames[thread.ident], limit=12)
            )
            for thread in threading.enumerate()
            if thread.ident in frames and thread.name.startswith("slot-")
        }

    def close(self) -> None:
        """Let idle threads end and close the sink. Threads that hang are daemons and are left."""
        self._closed.set()
        for each in (self._share, self._writing):
            if each is not None:
                each.close()
        with self._lock:
            idle = self._idle
        for _ in range(idle):
            self._tasks.put(None)
        if self.delivery is not None:
            self.delivery.close()
        self._stack.close()

    # --- one thread ---

    def _serve(self) -> None:
        holder = Holder(self.opened, self.task.context)
        try:
            while (task := self._tasks.get()) is not None:
                if not self._process(*task, holder) or self._closed.is_set():
                    return
        finally:
            holder.drop()

    def _process(self, dispatch: int, chunk: Chunk, holder: Holder) -> bool:
        """Read one chunk; False when this thread was given up meanwhile."""
        now = time.monotonic()
        ticket = self.delivery.begin(dispatch) if self.delivery else None
        left = {each.id: each for each in chunk.items}
        run = Running(dispatch, chunk, holder, ticket, left, now, now)
        with self._lock:
            self._running[dispatch] = run
        self._here.run = run
        self._reading.work(run)
        with run.lock:
            if run.abandoned:
                return False
            run.abandoned = True
        with self._lock:
            # Before the driver hears of it: its next chunk must find this thread and its session.
            self._idle += 1
        self._report(run)
        return True

    def _limited(self, waits: bool) -> None:
        """A thread waits for a limit, or goes on: no time of the source's passes meanwhile."""
        run: Running | None = getattr(self._here, "run", None)
        if run is None:
            return
        now = time.monotonic()
        if waits:
            run.limited, run.since = now, math.inf
        else:
            run.held_back += now - run.limited
            run.since = now

    def _report(self, run: Running, *, abandoned: bool = False) -> None:
        with self._lock:
            self._running.pop(run.dispatch, None)
        run.emitted += Counter()
        held = cgroup.resident() if self._allowed else 0
        self.emit(
            Read(
                run.dispatch,
                self.number,
                run.ended,
                run.children,
                time.monotonic() - run.started,
                run.calls,
                abandoned,
                run.rows,
                dict(run.emitted),
                run.waited,
                run.parts,
                run.held_back,
                held,
                held > self._allowed,
                run.pending,
            )
        )
        if run.ticket is not None and self.delivery is not None:
            self.delivery.end(run.ticket)

    def _give_up(self, run: Running) -> None:
        """Abandon the thread: what it answers from now on is not heard."""
        with run.lock:
            if run.abandoned or run.since == math.inf:
                return
            run.abandoned = True
            run.ended.extend(Result(each, "hung") for each in run.left)
            run.left.clear()
        self._report(run, abandoned=True)


def memory_allowed(share: float) -> int:
    """Bytes that a process with this share of the memory may hold; 0 when nobody can say."""
    return int((cgroup.memory_limit() or 0) * FULL * share)
