"""How a run ended: its report, from the books, the errors and the sums."""

import contextlib
import resource
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rayingest.execute.bounding import CONFIG_ERRORS, Bounds
from rayingest.execute.deletion import Deleted
from rayingest.execute.events import Why
from rayingest.execute.report import (
    EXIT_CODES,
    ErrorGroup,
    Errors,
    Report,
    Seconds,
    State,
    advice,
    bottleneck,
    judge,
    sentence,
    verdict,
)
from rayingest.execute.scheduler import Scheduler

CONFIG = 2  # the exit code of what the user must change before anything can work


@dataclass
class Totals:
    """Sums over the run that the scheduler has no use for."""

    source: float = 0.0
    calls: int = 0
    waiting: float = 0.0
    held_back: float = 0.0
    described: int = 0
    startup: float | None = None


@dataclass
class Closing:
    """What judges a run at its end. `problem` is about the run as a whole; `withheld` are scopes not combined."""

    scheduler: Scheduler
    bounds: Bounds
    totals: Totals
    errors: Errors
    problem: Why | None
    deleted: Deleted
    withheld: Mapping[str, Why]
    sink_concurrency: int = 1
    max_connections: int = 1

    def fill(self, report: Report, stats: Mapping[str, float], elapsed: float) -> None:
        """Complete a report with both books, the errors and the verdict; `stats` are the workers' sums."""
        scheduler, ledger = self.scheduler, self.scheduler.ledger
        unlisted = self._unlisted()
        report.state = state = judge(
            ledger,
            stopping=scheduler.stopping,
            fatal=self._cause,
            unfinished=len(unlisted) + len(self.deleted.refused),
            threshold=self.bounds.success_threshold,
        )
        seconds = report.seconds = self._seconds(stats, elapsed)
        report.verdict = verdict(state, ledger, reason=self._reason(state), seconds=elapsed)
        report.errors = [*self.errors.sorted(), *self._unreached()]
        report.parallelism = parallelism = scheduler.plan.parallelism
        report.types, report.entities = ledger.types(), ledger.entities()
        report.filtered, report.unresolved = dict(ledger.filtered), ledger.unresolved
        report.not_listed, report.withheld = sorted(unlisted), self.deleted.withheld
        report.calls = {
            "source": self.totals.calls + scheduler.listings.calls,
            "sink": int(stats.get("sink_calls", 0)),
        }
        work = seconds.source - seconds.waiting - seconds.limits + seconds.sink + seconds.discovery
        report.speed_up = work / max(elapsed, 1e-9)
        report.bottleneck = bottleneck(seconds, parallelism, self.sink_concurrency)
        more = advice(seconds, parallelism, cap=self.max_connections)
        report.advice = [more] if more else []
        report.exit_code = self._exit_code(state)
        report.resumable = scheduler.stopping is not None

    @property
    def _cause(self) -> Why | None:
        return self.scheduler.fatal or self.problem

    def _unlisted(self) -> dict[str, Why]:
        """What could not be listed, and why; everything that is wrong becomes an error of the report."""
        scheduler = self.scheduler
        unlisted = scheduler.listings.unlisted() | dict(self.withheld)
        if scheduler.stopping is not None:  # what was not reached is no failure of a listing
            unlisted = {name: each for name, each in unlisted.items() if each.kind != "Stopped"}
        for name, cause in unlisted.items():
            self.errors.add(cause, name)
        known = {each.message for each in self.errors.groups.values()}
        for fault in (scheduler.fatal, self.problem):
            if fault is not None and fault.message not in known:
                self.errors.add(fault, "the run")
        if unlisted and not scheduler.listings.any_listed:
            self.problem = self.problem or next(iter(unlisted.values()))
        return unlisted

    def _seconds(self, stats: Mapping[str, float], elapsed: float) -> Seconds:
        startup = self.totals.startup
        return Seconds(
            elapsed,
            startup if startup is not None else elapsed,
            self.scheduler.listings.seconds,
            self.totals.source,
            stats.get("sink_seconds", 0.0),
            self.totals.waiting,
            self.totals.held_back,
        )

    def _reason(self, state: State) -> str:
        """Why the run ended as it did, when that needs words."""
        cause, stopping = self._cause, self.scheduler.stopping
        if cause is not None:
            return sentence(cause.message, cause.hint)
        if stopping is None and (wrong := self.scheduler.ledger.imbalances()):
            return "The books do not balance: " + "; ".join(wrong) + "."
        if state == "failed" and stopping is None:
            most = self.errors.sorted()[0]
            return f"Most of all: {sentence(most.message, most.hint)}"
        return {
            "timeout": f"The time limit of {self.bounds.timeout:.0f} s passed."
            if self.bounds.timeout
            else "",
            "failures": "More failures than --max-failures allows.",
            "stalled": "Too many calls to the source never returned.",
            "interrupted": "Interrupted; nothing that was acknowledged is lost.",
        }.get(stopping or "", "")

    def _exit_code(self, state: State) -> int:
        cause = self._cause
        if cause is not None and cause.kind in CONFIG_ERRORS:
            return CONFIG
        return EXIT_CODES[state]

    def _unreached(self) -> list[ErrorGroup]:
        """Close the books of a run that ended early, and say so."""
        if self.scheduler.stopping is None:
            return []
        left = self.scheduler.ledger.close()
        each = Errors()
        cause = Why(
            "NotReached", "the run ended before this was done", "Run it again for the rest."
        )
        for kind, number in left.items():
            each.add(cause, f"{number:,} of type {kind}", number)
        return each.sorted()


def peak_rss() -> int:
    """The most memory that this process has held, in bytes."""
    with contextlib.suppress(OSError):  # Linux; ru_maxrss there is never less than the launcher's
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    usage = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return usage if sys.platform == "darwin" else usage * 1024
