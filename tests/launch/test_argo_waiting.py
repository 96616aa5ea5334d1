"""The step that waits ends when the RayJob has ended, and not before: its conditions, as Argo reads them."""

import itertools
from pathlib import Path
from typing import Any

import pytest

from rayingest.launch.argo import workflow
from rayingest.launch.status import Outcome, status

from . import argo
from .conftest import SMALL, Submit
from .test_waiting import recorded

Json = dict[str, Any]
RUNNING = {"jobStatus": "RUNNING", "jobDeploymentStatus": "Running"}
RETRIED = {"jobStatus": "FAILED", "jobDeploymentStatus": "Retrying", "reason": "AppFailed"}
STARTED: Json = {"jobDeploymentStatus": "Initializing"}


@pytest.fixture
def step(submit: Submit) -> Json:
    """The step that applies and waits."""
    return argo.template(workflow(submit(SMALL).run), "rayjob")["resource"]  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("name", "succeeds"), [("watch-succeeded.log", True), ("watch-failed-retry.log", False)]
)
def test_the_step_ends_with_the_last_row_that_was_recorded(
    step: Json, contracts: Path, name: str, succeeds: bool
) -> None:
    path = contracts / "kubernetes" / name
    if not path.is_file():
        pytest.skip(f"no {path}")
    *before, last = ({"status": each} for each in recorded(path))
    assert [argo.ended(each, step) for each in before] == [None] * len(before)
    assert argo.ended(last, step) is succeeds


@pytest.mark.parametrize(
    ("script", "succeeds"),
    [
        ([{}, STARTED, RUNNING, {**RUNNING, "jobStatus": "SUCCEEDED"}], None),
        ([RUNNING, {"jobStatus": "SUCCEEDED", "jobDeploymentStatus": "Complete"}], True),
        ([RUNNING, {"jobStatus": "STOPPED", "jobDeploymentStatus": "Complete"}], False),
        ([RUNNING, {"jobDeploymentStatus": "Failed", "reason": "DeadlineExceeded"}], False),
        ([{}, {"jobDeploymentStatus": "ValidationFailed"}], False),
        ([RETRIED, {}, STARTED, RUNNING, RETRIED, {}, STARTED, RUNNING], None),
        ([{"jobDeploymentStatus": "Suspended"}, STARTED, RUNNING], None),
        ([{**RUNNING, "jobStatus": "Failure"}, RUNNING], None),
        ([RUNNING, {"jobStatus": "", "jobDeploymentStatus": "Complete"}], None),
    ],
)
def test_no_status_before_the_last_ends_the_step(
    step: Json, script: list[Json], succeeds: bool | None
) -> None:
    *before, last = ({"status": each} for each in script)
    assert [argo.ended(each, step) for each in before] == [None] * len(before)
    assert argo.ended(last, step) is succeeds


def test_the_step_ends_as_submit_says_that_it_has_ended(step: Json) -> None:
    jobs = ("", "PENDING", "RUNNING", "SUCCEEDED", "FAILED", "STOPPED", "Failure")
    deployments = ("", "Initializing", "Running", "Complete", "Failed", "Retrying", "Suspending")
    for job, deployment in itertools.product(jobs, (*deployments, "Suspended", "ValidationFailed")):
        told = {"status": {"jobStatus": job, "jobDeploymentStatus": deployment}}
        said, outcome = argo.ended(told, step), status(told).outcome
        if (
            job == "STOPPED"
        ):  # nothing follows a stop, so that the step needs not see the cluster go
            assert said is False
        elif (job, deployment) == ("FAILED", "Complete"):  # the operator says Failed, or Retrying
            assert said is None
        else:
            assert said is {Outcome.SUCCEEDED: True, Outcome.FAILED: False, None: None}[outcome]
