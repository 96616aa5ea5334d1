"""The API server's judgement of an object: the CRD's schema, unknown fields, and the CEL rules that matter."""

import gzip
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

Json = dict[str, Any]
KEEPS = "x-kubernetes-preserve-unknown-fields"
OPERATORS = {"ray.io/kuberay-operator", "kueue.x-k8s.io/multikueue"}
GROUPS = {"RayJob": "ray.io", "Workflow": "argoproj.io", "WorkflowTemplate": "argoproj.io"}
GROUPS |= {"CronWorkflow": "argoproj.io"}
TEMPLATE_TYPES = {"container", "script", "dag", "steps", "resource", "suspend", "containerSet"}


@cache
def schema(contracts: Path, kind: str = "RayJob", version: str = "v1") -> Json:
    """The schema of a kind that KubeRay or Argo (its full CRDs) has brought."""
    path = contracts / "kubernetes" / f"{GROUPS[kind]}_{kind.lower()}s.yaml.gz"
    if not path.is_file():
        pytest.skip(f"no CRDs in {path.parent}")
    with gzip.open(path) as file:
        crd = yaml.load(file, Loader=yaml.CSafeLoader)
    (served,) = (each for each in crd["spec"]["versions"] if each["name"] == version)
    return served["schema"]["openAPIV3Schema"]  # type: ignore[no-any-return]


def refused(document: Json, contracts: Path) -> list[str]:
    """All that the API server would not take, with strict field validation."""
    kind, version = document["kind"], document["apiVersion"].rpartition("/")[2]
    known = schema(contracts, kind, version)
    judge = jsonschema.Draft202012Validator(known)
    wrong = [f"{each.json_path}: {each.message}" for each in judge.iter_errors(document)]
    rules = cel if kind == "RayJob" else cel_of_argo
    return [*wrong, *unknown(document, known), *rules(document["spec"])]


def unknown(value: Any, known: Json, path: str = "$") -> Iterator[str]:
    """Fields that the schema does not have; `metadata` of the object is free there."""
    if known.get(KEEPS):
        return
    if isinstance(value, list):
        for index, each in enumerate(value):
            yield from unknown(each, known.get("items", {}), f"{path}[{index}]")
    if not isinstance(value, dict):
        return
    properties, others = known.get("properties"), known.get("additionalProperties")
    if properties is None and others is None:
        return
    for key, each in value.items():
        below = (properties or {}).get(key, others)
        if below is None:
            yield f"{path}.{key}: unknown field"
        elif isinstance(below, dict) and not (path == "$" and key == "metadata"):
            yield from unknown(each, below, f"{path}.{key}")


def cel_of_argo(spec: Json) -> Iterator[str]:
    """Argo's rules about templates, as far as ours could break them."""
    for each in spec.get("templates", []):
        if len(TEMPLATE_TYPES & set(each)) > 1:
            yield f"{each['name']}: template must have at most one template type"
        inner = {"steps", "dag"} & set(each)
        if inner and {"activeDeadlineSeconds", "timeout"} & set(each):
            yield f"{each['name']}: deadlines are only valid for leaf templates"
        if {"manifest", "manifestFrom"} <= set(each.get("resource", {})):
            yield f"{each['name']}: only one of manifest or manifestFrom"


def cel(spec: Json) -> Iterator[str]:
    """The rules of the RayJob's CRD that are no schema; immutability needs an older object and is not here."""
    if spec.get("managedBy", "ray.io/kuberay-operator") not in OPERATORS:
        yield "managedBy must be an operator that is known"
    strategy = spec.get("deletionStrategy")
    if strategy is None:
        return
    legacy = {"onSuccess", "onFailure"} & set(strategy)
    rules = strategy.get("deletionRules", [])
    if legacy and rules:
        yield "onSuccess and onFailure go without deletionRules"
    if len(legacy) == 1 or not (legacy or rules):
        yield "both onSuccess and onFailure, or deletionRules"
    for each in rules:
        said = {"jobStatus", "jobDeploymentStatus"} & set(each.get("condition", {}))
        if len(said) != 1:
            yield "a condition has one status"
