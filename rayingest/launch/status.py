"""What a RayJob says of itself, read: which pairs of its two statuses are an end, and what kind of one.

`jobStatus` is Ray's word about the driver, `jobDeploymentStatus` the operator's about the whole. Only the
second one ends: FAILED with Retrying is followed by another cluster, and Complete is said of a job that
was stopped, too. https://ray-project.github.io/kuberay/reference/api/
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Json = dict[str, Any]


class Outcome(StrEnum):
    """How the cluster's part of a run has ended; what the run itself has done its report says."""

    SUCCEEDED = "succeeded"
    STOPPED = "stopped"
    FAILED = "failed"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The status of a RayJob; words that nobody knows are kept, and end nothing."""

    job: str = ""
    deployment: str = ""
    reason: str = ""
    message: str = ""
    cluster: str = ""
    dashboard: str = ""
    started: str = ""
    ended: str = ""
    failed: int = 0

    @property
    def outcome(self) -> Outcome | None:
        """How it has ended; None while it may still go on."""
        if self.deployment in ("Failed", "ValidationFailed"):
            return Outcome.FAILED
        if self.deployment != "Complete":
            return None
        # Complete before Ray's word has come, or with a word that nobody knows, is not over.
        ends = {
            "SUCCEEDED": Outcome.SUCCEEDED,
            "STOPPED": Outcome.STOPPED,
            "FAILED": Outcome.FAILED,
        }
        return ends.get(self.job)

    @property
    def touched(self) -> bool:
        """Whether the operator has ever seen it."""
        return bool(self.deployment or self.job or self.cluster or self.failed)

    @property
    def waiting(self) -> bool:
        """Whether it is held back before its start, as Kueue does."""
        return self.deployment in ("Suspending", "Suspended")

    def __str__(self) -> str:
        """`Running (RUNNING)`, `Failed (AppFailed)`."""
        inner = ", ".join(filter(None, (self.job, self.reason)))
        outer = self.deployment or "not yet seen by the operator"
        return f"{outer} ({inner})" if inner else outer


def status(job: Json) -> Status:
    """Read the status of a RayJob."""
    said = job.get("status") or {}
    return Status(
        job=said.get("jobStatus") or "",
        deployment=said.get("jobDeploymentStatus") or "",
        reason=said.get("reason") or "",
        message=said.get("message") or "",
        cluster=said.get("rayClusterName") or "",
        dashboard=said.get("dashboardURL") or "",
        started=said.get("startTime") or "",
        ended=said.get("endTime") or "",
        failed=said.get("failed") or 0,
    )


PHASES = {"Succeeded": ("Complete", "SUCCEEDED"), "Failed": ("Failed", ""), "Error": ("Failed", "")}
"""What the end of a Workflow says of the RayJob that it has taken down.

https://argo-workflows.readthedocs.io/en/latest/fields/#workflowstatus
"""


def argo_status(workflow: Json) -> Status:
    """Read the status of a Workflow, as one of the RayJob that it is around."""
    said = workflow.get("status") or {}
    phase = said.get("phase") or ""
    deployment, job = PHASES.get(phase, (f"Workflow {phase}" if phase else "", ""))
    return Status(
        job=job,
        deployment=deployment,
        message=said.get("message") or "",
        started=said.get("startedAt") or "",
        ended=said.get("finishedAt") or "",
    )
