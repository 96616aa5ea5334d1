"""How Thrift's bytes travel: over a socket, with TLS or without, or over HTTP.

Both are transports as Thrift and its SASL wrapper use them; they are ours because impyla's own take
no client certificate, no time-out over HTTP, and verify no certificate unless told to.
"""

import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from io import BytesIO

import httpx2

from rayingest.core.waiting import retry_after
from rayingest.errors import Denied, RayingestError, SessionLost, Throttled, Unauthorised
from rayingest.kit import wire

BUFFER = 65_536
BUSY = {429, 502, 503, 504}


class Wire:
    """A connected socket."""

    def __init__(self, host: str, port: int, seconds: float, tls: ssl.SSLContext | None) -> None:
        """Connect. Raises OSError."""
        plain = socket.create_connection((host, port), seconds)
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket = tls.wrap_socket(plain, server_hostname=host) if tls else plain
        except BaseException:
            plain.close()
            raise
        self._kept = b""

    def isOpen(self) -> bool:  # noqa: N802 - Thrift's name
        """It is, from the start."""
        return True

    def open(self) -> None:
        """Nothing is left to do."""

    def wait(self, seconds: float) -> None:
        """How long an answer may take from now on."""
        self._socket.settimeout(seconds)

    def read(self, size: int) -> bytes:
        """As many bytes as there are, up to `size`."""
        if not self._kept:
            self._kept = self._socket.recv(max(size, BUFFER))
            if not self._kept:
                raise ConnectionError("the server closed the connection")
        found, self._kept = self._kept[:size], self._kept[size:]
        return found

    def readAll(self, size: int) -> bytes:  # noqa: N802 - Thrift's name
        """Just `size` bytes."""
        parts, missing = [], size
        while missing:
            parts.append(self.read(missing))
            missing -= len(parts[-1])
        return b"".join(parts)

    def write(self, data: bytes) -> None:
        """Send at once; who is above has a buffer."""
        self._socket.sendall(data)

    def flush(self) -> None:
        """Nothing waits."""

    def hang_up(self) -> None:
        """Make a read in another thread fail."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the socket."""
        with suppress(OSError):
            self._socket.close()


class Web:
    """One POST for each message; cookies are kept, proxies of the environment used."""

    def __init__(
        self, url: str, headers: Mapping[str, str], seconds: float, tls: ssl.SSLContext | None
    ) -> None:
        self._url = url
        self._line = wire.Wire()
        self._client = httpx2.Client(
            headers={"Content-Type": "application/x-thrift", **headers},
            timeout=seconds,
            verify=tls or True,
        )
        self._out = BytesIO()
        self._in = BytesIO()

    def isOpen(self) -> bool:  # noqa: N802 - Thrift's name
        """It needs no opening."""
        return True

    def open(self) -> None:
        """Nothing is left to do."""

    def wait(self, seconds: float) -> None:
        """How long an answer may take from now on."""
        self._client.timeout = httpx2.Timeout(seconds)

    def read(self, size: int) -> bytes:
        """Bytes of the answer."""
        return self._in.read(size)

    def readAll(self, size: int) -> bytes:  # noqa: N802 - Thrift's name
        """Just `size` bytes of the answer."""
        found = self._in.read(size)
        if len(found) < size:
            raise ConnectionError("the answer is not whole")
        return found

    def write(self, data: bytes) -> None:
        """Keep until `flush`."""
        self._out.write(data)

    def flush(self) -> None:
        """Ask, and have the answer. Raises RayingestError."""
        body, self._out = self._out.getvalue(), BytesIO()
        try:
            answer = self._client.post(self._url, content=body, extensions=self._line.extensions)
        except httpx2.TimeoutException as error:
            raise TimeoutError(str(error)) from error
        except httpx2.TransportError as error:
            raise ConnectionError(str(error) or type(error).__name__) from error
        if not answer.is_success:
            raise _refusal(answer.status_code, answer.headers)
        self._in = BytesIO(answer.content)

    def hang_up(self) -> None:
        """Make a call in another thread fail."""
        self._line.hang_up()

    def close(self) -> None:
        """Close the connection."""
        with suppress(Exception):
            self._client.close()


def _refusal(status: int, headers: Mapping[str, str]) -> RayingestError:
    if status == 401:
        return Unauthorised("HTTP 401")
    if status == 403:
        return Denied("HTTP 403")
    if status in BUSY:
        return Throttled(f"HTTP {status}", retry_after(headers.get("Retry-After")))
    return SessionLost(
        f"HTTP {status}", hint="Check hostPort and http_path (hive.server2.thrift.http.path)."
    )
