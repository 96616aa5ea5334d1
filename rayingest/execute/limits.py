"""Limits of a source for all workers of a run together: what is free, who gets it, who waited.

A worker's `Share` asks the run's one `Hub` for permits (calls per second) and places (calls at the
same time), for a tenth of a second at a time, so that a call costs no message of its own.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import msgspec

from rayingest.core.limits import Limit
from rayingest.execute.pacing import LEASE, SOON, Pace, Window

HOLD = 0.5  # seconds that a question may wait for its answer


class Told(msgspec.Struct, array_like=True):
    """What a share has to say since it asked last; seconds. `done` are routes and their latencies."""

    waiting: int = 0
    in_use: int = 0
    done: list[tuple[str, float]] = []
    refused: int = 0
    calls: int = 0
    waited: float = 0.0
    longest: float = 0.0


class Granted(msgspec.Struct, array_like=True):
    """`permits` calls, the first in `first` seconds, one every `spacing`; `places` at once in all."""

    permits: int = 0
    first: float = 0.0
    spacing: float = 0.0
    places: int | None = None
    pause: float = 0.0


class LimitReport(msgspec.Struct, rename="camel"):
    """One limit in a run's report. Seconds; `waited` is by worker, `window` the calls allowed at once at the
    end, `waiting` how many workers wait for it now.
    """

    name: str
    rate: float | None = None
    burst: int | None = None
    max_concurrency: int | None = None
    adaptive: bool = False
    calls: int = 0
    refused: int = 0
    waited_seconds: float = 0.0
    longest_wait_seconds: float = 0.0
    window: int | None = None
    waited: dict[str, float] = {}
    waiting: int = 0


@dataclass
class _Shared:
    """One limit as the hub keeps it."""

    limit: Limit
    pace: Pace | None
    window: Window | None
    held: dict[str, int] = field(default_factory=dict)
    wanted: dict[str, int] = field(default_factory=dict)
    queue: deque[object] = field(default_factory=deque)
    paused_until: float = 0.0
    waited: dict[str, float] = field(default_factory=dict)  # seconds by worker
    calls: int = 0
    refused: int = 0
    longest: float = 0.0


class Hub:
    """All limits of one run. Thread-safe; a question waits for up to half a second for its answer."""

    def __init__(
        self, limits: Iterable[Limit], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        now = clock()
        self._changed = threading.Condition()
        self._shared = {
            each.name: _Shared(
                each,
                Pace(each.rate, each.burst, now) if each.rate else None,
                Window(each.max_concurrency or float("inf"), adaptive=each.adaptive)
                if each.adaptive or each.max_concurrency
                else None,
            )
            for each in limits
        }

    def exchange(self, worker: str, name: str, told: Told) -> Granted:
        """Hear a worker, and give it what it may use next."""
        with self._changed:
            shared = self._shared[name]
            self._hear(shared, worker, told)
            if not told.waiting:
                self._changed.notify_all()
                return self._grant(shared, worker, told, now=self._clock())
            ticket = object()
            shared.queue.append(ticket)
            # Who has places tells of their answers meanwhile: the window must hear of them soon.
            deadline = self._clock() + (LEASE if shared.window else HOLD)
            try:
                return self._wait(shared, worker, told, ticket, deadline)
            finally:
                shared.queue.remove(ticket)
                self._changed.notify_all()

    def _wait(
        self, shared: _Shared, worker: str, told: Told, ticket: object, deadline: float
    ) -> Granted:
        granted = Granted()
        while (now := self._clock()) < deadline:
            pause = deadline - now
            # Permits are given in order; a place that one worker may not have another may.
            if shared.pace is None or shared.queue[0] is ticket:
                granted = self._grant(shared, worker, told, now=now)
                more = granted.places is not None and granted.places > told.in_use
                if granted.permits or (shared.pace is None and more):
                    return granted
                pause = min(pause, max(SOON, granted.pause))
            self._changed.wait(pause)
        return granted

    def refuse(self, name: str, wait: float | None) -> None:
        """The server refused a call: everyone waits as long as it says."""
        with self._changed:
            shared = self._shared[name]
            if wait:
                shared.paused_until = max(shared.paused_until, self._clock() + wait)
                if shared.pace is not None:
                    shared.pace.pause(shared.paused_until)
            self._changed.notify_all()

    def leave(self, worker: str) -> None:
        """A worker is gone, with all that it held."""
        with self._changed:
            for shared in self._shared.values():
                shared.held.pop(worker, None)
                shared.wanted.pop(worker, None)
            self._changed.notify_all()

    def report(self) -> list[LimitReport]:
        """How each limit was used so far."""
        with self._changed:
            return [
                LimitReport(
                    each.limit.name,
                    each.limit.rate,
                    each.limit.burst,
                    each.limit.max_concurrency,
                    each.limit.adaptive,
                    each.calls,
                    each.refused,
                    sum(each.waited.values()),
                    each.longest,
                    int(each.window.size) if each.window and each.window.size < 1e9 else None,
                    dict(each.waited),
                    len(each.queue),
                )
                for each in self._shared.values()
            ]

    def _hear(self, shared: _Shared, worker: str, told: Told) -> None:
        shared.calls += told.calls
        shared.refused += told.refused
        shared.waited[worker] = shared.waited.get(worker, 0.0) + told.waited
        shared.longest = max(shared.longest, told.longest)
        shared.held[worker] = told.in_use
        shared.wanted[worker] = told.in_use + told.waiting
        if shared.window is not None:
            shared.window.told(told.done, told.refused, sum(shared.held.values()))

    def _grant(self, shared: _Shared, worker: str, told: Told, *, now: float) -> Granted:
        """What is free for a worker now; `pause` is how long to wait when that is nothing."""
        if now < shared.paused_until:
            return Granted(places=told.in_use if shared.window else None, pause=LEASE)
        granted = Granted()
        if shared.window is not None:
            granted.places = self._places(shared, worker)
            shared.held[worker] = max(granted.places, told.in_use)
            if granted.places <= told.in_use:
                granted.pause = LEASE
                return granted
        if shared.pace is not None and told.waiting:
            room = told.waiting
            if granted.places is not None:
                room = min(room, granted.places - told.in_use)
            least = max(1, shared.pace.lease // max(1, len(shared.queue)))
            taken, first, pause = shared.pace.take(room, least, now)
            granted.permits, granted.first, granted.pause = taken, first, pause
            granted.spacing = shared.pace.spacing
        return granted

    def _places(self, shared: _Shared, worker: str) -> int:
        """A worker's part of the window: what it wants if there is room, else an equal share."""
        assert shared.window is not None  # noqa: S101 - who asks has looked
        size = int(min(shared.window.size, 1e9))
        wanted = shared.wanted[worker]
        free = size - sum(count for each, count in shared.held.items() if each != worker)
        if sum(shared.wanted.values()) <= size:
            return max(0, min(wanted, free))
        hungry = sum(each > 0 for each in shared.wanted.values())
        share = max(1, -(-size // max(1, hungry)))
        return max(0, min(wanted, free, share))
