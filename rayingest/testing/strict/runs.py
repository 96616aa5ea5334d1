"""What runs report about themselves: status and progress of ingestion pipelines."""

from rayingest.testing.strict import wire
from rayingest.testing.strict.errors import RefusedError, unknown
from rayingest.testing.strict.http import Answer, Request, reply
from rayingest.testing.strict.state import Origin, State
from rayingest.testing.strict.store import represent

_PIPELINES = "services/ingestionPipelines"
_STATUS = "entity/services/ingestionPipelines/ingestionPipeline.json#/definitions/pipelineStatus"
_PROGRESS = "entity/services/ingestionPipelines/progressUpdate.json"


def put_status(state: State, request: Request, fqn: str) -> Answer:
    """PUT the status of a run; the run's last one is kept."""
    pipeline = state.store.known(_PIPELINES, fqn)
    body = wire.decode(request.body)
    state.validate(_STATUS, body, "pipelineStatus", fqn)
    held = state.store.statuses.setdefault(fqn, {})
    outcome = "updated" if body["runId"] in held else "created"
    held[body["runId"]] = body
    _record(state, request, outcome, _STATUS, f"{fqn}/{body['runId']}")
    return reply({**represent(pipeline, state.store), "pipelineStatuses": body})


def get_status(state: State, _: Request, fqn: str, run: str) -> Answer:
    """GET the status of one run."""
    state.store.known(_PIPELINES, fqn)
    if run not in state.store.statuses.get(fqn, {}):
        raise unknown("pipelineStatus", run)
    return reply(state.store.statuses[fqn][run])


def get_statuses(state: State, request: Request, fqn: str) -> Answer:
    """GET the runs between two times, in milliseconds."""
    state.store.known(_PIPELINES, fqn)
    start = int(request.query.get("startTs", 0))
    end = int(request.query.get("endTs", 2**63))
    held = state.store.statuses.get(fqn, {}).values()
    found = [status for status in held if start <= status.get("timestamp", 0) <= end]
    return reply({"data": found, "paging": {"total": len(found)}})


def put_progress(state: State, request: Request, fqn: str, run: str) -> Answer:
    """PUT how far a run has come."""
    body = wire.decode(request.body)
    state.validate(_PROGRESS, body, "progress", fqn)
    if body.get("runId") != run:
        raise RefusedError(400, f"the body is about run {body.get('runId')}")
    state.store.known(_PIPELINES, fqn)
    outcome = "updated" if (fqn, run) in state.store.progress else "created"
    state.store.progress[fqn, run] = body
    _record(state, request, outcome, _PROGRESS, f"{fqn}/{run}")
    return reply(body)


def get_progress(state: State, _: Request, fqn: str, run: str) -> Answer:
    """GET how far a run has come."""
    if (fqn, run) not in state.store.progress:
        raise unknown("progress", run)
    return reply(state.store.progress[fqn, run])


def _record(state: State, request: Request, outcome: str, schema: str, fqn: str) -> None:
    state.record(
        Origin.of(request),
        outcome=outcome,
        status=200,
        collection="pipelineStatus" if schema == _STATUS else "progress",
        fqn=fqn,
        body=request.body,
        schema=schema,
    )
