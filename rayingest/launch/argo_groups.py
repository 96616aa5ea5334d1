"""Argo without Ray: a pod lists what there is, and a pod for each group of it describes that.

It is what Ray replaces: of use where there is no Ray, for hundreds of entities.
https://argo-workflows.readthedocs.io/en/latest/walk-through/loops/
"""

from dataclasses import replace
from typing import Any

from rayingest.config.kubernetes import CONFIG_FOLDER
from rayingest.launch.argo import ABOUT, parameter, parameters, parametrized, shared
from rayingest.launch.argo_steps import LOST_PODS
from rayingest.launch.cluster import WORKFLOWS
from rayingest.launch.pods import worker
from rayingest.launch.submission import CONFIG_FILE, Submission

STEPS = "rayingest-steps"
"""The account of these pods, which may tell Argo what they found, and nothing else."""
CONFIG = f"{CONFIG_FOLDER}/{CONFIG_FILE}"
GROUP = 100
PARALLELISM = 10
FOLDER = "/groups"
LISTED = f"{FOLDER}/groups.json"
HERE = ["--set", "workflowConfig.distributedExecution.enabled=false"]
"""A pod is all there is: no engine but its own process, whatever the config says."""
LIMITS = f"""\
Lists the entities of a source, and describes them in groups, a pod for each.
Limits: the list is a parameter, as a whole and in each pod, and a Workflow takes 1 MB in all. An entity has up
to 1 kB there: some hundred always fit, some thousand often. A group is an argument of a command, which takes
128 kB: at most {GROUP} entities. A pod takes seconds to start. Each pod is a run of its own: there is no report
of the whole, limits of the source hold for each pod alone ({PARALLELISM} at once), and nothing is deleted that has
vanished from the source. rayingest-run has none of these limits.
"""
Json = dict[str, Any]


def groups_template(run: Submission, name: str = "rayingest-without-ray") -> Json:
    """The template of such Workflows."""
    given = replace(parametrized(run), name=name)
    group = {
        "name": "group",
        "value": str(GROUP),
        "description": f"Entities of a group; up to {GROUP}.",
    }
    spec = {
        **shared(given),
        "entrypoint": "main",
        "serviceAccountName": STEPS,
        "activeDeadlineSeconds": run.k8s.activeDeadlineSeconds,
        "parallelism": PARALLELISM,
        "arguments": {"parameters": [*parameters(replace(run, state_url=None)), group]},
        "templates": [_main(), _containers(given), _discover(given), _process(given)],
    }
    if pulls := run.k8s.imagePullSecrets:
        spec["imagePullSecrets"] = [{"name": each} for each in pulls]
    about = {
        "name": name,
        "labels": dict(ABOUT),
        "annotations": {"workflows.argoproj.io/description": LIMITS},
    }
    return {
        "apiVersion": WORKFLOWS.api,
        "kind": "WorkflowTemplate",
        "metadata": about,
        "spec": spec,
    }


def _main() -> Json:
    """The service and its schemas are there before anything is put into them."""
    first = [{"name": each, "template": each} for each in ("containers", "discover")]
    group = {
        "name": "process",
        "template": "process",
        "withParam": "{{steps.discover.outputs.parameters.groups}}",
        "arguments": {"parameters": [{"name": "entities", "value": "{{item}}"}]},
    }
    return {"name": "main", "steps": [first, [group]]}


def _containers(run: Submission) -> Json:
    """What is left out by `--exclude` are no services, databases and schemas: those hold the others."""
    words = ["run", CONFIG, "--engine", "local", "--progress", "log", "--exclude", "*"]
    return _pod(run, "containers", words)


def _discover(run: Submission) -> Json:
    words = ["discover", CONFIG, *HERE, "--format", "json", "--group", parameter("group")]
    made = _pod(run, "discover", [*words, "--output", LISTED])
    made["volumes"].append({"name": "groups", "emptyDir": {}})
    made["container"]["volumeMounts"].append({"name": "groups", "mountPath": FOLDER})
    made["outputs"] = {"parameters": [{"name": "groups", "valueFrom": {"path": LISTED}}]}
    return made


def _process(run: Submission) -> Json:
    words = ["process", CONFIG, *HERE, "--entity", "{{inputs.parameters.entities}}"]
    made = _pod(run, "process", words)
    return {**made, "inputs": {"parameters": [{"name": "entities"}]}}


def _pod(run: Submission, name: str, words: list[str]) -> Json:
    """A pod like a worker's, with a command of ours."""
    spec = worker(run)["spec"]
    (container,) = spec["containers"]
    kept = {key: value for key, value in container.items() if key not in ("name", "ports")}
    placed = {key: spec[key] for key in ("nodeSelector", "tolerations") if key in spec}
    return {
        "name": name,
        "retryStrategy": dict(LOST_PODS),
        "securityContext": spec["securityContext"],
        "volumes": spec["volumes"],
        **placed,
        "container": {**kept, "command": ["rayingest"], "args": words},
    }
