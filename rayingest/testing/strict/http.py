"""A lean HTTP/1.1 server: a thread for each connection, bodies read in one piece."""

import contextlib
import gzip
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from rayingest.testing.strict import wire

_HTML = b"<!doctype html><html><head><title>OpenMetadata</title></head><body></body></html>"
_REASON = {status.value: status.phrase for status in HTTPStatus}


@dataclass(slots=True)
class Request:
    """A request as it arrived; `path` is still percent-encoded, header names are lower case."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes = b""
    size: int = 0

    @property
    def label(self) -> str:
        """`METHOD path`."""
        return f"{self.method} {self.path}"

    def flag(self, name: str, *, default: bool = False) -> bool:
        """A boolean query parameter."""
        return self.query.get(name, str(default)).lower() == "true"


@dataclass(slots=True)
class Answer:
    """What goes back."""

    status: int = 200
    body: bytes = b""
    media: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    rows: int = 0  # how many entities the work was about
    torn: bool = False  # cut it in the middle
    silent: bool = False  # never answer
    closed: bool = False  # close without an answer

    def bytes(self) -> bytes:
        """Status line, headers and body."""
        head = [f"HTTP/1.1 {self.status} {_REASON.get(self.status, 'Unknown')}"]
        head += [f"Content-Type: {self.media}", f"Content-Length: {len(self.body)}"]
        head += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\r\n".join((*head, "", "")).encode() + self.body


def reply(document: Any, status: int = 200, rows: int = 0) -> Answer:
    """A JSON answer."""
    return Answer(status, wire.encode(document), rows=rows)


def failure(status: int, message: str) -> Answer:
    """The server's answer to what it will not do."""
    return reply({"code": status, "message": message}, status)


def page() -> Answer:
    """The web application, which a client gets that forgot the `/api`."""
    return Answer(200, _HTML, "text/html")


class Connection:
    """One client's connection: reads requests until either side closes."""

    def __init__(self, sock: socket.socket, limit: Callable[[], int]) -> None:
        self.sock = sock
        self._limit = limit
        self._pending = b""

    def read(self) -> Request | None:
        """The next request; None when the client is gone. A body over the limit is dropped."""
        while (end := self._pending.find(b"\r\n\r\n")) < 0:
            if not (data := self.sock.recv(262_144)):
                return None
            self._pending += data
        head, self._pending = self._pending[:end], self._pending[end + 4 :]
        request = _parse(head)
        if "100-continue" in request.headers.get("expect", "").lower():
            self.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if "chunked" in request.headers.get("transfer-encoding", ""):
            body = self._chunks()
        else:
            body = self._exactly(int(request.headers.get("content-length", 0)))
        if body is None:
            return None
        request.size = len(body)
        request.body = body if len(body) <= self._limit() else b""
        if request.headers.get("content-encoding") == "gzip":
            request.body = gzip.decompress(request.body)
        return request

    def send(self, answer: Answer) -> bool:
        """Send an answer; whether the connection may be used again."""
        data = answer.bytes()
        if answer.torn:
            self.sock.sendall(data[: len(data) - len(answer.body) // 2 - 1])
            return False
        self.sock.sendall(data)
        return True

    def wait_for_the_end(self) -> None:
        """Hold a request that is never answered."""
        while self.sock.recv(65_536):
            pass

    def close(self) -> None:
        """End the connection, also under a thread that reads from it."""
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()

    def _exactly(self, size: int) -> bytes | None:
        if size <= len(self._pending):
            body, self._pending = self._pending[:size], self._pending[size:]
            return body
        buffer = bytearray(size)
        at = len(self._pending)
        buffer[:at] = self._pending
        self._pending = b""
        view = memoryview(buffer)
        while at < size:
            if not (got := self.sock.recv_into(view[at:], 0, socket.MSG_WAITALL)):
                return None
            at += got
        return bytes(buffer)

    def _line(self) -> bytes | None:
        while (end := self._pending.find(b"\r\n")) < 0:
            if not (data := self.sock.recv(65_536)):
                return None
            self._pending += data
        line, self._pending = self._pending[:end], self._pending[end + 2 :]
        return line

    def _chunks(self) -> bytes | None:
        chunks: list[bytes] = []
        while (line := self._line()) is not None:
            size = int(line.split(b";")[0], 16)
            chunk = self._exactly(size + 2)
            if chunk is None:
                return None
            if not size:
                return b"".join(chunks)
            chunks.append(chunk[:-2])
        return None


def _parse(head: bytes) -> Request:
    first, *rest = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ", 2)
    path, _, query = target.partition("?")
    headers = {}
    for line in rest:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return Request(method, path, dict(parse_qsl(query, keep_blank_values=True)), headers)


class Server:
    """Accept connections on a loopback port and answer with `handle` until closed."""

    def __init__(
        self,
        handle: Callable[[Request], Answer],
        *,
        is_down: Callable[[], bool],
        limit: Callable[[], int],
        port: int = 0,
    ) -> None:
        self._handle, self._is_down, self._limit = handle, is_down, limit
        self._listening = socket.create_server(("127.0.0.1", port), backlog=512)
        self.port: int = self._listening.getsockname()[1]
        self._open: dict[Connection, threading.Thread] = {}
        self._lock = threading.Lock()
        self._closing = False
        self._accepting = threading.Thread(target=self._accept, name="catalogue", daemon=True)
        self._accepting.start()

    def close(self) -> None:
        """Stop listening, end every connection, and wait for the threads."""
        self._closing = True
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._accepting.join()
        with self._lock:
            left = dict(self._open)
        for connection in left:
            connection.close()
        for thread in left.values():
            thread.join()

    def _accept(self) -> None:
        while not self._closing:
            try:
                sock, _ = self._listening.accept()
            except OSError:
                return
            if self._is_down():
                sock.close()
                continue
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(sock, self._limit)
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            with self._lock:
                self._open[connection] = thread
            thread.start()

    def _serve(self, connection: Connection) -> None:
        try:
            self._converse(connection)
        except (OSError, ValueError):  # the client is gone, or speaks no HTTP
            pass
        finally:
            connection.close()
            with self._lock:
                self._open.pop(connection, None)

    def _converse(self, connection: Connection) -> None:
        while (request := connection.read()) is not None:
            answer = self._handle(request)
            if answer.closed:
                return
            if answer.silent:
                connection.wait_for_the_end()
                return
            if not connection.send(answer):
                return
            if request.headers.get("connection", "").lower() == "close":
                return
