"""Looker into a catalogue: what arrives, what it costs, and what may go wrong."""

import re
import threading
from collections import Counter
from typing import Any

import pytest

import rayingest as ri
from rayingest.connectors.dashboard._looker import api

from ...running import later
from ..dashboards import Place

LOOKML = {"bi.shop_overview_1", "bi.shop_overview_2"}


def test_everything_arrives_as_looker_tells_it(place: Place[Any]) -> None:
    run = place.run()
    assert run.report.exit_code == 0
    dashboards = place.held("dashboards")
    assert dashboards.keys() == {f"bi.{at}" for at in range(1, 21)} | LOOKML
    one = dashboards["bi.1"]
    assert (one["displayName"], one["description"]) == ("Dashboard 1", "What 1 shows.")
    assert one["project"] == "Shared / Finance / Board"
    assert one["sourceUrl"] == f"{place.url}/dashboards/1"
    assert one["charts"] == ["bi.100", "bi.101", "bi.102"]
    assert one["dataModels"] == ["bi.model.shop_products", "bi.model.shop_users"]
    charts = place.held("charts")
    assert len(charts) == 3 * 22
    assert [charts[f"bi.10{at}"]["chartType"] for at in range(3)] == ["Line", "Table", "Text"]


def test_explores_are_data_models_with_their_fields(place: Place[Any]) -> None:
    place.run()
    models = place.held("dashboard/datamodels")
    assert models.keys() == {f"bi.model.shop_{each}" for each in ("orders", *OTHERS)}
    orders = models["bi.model.shop_orders"]
    assert (orders["dataModelType"], orders["project"]) == ("LookMlExplore", "shop")
    assert [each["tagFQN"] for each in orders["tags"]] == ["LookerTags.certified"]
    columns = {each["name"]: each for each in orders["columns"]}
    assert columns.keys() > {"orders.id", "orders.revenue", "users.status"}
    assert columns["orders.revenue"]["dataTypeDisplay"] == "measure, sum"
    assert columns["orders.revenue"]["description"] == "Money."
    assert columns["orders.created_date"]["dataType"] == "DATE"
    assert columns["orders.is_open"]["dataType"] == "BOOLEAN"
    assert [each["tagFQN"] for each in columns["orders.status"]["tags"]] == ["LookerTags.pii"]


OTHERS = ("users", "products", "events", "inventory")


def test_a_dashboard_comes_from_the_explores_that_it_asks(place: Place[Any]) -> None:
    place.run()
    asked = {
        (model, name)
        for name, each in place.held("dashboards").items()
        for model in each["dataModels"]
    }
    assert place.edges() == asked
    assert len(asked) == 44


def test_each_costs_one_call_and_a_session_logs_in_once(place: Place[Any]) -> None:
    run = place.run(place.config(execution={"parallelism": 2}))
    calls = place.world.calls
    details = Counter(place.world.log)
    alone = [name for name in details if name.startswith("/dashboards/") and "search" not in name]
    assert len(alone) == 22
    assert {details[each] for each in alone} == {1}
    assert calls["lookml_models"] == 5 + 1  # the explores, and the list of them
    assert calls["folders"] == 1
    assert calls["users"] == 0
    # Two slots, the two listings, and what all share.
    assert calls["login"] <= 2 + 2 + 1
    assert run.report.calls["source"] == calls.total() - 3, (
        "preparing: a log-in, the folders, the explores"
    )


def test_owners_are_looked_up_once_for_all(place: Place[Any]) -> None:
    ann = place.catalogue.add_user("ann")
    place.run(place.config(includeOwners=True))
    assert place.world.calls["users"] == 1
    owners = {name: each.get("owners") for name, each in place.held("dashboards").items()}
    assert owners["bi.3"] == [{"id": ann, "type": "user"}]
    assert owners["bi.1"] is None  # bob, whom the catalogue does not know


@pytest.mark.parametrize(
    ("options", "dashboards"),
    [
        ({"dashboardFilterPattern": {"includes": ["^Dashboard 1$"]}}, {"bi.1"}),
        ({"dashboardFilterPattern": {"excludes": ["^Dashboard"]}}, LOOKML),
        ({"projectFilterPattern": {"includes": ["LookML"]}}, LOOKML),
        ({"projectFilterPattern": {"excludes": ["Shared", "Ann"]}}, LOOKML),
    ],
)
def test_patterns_choose(place: Place[Any], options: dict[str, Any], dashboards: set[str]) -> None:
    run = place.run(place.config(**options))
    assert place.held("dashboards").keys() == dashboards
    assert run.report.filtered["dashboard"] == 22 - len(dashboards)


def test_charts_and_data_models_are_chosen_too(place: Place[Any]) -> None:
    place.run(
        place.config(
            chartFilterPattern={"includes": ["Tile 0"]},
            dataModelFilterPattern={"includes": ["orders"]},
        )
    )
    assert {each["displayName"] for each in place.held("charts").values()} == {"Tile 0"}
    assert place.held("dashboard/datamodels").keys() == {"bi.model.shop_orders"}
    assert {source for source, _ in place.edges()} == {"bi.model.shop_orders"}


def test_what_is_not_asked_for_is_not_read(place: Place[Any]) -> None:
    place.run(place.config(includeDataModels=False, includeTags=False))
    assert place.held("dashboard/datamodels") == {}
    assert place.world.calls["lookml_models"] == 0
    assert place.edges() == set()


def test_drafts_are_what_lies_in_somebodys_own_folder(place: Place[Any]) -> None:
    place.run(place.config(includeDraftDashboard=False))
    projects = {each["project"] for each in place.held("dashboards").values()}
    assert projects == {"Shared / Finance", "Shared / Finance / Board", "LookML Dashboards"}


# --- again ---


def test_a_second_run_writes_nothing(place: Place[Any]) -> None:
    place.run()
    before = len(place.catalogue.log)
    run = place.run()
    assert run.report.exit_code == 0
    assert {name: book["unchanged"] for name, book in run.report.entities.items()} == {
        "dashboardService": 1,
        "dashboard": 22,
        "chart": 66,
        "dashboardDataModel": 5,
        "lineage": 44,
        "usage": 22,
    }
    assert place.catalogue.log[before:] == []


def test_a_pattern_deletes_nothing(place: Place[Any]) -> None:
    place.run()
    config = place.config(projectFilterPattern={"includes": ["LookML"]})
    run = place.run(config, allow_deletions=True)
    assert len(place.held("dashboards")) == 22
    assert "filter" in {each.rule for each in run.report.withheld}


def test_a_comparison_sees_charts_too(place: Place[Any]) -> None:
    place.run()
    same = ri.load(place.config(), flags={"engine": "local"}).compare()
    counts = {kind: (each.same, each.changed, each.create) for kind, each in same.types.items()}
    assert counts == {
        "dashboardService": (1, 0, 0),
        "dashboard": (22, 0, 0),
        "chart": (66, 0, 0),
        "dashboardDataModel": (5, 0, 0),
    }
    place.world.dashboards += 1
    place.world.elements = 2
    more = ri.load(place.config(), flags={"engine": "local"}).compare()
    assert more.types["dashboard"].create == 1
    assert more.types["chart"].only_there == 22, "each has lost its last tile"
    assert "charts" in {each.field for each in more.fields}


# --- what goes wrong ---


def test_a_looker_that_fails_throttles_and_forgets_tokens_loses_nothing(place: Place[Any]) -> None:
    place.world.fails, place.world.throttles = 0.2, 0.2
    place.world.token_calls = 4
    run = place.run()
    assert run.report.exit_code == 0
    assert len(place.held("dashboards")) == 22
    assert place.world.calls["login"] > 5
    assert len(place.world.refused) > 5


def test_one_slow_explore_holds_nobody_back(place: Place[Any]) -> None:
    slow, meanwhile = "/lookml_models/shop/explores/orders", threading.Semaphore(0)
    held: list[bool] = []

    def hold(path: str) -> None:
        if path == slow:  # it is not answered before all dashboards have been asked for
            held.append(all(meanwhile.acquire(timeout=20) for _ in range(22)))
        elif re.fullmatch("/dashboards/[^/]+", path):
            meanwhile.release()

    place.world.before = hold
    run = place.run(place.config(execution={"parallelism": 8}))
    assert run.report.exit_code == 0
    assert held == [True]


def test_a_page_that_moves_loses_nothing(
    place: Place[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is deleted while we list moves everything behind it to the front."""
    monkeypatch.setattr(api, "PAGE", 5)
    asked = []

    def meanwhile(path: str) -> None:
        if path == "/dashboards/search":
            asked.append(path)
            if len(asked) in (2, 4):  # between two pages
                place.world.trashed.update({str(len(asked)), str(len(asked) + 1)})

    place.world.before = meanwhile
    run = place.run()
    assert run.report.exit_code == 0
    alive = {str(number) for number in range(1, 21)} - place.world.trashed
    assert {f"bi.{each}" for each in alive} <= place.held("dashboards").keys()


def test_wrong_credentials_are_said_in_a_sentence(place: Place[Any]) -> None:
    wrong = "".join(reversed("91-yranac-gnorw"))  # or its line would stand in the traceback
    report = place.run(place.config({"clientSecret": wrong})).report
    assert (report.state, report.exit_code) == ("failed", 1)
    assert "does not take these credentials: 404" in report.verdict
    assert "API key of a user" in report.verdict
    assert wrong not in report.to_json().decode()


def test_whoever_may_not_see_models_gets_the_dashboards(place: Place[Any]) -> None:
    place.world.denied.add("lookml_models")
    run = place.run(unfinished=True)
    assert run.report.exit_code == 3
    assert len(place.held("dashboards")) == 22
    assert place.held("dashboard/datamodels") == {}


def test_check_says_what_works_and_what_a_role_needs(place: Place[Any]) -> None:
    place.world.denied.add("lookml_models")
    job = ri.load(place.config(includeOwners=True), flags={"engine": "local"})
    found = {each.capability: each for where, each in job.check() if where == "source"}
    assert {name: each.status for name, each in found.items()} == {
        "dashboards": "ok",
        "data models": "denied",
        "projects": "ok",
        "owners": "ok",
    }
    assert found["data models"].grant == "A role with: see_lookml_dashboards, explore."


@pytest.mark.ray
def test_on_ray_the_same_arrives(
    shared_ray: str, place: Place[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    place.world.throttles = 0.1
    config = place.config(execution={"address": shared_ray, "parallelism": 8})
    assert place.run(config, engine="ray").report.exit_code == 0
    assert len(place.held("dashboards")) == 22
    assert len(place.edges()) == 44
    place.world.views["1"] = 15  # 10 before
    later(monkeypatch, 1)
    assert place.run(config, engine="ray").report.exit_code == 0
    assert [[*each.values()] for each in place.catalogue.entities("usage").values()] == [[5]]


# --- tables ---


def test_tables_are_found_by_one_listing(place: Place[Any]) -> None:
    place.stock("orders", "Users", "products")
    lineage = {"dbServiceNames": ["pg"]}
    run = place.run(place.config(lineageInformation=lineage))
    assert run.report.exit_code == 0
    found = {each for each in place.edges() if each[0].startswith("pg.")}
    assert found == {
        ("pg.shop.inventory.orders", "bi.model.shop_orders"),
        ("pg.shop.inventory.products", "bi.model.shop_products"),
        *(("pg.shop.inventory.Users", f"bi.model.shop_{each}") for each in ("orders", *OTHERS)),
    }
    assert run.report.unresolved == 2, "events and inventory are not in the catalogue"
    assert run.report.unresolved_samples == [
        'table:pg."inventory.events"',
        'table:pg."inventory.inventory"',
    ]
    asked = place.catalogue.stats["by"]
    # One listing to find them; one look-up and one listing of the schema that they are still there.
    assert (asked["GET /tables"], asked["GET /tables/name/*"]) == (2, 1)
