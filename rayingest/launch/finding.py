"""Runs that were submitted: which there are on a cluster, and the one that is meant."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any

from rayingest.errors import ConfigError, NotThere
from rayingest.launch.cluster import RAY_JOBS, Cluster, Json
from rayingest.launch.labels import NAME, RUN_ID, SERVICE, STATE_URL
from rayingest.launch.status import Status, status

MANY = 5  # candidates that an error names


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """A RayJob of ours, read."""

    name: str
    namespace: str
    run_id: str
    service: str
    created: datetime
    status: Status
    state_url: str | None
    job: Json

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.status.outcome is not None


def read(job: Json) -> Submitted:
    """A RayJob as what it is to us."""
    head: dict[str, Any] = job["metadata"]
    notes = head.get("annotations") or {}
    return Submitted(
        name=head["name"],
        namespace=head.get("namespace", ""),
        run_id=(head.get("labels") or {}).get(RUN_ID, ""),
        service=notes.get(SERVICE, ""),
        created=moment(head.get("creationTimestamp")) or datetime.min.replace(tzinfo=UTC),
        status=status(job),
        state_url=notes.get(STATE_URL),
        job=job,
    )


def moment(text: str | None) -> datetime | None:
    """A time as Kubernetes and reports write it (RFC 3339); None for what is none."""
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def submitted(cluster: Cluster, namespace: str | None) -> list[Submitted]:
    """All runs of ours in a namespace, newest first. Raises ClusterError."""
    listed = cluster.list(RAY_JOBS, namespace, {NAME: "rayingest", RUN_ID: ""})
    return sorted(map(read, listed.items), key=lambda each: (each.created, each.name), reverse=True)


def find(cluster: Cluster, run: str, namespace: str | None) -> Submitted:
    """The run that is meant: its id, or the name of its RayJob. Raises ConfigError, ClusterError."""
    found = cluster.list(RAY_JOBS, namespace, {RUN_ID: run}).items if _is_label(run) else ()
    if found:
        return max(map(read, found), key=lambda each: each.created)
    try:
        job = read(cluster.get(RAY_JOBS, run, namespace))
    except NotThere:
        job = None
    if job is not None and job.run_id:
        return job
    raise _unknown(run, namespace or cluster.namespace, submitted(cluster, namespace))


def _is_label(text: str) -> bool:
    return len(text) <= 63 and text.replace("-", "").replace("_", "").replace(".", "").isalnum()


def _unknown(run: str, namespace: str, known: Sequence[Submitted]) -> ConfigError:
    if not known:
        return ConfigError(
            f"No run was submitted to namespace {namespace}, or all of them were deleted.",
            hint="--namespace names another one; `rayingest runs list --state-url URL` knows those that are over.",
        )
    names = [each.run_id for each in known]
    near = get_close_matches(run, names, n=3)
    meant = f" Did you mean {' or '.join(near)}?" if near else f" There is {_some(names)}."
    return ConfigError(
        f"There is no run {run!r} in namespace {namespace}.{meant}",
        hint="`rayingest status` lists them; --namespace names another one.",
    )


def _some(names: Sequence[str]) -> str:
    rest = len(names) - MANY
    return ", ".join(names[:MANY]) + (f" and {rest} more" if rest > 0 else "")
