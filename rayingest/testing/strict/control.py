"""What a test asks the catalogue itself, beside the API: `/__stats`, `/__log`, `/__faults`, …"""

import time

from rayingest.testing.strict import usage, wire
from rayingest.testing.strict.faults import Faults, Mischief
from rayingest.testing.strict.http import Answer, Request, failure, reply
from rayingest.testing.strict.lineage import edge_name
from rayingest.testing.strict.state import State
from rayingest.testing.strict.wire import Json
from rayingest.testing.strict.writes import lines


def handle(state: State, request: Request) -> Answer:
    """Answer a control request; neither faults nor counts concern it."""
    work = _WORK.get(request.label)
    if work is None:
        return failure(404, f"there is no {request.label}; there are {', '.join(_WORK)}")
    try:
        return work(state, request)
    except (KeyError, TypeError, ValueError) as error:
        return failure(400, f"{type(error).__name__}: {error}")


def _stats(state: State, _: Request) -> Answer:
    return reply(stats(state))


def _log(state: State, _: Request) -> Answer:
    return Answer(body=b"".join(lines(list(state.log))), media="application/x-ndjson")


def _entities(state: State, request: Request) -> Answer:
    found = entities(state, request.query["collection"], deleted=request.flag("deleted"))
    return reply(found)


def _validate(state: State, _: Request) -> Answer:
    return reply(state.validate_log())


def _faults(state: State, request: Request) -> Answer:
    state.mischief = Mischief(Faults.from_json(wire.decode(request.body or b"{}")))
    return reply({})


def _reset(state: State, _: Request) -> Answer:
    state.reset()
    return reply({})


_WORK = {
    "GET /__stats": _stats,
    "GET /__log": _log,
    "GET /__entities": _entities,
    "POST /__validate": _validate,
    "POST /__faults": _faults,
    "POST /__reset": _reset,
}


def stats(state: State) -> Json:
    """Counts of all that happened since the start or the last reset."""
    with state.lock:
        counts, held = state.counts, state.store.by_fqn
        return {
            "requests": sum(counts.requests.values()),
            "by": dict(counts.requests.most_common()),
            "statuses": {str(status): count for status, count in counts.statuses.items()},
            "injected": dict(counts.injected),
            "rows": dict(counts.outcomes),
            "entities": {
                collection: alive
                for collection, found in held.items()
                if (alive := sum(not entity.deleted for entity in found.values()))
            },
            "columns": sum(
                len(table.columns) for table in held["tables"].values() if not table.deleted
            ),
            "edges": len(state.store.edges),
            "bytes_in": counts.bytes_in,
            "max_in_flight": counts.max_in_flight,
            "unauthorised": counts.unauthorised,
            "validation_errors": len(state.errors),
            "span_s": round(counts.last - counts.first, 3),
            "cpu_s": round(time.process_time(), 3),
        }


def entities(state: State, collection: str, *, deleted: bool = False) -> dict[str, Json]:
    """FQN -> the body last stored with its id; or those softly deleted. `lineage` gives edges.

    `usage` gives the counts of days.
    """
    with state.lock:
        if collection == "lineage":
            return {edge_name(edge): edge for edge in state.store.edges.values()}
        if collection == "usage":
            return usage.by_day(state)
        return {
            fqn: {**entity.document(), "id": entity.id}
            for fqn, entity in state.store.by_fqn[collection].items()
            if entity.deleted is deleted
        }
