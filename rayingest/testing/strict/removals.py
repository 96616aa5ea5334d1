"""Delete and restore entities, singly or what a run no longer saw."""

from rayingest.testing.strict import wire
from rayingest.testing.strict.errors import RefusedError, unknown
from rayingest.testing.strict.http import Answer, Request, reply
from rayingest.testing.strict.kinds import KINDS, Kind
from rayingest.testing.strict.state import Origin, State
from rayingest.testing.strict.store import Entity, represent
from rayingest.testing.strict.upserts import Row, bulk_result
from rayingest.testing.strict.wire import Json

_STALE = {
    "scopeFqn": str,
    "scopeEntityType": str,
    "seenFqns": list,
    "recursive": bool,
    "dryRun": bool,
    "hardDelete": bool,
}


def delete_by_id(state: State, request: Request, kind: Kind, key: str) -> Answer:
    """DELETE by id: soft by default, with its children if `recursive`."""
    entity = state.store.by_id.get(key)
    if entity is None or entity.kind is not kind:
        raise unknown(kind.entity, key)
    return _delete(state, request, entity)


def delete_by_name(state: State, request: Request, kind: Kind, fqn: str) -> Answer:
    """DELETE by FQN."""
    entity = state.store.by_fqn[kind.collection].get(fqn)
    if entity is None:
        raise unknown(kind.entity, fqn)
    return _delete(state, request, entity)


def restore(state: State, request: Request, kind: Kind) -> Answer:
    """PUT restore `{id}`: undo a soft delete, of the children too."""
    body = wire.decode(request.body)
    state.validate("api/data/restoreEntity.json", body, kind.collection, "")
    entity = state.store.by_id.get(body["id"])
    if entity is None or entity.kind is not kind:
        raise unknown(kind.entity, body["id"])
    for one in (entity, *entity.descendants()):
        one.deleted = False
    _record(state, request, entity, "restored")
    return reply(represent(entity, state.store), rows=1)


def delete_stale(state: State, request: Request, kind: Kind) -> Answer:
    """DELETE what lies under a scope and was not seen; 2.0 only."""
    if not state.options.is_2:
        raise RefusedError(404, "HTTP 404 Not Found")
    wanted = _stale_request(wire.decode(request.body))
    scope = _scope(state, wanted)
    seen = set(wanted["seenFqns"])
    stale = [
        entity
        for entity in scope.descendants()
        if entity.kind is kind and not entity.deleted and entity.fqn not in seen
    ]
    dry = wanted.get("dryRun", False)
    rows = [
        _delete_stale_one(state, request, entity, wanted, dry=dry)
        for entity in stale
        if not entity.deleted
    ]
    if dry or not rows:
        _record(state, request, scope, "unchanged", request.body)
    return reply(bulk_result(rows, dry_run=dry), rows=len(rows))


def _stale_request(body: Json) -> Json:
    for name, value in body.items():
        if name not in _STALE or not isinstance(value, _STALE[name]):
            raise RefusedError(400, f"Unrecognized field or value: {name}")
    for name in ("scopeFqn", "scopeEntityType", "seenFqns"):
        if name not in body:
            raise RefusedError(400, f"[{name} must not be null]")
    return body


def _scope(state: State, wanted: Json) -> Entity:
    entity_type, fqn = wanted["scopeEntityType"], wanted["scopeFqn"]
    if entity_type != "service":
        return state.store.typed(entity_type, fqn)
    for kind in KINDS.values():
        if kind.is_service and (found := state.store.find(kind.collection, fqn)):
            return found
    raise unknown(entity_type, fqn)


def _delete_stale_one(
    state: State, request: Request, entity: Entity, wanted: Json, *, dry: bool
) -> Row:
    recursive = wanted.get("recursive", True)
    if not recursive and any(not child.deleted for child in entity.children):
        return Row(entity.fqn, 400, f"{entity.kind.entity} is not empty")
    if not dry:
        _remove(state, entity, hard=wanted.get("hardDelete", False))
        _record(state, request, entity, "deleted")
    return Row(entity.fqn, 200)


def _delete(state: State, request: Request, entity: Entity) -> Answer:
    hard, recursive = request.flag("hardDelete"), request.flag("recursive")
    if entity.deleted and not hard:
        raise unknown(entity.kind.entity, entity.fqn)
    if not recursive and any(hard or not child.deleted for child in entity.children):
        raise RefusedError(400, f"{entity.kind.entity} is not empty")
    _remove(state, entity, hard=hard)
    _record(state, request, entity, "deleted")
    return reply(represent(entity, state.store), rows=1)


def _remove(state: State, entity: Entity, *, hard: bool) -> None:
    for one in (entity, *entity.descendants()):
        one.deleted = True
    if hard:
        state.store.forget(entity)


def _record(
    state: State, request: Request, entity: Entity, outcome: str, body: bytes = b""
) -> None:
    state.record(
        Origin.of(request),
        outcome=outcome,
        status=200,
        collection=entity.kind.collection,
        fqn=entity.fqn,
        body=body,
    )
