"""A Kubernetes API server for tests: objects, watches, refusals, and an operator that plays a script.

It keeps what it is given, in memory, and knows of RayJobs what a script says. What it cannot show is
what only the real operator does. https://kubernetes.io/docs/reference/using-api/api-concepts/
"""

import copy
import json
import re
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Json = dict[str, Any]
Key = tuple[str, str, str]  # plural, namespace, name
Script = Sequence[Json] | Callable[[Json], Iterable[Json]]
KINDS = {
    "v1": ("pods", "secrets", "events", "configmaps"),
    "ray.io/v1": ("rayjobs", "rayclusters"),
    "argoproj.io/v1alpha1": ("workflows", "workflowtemplates", "cronworkflows"),
}
PATH = re.compile(
    r"/(?:api/v1|apis/(?P<group>[^/]+)/(?P<version>[^/]+))/namespaces/(?P<namespace>[^/]+)"
    r"/(?P<plural>[^/]+)(?:/(?P<name>[^/]+))?(?:/(?P<part>[^/]+))?"
)
REASONS = {403: "Forbidden", 404: "NotFound", 409: "AlreadyExists", 410: "Expired"}
DELETED: Json = {"deleted": True}
"""In a script: the object is deleted from outside."""
FORGOTTEN: Json = {"forgotten": True}
"""In a script: every version that was told so far is too old to watch from."""


class Refusal(Exception):
    """An answer that is none: its HTTP code, and what it says."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class Trouble:
    """What goes wrong with the next calls that are like this: an HTTP code, or a connection that breaks.

    `after`: the call has done its work, and only the answer is lost. `lines`: of a watch, so many come.
    """

    like: str  # of "GET /path?query", a regular expression
    code: int | None = None
    times: int = 1
    after: bool = False
    lines: int = 0
    retry_after: str | None = None


@dataclass
class Kubernetes:
    """What the cluster has, may and does; changed at any time.

    `denied`: pairs of a verb and a plural (`pods/log` is one). `judge`: all that is wrong with an object, as its CRD has it.
    `script`: the statuses that the operator gives to a RayJob, one after the other, from the first time
    that somebody looks at it; or what makes them out of it, and does what an operator does. `argo`: of a Workflow. `logs`: the lines of pods. `watch_seconds`: watches end so early.
    """

    token: str = "kube-token"  # noqa: S105
    served: dict[str, tuple[str, ...]] = field(default_factory=lambda: dict(KINDS))
    denied: set[tuple[str, str]] = field(default_factory=set)
    judge: Callable[[Json], Sequence[str]] = lambda document: ()
    script: Script = ()
    argo: Script = ()
    logs: dict[str, Sequence[str]] = field(default_factory=dict)
    troubles: list[Trouble] = field(default_factory=list)
    watch_seconds: float = 0.2
    calls: list[str] = field(default_factory=list)
    objects: dict[Key, Json] = field(default_factory=dict)
    gone: list[Key] = field(default_factory=list)
    url: str = ""

    def __post_init__(self) -> None:
        """Begin at version 1, with no events."""
        self.changed = threading.Condition()
        self._version = 1
        self._events: list[tuple[int, Key, str, Json]] = []
        self._forgotten = 0
        self._played: set[str] = set()

    # --- what a test does to it

    def put(self, plural: str, document: Json, namespace: str = "default") -> Json:
        """Keep an object, as if somebody had made it."""
        with self.changed:
            made = copy.deepcopy(document)
            head = made.setdefault("metadata", {})
            key = (plural, namespace, head["name"])
            head |= {"namespace": namespace}
            head.setdefault("uid", str(uuid.uuid4()))
            head.setdefault("creationTimestamp", f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")
            self._tell("MODIFIED" if key in self.objects else "ADDED", key, made)
            return copy.deepcopy(made)

    def remove(self, plural: str, name: str, namespace: str = "default") -> None:
        """Delete an object, and what it owns."""
        with self.changed:
            key = (plural, namespace, name)
            old = self.objects[key]
            self._tell("DELETED", key, old)
            uid = old["metadata"]["uid"]
            for other, each in list(self.objects.items()):
                owners = each["metadata"].get("ownerReferences", [])
                if any(owner["uid"] == uid for owner in owners):
                    self.remove(other[0], other[2], other[1])

    def forget(self) -> None:
        """Let every version that was told so far be too old to watch from."""
        with self.changed:
            self._forgotten = self._version
            self._version += 1
            self.changed.notify_all()

    def kubeconfig(self, path: Path, **user: Any) -> Path:
        """Write the file that leads here; `user` instead of the token."""
        account = user or {"token": self.token}
        told = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
            "clusters": [{"name": "test", "cluster": {"server": self.url}}],
            "users": [{"name": "test", "user": account}],
        }
        path.write_text(json.dumps(told), "utf-8")
        return path

    # --- what a client does

    def created(self, match: "re.Match[str]", query: dict[str, str], document: Json) -> Json:
        """POST of an object."""
        plural, namespace = match["plural"], match["namespace"]
        if query.get("fieldValidation") != "Strict":
            raise Refusal(400, "this test wants fieldValidation=Strict on every write")
        if wrong := list(self.judge(document)):
            raise Refusal(400, f"strict decoding error: {'; '.join(wrong)}")
        name = document["metadata"]["name"]
        if document["metadata"].get("namespace", namespace) != namespace:
            raise Refusal(400, "the namespace of the object is not that of the request")
        if (plural, namespace, name) in self.objects:
            raise Refusal(409, f'{plural} "{name}" already exists')
        if query.get("dryRun") == "All":
            return document
        return self.put(plural, document, namespace)

    def look(self, plural: str, namespace: str, name: str) -> None:
        """Somebody looks at an object: the operator begins with its script."""
        key = (plural, namespace, name)
        if plural not in ("rayjobs", "workflows") or (made := self.objects.get(key)) is None:
            return
        if (uid := made["metadata"]["uid"]) not in self._played:
            self._played.add(uid)
            threading.Thread(target=self._play, args=(key,), daemon=True).start()

    def since(self, version: int, namespace: str, plural: str, name: str) -> list[tuple[int, Json]]:
        """Events of one object after a version, as a watch tells them. Raises Refusal."""
        if version <= self._forgotten:
            raise Refusal(410, f"too old resource version: {version} ({self._version})")
        wanted = (plural, namespace, name)
        return [
            (at, {"type": kind, "object": document})
            for at, key, kind, document in self._events
            if key == wanted and at > version
        ]

    @property
    def version(self) -> str:
        """The version of the whole."""
        return str(self._version)

    def _play(self, key: Key) -> None:
        script = self.script if key[0] == "rayjobs" else self.argo
        with self.changed:
            job = copy.deepcopy(self.objects[key])
        for status in script(job) if callable(script) else script:
            with self.changed:
                if key not in self.objects:
                    return
                if status == DELETED:
                    self.remove(key[0], key[2], key[1])
                    return
                if status == FORGOTTEN:
                    self.forget()
                    continue
                made = copy.deepcopy(self.objects[key])
                made["status"] = status
                self._tell("MODIFIED", key, made)

    def _tell(self, kind: str, key: Key, document: Json) -> None:
        self._version += 1
        document["metadata"]["resourceVersion"] = str(self._version)
        if kind == "DELETED":
            del self.objects[key]
            self.gone.append(key)
        else:
            self.objects[key] = document
        self._events.append((self._version, key, kind, copy.deepcopy(document)))
        self.changed.notify_all()


class _Handler(BaseHTTPRequestHandler):
    world: Kubernetes
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Read, list or watch."""
        self._serve("GET")

    def do_POST(self) -> None:
        """Create."""
        self._serve("POST")

    def do_DELETE(self) -> None:
        """Delete."""
        self._serve("DELETE")

    def _serve(self, method: str) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else {}
        self.world.calls.append(f"{method} {self.path}")
        trouble = self._trouble(method)
        if trouble and not trouble.after and not trouble.lines:
            self._fail(trouble)
            return
        try:
            done = self._done(method, body, trouble.lines if trouble else 0)
        except Refusal as refusal:
            self._refused(refusal)
            return
        if trouble and trouble.after:
            self._fail(trouble)
        elif done is not None:
            self._answer(200, done)

    def _done(self, method: str, body: Json, lines: int) -> Json | None:
        """The answer; none when it was a stream. Raises Refusal."""
        if self.headers.get("Authorization") != f"Bearer {self.world.token}":
            raise Refusal(401, "Unauthorized")
        parts = urlsplit(self.path)
        query = dict(parse_qsl(parts.query))
        if (found := self._discovered(parts.path)) is not None:
            return found
        if parts.path.endswith("/selfsubjectaccessreviews"):
            asked = body["spec"]["resourceAttributes"]
            what = "/".join(filter(None, (asked["resource"], asked.get("subresource"))))
            return {**body, "status": {"allowed": (asked["verb"], what) not in self.world.denied}}
        match = PATH.fullmatch(parts.path)
        if match is None or not self._serves(match):
            raise Refusal(404, "the server could not find the requested resource")
        self._allowed(method, match, query)
        if match["part"] == "log":
            self._stream(iter(self._log(match["name"], match["namespace"])), lines)
            return None
        if query.get("watch") == "true":
            self._stream(self._watched(match, query), lines)
            return None
        with self.world.changed:
            return self._object(method, match, query, body)

    def _object(
        self, method: str, match: "re.Match[str]", query: dict[str, str], body: Json
    ) -> Json:
        world, plural, namespace = self.world, match["plural"], match["namespace"]
        if method == "POST":
            return world.created(match, query, body)
        if (name := match["name"]) is None:
            return self._listed(plural, namespace, query)
        made = world.objects.get((plural, namespace, name))
        if made is None:
            raise Refusal(404, f'{plural} "{name}" not found')
        if method == "DELETE":
            world.remove(plural, name, namespace)
            return {"kind": "Status", "status": "Success"}
        world.look(plural, namespace, name)
        return copy.deepcopy(made)

    def _listed(self, plural: str, namespace: str, query: dict[str, str]) -> Json:
        """One page of the objects that a selector means."""
        wanted = [each.partition("=") for each in query.get("labelSelector", "").split(",") if each]
        fields = dict(each.split("=") for each in query.get("fieldSelector", "").split(",") if each)
        found = [
            copy.deepcopy(each)
            for key, each in sorted(self.world.objects.items())
            if key[:2] == (plural, namespace)
            and fields.get("metadata.name", key[2]) == key[2]
            and all(_fits(each["metadata"].get("labels", {}), *one) for one in wanted)
        ]
        first, size = int(query.get("continue", 0)), int(query.get("limit", 500))
        page = found[first : first + size]
        for each in page:
            self.world.look(plural, namespace, each["metadata"]["name"])
        more = {"continue": str(first + size)} if first + size < len(found) else {}
        return {"metadata": {"resourceVersion": self.world.version, **more}, "items": page}

    def _watched(self, match: "re.Match[str]", query: dict[str, str]) -> Iterator[str]:
        world = self.world
        plural, namespace = match["plural"], match["namespace"]
        name = query["fieldSelector"].partition("=")[2]
        version = int(query.get("resourceVersion") or world.version)
        world.look(plural, namespace, name)
        until = min(world.watch_seconds, float(query.get("timeoutSeconds", 1e9)))
        while True:
            with world.changed:
                try:
                    news = world.since(version, namespace, plural, name)
                except Refusal as refusal:
                    error = {"kind": "Status", "code": refusal.code, "message": str(refusal)}
                    yield json.dumps({"type": "ERROR", "object": error})
                    return
                if not news and not world.changed.wait(until):
                    return
            for at, each in news:
                version = at
                yield json.dumps(each)

    def _log(self, pod: str, namespace: str) -> Sequence[str]:
        if ("pods", namespace, pod) not in self.world.objects:
            raise Refusal(404, f'pods "{pod}" not found')
        return self.world.logs.get(pod, ())

    def _discovered(self, path: str) -> Json | None:
        if found := re.fullmatch(r"/apis/([^/]+)", path):
            versions = [
                each.split("/")[1] for each in self.world.served if each.startswith(f"{found[1]}/")
            ]
            if not versions:
                raise Refusal(404, "404 page not found")
            return {"kind": "APIGroup", "versions": [{"version": each} for each in versions]}
        if found := re.fullmatch(r"/apis/([^/]+/[^/]+)", path):
            if (plurals := self.world.served.get(found[1])) is None:
                raise Refusal(404, "404 page not found")
            return {"kind": "APIResourceList", "resources": [{"name": each} for each in plurals]}
        return None

    def _serves(self, match: "re.Match[str]") -> bool:
        api = f"{match['group']}/{match['version']}" if match["group"] else "v1"
        return match["plural"] in self.world.served.get(api, ())

    def _allowed(self, method: str, match: "re.Match[str]", query: dict[str, str]) -> None:
        read = "get" if match["name"] else "watch" if query.get("watch") else "list"
        verb = {"POST": "create", "DELETE": "delete"}.get(method, read)
        what = "/".join(filter(None, (match["plural"], match["part"])))
        if (verb, what) in self.world.denied:
            raise Refusal(
                403, f'{what} is forbidden: User "tester" cannot {verb} resource "{what}"'
            )

    # --- the wire

    def _trouble(self, method: str) -> Trouble | None:
        for each in self.world.troubles:
            if each.times > 0 and re.search(each.like, f"{method} {self.path}"):
                each.times -= 1
                return each
        return None

    def _fail(self, trouble: Trouble) -> None:
        if trouble.code is None:
            self.close_connection = True
            self.connection.close()
            return
        self._refused(Refusal(trouble.code, "the server is in trouble"), trouble.retry_after)

    def _refused(self, refusal: Refusal, retry_after: str | None = None) -> None:
        told = {"kind": "Status", "status": "Failure", "message": str(refusal)}
        told |= {"code": refusal.code, "reason": REASONS.get(refusal.code, "")}  # type: ignore[dict-item]
        self._answer(refusal.code, told, {"Retry-After": retry_after} if retry_after else {})

    def _answer(self, code: int, document: Json, headers: dict[str, str] | None = None) -> None:
        content = json.dumps(document).encode()
        self.send_response(code)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _stream(self, lines: Iterator[str], most: int) -> None:
        """Lines as they come; of a stream that breaks, `most` of them."""
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for number, line in enumerate(lines, 1):
            self._chunk(f"{line}\n".encode())
            if number == most:
                self.close_connection = True
                self.connection.close()
                return
        self._chunk(b"")

    def _chunk(self, content: bytes) -> None:
        self.wfile.write(f"{len(content):x}\r\n".encode() + content + b"\r\n")
        self.wfile.flush()


def _fits(labels: Json, key: str, equals: str, value: str) -> bool:
    return labels.get(key) == value if equals else key in labels


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client that went is no news."""


@contextmanager
def serving(world: Kubernetes) -> Iterator[str]:
    """Serve a cluster on loopback until the block ends; yields its URL."""
    handler = type("Handler", (_Handler,), {"world": world})
    with _Server(("127.0.0.1", 0), handler) as server:
        world.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield world.url
        finally:
            server.shutdown()
            thread.join()
