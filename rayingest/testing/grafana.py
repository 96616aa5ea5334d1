"""A Grafana over HTTP for tests: folders, data sources, dashboards with panels and their SQL.

A test holds its dashboards against the vendor's models, grafana-foundation-sdk, and the keys of its
other answers against what the vendor's OpenAPI description has.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rayingest.testing.rest import Json, RestWorld

KEY = "glsa-canary-8d03"
PANELS = ("timeseries", "barchart", "stat", "table")
TABLES = ("orders", "users", "products")
FOLDERS = (
    ("shared", "Shared", None),
    ("finance", "Finance", "shared"),
    ("board", "Board", "finance"),
)
SOURCES = (
    {
        "id": 1,
        "uid": "pg",
        "name": "Warehouse",
        "type": "grafana-postgresql-datasource",
        "isDefault": True,
    },
    {"id": 2, "uid": "prom", "name": "Prometheus", "type": "prometheus", "isDefault": False},
)


@dataclass
class World(RestWorld):
    """What there is. A viewer (`viewer`) may not see data sources."""

    dashboards: int = 20
    panels: int = 3
    viewer: bool = False

    def __post_init__(self) -> None:
        """The token of the service account is known from the start."""
        self.tokens[KEY] = 0

    def ids(self) -> list[str]:
        """Dashboards by uid."""
        return [f"d{number}" for number in range(1, self.dashboards + 1)]

    def answer(self, path: str, query: Mapping[str, str]) -> tuple[int, Json]:
        """See RestWorld."""
        match path.strip("/").split("/"):
            case ["api", "search"]:
                return 200, self._search(query)
            case ["api", "datasources"]:
                refused = (
                    403,
                    {"message": "You'll need additional permissions", "accessErrorId": "ACE1"},
                )
                return refused if self.viewer else (200, list(SOURCES))
            case ["api", "dashboards", "uid", uid] if uid in self.denied:
                return 403, self.error("You'll need additional permissions to perform this action.")
            case ["api", "dashboards", "uid", uid] if self._there(uid):
                return 200, self.dashboard(uid)
            case _:
                return 404, self.error("Dashboard not found")

    def _there(self, uid: str) -> bool:
        number = uid.removeprefix("d")
        return number.isdecimal() and 0 < int(number) <= self.dashboards and uid not in self.gone

    def _search(self, query: Mapping[str, str]) -> list[Json]:
        limit, page = int(query.get("limit", "1000")), int(query.get("page", "1"))
        part = slice((page - 1) * limit, page * limit)
        if query["type"] == "dash-folder":
            return [_hit(*each) for each in list(FOLDERS)[part]]
        there = [each for each in self.ids() if self._there(each)]
        return [self._found(each) for each in there[part]]

    def _found(self, uid: str) -> Json:
        number = int(uid[1:])
        folder, title, _ = FOLDERS[number % 3]
        told = {
            "id": number,
            "uid": uid,
            "title": f"Dashboard {number}",
            "uri": f"db/dashboard-{number}",
            "url": f"/d/{uid}/dashboard-{number}",
            "slug": "",
            "type": "dash-db",
            "tags": ["sales"] if number % 2 else [],
            "isStarred": False,
            "sortMeta": 0,
        }
        if number % 4:  # the others lie at the root
            told |= {"folderUid": folder, "folderTitle": title}
        return told

    def dashboard(self, uid: str) -> Json:
        """What one call tells of a dashboard."""
        found = self._found(uid)
        meta = {
            "type": "db",
            "canSave": False,
            "url": found["url"],
            "slug": found["uri"].partition("/")[2],
            "created": "2026-01-31T17:43:12Z",
            "createdBy": "ann@example.com" if found["id"] % 2 else "",
            "version": 3,
            "isFolder": False,
            "folderUid": found.get("folderUid", ""),
            "folderTitle": found.get("folderTitle", "General"),
            "provisioned": False,
        }
        inside = [self._panel(found["id"], at) for at in range(1, self.panels + 1)]
        row = {"id": 99, "type": "row", "title": "More", "collapsed": True, "panels": inside[1:]}
        return {
            "meta": meta,
            "dashboard": {
                "id": found["id"],
                "uid": uid,
                "title": found["title"],
                "description": f"What {found['id']} shows.",
                "tags": found["tags"],
                "schemaVersion": 39,
                "version": 3,
                "panels": [*inside[:1], row],
                "templating": {"list": []},
            },
        }

    def _panel(self, number: int, at: int) -> Json:
        kind, table = PANELS[(number + at) % len(PANELS)], TABLES[(number + at) % len(TABLES)]
        made: dict[str, Any] = {
            "id": at,
            "type": kind,
            "title": f"Panel {at}",
            "gridPos": {"h": 8, "w": 12, "x": 0, "y": 0},
        }
        if at == self.panels:  # asked of something that knows no SQL
            prom = {"type": "prometheus", "uid": "prom"}
            return made | {
                "datasource": prom,
                "targets": [{"refId": "A", "expr": "up", "datasource": prom}],
            }
        sql = f"SELECT $__time(created), count(*) FROM inventory.{table} WHERE $__timeFilter(created) AND status IN (${{status:sqlstring}}) GROUP BY 1"  # noqa: S608 - of a world of our own
        source = {"type": "grafana-postgresql-datasource", "uid": "pg"}
        target = {"refId": "A", "rawSql": sql, "format": "table", "datasource": source}
        return made | {"description": "Counted.", "datasource": source, "targets": [target]}


def _hit(uid: str, title: str, parent: str | None) -> Json:
    told = {
        "id": len(uid),
        "uid": uid,
        "title": title,
        "url": f"/dashboards/f/{uid}/x",
        "type": "dash-folder",
        "tags": [],
    }
    return told | ({"folderUid": parent} if parent else {})
