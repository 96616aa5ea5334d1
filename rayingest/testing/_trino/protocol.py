"""The protocol of Trino and Presto as a coordinator speaks it: one request after another.

https://trino.io/docs/current/develop/client-protocol.html
"""

import base64
import json
import ssl
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import urlsplit

from rayingest.testing._trino.catalogs import Refusal
from rayingest.testing._trino.cluster import Cluster
from rayingest.testing._trino.tables import Row

VERSION = "476"


@dataclass
class Query:
    """One statement: its pages are made when they are first asked for."""

    id: str
    sql: str
    home: str
    columns: list[tuple[str, str]] | None = None
    rows: list[Row] = field(default_factory=list)
    error: Refusal | None = None
    token: int = -1  # the latest page that was given
    ended: bool = False


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    cluster: Cluster
    queries: dict[str, Query]
    lock: threading.Lock

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        """Take a statement."""
        sql = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        if not self._let_in():
            return
        cluster = self.cluster
        with self.lock:
            if cluster.throttled > 0:
                cluster.throttled -= 1
                self._send(429, "Too many requests", {"Retry-After": cluster.wait})
                return
            cluster.statements.append(sql)
            cluster.headers.append({key.lower(): each for key, each in self.headers.items()})
            query = Query(f"20261123_{len(cluster.statements):06d}_00000_abcde", sql, self._home())
            self.queries[query.id] = query
        self._tell(query, "QUEUED", "queued", 1)

    def do_GET(self) -> None:
        """Answer with a page, or with nothing yet."""
        path = urlsplit(self.path).path
        if path == "/v1/info":
            version = {"version": VERSION}
            self._send(200, {"nodeVersion": version, "coordinator": True, "starting": False})
            return
        query, place, token = self._query(path)
        if query is None or not self._let_in():
            return
        if self.cluster.throttled_pages > 0:
            self.cluster.throttled_pages -= 1
            self._send(429, "Too many requests", {"Retry-After": self.cluster.wait})
            return
        if query.ended:
            self._failed(query, Refusal("USER_CANCELED", "Query was canceled"))
        elif place == "queued":
            self._tell(query, "RUNNING", "executing", 0)
        elif self.cluster.stuck and self.cluster.stuck in query.sql:
            time.sleep(0.02)  # it holds an answer back for a while, too
            self._tell(query, "RUNNING", "executing", token + 1)
        elif token < query.token or token > query.token + 1:
            self._send(410, "Gone")
        else:
            query.token = token
            self._page(query, token)

    def do_DELETE(self) -> None:
        """End a statement."""
        query, _, _ = self._query(urlsplit(self.path).path)
        if query is not None and self._let_in():
            query.ended = True
            self.cluster.ended.append(query.sql)
            self._send(204, "")

    def _home(self) -> str:
        return str(self.headers.get(f"{self.cluster.prefix}Catalog") or "")

    def _let_in(self) -> bool:
        cluster = self.cluster
        with self.lock:
            cluster.requests += 1
            if cluster.busy and cluster.requests % cluster.busy == 0:
                self._send(503, "Busy")
                return False
        user = self.headers.get(f"{cluster.prefix}User")
        kind, _, shown = (self.headers.get("Authorization") or "").partition(" ")
        name = user
        if kind == "Basic":
            name, _, password = base64.b64decode(shown).decode().partition(":")
            if cluster.passwords.get(name) != password:
                self._send(401, "Access Denied: Invalid credentials")
                return False
        elif (cluster.passwords or cluster.tokens) and shown not in cluster.tokens:
            self._send(401, "Authentication required", {"WWW-Authenticate": 'Basic realm="Trino"'})
            return False
        if self.command == "POST" and not user:
            self._send(400, f"User must be set with {cluster.prefix}User")
            return False
        if self.command == "POST" and name not in (user, *cluster.impersonators):
            self._send(403, f"Access Denied: User {name} cannot impersonate user {user}")
            return False
        return True

    def _query(self, path: str) -> tuple[Query | None, str, int]:
        """The statement that an address is about: `/v1/statement/executing/<id>/<secret>/<token>`."""
        parts = path.split("/")
        query = self.queries.get(parts[4]) if len(parts) == 7 else None
        if query is None or parts[5] != _secret(query.id) or self.cluster.forgetful:
            self._send(404, "Query not found")
            return None, "", 0
        return query, parts[3], int(parts[6])

    def _page(self, query: Query, token: int) -> None:
        with self.lock:  # DuckDB's connection is one
            if query.columns is None and query.error is None:
                self._execute(query)
            self.cluster.pages += 1
            tear = bool(self.cluster.torn) and self.cluster.pages % self.cluster.torn == 0
        if query.error is not None:
            self._failed(query, query.error)
            return
        size = self.cluster.page
        data, rest = query.rows[token * size :][:size], query.rows[(token + 1) * size :]
        more: dict[str, Any] = {"columns": [_column(*each) for each in query.columns or ()]}
        if data:
            more["data"] = [list(each) for each in data]
        state, place = ("RUNNING", "executing") if rest else ("FINISHED", "")
        self._tell(query, state, place, token + 1, more, tear=tear)

    def _execute(self, query: Query) -> None:
        try:
            for piece, refusal in self.cluster.refusals.items():
                if piece in query.sql:
                    raise refusal
            query.columns, query.rows = self.cluster.answer(query.sql, query.home)
        except Refusal as refusal:
            query.error = refusal

    def _failed(self, query: Query, why: Refusal) -> None:
        error = {"message": str(why), "errorCode": 1, "errorName": why.name}
        cause = {"type": "io.trino.spi.TrinoException", "message": str(why), "stack": []}
        more = {"error": {**error, "errorType": "USER_ERROR", "failureInfo": cause}}
        self._tell(query, "FAILED", "", 0, more)

    def _tell(
        self,
        query: Query,
        state: str,
        place: str,
        token: int,
        more: dict[str, Any] | None = None,
        *,
        tear: bool = False,
    ) -> None:
        scheme = "https" if isinstance(self.connection, ssl.SSLSocket) else "http"
        base = self.cluster.named or f"{scheme}://{self.headers['Host']}"
        queued = state == "QUEUED"
        stats = {"state": state, "queued": queued, "scheduled": not queued, "nodes": 1}
        stats |= dict.fromkeys(_NUMBERS, 0)
        body = {
            "id": query.id,
            "infoUri": f"{base}/ui/query.html?{query.id}",
            "stats": stats,
            "warnings": [],
        }
        if place:
            body["nextUri"] = f"{base}/v1/statement/{place}/{query.id}/{_secret(query.id)}/{token}"
        self._send(200, body | (more or {}), tear=tear)

    def _send(
        self, status: int, body: Any, headers: dict[str, str] | None = None, *, tear: bool = False
    ) -> None:
        content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header(
            "Content-Type", "text/plain" if isinstance(body, str) else "application/json"
        )
        if status != 204:
            self.send_header("Content-Length", str(len(content)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if tear:
            self.wfile.write(content[: len(content) // 2])
            self.close_connection = True
        elif status != 204:
            self.wfile.write(content)


# What tells of progress: nobody needs it to be true, and the vendor's models want it to be there.
_NUMBERS = [
    "totalSplits",
    "queuedSplits",
    "runningSplits",
    "completedSplits",
    "cpuTimeMillis",
    "wallTimeMillis",
    "queuedTimeMillis",
    "elapsedTimeMillis",
    "processedRows",
    "processedBytes",
    "peakMemoryBytes",
]


def _secret(query: str) -> str:
    """What makes an address of a statement known to those alone who posted it."""
    return "y" + query.replace("_", "")[::-1]


def _column(name: str, kind: str) -> dict[str, Any]:
    long = [{"kind": "LONG", "value": 2147483647}] if kind == "varchar" else []
    return {"name": name, "type": kind, "typeSignature": {"rawType": kind, "arguments": long}}
