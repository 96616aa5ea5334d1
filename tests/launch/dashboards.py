"""A Ray dashboard for tests: what its job API answers, and whatever misfortune a real one cannot be asked for.

A job `exec sleep …` or `rayingest …` runs until it is stopped, `exit N` ends so, of other programs there is none.
What test_ray_cluster.py claims of it holds of a real one.
"""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx2

from rayingest.launch.dashboard import Dashboard
from rayingest.launch.token import vouching

Json = dict[str, Any]
URL = "http://ray.example:8265"
TRACEBACK = (
    'Traceback (most recent call last):\n  File "job_head.py", line 1\nRuntimeError: {why}.\n.\n'
)
Answer = httpx2.Response | Exception


@dataclass
class FakeRay:
    """A cluster's jobs and packages. `troubles` come before anything is done, `torn` after it.

    `script` is what becomes of a job each time that it is looked at, or what happens then.
    """

    token: str | None = None
    version: str = "2.60.0"
    jobs: dict[str, Json] = field(default_factory=dict)
    packages: dict[str, bytes] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    logs: list[str] = field(default_factory=list)
    script: list[Json | Callable[[], object]] = field(default_factory=list)
    troubles: list[Answer] = field(default_factory=list)
    torn: list[Answer] = field(default_factory=list)

    def client(self, token: str | None = None) -> Dashboard:
        transport = httpx2.MockTransport(self.answer)
        return Dashboard(httpx2.Client(base_url=URL, headers=vouching(token), transport=transport))

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        path = request.url.path.removeprefix("/")
        self.calls.append(f"{request.method} {request.url.raw_path.decode().removeprefix('/')}")
        self.bodies.append(request.content)
        if self.troubles:
            return _given(self.troubles.pop(0))
        had = request.headers.get("authorization")
        if self.token and had is None:
            return httpx2.Response(401, text="Unauthorized: Missing authentication token")
        if self.token and had != f"Bearer {self.token}":
            return httpx2.Response(403, text="Forbidden: Invalid authentication token")
        made = self._routed(request, path.split("/"))
        return _given(self.torn.pop(0)) if self.torn and request.method != "GET" else made

    def _routed(self, request: httpx2.Request, parts: list[str]) -> httpx2.Response:
        ways: dict[tuple[str, int], Callable[..., httpx2.Response]] = {
            ("GET", 2): lambda: httpx2.Response(200, json={"ray_version": self.version}),
            ("POST", 3): lambda *_: self._submitted(json.loads(request.content)),
            ("GET", 3): lambda _, name: self._told(name),
            ("GET", 4): lambda _, name, what: self._more(parts, name),
            ("PUT", 4): lambda *_: self._kept(parts[3], request.content),
            ("POST", 4): lambda _, name, what: self._stopped(name),
        }
        return ways[request.method, len(parts)](*parts[1:]) if len(parts) > 2 else ways["GET", 2]()

    def _submitted(self, body: Json) -> httpx2.Response:
        name, entrypoint = body["submission_id"], body["entrypoint"]
        if name in self.jobs:
            return _failed(f"ValueError: Job with submission_id {name} already exists")
        word, _, rest = entrypoint.partition(" ")
        code = {"exec": None, "rayingest": None, "exit": int(rest) if rest.isdigit() else 0}.get(
            word, 127
        )
        status = "RUNNING" if code is None else "FAILED" if code else "SUCCEEDED"
        told = f"Job entrypoint command failed with exit code {code}, last available logs (…):\nx"
        self.jobs[name] = {
            "type": "SUBMISSION",
            "submission_id": name,
            "status": status,
            "message": told if code else "",
            "driver_exit_code": code,
            "start_time": 1_000_000,
            "metadata": body["metadata"],
            "runtime_env": body["runtime_env"],
            "entrypoint": entrypoint,
        }
        return httpx2.Response(200, json={"job_id": name, "submission_id": name})

    def _told(self, name: str) -> httpx2.Response:
        if not name:
            return httpx2.Response(200, json=[*self.jobs.values()])
        if self.script and name in self.jobs:
            now = self.script.pop(0)
            self.jobs[name] |= now if isinstance(now, dict) else {}
            if not isinstance(now, dict):
                now()
        return httpx2.Response(200, json=self.jobs[name]) if name in self.jobs else _missing(name)

    def _more(self, parts: list[str], name: str) -> httpx2.Response:
        if parts[1] == "packages":
            known = parts[3] in self.packages
            return httpx2.Response(200) if known else _missing(parts[3])
        if name not in self.jobs:
            return _missing(name)
        text = self.logs.pop(0) if len(self.logs) > 1 else "".join(self.logs)
        return httpx2.Response(200, json={"logs": text})

    def _kept(self, name: str, data: bytes) -> httpx2.Response:
        self.packages[name] = data
        return httpx2.Response(200)

    def _stopped(self, name: str) -> httpx2.Response:
        if name not in self.jobs:
            return _missing(name)
        running = self.jobs[name]["status"] in ("PENDING", "RUNNING")
        if running:
            self.jobs[name]["status"] = "STOPPED"
        return httpx2.Response(200, json={"stopped": running})


@contextmanager
def serving(ray: FakeRay) -> Iterator[str]:
    """Serve it on loopback until the block ends; yields its URL."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

        def _do(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            asked = httpx2.Request(
                self.command,
                URL + self.path,
                headers=[*self.headers.items()],
                content=self.rfile.read(size),
            )
            told = ray.answer(asked)
            self.send_response(told.status_code)
            self.send_header("Content-Length", str(len(told.content)))
            self.end_headers()
            self.wfile.write(told.content)

        do_GET = do_POST = do_PUT = do_DELETE = _do  # noqa: N815

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def _given(answer: Answer) -> httpx2.Response:
    if isinstance(answer, Exception):
        raise answer
    return answer


def _missing(name: str) -> httpx2.Response:
    return httpx2.Response(404, text=f"Job {name} does not exist")


def _failed(why: str) -> httpx2.Response:
    return httpx2.Response(500, text=TRACEBACK.format(why=why))
