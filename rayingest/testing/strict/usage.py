"""How often entities were used on a day: POST sets the count of a day, PUT adds to it.

So the server has it, in versions 1.x and later (`UsageRepository`, of POST and of PUT):
https://github.com/open-metadata/OpenMetadata/blob/main/openmetadata-service/src/main/java/org/openmetadata/service/jdbi3/UsageRepository.java
"""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

from rayingest.testing.strict import wire
from rayingest.testing.strict.errors import RefusedError, unknown
from rayingest.testing.strict.http import Answer, Request, reply
from rayingest.testing.strict.state import Origin, State
from rayingest.testing.strict.store import Entity
from rayingest.testing.strict.wire import Json

DAILY = "type/dailyCount.json"
COUNTED = frozenset(("table", "dashboard", "chart", "pipeline", "mlmodel"))
_LONGEST = 30  # days that are told of, and kept by the server

Find = Callable[..., Entity]


def by_name(state: State, *, entity_type: str, fqn: str) -> Entity:
    """The entity of a type and FQN."""
    return state.store.typed(entity_type, fqn)


def by_id(state: State, *, entity_type: str, key: str) -> Entity:
    """The entity of a type and id."""
    found = state.store.by_id.get(key)
    if found is None or found.deleted or found.kind.entity != entity_type:
        raise unknown(entity_type, key)
    return found


def works(find: Find) -> Iterator[tuple[str, Callable[..., Answer]]]:
    """What each method does to what is found so."""

    def report(state: State, request: Request, *, entity_type: str, **whose: str) -> Answer:
        return _report(state, request, find(state, entity_type=entity_type, **whose))

    def get(state: State, request: Request, *, entity_type: str, **whose: str) -> Answer:
        return _get(state, request, find(state, entity_type=entity_type, **whose))

    yield "POST", report
    yield "PUT", report
    yield "GET", get


def by_day(state: State) -> dict[str, Any]:
    """FQN -> day -> count."""
    found: dict[str, dict[str, int]] = {}
    for (key, day), count in sorted(state.store.uses.items()):
        found.setdefault(state.store.by_id[key].fqn, {})[day] = count
    return found


def _report(state: State, request: Request, entity: Entity) -> Answer:
    body = wire.decode(request.body)
    state.validate(DAILY, body, "usage", entity.fqn)
    if entity.kind.entity not in COUNTED:
        raise RefusedError(400, f"Entity type {entity.kind.entity} not supported")
    day, count = date.fromisoformat(body["date"]).isoformat(), int(body["count"])
    of, uses = (entity.id, day), state.store.uses
    outcome = "updated" if of in uses else "created"
    uses[of] = count if request.method == "POST" else uses.get(of, 0) + count
    state.record(
        Origin.of(request),
        outcome=outcome,
        status=201,
        collection="usage",
        fqn=entity.fqn,
        body=request.body,
        schema=DAILY,
    )
    return reply(_told(state, entity, day, 1), status=201, rows=1)


def _get(state: State, request: Request, entity: Entity) -> Answer:
    day = request.query.get("date") or date.today().isoformat()  # noqa: DTZ011 - as the server has it
    days = min(max(int(request.query.get("days", "1")), 1), _LONGEST)
    return reply(_told(state, entity, day, days))


def _told(state: State, entity: Entity, last: str, days: int) -> Json:
    uses = {day: count for (key, day), count in state.store.uses.items() if key == entity.id}
    told = [
        {
            "date": day,
            "dailyStats": {"count": uses[day]},
            "weeklyStats": {"count": _sum(uses, day, 7)},
            "monthlyStats": {"count": _sum(uses, day, _LONGEST)},
        }
        for day in sorted(uses)
        if _first(last, days) <= day <= last
    ]
    return {"entity": entity.reference(), "usage": told}


def _sum(uses: dict[str, int], last: str, days: int) -> int:
    first = _first(last, days)
    return sum(count for day, count in uses.items() if first <= day <= last)


def _first(last: str, days: int) -> str:
    return (date.fromisoformat(last) - timedelta(days - 1)).isoformat()
