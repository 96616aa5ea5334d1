"""A Looker of any size over HTTP, API 4.0, that can be slow, throttle, fail and forget its tokens.

    python -m rayingest.testing.looker --dashboards 2000 --ms 400

prints a line of JSON with its URL and serves until SIGTERM. What it answers is made of the vendor's
published models: a test holds every key of every answer against looker-sdk.
"""

import argparse
import json
import re
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import unquote

from rayingest.testing import _looker_tiles as tiles
from rayingest.testing.rest import Json, RestWorld, serving

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


@dataclass
class World(RestWorld):
    """What there is, and how it behaves; changed at any time.

    `denied` may have "lookml_models"; `trashed` are dashboards' ids. The first `rich` of the user-defined
    dashboards have each kind of tile, and filters; all have the same merged result, whose explores they
    do not tell when it is `untold`; of `broken` queries the id alone is told. `more_models` are models with their explores, besides the shop;
    `more_dashboards` are LookML dashboards, and each asks its own model. `views` says how often some were
    looked at, None: Looker does not tell.
    """

    prefix: ClassVar[str] = "/api/4.0"
    dashboards: int = 20
    lookml_dashboards: int = 2
    elements: int = 3
    explores: int = 5
    rich: int = 0
    untold: bool = False
    broken: set[str] = field(default_factory=set)
    more_models: dict[str, tuple[str, ...]] = field(default_factory=dict)
    more_dashboards: tuple[str, ...] = ()
    trashed: set[str] = field(default_factory=set)
    views: dict[str, int | None] = field(default_factory=dict)

    def log_in(self, path: str, told: Mapping[str, Any], token: str) -> tuple[int, Json]:
        """See RestWorld."""
        if (told.get("client_id"), told.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            return 404, self.error("Not found")
        return 200, {"access_token": token, "token_type": "Bearer", "expires_in": 3600}

    def error(self, message: str) -> Json:
        """See RestWorld."""
        return {
            "message": message,
            "documentation_url": "https://cloud.google.com/looker/docs/r/err",
        }

    # --- what is there ---

    def models(self) -> list[Json]:
        """LookML models with their explores."""
        return [
            {
                "name": model,
                "label": model.title(),
                "project_name": "shop",
                "explores": [
                    {"name": each, "label": each.title(), "hidden": False} for each in names
                ],
            }
            for model, names in {"shop": self._shop(), **self.more_models}.items()
        ]

    def _shop(self) -> tuple[str, ...]:
        return tuple(
            VIEWS[at % len(VIEWS)] + ("" if at < 5 else str(at)) for at in range(self.explores)
        )

    def explore(self, model: str, name: str) -> Json | None:
        """One explore: its own view, and users joined."""
        if name not in {"shop": self._shop(), **self.more_models}.get(model, ()):
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
        """See RestWorld."""
        return [*self.user_ids(), *self.lookml_ids()]

    def user_ids(self) -> list[str]:
        """User-defined dashboards, in the order of their ids."""
        return [str(number) for number in range(1, self.dashboards + 1)]

    def lookml_ids(self) -> list[str]:
        """LookML dashboards."""
        own = (f"shop::overview_{number}" for number in range(1, self.lookml_dashboards + 1))
        return sorted([*own, *self.more_dashboards])

    def dashboard(self, identity: str, *, elements: int | None = None) -> Json:
        """One dashboard, whether it is there or not."""
        number = int(re.sub(r"\D", "", identity) or 0)
        lookml = "::" in identity
        number_of = self.elements if elements is None else elements
        rich = elements is None and not lookml and number <= self.rich
        return {
            "id": identity,
            "title": f"Overview {number}" if lookml else f"Dashboard {number}",
            "description": f"What {number} shows." if number % 2 else None,
            "folder": {"id": "lookml", "name": "LookML Dashboards"} if lookml else _folder(number),
            "user_id": str(1 + number % 3),
            "deleted": identity in self.trashed,
            "hidden": False,
            "view_count": self.views.get(identity, 10 * number),
            "dashboard_elements": [
                *(self._element(identity, number, at) for at in range(number_of)),
                *(tiles.others(identity, self._shop(), told=not self.untold) if rich else ()),
            ],
            "dashboard_filters": tiles.filters(identity, self._shop()) if rich else [],
        }

    def _element(self, identity: str, number: int, at: int) -> Json:
        kind = KINDS[(number + at) % len(KINDS)]
        model = identity.partition("::")[0]
        model = model if model in self.more_models else "shop"
        explores = self.more_models.get(model) or self._shop()
        query = {
            "model": model,
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
                "filterables": [{"model": model, "view": query["view"]}],
            }
        return made

    def answer(self, path: str, query: dict[str, str]) -> tuple[int, Json]:
        """See RestWorld."""
        parts = [unquote(each) for each in path.strip("/").split("/")]
        found = self._list(parts, query)
        if found is not None:
            return 200, [_only(each, query) for each in found]
        status, body = self._single(parts)
        return status, _only(body, query) if status == 200 else self.error(str(body))

    def _list(self, parts: list[str], query: dict[str, str]) -> list[Json] | None:
        match parts:
            case ["dashboards", "search"]:
                there = [each for each in self.user_ids() if each not in self.trashed | self.gone]
                return [self.dashboard(each, elements=0) for each in _page(there, query)]
            case ["dashboards", "lookml", "search"]:
                there = [each for each in self.lookml_ids() if each not in self.gone]
                return [self.dashboard(each, elements=0) for each in _page(there, query)]
            case ["lookml_models"] if "lookml_models" not in self.denied:
                return self.models()
            case ["folders"]:
                return FOLDERS
            case ["users"]:
                return _page(USERS, query)
            case _:
                return None

    def _single(self, parts: list[str]) -> tuple[int, Json]:
        match parts:
            case ["dashboards", identity] | [identity] if identity in self.denied:
                return 403, "Forbidden"
            case ["dashboards", identity] if identity not in self.gone:
                there = identity in self.ids()
                return (200, self.dashboard(identity)) if there else (404, "Not found")
            case ["lookml_models", model, "explores", name]:
                made = self.explore(model, name)
                return (200, made) if made else (404, "Not found")
            case [("merge_queries" | "queries") as kind, identity]:
                return self._asked(kind, identity)
            case _:
                return 404, "Not found"

    def _asked(self, kind: str, identity: str) -> tuple[int, Json]:
        if identity in self.gone | self.denied:
            return (403, "Forbidden") if identity in self.denied else (404, "Not found")
        if identity in self.broken:
            return 200, {"id": identity}
        shop = self._shop()
        merged = kind == "merge_queries"
        return 200, tiles.merge_query(shop) if merged else tiles.query(identity, shop)


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
        dashboards=told.dashboards,
        lookml_dashboards=0,
        explores=told.explores,
        seconds=told.ms / 1000,
        fails=told.fails,
    )
    if told.straggler_ms:
        world.slow["/dashboards/1"] = told.straggler_ms / 1000
    over = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, over)
    with serving(world) as url:
        print(json.dumps({"url": url}), flush=True)  # noqa: T201 - for who started it
        signal.sigwait(over)


if __name__ == "__main__":
    main()
