"""Several configs in one go: each has a run of its own, none stops another, one exit code."""

import json
import signal
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import rayingest as ri
from rayingest.api import many
from rayingest.api.many import Source, run_many, worst
from rayingest.api.wishes import Wishes
from rayingest.errors import ConfigError
from rayingest.sinks.openmetadata.session import OpenMetadataSession
from rayingest.testing import Faults, StrictCatalogue

from .conftest import SECRET, SERVER, UNTESTED, wait_for_a_request

CONFIG = """\
source:
  type: sqlite
  serviceName: {service}
  serviceConnection: {{config: {{type: SQLite, databaseMode: {database}}}}}
  sourceConfig: {{config: {{type: DatabaseMetadata}}}}
sink: {{type: metadata-rest, config: {{}}}}
"""


@pytest.fixture
def folder(tmp_path: Path, catalogue: StrictCatalogue) -> Path:
    """Four configs of four databases, and what lies beside configs and is none."""
    made = tmp_path / "configs"
    made.mkdir()
    for name in "abcd":
        config(made, name, catalogue)
    (made / "rayingest.yaml").write_text("distributedExecution: {parallelism: 3}\n")
    (made / "notes.txt").write_text("no config")
    return made


def config(folder: Path, name: str, catalogue: StrictCatalogue, *, tables: int = 30) -> Path:
    database = folder / f"{name}.db"
    with sqlite3.connect(database) as connection:
        for number in range(tables):
            connection.execute(f"create table t{number} (id integer)")
    connection.close()
    path = folder / f"{name}.yaml"
    server = SERVER.format(url=catalogue.url, token=SECRET)
    path.write_text(CONFIG.format(service=name, database=database) + server)
    return path


def test_a_folder_is_ingested_whole(
    cli: Callable, folder: Path, catalogue: StrictCatalogue, tmp_path: Path
) -> None:
    report = tmp_path / "reports.json"
    said = cli("run", str(folder), UNTESTED, "--report-json", str(report))
    assert (said.code, said.out) == (0, "")
    assert "4 of 4 sources succeeded; exit code 0." in said.err
    assert len(catalogue.entities("tables")) == 120
    whole = json.loads(report.read_text())
    assert (whole["schema"], whole["exitCode"]) == ("rayingest.reports/1", 0)
    assert [each["service"] for each in whole["sources"]] == ["a", "b", "c", "d"]
    runs = [each["report"] for each in whole["sources"]]
    assert {each["state"] for each in runs} == {"success"}
    assert all(Path(each["runDirectory"], "report.json").exists() for each in runs)
    assert all(each["types"]["table"]["discovered"] == 30 for each in runs)


def test_one_sources_failure_stops_no_other(
    cli: Callable, folder: Path, catalogue: StrictCatalogue
) -> None:
    (folder / "a.yaml").write_text("source: {type: sqlit}\n")
    (folder / "b.db").write_bytes(b"this is no database" * 100)
    said = cli("run", str(folder), UNTESTED)
    assert said.code == 1
    assert "did you mean 'sqlite'" in said.err.lower()
    assert "2 of 4 sources succeeded; exit code 1." in said.err
    assert f"Next, for {folder / 'a.yaml'}: rayingest validate" in said.err
    assert f"Next, for b: rayingest check {folder / 'b.yaml'}" in said.err
    assert len(catalogue.entities("tables")) == 60


def test_a_ray_that_does_not_start_fails_only_those_that_need_it(
    folder: Path, catalogue: StrictCatalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise ConfigError("Ray could not be started")

    monkeypatch.setattr("rayingest.execute.ray_session.connect", refuse)
    sources = [Source(name, ri.load(folder / f"{name}.yaml")) for name in "abc"]
    config = sources[0].job.config
    execution = replace(config.execution, engine="ray")
    sources[0].job = replace(sources[0].job, config=replace(config, execution=execution))
    assert run_many(sources, lambda _: Wishes(allow_untested=True), jobs=2) == 2
    assert [each.exit_code for each in sources] == [2, 0, 0]
    assert len(catalogue.entities("tables")) == 60


def test_a_sink_that_cannot_be_made_fails_only_its_source(
    cli: Callable, folder: Path, catalogue: StrictCatalogue
) -> None:
    text = (folder / "b.yaml").read_text()
    (folder / "b.yaml").write_text(text[: text.index("workflowConfig")])
    said = cli("run", str(folder), UNTESTED)
    assert said.code == 2
    assert "3 of 4 sources succeeded; exit code 2." in said.err
    assert len(catalogue.entities("tables")) == 90


def test_calls_to_the_sink_of_all_runs_together_are_limited(
    cli: Callable, folder: Path, catalogue: StrictCatalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "efghijkl":
        config(folder, name, catalogue)
    catalogue.faults = Faults(delay_ms=60)
    write, lock, now = OpenMetadataSession.write, threading.Lock(), [0]
    seen: list[int] = []

    def counted(self: OpenMetadataSession, *arguments: Any) -> Any:
        with lock:
            now[0] += 1
            seen.append(now[0])
        try:
            return write(self, *arguments)
        finally:
            with lock:
                now[0] -= 1

    monkeypatch.setattr(OpenMetadataSession, "write", counted)
    limits = many._sink_limits
    three = {"max_concurrency": 3}
    monkeypatch.setattr(
        many, "_sink_limits", lambda all_: [replace(e, **three) for e in limits(all_)]
    )
    assert cli("run", str(folder), UNTESTED, "--jobs", "12").code == 0
    assert len(catalogue.entities("tables")) == 360
    assert max(seen) == 3


def test_sources_at_one_place_follow_each_other(
    cli: Callable, folder: Path, catalogue: StrictCatalogue
) -> None:
    text = (folder / "a.yaml").read_text()
    for name in ("x", "y"):
        (folder / f"{name}.yaml").write_text(text.replace("serviceName: a", f"serviceName: {name}"))
    said = cli("run", *(str(folder / f"{each}.yaml") for each in "axy"), UNTESTED)
    assert said.code == 0
    lines = [line.split(" ", 1)[1] for line in said.err.splitlines() if ": " in line[9:]]
    order = [line.split(":")[0] for line in lines if line[:2] in ("a:", "x:", "y:")]
    assert order == ["a", "a", "x", "x", "y", "y"]


def test_one_signal_stops_them_all(
    spawn: Callable, folder: Path, catalogue: StrictCatalogue, tmp_path: Path
) -> None:
    catalogue.faults = Faults(delay_ms=300)
    report = tmp_path / "reports.json"
    flags = ("--jobs", "2", "--report-json", str(report))
    process = spawn("run", str(folder), UNTESTED, *flags)
    wait_for_a_request(catalogue)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Stopping" in err
    assert "Traceback" not in err
    whole = json.loads(report.read_text())
    assert [each["exitCode"] for each in whole["sources"]] == [130] * 4
    assert [each["report"] is None for each in whole["sources"]] == [False, False, True, True]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("a.yaml", "-"), "Standard input can only be read alone"),
        (("a.yaml", "a.yaml"), "given twice"),
        (("a.yaml", "b.yaml", "--preview", "3"), "--preview"),
        (("a.yaml", "b.yaml", "--config", "c.yaml"), "--config"),
        (("a.yaml", "twin.yaml", "--run-id", "night"), "would be one run, 'night'"),
        (("empty",), "There is no config"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_done(
    cli: Callable,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    message: str,
) -> None:
    monkeypatch.chdir(folder)
    Path("empty").mkdir()
    Path("twin.yaml").write_text(Path("a.yaml").read_text().replace("a.db", "b.db"))
    said = cli("run", *arguments)
    assert said.code == 2
    assert message in said.err


def test_a_run_id_serves_all_services_and_goes_on(cli: Callable, folder: Path) -> None:
    assert cli("run", str(folder), UNTESTED, "--run-id", "night").code == 0
    again = cli("run", str(folder), UNTESTED, "--run-id", "night")
    assert again.code == 0
    assert again.err.count("it ended before, and nothing was done") == 4
    shown = cli("runs", "list", "--format", "json")
    assert [each["id"] for each in json.loads(shown.out)] == ["night"] * 4


def test_programs_hear_of_each_source_as_json(cli: Callable, folder: Path) -> None:
    said = cli("run", str(folder), UNTESTED, "--log-format", "json")
    events = [json.loads(line) for line in said.err.splitlines()]
    assert {"4 of 4 sources succeeded; exit code 0."} <= {each["event"] for each in events}


def test_the_worst_code_wins() -> None:
    assert worst([0, 3, 2]) == 2
    assert worst([0, 3]) == 3
    assert worst([3, 1, 2, 5]) == 1
    assert worst([130, 1]) == 130
    assert worst([]) == 0
