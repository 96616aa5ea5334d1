"""Requests to a coordinator: tried again as the protocol wants it, refusals told by what they mean.

https://trino.io/docs/current/develop/client-protocol.html. An address of an answer may be asked twice, and
answers the same: what was torn on its way is asked for again. A statement that was posted is not.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import httpx2
import stamina

from rayingest import errors
from rayingest.core.waiting import retry_after
from rayingest.kit.sql.trino.errors import LONGEST
from rayingest.kit.wire import Wire

Headers = Mapping[str, str]
# "Intermittent problem … try again in 50-100 milliseconds", the protocol says of these.
AGAIN = {502, 503, 504}
TRIES = 6
PATIENCE = 10.0  # seconds; who is told to wait longer gives the statement up, and the run waits
FIRST_SECONDS = 60.0  # for the first answer: a port of something else is not waited on
SHORT = 3.0
IDLE_SECONDS = 20.0  # what stands before a server closes connections that idle for longer


class Torn(errors.SessionLost):
    """An answer that did not come whole."""


class Http:
    """One thread's requests. `login` makes headers for all of them, anew when they are taken no more.

    `seconds` is for each answer, `connect` for a connection. `hidden` are secrets that no message may
    show; `client` is what httpx2 is to know: `verify`, `proxy`.
    """

    def __init__(
        self,
        url: str,
        *,
        user: str,
        login: Callable[[], Headers],
        seconds: float,
        connect: float,
        hidden: tuple[str, ...] = (),
        client: Mapping[str, Any] | None = None,
    ) -> None:
        self.url, self.user = url, user
        self.requests = 0
        self.met = False  # whether a statement of ours was ever taken
        self.leaving = False  # nothing is worth another try
        self._login, self._shown = login, login()
        self._hidden = tuple(each for each in hidden if each)
        self._connect, self._seconds = min(connect, seconds), seconds
        self._wire = Wire()
        self._options = dict(client or {})
        try:
            self._client = httpx2.Client(
                timeout=httpx2.Timeout(min(seconds, FIRST_SECONDS), connect=self._connect),
                limits=httpx2.Limits(max_connections=1, keepalive_expiry=IDLE_SECONDS),
                **self._options,
            )
        except ValueError as error:  # the only text in it that is not ours
            raise errors.ConfigError(
                f"proxies: {self.plain(str(error))}", hint="Write http://host:port."
            ) from None

    def welcome(self) -> None:
        """We are known here: answers may take their time from now on."""
        if not self.met:
            self.met = True
            self._client.timeout = httpx2.Timeout(self._seconds, connect=self._connect)

    def ask(
        self, method: str, path: str, content: bytes | None = None, headers: Headers | None = None
    ) -> bytes:
        """The body of a good answer, which has one. Raises RayingestError."""
        for attempt in stamina.retry_context(
            on=lambda error: self._worth_another(method, error),
            attempts=TRIES,
            timeout=None,
            wait_initial=0.05,
            wait_jitter=0.05,
            wait_max=1.0,
        ):
            with attempt:
                return self._answer(method, path, content, headers or {})
        raise AssertionError  # pragma: no cover - the last attempt raises

    def end(self, path: str) -> bool:
        """Tell the server that nobody waits for this answer; on a connection of its own."""
        with suppress(Exception), httpx2.Client(timeout=SHORT, **self._options) as other:
            return other.delete(self.url + path, headers=_encoded(self._shown)).is_success
        return False

    def hang_up(self) -> None:
        """Break the connection under a running request; called from another thread."""
        self._wire.hang_up()

    def close(self) -> None:
        """Close the connection; never raises."""
        with suppress(Exception):
            self._client.close()

    def stranger(self, status: int, text: str) -> errors.RayingestError:
        """What an answer means that is none of a coordinator's."""
        said = f"{status} {self.plain(' '.join(text.split()))}".strip()
        if self.met and status == 200:
            return Torn(f"{self.url} gave half an answer")
        if self.met:
            return errors.Permanent(f"{self.url}: {said}")
        return errors.Unreachable(
            f"What answers at {self.url} is no coordinator: {said}",
            hint="Check hostPort, and connectionArguments.http_scheme (http or https).",
        )

    def plain(self, text: str) -> str:
        """A text without secrets."""
        for each in self._hidden:
            text = text.replace(each, "***")
        return text[:LONGEST]

    def _worth_another(self, method: str, error: Exception) -> bool | float:
        if self.leaving or isinstance(error, errors.TimedOut):
            return False
        if isinstance(error, errors.Throttled):  # before a statement the whole run waits
            if method == "POST" or (error.wait or 0.0) > PATIENCE:
                return False
            return True if error.wait is None else error.wait
        if isinstance(error, Torn):  # a statement that was posted may run
            return method == "GET"
        return isinstance(error, errors.Retryable) and not isinstance(error, errors.SessionLost)

    def _answer(self, method: str, path: str, content: bytes | None, headers: Headers) -> bytes:
        answer = self._sent(method, path, content, headers)
        if answer.status_code == 401 and self.met:
            fresh = self._login()
            if fresh != self._shown:
                self._shown = fresh
                answer = self._sent(method, path, content, headers)
        if answer.status_code != 200:
            raise self._refusal(answer)
        if not answer.content:
            raise Torn(f"{self.url} gave an empty answer")
        return answer.content

    def _sent(
        self, method: str, path: str, content: bytes | None, headers: Headers
    ) -> httpx2.Response:
        self.requests += 1
        try:
            return self._client.request(
                method,
                self.url + path,
                content=content,
                headers=_encoded({**headers, **self._shown}),
                extensions=self._wire.extensions,
            )
        except httpx2.TimeoutException as error:
            if self.met and not isinstance(error, httpx2.ConnectTimeout):
                raise errors.TimedOut(f"{self.url} did not answer in time") from None
            raise self._unreached("no answer in time") from None
        except httpx2.TransportError as error:
            said = self.plain(f"{type(error).__name__} {error}")
            if self.met and not isinstance(error, httpx2.ConnectError):
                raise Torn(f"{self.url} broke off: {said}") from None
            raise self._unreached(said) from None

    def _refusal(self, answer: httpx2.Response) -> errors.RayingestError:
        status = answer.status_code
        said = f"{status} {self.plain(' '.join(answer.text.split()))}".strip()
        wait = retry_after(answer.headers.get("Retry-After"))
        if status == 429 or (status in AGAIN and wait is not None):
            return errors.Throttled(f"{self.url}: {said}", wait)
        if status in AGAIN:
            return errors.Retryable(f"{self.url}: {said}")
        if status in (401, 403):
            return errors.Unauthorised(
                f"{self.url} does not accept user {self.user!r}: {said}", hint=_hint(status)
            )
        if status in (404, 410) and self.met:
            return errors.SessionLost(f"{self.url} knows the statement no more: {said}")
        if answer.is_redirect:  # a password must not be sent on to somebody else
            where = self.plain(answer.headers.get("Location", ""))
            return errors.Unreachable(
                f"{self.url}: {status}, moved to {where}",
                hint="Write that address into hostPort, its scheme into connectionArguments.http_scheme.",
            )
        return self.stranger(status, answer.text)

    def _unreached(self, said: str) -> errors.Unreachable:
        if "CERTIFICATE_VERIFY_FAILED" in said:
            return errors.Unreachable(
                f"The certificate of {self.url} is not trusted: {said}",
                hint="Name a file with the authority that signed it in `verify`.",
            )
        return errors.Unreachable(
            f"Nobody answers at {self.url}: {said}",
            hint="Check hostPort, connectionArguments.http_scheme, proxies, the network, the firewall.",
        )


def _encoded(headers: Headers) -> list[tuple[bytes, bytes]]:
    return [(key.encode(), each.encode()) for key, each in headers.items()]


def _hint(status: int) -> str:
    if status == 403:
        return "Whoever signs in as one and asks as another needs a rule of the cluster for that."
    return "Check username, authType, and whether the password or token has expired."
