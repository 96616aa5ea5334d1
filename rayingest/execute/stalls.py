"""Notice when nothing happens any more, and keep what every thread is doing then."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import msgspec

from rayingest.errors import RayingestError
from rayingest.execute.engine import Engine
from rayingest.execute.events import Event, Found, ListingEnded, Read, Settled, SinkState
from rayingest.state.run_directory import RunDirectory

PATIENCE = 60.0  # seconds in which nothing was listed, read or written
KEPT = 10  # stalls of which the stacks are kept


class Stall(msgspec.Struct, rename="camel"):
    """Once when nothing happened: since when, for how many seconds, how much was in flight, what of
    that the longest, and the file of the run directory that has the stacks ('' without one).
    """

    since: str
    seconds: float
    in_flight: int
    slowest: list[str]
    file: str = ""


class Stalls:
    """Hears every event of a run. Seconds are those of any monotonic clock."""

    def __init__(
        self,
        engine: Engine,
        directory: RunDirectory | None,
        log: Callable[[str, str], None],
        patience: float = PATIENCE,
    ) -> None:
        self.found: list[Stall] = []
        self._engine, self._directory, self._log = engine, directory, log
        self._patience = patience
        self._heard = 0.0
        self._now: Stall | None = None

    def heard(self, events: Sequence[Event], now: float) -> None:
        """Something happened: a stall, if there was one, is over."""
        if any(_counts(each) for each in events):
            if self._now is not None:
                self._now.seconds = now - self._heard
                self._log("info", f"It goes on, after {self._now.seconds:.0f} s.")
            self._heard, self._now = now, None

    def look(self, now: float, *, in_flight: int, waits: str | None) -> None:
        """See whether it has been quiet for too long; `waits`: for what it does, if somebody knows."""
        self._heard = self._heard or now
        if self._now is not None:
            self._now.seconds = now - self._heard
        if waits is not None or not in_flight:
            self._heard = now if self._now is None else self._heard
            return
        if self._now is not None or now - self._heard < self._patience:
            return
        self._begin(now - self._heard, in_flight)

    def _begin(self, seconds: float, in_flight: int) -> None:
        slowest = [f"{name} for {since:.0f} s" for name, since in self._engine.slowest()[:3]]
        self._now = Stall(
            datetime.now(UTC).isoformat(timespec="seconds"), seconds, in_flight, slowest
        )
        self.found.append(self._now)
        if len(self.found) <= KEPT:
            self._now.file = self._keep()
        told = f"; the longest: {', '.join(slowest)}" if slowest else ""
        where = f" What every thread does is in {self._now.file}." if self._now.file else ""
        self._log(
            "warning",
            f"Nothing has happened for {seconds:.0f} s, with {in_flight} in flight{told}.{where}",
        )

    def _keep(self) -> str:
        """Write the stacks into the run directory; '' where that is not possible."""
        if self._directory is None:
            return ""
        name = f"attempts/{self._directory.attempt}/stall-{len(self.found)}.txt"
        try:
            stacks = self._engine.stacks()
            text = "\n".join(f"--- {who}\n{stack}" for who, stack in sorted(stacks.items()))
            self._directory.store.put(name, text.encode())
        except RayingestError:
            return ""
        return f"{self._directory.url}/{name}"


def _counts(event: Event) -> bool:
    if isinstance(event, Found):
        return bool(event.items)
    return isinstance(event, ListingEnded | Read | Settled | SinkState)
