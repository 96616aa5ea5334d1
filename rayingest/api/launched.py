"""Runs on Kubernetes, seen from here: what their clusters say, and what they themselves recorded."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from rayingest.api import lines
from rayingest.api.recorded import stored
from rayingest.errors import ClusterError, ConfigError, NotAllowed, RayingestError
from rayingest.execute.report import Report, code_of
from rayingest.launch import reader
from rayingest.launch.cluster import PODS, Cluster
from rayingest.launch.finding import Submitted, moment
from rayingest.launch.status import Outcome, Status
from rayingest.state import logbook
from rayingest.state.run_directory import RunDirectory

SUBMITTER = "ray-job-submitter"
JOB_NAME = "job-name"
"""Label of the pod that follows the log in K8sJobMode: the Job has the name of the RayJob."""
OF_THE_POD = {"", "file", "local"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a submitted run ended: the cluster's word, the run's own, and why the latter is missing."""

    outcome: Outcome
    status: Status
    report: Report | None
    unread: str = ""

    def code(self, *, partial_ok: bool = False) -> int:
        """The exit code: the report's. Without one nobody knows, and that is no success."""
        return code_of(self.report, partial_ok=partial_ok)

    @property
    def verdict(self) -> str:
        """In a sentence, what the cluster says; its reasons where there is no report with better ones."""
        if self.outcome is Outcome.DELETED:
            return "The RayJob was deleted from outside."
        why = "" if self.report else " ".join(self.status.message.split())[:500]
        return f"The RayJob {self.outcome}: {self.status}{f'. {why}' if why else '.'}"


def ending(
    cluster: Cluster,
    run: Submitted,
    outcome: Outcome,
    status: Status,
    *,
    state_url: str | None = None,
) -> Ending:
    """What became of a run that is over."""
    report, unread = reported(cluster, run, status, state_url=state_url)
    return Ending(outcome=outcome, status=status, report=report, unread=unread)


def reported(
    cluster: Cluster, run: Submitted, status: Status, *, state_url: str | None = None
) -> tuple[Report | None, str]:
    """The report of a run, wherever it can be read; or why not.

    An older one, that this RayJob has not written, is none of it.
    """
    refusals = []
    ways: tuple[Callable[[], Report | None], ...] = (
        lambda: _recorded(run, state_url),
        lambda: lines.found(status.message.splitlines()),
        lambda: lines.found(pod_log(cluster, run)),
        lambda: _from_volume(cluster, run, state_url),
    )
    for way in ways:
        try:
            report = way()
        except RayingestError as error:
            refusals.append(f"{error}")
            continue
        if report is not None and _is_its(run, status, report):
            return report, ""
    return None, " ".join(refusals) or "No report was written."


def _is_its(run: Submitted, status: Status, report: Report) -> bool:
    """Whether a report was written since the RayJob is there.

    Or before, when the driver ended well: it has found the run ended, and had nothing to do.
    """
    ended = moment(report.ended_at)
    fresh = ended is None or ended >= run.created or status.outcome is Outcome.SUCCEEDED
    return fresh and report.run_id == run.run_id


def directory(run: Submitted, state_url: str | None = None) -> RunDirectory | None:
    """The run directory, when it can be reached from here. Raises ConfigError without any URL."""
    url = state_url or run.state_url
    if url is None:
        raise ConfigError(
            f"Where run {run.run_id} is recorded is not known here.",
            hint="--state-url names it; that of its config was not written into the RayJob.",
        )
    if state_url is None and urlsplit(url).scheme in OF_THE_POD:
        return None  # a path of the pods; what stands here under that name is something else
    return RunDirectory(url, run.service, run.run_id)


def _recorded(run: Submitted, state_url: str | None) -> Report | None:
    found = directory(run, state_url)
    return stored(found) if found is not None else None


def _from_volume(cluster: Cluster, run: Submitted, state_url: str | None) -> Report | None:
    url = run.state_url
    if state_url is not None or url is None or urlsplit(url).scheme not in OF_THE_POD:
        return None
    if not reader.claims(run):
        return None
    command = ["runs", "report", run.run_id, "--service", run.service]
    text = reader.read(cluster, run, url, command)
    return lines.found([lines.MARK + " ".join(text)])


# --- logs ---


def pod_log(cluster: Cluster, run: Submitted, *, follow: bool = False) -> Iterator[str]:
    """The log of the pod that follows the run, where there is one. Raises ClusterError."""
    if run.job["spec"].get("submissionMode") != "K8sJobMode":
        return
    pods = cluster.list(PODS, run.namespace, {JOB_NAME: run.name}).items
    for each in sorted(pods, key=lambda pod: str(pod["metadata"].get("creationTimestamp"))):
        yield from cluster.log(each["metadata"]["name"], SUBMITTER, run.namespace, follow=follow)


def log(cluster: Cluster, run: Submitted, *, state_url: str | None = None) -> Iterator[str]:
    """All lines of a run's log that can be had. Raises ClusterError, ConfigError."""
    if run.job["spec"].get("submissionMode") == "K8sJobMode":
        yield from pod_log(cluster, run)
        return
    if (found := directory(run, state_url)) is not None:
        for _, text in logbook.pieces(found.store):
            yield from text.splitlines()
        return
    if run.state_url and reader.claims(run):
        command = ["runs", "log", run.run_id, "--service", run.service]
        yield from reader.read(cluster, run, run.state_url, command)


class Following:
    """The log of a run as it grows: `news` gives what came since it was last asked."""

    def __init__(self, cluster: Cluster, run: Submitted, state_url: str | None = None) -> None:
        self._cluster, self._run = cluster, run
        self._pod = run.job["spec"].get("submissionMode") == "K8sJobMode"
        self._directory = None
        if not self._pod:
            with suppress(ConfigError):
                self._directory = directory(run, state_url)
        self._last = ""
        self._seen = 0

    @property
    def possible(self) -> bool:
        """Whether there is a log that can be read from here while the run goes on."""
        return self._pod or self._directory is not None

    def news(self) -> list[str]:
        """New lines. Raises ClusterError, StateError."""
        if self._pod:
            return self._of_pod()
        if self._directory is None:
            return []
        told: list[str] = []
        for name, text in logbook.pieces(self._directory.store, self._last):
            self._last = name
            told += text.splitlines()
        return told

    def _of_pod(self) -> list[str]:
        try:
            whole = list(pod_log(self._cluster, self._run))
        except NotAllowed:
            raise
        except ClusterError:
            return []  # its container has not begun
        new, self._seen = whole[self._seen :], max(self._seen, len(whole))
        return new
