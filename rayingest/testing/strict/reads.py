"""Lists and single entities."""

import base64
import binascii

from rayingest.testing.strict.errors import RefusedError, unknown
from rayingest.testing.strict.http import Answer, Request, reply
from rayingest.testing.strict.kinds import Kind
from rayingest.testing.strict.state import State
from rayingest.testing.strict.store import Entity, represent
from rayingest.testing.strict.wire import Json

_LONGEST_PAGE = 1000
_SCOPES = ("service", "database", "databaseSchema", "parent")


def get_list(state: State, request: Request, kind: Kind) -> Answer:
    """GET a page of a collection in the order of FQNs."""
    limit = _limit(request)
    found = sorted(
        entity.fqn
        for entity in state.store.by_fqn[kind.collection].values()
        if _wanted(entity, request)
    )
    after, before = _cursor(request, "after"), _cursor(request, "before")
    rest = [fqn for fqn in found if fqn > after and (not before or fqn < before)]
    page = rest[-limit:] if before else rest[:limit]
    paging: Json = {"total": len(found)}
    if page and page[-1] != found[-1]:
        paging["after"] = _told(page[-1])
    if page and page[0] != found[0]:
        paging["before"] = _told(page[0])
    held = state.store.by_fqn[kind.collection]
    return reply({"data": [represent(held[fqn], state.store) for fqn in page], "paging": paging})


def get_by_name(state: State, request: Request, kind: Kind, fqn: str) -> Answer:
    """GET the entity of an FQN."""
    entity = state.store.by_fqn[kind.collection].get(fqn)
    if entity is None and kind.collection in ("users", "teams"):  # also by a bare, dotted name
        entity = state.store.by_fqn[kind.collection].get(f'"{fqn}"')
    if entity is None or not _included(entity, request):
        raise unknown(kind.entity, fqn)
    return reply(represent(entity, state.store))


def get_by_id(state: State, request: Request, kind: Kind, key: str) -> Answer:
    """GET the entity of an id."""
    entity = state.store.by_id.get(key)
    if entity is None or entity.kind is not kind or not _included(entity, request):
        raise unknown(kind.entity, key)
    return reply(represent(entity, state.store))


def _wanted(entity: Entity, request: Request) -> bool:
    if not _included(entity, request):
        return False
    scopes = (request.query[name] for name in _SCOPES if request.query.get(name))
    return all(entity.fqn.startswith(scope + ".") for scope in scopes)


def _included(entity: Entity, request: Request) -> bool:
    match request.query.get("include", "non-deleted"):
        case "all":
            return True
        case "deleted":
            return entity.deleted
        case "non-deleted":
            return not entity.deleted
        case strange:
            raise RefusedError(400, f"query param include: {strange} is not a value")


def _limit(request: Request) -> int:
    told = request.query.get("limit", "10")
    if not told.isdigit() or int(told) > _LONGEST_PAGE:
        raise RefusedError(400, f"[query param limit must be between 0 and {_LONGEST_PAGE}]")
    return int(told)


def _cursor(request: Request, name: str) -> str:
    try:
        return base64.urlsafe_b64decode(request.query.get(name, "")).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise RefusedError(400, f"{name} is not a cursor of this server") from error


def _told(fqn: str) -> str:
    return base64.urlsafe_b64encode(fqn.encode()).decode()
