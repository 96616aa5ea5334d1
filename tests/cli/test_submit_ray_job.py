"""`rayingest submit --mode ray-job`: what it says, and the code that it leaves with."""

from _thread import interrupt_main
from collections.abc import Callable
from pathlib import Path

import pytest

from rayingest.execute.report import Report
from rayingest.state.run_directory import RunDirectory

from ..launch.dashboards import FakeRay
from .conftest import TOKEN, UNTESTED, Said, Shop

RUN = ("--mode", "ray-job", "--run-id", "r1", UNTESTED)
JOB = "ri-shop-813e7e3a03"


@pytest.fixture
def submit(
    cli: Callable[..., Said], shop: Shop, ray: FakeRay, tmp_path: Path
) -> Callable[..., Said]:
    """Submit a run whose state is here."""

    def submitted(*more: str) -> Said:
        return cli("submit", shop.config(), *RUN, "--state-url", str(tmp_path / "s"), *more)

    return submitted


def ends(ray: FakeRay, folder: Path, word: str, state: str | None, code: int | None = None) -> None:
    """The run will have ended so at the third look: at the submission's own, and the first of the waiting, it runs."""
    ray.script = [{}, {}, {"status": word, "driver_exit_code": code}]
    if state:
        report = Report(
            run_id="r1",
            state=state,
            verdict=f"So it went: {state}.",
            advice=["Twice as fast with two."],
            ended_at="2999-01-01T00:00:00Z",
        )  # type: ignore[arg-type]
        RunDirectory(str(folder / "s"), "shop", "r1").put_report(report.to_json())


def test_a_run_is_given_and_left(submit: Callable[..., Said], ray: FakeRay) -> None:
    said = submit()
    assert (said.code, said.out) == (0, "")
    assert [*ray.jobs] == [JOB]
    assert f"Run r1 is job {JOB} at http://127.0.0.1:" in said.err
    for command in ("status r1", "logs r1", "stop r1"):
        assert f"rayingest {command} --address http://127.0.0.1:" in said.err
    assert TOKEN not in said.err
    assert "It was submitted before: RUNNING" in submit().err
    assert len(ray.packages) == 1


@pytest.mark.parametrize(
    "how",
    [("SUCCEEDED", "success", 0), ("SUCCEEDED", "partialSuccess", 3), ("STOPPED", "stopped", 130)],
)
def test_who_waits_leaves_as_the_run_did(
    submit: Callable[..., Said], ray: FakeRay, tmp_path: Path, how: tuple[str, str, int]
) -> None:
    word, state, code = how
    ends(ray, tmp_path, word, state)
    said = submit("--wait")
    assert said.code == code
    assert f"So it went: {state}." in said.err
    assert f"{JOB}: {word}" in said.err


def test_a_partial_success_may_do_and_its_report_is_kept(
    submit: Callable[..., Said], ray: FakeRay, tmp_path: Path
) -> None:
    ends(ray, tmp_path, "SUCCEEDED", "partialSuccess")
    kept = tmp_path / "report.json"
    assert submit("--wait", "--partial-ok", "--report-json", str(kept)).code == 0
    assert '"partialSuccess"' in kept.read_text()


@pytest.mark.parametrize("flag", [(), ("--quiet",)])
def test_who_wants_it_quiet_hears_the_verdict_alone(
    submit: Callable[..., Said], ray: FakeRay, tmp_path: Path, flag: tuple[str, ...]
) -> None:
    ends(ray, tmp_path, "SUCCEEDED", "success")
    said = submit("--wait", *flag)
    assert ("Twice as fast with two." in said.err) is not bool(flag)
    assert "So it went: success." in said.err


def test_who_follows_reads_the_log_and_no_terminal_obeys_it(
    submit: Callable[..., Said], ray: FakeRay, tmp_path: Path
) -> None:
    ends(ray, tmp_path, "SUCCEEDED", "success")
    ray.logs = ["one\n", "one\ntable \x1b[2J\x07é\nRAYINGEST_REPORT {}\n"]
    said = submit("--follow")
    assert "RAYINGEST_REPORT" not in said.err
    assert said.code == 0
    assert [each for each in said.err.splitlines() if each in ("one", "table [2Jé")] == [
        "one",
        "table [2Jé",
    ]


@pytest.mark.parametrize("word", ["SUCCEEDED", "FAILED", "STOPPED"])
def test_without_a_report_nobody_hears_of_success(
    submit: Callable[..., Said], ray: FakeRay, tmp_path: Path, word: str
) -> None:
    ends(ray, tmp_path, word, None, 127 if word == "FAILED" else 0)
    said = submit("--wait")
    assert said.code == 1
    assert "error: The outcome of run r1 is unknown: there is no report in" in said.err
    assert ("no program `rayingest`" in said.err) == (word == "FAILED")


@pytest.mark.parametrize("looks", [1, 2])
def test_a_job_that_the_cluster_forgot_is_no_success(
    submit: Callable[..., Said], ray: FakeRay, looks: int
) -> None:
    """Even if it was never looked at since it was given."""
    ray.script = [*([{}] * looks), ray.jobs.clear]
    said = submit("--wait")
    assert said.code == 1
    assert "knows nothing of the job any more" in said.err
    assert "The outcome of run r1 is unknown: there is no report in" in said.err


@pytest.mark.parametrize(
    ("flags", "status", "words"),
    [
        ((), "STOPPED", "rayingest submit CONFIG --mode ray-job --address http"),
        (("--on-interrupt", "delete"), "STOPPED", "is being stopped"),
        (("--on-interrupt", "detach"), "RUNNING", "rayingest stop r1 --address http"),
    ],
)
def test_ctrl_c_stops_the_run_or_leaves_it(
    submit: Callable[..., Said], ray: FakeRay, flags: tuple[str, ...], status: str, words: str
) -> None:
    ray.script = [{}, {}, interrupt_main]
    said = submit("--wait", *flags)
    assert (said.code, ray.jobs[JOB]["status"]) == (130, status)
    assert words in said.err


def test_a_cluster_that_does_not_know_us(
    submit: Callable[..., Said], ray: FakeRay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN", "wrong-canary")
    said = submit()
    assert (said.code, ray.jobs) == (1, {})
    assert "does not accept our token" in said.err
    assert "wrong-canary" not in said.err


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--manifest", "-"), "--manifest: --mode ray-job has no use"),
        (("--dry-run", "client"), "--dry-run: --mode"),
        (("--logs-pod", "--image", "x"), "--logs-pod, --image: --mode"),
        (("--mode", "rayjob", "--address", "http://h:1"), "--address: --mode rayjob"),
        (("--address", "head:8265"), "'head:8265' is no address of a Ray dashboard"),
        (("--name", "Not a name"), "cannot be the name of a job"),
    ],
)
def test_flags_that_do_not_fit(
    submit: Callable[..., Said], ray: FakeRay, flags: tuple[str, ...], words: str
) -> None:
    said = submit(*flags)
    assert (said.code, ray.calls) == (2, [])
    assert words in said.err
