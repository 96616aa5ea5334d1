"""What the runs of several sources share in one process: one Ray, and one limit on calls to a sink."""

import threading
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from rayingest.core.limits import Limit
from rayingest.execute.limits import Hub
from rayingest.execute.share import Source


class Interruptible(Protocol):
    """A run that can be stopped."""

    def interrupt(self) -> None:
        """Stop after what is under way; a second time, at once."""
        ...


@dataclass
class Together:
    """Handed to each of the runs. `limits` are of sinks, by the sink's identity; `hub` keeps them.

    `handle` is the hub for workers in other processes. Runs are `driving` while they can be stopped.
    """

    limits: tuple[Limit, ...]
    hub: Source
    handle: Any = None
    ray: bool = False
    _drivers: list[Interruptible] = field(default_factory=list)
    _times: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def stopping(self) -> bool:
        """Whether no run should begin any more."""
        return self._times > 0

    @contextmanager
    def driving(self, driver: Interruptible) -> Generator[None]:
        """Be told when all runs are to stop, also when that was before."""
        with self._lock:
            self._drivers.append(driver)
            times = self._times
        for _ in range(times):
            driver.interrupt()
        try:
            yield
        finally:
            with self._lock:
                self._drivers.remove(driver)

    def interrupt(self) -> None:
        """Stop all runs; none begins any more."""
        with self._lock:
            self._times += 1
            drivers = list(self._drivers)
        for each in drivers:
            each.interrupt()


@contextmanager
def together(limits: Iterable[Limit], ray_address: str | None) -> Generator[Together]:
    """Start what several runs share; Ray with an address, in the main thread. Raises ConfigError, MissingDriver."""
    known = tuple(limits)
    if ray_address is None:
        yield Together(known, Hub(known))
        return
    from rayingest.execute.ray_session import started_hub, started_ray

    with started_ray(ray_address):
        handle, hub = started_hub("sinks", known, callers=200)
        yield Together(known, hub, handle, ray=True)
