"""How often workbooks are looked at: the sum of their views, while these are the same."""

from typing import Any

import pytest

import rayingest as ri
from rayingest.testing.tableau import luid

from ...running import later
from ..dashboards import Place

pytest.importorskip("graphql")

ONE, SHEET = luid("work", 1), luid("view", 100)


@pytest.fixture
def place(place: Place[Any]) -> Place[Any]:
    place.world.dashboards = 2
    return place


def told(place: Place[Any], patch: pytest.MonkeyPatch, day: int) -> list[int]:
    """Counts that the catalogue has of the first workbook, after a run on another day."""
    later(patch, day)
    assert place.run(place.config(includeDataModels=False)).report.exit_code == 0
    found: dict[str, int] = place.catalogue.entities("usage").get(f"bi.{ONE}", {})
    return list(found.values())


def asked(place: Place[Any]) -> int:
    return sum(each.partition("?")[0].endswith("/views") for each in place.world.log)


def test_a_workbook_was_looked_at_as_often_as_its_views_by_one_call_for_all(
    place: Place[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert told(place, monkeypatch, 0) == []
    assert asked(place) == 1
    place.world.looks.update({SHEET: 105, luid("view", 101): 104})
    assert told(place, monkeypatch, 1) == [8]


def test_a_workbook_with_another_view_begins_anew(
    place: Place[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sheet that the account may see from now on brings all the looks of its past."""
    told(place, monkeypatch, 0)
    place.world.views += 1
    assert told(place, monkeypatch, 1) == []
    place.world.looks[SHEET] = 104
    assert told(place, monkeypatch, 2) == [4]


def test_who_may_not_list_views_is_told_and_has_all_the_rest(
    place: Place[Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    place.world.hidden.add("views")
    assert told(place, monkeypatch, 0) == []
    assert "How often workbooks are looked at is not read" in caplog.text
    assert f"bi.{ONE}" in place.held("dashboards")
    checks = ri.load(place.config(), flags={"engine": "local"}).check()
    (told_by_check,) = (each for _, each in checks if each.capability == "usage")
    assert (told_by_check.status, "not list views" in str(told_by_check.why)) == ("warning", True)


def test_who_does_not_want_it_asks_no_more(place: Place[Any]) -> None:
    run = place.run(place.config(includeUsage=False))
    assert asked(place) == 0
    assert "usage" not in run.report.entities
