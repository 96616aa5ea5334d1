"""Runs that were submitted: which there are on a cluster, and the one that is meant.

A run is a RayJob, or a Workflow of Argo around one: that RayJob comes later and goes earlier than the
Workflow, which is then all that there is to see.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any

import yaml

from rayingest.errors import ConfigError, NotAllowed, NotThere
from rayingest.launch.cluster import RAY_JOBS, WORKFLOWS, Cluster, Json, Kind
from rayingest.launch.labels import NAME, RUN_ID, SERVICE, STATE_URL
from rayingest.launch.status import Status, argo_status, status

MANY = 5  # candidates that an error names


@dataclass(frozen=True, slots=True)
class Owner:
    """What a run is deleted by: its RayJob, or the Workflow around it."""

    kind: Kind
    name: str
    uid: str

    def reference(self) -> Json:
        """What an object says that belongs to it."""
        return {
            "apiVersion": self.kind.api,
            "kind": self.kind.name,
            "name": self.name,
            "uid": self.uid,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """A run on a cluster, read; `job` is its RayJob, as it is or as the Workflow makes it."""

    name: str
    namespace: str
    run_id: str
    service: str
    created: datetime
    status: Status
    state_url: str | None
    job: Json
    owner: Owner

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.status.outcome is not None


def read(made: Json) -> Submitted:
    """A RayJob, or a Workflow around one, as what it is to us."""
    head: dict[str, Any] = made["metadata"]
    notes = head.get("annotations") or {}
    is_workflow = made["kind"] == WORKFLOWS.name
    return Submitted(
        name=head["name"],
        namespace=head.get("namespace", ""),
        run_id=(head.get("labels") or {}).get(RUN_ID, ""),
        service=notes.get(SERVICE, ""),
        created=moment(head.get("creationTimestamp")) or datetime.min.replace(tzinfo=UTC),
        status=argo_status(made) if is_workflow else status(made),
        state_url=notes.get(STATE_URL),
        job=_within(made) if is_workflow else made,
        owner=Owner(WORKFLOWS, head["name"], head.get("uid", "")) if is_workflow else _owner(made),
    )


def _owner(job: Json) -> Owner:
    """A RayJob of Argo's would be made anew as long as its Workflow is there."""
    head = job["metadata"]
    for each in head.get("ownerReferences") or ():
        if each.get("kind") == WORKFLOWS.name:
            return Owner(WORKFLOWS, each["name"], each["uid"])
    return Owner(RAY_JOBS, head["name"], head.get("uid", ""))


def _within(workflow: Json) -> Json:
    """The RayJob that a Workflow applies."""
    templates = workflow["spec"].get("templates") or ()
    texts = [
        each["resource"]["manifest"]
        for each in templates
        if each.get("resource", {}).get("action") == "apply"
    ]
    found: Json = yaml.safe_load(texts[0]) if texts else {"metadata": {}, "spec": {}}
    found["metadata"]["name"] = workflow["metadata"]["name"]
    return found


def moment(text: str | None) -> datetime | None:
    """A time as Kubernetes and reports write it (RFC 3339); None for what is none."""
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def submitted(cluster: Cluster, namespace: str | None) -> list[Submitted]:
    """All runs of ours in a namespace, newest first. Raises ClusterError."""
    labels = {NAME: "rayingest", RUN_ID: ""}
    found = {(each.run_id, each.name): each for each in _all(cluster, namespace, labels)}
    return sorted(found.values(), key=lambda each: (each.created, each.name), reverse=True)


def _all(cluster: Cluster, namespace: str | None, labels: Mapping[str, str]) -> Iterator[Submitted]:
    """Workflows first: who has both sees the RayJob. A cluster without Argo has none."""
    with suppress(NotThere, NotAllowed):
        yield from map(read, cluster.list(WORKFLOWS, namespace, labels).items)
    yield from map(read, cluster.list(RAY_JOBS, namespace, labels).items)


def find(cluster: Cluster, run: str, namespace: str | None) -> Submitted:
    """The run that is meant: its id, or the name of its RayJob. Raises ConfigError, ClusterError."""
    if _is_label(run) and (found := list(_all(cluster, namespace, {RUN_ID: run}))):
        jobs = [each for each in found if each.job["metadata"].get("uid")]
        return max(jobs or found, key=lambda each: each.created)
    for kind in (RAY_JOBS, WORKFLOWS):
        with suppress(NotThere, NotAllowed):
            named = read(cluster.get(kind, run, namespace))
            if named.run_id:
                return named
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
    return ConfigError(
        f"There is no run {run!r} in namespace {namespace}.{meant(run, names)}",
        hint="`rayingest status` lists them; --namespace names another one.",
    )


def meant(run: str, names: Sequence[str]) -> str:
    """What may have been meant by a run that is not there, or what there is."""
    near = get_close_matches(run, names, n=3)
    return f" Did you mean {' or '.join(near)}?" if near else f" There is {_some(names)}."


def _some(names: Sequence[str]) -> str:
    rest = len(names) - MANY
    return ", ".join(names[:MANY]) + (f" and {rest} more" if rest > 0 else "")
