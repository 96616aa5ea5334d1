"""Waiting for a RayJob ends when it has ended, and not before, whatever the cluster does meanwhile."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rayingest.errors import NotNow
from rayingest.launch.kube import Kube
from rayingest.launch.status import Outcome, Status, status
from rayingest.launch.waiting import Overdue, Waiter, longest
from rayingest.testing.kubernetes import DELETED, FORGOTTEN, Kubernetes, Trouble

Json = dict[str, Any]
JOB = {"apiVersion": "ray.io/v1", "kind": "RayJob", "metadata": {"name": "ri-shop"}, "spec": {}}
RUNNING = {"jobStatus": "RUNNING", "jobDeploymentStatus": "Running", "rayClusterName": "c"}
DONE = {"jobStatus": "SUCCEEDED", "jobDeploymentStatus": "Complete", "rayClusterName": "c"}
KEYS = {
    "J": "jobStatus",
    "D": "jobDeploymentStatus",
    "R": "reason",
    "C": "rayClusterName",
    "F": "failed",
    "ST": "startTime",
}


class Time:
    """A clock that goes on by itself, so many seconds with each look."""

    def __init__(self, step: float = 1.0) -> None:
        self.now = 0.0
        self.step = step

    def clock(self) -> float:
        self.now += self.step
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


Wait = Callable[..., tuple[Outcome, list[Status], list[str]]]


@pytest.fixture
def wait(world: Kubernetes, cluster: Kube) -> Wait:
    """Play a script to whoever waits; the outcome, the statuses that were seen, the complaints."""

    def waited(
        *script: Json, seconds: float | None = None, step: float = 1.0
    ) -> tuple[Outcome, list[Status], list[str]]:
        world.put("rayjobs", JOB)
        world.script = script
        seen: list[Status] = []
        said: list[str] = []
        time = Time(step)
        waiter = Waiter(
            cluster=cluster,
            name="ri-shop",
            namespace=None,
            seen=seen.append,
            uneasy=said.append,
            clock=time.clock,
            sleep=time.sleep,
        )
        return waiter.wait(seconds).outcome, seen, said

    return waited


def recorded(path: Path) -> list[Json]:
    """The statuses of a watch that was recorded."""
    head, *rows = path.read_text("utf-8").splitlines()
    names = [KEYS[each] for each in head.split()]
    found = []
    for row in rows:
        values = dict(zip(names, re.split(r"\s{2,}", row.strip()), strict=True))
        told: Json = {key: value for key, value in values.items() if value != "<none>"}
        if "failed" in told:
            told["failed"] = int(told["failed"])
        found.append(told)
    return found


@pytest.mark.parametrize(
    ("name", "outcome", "rows"),
    [("watch-succeeded.log", Outcome.SUCCEEDED, 8), ("watch-failed-retry.log", Outcome.FAILED, 12)],
)
def test_what_was_recorded_ends_with_its_last_row(
    wait: Wait, contracts: Path, name: str, outcome: Outcome, rows: int
) -> None:
    path = contracts / "kubernetes" / name
    if not path.is_file():
        pytest.skip(f"no {path}")
    script = recorded(path)
    assert len(script) == rows
    ended, seen, _ = wait(*script)
    assert ended == outcome
    assert [each.outcome for each in seen] == [None] * (len(seen) - 1) + [outcome]
    unlike = [each for each, before in zip(script, [{}, *script], strict=False) if each != before]
    assert [each.job for each in seen][1:] == [each.get("jobStatus", "") for each in unlike]


@pytest.mark.parametrize(
    ("last", "outcome"),
    [
        (DONE, Outcome.SUCCEEDED),
        ({**DONE, "jobStatus": "STOPPED"}, Outcome.STOPPED),
        ({**DONE, "jobStatus": "FAILED"}, Outcome.FAILED),
        ({"jobDeploymentStatus": "Failed", "reason": "DeadlineExceeded"}, Outcome.FAILED),
        ({"jobStatus": "RUNNING", "jobDeploymentStatus": "Failed"}, Outcome.FAILED),
        ({"jobDeploymentStatus": "ValidationFailed"}, Outcome.FAILED),
        (DELETED, Outcome.DELETED),
    ],
)
def test_every_end_is_known(wait: Wait, last: Json, outcome: Outcome) -> None:
    assert wait(RUNNING, last)[0] == outcome


@pytest.mark.parametrize(
    "between",
    [
        {"jobStatus": "FAILED", "jobDeploymentStatus": "Retrying", "failed": 1},
        {"jobStatus": "SUCCEEDED", "jobDeploymentStatus": "Running"},
        {"jobStatus": "Failure", "jobDeploymentStatus": "Running"},
        {"jobStatus": "Failure", "jobDeploymentStatus": "Complete"},
        {"jobDeploymentStatus": "Complete"},
        {"jobDeploymentStatus": "Rejuvenating"},
        {"failed": 1},
        {"jobDeploymentStatus": "Suspended"},
        {},
    ],
)
def test_what_is_no_end_is_waited_over(wait: Wait, between: Json) -> None:
    assert status({"status": between}).outcome is None
    outcome, seen, _ = wait(RUNNING, between, RUNNING, DONE)
    assert outcome == Outcome.SUCCEEDED
    assert len(seen) >= 4


@pytest.mark.parametrize(
    "trouble",
    [
        Trouble("watch=true", lines=2),
        Trouble("watch=true", code=500),
        Trouble("watch=true", code=None),
        Trouble("GET .*/rayjobs/ri-shop$", code=503, times=9),
        Trouble("GET .*/rayjobs/ri-shop$", code=429, retry_after="0"),
    ],
    ids=["torn", "failing", "cut", "away", "throttled"],
)
def test_a_watch_that_breaks_begins_anew(world: Kubernetes, wait: Wait, trouble: Trouble) -> None:
    world.troubles = [trouble]
    assert wait(RUNNING, RUNNING | {"rayClusterName": "d"}, RUNNING, DONE)[0] == Outcome.SUCCEEDED
    assert trouble.times == 0


def test_a_version_that_is_too_old_is_read_anew(world: Kubernetes, wait: Wait) -> None:
    world.troubles = [Trouble("watch=true", code=410)]
    assert wait(RUNNING, FORGOTTEN, DONE)[0] == Outcome.SUCCEEDED
    assert len([each for each in world.calls if "watch" not in each]) >= 2


def test_who_may_not_watch_looks(world: Kubernetes, wait: Wait) -> None:
    world.denied = {("watch", "rayjobs")}
    assert wait(RUNNING, DONE)[0] == Outcome.SUCCEEDED


def test_nobody_home_is_said_once(world: Kubernetes, wait: Wait) -> None:
    world.watch_seconds = 0.01
    with pytest.raises(Overdue, match=r"not ended after 200 s: not yet seen") as caught:
        wait(seconds=200, step=50)
    assert "stop" in str(caught.value.hint)
    assert [each for each in world.calls if "watch" in each]


def test_what_nobody_touches_is_complained_of(world: Kubernetes, cluster: Kube) -> None:
    world.watch_seconds = 0.01
    world.put("rayjobs", JOB)
    said: list[str] = []
    time = Time(10)
    waiter = Waiter(
        cluster=cluster,
        name="ri-shop",
        namespace=None,
        uneasy=said.append,
        clock=time.clock,
        sleep=time.sleep,
    )
    with pytest.raises(Overdue):
        waiter.wait(100)
    (told,) = said
    assert "No controller has touched RayJob ri-shop in 60 s" in told
    assert "operator" in told


def test_time_that_it_is_held_back_does_not_count(wait: Wait) -> None:
    held = [{"jobDeploymentStatus": "Suspended", "message": str(each)} for each in range(20)]
    assert wait(*held, DONE, seconds=5)[0] == Outcome.SUCCEEDED


def test_a_cluster_that_does_not_come_back_is_overdue(world: Kubernetes, wait: Wait) -> None:
    world.troubles = [Trouble("rayjobs", code=503, times=100_000)]
    with pytest.raises(Overdue):
        wait(seconds=50)


def test_the_longest_time_is_that_of_all_attempts() -> None:
    assert longest({"spec": {"activeDeadlineSeconds": 100, "backoffLimit": 2}}) == 300 + 1800
    assert longest({"spec": {"activeDeadlineSeconds": 100}}) == 100 + 1800
    assert longest({"spec": {}}) is None
    assert NotNow("x").wait is None
