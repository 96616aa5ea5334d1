"""A Superset over HTTP for tests that are quick: dashboards, charts, datasets, owners, tags.

A slow test holds each of its answers against what a real Superset answers, key by key and type by type:
tests/connectors/superset/test_server.py.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rayingest.testing.rest import Json, RestWorld

USERNAME, PASSWORD = "ada", "superset-canary-9d21"
TABLES = ("orders", "users", "products")
CHARTS = ("echarts_timeseries_line", "table", "big_number_total", "deck_scatter", "custom_plugin")
USERS = (
    {"id": 1, "first_name": "Ada", "last_name": "Admin"},
    {"id": 2, "first_name": "Rea", "last_name": "Reader"},
)
COLUMNS = (("id", "INTEGER", 0), ("created", "TIMESTAMP WITH TIME ZONE", 2), ("price", "NUMERIC(10, 2)", 0), ("note", "TEXT", 1))  # fmt: skip
SQL = "SELECT o.id, o.price FROM inventory.{} o JOIN {{{{ dataset(101) }}}} d USING (id) WHERE o.note <> '{{{{ current_username() }}}}' {{% if from_dttm %}} AND o.created > '{{{{ from_dttm }}}}' {{% endif %}}"
DATASET = 100  # ids begin behind this: no dashboard has one of them
DAY, UUID = "2026-01-31T17:43:12.000000", "5e1f6f9a-0b5f-4b5e-9a44-0c5d4f1f2a30"
_PAGES = re.compile(r"page:(\d+),page_size:(\d+)")
_COLUMNS = re.compile(r"columns:!\(([^)]*)\)")


@dataclass
class World(RestWorld):
    """What there is; `drafts` are ids of dashboards, `most` is how many items a page may have."""

    dashboards: int = 20
    datasets: int = 3
    most: int = 100
    drafts: set[str] = field(default_factory=set)

    def ids(self) -> list[str]:
        """Dashboards by id."""
        return [str(number) for number in range(1, self.dashboards + 1)]

    def log_in(self, path: str, told: Mapping[str, Any], token: str) -> tuple[int, Json]:
        """See RestWorld."""
        account = {"username": USERNAME, "password": PASSWORD, "provider": "db"}
        if path != "/api/v1/security/login" or told != account:
            return 401, {"message": "Not authorized"}
        return 200, {"access_token": token}

    def stranger(self) -> tuple[int, Json]:
        """See RestWorld."""
        return 401, {"msg": "Token has expired"}

    def answer(self, path: str, query: Mapping[str, str]) -> tuple[int, Json]:
        """See RestWorld."""
        asked = query.get("q", "")
        match path.removeprefix("/api/v1/").strip("/").split("/"):
            case ["dashboard"]:
                listed = [each for each in self.ids() if each not in self.gone]
                return 200, self._page([self._dashboard(each) for each in listed], asked)
            case ["dataset"]:
                known = [self._dataset(each) for each in range(1, self.datasets + 1)]
                return 200, self._page(known, asked)
            case ["dashboard", "related", "owners"]:
                return 200, self._page([_owner(each) for each in USERS], asked)
            case ["dashboard" | "dataset" as kind, identity, *more]:
                return self._one(kind, identity, *more)
            case _:
                return 404, {"message": "Not found"}

    def _one(self, kind: str, identity: str, more: str = "") -> tuple[int, Json]:
        number = int(identity)
        if kind == "dataset" and 0 < number - DATASET <= self.datasets:
            return 200, {"id": number, "result": self._dataset(number - DATASET)}
        known = 0 < number <= self.dashboards
        if kind == "dataset" or not known or identity in self.gone:
            return 404, {"message": "Not found"}
        if identity in self.denied:
            return 403, {"message": "Forbidden"}
        charts = [self._chart(number, at) for at in (2, 1)]
        return 200, {"result": charts if more else self._dashboard(identity)}

    def _page(self, items: list[Json], asked: str) -> Json:
        page, size = map(int, _PAGES.findall(asked)[0])
        size = min(size, self.most)
        found = items[page * size : (page + 1) * size]
        told: Json = {"count": len(items)}
        if columns := _COLUMNS.findall(asked):
            keys = columns[0].split(",")
            told["ids"] = [each["id"] for each in found]
            found = [{key: each[key] for key in keys} for each in found]
        return told | {"result": found}

    def _dashboard(self, identity: str) -> Json:
        number, draft = int(identity), identity in self.drafts
        slug = f"dashboard-{number}" if number % 3 else None
        named = ["finance", "two words"] if number % 2 else []
        return {
            "id": number,
            "uuid": UUID,
            "slug": slug,
            "url": f"/superset/dashboard/{slug or number}/",
            "dashboard_title": f"Dashboard {number}",
            "thumbnail_url": f"/api/v1/dashboard/{number}/thumbnail/0a1b/",
            "published": not draft,
            "css": None,
            "theme": None,
            "json_metadata": None,
            "position_json": None,
            "certified_by": None,
            "certification_details": None,
            "changed_by_name": "Ada Admin",
            "changed_by": USERS[0],
            "changed_on": DAY,
            "changed_on_delta_humanized": "2 days ago",
            "created_by": USERS[0],
            "created_on_delta_humanized": "3 days ago",
            "charts": [f"Chart {at}" for at in (2, 1)],
            "owners": list(USERS[: 1 + number % 2]),
            "roles": [],
            "tags": [
                {"id": at, "name": each, "type": 1} for at, each in enumerate([*named], 1)
            ] + [{"id": 9, "name": "owner:1", "type": 3}],
            "is_managed_externally": False,
        }  # fmt: skip

    def _chart(self, dashboard: int, at: int) -> Json:
        """Several dashboards show the same."""
        which = (dashboard + at) % 7 + 1
        kind, source = CHARTS[which % len(CHARTS)], which % self.datasets + 1 + DATASET
        written = "Counted." if which % 2 else None
        return {
            "id": which,
            "slice_name": f"Chart {which}",
            "description": written,
            "description_markeddown": f"<p>{written}</p>" if written else "",
            "cache_timeout": None,
            "changed_on": DAY,
            "certified_by": None,
            "certification_details": None,
            "form_data": {"slice_id": which, "viz_type": kind, "datasource": f"{source}__table"},
            "slice_url": f"/explore/?slice_id={which}&form_data=%7B%7D",
        }

    def _dataset(self, number: int) -> Json:
        """The last one is virtual."""
        virtual = number == self.datasets
        table = TABLES[number % len(TABLES)]
        return {
            "id": DATASET + number,
            "table_name": f"recent {table}" if virtual else table,
            "catalog": "shop",
            "schema": "inventory",
            "sql": SQL.format(table) if virtual else None,
            "kind": "virtual" if virtual else "physical",
            "description": None if virtual else f"All {table}.",
            "database": {"id": 1, "database_name": "Warehouse", "backend": "postgresql", "allow_multi_catalog": False, "uuid": UUID},
            "owners": list(USERS[:1]),
            "columns": [_column(at, *each) for at, each in enumerate(COLUMNS, number * 10)][::-1],
            "metrics": [_metric(number * 10 + at, *each) for at, each in enumerate((("count", "COUNT(*)"), ("revenue", "SUM(price)")))],
            "is_managed_externally": False,
        }  # fmt: skip


def _owner(user: Mapping[str, Any]) -> Json:
    email = f"{str(user['first_name']).lower()}@example.com"
    text = f"{user['first_name']} {user['last_name']}"
    return {"value": user["id"], "text": text, "extra": {"email": email, "active": True}}


def _column(identity: int, name: str, kind: str, generic: int) -> Json:
    return {
        "id": identity,
        "uuid": UUID,
        "column_name": name,
        "verbose_name": "Price" if name == "price" else None,
        "description": "In euros." if name == "price" else None,
        "expression": None,
        "type": kind,
        "type_generic": generic,
        "is_dttm": generic == 2,
        "is_active": True,
        "groupby": True,
        "filterable": True,
    }


def _metric(identity: int, name: str, expression: str) -> Json:
    return {
        "id": identity,
        "uuid": UUID,
        "metric_name": name,
        "verbose_name": None,
        "description": None,
        "expression": expression,
        "metric_type": None,
    }
