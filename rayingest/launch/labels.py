"""What the objects of a run are called by: labels to find them, annotations to understand them.

https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/
"""

from typing import Any

from rayingest.launch.submission import Submission

QUEUE = "kueue.x-k8s.io/queue-name"
NAME = "app.kubernetes.io/name"
RUN_ID = "rayingest.io/run-id"
SOURCE = "rayingest.io/source"
DIGEST = "rayingest.io/config-sha256"
STATE_URL = "rayingest.io/state-url"
SERVICE = "rayingest.io/service"
Json = dict[str, Any]


def labels(run: Submission) -> dict[str, str]:
    """Labels of every object and pod of a run."""
    return {
        **run.k8s.labels,
        NAME: "rayingest",
        "app.kubernetes.io/component": "run",
        "app.kubernetes.io/managed-by": "rayingest",
        RUN_ID: run.run_id,
        SOURCE: run.source_label,
    }


def annotations(run: Submission) -> dict[str, str]:
    """Annotations of the objects of a run; what a template does not know is left out."""
    told = {
        SERVICE: run.service,
        "rayingest.io/connector": run.source,
        DIGEST: run.digest,
        "rayingest.io/version": run.version,
        "rayingest.io/submitted-by": run.submitted_by,
        STATE_URL: run.state_url,
    }
    return {**run.k8s.annotations, **{key: value for key, value in told.items() if value}}


def metadata(run: Submission, name: str) -> Json:
    """The head of an object; without a namespace it goes where kubectl's context says."""
    place = {"namespace": run.namespace} if run.namespace else {}
    return {"name": name, **place, "labels": labels(run), "annotations": annotations(run)}
