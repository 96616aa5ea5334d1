"""What a request meets before and after the work: faults, limits, tokens, delays."""

import time

from rayingest.testing.strict import control
from rayingest.testing.strict.http import Answer, Request, failure, page
from rayingest.testing.strict.routes import dispatch, shape
from rayingest.testing.strict.state import State

_API, _V1 = "/api/", "/api/v1/"
_OPEN = frozenset(("/api/v1/system/version", "/api/v1/users/login"))
_RETRY_LATER = 429


def handle(state: State, request: Request) -> Answer:
    """The answer to any request."""
    if request.path.startswith("/__"):
        return control.handle(state, request)
    _arrive(state, request)
    try:
        answer = _answer(state, request)
        if delay := state.mischief.delay(answer.rows):
            state.closing.wait(delay)
        return answer
    finally:
        _leave(state)


def _arrive(state: State, request: Request) -> None:
    with state.lock:
        counts, now = state.counts, time.time()
        counts.requests[shape(request.label)] += 1
        counts.bytes_in += request.size
        counts.in_flight += 1
        counts.max_in_flight = max(counts.max_in_flight, counts.in_flight)
        counts.first = counts.first or now


def _leave(state: State) -> None:
    with state.lock:
        state.counts.in_flight -= 1
        state.counts.last = time.time()


def _answer(state: State, request: Request) -> Answer:
    mischief, label = state.mischief, request.label
    if mischief.is_down(label):
        return Answer(closed=True)
    if mischief.hangs(request.path):
        return Answer(silent=True)
    if mischief.faults.html or not request.path.startswith(_API):
        return page()
    if status := mischief.status(label):
        return _broken(state, status)
    answer = _refusal(state, request) or _work(state, request)
    with state.lock:
        state.counts.statuses[answer.status] += 1
    if request.method != "GET" and answer.status < 400:
        answer.torn = mischief.tears(label)
        if answer.torn:
            with state.lock:
                state.counts.injected["torn"] += 1
    return answer


def _broken(state: State, status: int) -> Answer:
    with state.lock:
        state.counts.injected[str(status)] += 1
    answer = failure(status, "the catalogue was told to fail")
    after = state.mischief.faults.retry_after
    if after is not None and (status == _RETRY_LATER or status >= 500):
        answer.headers["Retry-After"] = f"{after:g}"
    return answer


def _refusal(state: State, request: Request) -> Answer | None:
    if request.path not in _OPEN:
        if not state.accounts.accepts(request.headers.get("authorization", "")):
            with state.lock:
                state.counts.unauthorised += 1
            return failure(401, "Token has expired or is not present")
        if state.accounts.forbidden:
            return failure(403, "Principal is not allowed to do this")
    if request.size > state.options.max_bytes:
        return failure(413, f"a body may have {state.options.max_bytes} bytes")
    return None


def _work(state: State, request: Request) -> Answer:
    if not request.path.startswith(_V1):
        return failure(404, "HTTP 404 Not Found")
    with state.lock:
        return dispatch(state, request, request.path.removeprefix(_V1))
