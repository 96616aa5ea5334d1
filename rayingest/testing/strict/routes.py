"""The REST API's routes: a table from method and path to what does the work."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from rayingest.testing.strict import lineage, reads, removals, runs, session, upserts, usage
from rayingest.testing.strict.errors import RefusedError
from rayingest.testing.strict.http import Answer, Request, failure
from rayingest.testing.strict.kinds import KINDS, Kind
from rayingest.testing.strict.state import Origin, State

_COLLECTION = "(?P<kind>" + "|".join(sorted(KINDS, key=len, reverse=True)) + ")"
_WRITES = frozenset(("PUT", "POST", "PATCH", "DELETE"))
_MEDIA = {
    "PUT": "application/json",
    "POST": "application/json",
    "PATCH": "application/json-patch+json",
}


@dataclass(frozen=True, slots=True)
class Route:
    """A method, a path pattern whose groups are the arguments, and the work."""

    method: str
    pattern: re.Pattern[str]
    work: Callable[..., Answer]


def _route(method: str, path: str, work: Callable[..., Answer]) -> Route:
    pattern = path.replace("{kind}", _COLLECTION)
    return Route(method, re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern)), work)


_RUN = "services/ingestionPipelines"

ROUTES = (
    _route("PUT", "{kind}/bulk", upserts.put_many),
    _route("PUT", "{kind}", upserts.put_one),
    _route("GET", "system/version", session.version),
    _route("POST", "users/login", session.login),
    _route("GET", "search/.*", session.search),
    _route("PUT", "lineage", lineage.put_edge),
    _route(
        "PUT",
        "lineage/{from_type}/name/{from_fqn}/{to_type}/name/{to_fqn}",
        lineage.put_named_edge,
    ),
    _route("GET", "lineage/getLineageEdge/{source}/{target}", lineage.get_edge),
    _route("DELETE", "lineage/{from_type}/{source}/{to_type}/{target}", lineage.delete_edge),
    *(
        _route(method, f"usage/{{entity_type}}/{whose}", work)
        for whose, find in (("name/{fqn}", usage.by_name), ("{key}", usage.by_id))
        for method, work in usage.works(find)
    ),
    _route("PUT", f"{_RUN}/progress/{{fqn}}/{{run}}", runs.put_progress),
    _route("GET", f"{_RUN}/progress/{{fqn}}/{{run}}", runs.get_progress),
    _route("PUT", f"{_RUN}/{{fqn}}/pipelineStatus", runs.put_status),
    _route("GET", f"{_RUN}/{{fqn}}/pipelineStatus", runs.get_statuses),
    _route("GET", f"{_RUN}/{{fqn}}/pipelineStatus/{{run}}", runs.get_status),
    _route("POST", "{kind}", upserts.put_one),
    _route("GET", "{kind}", reads.get_list),
    _route("GET", "{kind}/name/{fqn}", reads.get_by_name),
    _route("GET", "{kind}/{key}", reads.get_by_id),
    _route("PATCH", "{kind}/name/{fqn}", upserts.patch_by_name),
    _route("PATCH", "{kind}/{key}", upserts.patch_by_id),
    _route("PUT", "{kind}/restore", removals.restore),
    _route("DELETE", "{kind}/deleteStale", removals.delete_stale),
    _route("DELETE", "{kind}/name/{fqn}", removals.delete_by_name),
    _route("DELETE", "{kind}/{key}", removals.delete_by_id),
)


def shape(label: str) -> str:
    """`METHOD /path` below `/api/v1`, with ids and names left out."""
    label = label.replace("/api/v1", "", 1)
    label = re.sub(r"/[0-9a-f]{8}-[0-9a-f-]{27}", "/{id}", label)
    label = re.sub(r"/name/[^/]+", "/name/*", label)
    return re.sub(r"(ingestionPipelines(?:/progress)?)/[^/]*\.[^ ]*?(/|$)", r"\1/*\2", label)


def dispatch(state: State, request: Request, path: str) -> Answer:
    """Do the work of a path below `/v1/`; what is refused is in the log too."""
    try:
        return _work(state, request, path)
    except RefusedError as refused:
        answer = failure(refused.status, refused.message)
        message = refused.message
    except (TypeError, LookupError, AttributeError, ValueError) as error:
        message = f"Unable to process JSON: {type(error).__name__} {error}"
        answer = failure(400, message)
    if request.method in _WRITES:
        _record_refusal(state, request, path, answer.status, message)
    return answer


def _record_refusal(state: State, request: Request, path: str, status: int, message: str) -> None:
    found = re.match(_COLLECTION, path)
    state.record(
        Origin.of(request),
        outcome="refused",
        status=status,
        collection=found["kind"] if found else path.partition("/")[0],
        body=request.body,
        message=message,
    )


def _work(state: State, request: Request, path: str) -> Answer:
    allowed = False
    for route in ROUTES:
        if (found := route.pattern.fullmatch(path)) is None:
            continue
        if route.method != request.method:
            allowed = True
            continue
        _check_media(request)
        return route.work(state, request, **_arguments(found))
    if allowed:
        raise RefusedError(405, "HTTP 405 Method Not Allowed")
    raise RefusedError(404, "HTTP 404 Not Found")


def _check_media(request: Request) -> None:
    wanted = _MEDIA.get(request.method)
    told = request.headers.get("content-type", "").split(";")[0].strip()
    if wanted and request.body and told != wanted:
        raise RefusedError(415, f"HTTP 415 Unsupported Media Type: {told}, not {wanted}")


def _arguments(found: re.Match[str]) -> dict[str, Any]:
    arguments: dict[str, str | Kind] = {
        name: KINDS[value] if name == "kind" else unquote(value)
        for name, value in found.groupdict().items()
    }
    return arguments
