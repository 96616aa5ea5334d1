"""Lineage edges between entities that are there."""

from typing import Any

from rayingest.testing.strict import wire
from rayingest.testing.strict.errors import RefusedError
from rayingest.testing.strict.http import Answer, Request, reply
from rayingest.testing.strict.state import Origin, State
from rayingest.testing.strict.store import Entity
from rayingest.testing.strict.wire import Json

_ADD = "api/lineage/addLineage.json"
_DETAILS = "type/entityLineage.json#/definitions/lineageDetails"
NO_EDGE = "Lineage edge not found"
_COLUMNAR = ("table", "dashboardDataModel")


def put_edge(state: State, request: Request) -> Answer:
    """PUT an edge whose ends are references by id."""
    body = wire.decode(request.body)
    state.validate(_ADD, body, "lineage", "")
    edge = body["edge"]
    ends = state.store.referred(edge["fromEntity"]), state.store.referred(edge["toEntity"])
    return _keep(state, request, ends, edge.get("lineageDetails") or {}, _ADD)


def put_named_edge(
    state: State, request: Request, *, from_type: str, from_fqn: str, to_type: str, to_fqn: str
) -> Answer:
    """PUT an edge whose ends are FQNs in the path, the details as the body."""
    details = wire.decode(request.body) if request.body else {}
    state.validate(_DETAILS, details, "lineage", "")
    ends = state.store.typed(from_type, from_fqn), state.store.typed(to_type, to_fqn)
    return _keep(state, request, ends, details, _DETAILS)


def get_edge(state: State, _: Request, source: str, target: str) -> Answer:
    """GET one edge by the ids of its ends; a server of 2.0 answers with the details alone."""
    if (source, target) not in state.store.edges:
        raise RefusedError(404, NO_EDGE)
    edge = state.store.edges[source, target]
    return reply({"edge": edge["edge"]["lineageDetails"]} if state.options.is_2 else edge)


def delete_edge(
    state: State, request: Request, *, from_type: str, source: str, to_type: str, target: str
) -> Answer:
    """DELETE an edge by types and ids of its ends; an edge is gone for good."""
    for kind, key in ((from_type, source), (to_type, target)):
        state.store.referred({"type": kind, "id": key})
    edge = state.store.edges.pop((source, target), None)
    if edge is None:
        raise RefusedError(404, NO_EDGE)
    state.record(
        Origin.of(request), outcome="deleted", status=200, collection="lineage", fqn=edge_name(edge)
    )
    return reply(None, rows=1)


def _keep(
    state: State, request: Request, ends: tuple[Entity, Entity], details: Json, schema: str
) -> Answer:
    _check_details(state, ends, details)
    source, target = ends
    key = (source.id, target.id)
    outcome = "updated" if key in state.store.edges else "created"
    edge = {
        "edge": {
            "fromEntity": source.reference(),
            "toEntity": target.reference(),
            "lineageDetails": details,
        }
    }
    state.store.edges[key] = edge
    state.record(
        Origin.of(request),
        outcome=outcome,
        status=200,
        collection="lineage",
        fqn=edge_name(edge),
        body=request.body,
        schema=schema,
    )
    return reply(edge, rows=1)


def _check_details(state: State, ends: tuple[Entity, Entity], details: Json) -> None:
    for column in details.get("columnsLineage") or ():
        for told in column.get("fromColumns") or ():
            _check_column(ends[0], told)
        if told := column.get("toColumn"):
            _check_column(ends[1], told)
    if pipeline := details.get("pipeline"):
        state.store.referred(pipeline)


def edge_name(edge: Any) -> str:
    """What stands for an edge where an FQN is expected."""
    ends = (edge["edge"][end]["fullyQualifiedName"] for end in ("fromEntity", "toEntity"))
    return " -> ".join(ends)


def _check_column(entity: Entity, told: str) -> None:
    if entity.kind.entity not in _COLUMNAR:
        return
    prefix = entity.fqn + "."
    if not (told.startswith(prefix) and entity.has_column(told.removeprefix(prefix))):
        raise RefusedError(400, f"Invalid column name {told}")
