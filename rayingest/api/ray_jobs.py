"""Runs that a Ray cluster has as jobs: listed, found, waited for, and judged.

How a run went its report says, in the run directory or at the end of its log. Without a report nobody knows.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from rayingest.api import lines
from rayingest.api.recorded import last_sign, standing, stored
from rayingest.errors import ClusterError, ConfigError, NotNow, RayingestError
from rayingest.execute.report import Report, code_of
from rayingest.launch import surviving
from rayingest.launch.dashboard import Dashboard
from rayingest.launch.finding import meant
from rayingest.launch.following import Follower
from rayingest.launch.job import JobStatus, RayRun, job_status
from rayingest.launch.status import Outcome
from rayingest.state import logbook
from rayingest.state.run_directory import RunDirectory, default_url


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a job ended, and the report of its run; without one, `unread` says why."""

    outcome: Outcome
    status: JobStatus
    report: Report | None
    unread: str = ""

    def code(self, *, partial_ok: bool = False) -> int:
        """The run's exit code: partial success is told as that, though Ray was told of success."""
        return code_of(self.report, partial_ok=partial_ok)


# --- which there are ---


def runs(at: Dashboard) -> tuple[list[JobStatus], int]:
    """The runs among a cluster's jobs, newest first, and how many other jobs it has. Raises ClusterError.

    A run that was begun again has several jobs.
    """
    known = _known(at)
    ours = [each for each in known if each.ours]
    return ours, len(known) - len(ours)


def status(at: Dashboard, text: str) -> JobStatus:
    """The newest job of a run, or the job of a name. Raises ConfigError, ClusterError."""
    known = _known(at)
    ours = [each for each in known if each.ours]
    for fits in (
        [each for each in ours if each.run_id == text],
        [each for each in ours if each.name == text],
    ):
        if fits:
            return fits[0]
    if text and text in {each.name for each in known}:
        raise ConfigError(
            f"Job {text} of the Ray cluster at {at.address} is no run of rayingest.",
            hint=f"Ray's own program is for it: ray job status {text} --address {at.address}",
        )
    raise _unknown(at, text, ours)


def _known(at: Dashboard) -> list[JobStatus]:
    """All jobs, newest first."""
    found = [job_status(each) for each in at.jobs()]
    return sorted(found, key=lambda each: (each.started or 0.0, each.name), reverse=True)


def _unknown(at: Dashboard, text: str, ours: Sequence[JobStatus]) -> ConfigError:
    recorded = f"`rayingest runs show {text or 'RUN'} --state-url URL` has what a run recorded."
    forgets = f"A cluster forgets its jobs when its head is made anew; {recorded}"
    if not ours:
        return ConfigError(
            f"The Ray cluster at {at.address} knows of no run, and so not of {text!r}.",
            hint=forgets,
        )
    names = list(dict.fromkeys(each.run_id for each in ours))
    return ConfigError(
        f"The Ray cluster at {at.address} knows of no run {text!r}.{meant(text, names)}",
        hint=f"`rayingest status --address {at.address}` lists them. {forgets}",
    )


# --- one of them ---


def log(at: Dashboard, found: JobStatus, *, state_url: str | None = None) -> str:
    """All that a run has said until now; what it kept itself, where the cluster has it no more.

    Raises ClusterError, StateError.
    """
    try:
        text = at.log(found.name)
    except NotNow:  # the node that had it is gone, perhaps
        if state_url is None:
            raise
        text = ""
    if text or state_url is None:
        return text
    return "".join(text for _, text in logbook.pieces(_directory(found, state_url).store))


def progress(found: JobStatus, *, state_url: str | None = None) -> str:
    """How far a run is that goes on; nothing where its run directory cannot be read from here."""
    with suppress(RayingestError, OSError):
        directory = _directory(found, state_url)
        if state_url is None and not _since(last_sign(directory), found):
            return ""  # a folder of this machine may hold another run's
        if directory.store.names("attempts"):
            return standing(directory).verdict
    return ""


def wait(
    run: RayRun,
    at: Dashboard,
    *,
    state_url: str | None = None,
    seen: Callable[[JobStatus], None] = lambda status: None,
    uneasy: Callable[[str], None] = lambda text: None,
    line: Callable[[str], None] | None = None,
) -> Ended:
    """Until the job has ended, and its report is read; `line` is told its log. Raises ClusterError."""
    follower = Follower(dashboard=at, name=run.name, seen=seen, uneasy=uneasy, line=line)
    outcome, last = follower.wait()
    # The cluster may have forgotten it before it was asked.
    known = replace(last, name=run.name, run_id=run.run_id, service=run.service)
    return ended(at, known, outcome, state_url=state_url)


def ended(
    at: Dashboard, found: JobStatus, outcome: Outcome, *, state_url: str | None = None
) -> Ended:
    """How a job that is over has ended: what its run says, wherever that can be read."""
    report, unread = _recorded(found, outcome, state_url)
    if report is None:
        report, logged = _logged(at, found)
        unread = f"{unread}, {logged}"
    return Ended(outcome=outcome, status=found, report=report, unread=unread)


def _directory(found: JobStatus, state_url: str | None) -> RunDirectory:
    return RunDirectory(state_url or default_url(), found.service, found.run_id)


def _recorded(
    found: JobStatus, outcome: Outcome, state_url: str | None
) -> tuple[Report | None, str]:
    """The report in the run directory, of the attempt that this job was; why there is none."""
    url = state_url or default_url()
    if "${" in url:
        return None, f"stateUrl ({url}) is known to the cluster alone"
    directory = _directory(found, url)
    try:
        report = stored(directory)
    except (RayingestError, OSError) as error:
        return None, f"{directory.url} cannot be read ({f'{error}'.rstrip('.')})"
    if report is None or report.run_id != found.run_id:
        return None, f"there is no report in {directory.url}"
    # A run that had ended before says so, and writes no other report. But only one place has that name:
    # a folder of this machine may hold another run's.
    kept = outcome is Outcome.SUCCEEDED and surviving.remote(url)
    if kept or _fresh(report, found):
        return report, ""
    return None, f"the report in {directory.url} is of an earlier attempt"


def _logged(at: Dashboard, found: JobStatus) -> tuple[Report | None, str]:
    """The report at the end of the log, if this job has written one; why there is none."""
    try:
        report = lines.found(at.log(found.name).splitlines())
    except ClusterError as error:
        return None, f"and its log cannot be read ({f'{error}'.rstrip('.')})"
    if report is None or report.run_id != found.run_id or not _fresh(report, found):
        return None, "and none of this job at the end of its log"
    return report, ""


def _fresh(report: Report, last: JobStatus) -> bool:
    """Whether a report was written since the job began: both by the clock of where the run starts."""
    try:
        return _since(datetime.fromisoformat(report.ended_at), last)
    except ValueError:
        return False


def _since(moment: datetime | None, last: JobStatus) -> bool:
    return last.started is not None and moment is not None and moment.timestamp() >= last.started
