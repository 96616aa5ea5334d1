"""A Databricks workspace over HTTP for tests: Unity Catalog by pages, and answers of a SQL warehouse.

Tables of a schema have all kinds in turn. Listings leave
constraints out, begin with a page without items if that is wanted, and tell what is `browse_only` by its
name. The vendor's client judges it: tests/connectors/unitycatalog/test_world.py.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from rayingest.testing.rest import Json, RestWorld

TOKEN = "dapi-canary-51e0"  # noqa: S105 - no secret: this server alone takes it
WAREHOUSE = "w1a2"
OWNER = "ann@example.com"
KINDS = (
    *("MANAGED", "EXTERNAL", "VIEW", "MATERIALIZED_VIEW", "STREAMING_TABLE", "FOREIGN"),
    *("MANAGED_SHALLOW_CLONE", "EXTERNAL_SHALLOW_CLONE", "METRIC_VIEW"),
)
VIEWS = {"VIEW", "MATERIALIZED_VIEW", "METRIC_VIEW", "STREAMING_TABLE"}
NESTED = (
    '{"name":"parts","type":{"type":"array","elementType":{"type":"struct","fields":['
    '{"name":"a:b","type":"integer","nullable":false,"metadata":{"comment":"The first"}},'
    '{"name":"more","type":{"type":"map","keyType":"string","valueType":"decimal(10,2)",'
    '"valueContainsNull":true},"nullable":true,"metadata":{}}]},"containsNull":true},'
    '"nullable":true,"metadata":{}}'
)
COLUMNS: tuple[Json, ...] = (
    {"name": "id", "type_text": "bigint", "type_name": "LONG", "nullable": False},
    {"name": "day", "type_text": "date", "type_name": "DATE", "partition_index": 1},
    {"name": "Land", "type_text": "varchar(2)", "type_name": "STRING", "partition_index": 0},
    {
        "name": "parts",
        "type_text": "array<struct<a:b:int,more:map<string,decimal(10,2)>>>",
        "type_name": "ARRAY",
        "type_json": NESTED,
        "comment": "All of them",
    },
)
Rows = list[list[str | None]]


@dataclass
class World(RestWorld):
    """What there is: `tree` has the tables of each schema of each catalog; `names` more of them.

    `denied` and `gone` are full names. `pending` is how often a statement is not ready yet; `failure`
    its error, for so many `failures`; `bodies` and `queries` are what was asked; the information
    schemas of `ungranted` catalogs are not told, spelled as in statements; `rows` are the answers to statements by a word in them, those that name the catalog and the schema
    that a statement has as literals; `chunk` rows at once, `most` in a result.
    """

    tree: dict[str, dict[str, list[str]]] = field(
        default_factory=lambda: {"shop": {"web": [f"t{at}" for at in range(9)], "empty": []}}
    )
    page: int = 50
    bare_pages: bool = False
    browse_only: set[str] = field(default_factory=set)
    broken: set[str] = field(default_factory=set)
    unreadable: set[str] = field(default_factory=set)
    metastore: bool = True
    rows: dict[str, Rows] = field(default_factory=dict)
    chunk: int = 1000
    most: int = 1000
    pending: int = 0
    ungranted: set[str] = field(default_factory=set)
    failure: Json = None
    failures: int = 1000
    warehouse_denied: bool = False
    said: list[str] = field(default_factory=list)
    bodies: list[Mapping[str, Json]] = field(default_factory=list)
    queries: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)
    cancelled: int = 0

    def __post_init__(self) -> None:
        """The user's token is known from the start."""
        self.tokens[TOKEN] = 0

    def error(self, message: str) -> Json:
        """See RestWorld."""
        return {"error_code": "ERROR", "message": message}

    def stranger(self) -> tuple[int, Json]:
        """Databricks answers a token that it does not know by 403."""
        return 403, {"error_code": "403", "message": "Invalid access token."}

    def log_in(self, path: str, told: Mapping[str, str], token: str) -> tuple[int, Json]:
        """OAuth for programs; the Basic header is not looked at."""
        right = path == "/oidc/v1/token" and told.get("scope") == "all-apis"
        if not right or told.get("grant_type") != "client_credentials":
            return 401, {"error": "invalid_client"}
        return 200, {"access_token": token, "token_type": "Bearer", "expires_in": 3600}

    # --- Unity Catalog ---

    def answer(self, path: str, query: dict[str, str]) -> tuple[int, Json]:
        """See RestWorld."""
        match path.strip("/").split("/")[1:]:
            case ["2.1", "unity-catalog", _, *_] if not self.metastore:
                said = "No metastore assigned for the current workspace."
                return 404, {"error_code": "METASTORE_DOES_NOT_EXIST", "message": said}
            case ["2.1", "unity-catalog", kind]:
                return self._listed(kind, query)
            case ["2.1", "unity-catalog", kind, full_name]:
                return self._one(kind, unquote(full_name))
            case ["2.0", "sql", "statements", number]:
                return 200, self._statement(int(number))
            case ["2.0", "sql", "statements", number, "result", "chunks", at]:
                return 200, self._chunk(int(number), int(at))
            case _:
                return 404, self.error("No API found.")

    def _listed(self, kind: str, query: Mapping[str, str]) -> tuple[int, Json]:
        self.queries.append((kind, query))
        within = [query[key] for key in ("catalog_name", "schema_name") if key in query]
        if refusal := self._refusal(".".join(within)):
            return refusal
        if ".".join(within) in self.unreadable:
            return 200, {"message": "The connection of this catalog is broken."}
        items = [*map(self._shown, self._items(kind, within))]
        start = int(query.get("page_token", "-1" if self.bare_pages else "0"))
        if start < 0:
            return 200, {"next_page_token": "0"}
        end = start + self.page
        told: Json = {kind: items[start:end]} if items[start:end] else {}
        return 200, told | ({"next_page_token": str(end)} if end < len(items) else {})

    def _one(self, kind: str, full_name: str) -> tuple[int, Json]:
        *within, name = full_name.split(".")
        for at in range(1, len(within) + 2):
            if refusal := self._refusal(".".join([*within, name][:at])):
                return refusal
        for each in self._items(kind, within):
            if each["name"] == name:
                more: Json = {"table_constraints": []} if kind == "tables" else {}
                return 200, self._shown(each) | more
        return 404, {"error_code": "NOT_FOUND", "message": f"'{full_name}' does not exist."}

    def _refusal(self, full_name: str) -> tuple[int, Json] | None:
        if full_name in self.denied:
            said = f"User does not have USE SCHEMA on Schema '{full_name}'."
            return 403, {"error_code": "PERMISSION_DENIED", "message": said}
        if full_name in self.gone:
            return 404, {"error_code": "NOT_FOUND", "message": f"'{full_name}' does not exist."}
        return None

    def _items(self, kind: str, within: list[str]) -> list[Json]:
        match kind, within:
            case "catalogs", []:
                made = [_catalog(name, "MANAGED_CATALOG") for name in self.tree]
                return [*made, _catalog("system", "SYSTEM_CATALOG")]
            case "schemas", [catalog]:
                return [
                    _schema(catalog, name) for name in (*self.tree[catalog], "information_schema")
                ]
            case "tables", [catalog, schema]:
                names = self.tree[catalog][schema]
                return [_table(catalog, schema, name, at) for at, name in enumerate(names)]
            case "functions", [catalog, schema]:
                return [_function(catalog, schema)] if self.tree[catalog][schema] else []
            case _:
                return []

    def _shown(self, item: Json) -> Json:
        """An item as who asks may see it."""
        full_name = item["full_name"]
        if full_name in self.broken:
            return {key: value for key, value in item.items() if key != "table_type"}
        if full_name in self.browse_only:
            hidden = {"columns", "view_definition", "storage_location"}
            return {key: each for key, each in item.items() if key not in hidden} | {
                "browse_only": True
            }
        return item

    # --- a SQL warehouse ---

    def asked(self, path: str, told: Mapping[str, Json]) -> str | None:
        """See RestWorld."""
        return path if path.startswith("/api/2.0/sql/statements") else None

    def answer_to(
        self, path: str, told: Mapping[str, Json], query: Mapping[str, str]
    ) -> tuple[int, Json]:
        """See RestWorld."""
        if path.endswith("/cancel"):
            self.cancelled += 1
            return 200, {}
        if self.warehouse_denied:
            said = f"You do not have permission to use the SQL warehouse {WAREHOUSE}."
            return 403, {"error_code": "PERMISSION_DENIED", "message": said}
        if told["warehouse_id"] != WAREHOUSE:
            return 404, {"error_code": "NOT_FOUND", "message": "No such warehouse."}
        self.said.append(told["statement"])
        self.bodies.append(told)
        return 200, self._statement(len(self.said) - 1)

    def _statement(self, number: int) -> Json:
        told: Json = {"statement_id": str(number)}
        if self.pending:
            self.pending -= 1
            return told | {"status": {"state": "PENDING"}}
        if self.failure and self.failures:
            self.failures -= 1
            return told | {"status": {"state": "FAILED", "error": self.failure}}
        hidden = [each for each in self.ungranted if f"from {each}." in self.said[number]]
        if hidden:
            said = f"[INSUFFICIENT_PERMISSIONS] User does not have USE CATALOG on {hidden[0]}."
            error = {"error_code": "BAD_REQUEST", "message": said}
            return told | {"status": {"state": "FAILED", "sql_state": "42501", "error": error}}
        found = self._rows(number)
        cut = len(self._all_rows(number)) > self.most
        manifest = {"format": "JSON_ARRAY", "total_row_count": len(found), "truncated": cut}
        done: Json = {"status": {"state": "SUCCEEDED"}, "manifest": manifest}
        return told | done | {"result": self._chunk(number, 0)}

    def _chunk(self, number: int, at: int) -> Json:
        found, start = self._rows(number), at * self.chunk
        some = found[start : start + self.chunk]
        told: Json = {"chunk_index": at, "row_count": len(some), "data_array": some}
        if start + self.chunk < len(found):
            following = f"/api/2.0/sql/statements/{number}/result/chunks/{at + 1}"
            told |= {"next_chunk_index": at + 1, "next_chunk_internal_link": following}
        return told

    def _rows(self, number: int) -> Rows:
        return self._all_rows(number)[: self.most]

    def _all_rows(self, number: int) -> Rows:
        said = self.said[number]
        found = next((rows for word, rows in self.rows.items() if word in said), [])
        within = re.search(r"catalog(?:_name)? = '([^']*)'(?: and [^ ]+ = '([^']*)')?", said)
        wanted = [each for each in (within.groups() if within else ()) if each is not None]
        return [row for row in found if row[: len(wanted)] == wanted]


def _catalog(name: str, kind: str) -> Json:
    return {
        "name": name,
        "full_name": name,
        "catalog_type": kind,
        "owner": OWNER,
        "comment": "Ours",
    }


def _schema(catalog: str, name: str) -> Json:
    full_name = f"{catalog}.{name}"
    return {"name": name, "catalog_name": catalog, "full_name": full_name, "owner": OWNER}


def _table(catalog: str, schema: str, name: str, at: int) -> Json:
    kind = KINDS[at % len(KINDS)]
    told = {
        "name": name,
        "catalog_name": catalog,
        "schema_name": schema,
        "full_name": f"{catalog}.{schema}.{name}",
        "table_type": kind,
        "data_source_format": "DELTA",
        "columns": [each | {"position": place} for place, each in enumerate(COLUMNS)],
        "comment": f"Comment of {name}",
        "owner": OWNER,
    }
    if kind in VIEWS:
        told["view_definition"] = "select id from web.t0 where key = 'token=canary-9a'"
    if kind.startswith("EXTERNAL"):
        told["storage_location"] = f"s3://lake/{name}"
    return told


def _function(catalog: str, schema: str) -> Json:
    return {
        "name": "twice",
        "catalog_name": catalog,
        "schema_name": schema,
        "full_name": f"{catalog}.{schema}.twice",
        "routine_body": "EXTERNAL",
        "external_language": "PYTHON",
        "routine_definition": "return x * 2",
        "owner": OWNER,
    }
