"""A real Superset: over its API and out of its database the same is told, and our stand-in is like it."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx2
import pytest

from rayingest.connectors.dashboard._superset.tables import NEEDED
from rayingest.connectors.dashboard.superset import CONNECTOR, open_metadata
from rayingest.core.source import Capability, Grade, Settings
from rayingest.errors import Denied, Gone, Permanent, Unauthorised
from rayingest.model import Dashboard, DashboardDataModel, EntityType
from rayingest.testing import StrictCatalogue, mariadb, postgres
from rayingest.testing.conformance import FLOORS, Told, settings_for, tell
from rayingest.testing.connector_suite import CHECKS, Case, case, shows
from rayingest.testing.rest import serving
from rayingest.testing.servers import superset as superset_server
from rayingest.testing.servers.superset import READER, Server
from rayingest.testing.superset import DATASET, PASSWORD, USERNAME, World

from ...sinks.world import TOKEN
from ..beds import Bed
from ..dashboards import Place
from ..grading import check_grade
from .world import Filling, fill

pytestmark = pytest.mark.slow
MODES = ("config", "metadata_config")  # over the API, out of the database


@pytest.fixture(scope="module")
def server(postgres: postgres.Server) -> Iterator[Server]:
    if why := superset_server.ENVIRONMENT.available():
        pytest.skip(why)
    with superset_server.server(postgres) as made:
        fill(made)
        yield made


@pytest.fixture(scope="module")
def stories(server: Server) -> Mapping[str, Case]:
    """What is told before any test has changed anything."""
    return {each: case("superset", getattr(server, each)()) for each in MODES}


def settings(connection: Mapping[str, Any]) -> Settings:
    return settings_for(CONNECTOR, dict(connection))


def told(connection: Mapping[str, Any]) -> Told:
    found = tell(CONNECTOR, settings(connection))
    assert not found.failures
    assert not found.unanswered
    assert all(each.complete for each in found.scopes)
    return found


def everything(found: Told) -> list[str]:
    return sorted(map(repr, (*found.descriptors, *found.scopes, *found.entities, *found.facts)))


def test_what_was_made_arrives(server: Server, stories: Mapping[str, Case]) -> None:
    found = stories["config"].told
    sales, draft, odd, empty = sorted(found.of(Dashboard), key=lambda each: each.name)
    assert sales.display_name == "Sales"
    assert sales.source_url == f"{server.url}/superset/dashboard/sales/"
    assert [each.name for each in sales.owners] == ["ada@example.com", "rea@example.com"]
    assert [each.name for each in sales.tags] == ["finance", "two words"]
    assert sales.charts == ("story.1_1", "story.1_2", "story.1_3")
    assert sales.data_models == ("story.model.1", "story.model.2")
    assert draft.charts == ("story.2_2",)
    assert odd.display_name == 'Ümlaut "quoted".dotted::all'
    assert (empty.charts, empty.tags) == ((), ())
    edges = {(str(each.payload["fromFqn"]), each.target_fqn) for each in found.facts}
    tables = "warehouse.shop.inventory."
    assert {target for source, target in edges if source == f"{tables}orders"} == {
        "story.model.1",
        "story.model.3",
    }
    assert ("story.model.2", "story.model.3") in edges
    assert ("story.model.3", "story.3") in edges


def test_columns_and_metrics_are_those_that_superset_read(stories: Mapping[str, Case]) -> None:
    models = {each.name: each for each in stories["config"].told.of(DashboardDataModel)}
    columns = {each.name: each for each in models["1"].columns}
    assert [(name, each.data_type) for name, each in columns.items()] == [
        ("id", "INT"), ("user_id", "BIGINT"), ("created", "TIMESTAMPZ"), ("price", "DECIMAL"),
        ("note", "TEXT"), ("paid", "BOOLEAN"), ("labels", "ARRAY"), ("more", "JSON"),
        ("gross", "DECIMAL"), ("revenue", "NUMBER"), ("price (metric)", "NUMBER"),
    ]  # fmt: skip
    price = columns["price"]
    assert (price.display_name, price.description) == ("Price", "In euros.")
    assert (price.precision, price.scale) == (10, 2)
    assert columns["revenue"].data_type_display == "metric, SUM(price)"
    assert [each.name for each in models["4"].columns][:2] == ['a "b" ü', "select"]
    assert models["3"].sql is not None
    assert models["1"].sql is None


def test_the_database_tells_the_same(stories: Mapping[str, Case]) -> None:
    over_the_api, out_of_the_database = (everything(stories[each].told) for each in MODES)
    assert over_the_api == out_of_the_database


def test_mariadb_tells_the_same(server: Server, stories: Mapping[str, Case]) -> None:
    """The same tables and rows, as Superset's own models lay them out there."""
    if why := mariadb.available():
        pytest.skip(why)
    with mariadb.server() as other:
        other.run("create database superset")
        where = f"{other.user}:{other.password}@{other.host_port}/superset?charset=utf8mb4"
        server.copy_to(f"mysql+pymysql://{where}", *NEEDED)
        database = other.config("Mysql", databaseSchema="superset")
        connection = {**server.metadata_config(), "connection": database}
        assert everything(told(connection)) == everything(stories["config"].told)


# --- what all connectors are asked ---


@pytest.mark.parametrize("capability", FLOORS["dashboard"])
@pytest.mark.parametrize("mode", MODES)
def test_a_claim_holds_and_a_gap_is_one(
    stories: Mapping[str, Case], mode: str, capability: Capability
) -> None:
    assert shows(stories[mode], capability) == (capability in CONNECTOR.capabilities)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("mode", MODES)
def test_both_ways_hold(stories: Mapping[str, Case], mode: str, check: Any) -> None:
    check(stories[mode])


def test_the_grade_is_what_the_tests_show(stories: Mapping[str, Case], write_grades: bool) -> None:
    bed = Bed({}, f"Apache Superset {superset_server.VERSION}", Grade.CERTIFIED)
    check_grade("superset", bed, stories["config"], write=write_grades)


# --- what may happen ---


def test_a_batch_takes_as_many_statements_as_one(server: Server) -> None:
    chosen = settings(server.metadata_config())
    context = CONNECTOR.prepare(chosen, None)
    with CONNECTOR.open(chosen, context) as source:
        listed = [*source.discover_entities(EntityType.DASHBOARD)][:-1]
        before = source.calls
        assert len(list(source.process_entities(listed))) == 4
        assert source.calls - before == 4


@pytest.mark.parametrize("mode", MODES)
def test_what_vanishes_after_it_was_listed_is_gone(server: Server, mode: str) -> None:
    chosen = settings(getattr(server, mode)())
    with server.client() as client, CONNECTOR.open(chosen) as source:
        made = Filling(client).dashboard("Short-lived")
        listed = [*source.discover_entities(EntityType.DASHBOARD)][:-1]
        (chosen_one,) = [each for each in listed if each.metadata["id"] == str(made)]
        client.delete(f"/api/v1/dashboard/{made}").raise_for_status()
        (answer,) = source.process_entities([chosen_one])
        assert isinstance(answer.error, Gone)


def test_a_reader_sees_of_the_same_what_is_theirs(server: Server) -> None:
    """An owner of one dashboard, whose role may see no data: datasets are named nowhere."""
    found = told(server.config(READER))
    assert {each.display_name for each in found.of(Dashboard)} == {"Sales"}
    assert found.of(DashboardDataModel) == []
    assert [each.data_models for each in found.of(Dashboard)] == [()]


def test_wrong_credentials_are_said(server: Server) -> None:
    with pytest.raises(Unauthorised) as caught:
        list(CONNECTOR.check(settings(server.config(password="wrong"))))  # noqa: S106
    assert caught.value.hint
    with pytest.raises(Unauthorised):
        CONNECTOR.prepare(settings(server.metadata_config(authType={"password": "wrong"})), None)


def test_a_token_of_another_key_is_renewed(server: Server) -> None:
    """As when Superset is set up anew under a run: it says 422 to those, 401 to none."""

    def part(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()

    head = part(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
    body = part(json.dumps({"sub": "1", "type": "access", "fresh": True, "jti": "1"}).encode())
    signed = hmac.new(b"another", f"{head}.{body}".encode(), hashlib.sha256).digest()
    stale = f"{head}.{body}.{part(signed)}"
    api = CONNECTOR.connect(settings(server.config()))
    try:
        api._auth._held = stale
        assert api.get("/api/v1/dashboard/1")["result"]["id"] == 1
        assert api._auth._held != stale
        assert api.calls == 3
    finally:
        api.close()


def test_a_user_who_may_read_too_little_is_told_what_is_needed(server: Server) -> None:
    tables = ", ".join(f"public.{each}" for each in NEEDED)
    with server.database.connect(server.name) as connection:
        connection.execute("create user looker password 'x'")
        connection.execute(f"grant select on {tables} to looker")
    chosen = settings(server.metadata_config(username="looker", authType={"password": "x"}))
    assert [each.status for each in CONNECTOR.check(chosen)] == ["ok"]
    with server.database.connect(server.name) as connection:
        connection.execute("revoke select on public.dbs from looker")
    (line,) = CONNECTOR.check(chosen)
    assert line.status == "denied"
    assert "seen: dbs" in str(line.why)
    assert "dbs." in str(line.grant)


def test_a_copy_in_another_schema_does_no_harm(server: Server) -> None:
    """The usual schema is read; where there is none, somebody has to say which."""
    with server.database.connect(server.name) as connection:
        for schema in ("copy", "other"):
            connection.execute(f"create schema {schema}")
            for each in NEEDED:
                connection.execute(f"create table {schema}.{each} (id int)")
    assert len(told(server.metadata_config()).of(Dashboard)) == 4
    metadata = open_metadata(settings(server.metadata_config()))
    try:
        metadata.usual = ""
        with pytest.raises(Permanent, match="copy, other, public"):
            metadata.log_in()
        metadata.only = "copy"
        with pytest.raises(Permanent, match="not those that are known"):
            metadata.try_all()
    finally:
        metadata.close()
    with server.database.connect(server.name) as connection:
        connection.execute("drop schema copy, other cascade")


def test_another_database_is_said_to_have_no_tables_of_superset(server: Server) -> None:
    chosen = settings(server.metadata_config(database="shop"))
    (line,) = CONNECTOR.check(chosen)
    assert line.status == "denied"
    assert "dashboards" in str(line.why)
    assert "SELECT on Superset's tables" in str(line.grant)
    with pytest.raises(Denied):
        CONNECTOR.prepare(chosen, None)


def test_a_run_of_one_mode_goes_on_where_the_other_ended(
    server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What was written over the API is not written again out of the database."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with StrictCatalogue(token=TOKEN) as catalogue:
        place: Place[World] = Place("superset", World(), server.url, catalogue, tmp_path)
        first = place.run(place.config(server.config(), includeOwners=True))
        assert first.report.exit_code == 0
        assert len(place.held("dashboards")) == 4
        assert len(place.held("charts")) == 6
        assert len(place.held("dashboard/datamodels")) == 4
        before = len(catalogue.log)
        second = place.run(place.config(server.metadata_config(), includeOwners=True))
        assert second.report.exit_code == 0
        assert second.report.entities["dashboard"]["unchanged"] == 4
        (only,) = catalogue.log[before:]
        assert only.collection == "services/dashboardServices"  # its connection is another
        assert catalogue.validation_errors() == []


# --- the stand-in ---


def shape(told: Any, into: dict[str, set[str]], path: str = "") -> dict[str, set[str]]:
    """Path -> the types that stand there, of all items of a list together."""
    into.setdefault(path, set()).add(type(told).__name__)
    if isinstance(told, Mapping):
        for key, each in told.items():
            shape(each, into, f"{path}.{key}")
    elif isinstance(told, list):
        for each in told:
            shape(each, into, f"{path}[]")
    return into


PATHS = {
    "/api/v1/dashboard/?q=(columns:!(id,dashboard_title,published),keys:!(none),page:0,page_size:100)": 1,
    "/api/v1/dataset/?q=(columns:!(id,table_name),keys:!(none),page:0,page_size:100)": 1,
    "/api/v1/dashboard/related/owners?q=(page:0,page_size:100)": 1,
    "/api/v1/dashboard/{}": 3,
    "/api/v1/dashboard/{}/charts": 3,
    "/api/v1/dataset/{}": 3,
}


def shapes(client: httpx2.Client, path: str, times: int, before: int = 0) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for each in range(before + 1, before + times + 1):
        shape(client.get(path.format(each)).raise_for_status().json(), found)
    return found


@pytest.mark.parametrize("path", PATHS)
def test_the_stand_in_answers_as_superset_does(server: Server, path: str) -> None:
    """It says nothing that Superset does not, of no other type, and leaves out nothing that is read."""
    with server.client() as client:
        real = shapes(client, path, PATHS[path])
    world = World(drafts={"2"})
    with serving(world) as url, httpx2.Client(base_url=url) as client:
        body = {"username": USERNAME, "password": PASSWORD, "provider": "db"}
        token = client.post("/api/v1/security/login", json=body).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        ours = shapes(client, path, PATHS[path], DATASET if "dataset/{}" in path else 0)
    assert not ours.keys() - real.keys()
    wrong = {key: (each, real[key]) for key, each in ours.items() if each - real[key]}
    assert not wrong


def test_its_refusals_are_superset_s(server: Server) -> None:
    with serving(World()) as url:
        for path, token in (("dashboard/999", True), ("dataset/999", True), ("dashboard/1", False)):
            answers = []
            for where, name, password in (
                (server.url, "ada", server.password),
                (url, USERNAME, PASSWORD),
            ):
                body = {"username": name, "password": password, "provider": "db"}
                login = httpx2.post(f"{where}/api/v1/security/login", json=body)
                bearer = f"Bearer {login.json()['access_token']}"
                headers = {"Authorization": bearer} if token else {}
                answer = httpx2.get(f"{where}/api/v1/{path}", headers=headers)
                answers.append((answer.status_code, sorted(answer.json())))
            assert answers[0] == answers[1]


# --- many ---


def test_pages_end_at_a_hundred_and_nothing_is_lost_between_them(server: Server) -> None:
    """Last, for it makes 110 dashboards: one of them is edited while they are listed."""
    with server.client() as client:
        make = Filling(client)
        for number in range(110):
            make.post("dashboard", dashboard_title=f"Many {number}")
        asked = "/api/v1/dashboard/?q=(columns:!(id),keys:!(none),page:0,page_size:1000)"
        assert len(client.get(asked).json()["result"]) == 100
        with CONNECTOR.open(settings(server.config())) as source:
            listing = source.discover_entities(EntityType.DASHBOARD)
            first = next(listing)
            make.put("dashboard", int(first.metadata["id"]), dashboard_title="Edited")
            found = {each.id for each in [first, *listing][:-1]}
    with CONNECTOR.open(settings(server.metadata_config())) as source:
        listed = [*source.discover_entities(EntityType.DASHBOARD)]
    assert found == {each.id for each in listed[:-1]}
    assert listed[-1].count == len(found) == 114
