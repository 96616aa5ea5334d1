"""The steps of a Workflow around a RayJob: apply and wait, and at its end look and take down.

https://argo-workflows.readthedocs.io/en/latest/walk-through/kubernetes-resources/
"""

from typing import Any

from rayingest.launch.manifest import manifest

MAIN, EXIT = "main", "exit"
SUCCESS = "status.jobDeploymentStatus == Complete,status.jobStatus == SUCCEEDED"
"""All of it must hold."""
FAILURE = "status.jobDeploymentStatus in (Failed,ValidationFailed),status.jobStatus == STOPPED"
"""Any of it is the end. Ray's FAILED is not among them: another attempt may follow it."""
LOST_PODS = {"limit": "3", "retryPolicy": "OnError"}
"""A pod that is lost is made anew; a run that has failed is not run again."""
Json = dict[str, Any]


def templates(job: Json) -> list[Json]:
    """Entry point and end, and what they are made of."""
    main = {"name": MAIN, "steps": [[{"name": "run", "template": "rayjob"}]]}
    return [main, _apply(job), _exit(), _outcome(job), _teardown(job)]


def _apply(job: Json) -> Json:
    return {
        "name": "rayjob",
        "retryStrategy": dict(LOST_PODS),
        "resource": {
            "action": "apply",
            "setOwnerReference": True,
            "successCondition": SUCCESS,
            "failureCondition": FAILURE,
            "manifest": manifest([_applied(job)]).removeprefix("---\n"),
        },
    }


def _applied(job: Json) -> Json:
    """Without `suspend`: applied once more it would stop a run that Kueue has let go.

    Kueue says it itself when such an object is created: https://kueue.sigs.k8s.io/docs/tasks/run/rayjobs/
    """
    return {**job, "spec": {key: value for key, value in job["spec"].items() if key != "suspend"}}


def _exit() -> Json:
    """First what has come of it, for the RayJob is gone afterwards."""
    anyway = {"error": True, "failed": True}
    look = {"name": "outcome", "template": "outcome", "continueOn": anyway}
    return {"name": EXIT, "steps": [[look], [{"name": "teardown", "template": "teardown"}]]}


def _outcome(job: Json) -> Json:
    """Argo keeps what the waiting step puts out only when that has succeeded; hence one that looks."""
    told = [
        {"name": name, "valueFrom": {"jsonPath": f"{{.status.{name}}}", "default": ""}}
        for name in ("jobDeploymentStatus", "jobStatus", "reason", "message")
    ]
    return {
        "name": "outcome",
        "retryStrategy": dict(LOST_PODS),
        "resource": {
            "action": "get",
            "flags": ["--ignore-not-found=true"],
            "manifest": _which(job),
        },
        "outputs": {"parameters": told},
    }


def _teardown(job: Json) -> Json:
    return {
        "name": "teardown",
        "retryStrategy": dict(LOST_PODS),
        "resource": {
            "action": "delete",
            "flags": ["--ignore-not-found=true", "--wait=false"],
            "manifest": _which(job),
        },
    }


def _which(job: Json) -> str:
    place = {key: job["metadata"][key] for key in ("name", "namespace") if key in job["metadata"]}
    named = {"apiVersion": job["apiVersion"], "kind": job["kind"], "metadata": place}
    return manifest([named]).removeprefix("---\n")
