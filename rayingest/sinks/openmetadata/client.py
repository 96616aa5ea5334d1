"""One HTTP client per session: retries calls, renews the token, and says in words what went wrong.

A call ends in a `Reply` that the caller judges (2xx, and refusals that are about what was sent), or
raises: SinkDown when nobody knows what became of it, SinkUnauthorised, or ConfigError when the
address cannot be right.
"""

import json
import ssl
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx2
import stamina
from pydantic import SecretStr

from rayingest.core.waiting import retry_after
from rayingest.errors import ConfigError, SinkDown, SinkUnauthorised
from rayingest.sinks.openmetadata import tls
from rayingest.sinks.openmetadata.auth import Token
from rayingest.sinks.openmetadata.reading import cause
from rayingest.sinks.openmetadata.settings import Server, secrets

TRIES = 4
LONGEST_WAIT = 60.0  # seconds that a server may ask us to wait
LONGEST_CALL = 150.0  # seconds after which no other try begins
_AGAIN = {408, 429, 502, 503, 504}


@dataclass(frozen=True, slots=True)
class Reply:
    """A status, the JSON that came with it, and the server's message, free of our secrets."""

    status: int
    data: Any
    message: str = ""

    @property
    def ok(self) -> bool:
        """Whether the server did what it was asked."""
        return self.status < 300

    @property
    def is_about_entity(self) -> bool:
        """Whether a 404 says that an entity is not there, and not that the path leads nowhere."""
        return "instance for" in self.message


class _BusyError(Exception):
    """Ask again, after `wait` seconds if the server said so."""

    def __init__(self, why: str, wait: float | None = None) -> None:
        super().__init__(why)
        self.wait = wait


def _backoff(error: Exception) -> bool | float:
    if isinstance(error, _BusyError):
        if error.wait is None:
            return True
        return error.wait if error.wait <= LONGEST_WAIT else False
    return False


class Client:
    """Talks to one server, from several threads at once."""

    def __init__(self, server: Server, hidden: tuple[str, ...] = ()) -> None:
        self.server = server
        self._http: httpx2.Client | None = None
        self._lock = threading.Lock()
        self._calls = 0
        self._spoke = False
        self._free_at = 0.0
        self._token = Token(server.login, self._post)
        told = secrets([server.login.token, server.login.password, *server.headers.values()])
        self._hidden = tuple(_forms(each for each in (*told, *hidden) if len(each) > 3))

    @property
    def calls(self) -> int:
        """Requests so far, repeated ones included."""
        return self._calls

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._http is not None:
            self._http.close()

    def call(
        self,
        method: str,
        path: str,
        content: bytes | None = None,
        params: Mapping[str, str] | None = None,
    ) -> Reply:
        """One call, repeated while the server is busy; a refused token is renewed once."""
        token = self._token.current()
        reply = self._patiently(method, path, content, params, token)
        if reply.status == 401 and self._token.renew(token):
            reply = self._patiently(method, path, content, params, self._token.current())
        if reply.status == 401:
            raise SinkUnauthorised(
                f"{self.server.host_port} does not accept our credentials: {reply.message}",
                hint="Renew securityConfig.jwtToken (Settings > Bots), or correct the login.",
            )
        return reply

    def scrub(self, text: str) -> str:
        """Take every secret we know out of a text, and shorten it."""
        for secret in self._hidden:
            text = text.replace(secret, "***")
        return text if len(text) <= 500 else f"{text[:500]}…"

    def _patiently(
        self,
        method: str,
        path: str,
        content: bytes | None,
        params: Mapping[str, str] | None,
        token: SecretStr | None,
    ) -> Reply:
        try:
            for attempt in stamina.retry_context(
                on=_backoff,
                attempts=TRIES,
                timeout=LONGEST_CALL,
                wait_initial=0.2,
                wait_max=10.0,
                wait_jitter=0.2,
            ):
                with attempt:
                    return self._once(method, path, content, params, token)
        except _BusyError as busy:
            raise SinkDown(
                f"{self.server.host_port} does not answer {method} {path}: {busy}",
                hint="Nothing is lost: what was not acknowledged is sent again.",
            ) from None
        raise AssertionError("unreachable")

    def _once(
        self,
        method: str,
        path: str,
        content: bytes | None,
        params: Mapping[str, str] | None,
        token: SecretStr | None,
    ) -> Reply:
        if (wait := self._free_at - time.monotonic()) > 0:
            time.sleep(wait)  # the server asked all of us to wait
        with self._lock:
            self._calls += 1
        try:
            response = self._open().request(
                method,
                self.server.base + path,
                content=content,
                params=params,
                headers=self._headers(token),
            )
        except httpx2.TransportError as error:
            raise self._broken(error) from None
        return self._judge(path, response)

    def _open(self) -> httpx2.Client:
        with self._lock:
            if self._http is None:
                server = self.server
                self._http = httpx2.Client(
                    verify=tls.context(server.tls, encrypted=server.host_port.startswith("https:")),
                    timeout=httpx2.Timeout(server.read_timeout, connect=server.connect_timeout),
                    limits=httpx2.Limits(max_connections=32, max_keepalive_connections=16),
                    headers={"User-Agent": server.user_agent, "Accept": "application/json"},
                )
            return self._http

    def _headers(self, token: SecretStr | None) -> dict[str, str]:
        headers = {"Content-Type": "application/json"}
        bearer = f"Bearer {token.get_secret_value()}" if token is not None else ""
        if bearer:
            headers["Authorization"] = bearer
        for name, value in self.server.headers.items():
            headers[name] = value.get_secret_value().replace("%(Authorization)s", bearer)
        return headers

    def _broken(self, error: httpx2.TransportError) -> Exception:
        untrusted = cause(error, ssl.SSLError)
        if untrusted is not None and "CERTIFICATE" in str(untrusted).upper():
            why = getattr(untrusted, "verify_message", "") or getattr(untrusted, "reason", "")
            return ConfigError(
                f"The certificate of {self.server.host_port} is not trusted: {why}",
                hint="Put its CA into openMetadataServerConfig.sslConfig.caCertificate"
                " (or, for a test, verifySSL: ignore).",
            )
        if isinstance(error, httpx2.UnsupportedProtocol | httpx2.LocalProtocolError):
            return ConfigError(f"{self.server.host_port} cannot be asked: {type(error).__name__}")
        return _BusyError(self.scrub(f"{type(error).__name__} {error}".strip()))

    def _judge(self, path: str, response: httpx2.Response) -> Reply:
        status = response.status_code
        if status in _AGAIN:
            wait = retry_after(response.headers.get("Retry-After"))
            if wait is not None and status in (429, 503):
                self._free_at = max(self._free_at, time.monotonic() + min(wait, LONGEST_WAIT))
            told = f", come back in {wait:.0f} s" if wait is not None else ""
            raise _BusyError(f"{status} {response.reason_phrase}{told}", wait)
        if 300 <= status < 400:
            raise ConfigError(
                f"{self.server.host_port} redirects to {self.scrub(response.headers.get('Location', ''))}",
                hint="Put the final address into openMetadataServerConfig.hostPort.",
            )
        try:
            data = json.loads(response.content) if response.content else None
        except ValueError:
            return self._not_json(path, response)
        self._spoke = True
        said = data.get("message") or data.get("error") if isinstance(data, dict) else None
        return Reply(status, data, self.scrub(str(said or response.reason_phrase)))

    def _not_json(self, path: str, response: httpx2.Response) -> Reply:
        page = response.content.lstrip()[:1] == b"<" or "html" in response.headers.get(
            "Content-Type", ""
        )
        if not page and not response.is_success:
            return Reply(response.status_code, None, self.scrub(response.text))
        if not page or self._spoke:
            # It spoke JSON before: an answer that was cut, or a page for maintenance.
            raise _BusyError("a page in place of JSON" if page else "an answer that is cut")
        address = self.server.host_port.rstrip("/")
        hint = f"Set hostPort to {address}/api"
        if address.endswith("/api"):
            hint = "Is there a login page or another server in between?"
        raise ConfigError(
            f"openMetadataServerConfig.hostPort {address} answers {path} with an HTML page.",
            hint=hint,
        )

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any] | None:
        reply = self._patiently("POST", path, json.dumps(body).encode(), None, None)
        return reply.data if reply.ok and isinstance(reply.data, dict) else None


def _forms(texts: Iterable[str]) -> Iterator[str]:
    """Each text, and how it looks inside of JSON that a server quotes."""
    for text in texts:
        yield text
        for escaped in (json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]):
            if escaped != text:
                yield escaped
