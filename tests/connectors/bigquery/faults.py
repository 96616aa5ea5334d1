"""Between the connector and bqemulator: answers as Google documents its errors, delays, hang-ups.

The emulator has no rights and no quotas. https://cloud.google.com/bigquery/docs/error-messages
"""

import json
import threading
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from rayingest.testing.processes import free_port


@dataclass
class Fault:
    """What answers to requests whose method and path hold `where` (and the body `inside`)."""

    where: str
    code: int = 0  # 0: the connection is closed without an answer
    reason: str = ""
    message: str = "it says why"
    inside: str = ""
    headers: dict = field(default_factory=dict)
    wait: float = 0  # and then the emulator answers, if there is no reason
    times: int = 1_000_000


class Proxy:
    def __init__(self, target):
        self.target, self.faults, self.asked = target, [], []
        self.page = 0  # tables in one page; the emulator has one page for all
        self.released = threading.Event()
        self.url = ""

    def cut(self, path, body):
        parts = urlsplit(path)
        if not self.page or not parts.path.endswith("/tables"):
            return body
        told = json.loads(body)
        start = int(parse_qs(parts.query).get("pageToken", ["0"])[0])
        end = start + self.page
        rest = {"nextPageToken": str(end)} if told["tables"][end:] else {}
        return json.dumps({**told, "tables": told["tables"][start:end], **rest}).encode()

    def fault(self, line, body):
        for each in self.faults:
            if each.where in line and each.inside in body and each.times > 0:
                each.times -= 1
                return each
        return None


@contextmanager
def between(target):
    proxy = Proxy(target)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            line = f"{self.command} {self.path}"
            proxy.asked.append(line)
            fault = proxy.fault(line, body.decode())
            if fault is not None:
                proxy.released.wait(fault.wait)
            if fault is not None and fault.reason:
                told = {"reason": fault.reason, "message": fault.message, "domain": "global"}
                error = {"code": fault.code, "message": fault.message, "errors": [told]}
                self.answer(fault.code, json.dumps({"error": error}).encode(), fault.headers)
            elif fault is not None and not fault.wait:
                self.close_connection = True
            else:
                self.forward(body)

        do_GET = do_POST = do_PATCH = do_DELETE = handle_any  # noqa: N815 - the base class's names

        def forward(self, body):
            request = urllib.request.Request(  # noqa: S310 - our own emulator
                proxy.target + self.path, data=body or None, method=self.command
            )
            request.add_header("Content-Type", "application/json")
            try:
                with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                    self.answer(answer.status, proxy.cut(self.path, answer.read()), {})
            except urllib.error.HTTPError as error:
                self.answer(error.code, error.read(), {})

        def answer(self, code, body, headers):
            self.send_response(code)
            for name, value in {**headers, "Content-Type": "application/json"}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", free_port()), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    proxy.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield proxy
    finally:
        proxy.released.set()
        server.shutdown()
        thread.join()
        server.server_close()
