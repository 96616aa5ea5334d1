"""Whether the source is there at all: who has answered once may be away for a while."""

from collections.abc import Iterable

from rayingest.errors import Unreachable
from rayingest.execute.events import Result, Why
from rayingest.execute.plan import RetryPolicy


class Presence:
    """Learns from what chunks came back with. Times are seconds of the scheduler's clock.

    `answered`: it was there before. `probe_at`: when one chunk may be sent to see if it is back.
    """

    def __init__(self, policy: RetryPolicy) -> None:
        self.answered = False
        self.probe_at = 0.0
        self._policy = policy
        self._missed = 0  # chunks in a row that found nobody at its address
        self._why: Why | None = None

    @property
    def away(self) -> Why | None:
        """Why it is not there: as many in a row did not reach it as anything is tried."""
        return self._why if self._missed >= self._policy.max_attempts else None

    def heard(self, ended: Iterable[Result], now: float) -> None:
        """A chunk was read: was the source there? It is looked for ever less often."""
        self._why = next((each.why for each in ended if nobody(each.why)), None)
        if self._why is None:
            self._missed, self.answered = 0, True
            return
        self._missed += 1
        tries = max(1, self._missed - self._policy.max_attempts + 1)
        self.probe_at = now + self._policy.delay(tries, None)

    def may_be_probed(self, now: float) -> bool:
        """Whether it is time to look."""
        return now >= self.probe_at


def nobody(cause: Why | None) -> bool:
    """Whether there was nobody at the source's address."""
    return cause is not None and cause.kind == Unreachable.__name__
