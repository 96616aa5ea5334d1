"""`rayingest run`, from a SQLite shop to a file and to a strict catalogue."""

import json
import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from rayingest.api import grades
from rayingest.testing import StrictCatalogue
from rayingest.testing.catalogue import Faults

from .conftest import SECRET, SERVER, UNTESTED, Shop, many, wait_for_a_request

TABLES = {f"shop.default.main.{each}" for each in ("customer", "orders", "totals")}
REST = "{type: metadata-rest, config: {}}"


def test_everything_is_written_and_standard_output_stays_empty(cli: Callable, shop: Shop) -> None:
    said = cli("run", shop.config(), UNTESTED)
    assert (said.code, said.out) == (0, "")
    assert set(shop.written()) == TABLES
    assert "Executing workflow in SEQUENTIAL mode" in said.err
    assert "Success: 6 of 6 entities ingested" in said.err
    assert "descriptors" in said.err
    assert "acknowledged" in said.err
    assert "bottleneck" in said.err


def test_threads_are_a_mode_of_their_own(cli: Callable, shop: Shop) -> None:
    said = cli("run", shop.config(), UNTESTED, "--engine", "local", "--parallelism", "3")
    assert "Executing workflow in LOCAL mode" in said.err
    assert "3 at once" in said.err


@pytest.mark.ray
def test_on_ray_the_words_of_old_are_said(cli: Callable, shop: Shop, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    said = cli(
        *("run", shop.config(), UNTESTED, "--engine", "ray", "--address", "local"),
        *("--parallelism", "2", "--report-json", str(report)),
    )
    assert (said.code, said.out) == (0, "")
    assert "Executing workflow in DISTRIBUTED mode" in said.err
    assert json.loads(report.read_text())["engine"] == "ray"
    assert set(shop.written()) == TABLES


def test_a_run_id_and_a_place_for_it_can_be_chosen(
    cli: Callable, shop: Shop, tmp_path: Path
) -> None:
    state = tmp_path / "elsewhere"
    said = cli("run", shop.config(), UNTESTED, "--run-id", "mine", "--state-url", str(state))
    assert (state / "shop" / "runs" / "mine" / "report.json").is_file()
    assert str(state / "shop" / "runs" / "mine") in said.err


def test_variables_rank_as_flags(
    cli: Callable, shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAYINGEST_CONFIG", shop.config())
    monkeypatch.setenv("RAYINGEST_ALLOW_UNTESTED", "1")
    monkeypatch.setenv("RAYINGEST_PARALLELISM", "3")
    monkeypatch.setenv("RAYINGEST_EXCLUDE", "totals\n*.cust*")
    said = cli(
        "run", "--set", "workflowConfig.distributedExecution.parallelism=9", "--report-json", "-"
    )
    assert said.code == 0
    report = json.loads(said.out)
    assert report["parallelism"] == 3
    assert set(shop.written()) == {"shop.default.main.orders"}


def test_a_named_config_wins_over_the_variable(
    cli: Callable, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAYINGEST_CONFIG", "nowhere.yaml")
    assert cli("run", shop.config(), UNTESTED).code == 0


def test_select_and_exclude(cli: Callable, shop: Shop) -> None:
    cli(
        "run",
        shop.config(),
        UNTESTED,
        "--select",
        "*.main.*",
        "--exclude",
        "totals",
        "--exclude",
        "ord*",
    )
    assert shop.written() == ["shop.default.main.customer"]


def test_a_dry_run_writes_nothing_and_says_so(cli: Callable, shop: Shop) -> None:
    said = cli("run", shop.config(), UNTESTED, "--dry-run")
    assert said.code == 0
    assert "Nothing was written: this was a dry run." in said.err
    assert "Next: rayingest run" in said.err
    assert shop.written() == []


def test_a_preview_is_so_many_json_lines(cli: Callable, shop: Shop) -> None:
    said = cli("run", shop.config(), UNTESTED, "--preview", "2")
    assert said.code == 0
    assert len(said.lines) == 2
    assert {each["entityType"] for each in said.lines} == {"table"}
    assert {each["fullyQualifiedName"] for each in said.lines} <= TABLES
    assert shop.written() == []


def test_the_report_goes_to_a_file_or_to_standard_output(
    cli: Callable, shop: Shop, tmp_path: Path
) -> None:
    target = tmp_path / "report.json"
    assert cli("run", shop.config(), UNTESTED, "--report-json", str(target)).out == ""
    for report in (
        json.loads(target.read_text()),
        json.loads(cli("run", shop.config(), UNTESTED, "--report-json", "-").out),
    ):
        assert report["schema"] == "rayingest.report/1"
        assert report["state"] == "success"
        assert report["types"]["table"]["ok"] + report["types"]["table"]["unchanged"] == 3
        assert report["exitCode"] == 0


def test_a_report_that_cannot_be_written_is_refused_before_the_run(
    cli: Callable, shop: Shop
) -> None:
    assert cli("run", shop.config(), UNTESTED, "--report-json", "/nowhere/at/all.json").code == 2
    assert cli("run", shop.config(), UNTESTED, "--report-json", "-", "--preview", "1").code == 2
    assert shop.written() == []


def test_an_untested_connector_needs_a_word(
    cli: Callable, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grades, "gradings", dict)
    assert cli("run", shop.config(), UNTESTED).code == 0
    said = cli("run", shop.config())
    assert said.code == 2
    assert "--allow-untested" in said.err


def test_a_source_that_is_not_there_is_1_and_names_the_next_command(
    cli: Callable, shop: Shop, tmp_path: Path
) -> None:
    config, report = shop.config(), tmp_path / "report.json"
    shop.database.unlink()
    said = cli("run", config, UNTESTED, "--report-json", str(report))
    assert said.code == 1
    assert "Failed: " in said.err
    assert f"Next: rayingest check {config}" in said.err
    assert json.loads(report.read_text())["nextCommand"] == f"rayingest check {config}"


def test_nothing_found_is_fine_but_names_the_filters(cli: Callable, shop: Shop) -> None:
    said = cli("run", shop.config(options="databaseFilterPattern: {includes: [nothing]}"), UNTESTED)
    assert said.code == 0
    assert "databaseFilterPattern" in said.err
    assert "--explain" in said.err


def rest(shop: Shop, catalogue: StrictCatalogue) -> str:
    return shop.config(sink=REST, more=SERVER.format(url=catalogue.url, token=SECRET))


def test_a_refused_table_is_3_told_once_with_a_command_that_shows_it(
    cli: Callable, shop: Shop, catalogue: StrictCatalogue
) -> None:
    many(shop, 30)
    catalogue.faults = Faults(refuse="many_007")
    config = rest(shop, catalogue)
    said = cli("run", config, UNTESTED)
    assert said.code == 3
    assert "Partial success: 35 of 36 entities ingested, 1 failed" in said.err
    assert f"Next: rayingest process {config} --entity shop.default.main.many_007" in said.err
    assert said.err.count("1 x ") == 1
    assert len(catalogue.entities("tables")) == 32
    assert cli("run", config, UNTESTED, "--partial-ok").code == 0
    assert SECRET not in said.err


def test_process_shows_why_it_was_refused(
    cli: Callable, shop: Shop, catalogue: StrictCatalogue
) -> None:
    config = rest(shop, catalogue)
    cli("run", config, UNTESTED)
    catalogue.faults = Faults(refuse="orders")
    said = cli("process", config, "--entity", "default.main.orders")
    (line,) = said.lines
    assert line["status"] == "failed"
    assert line["why"].startswith("Refused: ")
    assert said.code == 1


@pytest.mark.parametrize(("limit", "code"), [("0", 1), ("3", 3), ("0%", 3), ("90%", 3)])
def test_max_failures(
    cli: Callable, shop: Shop, catalogue: StrictCatalogue, limit: str, code: int
) -> None:
    many(shop, 30)
    catalogue.faults = Faults(refuse="many_007")
    # A share counts only when a hundred entities have ended.
    assert cli("run", rest(shop, catalogue), UNTESTED, "--max-failures", limit).code == code


def test_a_wrong_token_is_1(cli: Callable, shop: Shop, catalogue: StrictCatalogue) -> None:
    catalogue.set_token("another")
    config = rest(shop, catalogue)
    # A token may be renewed meanwhile, so a run waits before it gives up.
    patience = "workflowConfig.distributedExecution.sinkOutageSeconds=0.1"
    said = cli("run", config, UNTESTED, "--set", patience)
    assert said.code == 1
    assert f"Next: rayingest check {config}" in said.err
    assert cli("check", config).code == 4
    assert SECRET not in said.err


def test_a_time_limit_is_5(
    cli: Callable, shop: Shop, catalogue: StrictCatalogue, tmp_path: Path
) -> None:
    catalogue.faults = Faults(delay_ms=700)
    report = tmp_path / "report.json"
    said = cli(
        "run", rest(shop, catalogue), UNTESTED, "--timeout", "1s", "--report-json", str(report)
    )
    assert said.code == 5
    assert "time limit" in said.err
    assert json.loads(report.read_text())["state"] == "stalled"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_lets_what_is_under_way_finish(
    spawn: Callable, shop: Shop, catalogue: StrictCatalogue, tmp_path: Path, number: int
) -> None:
    catalogue.faults = Faults(delay_ms=400)
    report = tmp_path / "report.json"
    process = spawn("run", rest(shop, catalogue), UNTESTED, "--report-json", str(report))
    wait_for_a_request(catalogue)
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Stopping: what is under way may finish; press Ctrl-C again to leave at once." in err
    assert "Traceback" not in err
    assert json.loads(report.read_text())["state"] == "stopped"


def test_a_second_signal_leaves_at_once(
    spawn: Callable, shop: Shop, catalogue: StrictCatalogue
) -> None:
    catalogue.faults = Faults(hang="bulk")
    process = spawn("run", rest(shop, catalogue), UNTESTED)
    wait_for_a_request(catalogue)
    process.send_signal(signal.SIGINT)
    said = process.stderr.readline()
    while "Stopping" not in said:
        said = process.stderr.readline()
    threading.Event().wait(0.3)  # a person's second thought; what comes at once is an echo
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 130


@pytest.mark.parametrize("mode", ["auto", "rich", "log", "none"])
def test_every_kind_of_progress_works_without_a_terminal(
    cli: Callable, shop: Shop, mode: str
) -> None:
    said = cli("run", shop.config(), UNTESTED, "--progress", mode)
    assert (said.code, said.out) == (0, "")
    assert ("in flight" in said.err) == (mode in ("auto", "log"))
    assert "Success" in said.err


def test_json_logs_are_json_to_the_last_line(cli: Callable, shop: Shop) -> None:
    said = cli("run", shop.config(options="queryLogDuration: 2"), UNTESTED, "--log-format", "json")
    events = [json.loads(line) for line in said.err.splitlines()]
    assert {"timestamp", "level", "event"} <= set.intersection(*map(set, events))
    assert events[-1]["state"] == "success"
    assert any("queryLogDuration" in each["event"] for each in events)
    bad = cli("run", shop.config(sink="{type: fiel}"), "--log-format", "json")
    assert bad.code == 2
    assert json.loads(bad.err.splitlines()[0])["level"] == "error"


def test_quiet_leaves_the_verdict_and_verbose_says_more(cli: Callable, shop: Shop) -> None:
    config = shop.config(options="queryLogDuration: 2")
    quiet = cli("run", config, UNTESTED, "-q").err
    assert "Executing" not in quiet
    assert "queryLogDuration" in quiet
    assert "Success" in quiet
    assert "descriptors" not in quiet
    assert "Executing" in cli("run", config, UNTESTED, "-v").err


def test_a_warning_is_told_once(cli: Callable, shop: Shop) -> None:
    said = cli("run", shop.config(options="queryLogDuration: 2"), UNTESTED)
    assert said.err.count("queryLogDuration") == 1


def test_a_config_that_is_wrong_is_2_with_all_its_problems(cli: Callable, shop: Shop) -> None:
    config = shop.config(options="includeTabels: true", sink="{type: fiel}")
    said = cli("run", config)
    assert (said.code, said.out) == (2, "")
    assert f"error: {config}:7:" in said.err
    assert f"error: {config}:8:" in said.err
    assert "  → " in said.err


def test_no_color_is_honoured_even_on_a_terminal(
    shop: Shop, spawn: Callable, tmp_path: Path
) -> None:
    process = spawn("run", shop.config(), UNTESTED, NO_COLOR="1", FORCE_COLOR="")
    _, err = process.communicate(timeout=60)
    assert "\x1b[" not in err
    assert process.returncode == 0
    assert [each.name for each in (tmp_path / "state").iterdir()] == ["rayingest"]


POSTGRES = """\
source:
  type: postgres
  serviceName: db
  serviceConnection:
    config: {{username: me, authType: {{password: {password}}}, hostPort: "127.0.0.1:{port}", database: x}}
  sourceConfig: {{config: {{type: DatabaseMetadata}}}}
sink: {{type: memory}}
"""


def test_a_host_that_is_down_is_1_in_a_run_and_4_in_a_check(cli: Callable, tmp_path: Path) -> None:
    pytest.importorskip("psycopg")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, and nobody listens
        config = tmp_path / "postgres.yaml"
        config.write_text(POSTGRES.format(port=taken.getsockname()[1], password=SECRET))
        ran, checked = cli("run", str(config), UNTESTED), cli("check", str(config))
    assert (ran.code, checked.code) == (1, 4)
    assert f"Next: rayingest check {config}" in ran.err
    assert "failed" in checked.out
    for said in (ran, checked):
        assert SECRET not in said.out + said.err
        assert "Traceback" not in said.err
