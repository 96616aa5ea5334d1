"""What there is in the real Superset: made over its own API, out of a real database."""

import json
from typing import Any

import httpx2

from rayingest.testing.servers.superset import Server

TABLES = (
    "create schema inventory",
    """create table inventory.orders (id int, user_id bigint, created timestamptz, price numeric(10, 2),
    note text, paid boolean, labels text[], more jsonb)""",
    "create table inventory.users (id bigint, email varchar(80))",
    'create table inventory."odd ""table"".one" ("a ""b"" ü" int, "select" date)',
)
RECENT = (
    "SELECT o.id, o.price, u.email FROM inventory.orders o"
    " JOIN {{ dataset(2) }} u ON u.id = o.user_id"
    " JOIN inventory.users v ON v.id = u.id"
    " WHERE o.note <> '{{ current_username() }}'"
    " {% if from_dttm %} AND o.created > '{{ from_dttm }}' {% endif %}"
)
DASHBOARD = 3  # the number of dashboards among what has tags


class Filling:
    """Calls as somebody who may; each answers with the id of what it made."""

    def __init__(self, client: httpx2.Client) -> None:
        self.client = client

    def post(self, kind: str, **body: Any) -> int:
        answer = self.client.post(f"/api/v1/{kind}/", json=body)
        assert answer.is_success, (kind, body, answer.text)
        return int(answer.json().get("id", 0))

    def put(self, kind: str, identity: int, **body: Any) -> None:
        answer = self.client.put(f"/api/v1/{kind}/{identity}", json=body)
        assert answer.is_success, (kind, body, answer.text)

    def dataset(self, database: int, name: str, **more: Any) -> int:
        return self.post("dataset", database=database, schema="inventory", table_name=name, **more)

    def chart(self, name: str, kind: str, dataset: int, **more: Any) -> int:
        source = {"datasource_id": dataset, "datasource_type": "table"}
        params = json.dumps({"viz_type": kind})
        return self.post("chart", slice_name=name, viz_type=kind, params=params, **source, **more)

    def dashboard(self, title: str, *charts: int, **more: Any) -> int:
        made = self.post("dashboard", dashboard_title=title, **more)
        for each in charts:
            told = self.client.get(f"/api/v1/chart/{each}").json()["result"]
            on = [dashboard["id"] for dashboard in told["dashboards"]]
            self.put("chart", each, dashboards=[*on, made])
        return made


def fill(server: Server) -> None:
    """Datasets 1 to 4 (the third virtual), charts 1 to 5, dashboards 1 to 4 (the second a draft)."""
    server.database.create("shop")
    with server.database.connect("shop") as connection:
        for each in TABLES:
            connection.execute(each)
    inside = f"{server.database.user}:{server.database.password}@{server.database.host_port}/shop"
    with server.client() as client:
        make = Filling(client)
        warehouse = make.post(
            "database", database_name="Warehouse", sqlalchemy_uri=f"postgresql+psycopg2://{inside}"
        )
        _datasets(make, warehouse)
        charts = [
            make.chart("Revenue by day", "echarts_timeseries_line", 1, description="In **euros**."),
            make.chart("Orders", "table", 1),
            make.chart("Users", "big_number_total", 2),
            make.chart("Recent", "pie", 3, certified_by="Finance"),
            make.chart("Odd 'one' \"ü\"", "my_plugin", 4),
        ]
        make.dashboard("Sales", *charts[:3], slug="sales", published=True, owners=[1, 2])
        make.dashboard("Draft", charts[1])
        make.dashboard('Ümlaut "quoted".dotted::all', *charts[3:], published=True)
        make.dashboard("Empty", published=True, certified_by="Board")
        for which, names in ((1, ["finance", "two words"]), (3, ["finance"])):
            make.post(f"tag/{DASHBOARD}/{which}", properties={"tags": names})


def _datasets(make: Filling, warehouse: int) -> None:
    make.dataset(warehouse, "orders")
    make.dataset(warehouse, "users")
    make.dataset(
        warehouse, "recent orders", sql=RECENT.replace("{{ dataset(2) }}", "inventory.users")
    )
    make.dataset(warehouse, 'odd "table".one')
    told = make.client.get("/api/v1/dataset/1").json()["result"]
    kept = ("id", "column_name", "type", "is_dttm")
    columns = [{key: each[key] for key in kept} for each in told["columns"]]
    columns[3] |= {"verbose_name": "Price", "description": "In euros."}
    columns.append({"column_name": "gross", "expression": "price * 1.2", "type": "NUMERIC"})
    metrics = [
        {"metric_name": "revenue", "expression": "SUM(price)", "description": "Money", "verbose_name": "Revenue"},
        {"metric_name": "price", "expression": "MAX(price)"},
    ]  # fmt: skip
    make.put(
        "dataset", 3, sql=RECENT
    )  # it is not asked for its columns again: there is nobody to ask as
    make.put("dataset", 1, description="All orders.", columns=columns, metrics=metrics)
