"""One look at a RayJob, for who comes by now and then and remembers nothing of the last time."""

from dataclasses import dataclass
from datetime import UTC, datetime

from rayingest.errors import NotThere
from rayingest.launch.cluster import RAY_JOBS, Json
from rayingest.launch.finding import moment
from rayingest.launch.kube import connected
from rayingest.launch.status import Outcome, Status, status
from rayingest.launch.waiting import UNTOUCHED_SECONDS, longest, untended

OVERDUE = "overdue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was seen: a sentence; the Outcome when it is over, or `overdue`; what is wrong meanwhile."""

    told: str
    over: str = ""
    uneasy: str = ""


def glance(context: str | None, name: str, namespace: str | None) -> Seen:
    """Look, on a connection of its own: the tokens of pods are renewed under us.

    Raises NotNow, ClusterError, ConfigError.
    """
    with connected(context) as cluster:
        try:
            job = cluster.get(RAY_JOBS, name, namespace)
        except NotThere:
            return Seen(told="deleted", over=Outcome.DELETED.value)
    return seen(job, datetime.now(UTC))


def seen(job: Json, now: datetime) -> Seen:
    """What a RayJob says at a time."""
    is_now = status(job)
    if is_now.outcome is not None:
        return Seen(told=f"{is_now}", over=is_now.outcome.value)
    if _overdue(job, is_now, now):
        return Seen(told=f"{is_now}", over=OVERDUE)
    unseen = not is_now.touched and _age(_created(job), now) > UNTOUCHED_SECONDS
    return Seen(told=f"{is_now}", uneasy=untended(job["metadata"]["name"]) if unseen else "")


def _overdue(job: Json, is_now: Status, now: datetime) -> bool:
    """Whether all attempts should be over. The operator's start is that of the last one: never too early."""
    most = longest(job)
    if most is None or is_now.waiting:
        return False
    return _age(moment(is_now.started) or _created(job), now) > most


def _created(job: Json) -> datetime | None:
    return moment(job["metadata"].get("creationTimestamp"))


def _age(begun: datetime | None, now: datetime) -> float:
    return (now - begun).total_seconds() if begun else 0.0
