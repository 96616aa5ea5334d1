# ruff: noqa: S608 - statements for databases of our own
"""The machine or its user goes wrong: a full disk, Ctrl-C once and twice."""

import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

import rayingest as ri
from rayingest.errors import StateError
from rayingest.execute.report import Report
from rayingest.testing.catalogue import Faults

from ..running import BROKEN, Proxy, World, balanced, tells

MANY = ";".join(f"create table t{at:03} (i int)" for at in range(400))


# --- a full disk ---


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 kB of its own."""
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)]
    try:
        done = subprocess.run(mount, capture_output=True, check=False)
    except OSError:
        pytest.skip("mount is not installed")
    if done.returncode:
        pytest.skip(f"no file system may be mounted here: {done.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def fill(place: Path, *, leave: int) -> None:
    """Fill a disk but for so many pages."""
    with (place / "filling").open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 4096)
    os.truncate(place / "filling", (place / "filling").stat().st_size - 4096 * leave)


def test_a_disk_full_from_the_start_is_told_before_anything_is_written(
    world: World, small_disk: Path
) -> None:
    fill(small_disk, leave=0)
    job = ri.load(world.config(execution={"stateUrl": str(small_disk)}))
    with pytest.raises(StateError, match="No space left on device") as caught:
        job.run(allow_untested=True)
    assert str(small_disk) in str(caught.value)
    assert "--state-url" in str(caught.value.hint)
    assert world.catalogue is not None
    assert world.catalogue.writes() == []


def test_a_disk_that_fills_up_in_the_middle_fails_the_run_and_says_where(
    world: World, small_disk: Path
) -> None:
    fill(small_disk, leave=3)
    run = world.run(world.config(execution={"stateUrl": str(small_disk)}))
    assert (run.report.state, run.report.exit_code) == ("failed", 1)
    tells(run.report, str(small_disk), "No space left on device", "--state-url")
    # What the catalogue took is there; a run with room for its records completes it.
    (small_disk / "filling").unlink()
    assert world.run(world.config()).report.exit_code == 0
    assert len(world.outcome()["tables"]) == 60


def test_a_file_sink_on_a_full_disk_is_waited_for_then_named(
    world: World, small_disk: Path
) -> None:
    fill(small_disk, leave=2)
    sink = {"type": "file", "config": {"path": str(small_disk / "out")}}
    run = world.run(world.config(sink=sink))
    assert (run.report.state, run.report.exit_code) == ("failed", 1)
    tells(run.report, f"The disk of {small_disk / 'out'} is full", "Make room")
    (small_disk / "filling").unlink()


def test_a_limit_on_the_size_of_files_is_told_like_a_full_disk(
    world: World, shell: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    """The same without a mount, and as a user sees it."""
    state = tmp_path / "limited"
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))  # noqa: E731
    process = shell(world.config(execution={"stateUrl": str(state)}), preexec_fn=limit)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1, said
    assert f"The run directory {state}" in said
    assert "File too large" in said
    assert "--state-url" in said
    assert "Traceback" not in said


def test_a_run_directory_that_may_not_be_written_is_named(world: World, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    job = ri.load(world.config(execution={"stateUrl": str(tmp_path / "file")}))
    with pytest.raises(StateError, match="Not a directory") as caught:
        job.run(allow_untested=True)
    assert "--state-url" in str(caught.value.hint)


# --- Ctrl-C ---


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """`rayingest run` in a process of its own; what is left of it is ended."""
    started: list[subprocess.Popen[str]] = []

    def typed(config: Path, *arguments: str, **more: Any) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "rayingest", "run", str(config), "--allow-untested"]
        command += ["--progress", "none", "--report-json", str(tmp_path / "report.json")]
        process = subprocess.Popen(
            [*command, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "COLUMNS": "250"},
            **more,
        )
        started.append(process)
        return process

    yield typed
    for each in started:
        if each.poll() is None:
            each.kill()
        each.communicate()


def until(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    for _ in range(1200):
        if condition():
            return
        assert process.poll() is None, process.communicate()
        threading.Event().wait(0.02)
    raise AssertionError("it never happened")


def audited(world: World, folder: Path) -> Report:
    """The report of a run in another process: its books, its secrets, and its word against the log."""
    text = (folder / "report.json").read_text()
    report = msgspec.json.decode(text, type=Report)
    balanced(report)
    files = [each for each in Path(report.run_directory).rglob("*") if each.is_file()]
    for each in (text, *(file.read_text() for file in files)):
        assert not any(secret in each for secret in world.secrets)
    stored = json.loads((Path(report.run_directory) / "report.json").read_text())
    assert stored["types"] == json.loads(text)["types"]
    return report


def recorded(report: Report) -> set[str]:
    """What the segments say has arrived."""
    found = set()
    for file in Path(report.run_directory).rglob("segment-*.jsonl"):
        for line in file.read_text().splitlines():
            record = json.loads(line)
            if isinstance(record, list) and record[0] == "ended" and record[2][1] == "ok":
                found.add(record[2][0])
    return found


def test_ctrl_c_once_lets_what_is_under_way_finish_and_loses_nothing_acknowledged(
    world_of: Callable[..., World], shell: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    world = world_of("ctrl_c", MANY)
    assert world.catalogue is not None
    catalogue = world.catalogue
    catalogue.faults = Faults(delay_ms=100, per_entity_ms=20)
    sink = {"type": "metadata-rest", "config": {"bulk_sink_batch_size": 20}}
    process = shell(world.config(sink=sink, execution={"parallelism": 1}))
    until(lambda: bool(catalogue.stats["entities"].get("tables")), process)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130, said
    assert "nothing that was acknowledged is lost" in said
    assert "Traceback" not in said
    report = audited(world, tmp_path)
    assert report.state == "stopped"
    held = set().union(*world.outcome().values())
    done = recorded(report)
    assert done <= held
    assert len(done) == sum(book["ok"] for book in report.types.values())
    # What was under way was waited for: the catalogue has nothing that the record does not know.
    assert held == done
    assert report.types["table"]["ok"] > 0
    # And a second run completes it.
    catalogue.faults = Faults()
    assert world.run().report.exit_code == 0
    assert len(world.outcome()["tables"]) == 400


def test_ctrl_c_twice_leaves_at_once_and_still_reports(
    world: World, shell: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    assert world.catalogue is not None
    catalogue = world.catalogue
    catalogue.faults = Faults(hang="tables/bulk")
    process = shell(world.config())
    until(lambda: any("tables/bulk" in each for each in catalogue.stats["by"]), process)
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    while "Stopping" not in (line := process.stderr.readline()):
        assert line, "it said nothing"
    threading.Event().wait(0.3)  # a second thought: what comes at once is an echo of the first
    process.send_signal(signal.SIGINT)
    before = time.monotonic()
    _, said = process.communicate(timeout=30)
    assert time.monotonic() - before < 5
    assert process.returncode == 130, said
    report = audited(world, tmp_path)
    assert report.state == "stopped"
    assert report.types["databaseSchema"]["ok"] == 3
    assert recorded(report) <= set().union(*world.outcome().values())


def test_ctrl_c_while_nobody_answers_at_the_source(
    world: World, shell: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    held = threading.Event()
    proxy = Proxy(world.server.host, world.server.port, lambda _: held.wait(60) and None)
    with proxy.serve():
        process = shell(world.config(connection={"hostPort": proxy.host_port}))
        until(lambda: proxy.connections > 0, process)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
        held.set()
    assert process.returncode == 130, said
    assert audited(world, tmp_path).state == "stopped"


# --- the same through the program ---


def test_the_program_says_one_unreadable_view_in_a_sentence_and_3(
    world_of: Callable[..., World], shell: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    world = world_of(
        "cli_view",
        BROKEN.format(s="public"),
        "drop table public.lost cascade",
        ";".join(f"create view public.v{at:04} as select i from public.t" for at in range(30)),
    )
    process = shell(world.config())
    _, said = process.communicate(timeout=60)
    assert process.returncode == 3, said
    assert "svc.cli_view.public.bad" in said
    assert "recreate or drop it" in said
    assert "--entity svc.cli_view.public.bad" in said
    for noise in ("Traceback", "pipeline aborted", "stamina", *world.secrets):
        assert noise not in said, said
    assert audited(world, tmp_path).types["table"]["ok"] == 31


def test_the_program_says_a_wrong_password_in_a_sentence_and_1(
    world: World, shell: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    world.secrets += ("canary-wrong-55ad",)
    process = shell(world.config(connection={"authType": {"password": "canary-wrong-55ad"}}), "-v")
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1, said
    assert "password authentication failed" in said
    assert world.server.host_port in said
    assert "rayingest check" in said
    assert not [each for each in ("Traceback", *world.secrets) if each in said], said
    assert audited(world, tmp_path).state == "failed"


def test_the_program_says_a_sink_that_is_down_in_a_sentence_and_1(
    world: World, shell: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    assert world.catalogue is not None
    world.catalogue.faults = Faults(down_until=time.time() + 1000)
    # Four tries of ten seconds at most come before the second for which an outage is borne.
    process = shell(world.config(), "-v")
    _, said = process.communicate(timeout=90)
    assert process.returncode == 1, said
    assert f"{world.catalogue.url} does not answer" in said
    assert "the run waits for it" in said
    assert not [each for each in ("Traceback", *world.secrets) if each in said], said
    assert audited(world, tmp_path).state == "failed"


def test_the_program_says_an_invalid_regex_with_its_place_and_2(
    world: World, shell: Callable[..., subprocess.Popen[str]]
) -> None:
    config = world.config(options={"schemaFilterPattern": {"includes": ["(sales"]}})
    process = shell(config)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 2, said
    assert f"{config}:" in said
    assert "'(sales' is not a regular expression" in said
    assert "Traceback" not in said


def test_the_program_says_a_host_port_without_api_and_2(
    world: World, shell: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    assert world.catalogue is not None
    process = shell(world.config(server={"hostPort": world.catalogue.host_port}))
    _, said = process.communicate(timeout=60)
    assert process.returncode == 2, said
    assert f"Set hostPort to {world.catalogue.url}" in said
    assert audited(world, tmp_path).exit_code == 2
