"""Start a throw-away minilake: Databricks' REST API with Unity Catalog and SQL, on DuckDB.

It asks nobody for a token, knows one page of each listing, tables without constraints in their items
and no views; its information schema is DuckDB's. What that lacks is added as tables: see minilake_app.py.
"""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from rayingest.testing.environments import Environment

VERSION = "1.9.0"
ENVIRONMENT = Environment("minilake", (f"minilake=={VERSION}", "duckdb==1.5.6"))
APP = Path(__file__).with_name("minilake_app.py")
TOKEN = "dapi-canary-7f3a91"  # noqa: S105 - no secret: any is taken
CATALOG = "/api/2.1/unity-catalog"
Json = dict[str, Any]


@dataclass(frozen=True)
class Server:
    """A running minilake and a SQL warehouse in it."""

    url: str
    warehouse: str
    client: httpx2.Client = field(repr=False)

    def config(self, kind: str = "UnityCatalog", **changes: Any) -> Json:
        """`serviceConnection.config` for it."""
        path = f"/sql/1.0/warehouses/{self.warehouse}"
        given = {"type": kind, "hostPort": self.url, "httpPath": path}
        return {**given, "authType": {"token": TOKEN}, **changes}

    def make(self, what: str, **body: Any) -> Json:
        """Create a catalog, schema, table or function over REST."""
        return self._posted(f"{CATALOG}/{what}", body)

    def run(self, statement: str, catalog: str = "", schema: str = "") -> list[list[Any]]:
        """Execute a statement; answers its rows."""
        body = {"warehouse_id": self.warehouse, "statement": statement}
        within = {"catalog": catalog, "schema": schema} if catalog else {}
        told = self._posted("/api/2.0/sql/statements", body | within)
        return list(told["result"]["data_array"])

    def _posted(self, path: str, body: Json) -> Json:
        answer = self.client.post(path, json=body)
        if answer.is_error:
            raise RuntimeError(f"{path} {body}: {answer.text}")
        return dict(answer.json())


@contextmanager
def server() -> Generator[Server]:
    """Run one until the block ends."""
    with (
        ENVIRONMENT.running(_command, _ready, environment={"MINILAKE_NOTEBOOK": "0"}) as port,
        httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client,
    ):
        made = client.post("/api/2.0/sql/warehouses", json={"name": "tests"}).json()
        yield Server(str(client.base_url).rstrip("/"), made["id"], client)


def _command(folder: Path, port: int) -> list[str]:
    return ["-P", str(APP), str(folder / "data"), str(port)]


def _ready(port: int) -> bool:
    try:
        answer = httpx2.get(f"http://127.0.0.1:{port}{CATALOG}/catalogs", timeout=5, verify=False)
    except httpx2.HTTPError as error:
        raise OSError(str(error)) from error
    return answer.is_success
