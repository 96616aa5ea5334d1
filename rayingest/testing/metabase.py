"""A Metabase over HTTP for tests: collections, people, models, dashboards with questions of all kinds.

Paths and parameters are those of https://www.metabase.com/docs/latest/api; bodies are as people who
use the API show them, cut to what matters here: nothing of the vendor's judges them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message
from typing import Any

from rayingest.testing.rest import Json, RestWorld

USERNAME, PASSWORD, KEY = "ann@example.com", "metabase-canary-71fe", "mb_canary-3c90"
TABLES = ("orders", "users", "products")
DISPLAYS = ("line", "bar", "table", "smartscalar", "pie", "funnel")
MODEL, QUESTION = 500, 900  # ids begin here
COLLECTIONS = (
    {"id": "root", "name": "Our analytics", "is_personal": False},
    {"id": 1, "name": "Shared", "location": "/", "personal_owner_id": None},
    {"id": 5, "name": "Finance", "location": "/1/", "personal_owner_id": None},
    {"id": 6, "name": "Board", "location": "/1/5/", "personal_owner_id": None},
    {"id": 8, "name": "Bob's Personal Collection", "location": "/", "personal_owner_id": 2},
    {"id": 9, "name": "Tries", "location": "/8/", "personal_owner_id": None},
)
USERS = (
    {"id": 1, "email": USERNAME, "common_name": "Ann", "is_superuser": True},
    {"id": 2, "email": "bob@example.com", "common_name": "Bob", "is_superuser": False},
)
COLUMNS = (
    ("id", "ID", "type/BigInteger", None),
    ("status", "Status", "type/Text", "How far."),
    ("created_at", "Created At", "type/DateTimeWithLocalTZ", None),
    ("sum", "Sum of Price", "type/Decimal", None),
)


@dataclass
class World(RestWorld):
    """What there is. `admin`: whether the account is one; `stages`: questions are written as since 0.57.

    `archived` are dashboards' ids that are listed all the same.
    """

    dashboards: int = 20
    models: int = 3
    admin: bool = True
    stages: bool = False
    archived: set[str] = field(default_factory=set)

    def ids(self) -> list[str]:
        """See RestWorld."""
        return [str(number) for number in range(1, self.dashboards + 1)]

    def log_in(self, path: str, told: Mapping[str, Any], token: str) -> tuple[int, Json]:
        """See RestWorld."""
        if path != "/api/session" or told != {"username": USERNAME, "password": PASSWORD}:
            return 401, {"errors": {"password": "did not match stored password"}}
        return 200, {"id": token}

    def token_of(self, headers: "Message[str, str]") -> str:
        """See RestWorld."""
        return headers.get("X-Metabase-Session", "") or headers.get("X-API-KEY", "")

    def answer(self, path: str, query: Mapping[str, str]) -> tuple[int, Json]:
        """See RestWorld."""
        match path.strip("/").split("/"):
            case ["api", "dashboard", identity] if identity in self.denied:
                return 403, self.error("You don't have permissions to do that.")
            case ["api", "dashboard", identity] if identity in self.ids() and (
                identity not in self.gone
            ):
                return 200, self.dashboard(int(identity))
            case ["api", "card", identity] if 0 < int(identity) - MODEL <= self.models:
                return 200, self.model(int(identity))
            case ["api", "user"] if not self.admin:
                return 403, self.error("You don't have permissions to do that.")
            case ["api", name]:
                found = self._list(name, query)
                return (404, self.error("Not found.")) if found is None else (200, found)
            case _:
                return 404, self.error("Not found.")

    def _list(self, name: str, query: Mapping[str, str]) -> Json:
        match name:
            case "dashboard":
                there = (each for each in self.ids() if each not in self.gone)
                return [self._head(int(each)) for each in there]
            case "collection":
                return list(COLLECTIONS)
            case "table":
                return [self._table(at, name) for at, name in enumerate(TABLES, 1)]
            case "search" if query["models"] == "dataset":
                found = [self._hit(MODEL + at) for at in range(1, self.models + 1)]
                return {"data": found, "total": len(found), "limit": None, "offset": None}
            case "user":
                return {"data": list(USERS), "total": len(USERS), "limit": None, "offset": None}
            case _:
                return None

    def _table(self, identity: int, name: str) -> Json:
        database = {"id": 1, "name": "Warehouse", "engine": "postgres"}
        if self.admin:
            database |= {"details": {"host": "pg", "dbname": "shop", "password": PASSWORD}}
        told = {"id": identity, "name": name, "schema": "inventory", "active": True}
        return told | {"db_id": 1, "db": database}

    # --- models ---

    def _hit(self, identity: int) -> Json:
        folder = (None, 1, 9)[identity % 3]
        name = next((each["name"] for each in COLLECTIONS if each["id"] == folder), None)
        return {
            "id": identity,
            "name": f"Model {identity}",
            "model": "dataset",
            "archived": False,
            "collection": {"id": folder, "name": name},
        }

    def model(self, identity: int) -> Json:
        """One model: the first asks a table, the second by SQL, the third the first."""
        at = identity - MODEL - 1
        asked = (
            self.query({"source-table": 1, "joins": [{"alias": "u", "source-table": 2}]}),
            self.native(f"SELECT * FROM inventory.{TABLES[2]} WHERE status = {{{{status}}}}"),  # noqa: S608
            self.query({"source-table": f"card__{MODEL + 1}"}),
        )
        columns = [
            {"name": name, "display_name": shown, "base_type": kind, "description": text}
            for name, shown, kind, text in COLUMNS
        ]
        return {
            "id": identity,
            "name": f"Model {identity}",
            "description": "What others ask.",
            "type": "model",
            "display": "table",
            "archived": False,
            "collection_id": self._hit(identity)["collection"]["id"],
            "creator_id": 1,
            "database_id": 1,
            "dataset_query": asked[at % 3],
            "result_metadata": columns,
        }

    # --- dashboards ---

    def _head(self, number: int) -> Json:
        return {
            "id": number,
            "name": f"Dashboard {number}",
            "description": f"What {number} shows." if number % 2 else None,
            "collection_id": (None, 1, 5, 6, 9)[number % 5],
            "creator_id": 1 + number % 2,
            "archived": str(number) in self.archived,
        }

    def dashboard(self, number: int) -> Json:
        """What one call tells of a dashboard: three questions, a text, one that may not be seen."""
        asked = (
            self.query({"source-table": 1 + number % 3, "aggregation": [["count"]]}),
            self.native(
                "SELECT date_trunc('day', created_at), count(*) FROM inventory.orders o "
                "JOIN {{#501-model}} m ON m.id = o.id "
                "WHERE status = {{status}} [[AND created_at > {{since}}]] GROUP BY 1"
            ),
            self.query({"source-query": {"source-table": f"card__{MODEL + 1 + number % 3}"}}),
        )
        cards = [self._question(number, at, each) for at, each in enumerate(asked)]
        heading = {"virtual_card": {"display": "heading"}, "text": "Sales"}
        places = [
            *(_place(number, at, each["id"], each) for at, each in enumerate(cards)),
            _place(number, 7, None, None) | {"visualization_settings": heading},
            _place(number, 8, 77, {"id": 77}),
        ]
        return self._head(number) | {"dashcards": places, "parameters": [], "tabs": []}

    def _question(self, number: int, at: int, query: Json) -> Json:
        return {
            "id": QUESTION + at,  # the same questions are on all dashboards
            "name": f"Question {at}",
            "description": "Counted." if at else None,
            "type": "question",
            "display": DISPLAYS[(number + at) % len(DISPLAYS)],
            "database_id": 1,
            "dataset_query": query,
        }

    # --- questions, in both ways of writing ---

    def query(self, asked: Json) -> Json:
        """A question that somebody clicked together."""
        if not self.stages:
            return {"database": 1, "type": "query", "query": asked}
        return {"lib/type": "mbql/query", "database": 1, "stages": _stages(asked)}

    def native(self, sql: str) -> Json:
        """A question in SQL."""
        if not self.stages:
            return {"database": 1, "type": "native", "native": {"query": sql, "template-tags": {}}}
        stage = {"lib/type": "mbql.stage/native", "native": sql, "template-tags": {}}
        return {"lib/type": "mbql/query", "database": 1, "stages": [stage]}


def _place(dashboard: int, at: int, card_id: int | None, card: Json) -> Json:
    return {
        "id": dashboard * 100 + at,
        "dashboard_id": dashboard,
        "card_id": card_id,
        "card": card,
        "series": [],
        "visualization_settings": {"card.title": "All orders"} if at == 1 else {},
    }


def _stages(asked: Mapping[str, Any]) -> list[Json]:
    inner = asked.get("source-query")
    made = {key: each for key, each in asked.items() if key not in {"source-query", "joins"}}
    source = made.get("source-table")
    if isinstance(source, str):
        del made["source-table"]
        made["source-card"] = int(source.removeprefix("card__"))
    joins = [
        {"lib/type": "mbql/join", "alias": each["alias"], "stages": _stages(each)}
        for each in asked.get("joins", ())
    ]
    more = {"joins": joins} if joins else {}
    stage = {"lib/type": "mbql.stage/mbql", **made, **more}
    return [*(_stages(inner) if inner else ()), stage]
