"""What a vendor allows, as data, and the port through which a source keeps to it."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One limit of a source, cluster-wide: it holds for all workers of a run together.

    `rate` is in calls per second, `burst` in calls, `max_concurrency` in calls at the same time;
    None is no limit. `adaptive`: how many are under way follows the server's answers, up to
    `max_concurrency`: less after refusals, time-outs or latencies that grow, else more. `scope`
    names what the limit is counted over (`account`, `workspace`), `where` selects the calls it
    holds for, `documented` is where the vendor says so.
    """

    name: str
    rate: float | None = None
    burst: int | None = None
    max_concurrency: int | None = None
    adaptive: bool = False
    scope: str = "service"
    where: str = ""
    documented: str = ""

    @property
    def binds(self) -> bool:
        """Whether it limits anything."""
        return self.adaptive or self.rate is not None or self.max_concurrency is not None


class Limiter(Protocol):
    """What a source asks before each call, in the thread that makes it."""

    def call(self, name: str, route: str = "") -> AbstractContextManager[object]:
        """Wait for a place under the limit of this name, and hold it inside.

        `route` names calls that take about as long as each other. What leaves the block tells how the
        call ended: `Throttled` makes everyone wait (`wait` seconds, when it says), it and `TimedOut`
        lower an adaptive limit. A name that no limit has is not limited.
        """
        ...


class Unlimited:
    """No limits."""

    def call(self, name: str, route: str = "") -> AbstractContextManager[object]:
        """See Limiter."""
        return nullcontext()


UNLIMITED: Limiter = Unlimited()
