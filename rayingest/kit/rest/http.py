"""One session's calls to a source: time-outs, few retries, and errors as the engine knows them.

| the server | becomes |
| --- | --- |
| 401 | Unauthorised |
| 403 | Denied |
| 404, 410 | Gone |
| 429, and whatever comes with Retry-After | Throttled |
| 408, 5xx, a torn answer | Retryable, after a few tries |
| no answer in time | TimedOut |
| nobody there | Unreachable |
| anything else but 2xx | Permanent |
"""

import json
import os
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

import httpx2
import stamina

from rayingest.core.limits import UNLIMITED, Limiter
from rayingest.core.waiting import retry_after
from rayingest.errors import (
    Denied,
    Gone,
    Permanent,
    Retryable,
    SessionLost,
    SourceError,
    Throttled,
    TimedOut,
    Unauthorised,
    Unreachable,
)

TRIES = 3
CONNECT_SECONDS = 15.0
LONGEST_WAIT = 60.0  # seconds that a patient one waits when it is told to
LONGEST = 300  # characters of what a server says that are told
_TRUST = ("SSL_CERT_FILE", "SSL_CERT_DIR")
_AGAIN = {408, 500, 502, 503, 504}


Sign = Callable[[httpx2.Request], httpx2.Request]


@dataclass(frozen=True, slots=True)
class Answer:
    """The body of a good answer, and the URL of the next page when its Link header has one (RFC 8288)."""

    content: bytes
    next_url: str = ""


class Http:
    """Calls of one thread at a time; `limit` is the connector's limit that all of them are under, but
    for the routes to which `limits` gives another one.

    `timeout` is in seconds, for each answer. While `patient`, whoever is told to wait waits here; else
    it is the engine that does. `hidden` are secrets that no message may show. Whose certificate is
    not to be checked says `verify=False`; a context says how. `stranger` sees the status and the message of a refusal: whether
    the server says by it that it does not know us, for those that have another word for that than 401.
    """

    def __init__(
        self,
        *,
        timeout: float,
        limiter: Limiter = UNLIMITED,
        limit: str = "api",
        limits: Mapping[str, str] = MappingProxyType({}),
        hidden: Sequence[str] = (),
        verify: bool | ssl.SSLContext = True,
        stranger: Callable[[int, str], bool] = lambda status, said: False,
    ) -> None:
        self.calls = 0
        self.patient = False
        self._stranger = stranger
        self._limiter, self._limit, self._limits = limiter, limit, limits
        self._hidden = tuple(each for each in hidden if each)
        waits = httpx2.Timeout(timeout, connect=min(timeout, CONNECT_SECONDS))
        trust = _trusted(*map(os.environ.get, _TRUST)) if verify is True else verify
        self._client = httpx2.Client(timeout=waits, verify=trust)

    def close(self) -> None:
        """Close its connections."""
        self._client.close()

    def hide(self, secret: str) -> None:
        """One more that no message may show."""
        self._hidden = (*self._hidden, secret)

    def request(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        route: str = "",
        judge: Callable[[Answer], None] = lambda answer: None,
        sign: Sign | None = None,
    ) -> Answer:
        """A good answer. `route` names calls that take about as long as each other; `sign` sees each
        request as it is sent.

        `judge` sees a good answer, and raises what its status hides: that is met like the errors of
        the module's table, which this raises.
        """
        given = {"params": params, "content": content, "headers": headers} | (
            {"auth": sign} if sign else {}
        )
        for attempt in stamina.retry_context(
            on=self._worth_another, attempts=TRIES, timeout=None, wait_initial=0.2, wait_max=2.0
        ):
            with attempt, self._limiter.call(self._limits.get(route, self._limit), route):
                answer = self._once(method, url, given)
                judge(answer)
                return answer
        raise AssertionError  # pragma: no cover - the last attempt raises

    def _once(self, method: str, url: str, given: Mapping[str, Any]) -> Answer:
        self.calls += 1
        try:
            answer = self._client.request(method, url, **given)
        except httpx2.ConnectError as error:
            raise _unreached(_host(url), self._plain(str(error))) from None
        except httpx2.TimeoutException:
            raise TimedOut(f"{_host(url)} did not answer in time") from None
        except httpx2.TransportError as error:
            said = self._plain(f"{type(error).__name__} {error}")
            raise SessionLost(f"{_host(url)} broke off: {said}") from None
        if answer.is_success:
            return Answer(answer.content, answer.links.get("next", {}).get("url", ""))
        raise self._judged(answer)

    def _worth_another(self, error: Exception) -> bool | float:
        if isinstance(error, Throttled):
            wait = error.wait
            if not self.patient or (wait or 0.0) > LONGEST_WAIT:
                return False
            return True if wait is None else wait
        return isinstance(error, Retryable) and not isinstance(error, TimedOut)

    def _judged(self, answer: httpx2.Response) -> SourceError:
        status, wait = answer.status_code, retry_after(answer.headers.get("Retry-After"))
        said = f"{status} {self._plain(_message(answer))}".strip()
        if self._stranger(status, said):
            return Unauthorised(said)
        if status == 429 or (wait is not None and status in _AGAIN):
            return Throttled(said, wait)
        if status in _AGAIN or status > 500:
            return Retryable(said)
        if answer.is_redirect:  # a log-in must not be sent on to somebody else
            where = answer.headers.get("Location", "")
            return Permanent(
                f"{status}: moved to {where}", hint="Write that address into hostPort."
            )
        kinds = {401: Unauthorised, 403: Denied, 404: Gone, 410: Gone}
        return kinds.get(status, Permanent)(said)

    def _plain(self, text: str) -> str:
        for each in self._hidden:
            text = text.replace(each, "***")
        return text[:LONGEST]


@cache
def _trusted(*_variables: str | None) -> ssl.SSLContext:
    """Whom to trust as these variables say, read once for all sessions of a process: it takes 29 ms."""
    return httpx2.create_ssl_context()


def _unreached(host: str, said: str) -> Unreachable:
    if "CERTIFICATE_VERIFY_FAILED" in said:
        return Unreachable(
            f"The certificate of {host} is not trusted: {said}",
            hint="Name the authority that signed it: in sslConfig, or in SSL_CERT_FILE.",
        )
    return Unreachable(
        f"Nobody answers at {host}: {said}", hint="Check hostPort, the network and the proxy."
    )


def _host(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]


def _message(answer: httpx2.Response) -> str:
    try:
        told = json.loads(answer.content)
    except ValueError:
        return " ".join(answer.text.split())
    for each in _speakers(told):
        for key in ("message", "error_description", "error", "detail", "msg"):
            if isinstance(each.get(key), str):
                return str(each[key])
    return answer.reason_phrase


def _speakers(told: Any) -> Iterator[Mapping[str, Any]]:
    """Where in a refusal it may stand why: at its top, in `error`, in the first of `errors`."""
    if isinstance(told, dict):
        several = told.get("errors")
        first = several[0] if isinstance(several, list) and several else None
        yield from (each for each in (told, told.get("error"), first) if isinstance(each, dict))
