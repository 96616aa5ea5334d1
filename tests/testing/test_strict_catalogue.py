"""The strict catalogue refuses what a real server refuses, and breaks when it is told to."""

import base64
import json
import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from rayingest.testing import Faults, StrictCatalogue
from rayingest.testing.strict import fqn, wire
from rayingest.testing.strict.schemas import DEFAULT

CONTRACTS = DEFAULT / "openmetadata"
WIRE = CONTRACTS / "wire.jsonl"
TLS = ssl.create_default_context()  # made once: it costs more than most tests here
PATCH = {"Content-Type": "application/json-patch+json"}

needs_contracts = pytest.mark.skipif(
    not WIRE.exists(), reason=f"no contracts in {DEFAULT}: set RAYINGEST_CONTRACTS"
)


def client_of(catalogue: StrictCatalogue) -> httpx2.Client:
    return httpx2.Client(base_url=f"{catalogue.url}/v1", timeout=20, verify=TLS)


def column(name: str, kind: str = "INT", **more: Any) -> dict[str, Any]:
    return {"name": name, "dataType": kind, **more}


def table(name: str, *columns: dict[str, Any], **more: Any) -> dict[str, Any]:
    found = list(columns) or [column("id")]
    return {"name": name, "databaseSchema": "pg.shop.hr", "columns": found, **more}


def foreign_key(name: str, *referred: str) -> dict[str, Any]:
    return {
        "constraintType": "FOREIGN_KEY",
        "columns": [name],
        "referredColumns": list(referred),
        "relationshipType": "MANY_TO_ONE",
    }


def plant_schema(catalogue: StrictCatalogue) -> None:
    catalogue.seed("services/databaseServices", {"name": "pg", "serviceType": "Postgres"})
    catalogue.seed("databases", {"name": "shop", "service": "pg"})
    catalogue.seed("databaseSchemas", {"name": "hr", "database": "pg.shop"})


@pytest.fixture
def catalogue() -> Iterator[StrictCatalogue]:
    with StrictCatalogue(validate="off", version="2.0.7") as running:
        plant_schema(running)
        yield running


@pytest.fixture
def strict() -> Iterator[StrictCatalogue]:
    with StrictCatalogue(version="2.0.7") as running:
        plant_schema(running)
        yield running


@pytest.fixture
def client(catalogue: StrictCatalogue) -> Iterator[httpx2.Client]:
    with client_of(catalogue) as running:
        yield running


def put(client: httpx2.Client, *rows: dict[str, Any], to: str = "tables", query: str = "") -> Any:
    answer = client.put(f"/{to}/bulk?async=false{query}", json=list(rows))
    assert answer.status_code == 200, answer.text
    return answer.json()


def failures(result: Any) -> list[tuple[str, int]]:
    return [(row["request"], row["status"]) for row in result["failedRequest"]]


# What is accepted


def test_a_bulk_answers_for_each_row_by_its_fqn(client: httpx2.Client) -> None:
    result = put(client, table("a"), table("b.c"))

    assert result["status"] == "success"
    assert [row["request"] for row in result["successRequest"]] == [
        "pg.shop.hr.a",
        'pg.shop.hr."b.c"',
    ]


def test_a_single_put_creates_and_then_updates(client: httpx2.Client) -> None:
    first = client.put("/tables", json=table("a"))
    second = client.put("/tables", json=table("a", description="new"))

    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["id"] == second.json()["id"]
    assert second.json()["version"] > first.json()["version"]


def test_a_post_of_what_is_there_is_a_conflict(client: httpx2.Client) -> None:
    assert client.post("/tables", json=table("a")).status_code == 201
    assert client.post("/tables", json=table("a")).status_code == 409


def test_an_entity_tells_its_ancestors_and_its_columns_fqns(client: httpx2.Client) -> None:
    put(client, table("a", column("x", "STRUCT", children=[column("y.z")])))

    found = client.get("/tables/name/pg.shop.hr.a").json()

    assert found["databaseSchema"]["fullyQualifiedName"] == "pg.shop.hr"
    assert found["database"]["type"] == "database"
    assert found["service"]["name"] == "pg"
    assert found["columns"][0]["children"][0]["fullyQualifiedName"] == 'pg.shop.hr.a.x."y.z"'


def test_a_data_model_is_under_the_word_model(
    catalogue: StrictCatalogue, client: httpx2.Client
) -> None:
    catalogue.seed("services/dashboardServices", {"name": "bi"})
    model = {
        "name": "m",
        "service": "bi",
        "dataModelType": "MetabaseDataModel",
        "columns": [column("x")],
    }

    put(client, model, to="dashboard/datamodels")

    assert list(catalogue.entities("dashboard/datamodels")) == ["bi.model.m"]


def test_a_name_in_a_path_is_percent_encoded(client: httpx2.Client) -> None:
    put(client, table("a/b c.d"))
    path = quote('pg.shop.hr."a/b c.d"', safe="")

    assert client.get(f"/tables/name/{path}").json()["name"] == "a/b c.d"


def test_a_query_without_a_name_is_named_by_its_text(
    catalogue: StrictCatalogue, client: httpx2.Client
) -> None:
    query = {"query": "select 1", "service": "pg"}

    put(client, query, to="queries")
    put(client, query, to="queries")

    assert len(catalogue.entities("queries")) == 1


# What is refused


def test_a_row_with_an_unknown_parent_fails_alone(
    catalogue: StrictCatalogue, client: httpx2.Client
) -> None:
    result = put(client, table("a"), table("b", databaseSchema="pg.shop.no"), table("c"))

    assert result["status"] == "partialSuccess"
    assert failures(result) == [("pg.shop.no.b", 404)]
    assert list(catalogue.entities("tables")) == ["pg.shop.hr.a", "pg.shop.hr.c"]


def test_a_deleted_parent_is_unknown(client: httpx2.Client) -> None:
    client.delete("/databaseSchemas/name/pg.shop.hr")

    assert failures(put(client, table("a"))) == [("pg.shop.hr.a", 404)]


@pytest.mark.parametrize(
    "row",
    [
        table("x" * 257),
        table("a::b"),
        table('a"b'),
        table("a", column("x"), column("x")),
        table("a", column("x", "STRUCT", children=[column("y"), column("y")])),
        table("a", column("x", "ARRAY")),
        table("a", column("x", "VARCHAR")),
        table("a", column("x", "BINARY", dataLength=None)),
        table("a", tableConstraints=[{"constraintType": "UNIQUE", "columns": ["no"]}]),
        table("a", tablePartition={"columns": [{"columnName": "no"}]}),
        {"name": "a", "columns": []},
        {"columns": []},
        table("a", columns=7),
        ["a"],
    ],
    ids=str,
)
def test_a_row_that_breaks_a_rule_fails_alone(client: httpx2.Client, row: Any) -> None:
    result = put(client, table("good"), row)

    assert [row["status"] for row in result["failedRequest"]] == [400]
    assert result["numberOfRowsPassed"] == 1


def test_an_fqn_has_a_longest_length(client: httpx2.Client) -> None:
    classification = "c" * 256
    put(client, {"name": classification, "description": ""}, to="classifications")
    above = classification
    for _ in range(11):
        tag = {"name": "t" * 256, "classification": classification, "description": ""}
        tag |= {"parent": above} if above != classification else {}
        result = put(client, tag, to="tags")
        above += "." + "t" * 256

    assert [row["status"] for row in result["failedRequest"]] == [400]


def test_a_foreign_key_to_an_unknown_table_or_column_fails(client: httpx2.Client) -> None:
    put(client, table("target"))

    def row(referred: str) -> dict[str, Any]:
        return table("a", tableConstraints=[foreign_key("id", referred)])

    assert failures(put(client, row("pg.shop.hr.no.id"))) == [("pg.shop.hr.a", 404)]
    assert failures(put(client, row("pg.shop.hr.target.no"))) == [("pg.shop.hr.a", 404)]
    assert failures(put(client, row("pg.shop.hr.target.id"))) == []


def test_a_foreign_key_may_point_to_an_earlier_row_and_not_to_a_later_one(
    client: httpx2.Client,
) -> None:
    late = table("a", tableConstraints=[foreign_key("id", "pg.shop.hr.b.id")])
    early = table("c", tableConstraints=[foreign_key("id", "pg.shop.hr.b.id")])

    assert failures(put(client, late, table("b"), early)) == [("pg.shop.hr.a", 404)]


def test_a_table_may_refer_to_itself(client: httpx2.Client) -> None:
    row = table("a", tableConstraints=[foreign_key("id", "pg.shop.hr.a.id")])

    assert failures(put(client, row)) == []


def test_a_tag_an_owner_and_a_domain_have_to_be_there(
    catalogue: StrictCatalogue, client: httpx2.Client
) -> None:
    tag = {"tagFQN": "PII.Sensitive", "source": "Classification"}
    owner = {"id": "00000000-0000-4000-a000-000000000000", "type": "user"}
    rows = [
        table("tagged", tags=[tag]),
        table("column", column("x", tags=[tag])),
        table("owned", owners=[owner]),
        table("ruled", domains=["Sales"]),
    ]
    assert [status for _, status in failures(put(client, *rows))] == [404] * 4

    catalogue.add_tag("PII.Sensitive.Name")
    owner["id"] = catalogue.add_user("ann")
    catalogue.seed("domains", {"name": "Sales"})

    assert failures(put(client, *rows)) == []


def test_a_dashboard_names_charts_that_are_there(
    catalogue: StrictCatalogue, client: httpx2.Client
) -> None:
    catalogue.seed("services/dashboardServices", {"name": "bi"})
    dashboard = {"name": "d", "service": "bi", "charts": ["bi.c"]}

    assert failures(put(client, dashboard, to="dashboards")) == [("bi.d", 404)]
    put(client, {"name": "c", "service": "bi"}, to="charts")
    assert failures(put(client, dashboard, to="dashboards")) == []


@pytest.mark.parametrize(("asked", "told"), [("name", "b"), ("body", {"name": "b"})])
def test_a_failed_row_can_be_told_in_other_words(asked: Any, told: Any) -> None:
    with (
        StrictCatalogue(validate="off", failed_request=asked) as catalogue,
        client_of(catalogue) as client,
    ):
        result = put(client, {"name": "b"})

    assert result["failedRequest"][0]["request"] == told


def test_a_body_or_a_bulk_can_be_too_large() -> None:
    with (
        StrictCatalogue(validate="off", max_bytes=1000, max_rows=2) as catalogue,
        client_of(catalogue) as client,
    ):
        large = client.put("/databases", json={"name": "x" * 1000})
        long = client.put("/databases/bulk", json=[{}, {}, {}])
        after = client.get("/databases")

    assert (large.status_code, long.status_code, after.status_code) == (413, 413, 200)


def test_a_body_of_another_kind_is_unsupported(client: httpx2.Client) -> None:
    assert client.put("/tables", content=b"{}").status_code == 415
    assert client.patch("/tables/x", json=[]).status_code == 415
    assert client.put("/tables/x", json={}).status_code == 405
    assert client.get("/tabels").status_code == 404


@pytest.mark.parametrize("body", [b"{", b"{}", b"[1, 2", b""], ids=repr)
def test_a_bulk_that_is_no_array_is_refused_as_a_whole(client: httpx2.Client, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}

    assert client.put("/tables/bulk", content=body, headers=headers).status_code == 400


# Writing again


def test_the_same_source_hash_is_not_written_again(
    catalogue: StrictCatalogue, client: httpx2.Client
) -> None:
    put(client, table("a", sourceHash="1", description="first"))
    put(client, table("a", sourceHash="1", description="second"))
    assert catalogue.entities("tables")["pg.shop.hr.a"]["description"] == "first"

    put(client, table("a", sourceHash="1", description="third"), query="&overrideMetadata=true")
    assert catalogue.entities("tables")["pg.shop.hr.a"]["description"] == "third"

    outcomes = [write.outcome for write in catalogue.log]
    assert outcomes == ["created", "unchanged", "updated"]


def test_a_put_without_constraints_clears_them(
    catalogue: StrictCatalogue, client: httpx2.Client
) -> None:
    put(client, table("a", tableConstraints=[{"constraintType": "UNIQUE", "columns": ["id"]}]))
    put(client, table("a"))

    assert "tableConstraints" not in catalogue.entities("tables")["pg.shop.hr.a"]


def test_a_softly_deleted_entity_put_again_is_back(
    catalogue: StrictCatalogue, client: httpx2.Client
) -> None:
    put(client, table("a", sourceHash="1"))
    client.delete("/tables/name/pg.shop.hr.a")
    assert list(catalogue.entities("tables", deleted=True)) == ["pg.shop.hr.a"]

    put(client, table("a", sourceHash="1"))

    assert list(catalogue.entities("tables")) == ["pg.shop.hr.a"]


# Deleting and restoring


def test_what_is_not_empty_is_deleted_recursively_or_not_at_all(
    catalogue: StrictCatalogue, client: httpx2.Client
) -> None:
    put(client, table("a"))
    path = "/databaseSchemas/name/pg.shop.hr"

    assert client.delete(path).status_code == 400
    assert client.delete(f"{path}?recursive=true").status_code == 200
    assert not catalogue.entities("tables")
    assert client.get("/tables/name/pg.shop.hr.a").status_code == 404
    assert client.get("/tables/name/pg.shop.hr.a?include=all").status_code == 200


def test_a_restored_entity_brings_its_children(
    catalogue: StrictCatalogue, client: httpx2.Client
) -> None:
    put(client, table("a"))
    schema = client.delete("/databaseSchemas/name/pg.shop.hr?recursive=true").json()

    assert client.put("/databaseSchemas/restore", json={"id": schema["id"]}).status_code == 200
    assert list(catalogue.entities("tables")) == ["pg.shop.hr.a"]


def test_a_hard_delete_leaves_nothing(catalogue: StrictCatalogue, client: httpx2.Client) -> None:
    put(client, table("a"))
    key = client.get("/tables/name/pg.shop.hr.a").json()["id"]

    assert client.delete(f"/tables/{key}?hardDelete=true").status_code == 200
    assert client.get(f"/tables/{key}?include=all").status_code == 404
    assert not catalogue.entities("tables", deleted=True)


def stale(client: httpx2.Client, **more: Any) -> httpx2.Response:
    body = {
        "scopeFqn": "pg.shop.hr",
        "scopeEntityType": "databaseSchema",
        "seenFqns": ["pg.shop.hr.a"],
        **more,
    }
    return client.request("DELETE", "/tables/deleteStale", json=body)


def test_stale_tables_of_a_scope_are_deleted(
    catalogue: StrictCatalogue, client: httpx2.Client
) -> None:
    put(client, table("a"), table("b"))

    tried = stale(client, dryRun=True).json()
    assert [row["request"] for row in tried["successRequest"]] == ["pg.shop.hr.b"]
    assert len(catalogue.entities("tables")) == 2

    done = stale(client).json()
    assert (done["dryRun"], done["numberOfRowsPassed"]) == (False, 1)
    assert list(catalogue.entities("tables", deleted=True)) == ["pg.shop.hr.b"]


def test_stale_databases_take_their_children_along(
    catalogue: StrictCatalogue, client: httpx2.Client
) -> None:
    put(client, table("a"))
    body = {"scopeFqn": "pg", "scopeEntityType": "service", "seenFqns": []}

    client.request("DELETE", "/databases/deleteStale", json=body)

    assert not catalogue.entities("databaseSchemas")
    assert not catalogue.entities("tables")


def test_a_strange_request_for_stale_entities_is_refused(client: httpx2.Client) -> None:
    assert stale(client, seenNames=[]).status_code == 400
    assert stale(client, scopeFqn="pg.shop.no").status_code == 404


def test_before_2_nobody_deletes_what_is_stale() -> None:
    with StrictCatalogue(validate="off") as catalogue, client_of(catalogue) as client:
        plant_schema(catalogue)

        assert stale(client).status_code == 404


# Reading


def test_a_list_is_read_page_by_page(client: httpx2.Client) -> None:
    put(client, *(table(f"t{number}") for number in range(5)))
    seen, after = [], ""
    while after is not None:
        page = client.get("/tables", params={"limit": 2, "after": after}).json()
        seen += [one["name"] for one in page["data"]]
        after = page["paging"].get("after")

    assert seen == [f"t{number}" for number in range(5)]
    assert page["paging"]["total"] == 5


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("databaseSchema=pg.shop.hr", ["a", "b"]),
        ("database=pg.shop", ["a", "b", "other"]),
        ("service=pg", ["a", "b", "other"]),
        ("service=p", []),
        ("include=deleted", ["gone"]),
        ("include=all&databaseSchema=pg.shop.hr", ["a", "b", "gone"]),
    ],
)
def test_a_list_is_narrowed(
    catalogue: StrictCatalogue, client: httpx2.Client, query: str, names: list[str]
) -> None:
    catalogue.seed("databaseSchemas", {"name": "sales", "database": "pg.shop"})
    put(
        client,
        table("a"),
        table("b"),
        table("gone"),
        table("other", databaseSchema="pg.shop.sales"),
    )
    client.delete("/tables/name/pg.shop.hr.gone")

    assert [one["name"] for one in client.get(f"/tables?{query}").json()["data"]] == names


def test_a_page_has_at_most_a_thousand(client: httpx2.Client) -> None:
    assert client.get("/tables?limit=1001").status_code == 400


# Patching


def test_a_patch_changes_what_was_answered(
    catalogue: StrictCatalogue, client: httpx2.Client
) -> None:
    put(client, table("target"), table("a", column("id"), column("ref")))
    key = client.get("/tables/name/pg.shop.hr.a").json()["id"]
    operations = [
        {"op": "test", "path": "/name", "value": "a"},
        {"op": "add", "path": "/description", "value": "told"},
        {"op": "add", "path": "/tableConstraints", "value": []},
        {
            "op": "add",
            "path": "/tableConstraints/0",
            "value": foreign_key("ref", "pg.shop.hr.target.id"),
        },
        {"op": "replace", "path": "/columns/0/dataType", "value": "BIGINT"},
        {"op": "remove", "path": "/columns/1/ordinalPosition"},
    ]

    answer = client.patch(f"/tables/{key}", content=json.dumps(operations), headers=PATCH)

    assert answer.status_code == 200, answer.text
    again = client.patch("/tables/name/pg.shop.hr.a", content=b"[]", headers=PATCH)
    assert again.json()["version"] > answer.json()["version"]
    stored = catalogue.entities("tables")["pg.shop.hr.a"]
    assert (stored["description"], stored["databaseSchema"]) == ("told", "pg.shop.hr")
    assert stored["columns"][0]["dataType"] == "BIGINT"
    assert catalogue.log[-1].outcome == "updated"


@pytest.mark.parametrize(
    ("operation", "status"),
    [
        ({"op": "test", "path": "/name", "value": "b"}, 400),
        ({"op": "add", "path": "/tableConstraints/1", "value": {}}, 400),
        ({"op": "replace", "path": "/nothing", "value": 1}, 400),
        ({"op": "remove", "path": "/columns/7"}, 400),
        ({"op": "replace", "path": "/name", "value": "b"}, 400),
        (
            {"op": "add", "path": "/tableConstraints", "value": [foreign_key("id", "a.b.c.d.e")]},
            404,
        ),
    ],
)
def test_a_patch_that_does_not_fit_changes_nothing(
    catalogue: StrictCatalogue, client: httpx2.Client, operation: Any, status: int
) -> None:
    put(client, table("a"))
    before = catalogue.entities("tables")
    key = before["pg.shop.hr.a"]["id"]

    answer = client.patch(f"/tables/{key}", content=json.dumps([operation]), headers=PATCH)

    assert answer.status_code == status
    assert catalogue.entities("tables") == before


# Lineage and runs


def test_an_edge_needs_both_ends(catalogue: StrictCatalogue, client: httpx2.Client) -> None:
    put(client, table("a"), table("b"))
    details = {
        "columnsLineage": [{"fromColumns": ["pg.shop.hr.a.id"], "toColumn": "pg.shop.hr.b.id"}]
    }
    path = "/lineage/table/name/pg.shop.hr.a/table/name/pg.shop.hr."

    assert client.put(f"{path}no", json=details).status_code == 404
    assert client.put(f"{path}b", json=details).status_code == 200
    assert list(catalogue.entities("lineage")) == ["pg.shop.hr.a -> pg.shop.hr.b"]


def test_an_edge_is_put_by_ids_and_read_again(
    catalogue: StrictCatalogue, client: httpx2.Client
) -> None:
    put(client, table("a"), table("b"))
    held = catalogue.entities("tables")
    ends = [{"id": one["id"], "type": "table"} for one in held.values()]
    nobody = {"id": "00000000-0000-4000-a000-000000000000", "type": "table"}

    def edge(target: Any) -> Any:
        details = {"source": "Manual"}
        return {"edge": {"fromEntity": ends[0], "toEntity": target, "lineageDetails": details}}

    assert client.put("/lineage", json=edge(nobody)).status_code == 404
    assert client.put("/lineage", json=edge(ends[1])).status_code == 200
    path = f"/lineage/getLineageEdge/{ends[0]['id']}/{ends[1]['id']}"
    assert client.get(path).json() == {"edge": {"source": "Manual"}}


def test_an_older_server_tells_an_edge_with_its_ends() -> None:
    with StrictCatalogue(validate="off", version="1.13.0") as older, client_of(older) as client:
        plant_schema(older)
        put(client, table("a"), table("b"))
        a, b = (one["id"] for one in older.entities("tables").values())
        named = "/lineage/table/name/pg.shop.hr.a/table/name/pg.shop.hr.b"
        client.put(named, json={"source": "Manual"})
        told = client.get(f"/lineage/getLineageEdge/{a}/{b}").json()["edge"]
        assert (told["toEntity"]["name"], told["lineageDetails"]) == ("b", {"source": "Manual"})


def test_an_edge_is_deleted_once_and_only_between_what_is_there(
    catalogue: StrictCatalogue, client: httpx2.Client
) -> None:
    put(client, table("a"), table("b"))
    a, b = (one["id"] for one in catalogue.entities("tables").values())
    client.put("/lineage/table/name/pg.shop.hr.a/table/name/pg.shop.hr.b", json={})
    nobody = "00000000-0000-4000-a000-000000000000"

    assert client.delete(f"/lineage/table/{a}/table/{nobody}").status_code == 404
    assert client.delete(f"/lineage/table/{b}/table/{a}").status_code == 404
    assert client.delete(f"/lineage/table/{a}/table/{b}").status_code == 200
    assert catalogue.entities("lineage") == {}
    gone = client.delete(f"/lineage/table/{a}/table/{b}")
    assert (gone.status_code, gone.json()["message"]) == (404, "Lineage edge not found")


def test_an_edge_between_unknown_columns_is_refused(client: httpx2.Client) -> None:
    put(client, table("a"), table("b"))
    details = {"columnsLineage": [{"fromColumns": ["pg.shop.hr.a.no"]}]}
    path = "/lineage/table/name/pg.shop.hr.a/table/name/pg.shop.hr.b"

    assert client.put(path, json=details).status_code == 400


def test_a_run_tells_its_status_and_progress(
    catalogue: StrictCatalogue, client: httpx2.Client
) -> None:
    path = "/services/ingestionPipelines"
    status = {"runId": "r1", "pipelineState": "running", "timestamp": 5}
    assert client.put(f"{path}/pg.daily/pipelineStatus", json=status).status_code == 404

    catalogue.add_ingestion_pipeline("pg.daily")
    assert client.put(f"{path}/pg.daily/pipelineStatus", json=status).status_code == 200
    assert client.get(f"{path}/pg.daily/pipelineStatus/r1").json() == status
    listed = client.get(f"{path}/pg.daily/pipelineStatus?startTs=4&endTs=6").json()
    assert listed["data"] == [status]

    progress = {"runId": "r1", "timestamp": 6, "updateType": "PROCESSING"}
    assert client.put(f"{path}/progress/pg.daily/r1", json=progress).status_code == 200
    assert client.get(f"{path}/progress/pg.daily/r1").json() == progress
    assert [write.collection for write in catalogue.log][-2:] == ["pipelineStatus", "progress"]


# Who may come in


def test_a_token_is_wanted_and_may_expire() -> None:
    with (
        StrictCatalogue(validate="off", token="good") as catalogue,  # noqa: S106
        client_of(catalogue) as client,
    ):
        good = {"Authorization": "Bearer good"}
        assert client.get("/system/version").status_code == 200
        assert client.get("/tables").status_code == 401
        assert client.get("/tables", headers={"Authorization": "Bearer bad"}).status_code == 401
        assert client.get("/tables", headers=good).status_code == 200

        catalogue.expire_token()
        assert client.get("/tables", headers=good).status_code == 401
        assert catalogue.stats["unauthorised"] == 3

        catalogue.set_token("good")
        assert client.get("/tables", headers=good).status_code == 200

        catalogue.forbidden = True
        assert client.get("/tables", headers=good).status_code == 403


def test_a_login_earns_a_token() -> None:
    with (
        StrictCatalogue(validate="off", token="t", login=("ann@x.org", "pw")) as catalogue,  # noqa: S106
        client_of(catalogue) as client,
    ):

        def login(password: bytes) -> httpx2.Response:
            body = {"email": "ann@x.org", "password": base64.b64encode(password).decode()}
            return client.post("/users/login", json=body)

        assert login(b"no").status_code == 401
        told = login(b"pw").json()
        headers = {"Authorization": f"{told['tokenType']} {told['accessToken']}"}
        assert client.get("/tables", headers=headers).status_code == 200


def test_owners_are_found_by_name(catalogue: StrictCatalogue, client: httpx2.Client) -> None:
    ann, team = catalogue.add_user("ann.lee"), catalogue.add_team("Data")

    assert client.get("/users/name/ann.lee").json()["id"] == ann
    assert client.get("/teams/name/Data").json()["id"] == team
    assert client.get("/users/name/bob").status_code == 404


def test_a_host_without_api_answers_with_a_page(catalogue: StrictCatalogue) -> None:
    answer = httpx2.get(f"{catalogue.host_port}/v1/system/version")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html"


# Mischief


def test_planned_statuses_come_first_and_only_so_often(
    catalogue: StrictCatalogue, client: httpx2.Client
) -> None:
    catalogue.faults = Faults(status_for_next=[(503, 2), (429, 1)], retry_after=1.5)

    answers = [client.get("/tables") for _ in range(4)]

    assert [answer.status_code for answer in answers] == [503, 503, 429, 200]
    assert answers[0].headers["retry-after"] == "1.5"


def test_a_seed_makes_the_same_failures(catalogue: StrictCatalogue, client: httpx2.Client) -> None:
    def statuses() -> list[int]:
        catalogue.faults = Faults(fail_rate={503: 0.3, 429: 0.3}, seed=7)
        return [client.get("/tables").status_code for _ in range(30)]

    first = statuses()

    assert first == statuses()
    assert set(first) == {200, 429, 503}


def test_a_torn_answer_was_stored(catalogue: StrictCatalogue, client: httpx2.Client) -> None:
    catalogue.faults = Faults(torn_next=1)

    with pytest.raises(httpx2.TransportError):
        put(client, table("a"))

    assert list(catalogue.entities("tables")) == ["pg.shop.hr.a"]
    assert failures(put(client, table("a"))) == []


def test_only_some_requests_fail(catalogue: StrictCatalogue, client: httpx2.Client) -> None:
    catalogue.faults = Faults(status_for_next=[(500, 1)], only="PUT .*/bulk")

    assert client.get("/tables").status_code == 200
    assert client.put("/tables/bulk", json=[]).status_code == 500


@pytest.mark.parametrize("faults", [Faults(down_next=1), Faults(down_until=2**60)], ids=str)
def test_a_server_that_is_down_closes_the_connection(
    catalogue: StrictCatalogue, client: httpx2.Client, faults: Faults
) -> None:
    catalogue.faults = faults

    with pytest.raises(httpx2.TransportError):
        client.get("/tables")

    catalogue.faults = Faults()
    assert client.get("/tables").status_code == 200


def test_a_poisoned_batch_is_refused_until_the_row_is_alone(
    catalogue: StrictCatalogue, client: httpx2.Client
) -> None:
    catalogue.faults = Faults(poison_batch="^bad")

    whole = client.put("/tables/bulk", json=[table("a"), table("bad")])
    alone = put(client, table("bad"))

    assert whole.status_code == 400
    assert failures(alone) == [("pg.shop.hr.bad", 400)]
    assert not catalogue.entities("tables")


@pytest.mark.parametrize(
    "refuse", ["^bad$", lambda name: name == "bad"], ids=["regex", "predicate"]
)
def test_a_refused_row_fails_alone(
    catalogue: StrictCatalogue, client: httpx2.Client, refuse: Any
) -> None:
    catalogue.faults = Faults(refuse=refuse)

    assert failures(put(client, table("a"), table("bad"))) == [("pg.shop.hr.bad", 400)]


def test_a_proxy_may_answer_with_a_page(catalogue: StrictCatalogue, client: httpx2.Client) -> None:
    catalogue.faults = Faults(html=True)

    assert client.get("/tables").headers["content-type"] == "text/html"


def test_a_hanging_request_ends_with_the_catalogue() -> None:
    with StrictCatalogue(validate="off", faults=Faults(hang="tables$")) as catalogue:
        with pytest.raises(httpx2.ReadTimeout):
            httpx2.get(f"{catalogue.url}/v1/tables", timeout=0.05)
        assert httpx2.get(f"{catalogue.url}/v1/databases").status_code == 200


def test_an_answer_takes_its_time_for_each_row(
    catalogue: StrictCatalogue, client: httpx2.Client
) -> None:
    catalogue.faults = Faults(delay_ms=10, per_entity_ms=5)
    before = time.monotonic()

    put(client, table("a"), table("b"))

    assert time.monotonic() - before >= 0.02


# What is known afterwards


def test_the_log_keeps_every_row_and_what_became_of_it(
    catalogue: StrictCatalogue, client: httpx2.Client
) -> None:
    row = table("a", description="ä")
    put(client, row, table("b", databaseSchema="no"))
    client.delete("/tables/name/pg.shop.hr.a")
    client.put("/tables/bulk", json={})

    writes = catalogue.writes("tables")

    assert [write["outcome"] for write in writes] == ["created", "refused", "deleted", "refused"]
    assert [write["seq"] for write in writes] == [1, 2, 3, 4]
    assert writes[0]["body"] == row
    assert (writes[0]["method"], writes[0]["path"]) == ("PUT", "/api/v1/tables/bulk")
    assert (writes[1]["status"], writes[1]["fqn"]) == (404, "no.b")


def test_everything_is_told_over_http_too(
    catalogue: StrictCatalogue, client: httpx2.Client
) -> None:
    put(client, table("a"))
    ask = httpx2.Client(base_url=catalogue.host_port)

    stats = ask.get("/__stats").json()
    assert stats["by"] == {"PUT /tables/bulk": 1}
    assert (stats["entities"]["tables"], stats["columns"]) == (1, 1)

    (line,) = ask.get("/__log").text.splitlines()
    assert json.loads(line) == catalogue.writes()[0]
    assert list(ask.get("/__entities?collection=tables").json()) == ["pg.shop.hr.a"]
    assert ask.get("/__entities?collection=no").status_code == 400

    assert ask.post("/__faults", json={"fail_rate": {"503": 1}}).status_code == 200
    assert client.get("/tables").status_code == 503
    assert ask.post("/__faults", json={"fial_rate": 1}).status_code == 400

    ask.post("/__reset")
    assert not catalogue.log
    assert list(catalogue.entities("databaseSchemas")) == ["pg.shop.hr"]
    ask.close()


def test_a_closed_catalogue_frees_its_port_and_can_be_read() -> None:
    with StrictCatalogue(validate="off") as catalogue, client_of(catalogue) as client:
        plant_schema(catalogue)
        put(client, table("a"))
        url = catalogue.url

    with pytest.raises(httpx2.ConnectError):
        httpx2.get(f"{url}/v1/tables")
    assert list(catalogue.entities("tables")) == ["pg.shop.hr.a"]


@needs_contracts
def test_it_is_a_program_that_ends_on_sigterm(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    command = [sys.executable, "-W", "error", "-m", "rayingest.testing.catalogue"]
    options = ["--validate", "later", "--log", str(log), "--fault", 'fail_rate={"503": 0}']
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [*command, *options], stdout=subprocess.PIPE, cwd=root, text=True
    ) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        host = told["url"].removesuffix("/api")
        body = [{"name": "pg", "serviceType": "Postgres", "nickname": "x"}]
        httpx2.put(f"{told['url']}/v1/services/databaseServices/bulk", json=body)
        errors = httpx2.post(f"{host}/__validate").json()
        os.kill(told["pid"], signal.SIGTERM)
        assert process.wait(10) == 0

    assert "nickname" in errors[0]["errors"][0]
    assert json.loads(log.read_text())["fqn"] == "pg"


# The schemas


@needs_contracts
def test_a_row_that_breaks_its_schema_fails_alone(strict: StrictCatalogue) -> None:
    with client_of(strict) as client:
        rows = [table("a"), table("b", nickname="x"), table("c", column("x", "NUMBR"))]
        result = put(client, *rows)
        single = client.put("/tables", json=table("b", nickname="x"))

    assert [status for _, status in failures(result)] == [400, 400]
    assert "nickname" in result["failedRequest"][0]["message"]
    assert single.status_code == 400
    assert [error["fqn"] for error in strict.validation_errors()] == [
        "pg.shop.hr.b",
        "pg.shop.hr.c",
        "pg.shop.hr.b",
    ]


@needs_contracts
def test_a_broken_row_may_refuse_its_whole_batch() -> None:
    with StrictCatalogue(whole_batch=True) as catalogue, client_of(catalogue) as client:
        plant_schema(catalogue)
        answer = client.put("/tables/bulk", json=[table("a"), table("b", nickname="x")])

    assert answer.status_code == 400
    assert not catalogue.entities("tables")


@needs_contracts
def test_validation_can_wait() -> None:
    with StrictCatalogue(validate="later") as catalogue, client_of(catalogue) as client:
        plant_schema(catalogue)
        result = put(client, table("a"), table("b", nickname="x"))

    assert failures(result) == []
    assert [error["fqn"] for error in catalogue.validation_errors()] == ["pg.shop.hr.b"]
    assert len(catalogue.validation_errors()) == 1


@needs_contracts
def test_a_patch_may_not_break_the_schema(strict: StrictCatalogue) -> None:
    with client_of(strict) as client:
        put(client, table("a"))
        key = client.get("/tables/name/pg.shop.hr.a").json()["id"]
        operations = json.dumps([{"op": "add", "path": "/nickname", "value": "x"}])
        answer = client.patch(f"/tables/{key}", content=operations, headers=PATCH)

    assert answer.status_code == 400


def test_missing_contracts_are_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="RAYINGEST_CONTRACTS"):
        StrictCatalogue(tmp_path)


def recorded() -> list[dict[str, Any]]:
    return [json.loads(line) for line in WIRE.read_text().splitlines()] if WIRE.exists() else []


@needs_contracts
def test_what_the_stock_client_sent_is_accepted() -> None:
    writes = [one for one in recorded() if one["method"] in ("PUT", "DELETE")]
    with StrictCatalogue(version="2.0.7") as catalogue:
        for one in writes:
            answer = httpx2.request(
                one["method"], catalogue.host_port + one["path"], json=one["body"]
            )
            assert answer.is_success, answer.text
            assert not answer.json().get("failedRequest")

    assert not catalogue.validation_errors()
    assert {write.outcome for write in catalogue.log} == {"created", "unchanged"}
    assert len(catalogue.entities("tables")) == 197


@needs_contracts
def test_the_stock_clients_second_wave_of_foreign_keys_is_accepted() -> None:
    everything = recorded()
    with StrictCatalogue(version="2.0.7") as catalogue:
        for one in everything:
            if one["method"] == "PUT":
                httpx2.put(catalogue.host_port + one["path"], json=one["body"])
        patches = [one for one in everything if one["method"] == "PATCH"]
        for one in patches:
            columns = next(part["value"] for part in one["body"] if part["path"] == "/columns")
            target = columns[0]["fullyQualifiedName"].rsplit(".", 1)[0]
            key = catalogue.entities("tables")[target]["id"]
            answer = httpx2.patch(
                f"{catalogue.url}/v1/tables/{key}", content=json.dumps(one["body"]), headers=PATCH
            )
            assert answer.status_code == 200, answer.text
            constraints = catalogue.entities("tables")[target]["tableConstraints"]
            assert [part["constraintType"] for part in constraints] == ["UNIQUE", "FOREIGN_KEY"]

    assert patches


@needs_contracts
def test_every_collection_has_a_schema_that_compiles() -> None:
    from rayingest.testing.strict import lineage, runs, session
    from rayingest.testing.strict.kinds import KINDS
    from rayingest.testing.strict.schemas import Schemas

    schemas = Schemas()
    others = [lineage._ADD, lineage._DETAILS, runs._STATUS, runs._PROGRESS, session._LOGIN]
    for schema in (*(kind.schema for kind in KINDS.values()), *others):
        schemas.errors(schema, {})


# Names and JSON


@pytest.mark.parametrize(
    ("name", "part"),
    [("a", "a"), ("a.b", '"a.b"'), ('"a.b"', '"a.b"'), ('"a"', "a"), ("a b", "a b")],
)
def test_a_part_of_an_fqn_is_quoted_when_it_has_a_dot(name: str, part: str) -> None:
    assert fqn.quote(name) == part
    assert fqn.split(f"x.{part}.y") == ["x", part, "y"]


@pytest.mark.parametrize("told", ["", ".a", "a.", "a..b", 'a"b', '"a"b'])
def test_a_bad_fqn_is_an_error(told: str) -> None:
    with pytest.raises(ValueError, match="invalid"):
        fqn.split(told)


@pytest.mark.parametrize("split", [wire.split, wire._split_slowly], ids=["msgspec", "json"])
def test_rows_keep_their_bytes(split: Any) -> None:
    assert split(b' [ {"a": 1.0} ,[2],"\xc3\xa4" ] ') == [b'{"a": 1.0}', b"[2]", b'"\xc3\xa4"']
    assert split(b"[]") == []
    with pytest.raises(ValueError):  # noqa: PT011
        split(b"[1")
