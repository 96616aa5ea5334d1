"""What runs inside Ray: the actor around a Worker, and the task that lists."""

import gc
import os
import platform
import queue
import time
from collections.abc import Generator
from dataclasses import replace
from importlib.metadata import version
from typing import Any

from rayingest import __version__
from rayingest.core.source import DiscoverableSource, calls_of
from rayingest.errors import RayingestError
from rayingest.execute.carrying import pack, unpack
from rayingest.execute.engine import RARELY, as_error, blocks
from rayingest.execute.events import Event, Found, Listing, ListingEnded
from rayingest.execute.limits import Granted, Told
from rayingest.execute.share import Share
from rayingest.execute.surroundings import adopt
from rayingest.execute.worker import Worker
from rayingest.workflows.stage import WorkerTask

POLL_SECONDS = 5.0


def handshake() -> dict[str, str]:
    """What must agree between the driver and a worker."""
    return {
        "rayingest": __version__,
        "ray": version("ray"),
        "python": ".".join(platform.python_version_tuple()[:2]),
    }


class RayWorker:
    """A Worker behind remote calls. Born empty: `open` brings everything."""

    def __init__(self, number: int) -> None:
        self.number = number
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._worker: Worker | None = None

    def present(self, names: list[str]) -> list[str]:
        """Which of these variables this process has in its own environment."""
        return [name for name in names if name in os.environ]

    def open(
        self, task: WorkerTask, context: Any, hub: Any = None, sinks: Any = None
    ) -> dict[str, str]:
        """Become a worker; answers the handshake and where this process runs."""
        import ray

        gc.set_threshold(*RARELY)
        adopt(task.surroundings, os.environ)
        try:
            name = worker_name(task, self.number)
            share = Share(task.limits, Far(hub), name) if task.limits else None
            writing = Share(task.sink_limits, Far(sinks), name) if task.sink_limits else None
            whole = replace(task, context=context)
            self._worker = Worker(self.number, whole, self._events.put, share, writing)
        except RayingestError as error:
            return {"error": str(error), "hint": error.hint or "", "kind": type(error).__name__}
        return handshake() | {"node": ray.get_runtime_context().get_node_id()}

    def submit(self, dispatch: int, packed: bytes) -> None:
        """Take a chunk."""
        assert self._worker is not None  # noqa: S101 - the driver waits for `open`
        self._worker.submit(dispatch, unpack(packed))

    def events(self) -> bytes:
        """What happened since the last call, packed; waits up to 5 s for something."""
        found: list[Event] = []
        try:
            found.append(self._events.get(timeout=POLL_SECONDS))
            while len(found) < 1000:
                found.append(self._events.get_nowait())
        except queue.Empty:
            pass
        return pack(found)

    def stats(self) -> dict[str, float]:
        """See Worker."""
        return self._worker.stats() if self._worker else {}

    def running(self) -> list[tuple[str, float]]:
        """See Worker."""
        return self._worker.running() if self._worker else []

    def stacks(self) -> dict[str, str]:
        """See Worker."""
        return self._worker.stacks() if self._worker else {}

    def close(self) -> None:
        """Close what can be closed."""
        if self._worker is not None:
            self._worker.close()


def worker_name(task: WorkerTask, number: int) -> str:
    """What the hubs call a worker: `postgres:shop worker 1`."""
    return f"{task.stage.name} worker {number}"


class Far:
    """The hub of a run, in another process."""

    def __init__(self, hub: Any) -> None:
        import ray

        self._ray: Any = ray
        self._hub = hub

    def exchange(self, worker: str, name: str, told: Told) -> Granted:
        """See Hub. Raises RayError while it is being replaced."""
        granted: Granted = self._ray.get(self._hub.exchange.remote(worker, name, told))
        return granted

    def refuse(self, name: str, wait: float | None) -> None:
        """See Hub."""
        self._hub.refuse.remote(name, wait)

    def leave(self, worker: str) -> None:
        """See Hub."""
        self._hub.leave.remote(worker)


def list_in_task(
    task: WorkerTask, context: Any, listing: Listing, hub: Any = None, name: str = ""
) -> Generator[bytes]:
    """One listing as a stream of Found, packed, ended by ListingEnded; a death in between ends it without one."""
    started = time.monotonic()
    source: DiscoverableSource | None = None
    error = None
    share = None
    adopt(task.surroundings, os.environ)
    yield pack(Found(listing, []))  # it has begun: a task may have waited long for a place to run
    try:
        opened = task.stage.open(os.environ)
        if task.limits:
            share = Share(task.limits, Far(hub), name)
            opened = opened.limited(share)
        with opened.connector.open(opened.settings, context) as source:
            for block in blocks(source, listing):
                yield pack(Found(listing, block))
    except Exception as raised:  # noqa: BLE001 - whatever stopped a listing is its result
        error = as_error(raised)
    if share is not None:
        share.tell()
        share.close()
    seconds = time.monotonic() - started
    yield pack(ListingEnded(listing, error, False, seconds, calls_of(source)))
