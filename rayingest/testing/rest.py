"""A REST API over HTTP for tests: slow, throttling, failing, forgetting its tokens, as it is told.

A world says what there is (`answer`, `asked` for questions that are posted) and who may ask (`token_of`,
`log_in`); this serves it.
"""

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, parse_qsl, urlsplit

Json = Any


@dataclass
class RestWorld:
    """How a server behaves; changed at any time. What there is, is a subclass's.

    `seconds` is for each answer but log-ins, `slow` the same for single paths; `fails` is the rate of
    503, `throttles` of 429, once for each path; `token_calls`: calls after which a token is forgotten;
    `gone` and `denied` are ids of dashboards, as the tool has them.
    `log` has the paths that were asked for, `calls` how often by their first part, and log-ins.
    """

    prefix: ClassVar[str] = ""  # of all paths; left out of what a world sees
    seconds: float = 0.0
    slow: dict[str, float] = field(default_factory=dict)
    fails: float = 0.0
    throttles: float = 0.0
    token_calls: int = 0
    gone: set[str] = field(default_factory=set)
    denied: set[str] = field(default_factory=set)
    seed: int = 1
    calls: Counter[str] = field(default_factory=Counter)
    log: list[str] = field(default_factory=list)
    busy: int = 0
    busiest: int = 0
    tokens: dict[str, int] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    before: Callable[[str], None] | None = None  # sees each path before it is answered

    def answer(self, path: str, query: dict[str, str]) -> tuple[int, Json]:
        """Status and body of a GET."""
        raise NotImplementedError

    def ids(self) -> list[str]:
        """All dashboards that may be listed, those that are gone too."""
        raise NotImplementedError

    def asked(self, path: str, told: Mapping[str, Any]) -> str | None:
        """What the log calls a POST that is a question; None for one that is a log-in."""
        return None

    def answer_to(
        self, path: str, told: Mapping[str, Any], query: Mapping[str, str]
    ) -> tuple[int, Json]:
        """Status and body of a POST that is a question."""
        raise NotImplementedError

    def open_to_all(self, path: str) -> bool:
        """Whether a path is answered to whoever asks."""
        return False

    def read(self, content: str, kind: str) -> Mapping[str, Any]:
        """What a POST says: JSON, or a form."""
        form = "form" in kind or not content.startswith("{")
        return dict(parse_qsl(content)) if form else dict(json.loads(content))

    def encoded(self, body: Json, wanted: str) -> tuple[str, bytes]:
        """The type and the bytes of an answer; `wanted` is what the request accepts."""
        return "application/json", json.dumps(body).encode()

    def log_in(self, path: str, told: Mapping[str, Any], token: str) -> tuple[int, Json]:
        """Status and body of a POST; whoever gets 200 may use `token`."""
        return 404, self.error("Nobody logs in here.")

    def token_of(self, headers: "Message[str, str]") -> str:
        """What a request shows to be let in: one of `tokens`."""
        return headers.get("Authorization", "").removeprefix("Bearer ")

    def error(self, message: str) -> Json:
        """The body of a refusal."""
        return {"message": message}

    def stranger(self) -> tuple[int, Json]:
        """Status and body for whoever shows no known token."""
        return 401, self.error("Requires authentication.")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    world: RestWorld
    lock: threading.Lock

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        """Log in, or answer a question."""
        content = self.rfile.read(int(self.headers["Content-Length"])).decode()
        told = self.world.read(content, self.headers.get("Content-Type", ""))
        question = self.world.asked(self._path(), told)
        if question is not None:
            path, query = self._path(), self._query()
            self._answer(question, lambda: self.world.answer_to(path, told, query))
            return
        with self.lock:
            self.world.calls["login"] += 1
            token = f"token-{self.world.calls['login']}"
            self.world.tokens[token] = 0
        status, body = self.world.log_in(self._path(), told, token)
        if status != 200:
            del self.world.tokens[token]
        self._send(status, body)

    def _path(self) -> str:
        return urlsplit(self.path).path.removeprefix(self.world.prefix)

    def _query(self) -> dict[str, str]:
        return {key: each[0] for key, each in parse_qs(urlsplit(self.path).query).items()}

    def do_GET(self) -> None:
        """Answer after a while, or refuse."""
        path, world = self._path(), self.world
        if path == "/__stats":
            self._send(200, {"calls": dict(world.calls), "busiest": world.busiest})
            return
        query = self._query()
        self._answer(path, lambda: world.answer(path, query))

    def _answer(self, path: str, answer: Callable[[], tuple[int, Json]]) -> None:
        world = self.world
        with self.lock:
            world.calls[path.strip("/").partition("/")[0]] += 1
            world.log.append(path)
            world.busy += 1
            world.busiest = max(world.busiest, world.busy)
        try:
            if world.before is not None:
                world.before(path)
            time.sleep(world.slow.get(path, world.seconds))
            self._judge(path, answer)
        finally:
            with self.lock:
                world.busy -= 1

    def _judge(self, path: str, answer: Callable[[], tuple[int, Json]]) -> None:
        world, token = self.world, self.world.token_of(self.headers)
        with self.lock:
            known = token in world.tokens
            if known:
                world.tokens[token] += 1
                if world.token_calls and world.tokens[token] > world.token_calls:
                    del world.tokens[token]
                    known = False
            chance = random.Random(f"{world.seed} {path}").random()  # noqa: S311 - a made-up fault
            first = path not in world.refused
            if chance < world.fails + world.throttles:
                world.refused.add(path)
        if not known and not world.open_to_all(path):
            self._send(*world.stranger())
        elif first and chance < world.fails:
            self._send(503, world.error("Busy"))
        elif first and chance < world.fails + world.throttles:
            self._send(429, world.error("Too many requests"), {"Retry-After": "0"})
        else:
            self._send(*answer())

    def _send(self, status: int, body: Json, headers: Mapping[str, str] | None = None) -> None:
        kind, content = self.world.encoded(body, self.headers.get("Accept", ""))
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512


@contextmanager
def serving(world: RestWorld) -> Iterator[str]:
    """Serve a world on loopback until the block ends; yields its URL."""
    handler = type("Handler", (_Handler,), {"world": world, "lock": threading.Lock()})
    with _Server(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
