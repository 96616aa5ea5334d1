"""A plan says what a run will do, writes nothing, and a run that is held to it deletes nothing else."""

import json
from pathlib import Path
from typing import Any

import pytest

import rayingest as ri
from rayingest.api.plans import Plan, read
from rayingest.errors import ConfigError
from rayingest.testing import StrictCatalogue

from .toy import Place, Toys, register

COUNTS = ("create", "rewrite", "known", "update", "unchanged", "delete", "withheld")


@pytest.fixture
def toys(catalogue: StrictCatalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Toys:
    """Nine tables and two procedures in `a`, three tables in `b`; nothing of it ingested."""
    register(monkeypatch)
    tables = {"a": dict.fromkeys((f"t{n}" for n in range(9)), 1), "b": {"x": 1, "y": 1, "z": 1}}
    return Toys(Place(tables, {"a": {"p": 1, "q": 1}}), catalogue, tmp_path)


def plan(toys: Toys, config: Path | None = None, **more: Any) -> Plan:
    """Make a plan, and see that it changed nothing anywhere."""
    job = ri.load(config or toys.config(), flags={"engine": "local"})
    before = len(toys.catalogue.log), held(toys)
    made = job.plan(allow_untested=True, **more)
    assert (len(toys.catalogue.log), held(toys)) == before
    return made


def held(toys: Toys) -> dict[str, bytes]:
    """All that is kept on disk beside configs."""
    state = toys.folder / "state"
    return {str(each): each.read_bytes() for each in state.rglob("*") if each.is_file()}


def counts(made: Plan, kind: str = "table") -> dict[str, int]:
    """What is not zero."""
    told = made.types[kind]
    return {name: count for name in COUNTS if (count := getattr(told, name))}


def test_a_first_plan_creates_everything(toys: Toys) -> None:
    made = plan(toys)
    assert made.state == "success"
    assert counts(made) == {"create": 12}
    assert counts(made, "databaseService") == {"create": 1}
    assert {name for kind, name in made.create if kind == "table"} == toys.place.fqns()["table"]
    assert made.delete == []
    run = toys.run()
    assert run.report.types["table"]["ok"] == 12


def test_what_is_there_already_and_nobody_knows_of_is_written_again(toys: Toys) -> None:
    toys.run()
    made = plan(toys, toys.config("other.yaml"))  # another config has a state of its own
    assert counts(made) == {"rewrite": 12}
    assert counts(made, "databaseSchema") == {"rewrite": 2}
    assert made.create == []


def test_a_plan_tells_changed_from_unchanged_where_the_sample_has_all(toys: Toys) -> None:
    toys.run()
    toys.place.tables["a"] |= {"t1": 2, "t2": 2, "new": 1}
    made = plan(toys, sample=50)
    assert counts(made) == {"create": 1, "known": 12, "update": 2, "unchanged": 10}
    assert made.verdict == "19 found: 1 to create, about 2 to update, 0 to delete."
    mark = len(toys.catalogue.log)
    run = toys.run()
    assert run.report.entities["table"]["acknowledged"] == 3
    assert run.report.entities["table"]["unchanged"] == 10
    assert len(toys.writes(mark)) == 3


def test_without_a_sample_what_is_known_may_be_either(toys: Toys) -> None:
    toys.run()
    made = plan(toys, sample=0)
    assert "up to 17 to update" in made.verdict
    told = made.types["table"]
    assert (told.known, told.update_low, told.update_high) == (12, 0, 12)


def test_a_sample_of_some_gives_an_interval(toys: Toys) -> None:
    toys.place.tables["c"] = dict.fromkeys((f"c{n}" for n in range(200)), 1)
    toys.run()
    for name in list(toys.place.tables["c"])[:100]:
        toys.place.tables["c"][name] = 2
    told = plan(toys, sample=60).types["table"]
    assert told.known == 212
    assert 0 < told.update_low <= 100 <= told.update_high < 212
    assert told.update_low <= told.update <= told.update_high
    assert told.update + told.unchanged == 212


def test_full_refresh_and_override_write_all_again(toys: Toys) -> None:
    toys.run()
    assert counts(plan(toys, full_refresh=True)) == {"rewrite": 12}
    assert counts(plan(toys, toys.config(overrideMetadata=True))) == {"rewrite": 12}


def test_another_mapping_of_options_writes_all_again(toys: Toys) -> None:
    toys.run()
    config = toys.config(includeDDL=True)
    assert counts(plan(toys, config)) == {"rewrite": 12}
    mark = len(toys.catalogue.log)
    toys.run(config)
    assert len([each for each in toys.writes(mark) if each.count(".") == 3]) == 14


def test_deletions_are_told_before_they_are_made(toys: Toys) -> None:
    toys.run()
    del toys.place.tables["a"]["t0"], toys.place.tables["a"]["t1"]
    made = plan(toys)
    assert made.delete == [("table", "svc.db.a.t0"), ("table", "svc.db.a.t1")]
    assert counts(made)["delete"] == 2
    run = toys.run()
    assert run.report.types["table"]["deleted"] == 2
    assert toys.deleted() == {name for _, name in made.delete}


def test_a_schema_that_goes_takes_what_is_below_it_in_the_plan_too(toys: Toys) -> None:
    config = toys.config(markDeletedSchemas=True)
    toys.run(config)
    del toys.place.tables["b"]
    made = plan(toys, config)
    assert made.delete == [("databaseSchema", "svc.db.b")]
    assert made.types["databaseSchema"].delete == 1
    assert made.types["table"].delete == 3
    toys.run(config)
    assert toys.deleted() == {"svc.db.b.x", "svc.db.b.y", "svc.db.b.z"}


def test_what_a_run_withholds_the_plan_withholds(toys: Toys) -> None:
    toys.run()
    for name in list(toys.place.tables["a"])[:7]:
        del toys.place.tables["a"][name]
    made = plan(toys)
    assert made.delete == []
    assert [(each.rule, each.count) for each in made.withheld] == [("many", 7)]
    run = toys.run()
    assert [(each.rule, each.count) for each in run.report.withheld] == [("many", 7)]


def test_a_plan_is_no_second_look(toys: Toys) -> None:
    toys.run()
    toys.place.tables["a"] = {"t8": 1}
    toys.run()
    assert len(plan(toys).delete) == 8, "the next run is the second one to miss them"
    plan(toys)
    toys.place.tables["a"] = {"t8": 1, "t7": 1}
    assert len(plan(toys).delete) == 7


def test_a_listing_that_is_not_complete_makes_a_partial_plan(toys: Toys) -> None:
    toys.run()
    toys.place.partial.add("a")
    made = plan(toys)
    assert made.exit_code == 3
    assert made.not_listed == ["storedProcedure in svc.db.a", "table in svc.db.a"]
    assert made.delete == []
    assert toys.run().report.exit_code == 3


def test_a_listing_that_breaks_off_fails_the_plan_as_it_fails_the_run(toys: Toys) -> None:
    toys.run()
    toys.place.raises.add("b")
    made = plan(toys)
    assert made.delete == []
    assert made.exit_code == toys.run().report.exit_code == 1
    assert made.verdict.startswith("Failed: the listing breaks off at b")


def test_a_run_deletes_nothing_that_its_plan_does_not_name(toys: Toys) -> None:
    toys.run()
    del toys.place.tables["a"]["t0"]
    made = read(plan(toys).to_json(), "a file")
    del toys.place.tables["a"]["t1"]
    run = toys.run(plan=made)
    assert toys.deleted() == {"svc.db.a.t0"}
    assert [(each.rule, each.samples) for each in run.report.withheld] == [
        ("plan", ["svc.db.a.t1"])
    ]
    assert "Found since the plan was made: table 10 instead of 11." in run.report.warnings
    toys.run()
    assert toys.deleted() == {"svc.db.a.t0", "svc.db.a.t1"}


def test_what_came_back_since_the_plan_stays_alive(toys: Toys) -> None:
    toys.run()
    gone = toys.place.tables["a"].pop("t0")
    made = plan(toys)
    toys.place.tables["a"]["t0"] = gone
    toys.place.tables["a"]["later"] = 1
    toys.run(plan=made)
    assert toys.deleted() == set()
    assert toys.differs() == {}, "what is new is written, too"


def test_a_resumed_run_of_a_plan_is_held_to_it(toys: Toys) -> None:
    toys.run()
    del toys.place.tables["a"]["t0"]
    made = plan(toys)
    toys.place.raises.add("a")  # what the first attempt has listed proves nobody's absence later
    stopped = toys.run(plan=made, run_id="one", timeout=0.0001, unfinished=True)
    assert stopped.report.resumable
    toys.place.well()
    del toys.place.tables["a"]["t1"]
    resumed = toys.run(run_id="one")
    assert toys.deleted() == {"svc.db.a.t0"}
    assert [(each.rule, each.samples) for each in resumed.report.withheld] == [
        ("plan", ["svc.db.a.t1"])
    ]


def test_a_plan_of_another_config_is_refused(toys: Toys) -> None:
    made = plan(toys)
    with pytest.raises(ConfigError, match=r"since the plan was made: options\.markDeleted"):
        toys.run(toys.config(markDeletedSchemas=True), plan=made)


def test_a_plan_that_failed_is_not_run(toys: Toys) -> None:
    toys.place.raises.update(toys.place.tables)
    made = plan(toys)
    made.state = "failed"
    with pytest.raises(ConfigError, match="The plan failed"):
        toys.run(plan=made)


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b'{"schema": "rayingest.plan/9"}'])
def test_what_is_no_plan_is_refused(text: bytes) -> None:
    with pytest.raises(ConfigError, match=r"shop\.json"):
        read(text, "shop.json")


def test_another_schema_says_so(toys: Toys) -> None:
    told = json.loads(plan(toys).to_json())
    told["schema"] = "rayingest.plan/9"
    with pytest.raises(ConfigError, match=r"rayingest\.plan/9"):
        read(json.dumps(told).encode(), "shop.json")


def test_a_sample_that_fails_is_told_and_the_plan_stands(toys: Toys) -> None:
    toys.place.fails.update(toys.place.tables["a"])
    made = plan(toys)
    assert made.state == "success"
    assert made.sample.failed >= 3
    assert "cannot describe" in made.sample.failures[0]
    assert counts(made) == {"create": 12}


def test_a_plan_estimates_runs_at_several_parallelisms(toys: Toys) -> None:
    made = plan(toys, parallelism=[1, 4])
    assert [each.parallelism for each in made.estimates] == [1, 4]
    for each in made.estimates:
        assert 0 < each.low < each.seconds < each.high
        assert each.bound
    assert any("How long the sink takes" in each for each in made.caveats)
    toys.place.tables["c"] = dict.fromkeys((f"c{n}" for n in range(60)), 1)
    toys.run()
    again = plan(toys, parallelism=[1, 4])
    assert not any("How long the sink takes" in each for each in again.caveats)


def test_a_sink_that_cannot_be_read_is_told_once(toys: Toys) -> None:
    toys.catalogue.expire_token()
    made = plan(toys)
    assert counts(made) == {"create": 12}
    (told,) = made.warnings
    assert told.startswith("What the sink has could not be read")
