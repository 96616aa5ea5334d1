"""A driver that dies at any moment: another goes on, and the catalogue is what a clean run leaves."""

import json
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import rayingest as ri
from rayingest.api import Run
from rayingest.api.many import Source, run_many
from rayingest.api.wishes import Wishes
from rayingest.errors import ConfigError, StateError
from rayingest.execute import ray_session
from rayingest.execute.report import Report
from rayingest.state.run_directory import RunDirectory

from ..running import BROKEN, World

# A driver that writes small segments and kills itself at one of them: before it, in the middle, after.
DYING = """
import os, signal, sys
import rayingest as ri
from rayingest.state import run_directory
from rayingest.state.run_directory import RunDirectory, pack

config, run_id, engine, at, how = sys.argv[1:]
run_directory.FLUSH_RECORDS = 1
put, count = RunDirectory.put_segment, 0

def dying(self, kind, number, records):
    global count
    count += 1
    if count == int(at):
        name = f"attempts/{self.attempt}/{kind}-{number:06d}.jsonl"
        if how == "torn":
            self.store.put(name, pack(records)[:-40])
        if how == "after":
            put(self, kind, number, records)
        os.kill(os.getpid(), signal.SIGKILL)
    return put(self, kind, number, records)

RunDirectory.put_segment = dying
ri.load(config, flags={"engine": engine, "parallelism": 5}).run(run_id=run_id, allow_untested=True)
"""


def die(
    config: Path, run_id: str, at: int, how: str = "before", *, engine: str = "local"
) -> subprocess.CompletedProcess[str]:
    """Run until the driver kills itself at segment `at`."""
    command = [sys.executable, "-c", DYING, str(config), run_id, engine, str(at), how]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def go_on(world: World, config: Path, run_id: str, **wishes: Any) -> Run:
    return world.run(config, run_id=run_id, **wishes)


def ends(run: Run) -> Counter[tuple[str, str]]:
    return Counter((each.type.value, each.id) for each in run.entities())


@pytest.mark.parametrize("how", ["before", "torn", "after"])
@pytest.mark.parametrize("at", [1, 2, 3, 5, 7, 9])
def test_a_killed_driver_is_gone_on_with_from_any_segment(
    world: World, clean: dict[str, Any], at: int, how: str
) -> None:
    config = world.config()
    died = die(config, "night", at, how)
    assert died.returncode == -signal.SIGKILL, died.stderr
    run = go_on(world, config, "night")
    assert (run.report.state, run.report.exit_code, run.report.attempt) == ("success", 0, 2)
    assert world.outcome() == clean
    assert max(ends(run).values()) == 1
    assert set(ends(run)) == set(ends(world.run(config)))


def test_what_has_its_end_is_not_done_again(world: World, clean: dict[str, Any]) -> None:
    config = world.config()
    die(config, "night", 7, "after")
    assert world.catalogue is not None
    log = len(world.catalogue.log)
    directory = ri.load(config).run_directory("night")
    recorded = {
        each.id for each in Run(Report(run_id="night", state="stopped"), directory).entities()
    }
    assert recorded
    run = go_on(world, config, "night")
    again = {write["fqn"] for write in world.catalogue.writes()[log:]}
    assert not again & recorded
    assert world.outcome() == clean
    assert run.report.types["table"]["discovered"] == 60


def test_it_may_die_many_times(world: World, clean: dict[str, Any]) -> None:
    config = world.config()
    for at in (2, 3, 1, 2):
        assert die(config, "night", at, "torn").returncode == -signal.SIGKILL
    run = go_on(world, config, "night")
    assert (run.report.state, run.report.attempt) == ("success", 5)
    assert world.outcome() == clean


def test_a_run_that_has_ended_is_not_touched(world: World) -> None:
    config = world.config()
    first = go_on(world, config, "night")
    directory = Path(first.directory.url if first.directory else "")
    before = {each: each.read_bytes() for each in directory.rglob("*") if each.is_file()}
    again = ri.load(config).run(run_id="night", allow_untested=True)
    assert again.finished_before
    assert (again.report.verdict, again.report.exit_code) == (first.report.verdict, 0)
    assert {each: each.read_bytes() for each in directory.rglob("*") if each.is_file()} == before


def test_a_stopped_run_goes_on_where_it_stopped(world: World, clean: dict[str, Any]) -> None:
    config = world.config(execution={"parallelism": 1})
    stopped = world.run(config, run_id="night", timeout=0.0, unfinished=True)
    assert (stopped.report.state, stopped.report.resumable) == ("stalled", True)
    assert go_on(world, config, "night").report.state == "success"
    assert world.outcome() == clean


def test_another_config_is_refused_by_the_names_of_its_keys(
    world: World, clean: dict[str, Any]
) -> None:
    die(world.config(), "night", 4)
    other = world.config(options={"includeOwners": True})
    with pytest.raises(ConfigError, match=r"options\.includeOwners") as caught:
        go_on(world, other, "night")
    assert "--accept-config-change" in str(caught.value.hint)
    run = go_on(world, other, "night", accept_config_change=True)
    assert run.report.state == "success"


def test_a_record_of_another_version_is_refused(world: World) -> None:
    config = world.config()
    die(config, "night", 3)
    directory = ri.load(config).run_directory("night")
    segment = next(iter(directory.segments()))
    text = directory.store.get(segment).replace(b"rayingest.segment/1", b"rayingest.segment/9")
    directory.store.put(segment, text)
    with pytest.raises(StateError):
        go_on(world, config, "night")


def test_failures_are_tried_again_in_a_run_of_their_own(
    world: World, create: Callable[..., str]
) -> None:
    # A view that cannot be described, until what it speaks of is there.
    world.database = create(
        "again", "create schema a", BROKEN.format(s="a"), "drop table a.lost cascade"
    )
    config = world.config()
    first = world.run(config, run_id="first")
    failed = [each.id for each in first.failures]
    assert failed == ["svc.again.a.bad"]
    with world.server.connect("again") as connection:
        connection.execute("create or replace view a.other as select 1 as i")
        connection.execute("drop view a.bad")
        connection.execute("create view a.bad as select i from a.t")
    again = world.run(config, again=first.directory)
    assert (again.report.parent, again.report.state) == ("first", "success")
    assert [each.id for each in again.entities() if each.type == "table"] == failed
    assert set(failed) <= world.outcome()["tables"].keys()


def test_what_failed_and_is_gone_is_named(world: World, create: Callable[..., str]) -> None:
    world.database = create(
        "later", "create schema a", BROKEN.format(s="a"), "drop table a.lost cascade"
    )
    first = world.run(run_id="first")
    assert len(first.failures) == 1
    with world.server.connect(world.database) as connection:
        connection.execute("drop view a.bad")
        connection.execute("create table a.later (i int)")
    again = world.run(again=first.directory)
    assert not [each for each in again.entities() if each.type == "table"]
    [warning] = again.report.warnings
    assert warning.startswith("No longer at the source, and not tried again:")
    assert warning.endswith(".a.bad.")


def test_the_command_line_goes_on(world: World, clean: dict[str, Any]) -> None:
    config = world.config()
    die(config, "20261122-010203-aaaaaa", 6, "torn")
    command = [sys.executable, "-m", "rayingest", "resume", "20261122", "--report-json", "-"]
    done = subprocess.run(
        [*command, "--progress", "none"], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["attempt"], report["state"]) == (2, "success")
    assert "up to 5 at once" in done.stderr, "as it was begun, the config says 2"
    assert world.outcome() == clean
    again = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert again.returncode == 0
    assert "nothing was done" in again.stderr


def test_a_driver_whose_run_is_taken_over_stops_and_leaves_the_report_to_the_other(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = world.config()
    put = RunDirectory.put_segment

    def overtaken(self: RunDirectory, kind: str, number: int, records: list[Any]) -> str:
        if number == 1:
            RunDirectory.claim(ri.load(config).run_directory("night"), take_over=True)
        return put(self, kind, number, records)

    monkeypatch.setattr(RunDirectory, "put_segment", overtaken)
    run = world.run(config, run_id="night", unfinished=True)
    assert (run.report.state, run.report.resumable) == ("failed", True)
    assert {each.kind for each in run.report.errors} >= {"Superseded"}
    assert run.directory is not None
    assert not run.directory.store.exists("report.json")


def test_a_segment_that_lost_a_record_fails_the_run(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = RunDirectory.put_segment

    def lossy(self: RunDirectory, kind: str, number: int, records: list[Any]) -> str:
        ended = [each for each in records if kind == "segment" and each[0] == "ended"]
        return put(self, kind, number, [each for each in records if each not in ended[-1:]])

    monkeypatch.setattr(RunDirectory, "put_segment", lossy)
    report = world.run(run_id="night").report
    assert (report.state, report.exit_code) == ("failed", 1)
    assert {each.kind for each in report.errors} == {"BooksDisagree"}


def test_names_that_look_like_outcomes_do_not_disturb_the_books(world: World) -> None:
    for name in ("unchanged", "refused", "ok"):
        config = world.config(source={"serviceName": name})
        assert world.run(config).report.state == "success"


def test_a_config_that_keeps_its_run_id_is_run_again(world: World) -> None:
    config = world.config(pipelineRunId="6f0d2c6e-0000-4000-8000-000000000000")
    first, second = world.run(config), world.run(config)
    assert first.id == "6f0d2c6e-0000-4000-8000-000000000000"
    assert not second.finished_before
    assert second.id != first.id


@pytest.mark.ray
def test_a_killed_driver_of_a_ray_run_is_gone_on_with(
    shared_ray: str, world: World, clean: dict[str, Any]
) -> None:
    config = world.config(execution={"address": shared_ray})
    assert die(config, "night", 8, "torn", engine="ray").returncode == -signal.SIGKILL
    run = go_on(world, config, "night", engine="ray")
    assert (run.report.state, run.report.attempt) == ("success", 2)
    assert world.outcome() == clean


@pytest.mark.ray
def test_several_sources_share_one_ray(
    world: World, create: Callable[..., str], clean: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []
    connect = ray_session.connect
    monkeypatch.setattr(
        ray_session,
        "connect",
        lambda *args, **more: started.append("ray") or connect(*args, **more),
    )
    first = world.config(source={"serviceName": "one"})
    create("other_shop", "create table t (i int)")
    world.database = "other_shop"
    second = world.config(source={"serviceName": "two"}, name="other.yaml")
    sources = [
        Source(str(each), ri.load(each, flags={"engine": "ray", "parallelism": 4}))
        for each in (first, second)
    ]
    assert run_many(sources, lambda _: Wishes(allow_untested=True), jobs=2) == 0
    assert started == ["ray"]
    assert all(each.run and each.run.report.engine == "ray" for each in sources)
    tables = world.outcome()["tables"]
    assert len(tables) == len(clean["tables"]) + 1
