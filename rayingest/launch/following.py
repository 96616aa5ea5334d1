"""Waiting for a job of a Ray cluster to end, and handing on its log as it comes.

Ray hands out the whole log each time, so a job that says nothing new is asked less and less often.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from rayingest.errors import NotNow, NotThere
from rayingest.launch.dashboard import Dashboard
from rayingest.launch.job import JobStatus, job_status
from rayingest.launch.status import Outcome

PAUSE_SECONDS = 0.5
LONGEST_PAUSE = 5.0
GROWTH = 1.25
PENDING_SECONDS = 60.0
AWAY_SECONDS = 600.0
"""How long a cluster may give no answer; its head may be moving."""


@dataclass(slots=True, kw_only=True)
class Follower:
    """Waits for one job. `seen` is told every status that is another one, `uneasy` what is wrong.

    `line` is told each line of the log, when there is somebody to tell. `clock` and `sleep` are in seconds.
    """

    dashboard: Dashboard
    name: str
    seen: Callable[[JobStatus], None] = lambda status: None
    uneasy: Callable[[str], None] = lambda text: None
    line: Callable[[str], None] | None = None
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _last: JobStatus | None = field(init=False, default=None)
    _told: int = field(init=False, default=0)

    def wait(self) -> tuple[Outcome, JobStatus]:
        """Until it has ended. Raises NotNow when the cluster gives no answer for long, ClusterError."""
        begun = heard = self.clock()
        pause, patient = PAUSE_SECONDS, True
        while True:
            try:
                status = job_status(self.dashboard.job(self.name))
                moved = self._noticed(status)
                if self.line is not None:
                    moved = self._read(whole=status.outcome is not None) or moved
                if status.outcome is not None:
                    return status.outcome, status
                heard = self.clock()
                pause = PAUSE_SECONDS if moved else min(GROWTH * pause, LONGEST_PAUSE)
            except NotThere:
                return Outcome.DELETED, self._last or JobStatus(name=self.name)
            except NotNow as error:
                if self.clock() - heard > AWAY_SECONDS:
                    raise
                pause = LONGEST_PAUSE
                self.uneasy(f"{error} Asking again in {pause:.0f} s.")
            if patient and self._pending() and self.clock() - begun > PENDING_SECONDS:
                patient = False
                self.uneasy(f"The job has been pending for {PENDING_SECONDS:.0f} s: {self._said()}")
            self.sleep(pause)

    def _noticed(self, status: JobStatus) -> bool:
        if status == self._last:
            return False
        self._last = status
        self.seen(status)
        return True

    def _pending(self) -> bool:
        return self._last is not None and self._last.job == "PENDING"

    def _said(self) -> str:
        return self._last.message if self._last else ""

    def _read(self, *, whole: bool) -> bool:
        """Hand on the lines that are new; the last one too, when no more of it can come."""
        text = self.dashboard.log(self.name)
        if len(text) < self._told:
            self._told = 0  # another node's log, or one that was begun anew
        end = len(text) if whole else text.rfind("\n") + 1
        fresh = text[self._told : end]
        self._told = max(self._told, end)
        if self.line is not None:
            for each in fresh.splitlines():
                self.line(each)
        return bool(fresh)
