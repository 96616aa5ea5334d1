"""What runs that are over have left in a namespace, and may be deleted: never anything of one that goes on."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from rayingest.errors import NotAllowed, NotThere
from rayingest.launch.cluster import PODS, RAY_JOBS, SECRETS, Cluster, Json, Kind
from rayingest.launch.finding import moment, submitted
from rayingest.launch.labels import NAME, RUN_ID

COMPONENT = "app.kubernetes.io/component"


@dataclass(frozen=True, slots=True)
class Object:
    """An object that may go."""

    kind: Kind
    name: str
    namespace: str
    why: str

    def __str__(self) -> str:
        """For people."""
        return f"{self.kind.name} {self.name}: {self.why}"


@dataclass(frozen=True, slots=True)
class Leftovers:
    """What may go, and what could not be looked at."""

    objects: tuple[Object, ...]
    unseen: tuple[str, ...]


def found(
    cluster: Cluster, namespace: str | None, *, days: float, now: datetime | None = None
) -> Leftovers:
    """All that is over for so many days. Raises ClusterError.

    A Secret with a config goes when it belongs to nobody, as those made by `--manifest` do, and no RayJob of
    its run is there. A RayJob whose end nobody has told is not over, however old.
    """
    before = (now or datetime.now(UTC)) - timedelta(days=days)
    jobs = submitted(cluster, namespace)
    objects = [
        Object(RAY_JOBS, each.name, each.namespace, str(each.status))
        for each in jobs
        if each.over and (moment(each.status.ended) or each.created) <= before
    ]
    unseen = []
    alive = {each.run_id for each in jobs}
    for kind, labels in (
        (SECRETS, {NAME: "rayingest", RUN_ID: ""}),
        (PODS, {NAME: "rayingest", RUN_ID: "", COMPONENT: "reader"}),
    ):
        try:
            listed = cluster.list(kind, namespace, labels).items
        except NotAllowed:
            unseen.append(
                f"{kind.plural} cannot be listed with this account; they are not looked at."
            )
            continue
        objects += [
            _object(kind, each)
            for each in listed
            if _alone(kind, each, alive) and (moment(_created(each)) or before) <= before
        ]
    return Leftovers(tuple(objects), tuple(unseen))


def delete(cluster: Cluster, each: Object) -> None:
    """Delete one; it may have gone meanwhile. Raises ClusterError."""
    with suppress(NotThere):
        cluster.delete(each.kind, each.name, each.namespace or None)


def _alone(kind: Kind, made: Json, alive: set[str]) -> bool:
    if kind is PODS:
        return made.get("status", {}).get("phase") in ("Succeeded", "Failed")
    head = made["metadata"]
    return not head.get("ownerReferences") and head["labels"][RUN_ID] not in alive


def _created(made: Json) -> str:
    return str(made["metadata"].get("creationTimestamp", ""))


def _object(kind: Kind, made: Json) -> Object:
    head = made["metadata"]
    why = "of a run that is no more" if kind is SECRETS else "has read what it was made for"
    return Object(kind, head["name"], head.get("namespace", ""), why)
