"""Runs that were recorded: found, listed, compared, deleted; all of them real."""

import json
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import rayingest as ri
from rayingest.api import Run
from rayingest.api.runs import differences, find, prune, recorded, report_bytes, standing, stored
from rayingest.errors import ConfigError, StateError

CONFIG = """
source:
  type: sqlite
  serviceName: {service}
  serviceConnection: {{config: {{type: SQLite, databaseMode: {database}}}}}
  sourceConfig: {{config: {{type: DatabaseMetadata}}}}
sink: {{type: memory, config: {{name: "{database}"}}}}
"""
SHOP = """
create table customer (id integer primary key);
create table lost (i int);
create view totals as select i from lost;
"""
OLD, NEWER, NEWEST = "20260101-100000-aaaaaa", "20260115-100000-bbbbbb", "20260301-100000-cccccc"
DAY = 86_400


@dataclass
class World:
    """A database, and a place for the runs that read it."""

    folder: Path

    @property
    def state(self) -> str:
        return str(self.folder / "state")

    def sql(self, text: str) -> None:
        with sqlite3.connect(self.folder / "shop.db") as connection:
            connection.executescript(text)
        connection.close()

    def run(self, run_id: str | None = None, *, service: str = "shop", **wishes: object) -> Run:
        config = self.folder / f"{service}.yaml"
        config.write_text(CONFIG.format(service=service, database=self.folder / "shop.db"))
        job = ri.load(config, flags={"state_url": self.state})
        return job.run(run_id=run_id, allow_untested=True, **wishes)

    def path(self, run_id: str, service: str = "shop") -> Path:
        return self.folder / "state" / service / "runs" / run_id

    def cut_off(self, run_id: str, as_id: str) -> Path:
        """A run that was killed: a copy of one without its report, and without the last that ended in it."""
        copy = shutil.copytree(self.path(run_id), self.path(as_id))
        (copy / "report.json").unlink()
        written = segments(copy)
        while written:
            last = written.pop()
            ends = '["ended"' in last.read_text()
            last.unlink()
            if ends:
                break
        return copy

    def age(self, run_id: str, seconds: float) -> None:
        """Let everything in a run be so old."""
        for each in self.path(run_id).rglob("*"):
            os.utime(each, (time.time() - seconds,) * 2)

    def left(self, service: str = "shop") -> set[str]:
        return {each.name for each in (self.folder / "state" / service / "runs").iterdir()}

    def find(self, text: str, service: str | None = None) -> str:
        return find(text, state_url=self.state, service=service).run_id


def segments(run: Path) -> list[Path]:
    return sorted(run.rglob("segment-*.jsonl"))


def records(run: Path, *kinds: str) -> list[list[Any]]:
    lines = [line for each in segments(run) for line in each.read_text().splitlines()]
    found = [json.loads(line) for line in lines if line.startswith("[")]
    return [each for each in found if each[0] in kinds]


@pytest.fixture(scope="module", autouse=True)
def _small_segments() -> Iterator[None]:
    """Every step of a run has a segment of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rayingest.state.run_directory.FLUSH_RECORDS", 1)
        yield


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path)
    made.sql(SHOP)
    return made


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = World(tmp_path_factory.mktemp("three"))
    made.sql(SHOP)
    for each in (OLD, NEWER, NEWEST):
        made.run(each)
    return made.folder


@pytest.fixture
def three(recording: Path, tmp_path: Path) -> World:
    """Three runs of the same shop."""
    return World(shutil.copytree(recording, tmp_path / "three"))


# --- find ---


@pytest.mark.parametrize(
    ("text", "found"),
    [(OLD, OLD), ("202603", NEWEST), ("20260115-1", NEWER), ("latest", NEWEST)],
)
def test_a_run_has_an_id_a_beginning_or_is_the_latest(three: World, text: str, found: str) -> None:
    assert three.find(text) == found


def test_a_whole_id_wins_over_longer_ones(world: World) -> None:
    world.run("nightly")
    world.run("nightly-2")
    assert world.find("nightly") == "nightly"
    assert world.find("nightly-") == "nightly-2"


def test_the_latest_is_the_one_that_began_last_whatever_its_name(world: World) -> None:
    world.run("b")
    world.run("a")
    assert world.find("latest") == "a"


def test_of_two_that_began_in_the_same_second_the_later_is_the_latest(world: World) -> None:
    world.run("20260301-100000-ffffff")
    world.run("20260301-100000-000000")
    assert world.find("latest") == "20260301-100000-000000"


def test_the_latest_may_be_of_one_service(world: World) -> None:
    world.run(NEWEST)
    world.run(OLD, service="other")
    assert world.find("latest") == NEWEST
    assert world.find("latest", "other") == OLD


@pytest.mark.parametrize("ending", ["", "/"])
def test_a_run_directory_is_found_wherever_it_was_copied_to(world: World, ending: str) -> None:
    world.run(OLD)
    copy = shutil.copytree(world.path(OLD), world.folder / "kept here" / "as it was")
    directory = find(f"{copy}{ending}", state_url=world.state)
    assert directory.url == str(copy)
    assert stored(directory).run_id == OLD
    assert differences(directory, find(OLD, state_url=world.state)).types["table"].same == 3


def test_without_a_state_url_the_usual_place_is_meant(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(world.folder / "home"))
    with pytest.raises(ConfigError, match=r"No run is recorded in .*home/rayingest"):
        find("latest")
    world.run(OLD)
    shutil.copytree(world.state, world.folder / "home" / "rayingest")
    assert find("latest").run_id == OLD


def test_unknown_runs_name_near_ones_and_the_command_that_lists_them(three: World) -> None:
    with pytest.raises(ConfigError, match=rf"no run '{OLD[:-1]}x' in .*Did you mean") as caught:
        three.find(f"{OLD[:-1]}x")
    assert OLD in str(caught.value)
    assert "rayingest runs list" in caught.value.hint


def test_ambiguous_beginnings_name_the_candidates(three: World) -> None:
    with pytest.raises(ConfigError, match="any of 2 runs") as caught:
        three.find("202601")
    assert f"{OLD} (shop), {NEWER} (shop)" in str(caught.value)
    assert "write more" in caught.value.hint


def test_the_same_id_in_two_services_wants_the_service(world: World) -> None:
    world.run("nightly")
    world.run("nightly", service="other")
    with pytest.raises(ConfigError, match=r"nightly \(other\), nightly \(shop\)") as caught:
        world.find("nightly")
    assert "--service" in caught.value.hint
    assert find("nightly", state_url=world.state, service="other").url == str(
        world.path("nightly", "other")
    )


@pytest.mark.parametrize("text", ["latest", OLD, ""])
def test_where_nothing_is_recorded_another_place_is_asked_for(world: World, text: str) -> None:
    with pytest.raises(ConfigError, match="No run is recorded") as caught:
        world.find(text)
    assert "--state-url" in caught.value.hint


def test_a_folder_that_is_no_run_directory_is_none(three: World) -> None:
    with pytest.raises(ConfigError, match="no run directory"):
        three.find(str(three.folder))


# --- list ---


def test_runs_are_listed_newest_first_with_how_they_ended(world: World) -> None:
    world.run(OLD)
    world.sql("drop table lost")
    world.run(NEWEST)
    newest, old = recorded(world.state)
    assert (newest.id, newest.service, newest.state) == (NEWEST, "shop", "failed")
    assert (old.id, old.state, old.attempts) == (OLD, "success", 1)
    assert old.counts["discovered"] == old.counts["ok"] == 6
    assert newest.counts["failed"] == 1
    assert old.url == str(world.path(OLD))
    assert old.seconds > 0
    assert old.started.isoformat(timespec="milliseconds") == stored(find(old.url)).started_at


def test_a_list_reads_no_segment_and_no_more_reports_than_it_must(
    three: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rayingest.state.store import LocalStore

    read = []
    get = LocalStore.get
    monkeypatch.setattr(LocalStore, "get", lambda self, name: read.append(name) or get(self, name))
    assert [each.id for each in recorded(three.state, limit=1)] == [NEWEST]
    assert read == [f"shop/runs/{NEWEST}/report.json"]
    assert [each.id for each in recorded(three.state)] == [NEWEST, NEWER, OLD]
    assert not any("segment" in each for each in read)


def test_services_are_told_apart(world: World) -> None:
    world.run(OLD, service="a b")
    world.run(NEWEST, service="other")
    assert [each.service for each in recorded(world.state)] == ["other", "a b"]
    assert [each.service for each in recorded(world.state, "a b")] == ["a b"]
    assert recorded(world.state, "nobody") == []


def test_a_run_without_a_report_is_unfinished(world: World) -> None:
    world.run(OLD)
    world.cut_off(OLD, NEWEST)
    world.cut_off(OLD, "mine")
    found = {each.id: each for each in recorded(world.state)}
    assert found[NEWEST].state == found["mine"].state == "unfinished"
    assert found[NEWEST].started.isoformat() == "2026-03-01T10:00:00+00:00"
    assert found["mine"].started is not None
    assert (found[NEWEST].seconds, found[NEWEST].counts) == (None, {})


@pytest.mark.parametrize(
    "text", ["{", '{"schema": "rayingest.report/9", "runId": "r", "state": "success"}']
)
def test_a_report_that_nobody_can_read_costs_no_other_run(three: World, text: str) -> None:
    (three.path(NEWER) / "report.json").write_text(text)
    assert [each.state for each in recorded(three.state)] == ["success", "unreadable", "success"]
    with pytest.raises(StateError, match=r"report\.json"):
        stored(find(NEWER, state_url=three.state))


def test_what_is_no_run_directory_is_not_listed(three: World) -> None:
    runs = three.path(OLD).parent
    (runs / "notes").mkdir()
    (runs / "notes" / "report.json").write_text("{}")
    (runs / "README").write_text("mine")
    shutil.copytree(three.path(OLD), three.folder / "state" / "shop" / OLD)
    assert [each.id for each in recorded(three.state)] == [NEWEST, NEWER, OLD]


def test_a_run_is_unfinished_while_its_newest_attempt_has_no_report(three: World) -> None:
    attempts = three.path(NEWEST) / "attempts"
    shutil.copytree(attempts / "1", attempts / "2", ignore=shutil.ignore_patterns("segment-*"))
    newest = recorded(three.state, limit=1)[0]
    assert (newest.state, newest.attempts, newest.counts) == ("unfinished", 2, {})
    assert not newest.finished
    directory = find(NEWEST, state_url=three.state)
    assert stored(directory) is None
    assert standing(directory).warnings[0].startswith("Attempt 2 was taken by ")
    assert report_bytes(directory)


# --- one run ---


def test_a_report_is_handed_on_as_it_was_written(three: World) -> None:
    assert (
        report_bytes(find(OLD, state_url=three.state))
        == (three.path(OLD) / "report.json").read_bytes()
    )


def test_an_unfinished_run_tells_what_its_segments_know(world: World) -> None:
    world.run(OLD)
    copy = world.cut_off(OLD, NEWEST)
    ended = len(records(copy, "ended"))
    found = len(records(copy, "opened", "told"))
    report = standing(find(NEWEST, state_url=world.state))
    assert f"{ended} of {found} entities" in report.verdict
    assert sum(book["open"] for book in report.types.values()) == found - ended > 0
    assert f"process {os.getpid()} on " in report.warnings[0]
    assert "last sign of life: 20" in report.warnings[0]
    with pytest.raises(StateError, match="has no report") as caught:
        report_bytes(find(NEWEST, state_url=world.state))
    assert f"rayingest runs show {NEWEST}" in caught.value.hint


def test_errors_of_an_unfinished_run_are_known_too(world: World) -> None:
    world.sql("drop table lost")
    world.run(OLD)
    (world.path(OLD) / "report.json").unlink()
    (error,) = standing(find(OLD, state_url=world.state)).errors
    assert error.samples == ["shop.default.main.totals"]


def test_a_torn_last_segment_is_passed_over(world: World) -> None:
    world.run(OLD)
    copy = world.cut_off(OLD, NEWEST)
    directory = find(NEWEST, state_url=world.state)
    before = standing(directory).types
    next_one = segments(world.path(OLD))[len(segments(copy))]
    torn = Path(shutil.copy(next_one, copy / "attempts" / "1"))
    torn.write_bytes(torn.read_bytes()[:-20])
    assert standing(directory).types == before
    torn = segments(copy)[0]
    torn.write_bytes(torn.read_bytes()[:-20])
    with pytest.raises(StateError, match="is incomplete"):
        standing(directory)


def test_a_run_that_has_just_begun_knows_nothing_yet(world: World) -> None:
    world.run(OLD)
    copy = world.cut_off(OLD, NEWEST)
    for each in segments(copy):
        each.unlink()
    assert standing(find(NEWEST, state_url=world.state)).types == {}


# --- compare ---


def between(world: World, one: str, other: str) -> dict[str, list]:
    found = differences(find(one, state_url=world.state), find(other, state_url=world.state)).types[
        "table"
    ]
    return {
        "first": found.only_in_first,
        "second": found.only_in_second,
        "content": found.content_changed,
        "status": [(each.id, each.first, each.second) for each in found.status_changed],
    }


def test_two_runs_of_the_same_differ_in_nothing(three: World) -> None:
    """Also where the sink said `unchanged` in the second."""
    found = differences(*(find(each, state_url=three.state) for each in (OLD, NEWEST)))
    assert {kind: each.same for kind, each in found.types.items()} == {
        "databaseService": 1,
        "database": 1,
        "databaseSchema": 1,
        "table": 3,
    }
    assert found.notes == []
    assert not any(between(three, OLD, NEWEST).values())


def test_what_came_went_changed_and_failed_is_told_apart(world: World) -> None:
    world.run(OLD)
    world.sql(
        "alter table customer add column name text; drop table lost; create table new (i int)"
    )
    world.run(NEWEST)
    name = "shop.default.main.{}".format
    assert between(world, OLD, NEWEST) == {
        "first": [name("lost")],
        "second": [name("new")],
        "content": [name("customer")],
        "status": [(name("totals"), "ok", "failed")],
    }
    assert between(world, NEWEST, OLD) == {
        "first": [name("new")],
        "second": [name("lost")],
        "content": [name("customer")],
        "status": [(name("totals"), "failed", "ok")],
    }


def test_what_an_unfinished_run_has_not_reached_is_open_and_not_gone(world: World) -> None:
    world.run(OLD)
    copy = world.cut_off(OLD, NEWEST)
    lost = {each[2][0] for each in records(world.path(OLD), "ended")}
    lost -= {each[2][0] for each in records(copy, "ended")}
    found = differences(*(find(each, state_url=world.state) for each in (OLD, NEWEST)))
    changed = [each for kind in found.types.values() for each in kind.status_changed]
    assert {each.id for each in changed} == lost
    assert {(each.first, each.second) for each in changed} == {("ok", "open")}
    assert not any(each.only_in_first for each in found.types.values())
    assert found.notes == [f"Run {NEWEST} is unfinished: it may not have seen all that exists."]


def test_what_a_run_could_not_list_is_not_taken_for_deleted(world: World) -> None:
    world.run(OLD)
    world.run(NEWEST)
    path = world.path(NEWEST) / "report.json"
    report = json.loads(path.read_text()) | {"state": "partialSuccess", "notListed": list("abcde")}
    path.write_text(json.dumps(report))
    found = differences(*(find(each, state_url=world.state) for each in (OLD, NEWEST)))
    assert found.notes == [
        f"Run {NEWEST} could not list a, b, c and 2 more: what is missing there may still exist."
    ]


# --- clean up ---


def test_nothing_is_deleted_without_a_bound(three: World) -> None:
    with pytest.raises(ConfigError, match="without a bound") as caught:
        prune(three.state)
    assert "--keep" in caught.value.hint
    with pytest.raises(ConfigError, match="less than nothing"):
        prune(three.state, keep=-1)
    assert len(three.left()) == 3


def test_the_newest_are_kept_and_the_others_go_with_all_they_left(three: World) -> None:
    (three.path(OLD) / "attempts" / "1" / ".segment-000099.jsonl.1.part").write_text("half")
    assert [each.id for each in prune(three.state, keep=1, dry_run=True)] == [NEWER, OLD]
    assert len(three.left()) == 3
    assert [each.id for each in prune(three.state, keep=1)] == [NEWER, OLD]
    assert three.left() == {NEWEST}
    assert prune(three.state, keep=1) == []


def backdated(world: World, run_id: str, days: float) -> None:
    """Let a report say that its run began so many days ago."""
    path = world.path(run_id) / "report.json"
    began = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(time.time() - days * DAY))
    path.write_text(json.dumps(json.loads(path.read_text()) | {"startedAt": began}))


def test_what_is_older_than_so_many_days_goes(world: World) -> None:
    for name, days in {"a": 40, "b": 20, "c": 1}.items():
        world.run(name)
        backdated(world, name, days)
    assert prune(world.state, older_than=60) == []
    assert [each.id for each in prune(world.state, older_than=30)] == ["a"]
    assert world.left() == {"b", "c"}


def test_with_two_bounds_only_what_is_beyond_both_goes(world: World) -> None:
    for name, days in {"a": 40, "b": 20, "c": 1}.items():
        world.run(name)
        backdated(world, name, days)
    assert [each.id for each in prune(world.state, keep=2, older_than=10, dry_run=True)] == ["a"]
    assert prune(world.state, keep=1, older_than=50, dry_run=True) == []


def test_the_newest_finished_run_of_each_service_stays(world: World) -> None:
    world.run(OLD)
    world.run(NEWER, service="other")
    world.cut_off(OLD, NEWEST)
    world.age(NEWEST, 3 * DAY)
    assert prune(world.state, older_than=0.5, keep=1) == []
    assert [each.id for each in prune(world.state, keep=0)] == [NEWEST]
    assert (world.left(), world.left("other")) == ({OLD}, {NEWER})


def test_what_may_still_be_under_way_stays_for_a_day(three: World) -> None:
    three.cut_off(OLD, "20260201-100000-dddddd")
    three.age("20260201-100000-dddddd", 0.9 * DAY)
    assert [each.id for each in prune(three.state, keep=1)] == [NEWER, OLD]
    three.age("20260201-100000-dddddd", 1.1 * DAY)
    assert [each.id for each in prune(three.state, keep=1)] == ["20260201-100000-dddddd"]


def test_what_was_stopped_stays_as_long_for_it_can_be_gone_on_with(world: World) -> None:
    world.run(OLD)
    assert world.run(NEWER, timeout=1e-6).report.state == "stalled"
    world.run(NEWEST)
    assert [each.id for each in prune(world.state, keep=1)] == [OLD]
    assert (
        "stalled"
        in differences(*(find(each, state_url=world.state) for each in (NEWER, NEWEST))).notes[0]
    )
    world.age(NEWER, 1.1 * DAY)
    assert prune(world.state, keep=1) == []  # it began today


def test_one_service_is_cleaned_alone(three: World) -> None:
    three.run(OLD, service="other")
    three.run(NEWEST, service="other")
    assert [each.service for each in prune(three.state, "other", keep=1)] == ["other"]
    assert (len(three.left()), three.left("other")) == (3, {NEWEST})


def test_only_run_directories_are_deleted(three: World) -> None:
    mine = three.path(OLD).parent / "mine"
    mine.mkdir()
    (mine / "report.json").write_text("{}")
    beside = three.folder / "state" / "shop" / "state.json"
    beside.write_text("{}")
    prune(three.state, keep=1)
    assert three.left() == {NEWEST, "mine"}
    assert beside.exists()


def test_one_run_that_cannot_be_deleted_costs_no_other(
    three: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rayingest.state.store import LocalStore

    delete = LocalStore.delete

    def refuse(self: LocalStore, name: str) -> None:
        if self.root.name == NEWER:
            raise PermissionError(13, "Permission denied")
        delete(self, name)

    monkeypatch.setattr(LocalStore, "delete", refuse)
    with pytest.raises(StateError, match=rf"1 of 2 runs .*{NEWER}: Permission denied"):
        prune(three.state, keep=1)
    assert three.left() == {NEWEST, NEWER}


def test_what_says_that_it_is_a_run_is_deleted_last(
    three: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So a clean-up that was interrupted can be done again."""
    from rayingest.state.store import LocalStore

    gone = []
    monkeypatch.setattr(LocalStore, "delete", lambda _, name: gone.append(name))
    prune(three.state, keep=2)
    assert gone[-2:] == ["report.json", "attempts/1/claim.json"]
    assert any("segment" in each for each in gone[:-2])


def test_runs_on_remote_storage_are_found_compared_and_deleted(three: World) -> None:
    fsspec = pytest.importorskip("fsspec")
    files = fsspec.filesystem("memory")
    files.put(three.state, "/kept", recursive=True)
    url = "memory://kept"
    try:
        assert [each.id for each in recorded(url)] == [NEWEST, NEWER, OLD]
        one, other = (find(each, state_url=url) for each in (OLD, "latest"))
        assert differences(one, other).types["table"].same == 3
        assert find(f"{url}/shop/runs/{OLD}").url == one.url
        assert [each.id for each in prune(url, keep=1)] == [NEWER, OLD]
        assert [each.id for each in recorded(url)] == [NEWEST]
    finally:
        files.rm("/kept", recursive=True)
