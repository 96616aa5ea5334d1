"""ClickHouse's HTTP interface: a POST for each statement, whose answer is one JSON document.

https://clickhouse.com/docs/interfaces/http. `wait_end_of_query` makes the server hold an answer back
until it is whole; one that breaks off all the same is no JSON, and ends in what the server said.
"""

import ssl
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import httpx2
import msgspec

from rayingest import errors
from rayingest.core.waiting import retry_after
from rayingest.kit.sql.clickhouse.errors import code_of, meaning
from rayingest.kit.sql.clickhouse.session import Row
from rayingest.kit.wire import Wire

IDLE_SECONDS = 2.0  # servers close a connection that idles for three, some for ten
LONGEST = 300  # characters that are told of an answer which is not ClickHouse's


class Answer(msgspec.Struct):
    """What is needed of FORMAT JSONCompact; newer servers write an error into it that came late."""

    data: list[tuple[Any, ...]]
    rows: int
    exception: str = ""


_DECODER = msgspec.json.Decoder(Answer)


class HttpTransport:
    """Statements over HTTP; `settings` go with each.

    `waits` are in seconds: for a connection, for the first answer, for each later one.
    """

    def __init__(
        self,
        url: str,
        *,
        user: str,
        password: str,
        settings: Mapping[str, str],
        waits: tuple[float, float, float],
        verify: bool | ssl.SSLContext,
    ) -> None:
        self._url = url
        self._user = user
        self._settings = {**settings, "database": "system", "wait_end_of_query": "1"}
        self._wire = Wire()
        self._met = False  # whether it ever answered
        connect, first, later = waits
        self._later = httpx2.Timeout(later, connect=connect)
        self._client = httpx2.Client(
            timeout=httpx2.Timeout(first, connect=connect),
            limits=httpx2.Limits(max_connections=1, keepalive_expiry=IDLE_SECONDS),
            auth=httpx2.BasicAuth(user.encode(), password.encode()),
            verify=verify,
        )

    def rows(self, statement: str, query_id: str) -> list[Row]:
        """See Transport."""
        params = {**self._settings, "query_id": query_id, "default_format": "JSONCompact"}
        answer = self._post(statement, params)
        if not answer.is_success:
            raise self._refusal(answer)
        rows = self._read(answer)
        self._met, self._client.timeout = True, self._later
        return rows

    def _post(self, statement: str, params: Mapping[str, str]) -> httpx2.Response:
        content, watched = statement.encode(), self._wire.extensions
        try:
            return self._client.post(self._url, params=params, content=content, extensions=watched)
        except httpx2.ConnectTimeout:
            raise self._unreached("no connection in time") from None
        except httpx2.TimeoutException:
            if self._met:
                raise errors.TimedOut(f"{self._url} did not answer in time") from None
            raise self._unreached("no answer in time") from None
        except httpx2.ConnectError as error:
            raise self._unreached(str(error)) from None
        except httpx2.TransportError as error:
            if self._met:
                raise errors.SessionLost(f"{self._url} broke off: {error}") from None
            raise self._unreached(str(error)) from None

    def _read(self, answer: httpx2.Response) -> list[Row]:
        """The rows of a good answer; an empty one is none, and never a list without rows."""
        try:
            read = _DECODER.decode(answer.content)
            if read.rows == len(read.data) and not read.exception:
                return read.data
            text = read.exception
        except msgspec.DecodeError:
            text = answer.content[-2000:].decode(errors="replace")
        if (code := code_of(text)) is not None:
            raise meaning(code, text[text.rfind("Code: ") :], self._user)
        if self._met:
            raise errors.SessionLost(f"{self._url} broke off in the middle of an answer")
        raise self._stranger(answer)

    def _refusal(self, answer: httpx2.Response) -> errors.RayingestError:
        text = answer.text
        if (code := code_of(text)) is not None:
            return meaning(code, text[text.find("Code: ") :], self._user)
        said = f"{answer.status_code} {' '.join(text.split())[:LONGEST]}".strip()
        wait = retry_after(answer.headers.get("Retry-After"))
        if answer.status_code == 429:
            return errors.Throttled(said, wait)
        if answer.status_code in (502, 503, 504):
            return errors.Retryable(f"{self._url}: {said}")
        if answer.status_code in (401, 403):
            return errors.Unauthorised(
                f"{self._url} does not accept user {self._user!r}: {said}",
                hint="This is no answer of ClickHouse's: something before it wants a log-in.",
            )
        return self._stranger(answer)

    def _stranger(self, answer: httpx2.Response) -> errors.Unreachable:
        said = f"{answer.status_code} {' '.join(answer.text.split())[:LONGEST]}".strip()
        return errors.Unreachable(
            f"What answers at {self._url} is not ClickHouse's HTTP interface: {said}",
            hint="Check hostPort (8123, with TLS 8443), https, and scheme.",
        )

    def _unreached(self, said: str) -> errors.Unreachable:
        if "CERTIFICATE_VERIFY_FAILED" in said:
            return errors.Unreachable(
                f"The certificate of {self._url} is not trusted: {said}",
                hint="Name the authority that signed it: connectionArguments.ca_certs.",
            )
        return errors.Unreachable(
            f"ClickHouse at {self._url} does not answer: {said}",
            hint="Check hostPort, https, the network and the firewall.",
        )

    def hang_up(self) -> None:
        """See Transport."""
        self._wire.hang_up()

    def close(self) -> None:
        """See Transport."""
        with suppress(Exception):
            self._client.close()
