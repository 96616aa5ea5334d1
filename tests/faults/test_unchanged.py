"""What the sink has already is not written again, and what it has not is never taken for that."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rayingest.api import Run
from rayingest.execute.drive import Drive
from rayingest.execute.knowing import Knowing
from rayingest.execute.recent import Recent
from rayingest.sinks import spelling
from rayingest.state.known import KnownState
from rayingest.testing import StrictCatalogue

from ..running import World
from .test_deletion import killed
from .toy import Place, Toys, register

EVERYTHING = {
    "includeOwners": True,
    "includeTags": True,
    "includeDDL": True,
    "includeStoredProcedures": True,
}


@pytest.fixture
def toys(
    catalogue: StrictCatalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Toys]:
    """Tables with foreign keys in a circle, ingested once; in the end all is true."""
    register(monkeypatch)
    tables = {"a": {"t0": 1, "t1": 1, "t2": 1}, "b": {"x": 1, "y": 1}}
    place = Place(tables, {"a": {"p": 1}}, {"t0": "t1", "t1": "t0"})
    toys = Toys(place, catalogue, tmp_path)
    assert toys.run().report.exit_code == 0
    yield toys
    assert toys.differs() == {}


def all_unchanged(run: Run) -> None:
    assert run.report.exit_code == 0, run.report.verdict
    for kind, book in run.report.types.items():
        assert book["unchanged"] == book["discovered"] > 0, (kind, book)
    for kind, book in run.report.entities.items():
        assert book["unchanged"] == book["emitted"], (kind, book)
    assert run.report.rewritten == []


def written(toys: Toys, **wishes: Any) -> list[str]:
    """FQNs that the next run writes."""
    config = wishes.pop("config", None)
    before = len(toys.catalogue.log)
    assert toys.run(config, **wishes).report.exit_code == 0
    return sorted(set(toys.writes(before)))


def everything(toys: Toys) -> list[str]:
    names = {each for all_ in toys.place.fqns().values() for each in all_}
    return sorted(names | {"svc"})


# --- nothing changed ---


@pytest.mark.parametrize("options", [{}, EVERYTHING], ids=["plain", "all facets"])
def test_a_second_run_of_a_shop_writes_nothing(world: World, options: dict[str, Any]) -> None:
    assert world.catalogue is not None
    world.catalogue.add_user(world.server.user)
    config = world.config(options=options)
    assert world.run(config).report.exit_code == 0
    before, held = len(world.catalogue.log), world.outcome()
    all_unchanged(world.run(config))
    assert world.catalogue.log[before:] == []
    assert world.outcome() == held


@pytest.mark.ray
def test_on_ray_too(shared_ray: str, world: World) -> None:
    config = world.config(execution={"address": shared_ray})
    assert world.run(config, engine="ray").report.exit_code == 0
    assert world.catalogue is not None
    before = len(world.catalogue.log)
    all_unchanged(world.run(config, engine="ray"))
    assert world.catalogue.log[before:] == []


@pytest.mark.parametrize(
    "sink",
    [
        {"type": "file", "config": {"path": "{}/catalogue"}},
        {"type": "sql", "config": {"url": "sqlite:///{}/catalogue.db"}},
    ],
    ids=lambda each: each["type"],
)
def test_other_sinks_are_left_alone_too(world: World, tmp_path: Path, sink: dict[str, Any]) -> None:
    config = {key: value.format(tmp_path) for key, value in sink["config"].items()}
    path = world.config(sink={**sink, "config": config})
    assert world.run(path).report.exit_code == 0
    run = world.run(path)
    all_unchanged(run)
    (gone,) = tmp_path.glob("catalogue*")
    shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
    again = world.run(path)
    assert again.report.entities["table"]["acknowledged"] == 60
    assert any(each.startswith("svc.") for each in again.report.rewritten)


def test_services_of_others_are_none_of_our_business(toys: Toys) -> None:
    other = {"name": "other", "serviceType": "CustomDatabase"}
    toys.catalogue.seed("services/databaseServices", other)
    before = len(toys.catalogue.log)
    all_unchanged(toys.run())
    assert toys.writes(before) == []


def test_a_reference_to_what_is_not_ingested_is_not_written_every_time(toys: Toys) -> None:
    toys.place.refers["y"], toys.place.dangling = "nowhere", True
    toys.run()
    assert written(toys) == []
    toys.place.tables["b"]["nowhere"] = 1
    assert written(toys) == ["svc.db.b.nowhere", "svc.db.b.y"]
    assert written(toys) == []


# --- something changed ---


def test_one_changed_table_is_the_one_that_is_written(toys: Toys) -> None:
    toys.place.tables["b"]["x"] = 2
    assert written(toys) == ["svc.db.b.x"]
    assert written(toys) == []


def test_one_changed_reference_is_noticed(toys: Toys) -> None:
    toys.place.refers["t0"] = "t2"
    assert written(toys) == ["svc.db.a.t0"]
    assert written(toys) == []


@pytest.mark.parametrize("option", ["includeOwners", "includeDDL"])
def test_an_option_that_is_switched_on_is_noticed(
    world_of: Callable[..., World], option: str
) -> None:
    world = world_of(f"un_{option.lower()}", "create schema s", "create view s.v as select 1 as i")
    assert world.catalogue is not None
    world.catalogue.add_user(world.server.user)
    assert world.run(world.config(options={"includeDDL": False})).report.exit_code == 0
    run = world.run(world.config(options={"includeDDL": False, option: True}))
    assert run.report.entities["table"]["acknowledged"] == 1
    body = next(iter(world.catalogue.entities("tables").values()))
    assert body.get("owners" if option == "includeOwners" else "schemaDefinition")


def test_a_server_without_its_data_is_filled_again(toys: Toys) -> None:
    toys.catalogue.reset()
    run = toys.run()
    assert run.report.exit_code == 0
    assert {"svc.db.a", "svc.db.b", "svc.db"} <= set(run.report.rewritten)
    assert toys.differs() == {}


def test_a_server_that_lost_some_tables_is_filled_again(toys: Toys) -> None:
    toys.catalogue._state.store.by_fqn["tables"]["svc.db.b.y"].deleted = True
    before = len(toys.catalogue.log)
    assert toys.run().report.rewritten == ["svc.db.b"]
    assert toys.writes(before) == ["svc.db.b.x", "svc.db.b.y"]


def test_a_second_sink_starts_from_nothing(toys: Toys, contracts: Path) -> None:
    with StrictCatalogue(token="canary-jwt-2c48d0") as other:  # noqa: S106 - the tests'
        second = Toys(toys.place, other, toys.folder)
        assert second.run().report.entities["table"]["acknowledged"] == 5
        assert second.differs() == {}
    assert written(toys) == []


def test_a_new_mapping_is_noticed(toys: Toys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spelling, "MAPPING", b"rayingest.mapping/next")
    assert written(toys) == everything(toys)
    assert written(toys) == []


def test_all_is_written_again_when_that_is_wanted(toys: Toys) -> None:
    assert written(toys, full_refresh=True) == everything(toys)
    assert written(toys) == []
    override = toys.config(overrideMetadata=True)
    for _ in range(2):
        assert written(toys, config=override) == everything(toys)


# --- what a run without an end has left ---


def change(toys: Toys, version: int) -> None:
    for name in ("t0", "t2"):
        toys.place.tables["a"][name] = version
    toys.place.tables["b"]["x"] = version


@pytest.mark.parametrize(
    ("owner", "name", "after"),
    [
        (KnownState, "commit", False),
        (KnownState, "commit", True),
        (Knowing, "close", False),
        (KnownState, "close", False),
    ],
)
def test_what_a_killed_run_may_have_changed_is_not_believed(
    toys: Toys, owner: type, name: str, after: bool
) -> None:
    change(toys, 2)
    killed(toys, toys.config(), owner, name, after=after)
    change(toys, 1)
    toys.run()
    assert toys.differs() == {}


@pytest.mark.parametrize(
    "wishes", [{"select": ["*.y"]}, {"timeout": 0.0, "unfinished": True}], ids=str
)
@pytest.mark.parametrize("place", [(Knowing, "close"), (KnownState, "commit")], ids=str)
def test_nor_after_a_run_that_looked_elsewhere(
    toys: Toys, wishes: dict[str, Any], place: tuple[type, str]
) -> None:
    """The run in between ends well, and has not seen what the killed one wrote."""
    change(toys, 2)
    killed(toys, toys.config(), *place)
    change(toys, 1)
    toys.run(**wishes)
    toys.run()
    assert toys.differs() == {}


@pytest.mark.parametrize("again", [True, False], ids=["the same run", "another run"])
@pytest.mark.parametrize("known", [True, False], ids=["known", "not known"])
def test_a_row_that_waited_for_its_references_when_the_run_stopped(
    toys: Toys, again: bool, known: bool
) -> None:
    """The second wave never came. What is not known at the sink is there without its references."""
    change(toys, 2)

    def stop(self: Drive) -> None:
        if self.scheduler.first_wave_over and self.scheduler.deferred_open:
            self.scheduler.stop("timeout")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Drive, "_second_wave", stop)
        patch.setattr(Recent, "issuperset", lambda *_: False)  # nothing goes in full at once
        stopped = toys.run(unfinished=True, run_id="night", full_refresh=not known)
    assert stopped.report.resumable
    held = toys.catalogue.entities("tables")["svc.db.a.t0"]
    whole = held["description"] == "version 1" and held["tableConstraints"]
    half = held["description"] == "version 2" and not held.get("tableConstraints")
    assert whole if known else half
    change(toys, 1)
    toys.place.well()
    if again:
        toys.run(run_id="night", full_refresh=not known)
    toys.run()
    toys.run()
    assert toys.differs() == {}


def test_a_run_that_goes_on_after_another_does_not_believe_itself(toys: Toys) -> None:
    change(toys, 2)
    killed(toys, toys.config(), Knowing, "close")
    change(toys, 3)
    toys.run()
    toys.run(run_id="night", take_over=True)
    change(toys, 2)
    toys.run()
    assert toys.differs() == {}


def test_runs_at_the_same_time_believe_nothing(toys: Toys) -> None:
    """The second begins and ends while the first one is under way."""
    change(toys, 2)
    settled, inner = Knowing.settled, []

    def settling(self: Knowing, *about: Any) -> None:
        if about[0].scope == "svc.db.a" and not inner:
            inner.append(True)
            change(toys, 3)
            toys.run()
        settled(self, *about)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Knowing, "settled", settling)
        toys.run()
    change(toys, 2)
    toys.run()
    assert toys.differs() == {}
