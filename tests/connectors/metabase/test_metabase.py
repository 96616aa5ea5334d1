"""Metabase into a catalogue: what arrives, what it costs, and what questions ask in all their spellings."""

from collections import Counter
from typing import Any

import pytest

import rayingest as ri
from rayingest.connectors.dashboard._metabase.entities import personal, projects
from rayingest.connectors.dashboard._metabase.query import Asked, as_sql, asked
from rayingest.connectors.dashboard.metabase import CONNECTOR
from rayingest.core.source import ScopeListed
from rayingest.errors import ConfigError
from rayingest.kit.queries import STAND_IN, tables_read
from rayingest.model import EntityType
from rayingest.testing.conformance import Warehouse, settings_for
from rayingest.testing.metabase import COLLECTIONS, KEY, PASSWORD, USERNAME, World
from rayingest.testing.rest import serving

from ..dashboards import Place

NOBODY: dict[str, Any] = {"username": None, "password": None}
TABLES = {"lineageInformation": {"dbServiceNames": ["pg"]}}


def test_each_costs_one_call(place: Place[World]) -> None:
    """Models are listed twice: dashboards must know which there are."""
    place.run()
    log = Counter(place.world.log)
    assert {log.pop(f"/api/dashboard/{each}") for each in place.world.ids()} == {1}
    assert {log.pop(f"/api/card/{each}") for each in (501, 502, 503)} == {1}
    assert log == {"/api/dashboard": 1, "/api/collection": 1, "/api/search": 2}


def test_what_is_not_wanted_is_not_asked_for(place: Place[World]) -> None:
    place.run(place.config(includeDataModels=False))
    assert not place.held("dashboard/datamodels")
    assert not [each for each in place.held("dashboards").values() if each.get("dataModels")]
    assert {each.split("/")[2] for each in place.world.log} == {"dashboard", "collection"}


# --- who asks ---


def test_an_api_key_needs_no_log_in(place: Place[World]) -> None:
    place.world.tokens[KEY] = 0
    place.run(place.config({**NOBODY, "apiKey": KEY}))
    assert len(place.held("dashboards")) == 20
    assert not place.world.calls["login"]


def test_a_session_is_kept_and_renewed_when_it_is_forgotten(place: Place[World]) -> None:
    place.world.token_calls = 10
    place.run(place.config(execution={"parallelism": 1}))
    assert len(place.held("dashboards")) == 20
    assert 2 <= place.world.calls["login"] <= 8


@pytest.mark.parametrize("given", [NOBODY, {"password": None}, {"username": ""}])
def test_nobody_in_particular_is_told_what_to_write(
    place: Place[World], given: dict[str, Any]
) -> None:
    with pytest.raises(ConfigError, match="expected an apiKey, or a username and a password"):
        ri.load(place.config(given))


# --- where things lie ---


def test_collections_are_projects_and_the_root_is_none(place: Place[World]) -> None:
    place.run()
    told = place.held("dashboards")
    assert told["bi.3"]["project"] == "Shared / Finance / Board"
    assert told["bi.1"]["project"] == "Shared"
    assert "project" not in told["bi.5"]


def test_projects_are_filtered_by_their_paths(place: Place[World]) -> None:
    place.run(place.config(projectFilterPattern={"includes": ["Shared / Finance$"]}))
    assert {each["project"] for each in place.held("dashboards").values()} == {"Shared / Finance"}
    assert not place.held("dashboard/datamodels")


def test_a_collection_that_may_not_be_seen_is_left_out_of_paths() -> None:
    seen = [each for each in COLLECTIONS if each["id"] != 5]
    assert projects(seen)["6"] == "Shared / Board"
    assert personal(seen) == {"8", "9"}


def test_personal_collections_hold_drafts(place: Place[World]) -> None:
    """Dashboard 4 and model 503 lie in a collection below Bob's own."""
    run = place.run(place.config(includeDraftDashboard=False))
    assert "bi.4" not in place.held("dashboards")
    assert len(place.held("dashboards")) == 16
    assert set(place.held("dashboard/datamodels")) == {"bi.model.501", "bi.model.502"}
    assert place.held("dashboards")["bi.2"]["dataModels"] == ["bi.model.501"]
    assert run.report.unresolved == 0


# --- people ---


def test_an_admin_learns_who_made_what(place: Place[World]) -> None:
    ann = place.catalogue.add_user("ann")
    place.run(place.config(includeOwners=True))
    assert place.world.log.count("/api/user") == 1
    told = place.held("dashboards")
    assert told["bi.2"]["owners"] == [{"id": ann, "type": "user"}]
    assert "owners" not in told["bi.1"]  # bob, whom the catalogue does not know
    model = place.held("dashboard/datamodels")["bi.model.501"]
    assert model["owners"] == [{"id": ann, "type": "user"}]


@pytest.mark.usefixtures("warehouse")
def test_others_read_all_the_same(place: Place[World]) -> None:
    place.world.admin = False
    run = place.run(place.config(includeOwners=True, **TABLES))
    assert run.report.exit_code == 0
    assert len(place.held("dashboards")) == 20
    assert ("pg.shop.inventory.users", "bi.1") in place.edges()


# --- charts ---


def test_a_question_is_a_chart_wherever_it_is_shown(place: Place[World]) -> None:
    """A text and a question that may not be seen are none."""
    place.run()
    dashboard = place.held("dashboards")["bi.1"]
    assert dashboard["charts"] == ["bi.1_100", "bi.1_101", "bi.1_102"]
    charts = [place.held("charts")[each] for each in dashboard["charts"]]
    assert [each["displayName"] for each in charts] == ["Question 0", "All orders", "Question 2"]
    assert [each["chartType"] for each in charts] == ["Bar", "Table", "Text"]


def test_dashboards_of_old_have_ordered_cards(
    place: Place[World], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = place.world.dashboard

    def old(number: int) -> Any:
        told = whole(number)
        return told | {"ordered_cards": told.pop("dashcards")}

    monkeypatch.setattr(place.world, "dashboard", old)
    place.run()
    assert len(place.held("charts")) == 60


def test_what_was_archived_meanwhile_is_passed_over(place: Place[World]) -> None:
    place.world.archived.add("2")
    run = place.run()
    assert run.report.exit_code == 0
    assert "bi.2" not in place.held("dashboards")
    assert run.report.types["dashboard"]["skipped"] == 1


# --- models and lineage ---


@pytest.mark.usefixtures("warehouse")
@pytest.mark.parametrize("stages", [False, True])
def test_tables_flow_into_models_and_both_into_dashboards(
    place: Place[World], stages: bool
) -> None:
    place.world.stages = stages
    run = place.run(place.config(**TABLES))
    assert run.report.exit_code == 0
    assert run.report.unresolved == 0
    inventory = "pg.shop.inventory"
    assert {each for each in place.edges() if each[1] == "bi.1"} == {
        (f"{inventory}.users", "bi.1"),
        (f"{inventory}.orders", "bi.1"),
        ("bi.model.501", "bi.1"),
        ("bi.model.502", "bi.1"),
    }
    assert {each for each in place.edges() if each[1].startswith("bi.model")} == {
        (f"{inventory}.orders", "bi.model.501"),
        (f"{inventory}.users", "bi.model.501"),
        (f"{inventory}.products", "bi.model.502"),
        ("bi.model.501", "bi.model.503"),
    }
    assert not [each for each in place.said if "cannot be parsed" in each]


def test_models_have_columns_and_their_sql(place: Place[World]) -> None:
    place.run()
    model = place.held("dashboard/datamodels")["bi.model.502"]
    assert model["dataModelType"] == "MetabaseDataModel"
    assert [each["dataType"] for each in model["columns"]] == [
        "BIGINT",
        "STRING",
        "TIMESTAMPZ",
        "DECIMAL",
    ]
    assert model["sql"] == "SELECT * FROM inventory.products WHERE status = {{status}}"
    assert "sql" not in place.held("dashboard/datamodels")["bi.model.501"]


def test_a_model_that_is_filtered_out_is_named_nowhere(place: Place[World]) -> None:
    run = place.run(place.config(dataModelFilterPattern={"excludes": ["Model 501"]}))
    assert run.report.unresolved == 0
    assert "bi.model.501" not in place.held("dashboard/datamodels")
    assert place.held("dashboards")["bi.1"]["dataModels"] == ["bi.model.502"]


@pytest.mark.usefixtures("warehouse")
def test_a_model_on_a_dashboard_flows_into_it(
    place: Place[World], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = place.world.dashboard

    def shown(number: int) -> Any:
        told = whole(number)
        own = place.world.model(502)
        return told | {"dashcards": [{"id": 1, "card_id": 502, "card": own, "series": []}]}

    monkeypatch.setattr(place.world, "dashboard", shown)
    place.run(place.config(**TABLES))
    assert {each for each in place.edges() if each[1] == "bi.1"} == {("bi.model.502", "bi.1")}


def test_a_list_that_the_search_has_cut_is_no_whole_one() -> None:
    """What is behind its end must not count as deleted."""
    with serving(World(models=1000)) as url:
        login = {"username": USERNAME, "password": PASSWORD, "hostPort": url}
        settings = settings_for(CONNECTOR, login)
        with CONNECTOR.open(settings, CONNECTOR.prepare(settings, None)) as source:
            *found, end = source.discover_entities(EntityType.DASHBOARD_DATA_MODEL)
    assert len(found) == 1000
    assert isinstance(end, ScopeListed)
    assert (end.complete, end.count) == (False, 1000)
    assert "1000 at most" in str(end.why)


def test_how_databases_are_reached_is_kept_nowhere() -> None:
    with serving(World()) as url:
        login = {"username": USERNAME, "password": PASSWORD, "hostPort": url}
        context = CONNECTOR.prepare(settings_for(CONNECTOR, login), Warehouse())
    assert context.names == {
        "1": '"inventory"."orders"',
        "2": '"inventory"."users"',
        "3": '"inventory"."products"',
    }
    assert context.engines == {"1": "postgres"}
    assert PASSWORD not in repr(context)


def test_check_says_what_works(place: Place[World]) -> None:
    checks = ri.load(place.config(), flags={"engine": "local"}).check()
    found = {each.capability: each.status for where, each in checks if where == "source"}
    assert found == {"dashboardDataModel": "ok", "dashboard": "ok", "what is shared": "ok"}


# --- what a question asks ---


@pytest.mark.parametrize(
    ("query", "tables", "cards", "sql"),
    [
        ({"query": {"source-table": 1, "joins": [{"source-table": 2}]}}, "1 2", "", 0),
        ({"query": {"source-query": {"source-query": {"source-table": 3}}}}, "3", "", 0),
        ({"query": {"source-table": 1, "joins": [{"source-table": "card__7"}]}}, "1", "7", 0),
        ({"query": {"source-query": {"native": "SELECT 1"}}}, "", "", 1),
        ({"native": {"query": "SELECT * FROM {{#12-recent}} JOIN {{ #9 }}"}}, "", "12 9", 1),
        ({"native": {"query": [{"$match": {}}], "collection": "orders"}}, "", "", 0),
        (
            {"stages": [{"source-card": 7, "joins": [{"stages": [{"source-table": 2}]}]}]},
            "2",
            "7",
            0,
        ),
        ({"stages": [{"native": "SELECT 1"}, {"aggregation": [["count", {}]]}]}, "", "", 1),
        ({}, "", "", 0),
        (None, "", "", 0),
    ],
)
def test_sources_are_found_wherever_they_stand(
    query: Any, tables: str, cards: str, sql: int
) -> None:
    found = asked(query)
    assert found == Asked(tuple(tables.split()), tuple(cards.split()), found.sql)
    assert len(found.sql) == sql


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("SELECT * FROM a.b WHERE x = {{y}} [[AND z > {{w}}]]", {"a.b"}),
        ("SELECT * FROM a.b WHERE {{created}} LIMIT {{many}}", {"a.b"}),
        ("SELECT * FROM a.b WHERE x IN ({{list}}) AND y = '{{text}}'", {"a.b"}),
        ("WITH m AS {{#5-gizmos}} SELECT * FROM m JOIN a.b USING (id)", {STAND_IN, "a.b"}),
        ("SELECT * FROM {{#5}} AS m, a.b", {STAND_IN, "a.b"}),
        ("SELECT * FROM a.b\n[[WHERE x = {{y}}\nAND z = 1]]", {"a.b"}),
    ],
)
def test_parameters_and_references_leave_sql_behind(sql: str, names: set[str]) -> None:
    assert set(tables_read(as_sql(sql), "a test", "postgres")) == names
