"""When a run ends early: time, failures, a source or sink that is away, workers that do not come."""

from collections.abc import Callable
from dataclasses import dataclass

from rayingest.errors import NoWorker
from rayingest.execute.events import Why
from rayingest.execute.scheduler import Scheduler
from rayingest.execute.stalls import PATIENCE

GRACE = 10.0  # seconds for what is under way when a run is stopped
FEW = 100  # ends before which a rate of failures says nothing
CONFIG_ERRORS = {"ConfigError", "ConfigErrors", "MissingDriver", "UnknownConnector"}


@dataclass(frozen=True)
class Bounds:
    """When a run ends early. Seconds; `max_failures` is a count, or a rate in 0..1 once 100 ended.

    After `stall` seconds in which nothing happens, what every thread does is kept.
    """

    timeout: float | None = None
    max_failures: int | None = None
    max_failure_rate: float | None = None
    sink_outage: float = 300.0
    source_outage: float = 120.0
    success_threshold: float = 90.0
    no_worker: float = 120.0
    grace: float = GRACE
    stall: float = PATIENCE


class Bounding:
    """Stops a scheduler where a bound is passed. `began` and `now` are of one monotonic clock, in seconds.

    `hurry` leaves without waiting for what is under way; `problem` is why, when the sink is.
    """

    def __init__(
        self, bounds: Bounds, scheduler: Scheduler, log: Callable[[str, str], None]
    ) -> None:
        self.began = 0.0
        self.hurry = False
        self.problem: Why | None = None
        self._bounds, self._scheduler, self._log = bounds, scheduler, log
        self._stopped_at: float | None = None
        self._down_since: float | None = None
        self._away_since: float | None = None

    def passed(self, now: float, *, ready: bool) -> bool:
        """Whether to leave at once. `ready`: a worker has come. Raises NoWorker when none does."""
        scheduler, bounds = self._scheduler, self._bounds
        elapsed = now - self.began
        self._bound_source(now)
        if scheduler.fatal is not None:
            scheduler.stop("failed")
        elif bounds.timeout is not None and elapsed > bounds.timeout:
            scheduler.stop("timeout")
        elif self._too_many_failures():
            scheduler.stop("failures")
        elif not scheduler.plan.replaceable and scheduler.retired > max(
            1, scheduler.plan.parallelism // 2
        ):
            scheduler.stop("stalled")
        self._bound_sink(now)
        if not ready and elapsed > bounds.no_worker:
            raise NoWorker(
                f"No worker became ready in {bounds.no_worker:.0f} s.",
                hint="Has the Ray cluster free CPUs, and do its nodes start? `ray status` shows both.",
            )
        if scheduler.stopping is None:
            return False
        self._stopped_at = self._stopped_at or now
        return self.hurry or now - self._stopped_at > bounds.grace

    def _bound_source(self, now: float) -> None:
        scheduler = self._scheduler
        away = scheduler.source_away
        if away is None:
            if self._away_since is not None:
                self._log("info", f"The source is back after {now - self._away_since:.0f} s.")
            self._away_since = None
        elif self._away_since is None:
            self._away_since = now
            if scheduler.fatal is None:
                self._log("warning", f"The source is away, the run waits for it: {away.message}")
        elif now - self._away_since > self._bounds.source_outage:
            scheduler.fatal = scheduler.fatal or away

    def _bound_sink(self, now: float) -> None:
        down = self._scheduler.sink_down
        if down is None:
            self._down_since = None
            return
        hopeless = down.kind in CONFIG_ERRORS
        if self._down_since is None and not hopeless:
            self._log("warning", f"The sink does not answer, the run waits for it: {down.message}")
        self._down_since = self._down_since or now
        if hopeless or now - self._down_since > self._bounds.sink_outage:
            self.problem = self.problem or down
            self._scheduler.stop("sink")
            self.hurry = True

    def _too_many_failures(self) -> bool:
        ledger, bounds = self._scheduler.ledger, self._bounds
        failed = ledger.total("failed") + ledger.total("quarantined")
        if bounds.max_failures is not None and failed > bounds.max_failures:
            return True
        ended = sum(each.total() for each in ledger.ended.values())
        rate = bounds.max_failure_rate
        return rate is not None and ended >= FEW and failed / ended > rate
