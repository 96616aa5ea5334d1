"""How often dashboards are looked at: told by day, counted apart, and never twice."""

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

import rayingest as ri
from rayingest.api import Run, remembering
from rayingest.api.wishes import Wishes
from rayingest.core.source import ScopeListed
from rayingest.execute.events import ScopeSettled
from rayingest.execute.knowing import Knowing
from rayingest.model import EntityType
from rayingest.testing.strict.faults import Faults

from ...running import later
from ..dashboards import Place, place_of

FEW = {"dashboards": 2, "lookml_dashboards": 1, "explores": 1, "elements": 1}
POST = "POST /api/v1/usage"


def day(days: int) -> str:
    return (datetime.now(UTC).date() + timedelta(days)).isoformat()


class KilledError(BaseException):
    """The driver ends here."""


class Bench:
    """A small Looker and a catalogue; runs on one day after the other. In the end nothing is told twice."""

    def __init__(self, place: Place[Any], patch: pytest.MonkeyPatch) -> None:
        self.place, self._patch = place, patch
        self.place.world.views.update({"1": 100, "2": 7})

    def looked(self, times: int) -> None:
        """The first dashboard was looked at."""
        self.place.world.views["1"] += times

    def run(self, days: int = 0, *, options: Any = None, **wishes: Any) -> Run:
        later(self._patch, days)
        before = len(self.place.catalogue.log)
        run = self.place.run(self.place.config(**(options or {})), **wishes)
        told = self.place.catalogue.log[before:]
        self.entities = [each for each in told if each.collection != "usage"]
        self.uses = [each for each in told if each.collection == "usage"]
        return run

    def killed(self, days: int) -> None:
        """A run whose driver dies when all is written, and nothing is kept."""
        original = Knowing.settled

        def dying(knowing: Knowing, scope: ScopeSettled, listed: ScopeListed) -> None:
            if scope.type is EntityType.DASHBOARD:
                raise KilledError
            original(knowing, scope, listed)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Knowing, "settled", dying)
            with pytest.raises(KilledError):
                self.run(days)

    @property
    def told(self) -> dict[str, int]:
        """Day -> uses of the first dashboard, as the catalogue has them."""
        found: dict[str, int] = self.place.catalogue.entities("usage").get("bi.1", {})
        return found


@pytest.fixture
def bench(hurried: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with place_of("looker", tmp_path, **FEW) as place:
        yield Bench(place, monkeypatch)


def test_the_first_run_only_remembers_what_was(bench: Bench) -> None:
    run = bench.run()
    assert run.report.exit_code == 0
    assert (bench.told, bench.uses) == ({}, [])
    assert run.report.entities["usage"] == {
        "emitted": 3,
        "acknowledged": 0,
        "refused": 0,
        "unchanged": 3,
    }


def test_the_next_day_has_what_was_looked_at_since_and_no_entity_is_written(bench: Bench) -> None:
    bench.run()
    bench.looked(5)
    run = bench.run(1)
    assert bench.told == {day(1): 5}
    assert bench.entities == []
    book = run.report.types["dashboard"]
    assert (book["unchanged"], book["discovered"]) == (3, 3)
    assert run.report.entities["dashboard"]["unchanged"] == 3
    usage = run.report.entities["usage"]
    assert (usage["acknowledged"], usage["unchanged"]) == (1, 2)


def test_a_day_of_two_runs_has_all_of_both(bench: Bench) -> None:
    bench.run()
    for times, told in ((5, 5), (2, 7), (0, 7)):
        bench.looked(times)
        bench.run(1)
        assert bench.told == {day(1): told}
        assert len(bench.uses) == bool(times)
    assert bench.run(2).report.entities["usage"]["unchanged"] == 3
    assert bench.uses == [], "nobody looked"


def test_a_dashboard_that_was_made_anew_counts_from_there(bench: Bench) -> None:
    bench.run()
    bench.place.world.views["1"] = 3
    bench.run(1)
    assert bench.uses == []
    bench.looked(4)
    bench.run(2)
    assert bench.told == {day(2): 4}


def test_a_full_refresh_and_other_options_go_on_counting(bench: Bench) -> None:
    bench.run()
    bench.looked(5)
    bench.run(1, full_refresh=True)
    assert bench.entities
    assert bench.told == {day(1): 5}
    bench.looked(1)
    bench.run(1, options={"includeTags": False})
    assert bench.told == {day(1): 6}


def test_a_lost_state_begins_anew_and_takes_nothing_back(bench: Bench, tmp_path: Path) -> None:
    bench.run()
    bench.looked(5)
    bench.run(1)
    shutil.rmtree(tmp_path / "state")
    bench.looked(2)
    bench.run(1)
    bench.looked(1)
    bench.run(1)
    assert bench.told == {day(1): 5}
    bench.looked(1)
    bench.run(2)
    assert bench.told == {day(1): 5, day(2): 2}


def test_a_refused_count_fails_its_dashboard_and_is_no_use_of_another_day(bench: Bench) -> None:
    bench.run()
    bench.looked(5)
    bench.place.catalogue.faults = Faults(status_for_next=[(400, 1)], only=POST)
    run = bench.run(1)
    assert run.report.entities["usage"]["refused"] == 1
    assert run.report.types["dashboard"]["failed"] == 1
    (error,) = run.report.errors
    assert error.samples == ["bi.1"]
    assert error.hint
    assert "includeUsage" in error.hint
    bench.looked(2)
    bench.run(2)
    assert bench.told == {}, "it may have been counted before it was refused"
    bench.looked(1)
    bench.run(3)
    assert bench.told == {day(3): 1}


def test_a_count_whose_answer_was_lost_counts_once(bench: Bench) -> None:
    bench.run()
    bench.looked(5)
    bench.place.catalogue.faults = Faults(torn_next=1, only=POST)
    assert bench.run(1).report.exit_code == 0
    assert [each.outcome for each in bench.uses] == ["created", "updated"]
    assert bench.told == {day(1): 5}


def test_after_a_run_that_died_nothing_is_told_twice(bench: Bench) -> None:
    """How it is when that run goes on: tests/execute/test_counting.py."""
    bench.run()
    bench.looked(5)
    bench.killed(1)
    assert bench.told == {day(1): 5}
    bench.looked(2)
    assert bench.run(2).report.exit_code == 0
    bench.looked(1)
    bench.run(3)
    assert bench.told == {day(1): 5, day(3): 1}


def test_uses_are_not_told_where_nobody_wants_them_or_knows_them(bench: Bench) -> None:
    bench.place.world.views["2"] = None
    assert bench.run().report.entities["usage"]["emitted"] == 2
    bench.looked(5)
    run = bench.run(1, options={"includeUsage": False})
    assert "usage" not in run.report.entities
    assert bench.entities == [], "that nobody counts changes no entity"
    bench.run(2)
    assert bench.uses == [], "nobody has kept how often it was"


def test_who_only_looks_counts_nothing(bench: Bench) -> None:
    bench.run()
    bench.looked(5)
    assert bench.run(1, dry_run=True).report.entities["usage"]["unchanged"] == 3
    job = ri.load(bench.place.config(), flags={"engine": "local"})
    plan, comparison = job.plan(), job.compare()
    assert (plan.exit_code, plan.sample.failures) == (0, [])
    assert (plan.types["dashboard"].unchanged, plan.types["dashboard"].update) == (3, 0)
    assert (comparison.exit_code, comparison.errors) == (0, [])
    assert bench.run(1).report.entities["usage"]["acknowledged"] == 1
    assert bench.told == {day(1): 5}


@pytest.mark.parametrize(
    ("tool", "wanted", "counts"),
    [("looker", True, True), ("looker", False, False), ("redash", True, False)],
)
def test_totals_are_looked_up_only_where_somebody_tells_them(
    tmp_path: Path, tool: str, wanted: bool, counts: bool
) -> None:
    """It is a look at all that was written, which a run of 10,000 tables would pay for nothing."""
    with place_of(tool, tmp_path) as place:
        config = ri.load(place.config(includeUsage=wanted)).config
        memory = remembering.memory(config, Wishes(), "run", few=False, changed=False)
    assert (memory.day is not None) is counts


def test_other_sinks_keep_a_line_for_each_day(bench: Bench, tmp_path: Path) -> None:
    sink = {"type": "file", "config": {"path": str(tmp_path / "catalogue")}}
    for at in range(3):
        later(bench._patch, at)
        bench.looked(at)
        config = bench.place.config()
        config.write_text(config.read_text().replace("metadata-rest", "file"))
        assert bench.place.run(with_sink(config, sink)).report.exit_code == 0
    lines = (tmp_path / "catalogue" / "usage.jsonl").read_text().splitlines()
    told = [json.loads(each) for each in lines]
    assert [each["payload"] for each in told] == [
        {"date": day(1), "count": 1},
        {"date": day(2), "count": 2},
    ]
    assert {each["targetFqn"] for each in told} == {"bi.1"}


def with_sink(config: Path, sink: dict[str, Any]) -> Path:
    tree = yaml.safe_load(config.read_text())
    config.write_text(yaml.safe_dump({**tree, "sink": sink}))
    return config
