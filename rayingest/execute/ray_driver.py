"""The engine on Ray: few threaded actors that hold sessions, a streaming task per listing."""

import contextlib
import operator
import os
import queue
import time
from dataclasses import dataclass, replace
from typing import Any

from rayingest.errors import ConfigError, MissingDriver
from rayingest.execute.carrying import pack, unpack
from rayingest.execute.events import (
    Chunk,
    Event,
    Listing,
    WorkerLost,
    WorkerReady,
)
from rayingest.execute.growth import Growth
from rayingest.execute.limits import LimitReport
from rayingest.execute.ray_actor import RayWorker, handshake, worker_name
from rayingest.execute.ray_listings import RayListings
from rayingest.execute.ray_metrics import Metrics
from rayingest.execute.ray_session import ask_for, connect, first_line, resolve_address, started_hub
from rayingest.execute.snapshot import Snapshot
from rayingest.execute.together import Together
from rayingest.workflows.stage import WorkerTask

FRUITLESS_STARTS = 3
MEMORY = 1.0  # of a machine's, or container's, that is for us
STACKS_SECONDS = 10.0  # that workers have to tell what they do, when nothing happens
LOOK_SECONDS = 5.0  # between looks at a cluster that may have grown


@dataclass
class Actor:
    """One remote worker as the driver sees it."""

    handle: Any
    slots: int
    node: str = ""
    ready: bool = False


class RayEngine:
    """Connects to Ray (`local` starts a private one), spreads actors, replaces the dead."""

    name = "ray"

    def __init__(
        self,
        task: WorkerTask,
        *,
        parallelism: int,
        actors: int = 1,
        address: str = "local",
        run_id: str = "",
        driver_sink: bool = False,
        dashboard: bool = False,
        together: Together | None = None,
        grows: bool = False,
    ) -> None:
        try:
            import ray
        except ImportError as error:
            raise MissingDriver("ray", "ray") from error
        self._ray: Any = ray
        self.task = task
        self.parallelism = parallelism
        self.actors = actors
        self.address = resolve_address(address, os.environ.get("RAY_ADDRESS"))
        self.run_id = run_id
        self.dashboard = dashboard
        self._together = together
        self._growth = Growth(min(actors, parallelism), ask_for) if grows else None
        self._tick = 0.02 if driver_sink else 0.25
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._actors: dict[int, Actor] = {}
        self._polls: dict[Any, int] = {}
        self._opening: dict[Any, int] = {}
        self._listings = RayListings(ray, self._left)
        self._held = False
        self._number = 0
        self._fruitless = 0
        self._started = False
        self._link = ""
        self._metrics: Metrics | None = None
        self._hub: Any = None
        self._asked: Any = None
        self._looked = 0.0
        self._used: list[LimitReport] = []

    # --- beginning and end ---

    def start(self) -> None:
        """See Engine. Raises ConfigError when Ray cannot be started or reached."""
        if self._together is None:
            self._link = connect(self._ray, self.address, dashboard=self.dashboard)
        self._started = True
        self._context = self._ray.put(self.task.context)
        if self.task.limits:
            self._hub, _ = started_hub(
                f"{self.task.stage.name} {self.run_id} limits",
                self.task.limits,
                callers=2 * self.actors + 8,
            )
        cores = max(1, int(self._ray.cluster_resources().get("CPU", 1)))
        count = self._wanted()
        self._looked = time.monotonic()
        self._share = min(0.5, cores / count / 2)
        nodes = sum(each["Alive"] and "CPU" in each["Resources"] for each in self._ray.nodes()) or 1
        # The driver has a part, too; where it is not known which machine it is on, on each of them.
        share = MEMORY / (-(-count // nodes) + 1)
        # Where the first worker took all slots, none would be left for those that come.
        size = max(count, self._growth.most) if self._growth is not None else count
        self._task = replace(_sized(self.task, self.parallelism, size), share=share)
        for _ in range(count):
            self._spawn()

    def close(self) -> None:
        """See Engine."""
        if not self._started:
            return
        for number, actor in self._actors.items():
            with contextlib.suppress(Exception):
                self._ray.kill(actor.handle)
                self._left(worker_name(self.task, number))
        self._listings.close()
        if self._hub is not None:
            with contextlib.suppress(Exception):
                self._ray.kill(self._hub)
        self._actors.clear()
        if self._together is None:
            self._ray.shutdown()
        self._started = False

    # --- workers ---

    def _spawn(self) -> None:
        self._number += 1
        number = self._number
        kind = self._ray.remote(RayWorker).options(
            name=f"rayingest {self.task.stage.name} {self.run_id} worker {number}",
            num_cpus=self._share,
            max_restarts=0,
            max_task_retries=0,
            max_concurrency=8,
            scheduling_strategy="SPREAD",
        )
        handle = kind.remote(number)
        # Together no more threads than slots, for each may hold a session; but nobody is born idle.
        left = self.parallelism - sum(each.slots for each in self._actors.values())
        self._actors[number] = Actor(handle, max(1, min(self._task.slots, left)))
        names = list(self.task.stage.variables)
        if names:
            self._opening[handle.present.remote(names)] = number
        else:
            self._open(number, [])

    def _open(self, number: int, present: list[str]) -> None:
        stage = self.task.stage.without(present)
        task = replace(self._task, stage=stage, context=None, slots=self._actors[number].slots)
        sinks = self._together.handle if self._together is not None else None
        ref = self._actors[number].handle.open.remote(task, self._context, self._hub, sinks)
        self._opening[ref] = number

    def _grow(self) -> None:
        """More workers when a cluster that we joined has more cores than before."""
        now = time.monotonic()
        if self.address == "local" or now - self._looked < LOOK_SECONDS:
            return
        self._looked = now
        for _ in range(self._wanted() - len(self._actors)):
            self._spawn()

    def _wanted(self) -> int:
        cores = max(1, int(self._ray.cluster_resources().get("CPU", 1)))
        return max(1, min(self.actors, self.parallelism, cores))

    def replace(self, worker: int) -> None:
        """See Engine."""
        actor = self._actors.pop(worker, None)
        if actor is not None:
            self._left(worker_name(self.task, worker))
            self._polls = {ref: each for ref, each in self._polls.items() if each != worker}
            with contextlib.suppress(Exception):
                self._ray.kill(actor.handle)
        self._spawn()

    def dispatch(self, dispatch: int, worker: int, chunk: Chunk) -> None:
        """See Engine."""
        self._actors[worker].handle.submit.remote(dispatch, pack(chunk))

    def _poll(self, number: int) -> None:
        self._polls[self._actors[number].handle.events.remote()] = number

    # --- listings ---

    def start_listing(self, listing: Listing) -> None:
        """See Engine."""
        self._listings.start(listing, self.task, self._context, self._hub)

    def hold_listings(self, hold: bool) -> None:
        """See Engine."""
        self._held = hold

    # --- events ---

    def put(self, event: Event) -> None:
        """See Engine."""
        self._events.put(event)

    def wait(self, timeout: float) -> list[Event]:
        """See Engine."""
        found: list[Event] = []
        self._drain(found)
        self._grow()
        refs = [*self._polls, *self._opening, *([] if self._held else self._listings)]
        if not refs:
            if not found:
                time.sleep(min(timeout, self._tick))
                self._drain(found)
            return found
        patience = 0.0 if found else min(timeout, self._tick)
        ready, _ = self._ray.wait(refs, num_returns=1, timeout=patience, fetch_local=False)
        if ready:
            more, _ = self._ray.wait(refs, num_returns=len(refs), timeout=0, fetch_local=False)
            for ref in more or ready:
                self._take(ref, found)
        self._drain(found)
        return found

    def _drain(self, found: list[Event]) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                found.append(self._events.get_nowait())

    def _take(self, ref: Any, found: list[Event]) -> None:
        if ref in self._polls:
            self._take_events(ref, found)
        elif ref in self._opening:
            self._take_opened(ref, found)
        elif ref in self._listings:
            found.append(self._listings.take(ref))

    def _take_events(self, ref: Any, found: list[Event]) -> None:
        number = self._polls.pop(ref)
        if number not in self._actors:
            return
        try:
            found += unpack(self._ray.get(ref))
        except self._ray.exceptions.RayError as error:
            found.append(self._lost(number, error))
            return
        self._poll(number)

    def _take_opened(self, ref: Any, found: list[Event]) -> None:
        number = self._opening.pop(ref)
        if number not in self._actors:
            return
        try:
            answer = self._ray.get(ref)
        except self._ray.exceptions.RayError as error:
            self._fruitless += 1
            if self._fruitless >= FRUITLESS_STARTS:
                raise ConfigError(
                    f"Workers on Ray cannot start: {first_line(error)}",
                    hint="Is the same version of rayingest, with the connector's extra, installed on every node?",
                ) from error
            self._actors.pop(number)
            self._spawn()
            return
        if isinstance(answer, list):
            self._open(number, answer)
            return
        agree(answer)
        self._fruitless = 0
        self._actors[number].ready = True
        self._actors[number].node = answer["node"]
        self._poll(number)
        found.append(WorkerReady(number, self._actors[number].slots))

    def _lost(self, number: int, error: Exception) -> WorkerLost:
        """Who is to blame for an actor's end: nobody when its machine went away."""
        self._left(worker_name(self.task, number))
        node = self._actors.pop(number).node
        alive = {each["NodeID"] for each in self._ray.nodes() if each["Alive"]}
        blame = node in alive and not getattr(error, "preempted", False)
        return WorkerLost(number, blame, "its process died" if blame else "its node went away")

    def _left(self, name: str) -> None:
        """What a process that is gone held of the limits is free."""
        shared = self._together.handle if self._together is not None else None
        for hub in (self._hub, shared):
            if hub is not None:
                hub.leave.remote(name)

    def cancel_listing(self, listing: Listing) -> None:
        """See Engine."""
        self._listings.cancel(listing)

    # --- for people ---

    def note(self, snapshot: Snapshot) -> None:
        """Keep the metrics at Ray's Prometheus endpoint up to date."""
        if self._metrics is None:
            self._metrics = Metrics(self.task.stage.name)
        self._metrics.note(snapshot)
        if self._growth is not None:
            self._growth.note(snapshot)

    def slowest(self) -> list[tuple[str, float]]:
        """Not asked over the network for a display."""
        return []

    def stats(self) -> dict[str, float]:
        """See Engine."""
        sums: dict[str, float] = {}
        refs = [each.handle.stats.remote() for each in self._actors.values() if each.ready]
        ready, _ = self._ray.wait(refs, num_returns=len(refs), timeout=5.0) if refs else ([], [])
        if self._hub is not None:
            with contextlib.suppress(self._ray.exceptions.RayError):
                self._used = self._ray.get(self._hub.report.remote(), timeout=5.0)
                self._asked = None
        for ref in ready:
            with contextlib.suppress(self._ray.exceptions.RayError):
                for key, value in self._ray.get(ref).items():
                    # Neighbours in a container are held back together.
                    both = max if key == "throttled_seconds" else operator.add
                    sums[key] = both(sums.get(key, 0.0), value)
        return sums

    def limits(self) -> list[LimitReport]:
        """See Engine. What the hub said when it was asked the last time."""
        if self._hub is None:
            return []
        if self._asked is None:
            self._asked = self._hub.report.remote()
        ready, _ = self._ray.wait([self._asked], timeout=0)
        if ready:
            asked, self._asked = self._asked, None
            with contextlib.suppress(self._ray.exceptions.RayError):
                self._used = self._ray.get(asked)
        return self._used

    def about(self) -> dict[str, str]:
        """See Engine."""
        facts = {"engine": "ray", "workers": str(sum(each.ready for each in self._actors.values()))}
        return facts | ({"dashboard": f"http://{self._link}"} if self._link else {})

    def stacks(self) -> dict[str, str]:
        """See Engine."""
        found: dict[str, str] = {}
        asked = {
            actor.handle.stacks.remote(): number
            for number, actor in self._actors.items()
            if actor.ready
        }
        if asked:
            refs = list(asked)
            ready, _ = self._ray.wait(refs, num_returns=len(refs), timeout=STACKS_SECONDS)
            for ref in ready:
                with contextlib.suppress(self._ray.exceptions.RayError):
                    told = self._ray.get(ref)
                    found |= {f"worker {asked[ref]} {name}": each for name, each in told.items()}
        return found


def agree(answer: dict[str, str]) -> None:
    """Refuse a worker whose versions differ from ours, or that could not open. Raises ConfigError."""
    if "error" in answer:
        raise ConfigError(answer["error"], hint=answer.get("hint") or None)
    for what, ours in handshake().items():
        theirs = answer.get(what)
        if theirs != ours:
            raise ConfigError(
                f"A Ray worker has {what} {theirs}, the driver has {ours}.",
                hint=f"Install {what} {ours} on every node of the cluster.",
            )


def _sized(task: WorkerTask, parallelism: int, actors: int) -> WorkerTask:
    slots = -(-parallelism // actors)
    writers = max(1, task.writers // actors)
    return replace(task, context=None, slots=slots, writers=writers)
