"""An incremental run describes what changed, misses nothing that did, and deletes nothing that lives."""

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from rayingest.api import Run
from rayingest.execute.knowing import Knowing
from rayingest.testing import StrictCatalogue

from ..running import later
from .test_deletion import killed
from .toy import Place, Toys, register

INCREMENTAL = {"incremental": {"enabled": True}}


@pytest.fixture
def toys(
    catalogue: StrictCatalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Toys]:
    """Tables whose versions the listing tells, ingested once; in the end all is true."""
    register(monkeypatch)
    tables = {"a": {"t0": 1, "t1": 1, "t2": 1}, "b": {"x": 1, "y": 1}}
    toys = Toys(Place(tables, {"a": {"p": 1}}, tokens=True), catalogue, tmp_path)
    assert described(toys) == ["t0", "t1", "t2", "x", "y"]
    yield toys
    toys.place.well()
    described(toys)
    assert toys.differs() == {}


def described(toys: Toys, code: int = 0, **wishes: Any) -> list[str]:
    """Tables that the next run describes."""
    return sorted(ran(toys, code, **wishes)[1])


def ran(toys: Toys, code: int = 0, **wishes: Any) -> tuple[Run, list[str]]:
    options = {**INCREMENTAL, **wishes.pop("options", {})}
    toys.place.described.clear()
    run = toys.run(toys.config(**options), **wishes)
    assert run.report.exit_code == code, run.report.verdict
    return run, toys.place.described


def test_what_has_not_changed_is_listed_and_not_described(toys: Toys) -> None:
    before = len(toys.catalogue.log)
    run, asked = ran(toys)
    assert asked == []
    book = run.report.types["table"]
    assert (book["discovered"], book["unchanged"]) == (5, 5)
    assert run.report.entities["table"]["unchanged"] == 5
    assert toys.writes(before) == []


def test_what_changed_is_described_once(toys: Toys) -> None:
    toys.place.tables["b"]["x"] = 2
    assert described(toys) == ["x"]
    assert described(toys) == []


def test_what_is_new_is_described_and_what_was_dropped_is_deleted(toys: Toys) -> None:
    toys.place.tables["b"]["z"] = 1
    del toys.place.tables["a"]["t1"]
    run, asked = ran(toys)
    assert asked == ["z"]
    assert run.report.types["table"]["deleted"] == 1
    assert "svc.db.a.t1" not in toys.alive()


def test_without_the_option_everything_is_described(toys: Toys) -> None:
    everything = ["t0", "t1", "t2", "x", "y"]
    assert described(toys, options={"incremental": {"enabled": False}}) == everything
    assert described(toys, options={"incremental": None}) == everything


def test_a_full_refresh_describes_everything_and_keeps_what_it_heard(toys: Toys) -> None:
    assert len(described(toys, full_refresh=True)) == 5
    assert described(toys) == []


def test_what_failed_is_described_again(toys: Toys) -> None:
    toys.place.tables["b"]["x"] = 2
    toys.place.fails.add("x")
    described(toys, code=3)
    assert toys.place.described == ["x"]
    toys.place.well()
    assert described(toys) == ["x"]


def test_what_somebody_deleted_in_the_sink_is_described_again(toys: Toys) -> None:
    toys.catalogue._state.store.by_fqn["tables"]["svc.db.b.x"].deleted = True
    assert described(toys) == ["x", "y"]
    assert "svc.db.b.x" in toys.alive()


def test_other_options_are_a_reason_to_describe_everything(toys: Toys) -> None:
    assert len(described(toys, options={"includeDDL": True})) == 5
    assert described(toys, options={"includeDDL": True}) == []


def test_a_listing_that_breaks_off_deletes_nothing_and_the_next_run_is_whole(toys: Toys) -> None:
    toys.place.partial.add("a")
    toys.place.tables["a"]["t2"] = 2
    described(toys, code=3)
    assert {"svc.db.a.t0", "svc.db.a.t1", "svc.db.a.t2"} <= toys.alive()
    toys.place.well()
    assert described(toys) == ["t2"]


def test_after_the_days_everything_is_described_once_more(
    toys: Toys, monkeypatch: pytest.MonkeyPatch
) -> None:
    later(monkeypatch, 6)
    assert described(toys) == []
    later(monkeypatch, 7)
    assert len(described(toys)) == 5
    assert described(toys) == []


def test_a_clock_that_went_back_is_not_believed(
    toys: Toys, monkeypatch: pytest.MonkeyPatch
) -> None:
    later(monkeypatch, -1)
    assert len(described(toys)) == 5


def test_a_reference_to_what_comes_later_arrives(toys: Toys) -> None:
    """The table itself has not changed, and its token says so."""
    toys.place.refers["y"], toys.place.dangling = "nowhere", True
    assert described(toys) == ["y"]
    assert described(toys) == ["y"]
    toys.place.tables["b"]["nowhere"] = 1
    assert described(toys) == ["nowhere", "y"]
    described(toys)
    assert described(toys) == []


def test_a_reference_to_what_is_not_described_is_found(toys: Toys) -> None:
    toys.place.refers["x"] = "y"
    assert described(toys) == ["x"]
    described(toys)
    assert described(toys) == []


@pytest.mark.parametrize("place", [(Knowing, "close"), (Knowing, "settled"), (Knowing, "ended")])
def test_a_run_that_was_cut_off_and_resumed_misses_nothing(toys: Toys, place: Any) -> None:
    toys.place.tables["b"]["x"] = 2
    toys.place.tables["a"]["new"] = 1
    config = toys.config(**INCREMENTAL)
    killed(toys, config, *place)
    toys.place.tables["b"]["y"] = 2
    assert toys.run(config, run_id="night", take_over=True).report.exit_code == 0
    described(toys)
    assert toys.differs() == {}


@pytest.mark.parametrize("seed", range(5))
def test_whatever_happens_the_catalogue_has_what_there_is(toys: Toys, seed: int) -> None:
    """Tables come, change, go and fail; what did not fail is as it is after every run."""
    random = Random(seed)
    held = toys.place.tables["a"]
    for step in range(6):
        name = f"t{random.randrange(6)}"
        match random.randrange(4):
            case 0:
                held[name] = held.get(name, 0) + 1
            case 1:
                held.pop(name, None)
                held["last"] = step
            case 2:
                toys.place.fails = {name}
                held[name] = held.get(name, 0) + 1
            case _:
                toys.place.well()
                held[f"n{step}"] = step
        failing = toys.place.fails & held.keys()
        ran(toys, 3 if failing else 0)
        assert toys.alive() >= toys.place.fqns()["table"] - {f"svc.db.a.{e}" for e in failing}
        if not failing:
            assert toys.differs() == {}
