"""What the tasks around a RayJob do: create it or find it, read its end, delete it. Nothing here is Airflow's."""

import hashlib
import logging
from typing import Any

from rayingest.airflow.verdicts import RunFailed, passed
from rayingest.airflow.wanted import Wanted
from rayingest.api import submitting
from rayingest.api.launched import ending
from rayingest.errors import NotThere
from rayingest.launch.cluster import RAY_JOBS
from rayingest.launch.finding import read
from rayingest.launch.glance import OVERDUE
from rayingest.launch.kube import connected
from rayingest.launch.putting import remove
from rayingest.launch.status import Outcome
from rayingest.launch.submission import slug

AGAIN = "Clearing the task goes on with a run that was cut short; a new DAG run begins another one."
_LOG = logging.getLogger(__name__)
Json = dict[str, Any]


def run_id(dag_id: str, dag_run: str) -> str:
    """The same for every try of a DAG run, and for no other: a word that is a label as well."""
    tail = hashlib.sha256(f"{dag_id}\n{dag_run}".encode()).hexdigest()[:10]
    return "-".join(each for each in (slug(dag_id, 30), tail) if each)


def create(wanted: Wanted, run: str) -> Json:
    """Create the RayJob, or find it under way; its names. Raises ConfigError, ClusterError."""
    flags = {"namespace": wanted.namespace, "image": wanted.image, "state_url": wanted.state_url}
    prepared = submitting.prepare(
        wanted.config,
        overlays=wanted.overlays,
        sets=wanted.sets,
        flags={key: value for key, value in flags.items() if value is not None},
        run_id=run,
        logs_pod=wanted.logs_pod,
        allow_untested=wanted.allow_untested,
        mode="rayjob",
        submitted_by="airflow",
    )
    with connected(wanted.context) as cluster:
        started = submitting.start(prepared, cluster)
        address = cluster.address
    for each in (*prepared.warnings, *started.warnings):
        _LOG.warning("%s", each)
    made = started.run
    done = "was created" if started.new else "is under way already"
    _LOG.info("RayJob %s %s in namespace %s of %s", made.name, done, made.namespace, address)
    _LOG.info("Its log: rayingest logs %s -n %s --follow", made.run_id, made.namespace)
    return {"run_id": made.run_id, "name": made.name, "namespace": made.namespace}


def verdict(wanted: Wanted, names: Json, why: str) -> str:
    """What became of a run of which the RayJob is over. Raises RunFailed, ConfigError, ClusterError."""
    run, name = names["run_id"], names["name"]
    if why == OVERDUE:
        raise RunFailed(
            f"RayJob {name} has not ended in the time that all its attempts may take.",
            hint="Is KubeRay's operator alive? `kubectl get pods -A | grep kuberay`",
        )
    with connected(wanted.context) as cluster:
        try:
            found = read(cluster.get(RAY_JOBS, name, names["namespace"]))
        except NotThere:
            raise RunFailed(
                f"RayJob {name} was deleted before its report was read: the outcome of run {run} is unknown.",
                hint=AGAIN,
            ) from None
        outcome = found.status.outcome or Outcome(why)
        url = None if found.state_url else _state_url(wanted)
        ended = ending(cluster, found, outcome, found.status, state_url=url)
    if ended.report is None:
        raise RunFailed(
            f"The outcome of run {run} is unknown: {ended.verdict} No report can be read: {ended.unread}",
            hint=f"`rayingest logs {run} -n {names['namespace']}`; {AGAIN}",
        )
    if outcome is not Outcome.SUCCEEDED:
        _LOG.warning("%s", ended.verdict)
    return passed(ended.report, partial_ok=wanted.partial_ok, hint=AGAIN)


def delete(wanted: Wanted, names: Json) -> None:
    """Delete the RayJob; what it owns goes with it. Raises ClusterError."""
    with connected(wanted.context) as cluster:
        remove(cluster, names["name"], names["namespace"])
    _LOG.info("RayJob %s and its cluster are gone.", names["name"])


def _state_url(wanted: Wanted) -> str | None:
    """Where the run is recorded, when the RayJob does not say it because that may hold a secret."""
    if wanted.state_url is not None:
        return wanted.state_url
    from rayingest.config import load

    config = load(
        wanted.config,
        overlays=wanted.overlays,
        sets=wanted.sets,
        flags={"engine": "ray"},
        elsewhere=set(),
    )
    return config.execution.state_url
