"""One step of Argo around a RayJob: applies it, waits until it has ended, and takes it down.

Argo's pod may be evicted and is then tried again. So the RayJob has a fixed name, the Workflow's, and is
applied, not created: the next pod finds it running. The run's id is the Workflow's name, too, so that a
cluster that is made anew goes on with the run. https://argo-workflows.readthedocs.io/en/latest/fields/
"""

from dataclasses import replace
from typing import Any

from rayingest.errors import ConfigError
from rayingest.launch.argo_steps import EXIT, MAIN, templates
from rayingest.launch.cluster import WORKFLOWS
from rayingest.launch.labels import metadata
from rayingest.launch.manifest import manifest
from rayingest.launch.rayjob import rayjob
from rayingest.launch.submission import Submission, entrypoint
from rayingest.launch.waiting import longest

NAME = "{{workflow.name}}"
LAUNCHER = "rayingest-launcher"
"""The account of Argo's pods: k8s/base has it, and its rights."""
WEEK, DAY = 7 * 86400, 86400
EXECUTOR = 8737
"""The user of Argo's own pods. What their containers may do Argo says itself.

https://argo-workflows.readthedocs.io/en/latest/workflow-pod-security-context/
"""
ABOUT = {"app.kubernetes.io/name": "rayingest", "app.kubernetes.io/managed-by": "rayingest"}
Json = dict[str, Any]


def workflow(run: Submission) -> Json:
    """The Workflow of one run; it owns the RayJob, and the Secret that `config_secret` makes."""
    inner = replace(run, name=NAME, config_secret=run.secret_name)
    if "{{" in manifest([rayjob(replace(inner, name=run.name))]):
        raise ConfigError(
            "Argo would fill in what stands in braces, {{…}}, in the labels or annotations of this run.",
            hint="Take the braces out of serviceName and of k8s.annotations.",
        )
    about = metadata(run, run.name)
    return _object(WORKFLOWS.name, about, workflow_spec(inner))


def workflow_template(run: Submission, name: str = "rayingest-run") -> Json:
    """The template of runs that are like this one: source, image and Secrets are parameters."""
    given = parametrized(run)
    spec = workflow_spec(given)
    spec["arguments"] = {"parameters": parameters(run)}
    return _object("WorkflowTemplate", {"name": name, "labels": dict(ABOUT)}, spec)


def cron_workflow(
    source: str,
    *,
    name: str = "rayingest-nightly",
    template: str = "rayingest-run",
    schedule: str = "0 2 * * *",
) -> Json:
    """A run of a template every night; Argo puts eleven characters after its name."""
    spec = {
        "schedules": [schedule],
        "timezone": "Etc/UTC",
        "concurrencyPolicy": "Forbid",
        "startingDeadlineSeconds": 3600,
        "successfulJobsHistoryLimit": 3,
        "failedJobsHistoryLimit": 5,
        "workflowSpec": {
            "workflowTemplateRef": {"name": template},
            "arguments": {"parameters": [{"name": "source", "value": source}]},
        },
    }
    return _object("CronWorkflow", {"name": name, "labels": dict(ABOUT)}, spec)


def parameter(name: str) -> str:
    """What Argo fills in."""
    return f"{{{{workflow.parameters.{name}}}}}"


def parametrized(run: Submission) -> Submission:
    """The run of whoever is to come: what only a Workflow knows is left to Argo."""
    secrets = run.k8s.envFromSecrets
    return replace(
        run,
        name=NAME,
        run_id=NAME,
        entrypoint=entrypoint(NAME),
        namespace=None,
        source="",
        service=parameter("source"),
        label=parameter("source"),
        image=parameter("image"),
        config_secret=parameter("config-secret"),
        digest="",
        state_url=parameter("state-url") if run.state_url else None,
        submitted_by="argo",
        k8s=run.k8s.model_copy(
            update={"envFromSecrets": [parameter("env-secret"), *secrets[1:]] if secrets else []}
        ),
    )


def parameters(run: Submission) -> list[Json]:
    """The parameters of such a template, with what holds when they are not given."""
    told = [
        ("source", run.source_label, "Name of the source: letters, digits and -."),
        ("image", run.image, "Image with rayingest and Ray."),
        ("config-secret", "rayingest-config", "Secret with the key config.yaml."),
    ]
    if run.state_url:
        told.append(("state-url", run.state_url, "Its stateUrl: `rayingest status` looks there."))
    told += [
        ("env-secret", each, "Secret whose keys are the config's ${VARIABLES}.")
        for each in run.k8s.envFromSecrets[:1]
    ]
    return [{"name": name, "value": value, "description": text} for name, value, text in told]


def workflow_spec(run: Submission) -> Json:
    """What Workflow and template have in common: the step, the end, and their limits."""
    job = rayjob(run)
    return {
        **shared(run),
        "entrypoint": MAIN,
        "onExit": EXIT,
        "serviceAccountName": LAUNCHER,
        "activeDeadlineSeconds": int(longest(job) or 0),
        "templates": templates(job),
    }


def shared(run: Submission) -> Json:
    """What holds for all Workflows of ours: one at a time for a source, and nothing stays for ever."""
    return {
        "automountServiceAccountToken": True,
        "ttlStrategy": {"secondsAfterCompletion": WEEK, "secondsAfterSuccess": DAY},
        "podGC": {"strategy": "OnWorkflowSuccess"},
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": EXECUTOR,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "podMetadata": {"labels": {**ABOUT, "app.kubernetes.io/component": "workflow"}},
        "synchronization": {"mutexes": [{"name": f"rayingest-{run.source_label}"}]},
    }


def _object(kind: str, about: Json, spec: Json) -> Json:
    return {"apiVersion": WORKFLOWS.api, "kind": kind, "metadata": about, "spec": spec}
