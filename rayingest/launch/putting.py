"""Putting a run on Kubernetes: its RayJob, or Workflow, first, because it owns the Secret with the config.

Its pods wait for the Secret, seconds. Submitting a run again finds the one that is under way, or takes the
place of one that has ended: it then goes on from the run directory.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from rayingest.errors import AlreadyThere, ClusterError, ConfigError, NotThere
from rayingest.launch.cluster import KINDS, RAY_JOBS, SECRETS, Cluster, Json, Kind
from rayingest.launch.finding import read
from rayingest.launch.labels import DIGEST, RUN_ID
from rayingest.launch.secret import config_secret
from rayingest.launch.submission import Submission

GOING_SECONDS = 120.0
"""How long an object that was deleted may take to go: the operator stops its Ray job first."""


@dataclass(frozen=True, slots=True)
class Put:
    """A run that is on the cluster; `new` is false when it was there before."""

    job: Json
    new: bool


def put(
    cluster: Cluster, run: Submission, job: Json, *, sleep: Callable[[float], None] = time.sleep
) -> Put:
    """Create the objects. Raises ConfigError when another run has the name, ClusterError; nothing is left then."""
    kind = KINDS[job["kind"]]
    old = _standing(cluster, run, kind)
    if old is not None and not read(old).over:
        _refuse_other(old, run)
        _keep(cluster, run, old)
        return Put(old, new=False)
    if old is not None:
        remove(cluster, run.name, run.namespace, kind=kind, sleep=sleep)
    try:
        made = cluster.create(job, run.namespace)
    except AlreadyThere:  # somebody else's, of this moment; or ours, and the answer was lost
        made = cluster.get(kind, run.name, run.namespace)
        _refuse_other(made, run)
    except ClusterError as error:
        raise ClusterError(
            f"Failed to create workflow via Kubernetes API: {error}", hint=error.hint
        ) from error
    try:
        _keep(cluster, run, made)
    except BaseException:
        with suppress(ClusterError):
            cluster.delete(kind, run.name, run.namespace)
        raise
    return Put(made, new=True)


def remove(
    cluster: Cluster,
    name: str,
    namespace: str | None,
    *,
    kind: Kind = RAY_JOBS,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Delete a run, and wait until it has gone. Raises ClusterError."""
    with suppress(NotThere):
        cluster.delete(kind, name, namespace)
        waited = 0.0
        while waited < GOING_SECONDS:
            cluster.get(kind, name, namespace)
            sleep(1.0)
            waited += 1.0
        raise ClusterError(
            f"{kind.name} {name} was deleted and has not gone in {GOING_SECONDS:.0f} s.",
            hint="Its finalizer waits for its controller: `kubectl get pods -A | grep -e kuberay -e argo`",
        )


def _standing(cluster: Cluster, run: Submission, kind: Kind) -> Json | None:
    try:
        old = cluster.get(kind, run.name, run.namespace)
    except NotThere:
        return None
    whose = old["metadata"].get("labels", {}).get(RUN_ID)
    if whose != run.run_id:
        raise ConfigError(
            f"{kind.name} {run.name} is there already, of {f'run {whose}' if whose else 'somebody else'}.",
            hint="Another --name, or none: it is then made from service and run id.",
        )
    return old


def _refuse_other(old: Json, run: Submission) -> None:
    """A run that is under way keeps its config."""
    if old["metadata"].get("annotations", {}).get(DIGEST) != run.digest:
        raise ConfigError(
            f"Run {run.run_id} is under way as {old['kind']} {run.name}, with another config.",
            hint=f"`rayingest stop {run.run_id}` ends it; without --run-id this is another run.",
        )


def _keep(cluster: Cluster, run: Submission, job: Json) -> None:
    """The Secret of this run; one that is left of an earlier one gives way."""
    secret = config_secret(run, owner_uid=job["metadata"]["uid"], owner=KINDS[job["kind"]])
    try:
        cluster.create(secret, run.namespace)
    except AlreadyThere:
        if _owned(cluster, run, job):
            return
        cluster.delete(SECRETS, run.secret_name, run.namespace)
        cluster.create(secret, run.namespace)


def _owned(cluster: Cluster, run: Submission, job: Json) -> bool:
    """Whether the Secret that is there is this run's; who may not look makes it anew."""
    try:
        there = cluster.get(SECRETS, run.secret_name, run.namespace)
    except ClusterError:
        return False
    owners = there["metadata"].get("ownerReferences", [])
    return any(each.get("uid") == job["metadata"]["uid"] for each in owners)
