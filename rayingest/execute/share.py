"""A process's share of the limits: its threads wait here, and one of its own asks the hub for more."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import Protocol

from rayingest.core.limits import Limit
from rayingest.errors import Throttled, TimedOut
from rayingest.execute.limits import HOLD, Granted, Told
from rayingest.execute.pacing import LEASE

LAST_WORDS = 2 * HOLD  # seconds for a question under way when a share is closed
TRIES = 20  # questions in a row that nobody answers, before calls fail
MANY = 5_000  # latencies to remember until the next question


class Source(Protocol):
    """Where permits come from: the hub, here or far away."""

    def exchange(self, worker: str, name: str, told: Told) -> Granted:
        """See Hub."""
        ...

    def refuse(self, name: str, wait: float | None) -> None:
        """See Hub."""
        ...

    def leave(self, worker: str) -> None:
        """See Hub."""
        ...


class Share:
    """A `Limiter` for all threads of a process. `listener` hears, in the thread, that it waits or goes on."""

    def __init__(self, limits: Iterable[Limit], source: Source, worker: str) -> None:
        self.listener: Callable[[bool], None] = lambda _waits: None
        self._source, self._worker = source, worker
        self._taps = {each.name: _Tap(each, source, worker, self._waits) for each in limits}

    def _waits(self, waits: bool) -> None:
        self.listener(waits)

    def call(self, name: str, route: str = "") -> AbstractContextManager[object]:
        """See Limiter."""
        tap = self._taps.get(name)
        return nullcontext() if tap is None else tap.call(route)

    def tell(self) -> None:
        """Tell the hub of all calls so far."""
        for each in self._taps.values():
            each.tell()

    def close(self) -> None:
        """Ask for nothing any more, and give back what is held."""
        for each in self._taps.values():
            each.close()
        with suppress(Exception):  # whoever keeps the hub has it told, too
            self._source.leave(self._worker)


class _Tap:
    """One limit in one process."""

    def __init__(
        self, limit: Limit, source: Source, worker: str, waits: Callable[[bool], None]
    ) -> None:
        self._limit, self._source, self._worker, self._waits = limit, source, worker, waits
        self._paced = limit.rate is not None
        self._windowed = limit.adaptive or limit.max_concurrency is not None
        self._changed = threading.Condition()
        self._speaking = threading.Lock()  # answers are taken in the order of the questions
        self._permits: deque[float] = deque()
        self._places = 0
        self._in_use = 0
        self._waiting = 0
        self._paused_until = 0.0
        self._told = Told(done=[])
        self._asking: threading.Thread | None = None
        self._closed = False
        self._failed: Exception | None = None

    @contextmanager
    def call(self, route: str) -> Iterator[None]:
        self._enter()
        started = time.monotonic()
        refused, wait, well = False, None, False
        try:
            yield
            well = True
        except Throttled as error:
            refused, wait = True, error.wait
            raise
        except TimedOut:
            refused = True
            raise
        finally:
            self._leave(route, time.monotonic() - started if well else None, refused, wait)

    def _enter(self) -> None:
        before = time.monotonic()
        self._waits(True)
        try:
            at = self._turn()
            # The time of a permit lies at most a tenth of a second ahead.
            if (pause := at - time.monotonic()) > 0:
                time.sleep(pause)
        finally:
            self._waits(False)
        waited = time.monotonic() - before
        with self._changed:
            self._told.waited += waited
            self._told.longest = max(self._told.longest, waited)

    def _turn(self) -> float:
        """Wait for a permit and a place; answers when the call may begin."""
        with self._changed:
            self._waiting += 1
            self._start()
            self._changed.notify_all()
            try:
                while not self._may():
                    if self._failed is not None:
                        raise self._failed
                    self._changed.wait(1.0)
                self._in_use += 1
                self._told.calls += 1
                return self._permits.popleft() if self._paced else 0.0
            finally:
                self._waiting -= 1

    def _may(self) -> bool:
        if self._windowed and self._in_use >= self._places:
            return False
        if self._paced and not self._permits:
            return False
        return time.monotonic() >= self._paused_until

    def _leave(self, route: str, seconds: float | None, refused: bool, wait: float | None) -> None:
        with self._changed:
            self._in_use -= 1
            self._told.refused += refused
            if seconds is not None and len(self._told.done) < MANY:
                self._told.done.append((route, seconds))
            if refused and wait:
                self._paused_until = max(self._paused_until, time.monotonic() + wait)
            self._changed.notify_all()
        if refused:
            self._source.refuse(self._limit.name, wait)

    # --- the thread that asks ---

    def _start(self) -> None:
        if self._asking is None:
            self._asking = threading.Thread(target=self._ask, name="limits", daemon=True)
            self._asking.start()

    def tell(self) -> None:
        with suppress(Exception):  # what nobody hears is missing in the report, no more
            self._exchange(asking=False)

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            asking = self._asking
        if asking is not None:  # what it says now would take again what is given back
            asking.join(LAST_WORDS)

    def _lacks(self) -> bool:
        """Whether somebody waits for what only the hub can give."""
        if not self._waiting:
            return False
        short = self._windowed and self._in_use + self._waiting > self._places
        return short or (self._paced and self._waiting > len(self._permits))

    def _ask(self) -> None:
        failures = 0
        while True:
            with self._changed:
                while not self._closed and not self._lacks() and not self._to_tell():
                    self._changed.wait()
                if not self._closed and not self._lacks():  # only to tell: now and then is enough
                    self._changed.wait_for(lambda: self._closed or self._lacks(), LEASE)
                if self._closed:
                    return
            try:
                self._exchange()
            except Exception as error:  # noqa: BLE001 - a hub that is replaced answers again
                failures += 1
                self._fails(error, final=failures >= TRIES)
            else:
                failures = 0

    def _exchange(self, *, asking: bool = True) -> None:
        with self._speaking:
            with self._changed:
                told = self._gather(asking=asking)
            self._take(self._source.exchange(self._worker, self._limit.name, told))

    def _gather(self, *, asking: bool) -> Told:
        """What to say. Places that are not in use are given up by it: the hub may give them to others.

        Whoever waits and has all that he needs keeps it: he is about to begin.
        """
        told, self._told = self._told, Told(done=[])
        ready = min(self._waiting, len(self._permits)) if self._paced else self._waiting
        if self._windowed:
            ready = min(ready, max(0, self._places - self._in_use))
        told.in_use = self._in_use + ready
        self._places = min(self._places, told.in_use)
        if asking:
            told.waiting = self._waiting - ready
        return told

    def _to_tell(self) -> bool:
        """Whether the hub should hear of us: of calls that ended, or of places that we no longer use."""
        told = self._told
        return bool(told.done or told.calls or told.refused) or (
            self._windowed and self._places > self._in_use
        )

    def _take(self, granted: Granted) -> None:
        now = time.monotonic()
        with self._changed:
            self._failed = None
            if granted.places is not None:
                self._places = granted.places
            self._permits.extend(
                now + granted.first + at * granted.spacing for at in range(granted.permits)
            )
            self._changed.notify_all()

    def _fails(self, error: Exception, *, final: bool) -> None:
        with self._changed:
            if final:
                self._failed = error
            self._changed.notify_all()
            self._changed.wait(LEASE)
