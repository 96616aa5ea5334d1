"""Configs that are submitted, and their objects."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from rayingest.api import giving, submitting
from rayingest.api.giving import PreparedJob
from rayingest.api.submitting import Prepared

from .dashboards import FakeRay

PLAIN = """\
source:
  type: postgres
  serviceName: Shop (prod)
  serviceConnection:
    config:
      username: reader
      authType: {password: "${SHOP_PASSWORD}"}
      hostPort: db:5432
      database: shop
  sourceConfig: {config: {type: DatabaseMetadata}}
sink: {type: memory}
workflowConfig:
  distributedExecution:
    enabled: true
    orchestrator: kuberay
"""
SMALL = {
    "image": "registry.example/rayingest:1",
    "stateUrl": "s3://bucket/state",
    "k8s": {"envFromSecrets": ["shop-env"]},
}
LARGE = {
    "image": "registry.example/rayingest:1",
    "namespace": "data",
    "parallelism": 400,
    "resourceRequests": {"cpu": "500m", "memory": "1Gi"},
    "resourceLimits": {"cpu": 3, "memory": "4Gi"},
    "stateUrl": "/state/rayingest",
    "k8s": {
        "envFromSecrets": ["shop-env", "catalogue-env"],
        "serviceAccount": "reader",
        "labels": {"team": "data", "example.com/cost": "42"},
        "annotations": {"sidecar.istio.io/inject": "false"},
        "nodeSelector": {"kubernetes.io/arch": "amd64"},
        "tolerations": [{"key": "dedicated", "value": "ingest", "effect": "NoSchedule"}],
        "imagePullSecrets": ["registry"],
        "volumes": [
            {"name": "state", "mountPath": "/state", "claimName": "rayingest-state"},
            {"name": "ca", "mountPath": "/etc/ca", "configMapName": "company-ca"},
            {"name": "keys", "mountPath": "/keys", "secretName": "shop-keys"},
        ],
        "backoffLimit": 0,
        "activeDeadlineSeconds": 7200,
        "preRunningDeadlineSeconds": 600,
        "ttlSecondsAfterFinished": 0,
        "minWorkers": 2,
        "maxWorkers": 4,
        "submissionMode": "K8sJobMode",
    },
}
QUEUED = {**SMALL, "parallelism": 200, "k8s": {**SMALL["k8s"], "queueName": "nightly"}}  # type: ignore[dict-item]
BLOCKS: dict[str, dict[str, Any]] = {"small": SMALL, "large": LARGE, "queued": QUEUED}
STATE = {"stateUrl": "s3://bucket/state"}
Submit = Callable[..., Prepared]
Prepare = Callable[..., PreparedJob]


def config(block: dict[str, Any]) -> str:
    """A whole config with this execution."""
    tree = yaml.safe_load(PLAIN)
    tree["workflowConfig"]["distributedExecution"] |= block
    return yaml.safe_dump(tree, sort_keys=False)


def job(prepared: Prepared) -> dict[str, Any]:
    """The RayJob among the objects, read as the cluster reads it."""
    _, made = yaml.safe_load_all(prepared.text)
    return made  # type: ignore[no-any-return]


def secret(prepared: Prepared) -> dict[str, Any]:
    """The Secret among the objects."""
    made, _ = yaml.safe_load_all(prepared.text)
    return made  # type: ignore[no-any-return]


def pods(made: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The pod specs of a RayJob, by what they are."""
    cluster = made["spec"]["rayClusterSpec"]
    found = {"head": cluster["headGroupSpec"]["template"]["spec"]}
    found["worker"] = cluster["workerGroupSpecs"][0]["template"]["spec"]
    if template := made["spec"].get("submitterPodTemplate"):
        found["submitter"] = template["spec"]
    return found


@pytest.fixture
def submit(tmp_path: Path) -> Submit:
    """Prepare the run of a config with this execution, with nothing but this environment."""

    def prepared(block: dict[str, Any], *, text: str | None = None, **more: Any) -> Prepared:
        path = tmp_path / "config.yaml"
        path.write_text(text or config(block), "utf-8")
        given = {"environ": {}, "run_id": "nightly-7", "submitted_by": "tester"}
        return submitting.prepare(path, **(given | more))  # type: ignore[arg-type]

    return prepared


@pytest.fixture
def prepare(tmp_path: Path) -> Prepare:
    """Prepare the run of a config with this execution, with nothing but this environment."""

    def prepared(block: dict[str, Any] | None = None, **more: Any) -> PreparedJob:
        path = tmp_path / "config.yaml"
        path.write_text(config(block or STATE), "utf-8")
        return giving.prepare(path, **({"environ": {}, "run_id": "nightly-7"} | more))

    return prepared


@pytest.fixture
def ray() -> FakeRay:
    return FakeRay()
