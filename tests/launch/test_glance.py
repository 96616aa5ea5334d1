"""A single look at a RayJob says whether it is over, overdue, or left alone by everybody."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from rayingest.errors import ConfigError, NotNow
from rayingest.launch.glance import glance, seen
from rayingest.launch.kube import TRIES
from rayingest.launch.waiting import SLACK_SECONDS
from rayingest.testing.kubernetes import Kubernetes, Trouble

Json = dict[str, Any]
CREATED = datetime(2026, 11, 1, 3, tzinfo=UTC)
DEADLINE = 3600
LONGEST = 2 * DEADLINE + SLACK_SECONDS
DONE = {"jobStatus": "SUCCEEDED", "jobDeploymentStatus": "Complete"}
RUNNING = {"jobStatus": "RUNNING", "jobDeploymentStatus": "Running"}


def job(**status: Any) -> Json:
    spec = {"activeDeadlineSeconds": DEADLINE, "backoffLimit": 1}
    head = {"name": "ri-shop", "creationTimestamp": f"{CREATED:%Y-%m-%dT%H:%M:%SZ}"}
    return {"kind": "RayJob", "metadata": head, "spec": spec, "status": status}


def after(seconds: float) -> datetime:
    return CREATED + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("status", "over"),
    [
        ({}, ""),
        (RUNNING, ""),
        ({"jobStatus": "FAILED", "jobDeploymentStatus": "Retrying"}, ""),
        ({"jobStatus": "SUCCEEDED", "jobDeploymentStatus": "Running"}, ""),
        (DONE, "succeeded"),
        ({**DONE, "jobStatus": "STOPPED"}, "stopped"),
        ({"jobDeploymentStatus": "ValidationFailed"}, "failed"),
    ],
)
def test_it_is_over_when_the_operator_says_so(status: Json, over: str) -> None:
    assert seen(job(**status), after(1)).over == over


def test_it_is_overdue_when_all_attempts_should_have_ended() -> None:
    assert seen(job(**RUNNING), after(LONGEST)).over == ""
    assert seen(job(**RUNNING), after(LONGEST + 1)).over == "overdue"
    assert seen(job(**DONE), after(LONGEST + 1)).over == "succeeded"


def test_time_counts_from_the_last_start_that_was_told() -> None:
    started = f"{after(DEADLINE):%Y-%m-%dT%H:%M:%SZ}"
    assert seen(job(**RUNNING, startTime=started), after(LONGEST + 1)).over == ""
    assert seen(job(**RUNNING, startTime=started), after(LONGEST + DEADLINE + 1)).over == "overdue"


def test_no_time_passes_in_a_queue() -> None:
    assert seen(job(jobDeploymentStatus="Suspended"), after(10 * LONGEST)).over == ""


def test_without_a_deadline_nothing_is_overdue() -> None:
    made = job(**RUNNING)
    del made["spec"]["activeDeadlineSeconds"]
    assert seen(made, after(10 * LONGEST)).over == ""


def test_that_nobody_touches_it_is_told_after_a_minute() -> None:
    assert seen(job(), after(60)).uneasy == ""
    assert "No controller has touched RayJob ri-shop in 60 s" in seen(job(), after(61)).uneasy
    assert seen(job(**RUNNING), after(61)).uneasy == ""
    assert seen(job(failed=1), after(61)).uneasy == ""  # between two attempts


@pytest.fixture
def look(world: Kubernetes) -> Callable[[], Any]:
    return lambda: glance(None, "ri-shop", "default")


def test_what_is_not_there_any_more_is_over(look: Callable, world: Kubernetes) -> None:
    world.put("rayjobs", {**job(**RUNNING)})
    assert look().over == "overdue"  # created in the past
    world.remove("rayjobs", "ri-shop")
    assert (look().over, look().told) == ("deleted", "deleted")


def test_who_does_not_answer_says_nothing_of_it(look: Callable, world: Kubernetes) -> None:
    world.put("rayjobs", job(**DONE))
    world.troubles.append(Trouble("GET .*/rayjobs", 503, TRIES))
    with pytest.raises(NotNow):
        look()
    assert look().over == "succeeded"


def test_each_look_has_the_credentials_of_that_moment(
    look: Callable, world: Kubernetes, tmp_path: Path
) -> None:
    world.put("rayjobs", job(**DONE))
    world.token = "renewed"  # noqa: S105 - of this test
    with pytest.raises(ConfigError):
        look()
    world.kubeconfig(tmp_path / "kubeconfig")
    assert look().over == "succeeded"
