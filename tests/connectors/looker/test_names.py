"""No two things of Looker share a name in the catalogue, and none is called otherwise for nothing."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from looker_sdk.sdk.api40 import models

from rayingest.connectors.dashboard._looker import entities, names
from rayingest.connectors.dashboard._looker.names import Place as Names

from ..dashboards import Place

WORDS = st.text("a_.", min_size=1, max_size=4)
ALIKE = {"a": ("b_c",), "a_b": ("c",)}


@given(st.sets(st.tuples(WORDS, WORDS)), WORDS, st.sets(WORDS))
def test_all_data_models_have_names_of_their_own(
    explores: set[tuple[str, str]], project: str, views: set[str]
) -> None:
    place = Names("bi", "", unusual=names.unusual(explores, project, views))
    called = [place.model(*each) for each in explores]
    called += [place.view(project, each) for each in views]
    assert len(set(called)) == len(called)


@given(st.sets(st.tuples(WORDS, WORDS)))
def test_who_is_called_as_usual_does_not_depend_on_the_order_of_a_listing(
    explores: set[tuple[str, str]],
) -> None:
    forwards, backwards = sorted(explores), sorted(explores, reverse=True)
    assert names.unusual(forwards, "", ()) == names.unusual(backwards, "", ())


def test_only_the_second_of_a_name_is_called_otherwise() -> None:
    explores = [("shop", "orders"), ("a_b", "c"), ("a", "b_c"), ("shop", "orders_view")]
    assert names.unusual(explores, "shop", ["orders", "users"]) == {
        ("a_b", "c"): "a_b.c",
        ("shop", "orders", "view"): "shop.orders.view",
    }


@pytest.fixture
def alike(place: Place[Any]) -> Iterator[Place[Any]]:
    """Two models whose explores come to the same name, and a dashboard of either that does, too."""
    place.world.dashboards, place.world.lookml_dashboards = 1, 0
    place.world.more_models = ALIKE
    place.world.more_dashboards = ("a::b_c", "a_b::c")
    return place


def test_explores_of_models_that_are_called_alike_stay_apart(alike: Place[Any]) -> None:
    assert alike.run().report.exit_code == 0
    models = alike.held("dashboard/datamodels")
    told = {name: (each["name"], each["sourceUrl"]) for name, each in models.items()}
    assert told["bi.model.a_b_c"] == ("a_b_c", f"{alike.url}/explore/a/b_c")
    assert told['bi.model."a_b.c"'] == ("a_b.c", f"{alike.url}/explore/a_b/c")
    assert len(told) == 5 + 2


def test_lookml_dashboards_that_are_called_alike_stay_apart(alike: Place[Any]) -> None:
    assert alike.run().report.exit_code == 0
    dashboards = alike.held("dashboards")
    told = {name: (each["name"], each["sourceUrl"]) for name, each in dashboards.items()}
    assert told["bi.a_b_c"] == ("a_b_c", f"{alike.url}/dashboards/a::b_c")
    assert told['bi."a_b.c"'] == ("a_b.c", f"{alike.url}/dashboards/a_b::c")
    assert len(alike.held("charts")) == 3 * 3
    assert {each for each in alike.edges() if "a_b" in each[1]} == {
        ("bi.model.a_b_c", "bi.a_b_c"),
        ('bi.model."a_b.c"', 'bi."a_b.c"'),
    }


@pytest.mark.parametrize(
    ("called", "elements"), [("a_b_c", ["a_b_c_t", "a_b_c_2"]), ("a_b.c", ["a_b.c.t", "a_b.c_2"])]
)
def test_elements_are_spelled_as_their_dashboard(called: str, elements: list[str]) -> None:
    """Those that tell no id are counted."""
    tiles = [models.DashboardElement(id="a_b::c::t"), models.DashboardElement()]
    raw = models.Dashboard(id="a_b::c", dashboard_elements=tiles)
    told = [chart.name for chart, _, _ in entities.charts(raw, called, Names("bi", ""))]
    assert told == elements


def test_they_are_called_the_same_in_the_next_run(alike: Place[Any]) -> None:
    alike.run()
    before = len(alike.catalogue.log)
    assert alike.run().report.exit_code == 0
    assert alike.catalogue.log[before:] == []


def test_a_pattern_does_not_change_what_is_called_how(alike: Place[Any]) -> None:
    """Whoever keeps the second alone finds it under the name that it always has."""
    patterns = {"dataModelFilterPattern": {"includes": ["c"]}}
    alike.run(alike.config(**patterns, dashboardFilterPattern={"excludes": ["x"]}))
    assert alike.held("dashboard/datamodels").keys() == {'bi.model."a_b.c"'}


def test_a_view_and_an_explore_that_are_called_alike_stay_apart(
    place: Place[Any], files: str
) -> None:
    place.world.dashboards = 1
    place.world.more_models = {"shop_orders": ("view",)}
    assert place.run(place.config({"gitCredentials": files})).report.exit_code == 0
    told = {
        name: each["dataModelType"] for name, each in place.held("dashboard/datamodels").items()
    }
    assert told["bi.model.shop_orders_view"] == "LookMlExplore"
    assert told['bi.model."shop.orders.view"'] == "LookMlView"
    assert len(told) == 5 + 1 + 5
    assert ('bi.model."shop.orders.view"', "bi.model.shop_orders") in place.edges()
