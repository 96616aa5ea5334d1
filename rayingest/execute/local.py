"""The engine in this process: one worker whose chunks run on daemon threads, listings on others.

What such a process may have died of before is read by another one, in a child process.
"""

import os
import queue
import threading
import time

from rayingest.core.source import DiscoverableSource, calls_of
from rayingest.errors import RayingestError
from rayingest.execute.apart import SINK, SOURCE
from rayingest.execute.child import Child
from rayingest.execute.engine import as_error, blocks
from rayingest.execute.events import (
    Chunk,
    Event,
    Found,
    Listing,
    ListingEnded,
    Read,
    WorkerReady,
)
from rayingest.execute.limits import Hub, LimitReport
from rayingest.execute.share import Share, Source
from rayingest.execute.snapshot import Snapshot
from rayingest.execute.together import Together
from rayingest.execute.worker import Worker
from rayingest.state.flight import Flight
from rayingest.workflows.stage import WorkerTask

HERE = 1  # the worker in this process; all others are children
UNHEARD = 16  # blocks of listings that the driver has not dealt with; then they wait for it
WAITING = 1000  # listings that may wait when we close


class LocalEngine:
    """Threads, and with `apart` a child process; never imports ray. `flight` notes what threads read."""

    name = "local"

    def __init__(
        self,
        task: WorkerTask,
        together: Together | None = None,
        flight: Flight | None = None,
        *,
        apart: bool = False,
    ) -> None:
        self.task = task
        self._together, self._flight, self._apart = together, flight, apart
        self._child: Child | None = None
        self._number = HERE
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._worker: Worker | None = None
        self._go = threading.Event()
        self._go.set()
        self._room = threading.Semaphore(UNHEARD)
        self._heard = 0
        self._closed = False
        self._failed: RayingestError | None = None
        self._hub = Hub(task.limits)
        self._share = Share(task.limits, self._hub, "this process") if task.limits else None
        self._writing = None
        if together is not None and together.limits:
            self._writing = Share(together.limits, together.hub, task.stage.name)

    def start(self) -> None:
        """See Engine."""
        threading.Thread(target=self._open, name="open", daemon=True).start()
        if self._apart:
            self._bear()

    def _bear(self) -> None:
        """Start a child, with a number of its own."""
        self._number += 1
        hubs: dict[str, Source] = {SOURCE: self._hub}
        if self._together is not None:
            hubs[SINK] = self._together.hub
        self._child = Child(self._number, self.task, self._events.put, self._fail, hubs)

    def _fail(self, error: RayingestError) -> None:
        self._failed = error

    def _open(self) -> None:
        """Open the worker beside the first listing: drivers and clients take a while to import."""
        try:
            worker = self._worker = Worker(
                HERE, self.task, self._events.put, self._share, self._writing
            )
        except Exception as error:  # noqa: BLE001 - it is raised again in the driver's thread
            self._failed = as_error(error)
        else:
            if self._closed:  # the run was over before its worker was born
                worker.close()
            self._events.put(WorkerReady(HERE, self.task.slots))

    def dispatch(self, dispatch: int, worker: int, chunk: Chunk) -> None:
        """See Engine."""
        assert self._worker is not None  # noqa: S101 - the scheduler only names workers that are ready
        if worker != HERE:
            if self._child is not None and self._child.number == worker:
                self._child.submit(dispatch, chunk)
            return
        if self._flight is not None and chunk.kind == "process":
            self._flight.began(dispatch, chunk.items)
        self._worker.submit(dispatch, chunk)

    def start_listing(self, listing: Listing) -> None:
        """See Engine."""
        threading.Thread(
            target=self._list, args=(listing,), name=f"listing-{listing.type}", daemon=True
        ).start()

    def _list(self, listing: Listing) -> None:
        started = time.monotonic()
        source: DiscoverableSource | None = None
        error = None
        self._events.put(Found(listing, []))
        try:
            opened = self.task.stage.open(os.environ)
            if self._share is not None:
                opened = opened.limited(self._share)
            with opened.connector.open(opened.settings, self.task.context) as source:
                for block in blocks(source, listing):
                    self._go.wait()
                    self._room.acquire()
                    if self._closed:
                        return
                    self._events.put(Found(listing, block))
        except Exception as raised:  # noqa: BLE001 - whatever stopped a listing is its result
            error = as_error(raised)
        seconds = time.monotonic() - started
        self._events.put(ListingEnded(listing, error, False, seconds, calls_of(source)))

    def replace(self, worker: int) -> None:
        """Another child for one that is gone; threads of this process cannot be ended from outside."""
        if self._child is not None and self._child.number == worker:
            self._child.close()
            self._bear()

    def hold_listings(self, hold: bool) -> None:
        """See Engine."""
        if hold:
            self._go.clear()
        else:
            self._go.set()

    def put(self, event: Event) -> None:
        """Let the driver's own sink speak."""
        self._events.put(event)

    def wait(self, timeout: float) -> list[Event]:
        """See Engine. Raises what kept the worker from opening."""
        if self._failed is not None:
            raise self._failed
        if self._heard:  # what was taken the last time has been dealt with
            self._room.release(self._heard)
            self._heard = 0
        found: list[Event] = []
        try:
            found.append(self._events.get(timeout=timeout))
            while len(found) < 1000:
                found.append(self._events.get_nowait())
        except queue.Empty:
            pass
        for each in found:
            if isinstance(each, Found):
                self._heard += bool(each.items)
            elif self._flight is not None and isinstance(each, Read) and each.worker == HERE:
                self._flight.ended(each.dispatch)
        return found

    def cancel_listing(self, listing: Listing) -> None:
        """Its thread is a daemon and is left: what it still yields belongs to a listing that ended."""

    def note(self, snapshot: Snapshot) -> None:
        """Nothing to keep up to date."""

    def slowest(self) -> list[tuple[str, float]]:
        """See Engine."""
        running = self._worker.running() if self._worker else []
        return sorted(running, key=lambda each: -each[1])

    def stats(self) -> dict[str, float]:
        """See Engine."""
        sums = self._worker.stats() if self._worker else {}
        for key, value in self._child.stats.items() if self._child else ():
            sums[key] = sums.get(key, 0.0) + value
        return sums

    def limits(self) -> list[LimitReport]:
        """See Engine."""
        return self._hub.report()

    def about(self) -> dict[str, str]:
        """See Engine."""
        return {"engine": "local"}

    def stacks(self) -> dict[str, str]:
        """See Engine."""
        return self._worker.stacks() if self._worker else {}

    def close(self) -> None:
        """See Engine."""
        self._closed = True
        self._go.set()
        self._room.release(WAITING)
        if self._child is not None:
            self._child.close()
        if self._worker is not None:
            self._worker.close()
        if self._flight is not None:
            self._flight.over()
