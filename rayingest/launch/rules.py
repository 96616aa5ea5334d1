"""What KubeRay's operator refuses and the API server does not, found before anything is created.

The API server takes a RayJob by its schema; the rest the operator finds out later, and then says
`ValidationFailed` and no more. https://ray-project.github.io/kuberay/reference/api/ has the fields.
"""

import re
from collections.abc import Iterator
from typing import Any

import yaml

Json = dict[str, Any]
LONGEST_NAME = 47
MODES = ("K8sJobMode", "HTTPMode", "InteractiveMode", "SidecarMode")
DNS_1035 = re.compile(r"[a-z](?:[-a-z0-9]*[a-z0-9])?")
TOKENS_SINCE = (2, 52, 0)
ON_FAILED_CLUSTERS = {"DeleteCluster", "DeleteWorkers"}
RESOURCE_PARAMS = {"num-cpus", "num-gpus", "memory", "resources"}


def broken(job: Json) -> list[str]:
    """Every rule that a RayJob breaks, in a sentence each; none is fine."""
    spec = job.get("spec", {})
    selector = spec.get("clusterSelector")
    found = [*_name(job), *_mode(spec), *_end(spec), *_amounts(spec), *_rules(spec)]
    if selector is not None:
        found += _selected(spec, selector)
    if (cluster := spec.get("rayClusterSpec")) is not None:
        found += _cluster(cluster)
    elif selector is None:
        found.append("one of rayClusterSpec and clusterSelector must be there")
    return found


def _name(job: Json) -> Iterator[str]:
    name = job.get("metadata", {}).get("name", "")
    if len(name) > LONGEST_NAME:
        yield f"the name has {len(name)} characters, more than {LONGEST_NAME}"
    if not DNS_1035.fullmatch(name):
        yield "the name must be lower-case letters, digits and -, a letter first"


def _mode(spec: Json) -> Iterator[str]:
    mode = spec.get("submissionMode", MODES[0])
    if mode not in MODES:
        yield f"submissionMode must be one of {', '.join(MODES)}"
    if mode == "InteractiveMode" and spec.get("backoffLimit", 0) > 0:
        yield "InteractiveMode takes no backoffLimit"
    if mode == "SidecarMode":
        for key in ("submitterPodTemplate", "submitterConfig", "clusterSelector"):
            if key in spec:
                yield f"SidecarMode takes no {key}"
        head = spec.get("rayClusterSpec", {}).get("headGroupSpec", {}).get("template", {})
        if not _never_restarted(head):
            yield "SidecarMode needs restartPolicy Never on the head"


def _end(spec: Json) -> Iterator[str]:
    ttl, shutdown = spec.get("ttlSecondsAfterFinished", 0), spec.get("shutdownAfterJobFinishes")
    if ttl < 0:
        yield "ttlSecondsAfterFinished must not be negative"
    if ttl > 0 and not shutdown:
        yield "ttlSecondsAfterFinished needs shutdownAfterJobFinishes"
    if spec.get("suspend") and not shutdown:
        yield "suspend needs shutdownAfterJobFinishes"


def _amounts(spec: Json) -> Iterator[str]:
    for key in ("activeDeadlineSeconds", "preRunningDeadlineSeconds"):
        if spec.get(key, 1) <= 0:
            yield f"{key} must be more than 0"
    if spec.get("backoffLimit", 0) < 0:
        yield "backoffLimit must not be negative"
    try:
        yaml.safe_load(spec.get("runtimeEnvYAML", ""))
    except yaml.YAMLError:
        yield "runtimeEnvYAML is no YAML"


def _selected(spec: Json, selector: Json) -> Iterator[str]:
    if not selector.get("ray.io/cluster"):
        yield "clusterSelector must name ray.io/cluster"
    if spec.get("suspend"):
        yield "suspend goes without clusterSelector"
    if spec.get("backoffLimit", 0) > 0:
        yield "backoffLimit goes without clusterSelector"
    if "rayClusterSpec" in spec:
        yield "one of rayClusterSpec and clusterSelector, not both"
    if any(each.get("policy") in ON_FAILED_CLUSTERS for each in _deletions(spec)):
        yield "deletion rules of clusters and workers go without clusterSelector"


def _deletions(spec: Json) -> list[Json]:
    return list(spec.get("deletionStrategy", {}).get("deletionRules", []))


def _rules(spec: Json) -> Iterator[str]:
    rules = _deletions(spec)
    if rules and spec.get("shutdownAfterJobFinishes"):
        yield "deletionRules go without shutdownAfterJobFinishes"
    keys = [(each.get("policy"), _condition(each)) for each in rules]
    if len(set(keys)) < len(keys):
        yield "two deletionRules have the same policy and condition"
    if spec.get("rayClusterSpec", {}).get("enableInTreeAutoscaling") and any(
        policy == "DeleteWorkers" for policy, _ in keys
    ):
        yield "DeleteWorkers goes without autoscaling"
    order = ("DeleteWorkers", "DeleteCluster", "DeleteSelf")
    for condition in {condition for _, condition in keys}:
        seconds = {
            each.get("policy"): each.get("condition", {}).get("ttlSeconds", 0)
            for each in rules
            if _condition(each) == condition
        }
        told = [seconds[policy] for policy in order if policy in seconds]
        if told != sorted(told):
            yield "the TTLs of workers, cluster and RayJob must come in this order"


def _condition(rule: Json) -> tuple[object, object]:
    condition = rule.get("condition", {})
    return condition.get("jobStatus"), condition.get("jobDeploymentStatus")


def _cluster(cluster: Json) -> Iterator[str]:
    head, groups = cluster.get("headGroupSpec", {}), cluster.get("workerGroupSpecs", [])
    scales = bool(cluster.get("enableInTreeAutoscaling"))
    for what, group in (("the head", head), *((each.get("groupName"), each) for each in groups)):
        yield from _group(str(what), group)
    for each in groups:
        yield from _replicas(each, scales=scales)
    if scales:
        yield from _autoscaled(cluster, [head, *groups])
    if cluster.get("authOptions", {}).get("mode") == "token":
        version = re.match(r"(\d+)\.(\d+)\.(\d+)", cluster.get("rayVersion", ""))
        if not version or tuple(map(int, version.groups())) < TOKENS_SINCE:
            yield "token authentication needs rayVersion 2.52.0 or newer"


def _group(what: str, group: Json) -> Iterator[str]:
    if not group.get("template", {}).get("spec", {}).get("containers"):
        yield f"{what} has no container"
    params = group.get("rayStartParams", {})
    if group.get("resources") and RESOURCE_PARAMS & set(params):
        yield f"{what} says its resources twice, in rayStartParams and in resources"
    if "labels" in params:
        yield f"{what} has labels in rayStartParams"


def _replicas(group: Json, *, scales: bool) -> Iterator[str]:
    what, least, most = group.get("groupName"), group.get("minReplicas"), group.get("maxReplicas")
    if not scales and (least is None or most is None):
        yield f"{what} needs minReplicas and maxReplicas, for there is no autoscaler"
    if (least or 0) < 0 or (most or 0) < 0:
        yield f"{what} has negative replicas"
    if least is not None and most is not None and least > most:
        yield f"{what} has more minReplicas than maxReplicas"


def _autoscaled(cluster: Json, groups: list[Json]) -> Iterator[str]:
    options = cluster.get("autoscalerOptions", {})
    timeouts = (options, *groups)
    if any(each.get("idleTimeoutSeconds", 0) < 0 for each in timeouts):
        yield "idleTimeoutSeconds must not be negative"
    if options.get("version") != "v2":
        return
    if not all(_never_restarted(each.get("template", {})) for each in groups):
        yield "the autoscaler v2 needs restartPolicy Never on head and workers"
    containers = groups[0].get("template", {}).get("spec", {}).get("containers", [])
    env = [each.get("name") for container in containers[:1] for each in container.get("env", [])]
    if "RAY_enable_autoscaler_v2" in env:
        yield "the autoscaler's version is said twice, in its options and on the head"


def _never_restarted(template: Json) -> bool:
    return template.get("spec", {}).get("restartPolicy") in (None, "", "Never")
