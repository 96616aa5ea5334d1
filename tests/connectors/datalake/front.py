"""Stands before a server of blobs: remembers what was asked, and fails when it is told to."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

import httpx2

CUT = "cut"
HOPS = {"connection", "keep-alive", "transfer-encoding", "host", "date", "server"}
ERROR = '<?xml version="1.0" encoding="utf-8"?><Error><Code>{0}</Code><Message>It is so.</Message></Error>'


class Front:
    """`asked` are requests: method, path and query, range; `faults` are pairs of status and code, or CUT."""

    def __init__(self, behind):
        self.behind, self.url, self.asked, self.faults = behind, "", [], []
        self.lock = threading.Lock()
        self.client = httpx2.Client(
            verify=False
        )  # reading all authorities takes longer than an answer

    def answer(self, method, path, headers):
        told = headers.get("x-ms-range") or headers.get("Range") or ""
        with self.lock:
            self.asked.append((method, unquote(path), told))
            fault = self.faults.pop(0) if self.faults else None
        if fault == CUT:
            return None
        if fault:
            status, code = fault
            more = {"x-ms-error-code": code, "content-type": "application/xml"}
            return status, more, ERROR.format(code).encode()
        place = urlsplit(self.behind)
        kept = {name: value for name, value in headers.items() if name.lower() not in HOPS}
        address = f"{place.scheme}://{place.netloc}{path}"
        given = self.client.request(method, address, headers=kept, timeout=10)
        more = {name: value for name, value in given.headers.items() if name.lower() not in HOPS}
        more.pop("content-encoding", None)
        return given.status_code, more, given.content


@contextmanager
def standing(server):
    """Before this server until the block ends."""
    front = Front(server.url)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            answer = front.answer(self.command, self.path, self.headers)
            if answer is None:
                self.close_connection = True
                return
            status, headers, body = answer
            self.send_response(status)
            length = {"content-length": str(len(body))} if self.command == "GET" else {}
            for name, value in {**headers, **length}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815 - as http.server calls it

        def log_message(self, *_):
            """Say nothing."""

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running.daemon_threads = True
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    front.url = server.url.replace(urlsplit(server.url).netloc, f"127.0.0.1:{running.server_port}")
    yield front
    running.shutdown()
    thread.join()
    running.server_close()
    front.client.close()
