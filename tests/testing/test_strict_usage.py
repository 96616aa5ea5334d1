"""The strict catalogue counts uses as OpenMetadata's server does, and judges what it is told."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from rayingest.testing import StrictCatalogue

NAMED = "/usage/dashboard/name/bi.one"


@pytest.fixture
def catalogue() -> Iterator[StrictCatalogue]:
    with StrictCatalogue(validate="off") as running:
        plant(running)
        yield running


def plant(catalogue: StrictCatalogue) -> None:
    service = {"name": "bi", "serviceType": "Looker"}
    catalogue.seed("services/dashboardServices", service)
    catalogue.seed("dashboards", {"name": "one", "service": "bi"})


def client_of(catalogue: StrictCatalogue) -> httpx2.Client:
    return httpx2.Client(base_url=f"{catalogue.url}/v1")


@pytest.fixture
def client(catalogue: StrictCatalogue) -> Iterator[httpx2.Client]:
    with client_of(catalogue) as running:
        yield running


def told(client: httpx2.Client, method: str, count: Any, day: str = "2026-11-23") -> int:
    return client.request(method, NAMED, json={"date": day, "count": count}).status_code


def test_a_post_sets_the_count_of_a_day_and_a_put_adds_to_it(
    catalogue: StrictCatalogue, client: httpx2.Client
) -> None:
    for method, count, now in (("POST", 3, 3), ("POST", 5, 5), ("PUT", 2, 7), ("POST", 1, 1)):
        assert told(client, method, count) == 201
        assert catalogue.entities("usage") == {"bi.one": {"2026-11-23": now}}
    outcomes = [each.outcome for each in catalogue.log if each.collection == "usage"]
    assert outcomes == ["created", "updated", "updated", "updated"]


def test_days_are_told_with_the_week_and_the_month_before_them(client: httpx2.Client) -> None:
    for day, count in (
        ("2026-10-20", 100),
        ("2026-11-16", 10),
        ("2026-11-22", 3),
        ("2026-11-23", 1),
    ):
        told(client, "POST", count, day)
    found = client.get(NAMED, params={"date": "2026-11-23", "days": 2}).json()
    assert found["entity"]["fullyQualifiedName"] == "bi.one"
    assert [
        (each["date"], *(each[f"{span}Stats"]["count"] for span in ("daily", "weekly", "monthly")))
        for each in found["usage"]
    ] == [("2026-11-22", 3, 13, 13), ("2026-11-23", 1, 4, 14)]


def test_an_id_is_as_good_as_a_name(catalogue: StrictCatalogue, client: httpx2.Client) -> None:
    key = client.get("/dashboards/name/bi.one").json()["id"]
    body = {"date": "2026-11-23", "count": 3}
    assert client.post(f"/usage/dashboard/{key}", json=body).status_code == 201
    assert catalogue.entities("usage") == {"bi.one": {"2026-11-23": 3}}
    assert client.post(f"/usage/chart/{key}", json=body).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {"date": "2026-11-23", "count": -1},
        {"date": "2026-11-23", "count": "3"},
        {"date": "yesterday", "count": 3},
        {"count": 3},
        {"date": "2026-11-23", "count": 3, "user": "ann"},
    ],
)
def test_what_breaks_the_schema_is_refused(contracts: Path, body: Any) -> None:
    with StrictCatalogue(contracts=contracts) as catalogue, client_of(catalogue) as client:
        plant(catalogue)
        assert client.post(NAMED, json=body).status_code == 400
        assert catalogue.entities("usage") == {}
        assert [each.outcome for each in catalogue.log] == ["refused"]


def test_a_service_is_not_counted_and_nobody_is_unknown(client: httpx2.Client) -> None:
    body = {"date": "2026-11-23", "count": 3}
    assert client.post("/usage/dashboardService/name/bi", json=body).status_code == 400
    assert client.post("/usage/dashboard/name/bi.two", json=body).status_code == 404
    assert client.post("/usage/nothing/name/bi.one", json=body).status_code == 404


def test_what_is_deleted_softly_is_not_counted(client: httpx2.Client) -> None:
    key = client.get("/dashboards/name/bi.one").json()["id"]
    assert client.delete("/dashboards/name/bi.one").status_code == 200
    body = {"date": "2026-11-23", "count": 3}
    assert client.post(f"/usage/dashboard/{key}", json=body).status_code == 404
    assert client.post(NAMED, json=body).status_code == 404


def test_what_is_deleted_for_good_takes_its_uses_along(
    catalogue: StrictCatalogue, client: httpx2.Client
) -> None:
    told(client, "POST", 3)
    answer = client.delete("/dashboards/name/bi.one", params={"hardDelete": "true"})
    assert answer.status_code == 200
    assert catalogue.entities("usage") == {}
