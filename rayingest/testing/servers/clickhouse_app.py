"""Answers statements that are posted, as ClickHouse's HTTP interface would; run by the Python of its environment.

Settings in the query of a request are not looked at.
"""

import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit


class Front(BaseHTTPRequestHandler):
    """One statement after the other."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet: a second one would wait for the first to be acknowledged
    session: ClassVar[Any] = None

    def do_GET(self) -> None:
        """Say that it is there."""
        self._answer(200, b"Ok.\n")

    def do_POST(self) -> None:
        """Run a statement."""
        statement = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = parse_qs(urlsplit(self.path).query).get("default_format", ["JSONCompact"])[0]
        try:
            self._answer(200, self.session.query(statement, form).bytes())
        except Exception as error:  # noqa: BLE001 - ClickHouse's, with its number
            self._answer(500, str(error).encode())

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: Any) -> None:
        """Be quiet."""


if __name__ == "__main__":
    from chdb.session import Session

    Front.session = Session(sys.argv[1])
    HTTPServer(("127.0.0.1", int(sys.argv[2])), Front).serve_forever()
