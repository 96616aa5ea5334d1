"""What only the operator refuses: a case for each of its rules."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from rayingest.launch.rules import broken

from .conftest import LARGE, Submit, job
from .test_objects import changed

SPEC = "spec."
HEAD = "spec.rayClusterSpec.headGroupSpec."
GROUP = "spec.rayClusterSpec.workerGroupSpecs.0."
DELETE = {"policy": "DeleteCluster", "condition": {"jobStatus": "FAILED", "ttlSeconds": 60}}


@pytest.fixture
def made(submit: Submit) -> dict[str, Any]:
    """A RayJob that scales, and breaks no rule."""
    found = job(submit(LARGE))
    assert broken(found) == []
    return found


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        ("metadata.name", "x" * 48, "48 characters"),
        ("metadata.name", "7days", "a letter first"),
        ("metadata.name", "a.b", "lower-case"),
        (SPEC + "submissionMode", "Foo", "one of K8sJobMode"),
        (SPEC + "ttlSecondsAfterFinished", -1, "not be negative"),
        (SPEC + "activeDeadlineSeconds", 0, "more than 0"),
        (SPEC + "preRunningDeadlineSeconds", 0, "more than 0"),
        (SPEC + "backoffLimit", -1, "not be negative"),
        (SPEC + "runtimeEnvYAML", "a: [", "no YAML"),
        (SPEC + "clusterSelector", {"ray.io/cluster": "x"}, "not both"),
        (SPEC + "clusterSelector", {}, "must name"),
        (SPEC + "submissionMode", "SidecarMode", "takes no submitterPodTemplate"),
        (SPEC + "deletionStrategy", {"deletionRules": [DELETE]}, "without shutdown"),
        (SPEC + "deletionStrategy", {"deletionRules": [DELETE, DELETE]}, "same policy"),
        (
            SPEC + "deletionStrategy",
            {"deletionRules": [{**DELETE, "policy": "DeleteWorkers"}]},
            "without autoscaling",
        ),
        (
            SPEC + "deletionStrategy",
            {
                "deletionRules": [
                    DELETE,
                    {"policy": "DeleteSelf", "condition": {"jobStatus": "FAILED", "ttlSeconds": 5}},
                ]
            },
            "in this order",
        ),
        (HEAD + "template.spec.containers", [], "the head has no container"),
        (GROUP + "template.spec.containers", [], "no container"),
        (GROUP + "minReplicas", 5, "more minReplicas"),
        (GROUP + "minReplicas", -1, "negative"),
        (GROUP + "resources", {"CPU": "1"}, "twice"),
        (GROUP + "rayStartParams.labels", "a=b", "labels"),
        (GROUP + "template.spec.restartPolicy", "Always", "restartPolicy Never"),
        (GROUP + "idleTimeoutSeconds", -1, "idleTimeoutSeconds"),
        (
            HEAD + "template.spec.containers.0.env",
            [{"name": "RAY_enable_autoscaler_v2", "value": "1"}],
            "said twice",
        ),
        ("spec.rayClusterSpec.rayVersion", "2.51.0", "2.52.0"),
        ("spec.rayClusterSpec.rayVersion", "", "2.52.0"),
    ],
)
def test_a_rule_of_the_operator_is_known(
    made: dict[str, Any], path: str, value: object, why: str
) -> None:
    assert any(why in each for each in broken(changed(made, path, value)))


def without(made: dict[str, Any], *keys: str) -> dict[str, Any]:
    new = copy.deepcopy(made)
    for each in keys:
        del new["spec"][each]
    return new


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda job: without(job, "rayClusterSpec"), "must be there"),
        (
            lambda job: changed(
                without(job, "shutdownAfterJobFinishes"), SPEC + "ttlSecondsAfterFinished", 5
            ),
            "ttlSecondsAfterFinished needs",
        ),
        (
            lambda job: changed(without(job, "shutdownAfterJobFinishes"), SPEC + "suspend", True),
            "suspend needs",
        ),
        (
            lambda job: changed(
                changed(job, SPEC + "submissionMode", "InteractiveMode"), SPEC + "backoffLimit", 1
            ),
            "InteractiveMode",
        ),
        (
            lambda job: changed(
                changed(job, GROUP + "minReplicas", None),
                "spec.rayClusterSpec.enableInTreeAutoscaling",
                False,
            ),
            "for there is no autoscaler",
        ),
    ],
)
def test_rules_about_two_things_are_known(
    made: dict[str, Any], change: Callable[[dict[str, Any]], dict[str, Any]], why: str
) -> None:
    assert any(why in each for each in broken(change(made)))


def test_a_run_on_a_cluster_that_exists_has_rules_of_its_own(made: dict[str, Any]) -> None:
    there = without(made, "rayClusterSpec")
    there = changed(there, SPEC + "clusterSelector", {"ray.io/cluster": "x"})
    assert broken(there) == []
    for key, value in {"suspend": True, "backoffLimit": 1}.items():
        assert any(key in each for each in broken(changed(there, SPEC + key, value)))
    strategy = {"deletionRules": [DELETE]}
    assert any(
        "deletion" in each for each in broken(changed(there, SPEC + "deletionStrategy", strategy))
    )
