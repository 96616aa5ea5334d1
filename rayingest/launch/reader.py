"""Reading a report from a volume that only pods see: a pod that lives for seconds, and may nothing else.

It is made out of the RayJob that has the volume, so it needs no config: the same image, the same claims,
read-only, without the run's Secrets and without a token.
"""

import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from rayingest.errors import ClusterError
from rayingest.launch.cluster import PODS, Cluster, Json
from rayingest.launch.finding import Submitted
from rayingest.launch.pods import container_security, pod_security

SECONDS = 120.0
"""How long the pod may take to be placed, started and done."""
RESOURCES = {
    "requests": {"cpu": "100m", "memory": "256Mi"},
    "limits": {"cpu": "500m", "memory": "512Mi"},
}
PLACED = ("nodeSelector", "tolerations", "imagePullSecrets")


def claims(run: Submitted) -> list[Json]:
    """The claims that the head of a RayJob mounts."""
    return [each for each in _pod(run).get("volumes", []) if "persistentVolumeClaim" in each]


def reader(run: Submitted, url: str, command: list[str], name: str) -> Json:
    """The pod that runs a command of ours where the claims are mounted; `url` is where runs are kept."""
    spec = _pod(run)
    volumes = [
        {**each, "persistentVolumeClaim": {**each["persistentVolumeClaim"], "readOnly": True}}
        for each in claims(run)
    ]
    names = {each["name"] for each in volumes}
    (head,) = (each for each in spec["containers"] if each["name"] == "ray-head")
    mounts = [
        {**each, "readOnly": True} for each in head.get("volumeMounts", []) if each["name"] in names
    ]
    container = {
        "name": "reader",
        "image": head["image"],
        "command": ["rayingest", *command, "--state-url", url],
        "resources": RESOURCES,
        "securityContext": container_security(),
        "volumeMounts": mounts,
    }
    labels = {**run.job["metadata"].get("labels", {}), "app.kubernetes.io/component": "reader"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "labels": labels,
            # Whoever deletes the run deletes this too, should we not come to it.
            "ownerReferences": [run.owner.reference()],
        },
        "spec": {
            "restartPolicy": "Never",
            "activeDeadlineSeconds": round(SECONDS),
            "automountServiceAccountToken": False,
            "securityContext": pod_security(),
            "containers": [container],
            "volumes": volumes,
            **{key: spec[key] for key in PLACED if key in spec},
        },
    }


def read(
    cluster: Cluster,
    run: Submitted,
    url: str,
    command: list[str],
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> list[str]:
    """What the command says in such a pod, which is gone afterwards. Raises ClusterError."""
    name = f"{run.name}-read-{secrets.token_hex(3)}"
    cluster.create(reader(run, url, command, name), run.namespace)
    try:
        phase = _ended(cluster, name, run.namespace, sleep)
        lines = list(cluster.log(name, "reader", run.namespace, follow=False))
    finally:
        with suppress(ClusterError):
            cluster.delete(PODS, name, run.namespace)
    if phase != "Succeeded":
        said = " ".join(lines[-3:])[:500] or "it said nothing"
        raise ClusterError(f"The pod that was to read {url} ended as {phase}: {said}")
    return lines


def _ended(cluster: Cluster, name: str, namespace: str, sleep: Callable[[float], None]) -> str:
    waited = 0.0
    while waited < SECONDS:
        told: dict[str, Any] = cluster.get(PODS, name, namespace).get("status", {})
        if (phase := told.get("phase", "Pending")) in ("Succeeded", "Failed"):
            return str(phase)
        sleep(1.0)
        waited += 1.0
    raise ClusterError(
        f"Pod {name} has not read the report in {SECONDS:.0f} s.",
        hint="Can it be placed, and its image pulled? `kubectl get events --sort-by=.lastTimestamp`",
    )


def _pod(run: Submitted) -> Json:
    spec: Json = run.job["spec"]["rayClusterSpec"]["headGroupSpec"]["template"]["spec"]
    return spec
