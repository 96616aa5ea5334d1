"""A REST catalogue of Iceberg over a SQL one: its tables are real, what is sent is judged by pyiceberg's client.

https://github.com/apache/iceberg/blob/main/open-api/rest-catalog-open-api.yaml
"""

import contextlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

SEPARATOR = "\x1f"
ENDPOINTS = [
    f"GET /v1/{{prefix}}/{path}"
    for path in (
        *("namespaces", "namespaces/{namespace}", "namespaces/{namespace}/tables"),
        *("namespaces/{namespace}/tables/{table}", "namespaces/{namespace}/views"),
        "namespaces/{namespace}/views/{view}",
    )
]
CUT = "cut"  # a fault of this type ends the connection instead of an answer
TOKEN, CLIENT, SECRET = "canary-of-a-token", "reader", "canary-of-a-secret"


def view(fields, **texts):
    """Metadata of a view: `texts` are its statements by dialect."""
    return {
        "view-uuid": "fa6506c3-7681-40c8-86dc-e36561f83385",
        "format-version": 1,
        "location": "s3://lake/views/v",
        "schemas": [{"type": "struct", "schema-id": 0, "fields": fields}],
        "current-version-id": 2,
        "versions": [
            {
                "version-id": 2,
                "schema-id": 0,
                "timestamp-ms": 1,
                "summary": {},
                "default-namespace": ["library"],
                "representations": [
                    {"type": "sql", "sql": sql, "dialect": dialect}
                    for dialect, sql in texts.items()
                ],
            }
        ],
        "version-log": [{"timestamp-ms": 1, "version-id": 2}],
        "properties": {"comment": "A view", "owner": "ada"},
    }


class Refused(Exception):
    pass


class Server:
    """Answers for a catalogue; `views` by namespace and name, `faults` are (status, type), used once each."""

    def __init__(self, catalogue):
        self.catalogue = catalogue
        self.views = {}
        self.faults = []
        self.requests = []
        self.silent = threading.Event()
        self.pages = None
        self.url = ""

    def answer(self, method, path, query, headers, body):
        if path == "/v1/oauth/tokens":
            if CLIENT not in body or SECRET not in body:
                raise Refused(401, "invalid_client")
            return {"access_token": TOKEN, "token_type": "bearer", "expires_in": 3600}
        if headers.get("Authorization") != f"Bearer {TOKEN}":
            raise Refused(401, "NotAuthorizedException")
        self.requests.append(path)
        if self.faults:
            raise Refused(*self.faults.pop(0))
        match [unquote(each) for each in path.split("/")[2:]]:
            case ["config"]:
                return {"defaults": {}, "overrides": {}, "endpoints": ENDPOINTS}
            case ["namespaces"]:
                found = self.catalogue.list_namespaces(_levels(query.get("parent", [""])[0]))
                return self.paged("namespaces", sorted(map(list, found)), query)
            case ["namespaces", name, *rest]:
                return self.inside(_levels(name), rest, query)
        raise Refused(404, "NoSuchEndpoint")

    def inside(self, name, rest, query):
        match rest:
            case []:
                told = self.catalogue.load_namespace_properties(name)
                return {"namespace": list(name), "properties": told}
            case ["tables"]:
                return self.paged("identifiers", _named(self.catalogue.list_tables(name)), query)
            case ["views"]:
                found = [each for each in self.views if each[:-1] == name]
                return self.paged("identifiers", _named(found), query)
            case ["tables", table]:
                made = self.catalogue.load_table((*name, table))
                metadata = json.loads(made.metadata.model_dump_json())
                return {"metadata-location": made.metadata_location, "metadata": metadata}
            case ["views", view] if (*name, view) in self.views:
                told = self.views[*name, view]
                return {"metadata-location": "s3://lake/v.json", "metadata": told}
        raise Refused(404, "NoSuchViewException")

    def paged(self, key, items, query):
        if self.pages is None:
            return {key: items}
        start = int(query.get("pageToken", ["0"])[0])
        end = start + self.pages
        more = {"next-page-token": str(end)} if end < len(items) else {}
        return {key: items[start:end], **more}


def _levels(name):
    return tuple(each for each in name.split(SEPARATOR) if each)


def _named(found):
    return [{"namespace": list(each[:-1]), "name": each[-1]} for each in sorted(found)]


@contextlib.contextmanager
def serving(catalogue):
    world = Server(catalogue)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # an answer is sent at once

        def log_message(self, *_):
            pass

        def do_GET(self):
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length).decode()
            where = urlsplit(self.path)
            if world.silent.is_set():
                world.silent.wait(30)
                world.released.wait(30)
            status = 200
            try:
                told = world.answer(
                    self.command, where.path, parse_qs(where.query), self.headers, body
                )
            except Refused as refused:
                status, kind = refused.args
                if kind == CUT:
                    self.close_connection = True
                    return
                told = {"error": {"message": "It is so.", "type": kind, "code": status}}
            except Exception as error:  # noqa: BLE001 - pyiceberg's, for what is not there
                status = 404
                told = {"error": {"message": str(error), "type": type(error).__name__, "code": 404}}
            sent = json.dumps(told).encode()
            with contextlib.suppress(OSError):
                self.send_response(status)
                self.send_header("Content-Length", str(len(sent)))
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(sent)

        do_POST = do_GET  # noqa: N815

    world.released = threading.Event()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    world.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield world
    finally:
        world.released.set()
        server.shutdown()
        thread.join()
        server.server_close()
