"""Waiting for a RayJob to end: list, watch from there, and read again when the watch has ended or broken.

A watch ends every half minute, so what it missed is seen then: a status that was cleared and begun anew,
an object that went. https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
"""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from rayingest.errors import ClusterError, NotAllowed, NotNow, NotThere, TooOld
from rayingest.launch.cluster import RAY_JOBS, WATCH_SECONDS, WORKFLOWS, Cluster, Json
from rayingest.launch.status import Outcome, Status, argo_status, status

UNTOUCHED_SECONDS = 60.0
SLACK_SECONDS = 1800.0
"""What attempts may take beyond their deadlines: images, nodes, the operator's own time-outs."""
PAUSE_SECONDS = 2.0
LONGEST_PAUSE = 30.0


class Overdue(ClusterError):
    """The RayJob has not ended in the time that all its attempts may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How it ended: the outcome, and the last status that was seen."""

    outcome: Outcome
    status: Status


@dataclass(slots=True, kw_only=True)
class Waiter:
    """Waits for one RayJob. `seen` is told every status that is another one, `uneasy` what is wrong.

    `clock` and `sleep` are in seconds. `glance` is called between watches, about every `look` seconds.
    """

    cluster: Cluster
    name: str
    namespace: str | None
    seen: Callable[[Status], None] = lambda status: None
    uneasy: Callable[[str], None] = lambda text: None
    glance: Callable[[], None] = lambda: None
    look: float = WATCH_SECONDS
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _last: Status | None = field(init=False, default=None)
    _since: float = field(init=False, default=0.0)
    _watching: bool = field(init=False, default=True)
    _told: bool = field(init=False, default=False)

    def wait(self, deadline: float | None) -> Ended:
        """Until it has ended; at most so many seconds, of which none pass while it is held back.

        Raises Overdue, NotAllowed, and ClusterError when Kubernetes does not answer for that long.
        """
        self._since = self.clock()
        begun, pause = self._since, PAUSE_SECONDS
        while True:
            try:
                if (ended := self._once()) is not None:
                    return ended
                pause = PAUSE_SECONDS
            except NotNow as error:
                self.uneasy(f"{error} Asking again in {pause:.0f} s.")
                self.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
            except NotThere:
                return Ended(outcome=Outcome.DELETED, status=self._last or Status())
            if self._last is not None and self._last.waiting:
                begun = self.clock()
            if deadline is not None and self.clock() - begun > deadline:
                raise Overdue(
                    f"RayJob {self.name} has not ended after {deadline:,.0f} s: {self._last or Status()}.",
                    hint="`rayingest stop` removes it. Is the operator alive? `kubectl get pods -A | grep kuberay`",
                )
            self.glance()

    def _once(self) -> Ended | None:
        """One look and one watch. Raises NotThere when the object has gone."""
        job = self.cluster.get(RAY_JOBS, self.name, self.namespace)
        if (ended := self._noticed(job)) is not None:
            return ended
        self._complain()
        if not self._watching:
            self.sleep(min(self.look, PAUSE_SECONDS))
            return None
        version = job.get("metadata", {}).get("resourceVersion", "")
        try:
            return self._watched(version)
        except TooOld:
            return None
        except NotAllowed:
            self._watching = False  # looking is enough, only later
            return None

    def _watched(self, version: str) -> Ended | None:
        changes = self.cluster.watch(RAY_JOBS, self.name, self.namespace, version, self.look)
        for change in changes:
            if change.type == "DELETED":
                raise NotThere(f"RayJob {self.name} was deleted.")
            if (ended := self._noticed(change.object)) is not None:
                return ended
        return None

    def _noticed(self, job: Json) -> Ended | None:
        now = status(job)
        if now != self._last:
            self._last = now
            self.seen(now)
        return Ended(outcome=now.outcome, status=now) if now.outcome else None

    def _complain(self) -> None:
        """Once: nobody is home."""
        untouched = self._last is not None and not self._last.touched
        if untouched and not self._told and self.clock() - self._since > UNTOUCHED_SECONDS:
            self._told = True
            self.uneasy(untended(self.name))


@dataclass(slots=True, kw_only=True)
class Awaited:
    """Waits for the RayJob that a Workflow of Argo will make."""

    cluster: Cluster
    name: str
    namespace: str | None
    seen: Callable[[Status], None] = lambda status: None
    uneasy: Callable[[str], None] = lambda text: None
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def wait(self) -> Json | Ended:
        """The RayJob, or how it ended without one. Raises ClusterError."""
        begun, told, last = self.clock(), False, None
        while True:
            try:
                return self.cluster.get(RAY_JOBS, self.name, self.namespace)
            except NotThere:
                pass
            try:
                now = argo_status(self.cluster.get(WORKFLOWS, self.name, self.namespace))
            except NotThere:
                return Ended(outcome=Outcome.DELETED, status=last or Status())
            if now != last:
                last = now
                self.seen(now)
            if now.outcome is not None:
                return Ended(outcome=now.outcome, status=now)
            if not (told or now.touched) and self.clock() - begun > UNTOUCHED_SECONDS:
                told = True
                self.uneasy(
                    f"No controller has touched Workflow {self.name} in {UNTOUCHED_SECONDS:.0f} s: is Argo's "
                    "controller running, and does it watch this namespace? "
                    "`kubectl get pods -A -l app=workflow-controller`"
                )
            self.sleep(PAUSE_SECONDS)


def settled(cluster: Cluster, name: str, namespace: str | None, ended: Ended) -> Ended:
    """How a RayJob of Argo's ended that its Workflow took down before we saw the end."""
    if ended.outcome is not Outcome.DELETED:
        return ended
    with suppress(NotThere):
        told = argo_status(cluster.get(WORKFLOWS, name, namespace))
        if told.outcome is not None:
            return Ended(outcome=told.outcome, status=told)
    return ended


def untended(name: str) -> str:
    """What is said of a RayJob that nobody has touched for too long."""
    return (
        f"No controller has touched RayJob {name} in {UNTOUCHED_SECONDS:.0f} s: "
        "is KubeRay's operator running, and does it watch this namespace? "
        "`kubectl get pods -A -l app.kubernetes.io/name=kuberay-operator`"
    )


def longest(job: Json) -> float | None:
    """Seconds that all attempts of a RayJob may take; None when an attempt has no deadline."""
    spec = job.get("spec", {})
    if (each := spec.get("activeDeadlineSeconds")) is None:
        return None
    return float((spec.get("backoffLimit", 0) + 1) * each) + SLACK_SECONDS
