"""The pods of a run: head, workers and submitter, each fit for a namespace that enforces `restricted`.

https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
"""

from typing import Any

from rayingest.config.kubernetes import CONFIG_FOLDER, Toleration, Volume
from rayingest.launch.labels import labels
from rayingest.launch.submission import Submission

USER = 1000  # that of our image, and of Ray's
STOP_SECONDS = 25
"""How long Ray waits for the run to record what it has; less than the pods' grace period."""
GRACE_SECONDS = 30
SUBMITTED = "RAYINGEST_SUBMITTED"
"""Tells the driver that nobody sees its process: its log goes to the run directory, too."""
CLUSTER = "RAYINGEST_CLUSTER"
"""Tells the driver that the cluster is there for it alone, and grows when it asks."""
HEAD = {"requests": {"cpu": "1", "memory": "4Gi"}, "limits": {"cpu": "2", "memory": "4Gi"}}
SUBMITTER = {
    "requests": {"cpu": "100m", "memory": "200Mi"},
    "limits": {"cpu": "500m", "memory": "512Mi"},
}
METRICS = {"metrics": 8080}
"""The operator has every Ray of a cluster tell its metrics there, under this name."""
PORTS = {"gcs-server": 6379, "dashboard": 8265, "client": 10001, **METRICS}
Json = dict[str, Any]


def pod_security() -> Json:
    """The security context of a whole pod."""
    return {
        "runAsNonRoot": True,
        "runAsUser": USER,
        "runAsGroup": USER,
        "fsGroup": USER,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def container_security() -> Json:
    """The security context of one container."""
    return {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "runAsNonRoot": True,
    }


def head(run: Submission) -> Json:
    """The pod of the driver, of Ray's own services, and of the autoscaler when there is one.

    Ray asks for the run to stop and then waits: https://docs.ray.io/en/latest/cluster/running-applications/job-submission/
    """
    container = _container(run, "ray-head", HEAD) | {
        "env": [
            {"name": "RAY_JOB_STOP_WAIT_TIME_S", "value": str(STOP_SECONDS)},
            {"name": SUBMITTED, "value": run.name},
            {"name": CLUSTER, "value": "own"},
        ],
        "ports": _ports(PORTS),
    }
    # The autoscaler asks Kubernetes for pods; nothing else of ours speaks to it.
    return _template(run, container, token=run.workers.autoscaling)


def worker(run: Submission) -> Json:
    """A pod that reads the source."""
    resources = {"requests": run.workers.requests, "limits": run.workers.limits}
    container = _container(run, "ray-worker", resources) | {"ports": _ports(METRICS)}
    return _template(run, container)


def submitter(run: Submission) -> Json:
    """The pod of K8sJobMode: starts the run and follows its log. It needs neither config nor secrets."""
    container = {
        "name": "ray-job-submitter",
        "image": run.image,
        "resources": SUBMITTER,
        "securityContext": container_security(),
    }
    template = _template(run, container)
    template["spec"] |= {"restartPolicy": "Never"}
    del template["spec"]["volumes"]
    return template


def _ports(named: dict[str, int]) -> list[Json]:
    return [{"name": name, "containerPort": port} for name, port in named.items()]


def _container(run: Submission, name: str, resources: Json) -> Json:
    mounts = [{"name": "config", "mountPath": CONFIG_FOLDER, "readOnly": True}]
    mounts += [_mount(each) for each in run.k8s.volumes]
    container = {
        "name": name,
        "image": run.image,
        "resources": resources,
        "securityContext": container_security(),
        "volumeMounts": mounts,
    }
    if run.k8s.envFromSecrets:
        container["envFrom"] = [{"secretRef": {"name": each}} for each in run.k8s.envFromSecrets]
    return container


def _template(run: Submission, container: Json, *, token: bool = False) -> Json:
    k8s = run.k8s
    spec: Json = {
        "automountServiceAccountToken": token,
        "securityContext": pod_security(),
        "terminationGracePeriodSeconds": GRACE_SECONDS,
        "containers": [container],
        "volumes": [
            {"name": "config", "secret": {"secretName": run.secret_name}},
            *(_volume(each) for each in k8s.volumes),
        ],
    }
    if k8s.serviceAccount:
        spec["serviceAccountName"] = k8s.serviceAccount
    if k8s.nodeSelector:
        spec["nodeSelector"] = dict(k8s.nodeSelector)
    if k8s.tolerations:
        spec["tolerations"] = [_toleration(each) for each in k8s.tolerations]
    if k8s.imagePullSecrets:
        spec["imagePullSecrets"] = [{"name": each} for each in k8s.imagePullSecrets]
    about: Json = {"labels": labels(run)}
    if k8s.annotations:
        about["annotations"] = dict(k8s.annotations)
    return {"metadata": about, "spec": spec}


def _toleration(each: Toleration) -> Json:
    return each.model_dump(exclude_none=True)


def _volume(each: Volume) -> Json:
    if each.claimName:
        return {"name": each.name, "persistentVolumeClaim": {"claimName": each.claimName}}
    if each.secretName:
        return {"name": each.name, "secret": {"secretName": each.secretName}}
    return {"name": each.name, "configMap": {"name": each.configMapName}}


def _mount(each: Volume) -> Json:
    alone = each.readOnly or each.claimName is None
    return {"name": each.name, "mountPath": each.mountPath, "readOnly": alone}
