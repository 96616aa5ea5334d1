"""Argo's part, as its controller and its executor play it: parameters, pods, and waiting for a resource.

Conditions are label selectors over paths into the object: success is when all of them hold, failure when any.
https://argo-workflows.readthedocs.io/en/latest/walk-through/kubernetes-resources/
"""

import re
from collections.abc import Iterator
from typing import Any

import yaml

Json = dict[str, Any]
# What Argo gives to every container of its own (`MinimalCtrSC`); pods with a resource have no others.
EXECUTOR = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "privileged": False,
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "runAsUser": 8737,
    "seccompProfile": {"type": "RuntimeDefault"},
}
TAG = re.compile(r"\{\{([^}]+)\}\}")


def template(document: Json, name: str) -> Json:
    """A template of a Workflow or a WorkflowTemplate."""
    (found,) = (each for each in document["spec"]["templates"] if each["name"] == name)
    return found  # type: ignore[no-any-return]


def filled(text: str, document: Json, workflow: str, **given: str) -> str:
    """A text with what Argo fills in; a tag that it does not know is an error there."""
    told = document["spec"].get("arguments", {}).get("parameters", [])
    values = {f"workflow.parameters.{each['name']}": each["value"] for each in told}
    values |= {f"workflow.parameters.{key.replace('_', '-')}": each for key, each in given.items()}
    values["workflow.name"] = workflow
    return TAG.sub(lambda found: values[found[1].strip()], text)


def resource(document: Json, name: str = "rayjob", workflow: str = "wf", **given: str) -> Json:
    """The object that a template of this Workflow is about, as the cluster reads it."""
    text = filled(template(document, name)["resource"]["manifest"], document, workflow, **given)
    return yaml.safe_load(text)  # type: ignore[no-any-return]


def pods(document: Json) -> Iterator[tuple[str, Json]]:
    """The pods of a Workflow: those with a command of ours have three containers."""
    spec = document["spec"]
    for each in spec["templates"]:
        if not {"resource", "container"} & set(each):
            continue
        around = each.get("securityContext", spec.get("securityContext", {}))
        own = {"name": "main", **each.get("container", {"securityContext": EXECUTOR})}
        helpers = [{"name": "wait", "securityContext": EXECUTOR}] if "container" in each else []
        volumes = each.get("volumes", [])
        yield (
            each["name"],
            {
                "securityContext": around,
                "containers": [own, *helpers],
                "initContainers": [{"name": "init", "securityContext": EXECUTOR}],
                "volumes": volumes,
            },
        )


def ended(job: Json, step: Json) -> bool | None:
    """Whether the step that waits for this object has succeeded or failed; None: it waits on."""
    if any(_holds(each, job) for each in _requirements(step["failureCondition"])):
        return False
    if all(_holds(each, job) for each in _requirements(step["successCondition"])):
        return True
    return None


def _requirements(selector: str) -> list[str]:
    return re.split(r",(?![^(]*\))", selector)


def _holds(requirement: str, job: Json) -> bool:
    found = re.fullmatch(r"([\w.]+) (?:== (\w+)|in \(([\w,]+)\))", requirement)
    assert found, requirement
    value: Any = job
    for key in found[1].split("."):
        value = value.get(key, {})
    wanted = [found[2]] if found[2] else found[3].split(",")
    return value in wanted
