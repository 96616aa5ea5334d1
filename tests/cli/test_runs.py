"""`rayingest runs`: what was recorded, looked at with the commands a user types."""

import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Shop

OLD, NEW = "20260101-100000-aaaaaa", "20260102-100000-bbbbbb"


@pytest.fixture
def runs(shop: Shop, tmp_path: Path) -> Path:
    """The folder that the runs of the shop are in."""
    return tmp_path / "state" / "rayingest" / "shop" / "runs"


@pytest.fixture
def two(cli: Callable, shop: Shop, runs: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Between two runs of a shop a column came, a table went, and a view broke with it."""
    monkeypatch.setattr("rayingest.state.run_directory.FLUSH_RECORDS", 1)
    assert cli("run", shop.config(), "--allow-untested", "--run-id", OLD).code == 0
    with sqlite3.connect(shop.database) as connection:
        connection.execute("alter table customer add column email text")
        connection.execute("drop table orders")
    connection.close()
    assert cli("run", shop.config(), "--allow-untested", "--run-id", NEW).code == 1
    return runs


def unfinished(runs: Path, run_id: str = "20260103-100000-cccccc") -> str:
    """A run that was killed: without its report and its last segment."""
    copy = shutil.copytree(runs / OLD, runs / run_id)
    (copy / "report.json").unlink()
    max(copy.rglob("segment-*")).unlink()
    return run_id


# --- list ---


def test_runs_are_listed_newest_first(cli: Callable, two: Path) -> None:
    killed = unfinished(two)
    said = cli("runs", "list")
    assert (said.code, said.err) == (0, "")
    lines = [line.split()[:3] for line in said.out.splitlines() if "shop" in line]
    assert lines == [
        [killed, "shop", "unfinished"],
        [NEW, "shop", "failed"],
        [OLD, "shop", "success"],
    ]


def test_programs_get_the_list_as_json(cli: Callable, two: Path) -> None:
    said = cli("runs", "list", "--format", "json")
    new, old = json.loads(said.out)
    assert (new["id"], new["state"], new["counts"]["failed"]) == (NEW, "failed", 1)
    assert set(old) == {
        *("id", "service", "state", "started", "seconds", "counts", "url", "attempts", "resumable")
    }
    assert (old["url"], old["attempts"], old["resumable"]) == (str(two / OLD), 1, False)


def test_a_list_that_was_cut_short_says_so(cli: Callable, two: Path) -> None:
    said = cli("runs", "list", "--limit", "1")
    assert NEW in said.out
    assert OLD not in said.out
    assert "Only the newest 1" in said.err
    assert cli("runs", "list", "--limit", "2").err == ""


def test_no_runs_are_no_error(cli: Callable, tmp_path: Path) -> None:
    said = cli("runs", "list", "--state-url", str(tmp_path / "empty"), "--format", "json")
    assert (said.code, said.out) == (0, "[]\n")
    assert f"No runs are recorded in {tmp_path / 'empty'}" in said.err


def test_variables_rank_as_flags_here_too(
    cli: Callable, two: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(two, tmp_path / "elsewhere" / "other" / "runs")
    monkeypatch.setenv("RAYINGEST_STATE_URL", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("RAYINGEST_LIMIT", "1")
    monkeypatch.setenv("RAYINGEST_FORMAT", "json")
    (only,) = json.loads(cli("runs", "list").out)
    assert only["url"] == str(tmp_path / "elsewhere" / "other" / "runs" / NEW)


# --- show, report ---


def test_what_was_said_at_the_end_is_said_again(cli: Callable, shop: Shop, two: Path) -> None:
    said = cli("runs", "show", "latest")
    assert (said.code, said.err) == (0, "")
    for word in ("descriptors", "entities", "Failed: ", "Errors, alike", "Service shop, started "):
        assert word in said.out
    assert f"Run {NEW}, recorded in {two / NEW}" in said.out
    assert f"Next: rayingest process {shop.config()} --entity shop.default.main.totals" in said.out


def test_what_went_well_needs_no_next_command(cli: Callable, two: Path) -> None:
    said = cli("runs", "show", OLD[:10])
    assert "Success: 6 of 6" in said.out
    assert "Next:" not in said.out


def test_without_its_config_a_run_still_has_a_next_command(cli: Callable, two: Path) -> None:
    (two / NEW / "run.json").unlink(missing_ok=True)
    assert "Next: rayingest process CONFIG --entity shop." in cli("runs", "show", NEW).out


def test_an_unfinished_run_tells_how_far_it_came_and_how_to_go_on(cli: Callable, two: Path) -> None:
    killed = unfinished(two)
    said = cli("runs", "show", killed)
    assert said.code == 0
    for word in (
        "Unfinished: ",
        "descriptors",
        "discovered",
        "last sign of life",
        str(os.getpid()),
    ):
        assert word in said.out
    assert "bottleneck" not in said.out
    assert said.out.rstrip().endswith(f"Next: rayingest resume {killed}")


def test_where_a_run_was_looked_for_elsewhere_its_folder_is_the_next_command(
    cli: Callable, two: Path, tmp_path: Path
) -> None:
    killed = unfinished(two)
    state = str(tmp_path / "state" / "rayingest")
    for arguments in ((killed, "--state-url", state), (str(two / killed),)):
        assert f"Next: rayingest resume {two / killed}" in cli("runs", "show", *arguments).out


def test_entities_that_were_found_and_have_no_end_are_open(cli: Callable, two: Path) -> None:
    killed = unfinished(two)
    for path in sorted((two / killed).rglob("segment-*"))[-4:]:
        path.unlink()
    assert " open " in cli("runs", "show", killed).out


def test_a_torn_segment_is_passed_over_only_when_it_is_the_last(cli: Callable, two: Path) -> None:
    killed = unfinished(two)
    first, *_, last = sorted((two / killed).rglob("segment-*"))
    last.write_bytes(last.read_bytes()[:-20])
    assert cli("runs", "show", killed).code == 0
    first.write_bytes(first.read_bytes()[:-20])
    said = cli("runs", "show", killed)
    assert (said.code, said.out) == (1, "")
    assert "segment-000001.jsonl is incomplete" in said.err
    assert "Traceback" not in said.err


def test_a_report_is_printed_or_kept_unchanged(cli: Callable, two: Path, tmp_path: Path) -> None:
    written = (two / OLD / "report.json").read_text()
    assert cli("runs", "report", OLD).out == written
    said = cli("runs", "report", OLD, "-o", str(tmp_path / "r.json"))
    assert (said.code, said.out) == (0, "")
    assert (tmp_path / "r.json").read_text() == written


def test_a_run_without_a_report_has_none_to_print(cli: Callable, two: Path, tmp_path: Path) -> None:
    said = cli("runs", "report", unfinished(two), "-o", str(tmp_path / "r.json"))
    assert (said.code, said.out) == (1, "")
    assert "has no report" in said.err
    assert "rayingest runs show" in said.err
    assert not (tmp_path / "r.json").exists()


@pytest.mark.parametrize("command", ["show", "report"])
def test_unknown_and_ambiguous_runs_are_usage_errors(
    cli: Callable, two: Path, command: str
) -> None:
    said = cli("runs", command, OLD.replace("aaaaaa", "aaaaab"))
    assert (said.code, said.out) == (2, "")
    assert f"Did you mean '{OLD}'" in said.err
    assert "rayingest runs list" in said.err
    said = cli("runs", command, "2026")
    assert (said.code, said.out) == (2, "")
    assert OLD in said.err
    assert NEW in said.err


# --- diff ---


def test_two_runs_are_compared_in_words(cli: Callable, two: Path) -> None:
    said = cli("runs", "diff", OLD, "latest")
    assert (said.code, said.err) == (0, "")
    rows = {line.split()[0]: line.split()[1:] for line in said.out.splitlines() if line.split()}
    assert rows["table"] == ["0", "1", "0", "1", "1"]
    assert "Only in the first:\n  table: shop.default.main.orders\n" in said.out
    assert "Content changed:\n  table: shop.default.main.customer\n" in said.out
    assert "table: shop.default.main.totals (ok -> failed)" in said.out
    assert "Only in the second" not in said.out


def test_programs_get_every_name(cli: Callable, two: Path) -> None:
    (found,) = cli("runs", "diff", OLD, NEW, "--format", "json").lines
    assert (found["first"], found["second"], found["notes"]) == (OLD, NEW, [])
    assert found["types"]["table"] == {
        "same": 0,
        "onlyInFirst": ["shop.default.main.orders"],
        "onlyInSecond": [],
        "contentChanged": ["shop.default.main.customer"],
        "statusChanged": [{"id": "shop.default.main.totals", "first": "ok", "second": "failed"}],
    }


def test_few_of_many_names_are_printed(cli: Callable, shop: Shop, two: Path) -> None:
    with sqlite3.connect(shop.database) as connection:
        connection.executescript("".join(f"create table t{n} (i int);" for n in range(9)))
    connection.close()
    cli("run", shop.config(), "--allow-untested", "--run-id", "many")
    assert "main.t4 and 4 more" in cli("runs", "diff", NEW, "many").out


def test_what_cannot_be_known_is_a_warning(cli: Callable, two: Path) -> None:
    said = cli("runs", "diff", OLD, unfinished(two))
    assert said.code == 0
    assert "warning: Run 20260103-100000-cccccc is unfinished" in said.err


# --- prune ---


def test_nothing_is_deleted_without_a_bound(cli: Callable, two: Path) -> None:
    said = cli("runs", "prune")
    assert (said.code, said.out) == (2, "")
    assert "--keep" in said.err
    assert "--older-than" in said.err
    assert len([*two.iterdir()]) == 2


def test_a_dry_run_lists_what_would_go(cli: Callable, two: Path) -> None:
    said = cli("runs", "prune", "--keep", "1", "--dry-run")
    assert said.code == 0
    assert OLD in said.out
    assert NEW not in said.out
    assert "1 run would be deleted" in said.err
    assert len([*two.iterdir()]) == 2


def test_old_runs_are_deleted_and_named(cli: Callable, two: Path) -> None:
    killed = unfinished(two)
    said = cli("runs", "prune", "--keep", "1", "--format", "json")
    assert [each["id"] for each in json.loads(said.out)] == [OLD]
    assert "1 run deleted" in said.err
    assert {each.name for each in two.iterdir()} == {NEW, killed}
    said = cli("runs", "prune", "--keep", "1")
    assert (said.code, said.out) == (0, "")
    assert "0 runs deleted" in said.err


def test_what_is_younger_stays(cli: Callable, two: Path) -> None:
    assert "0 runs deleted" in cli("runs", "prune", "--older-than", "1").err
    assert "0 runs deleted" in cli("runs", "prune", "--keep", "1", "--older-than", "0.5").err
    assert "1 run deleted" in cli("runs", "prune", "--older-than", "0").err
    assert [each.name for each in two.iterdir()] == [NEW]
