"""What one worker wrote is told to the others, each time once."""

import pytest

from rayingest.execute import elsewhere as module
from rayingest.execute.elsewhere import Elsewhere
from rayingest.execute.events import Deferred, Result, Settled, Written
from rayingest.model import EntityType

MODEL, DASHBOARD = EntityType.DASHBOARD_DATA_MODEL, EntityType.DASHBOARD


def wrote(kind: EntityType, *names: str, outcome: str = "acknowledged") -> Settled:
    written = [Written(kind.value, each, "", outcome) for each in names]
    return Settled(1, [Result("x", "ok", written=written[:1])], [Deferred("y", [], written[1:])])


def test_each_worker_is_told_once_what_others_refer_to() -> None:
    there = Elsewhere((MODEL, DASHBOARD))
    there.wrote(wrote(MODEL, "a"))
    there.wrote(wrote(DASHBOARD, "d"))
    assert there.news(1) == ("dashboardDataModel:a",)
    there.wrote(wrote(MODEL, "b"))
    there.wrote(wrote(MODEL, "c", outcome="refused"))
    there.wrote(wrote(MODEL, "e", outcome="unchanged"))
    assert there.news(1) == ("dashboardDataModel:b", "dashboardDataModel:e")
    assert there.news(1) == ()
    assert len(there.news(2)) == 3, "whoever comes later hears it all"


def test_no_more_is_told_than_is_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 2)
    there = Elsewhere((MODEL, DASHBOARD))
    there.wrote(wrote(MODEL, "a", "b", "c"))
    assert len(there.news(1)) == 2
