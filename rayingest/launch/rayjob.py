"""The RayJob: a cluster of its own around one run, which is gone when the run has ended.

Fields: https://ray-project.github.io/kuberay/reference/api/. Four things take it down: its own shutdown,
the deadline of each attempt, whoever deletes it, and what owns it. It never depends on a signal.
"""

from typing import Any

from rayingest.launch.labels import QUEUE, metadata
from rayingest.launch.pods import container_security, head, submitter, worker
from rayingest.launch.submission import Submission

OBJECT_STORE = 200_000_000
"""Bytes of Ray's object store on the head: configs and books pass through it, and no tables."""
IDLE_SECONDS = 60
SUBMITTER_RETRIES = 2
AUTOSCALER = {
    "requests": {"cpu": "200m", "memory": "256Mi"},
    "limits": {"cpu": "500m", "memory": "512Mi"},
}
Json = dict[str, Any]


def rayjob(run: Submission) -> Json:
    """The RayJob of a run."""
    about = metadata(run, run.name)
    if run.k8s.queueName:
        about["labels"][QUEUE] = run.k8s.queueName
    return {
        "apiVersion": "ray.io/v1",
        "kind": "RayJob",
        "metadata": about,
        "spec": _spec(run),
    }


def _spec(run: Submission) -> Json:
    k8s = run.k8s
    spec: Json = {
        "entrypoint": run.entrypoint,
        "submissionMode": k8s.submissionMode,
        "backoffLimit": k8s.backoffLimit,
        "activeDeadlineSeconds": k8s.activeDeadlineSeconds,
        "preRunningDeadlineSeconds": k8s.preRunningDeadlineSeconds,
        "shutdownAfterJobFinishes": True,
        "ttlSecondsAfterFinished": k8s.ttlSecondsAfterFinished,
        "metadata": _told(run),
        "rayClusterSpec": cluster(run),
    }
    if k8s.queueName:
        spec["suspend"] = True  # until Kueue has room for it
    if k8s.submissionMode == "K8sJobMode":
        spec["submitterConfig"] = {"backoffLimit": SUBMITTER_RETRIES}
        spec["submitterPodTemplate"] = submitter(run)
    return spec


def _told(run: Submission) -> dict[str, str]:
    """What Ray's dashboard shows. The operator pastes it into a shell: no names that people made up."""
    told = {"run_id": run.run_id, "source": run.source_label}
    told |= {"config_sha256": run.digest, "version": run.version}
    return {key: value for key, value in told.items() if value}


def cluster(run: Submission) -> Json:
    """The Ray cluster: a head without CPUs for work, and workers."""
    spec: Json = {
        "rayVersion": run.k8s.rayVersion,
        "authOptions": {"mode": "token"},
        "enableInTreeAutoscaling": run.workers.autoscaling,
        "headGroupSpec": {
            "rayStartParams": {
                "num-cpus": "0",
                "dashboard-host": "0.0.0.0",  # noqa: S104 - of the pod; the token guards it
                "object-store-memory": str(OBJECT_STORE),
            },
            "template": head(run),
        },
        "workerGroupSpecs": [
            {
                "groupName": "ingest",
                "replicas": run.workers.start,
                "minReplicas": run.workers.least,
                "maxReplicas": run.workers.most,
                "rayStartParams": {"num-cpus": str(run.workers.cpus)},
                "template": worker(run),
            }
        ],
    }
    if run.workers.autoscaling:
        spec["autoscalerOptions"] = _autoscaler()
    return spec


def _autoscaler() -> Json:
    return {
        "version": "v2",
        "idleTimeoutSeconds": IDLE_SECONDS,
        "upscalingMode": "Default",
        "resources": AUTOSCALER,
        "securityContext": container_security(),
    }
