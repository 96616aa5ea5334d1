"""Superset into a catalogue: what arrives, what it costs, what is left out; a real one is in test_server."""

from collections import Counter
from typing import Any

import pytest
from pydantic import ValidationError

import rayingest as ri
from rayingest.connectors.dashboard._superset.entities import _fields
from rayingest.connectors.dashboard._superset.query import (
    DIALECTS,
    datasets_read,
    plain_sql,
    table_name,
)
from rayingest.connectors.dashboard.superset import (
    CONNECTOR,
    SupersetApiConnection,
    SupersetConnection,
)
from rayingest.connectors.database.mysql import MysqlConnection
from rayingest.connectors.database.postgres import PostgresConnection
from rayingest.kit.queries import STAND_IN, tables_read
from rayingest.kit.tables import split
from rayingest.testing.conformance import settings_for
from rayingest.testing.superset import PASSWORD, USERNAME, World

from ..dashboards import Place

LINEAGE = {"dbServiceNames": ["pg"]}
API = {"provider": "db", "username": USERNAME, "password": PASSWORD}


def test_a_dashboard_costs_two_calls_and_a_dataset_one(place: Place[World]) -> None:
    place.run(place.config(includeOwners=True))
    log = Counter(place.world.log)
    for each in place.world.ids():
        assert log.pop(f"/api/v1/dashboard/{each}") == 1
        assert log.pop(f"/api/v1/dashboard/{each}/charts") == 1
    assert {log.pop(f"/api/v1/dataset/{each}") for each in (101, 102, 103)} == {1}
    users = "/api/v1/dashboard/related/owners"
    assert log == {"/api/v1/dashboard/": 1, "/api/v1/dataset/": 2, users: 1}


def test_what_is_not_wanted_is_not_asked_for(place: Place[World]) -> None:
    place.run(place.config(includeDataModels=False))
    assert not [each for each in place.world.log if "dataset" in each or "owners" in each]
    assert not [each for each in place.held("dashboards").values() if each.get("dataModels")]


def test_smaller_pages_than_are_asked_for_are_read_to_their_end(place: Place[World]) -> None:
    """An administrator may set FAB_API_MAX_PAGE_SIZE lower."""
    place.world.most = 3
    place.run()
    assert len(place.held("dashboards")) == 20


def test_more_than_a_page_are_read_to_their_end(place: Place[World]) -> None:
    """Two pages, and one look at whether the list has moved between them."""
    place.world.dashboards = 101
    place.run()
    assert len(place.held("dashboards")) == 101
    assert Counter(place.world.log)["/api/v1/dashboard/"] == 3


def test_drafts_are_left_out_when_they_are_not_wanted(place: Place[World]) -> None:
    place.world.drafts = {"3", "7"}
    place.run(place.config(includeDraftDashboard=False))
    assert {"bi.3", "bi.7"}.isdisjoint(place.held("dashboards"))
    assert len(place.held("dashboards")) == 18


def test_patterns_keep_what_they_name(place: Place[World]) -> None:
    place.run(
        place.config(
            dashboardFilterPattern={"includes": ["^Dashboard 1$"]},
            chartFilterPattern={"excludes": ["^Chart 3$"]},
            dataModelFilterPattern={"excludes": ["^users$"]},
        )
    )
    (dashboard,) = place.held("dashboards").values()
    assert dashboard["charts"] == ["bi.1_4"]
    assert dashboard["dataModels"] == ["bi.model.102"]
    assert place.held("dashboard/datamodels").keys() == {"bi.model.102", "bi.model.103"}


def test_lineage_goes_from_tables_to_datasets_to_dashboards(warehouse: Place[World]) -> None:
    warehouse.run(warehouse.config(lineageInformation=LINEAGE))
    edges, tables = warehouse.edges(), "pg.shop.inventory."
    assert {each for each in edges if each[1].startswith("bi.model")} == {
        (f"{tables}users", "bi.model.101"),
        (f"{tables}products", "bi.model.102"),
        (f"{tables}orders", "bi.model.103"),
        ("bi.model.101", "bi.model.103"),
    }
    assert {each for each in edges if each[1] == "bi.1"} == {
        ("bi.model.101", "bi.1"),
        ("bi.model.102", "bi.1"),
    }


def test_tables_flow_into_dashboards_where_datasets_are_not_wanted(warehouse: Place[World]) -> None:
    warehouse.run(warehouse.config(lineageInformation=LINEAGE, includeDataModels=False))
    assert {source for source, target in warehouse.edges() if target == "bi.1"} == {
        "pg.shop.inventory.users",
        "pg.shop.inventory.products",
    }


def test_owners_and_tags_are_read_when_they_are_wanted(place: Place[World]) -> None:
    place.run(place.config(includeTags=False))
    one = place.held("dashboards")["bi.1"]
    assert not one.get("owners")
    assert not one.get("tags")


# --- SQL ---


def test_sql_of_jinja_is_read() -> None:
    sql = """
        {# who asks #} SELECT * FROM a.b JOIN {{ dataset(12, include_metrics=True) }} d USING (id)
        {% if filter_values('x') %} WHERE x IN {{ filter_values('x')|where_in }} {% endif %}
        AND y = '{{ url_param("y") }}'
    """
    assert datasets_read(sql) == ("12",)
    assert tables_read(plain_sql(sql), "x", "postgres") == ("a.b", STAND_IN)


def test_each_dialect_is_one_that_can_be_parsed() -> None:
    for each in DIALECTS.values():
        assert tables_read("SELECT * FROM a.b", "x", each) == ("a.b",)


def test_quotes_in_names_stay_in_them() -> None:
    raw = {"catalog": None, "schema": "inventory", "table_name": "orders"}
    assert table_name(raw) == '"inventory"."orders"'
    assert table_name({**raw, "catalog": "shop"}) == '"shop"."inventory"."orders"'
    odd = {**raw, "table_name": 'odd "table".one'}
    assert split(table_name(odd)) == ["inventory", 'odd "table".one']


def test_columns_of_no_known_type_are_told_so() -> None:
    """A calculated column need not have one; a metric never has."""
    column = {"id": 1, "column_name": "gross", "type": None, "expression": "price * 1.2"}
    dated = {"id": 2, "column_name": "day", "type": "", "is_dttm": True}
    metric = {"id": 1, "metric_name": "gross", "expression": "SUM(price)"}
    found = list(_fields({"columns": [dated, column], "metrics": [metric]}))
    told = [(each.name, each.data_type, each.data_type_display) for each in found]
    assert told == [
        ("gross", "UNKNOWN", "price * 1.2"),
        ("day", "TIMESTAMP", "unknown"),
        ("gross (metric)", "NUMBER", "metric, SUM(price)"),
    ]


# --- the connection ---


@pytest.mark.parametrize(
    ("connection", "kind"),
    [
        (API, SupersetApiConnection),
        ({**API, "verifySSL": "validate", "sslConfig": {"caCertificate": "/ca.pem"}}, SupersetApiConnection),
        ({"type": "Postgres", "scheme": "postgresql+psycopg2", "username": "u", "authType": {"password": "p"}, "hostPort": "h:5432", "database": "superset"}, PostgresConnection),
        ({"username": "u", "hostPort": "h:5432", "database": "superset"}, PostgresConnection),
        ({"type": "Mysql", "scheme": "mysql+pymysql", "username": "u", "authType": {"password": "p"}, "hostPort": "h:3306", "databaseSchema": "superset"}, MysqlConnection),
    ],
)  # fmt: skip
def test_each_kind_of_connection_is_understood(connection: dict[str, Any], kind: type) -> None:
    made = SupersetConnection(hostPort="http://localhost:8088", connection=connection)
    assert isinstance(made.connection, kind)


def test_an_account_without_a_password_is_refused() -> None:
    with pytest.raises(ValidationError, match="password"):
        SupersetConnection(hostPort="x", connection={"provider": "db", "username": "u"})


def test_a_certificate_that_is_not_there_is_said(place: Place[World]) -> None:
    connection = {**API, "sslConfig": {"caCertificate": "/nowhere/ca.pem"}}
    with pytest.raises(ri.errors.ConfigError, match="sslConfig"):
        CONNECTOR.connect(
            settings_for(CONNECTOR, {"hostPort": place.url, "connection": connection})
        )


def test_addresses_are_taken_as_people_copy_them() -> None:
    for each in (
        "http://localhost:8088/",
        "http://localhost:8088/api/v1/",
        "http://localhost:8088/api",
    ):
        settings = settings_for(CONNECTOR, {"hostPort": each, "connection": API})
        api = CONNECTOR.connect(settings)
        assert api.url == "http://localhost:8088"
        api.close()
