"""Tell the catalogue how an ingestion pipeline's run goes: best effort, never a reason to fail."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from rayingest.errors import RayingestError
from rayingest.sinks.openmetadata import places
from rayingest.sinks.openmetadata.client import Client

State = Literal["queued", "running", "success", "partialSuccess", "failed", "stopped"]
UpdateType = Literal["DISCOVERY", "PROCESSING", "STEP_COMPLETE", "PIPELINE_COMPLETE", "ERROR"]
_PATH = "/services/ingestionPipelines"
_log = logging.getLogger(__name__)


def report_pipeline_status(
    client: Client,
    fqn: str,
    run_id: str,
    state: State,
    *,
    start: float,
    end: float | None = None,
    summary: Sequence[Mapping[str, Any]] = (),
) -> bool:
    """Say in which state a run is; times in seconds, `summary` one StepSummary per step.

    Answers whether the catalogue took it.
    """
    body: dict[str, Any] = {
        "runId": run_id,
        "pipelineState": state,
        "startDate": int(start * 1000),
        "timestamp": int(start * 1000),
    }
    if end is not None:
        body["endDate"] = int(end * 1000)
    if summary:
        body["status"] = list(summary)
    return _put(client, f"{_PATH}/{places.escape(fqn)}/pipelineStatus", body)


def report_progress(
    client: Client,
    fqn: str,
    run_id: str,
    update: UpdateType,
    *,
    now: float,
    counters: Mapping[str, tuple[int, int]],
    remaining: float | None = None,
) -> bool:
    """Say how far a run is: entity type -> (done, total), `remaining` in seconds.

    Answers whether the catalogue took it: older servers have no place for progress.
    """
    left = {} if remaining is None else {"estimatedRemainingSeconds": int(remaining)}
    body: dict[str, Any] = {
        "runId": run_id,
        "timestamp": int(now * 1000),
        "updateType": update,
        "progress": {
            name: {"total": total, "processed": done, **left}
            for name, (done, total) in counters.items()
        },
    }
    return _put(client, f"{_PATH}/progress/{places.escape(fqn)}/{places.escape(run_id)}", body)


def _put(client: Client, path: str, body: Mapping[str, Any]) -> bool:
    try:
        reply = client.call("PUT", path, msgspec.json.encode(body))
    except RayingestError as error:
        _log.warning("the catalogue was not told about the run: %s", error)
        return False
    if not reply.ok:
        _log.warning("the catalogue was not told about the run: %s %s", reply.status, reply.message)
    return reply.ok
