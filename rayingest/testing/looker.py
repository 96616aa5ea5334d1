"""A Looker of any size over HTTP, API 4.0, that can be slow, throttle, fail and forget its tokens.

    python -m rayingest.testing.looker --dashboards 2000 --ms 400

prints a line of JSON with its URL and serves until SIGTERM. What it answers is made of the vendor's
published models: a test holds every key of every answer against looker-sdk.
"""

import argparse
import json
import random
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

CLIENT_ID, CLIENT_SECRET = "rayingest", "looker-canary-2f61"
VIEWS = ("orders", "users", "products", "events", "inventory")
KINDS = ("looker_column", "looker_line", "looker_grid", "looker_pie", "single_value", "looker_map")
FIELDS = (
    ("id", "number", "dimension"),
    ("created_date", "date", "dimension"),
    ("status", "string", "dimension"),
    ("is_open", "yesno", "dimension"),
    ("count", "count", "measure"),
    ("revenue", "sum", "measure"),
)
Json = Any


@dataclass
class World:
    """What there is, and how it behaves; changed at any time.

    `seconds` is for each answer but log-ins, `slow` the same for single paths; `fails` is the rate of
    503, `throttles` of 429, once for each path; `gone` and `denied` are dashboards' ids;
    `token_calls`: calls after which a token is forgotten.
    """

    dashboards: int = 20
    lookml_dashboards: int = 2
    elements: int = 3
    explores: int = 5
    seconds: float = 0.0
    slow: dict[str, float] = field(default_factory=dict)
    fails: float = 0.0
    throttles: float = 0.0
    gone: set[str] = field(default_factory=set)
    denied: set[str] = field(default_factory=set)
    trashed: set[str] = field(default_factory=set)
    token_calls: int = 0
    seed: int = 1
    calls: Counter[str] = field(default_factory=Counter)
    log: list[str] = field(default_factory=list)
    busy: int = 0
    busiest: int = 0
    tokens: dict[str, int] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    before: Callable[[str], None] | None = None  # sees each path before it is answered

    # --- what is there ---

    def models(self) -> list[Json]:
        """LookML models with their explores."""
        names = [
            VIEWS[at % len(VIEWS)] + ("" if at < 5 else str(at)) for at in range(self.explores)
        ]
        return [
            {
                "name": "shop",
                "label": "Shop",
                "project_name": "shop",
                "explores": [
                    {"name": each, "label": each.title(), "hidden": False} for each in names
                ],
            }
        ]

    def explore(self, model: str, name: str) -> Json | None:
        """One explore: its own view, and users joined."""
        if model != "shop" or name not in [each["name"] for each in self.models()[0]["explores"]]:
            return None
        joined = () if name == "users" else ("users",)
        fields = [_field(view, *each) for view in (name, *joined) for each in FIELDS]
        return {
            "id": f"{model}::{name}",
            "name": name,
            "label": name.title(),
            "description": f"All {name}.",
            "model_name": model,
            "project_name": "shop",
            "view_name": name,
            "sql_table_name": f"inventory.{name}",
            "tags": ["certified"] if name == "orders" else [],
            "fields": {
                "dimensions": [each for each in fields if each["category"] == "dimension"],
                "measures": [each for each in fields if each["category"] == "measure"],
            },
            "joins": [
                {"name": each, "sql_table_name": f'"inventory"."{each}"', "type": "left_outer"}
                for each in joined
            ],
        }

    def ids(self) -> list[str]:
        """User-defined dashboards, in the order of their ids."""
        return [str(number) for number in range(1, self.dashboards + 1)]

    def lookml_ids(self) -> list[str]:
        """LookML dashboards."""
        return [f"shop::overview_{number}" for number in range(1, self.lookml_dashboards + 1)]

    def dashboard(self, identity: str, *, elements: int | None = None) -> Json:
        """One dashboard, whether it is there or not."""
        number = int(re.sub(r"\D", "", identity))
        lookml = "::" in identity
        number_of = self.elements if elements is None else elements
        return {
            "id": identity,
            "title": f"Overview {number}" if lookml else f"Dashboard {number}",
            "description": f"What {number} shows." if number % 2 else None,
            "folder": {"id": "lookml", "name": "LookML Dashboards"} if lookml else _folder(number),
            "user_id": str(1 + number % 3),
            "deleted": identity in self.trashed,
            "hidden": False,
            "dashboard_elements": [self._element(identity, number, at) for at in range(number_of)],
        }

    def _element(self, identity: str, number: int, at: int) -> Json:
        kind = KINDS[(number + at) % len(KINDS)]
        explores = [each["name"] for each in self.models()[0]["explores"]]
        query = {
            "model": "shop",
            "view": explores[(number + at) % len(explores)],
            "vis_config": {"type": kind},
        }
        if at and at == self.elements - 1:
            return {
                "id": f"{identity}0{at}",
                "type": "text",
                "title_text": "Read me",
                "body_text": "?",
            }
        made = {"id": f"{identity}0{at}", "title": f"Tile {at}", "type": "vis", "query": query}
        if at == 1:  # as dashboards of today have it
            del made["query"]
            made["result_maker"] = {
                "vis_config": {"type": kind},
                "filterables": [{"model": "shop", "view": query["view"]}],
            }
        return made

    def answer(self, path: str, query: dict[str, str]) -> tuple[int, Json]:
        """Status and body of a GET below /api/4.0."""
        parts = [unquote(each) for each in path.strip("/").split("/")]
        found = self._list(parts, query)
        if found is not None:
            return 200, [_only(each, query) for each in found]
        status, body = self._single(parts)
        return status, _only(body, query) if status == 200 else _error(str(body))

    def _list(self, parts: list[str], query: dict[str, str]) -> list[Json] | None:
        match parts:
            case ["dashboards", "search"]:
                there = [each for each in self.ids() if each not in self.trashed | self.gone]
                return [self.dashboard(each, elements=0) for each in _page(there, query)]
            case ["dashboards", "lookml", "search"]:
                there = [each for each in self.lookml_ids() if each not in self.gone]
                return [self.dashboard(each, elements=0) for each in _page(there, query)]
            case ["lookml_models"]:
                return self.models()
            case ["folders"]:
                return FOLDERS
            case ["users"]:
                return _page(USERS, query)
            case _:
                return None

    def _single(self, parts: list[str]) -> tuple[int, Json]:
        match parts:
            case ["dashboards", identity] if identity in self.denied:
                return 403, "Forbidden"
            case ["dashboards", identity] if identity not in self.gone:
                there = identity in {*self.ids(), *self.lookml_ids()}
                return (200, self.dashboard(identity)) if there else (404, "Not found")
            case ["lookml_models", model, "explores", name]:
                made = self.explore(model, name)
                return (200, made) if made else (404, "Not found")
            case _:
                return 404, "Not found"


def write_lookml(folder: Path) -> None:
    """The LookML of the shop's first five explores: a view each, the last of them derived."""
    dimensions = """
  dimension: id { primary_key: yes type: number sql: ${TABLE}.id ;; }
  dimension_group: created { type: time timeframes: [raw, date, month] sql: ${TABLE}.created ;; }
  dimension: status { description: "How far." tags: ["pii"] sql: ${TABLE}.status ;; }
  measure: revenue { type: sum sql: ${TABLE}.price ;; label: "Revenue" }
"""
    (folder / "manifest.lkml").write_text('project_name: "shop"')
    (folder / "views").mkdir()
    for name in VIEWS[:-1]:
        text = f"view: {name} {{ sql_table_name: inventory.{name} ;; {dimensions} }}"
        (folder / "views" / f"{name}.view.lkml").write_text(text)
    (folder / "views" / f"{VIEWS[-1]}.view.lkml").write_text(
        f"""view: {VIEWS[-1]} {{
  derived_table: {{ sql: with recent as (select * from inventory.stock)
    select * from recent join ${{orders.SQL_TABLE_NAME}} o on o.id = recent.id
    where {{% condition day %}} o.created {{% endcondition %}} ;; }}
  {dimensions}
}}"""  # noqa: S608 - of a world of our own
    )


def _folder(number: int) -> Json:
    return FOLDERS[(1, 2, 4)[number % 3]]


FOLDERS = [
    {"id": "1", "name": "Shared", "parent_id": None, "is_personal": False},
    {"id": "2", "name": "Finance", "parent_id": "1", "is_personal": False},
    {"id": "3", "name": "Board", "parent_id": "2", "is_personal": False},
    {"id": "4", "name": "Ann's", "parent_id": "9", "is_personal": True},
    {"id": "5", "name": "Drafts", "parent_id": "4", "is_personal_descendant": True},
]
USERS = [
    {"id": "1", "email": "ann@example.com"},
    {"id": "2", "email": "bob@example.com"},
    {"id": "3", "email": None},
]


def _field(view: str, name: str, kind: str, category: str) -> Json:
    return {
        "name": f"{view}.{name}",
        "label": f"{view} {name}".title(),
        "type": kind,
        "category": category,
        "view": view,
        "description": "Money." if name == "revenue" else "",
        "sql": f"${{TABLE}}.{name}",
        "tags": ["pii"] if name == "status" else [],
        "is_numeric": kind in {"number", "count", "sum"},
    }


def _only(body: Json, query: dict[str, str]) -> Json:
    wanted = query.get("fields")
    return body if not wanted else {key: body[key] for key in wanted.split(",") if key in body}


def _page(found: list[Any], query: dict[str, str]) -> list[Any]:
    offset = int(query.get("offset", "0"))
    return found[offset : offset + int(query["limit"])] if "limit" in query else found[offset:]


def _error(message: str) -> Json:
    return {"message": message, "documentation_url": "https://cloud.google.com/looker/docs/r/err"}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    world: World
    lock: threading.Lock

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        """Log in."""
        told = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        with self.lock:
            self.world.calls["login"] += 1
            token = f"token-{self.world.calls['login']}"
            self.world.tokens[token] = 0
        if (told.get("client_id"), told.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            self._send(404, _error("Not found"))
            return
        self._send(200, {"access_token": token, "token_type": "Bearer", "expires_in": 3600})

    def do_GET(self) -> None:
        """Answer after a while, or refuse."""
        split = urlsplit(self.path)
        path = split.path.removeprefix("/api/4.0")
        if path == "/__stats":
            self._send(200, {"calls": dict(self.world.calls), "busiest": self.world.busiest})
            return
        query = {key: values[0] for key, values in parse_qs(split.query).items()}
        with self.lock:
            world = self.world
            world.calls[path.strip("/").partition("/")[0]] += 1
            world.log.append(path)
            world.busy += 1
            world.busiest = max(world.busiest, world.busy)
        try:
            if world.before is not None:
                world.before(path)
            time.sleep(world.slow.get(path, world.seconds))
            self._judge(path, query)
        finally:
            with self.lock:
                world.busy -= 1

    def _judge(self, path: str, query: dict[str, str]) -> None:
        world, token = self.world, self.headers.get("Authorization", "").removeprefix("Bearer ")
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
        if not known:
            self._send(401, _error("Requires authentication."))
        elif first and chance < world.fails:
            self._send(503, _error("Busy"))
        elif first and chance < world.fails + world.throttles:
            self._send(429, _error("Too many requests"), {"Retry-After": "0"})
        else:
            self._send(*world.answer(path, query))

    def _send(self, status: int, body: Json, headers: dict[str, str] | None = None) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512


@contextmanager
def looker(world: World) -> Iterator[str]:
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


def main() -> None:
    """Run as a program."""
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("--dashboards", type=int, default=2000)
    flags.add_argument("--ms", type=float, default=400, help="what a call takes")
    flags.add_argument("--straggler-ms", type=float, default=0, help="what dashboard 1 takes")
    flags.add_argument("--explores", type=int, default=5)
    flags.add_argument("--fails", type=float, default=0, help="rate of 503, once each")
    told = flags.parse_args()
    world = World(
        told.dashboards, 0, explores=told.explores, seconds=told.ms / 1000, fails=told.fails
    )
    if told.straggler_ms:
        world.slow["/dashboards/1"] = told.straggler_ms / 1000
    over = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, over)
    with looker(world) as url:
        print(json.dumps({"url": url}), flush=True)  # noqa: T201 - for who started it
        signal.sigwait(over)


if __name__ == "__main__":
    main()
