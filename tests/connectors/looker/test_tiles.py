"""What a dashboard asks: tiles of every kind, merged results, filters."""

import json
import logging
from typing import Any

import pytest
from looker_sdk.rtl.serialize import DeserializeError
from looker_sdk.sdk.api40 import models

from rayingest.connectors.dashboard._looker import entities
from rayingest.connectors.dashboard._looker.api import deserialize
from rayingest.connectors.dashboard._looker.names import Place as Names
from rayingest.testing._looker_tiles import MERGED

from ..dashboards import Place

MODEL = "bi.model.shop_"
FILTER = {f"{MODEL}orders"}  # suggests values; that of users has none
LAST = {f"{MODEL}events", f"{MODEL}inventory"}  # what the merged result asks


@pytest.fixture
def rich(place: Place[Any]) -> Place[Any]:
    """Two dashboards that have no plain tile, but one of every other kind, and filters."""
    place.world.dashboards, place.world.lookml_dashboards = 2, 0
    place.world.elements, place.world.rich = 0, 2
    return place


def asked(place: Place[Any], dashboard: str = "bi.1") -> set[str]:
    """What a dashboard comes from; its data models say the same."""
    edges = {source for source, target in place.edges() if target == dashboard}
    assert set(place.held("dashboards")[dashboard].get("dataModels", ())) == edges
    return edges


@pytest.mark.parametrize(
    ("tile", "explores"),
    [("A Look", {f"{MODEL}products"}), ("Merged", LAST), ("SQL", set()), ("193", set())],
)
def test_a_dashboard_comes_from_what_its_tiles_ask(
    rich: Place[Any], tile: str, explores: set[str]
) -> None:
    rich.run(rich.config(chartFilterPattern={"includes": [f"^{tile}$"]}))
    assert asked(rich) == explores | FILTER
    assert len(rich.held("dashboards")["bi.1"]["charts"]) == 1


def test_every_kind_of_tile_is_a_chart(rich: Place[Any]) -> None:
    rich.run()
    charts = rich.held("charts")
    kinds = {at: charts[f"bi.19{at}"]["chartType"] for at in range(4)}
    assert kinds == {0: "Area", 1: "Area", 2: "Area", 3: "Other"}


def test_filters_tell_where_their_suggestions_are_from(rich: Place[Any]) -> None:
    rich.run(rich.config(chartFilterPattern={"excludes": [".*"]}))
    assert asked(rich) == FILTER


def test_a_merged_result_costs_no_call_when_its_dashboard_tells_its_explores(
    rich: Place[Any],
) -> None:
    rich.run()
    assert asked(rich) >= LAST
    assert (rich.world.calls["merge_queries"], rich.world.calls["queries"]) == (0, 0)


def test_one_that_is_not_told_is_asked_for_once_by_a_session(rich: Place[Any]) -> None:
    """Two dashboards have it, and one of its queries is in it twice."""
    rich.world.untold = True
    rich.run(rich.config(execution={"parallelism": 1}))
    assert asked(rich, "bi.1") == asked(rich, "bi.2") >= LAST
    assert (rich.world.calls["merge_queries"], rich.world.calls["queries"]) == (1, 2)


@pytest.mark.parametrize(
    "options",
    [{"chartFilterPattern": {"excludes": ["Merged"]}}, {"includeDataModels": False}],
)
def test_nobody_asks_for_one_that_is_not_wanted(rich: Place[Any], options: dict[str, Any]) -> None:
    rich.world.untold = True
    rich.run(rich.config(**options))
    assert (rich.world.calls["merge_queries"], rich.world.calls["queries"]) == (0, 0)


@pytest.mark.parametrize("trouble", ["denied", "gone", "broken"])
def test_what_is_not_told_of_one_is_said_and_costs_itself_alone(
    rich: Place[Any], caplog: pytest.LogCaptureFixture, trouble: str
) -> None:
    rich.world.untold = True
    getattr(rich.world, trouble).add("q1")
    with caplog.at_level(logging.WARNING):
        run = rich.run()
    assert run.report.exit_code == 0
    assert asked(rich) == FILTER | {f"{MODEL}products", f"{MODEL}events"}
    assert "Lineage of bi.191 is not whole" in caplog.text


def test_one_that_is_gone_is_said_and_costs_itself_alone(
    rich: Place[Any], caplog: pytest.LogCaptureFixture
) -> None:
    rich.world.untold = True
    rich.world.gone.add(MERGED)
    with caplog.at_level(logging.WARNING):
        run = rich.run()
    assert run.report.exit_code == 0
    assert asked(rich) == FILTER | {f"{MODEL}products"}
    assert "Lineage of bi.191 is not whole" in caplog.text


def test_a_query_that_names_no_explore_asks_none() -> None:
    """The SDK makes a text of what is null."""
    query = {"model": None, "view": None}
    told = {"id": "1", "dashboard_elements": [{"id": "2", "query": query}]}
    raw = deserialize(data=json.dumps(told), structure=models.Dashboard)
    ((_chart, explores, merged),) = entities.charts(raw, "1", Names("bi", ""))
    assert (explores, merged) == (set(), None)


def test_what_is_no_answer_of_looker_says_where() -> None:
    told = {"id": "1", "dashboard_elements": [{"id": "2"}, {"id": "3", "query": {"id": "4"}}]}
    with pytest.raises(DeserializeError, match=r"@ \$\.dashboard_elements\[1\]"):
        deserialize(data=json.dumps(told), structure=models.Dashboard)


@pytest.mark.parametrize(
    "told", [{"merge_result_id": "m"}, {"result_maker": {"merge_result_id": "m"}}]
)
def test_a_merged_result_is_known_by_its_element_or_what_makes_it(told: dict[str, Any]) -> None:
    dashboard = {"id": "1", "dashboard_elements": [{"id": "2", **told}]}
    raw = deserialize(data=json.dumps(dashboard), structure=models.Dashboard)
    ((_chart, _explores, merged),) = entities.charts(raw, "1", Names("bi", ""))
    assert merged == "m"
