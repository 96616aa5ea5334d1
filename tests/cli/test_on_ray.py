"""`rayingest status`, `logs` and `stop` on a Ray cluster: what they say, and the codes that they leave with."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from rayingest.api import lines
from rayingest.execute.report import Report
from rayingest.state.run_directory import RunDirectory
from rayingest.testing.kubernetes import Kubernetes

from ..launch.dashboards import FakeRay
from .conftest import TOKEN, UNTESTED, Said, Shop

JOB = "ri-shop-813e7e3a03"
THEIRS: dict[str, Any] = {"type": "SUBMISSION", "submission_id": "theirs", "status": "RUNNING"}
Cli = Callable[..., Said]
DRIVER: dict[str, Any] = {"type": "DRIVER", "submission_id": None, "metadata": None}


@pytest.fixture
def url(ray: FakeRay) -> str:
    """The address of the cluster."""
    return os.environ["RAY_API_SERVER_ADDRESS"]


@pytest.fixture
def state(tmp_path: Path) -> str:
    return str(tmp_path / "s")


@pytest.fixture
def submit(cli: Cli, shop: Shop, ray: FakeRay, state: str) -> Cli:
    """Give a run to the cluster; it goes on there."""

    def submitted(run: str = "r1", *more: str) -> Said:
        given = ("--mode", "ray-job", "--run-id", run, "--state-url", state, UNTESTED)
        return cli("submit", shop.config(), *given, *more)

    return submitted


def report(state: Any, **more: Any) -> Report:
    verdict = f"So it went: {state}."
    made = {"run_id": "r1", "ended_at": "2999-01-01T00:00:00Z", "verdict": verdict}
    return Report(state=state, **(made | more))


# --- which there are ---


def test_runs_are_listed_and_other_peoples_jobs_are_not(
    cli: Cli, submit: Cli, ray: FakeRay, url: str
) -> None:
    ray.jobs = {"theirs": THEIRS, "driver": DRIVER}
    said = cli("status")
    assert (said.code, said.out) == (0, "")
    assert f"The Ray cluster at {url} knows of no run." in said.err
    submit("r1")
    submit("r2", "--name", "nightly")
    ray.jobs["nightly"] |= {"start_time": 1_800_000_000_000, "status": "SUCCEEDED"}
    said = cli("status")
    assert [line.split() for line in said.out.splitlines()] == [
        ["RUN", "JOB", "SERVICE", "CREATED", "STATUS"],
        ["r2", "nightly", "shop", "2027-01-15", "08:00", "SUCCEEDED"],
        ["r1", JOB, "shop", "1970-01-01", "00:16", "RUNNING"],
    ]
    assert "2 other jobs there: no run of rayingest." in said.err


def test_names_stay_whole_where_there_is_little_room(
    cli: Cli, submit: Cli, ray: FakeRay, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit()
    ray.jobs[JOB] |= {"status": "FAILED", "error_type": "JOB_ENTRYPOINT_COMMAND_ERROR"}
    monkeypatch.setenv("COLUMNS", "60")
    said = cli("status").out
    assert f"r1   {JOB}  shop     1970-01-01 00:16  FAILED" in said


def test_programs_are_told_with_the_keys_that_runs_on_kubernetes_have(
    cli: Cli, submit: Cli, ray: FakeRay, url: str
) -> None:
    submit()
    ray.jobs["theirs"] = THEIRS
    same = {"runId": "r1", "service": "shop", "createdAt": "1970-01-01T00:16:40+00:00"}
    here = {"job": JOB, "address": url, "endedAt": None, "errorType": "", "driverExitCode": None}
    goes = {"over": False, "outcome": None, "jobStatus": "RUNNING", "message": ""}
    for said in (cli("status", "--format", "json"), cli("status", "r1", "--format", "json")):
        assert (said.code, json.loads(said.out)) == (0, [same | here | goes])
    failed = {"status": "FAILED", "message": "m", "error_type": "E", "driver_exit_code": 1}
    ray.jobs[JOB] |= failed | {"end_time": 1_001_000}
    (told,) = json.loads(cli("status", "--format", "json").out)
    assert told == same | here | {
        "over": True,
        "outcome": "failed",
        "jobStatus": "FAILED",
        "message": "m",
        "errorType": "E",
        "driverExitCode": 1,
        "endedAt": "1970-01-01T00:16:41+00:00",
    }


# --- how one is ---


@pytest.mark.parametrize(
    ("status", "ends"),
    [
        (
            {"status": "RUNNING", "message": "It runs."},
            (0, "Created 1970-01-01 00:16:40 UTC: RUNNING"),
        ),
        ({"status": "PENDING", "message": "It waits."}, (0, "It waits.")),
        ({"status": "NEVER_HEARD"}, (0, "UTC: NEVER_HEARD")),
        ({"status": "SUCCEEDED", "end_time": 1_001_000}, (1, "ended 1970-01-01 00:16:41 UTC: SUC")),
        ({"status": "STOPPED"}, (1, "is unknown: there is no report in")),
        ({"status": "FAILED", "driver_exit_code": 127}, (1, "has no program `rayingest`")),
    ],
)
def test_every_status_is_told_and_without_a_report_none_is_success(
    cli: Cli, submit: Cli, ray: FakeRay, status: dict[str, Any], ends: tuple[int, str]
) -> None:
    code, told = ends
    submit()
    ray.jobs[JOB] |= status
    said = cli("status", "r1")
    assert (said.code, said.out) == (code, "")
    assert f"Run r1 of service shop, job {JOB} at http://127.0.0.1:" in said.err
    assert told in said.err
    assert "It runs." not in said.err
    assert said.err.count("error: ") == code + (status["status"] == "FAILED")  # why it did
    assert ("and none of this job at the end of its log" in said.err) is bool(code)
    assert ("rayingest logs r1 --address http" in said.err) is bool(code)


@pytest.mark.parametrize(
    "how",
    [
        ("SUCCEEDED", "success", 0),
        ("SUCCEEDED", "partialSuccess", 3),
        ("FAILED", "failed", 1),
        ("FAILED", "stalled", 5),
        ("STOPPED", "stopped", 130),
    ],
)
def test_the_exit_code_is_that_of_the_report_in_the_log_and_at_the_state_url(
    cli: Cli, submit: Cli, ray: FakeRay, state: str, how: tuple[str, str, int]
) -> None:
    word, ending, code = how
    submit()
    ray.jobs[JOB]["status"] = word
    RunDirectory(state, "shop", "r1").put_report(report(ending).to_json())
    said = cli("status", "r1", "--state-url", state)
    assert (said.code, f"So it went: {ending}." in said.err) == (code, True)
    assert cli("status", "r1").code == 1
    ray.logs = [f"one\n{lines.line(report(ending))}\n"]
    said = cli("status", "r1")
    assert (said.code, f"So it went: {ending}." in said.err) == (code, True)


@pytest.mark.parametrize("resumable", [True, False])
def test_what_the_run_said_to_do_next_was_for_where_it_ran(
    cli: Cli, submit: Cli, ray: FakeRay, url: str, resumable: bool
) -> None:
    submit()
    ray.jobs[JOB]["status"] = "STOPPED"
    told = report("stopped", resumable=resumable, next_command="rayingest resume r1")
    ray.logs = [lines.line(told)]
    said = cli("status", "r1")
    assert "rayingest resume" not in said.err
    again = f"Next: rayingest submit CONFIG --mode ray-job --address {url} --run-id r1"
    assert (again in said.err) is resumable


def test_how_far_a_run_is(cli: Cli, submit: Cli, shop: Shop, state: str) -> None:
    submit()
    assert "Unfinished" not in cli("status", "r1", "--state-url", state).err
    cli("run", shop.config(), "--run-id", "r1", "--state-url", state, UNTESTED)
    said = cli("status", "r1", "--state-url", state)
    assert said.code == 0
    assert "Unfinished: 6 of 6 entities found so far were ingested" in said.err
    assert "Unfinished" not in cli("status", "r1").err


@pytest.mark.parametrize("command", ["status", "logs", "stop"])
def test_a_run_that_is_not_there(cli: Cli, submit: Cli, ray: FakeRay, command: str) -> None:
    said = cli(command, "r7")
    assert (said.code, said.out) == (2, "")
    assert "knows of no run, and so not of 'r7'" in said.err
    assert "A cluster forgets its jobs when its head is made anew" in said.err
    submit()
    ray.jobs["theirs"] = THEIRS
    said = cli(command, "r7")
    assert (said.code, said.out) == (2, "")
    assert "knows of no run 'r7'. There is r1." in said.err
    said = cli(command, "theirs")
    assert (said.code, ray.jobs["theirs"]["status"]) == (2, "RUNNING")
    assert "Job theirs of the Ray cluster at " in said.err


# --- what it says ---


def test_the_log_until_now_and_no_terminal_obeys_it(cli: Cli, submit: Cli, ray: FakeRay) -> None:
    submit()
    ray.logs = ["one\ntable \x1b[2J\x07é\nhalf a li"]
    said = cli("logs", "r1")
    assert (said.code, said.out) == (0, "one\ntable [2Jé\nhalf a li\n")


def test_the_log_until_the_end(cli: Cli, submit: Cli, ray: FakeRay) -> None:
    submit()
    ray.logs = ["one\ntw", "one\ntwo\n\x07three"]
    ray.script = [{}, {"status": "SUCCEEDED"}]
    said = cli("logs", "r1", "--follow")
    assert (said.code, said.out) == (0, "one\ntwo\nthree\n")


def test_who_follows_reads_a_line_as_soon_as_it_is_there(
    spawn: Callable[..., Any], submit: Cli, ray: FakeRay
) -> None:
    submit()
    ray.logs = ["one\n"]
    process = spawn("logs", "r1", "--follow")
    assert process.stdout.readline() == "one\n"
    ray.jobs[JOB]["status"] = "SUCCEEDED"
    assert process.wait(timeout=30) == 0


@pytest.mark.parametrize("follow", [(), ("--follow",)])
def test_whoever_has_read_enough_of_a_log_may_leave(
    spawn: Callable[..., Any], submit: Cli, ray: FakeRay, follow: tuple[str, ...]
) -> None:
    submit()
    ray.logs = ["many words\n" * 20_000]
    process = spawn("logs", "r1", *follow)
    assert process.stdout.readline() == "many words\n"
    process.stdout.close()
    assert (process.stderr.read(), process.wait(timeout=30)) == ("", 0)


@pytest.mark.parametrize("word", ["FAILED", "STOPPED"])
def test_the_log_of_what_has_not_succeeded(cli: Cli, submit: Cli, ray: FakeRay, word: str) -> None:
    submit()
    ray.logs = ["one\n"]
    ray.jobs[JOB]["status"] = word
    assert cli("logs", "r1").code == 0
    said = cli("logs", "r1", "--follow")
    assert (said.code, said.out) == (1, "one\n")
    assert f"Run r1 has ended: {word}." in said.err


def test_a_job_that_is_forgotten_while_its_log_is_read(cli: Cli, submit: Cli, ray: FakeRay) -> None:
    submit()
    ray.script = [ray.jobs.clear]
    said = cli("logs", "r1", "--follow")
    assert (said.code, said.out) == (1, "")
    assert "was its head made anew?" in said.err
    assert "rayingest runs show r1 --state-url URL" in said.err


def test_a_log_that_the_cluster_has_not(cli: Cli, submit: Cli, state: str) -> None:
    submit()
    said = cli("logs", "r1")
    assert (said.code, said.out) == (2, "")
    assert "There is no log of run r1: its job is RUNNING." in said.err
    RunDirectory(state, "shop", "r1").store.put("log/20261122-173725-000001.txt", b"kept\n")
    assert cli("logs", "r1", "--state-url", state).out == "kept\n"


# --- ending it ---


def test_stop_asks_a_run_to_end_and_says_how_to_go_on(
    cli: Cli, submit: Cli, ray: FakeRay, url: str
) -> None:
    submit()
    said = cli("stop", "r1")
    assert (said.code, said.out, ray.jobs[JOB]["status"]) == (0, "", "STOPPED")
    assert "Run r1 is being stopped; it has 25 s to close its books." in said.err
    assert f"rayingest status r1 --address {url}" in said.err
    assert f"rayingest submit CONFIG --mode ray-job --address {url} --run-id r1" in said.err


def test_a_run_that_had_ended_is_said_and_not_stopped(cli: Cli, submit: Cli, ray: FakeRay) -> None:
    submit()
    ray.jobs[JOB]["status"] = "SUCCEEDED"
    said = cli("stop", "r1")
    assert (said.code, "Run r1 had ended: SUCCEEDED." in said.err) == (0, True)
    assert not [each for each in ray.calls if each.endswith("/stop")]
    ray.jobs[JOB]["status"] = "RUNNING"
    ray.torn = [httpx2.Response(200, json={"stopped": False})]
    said = cli("stop", "r1")
    assert f"Ray has found nothing to stop: job {JOB} is STOPPED." in said.err
    assert "is being stopped" not in said.err
    assert "Ask again" not in said.err


def test_a_job_that_cannot_be_stopped_yet(cli: Cli, submit: Cli, ray: FakeRay) -> None:
    """What starts a job's process is not there as soon as the job."""
    submit()
    ray.jobs[JOB]["status"] = "PENDING"
    ray.troubles = [httpx2.Response(200, json=[ray.jobs[JOB]])]
    ray.troubles.append(httpx2.Response(200, json={"stopped": False}))
    said = cli("stop", "r1")
    assert f"to stop: job {JOB} is PENDING. Ask again in a moment." in said.err


# --- which cluster is asked ---


def test_an_address_outweighs_the_environment_and_no_token_is_said(
    cli: Cli,
    submit: Cli,
    url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    submit()
    monkeypatch.setenv("RAY_API_SERVER_ADDRESS", "http://127.0.0.1:9")
    for command in (["status"], ["status", "r1"], ["stop", "r1"], ["status", "r1"]):
        said = cli(*command, "--address", f"{url}/")
        assert "r1" in said.out + said.err
        assert TOKEN not in said.out + said.err
    monkeypatch.setenv("RAY_AUTH_TOKEN", "wrong-canary")
    said = cli("status", "--address", url)
    assert (said.code, "wrong-canary" in said.err) == (1, False)
    assert "does not accept our token" in said.err


@pytest.mark.parametrize("command", [["status"], ["logs", "r1"], ["stop", "r1"]])
def test_who_names_a_place_on_kubernetes_means_kubernetes(
    cli: Cli, ray: FakeRay, world: Kubernetes, command: list[str]
) -> None:
    said = cli(*command, "--namespace", "data")
    assert ray.calls == []
    assert "in namespace data" in said.err or "to namespace data" in said.err
    said = cli(*command, "--context", "other")
    assert (said.code, ray.calls) == (2, [])
    said = cli(*command, "--namespace", "data", "--address", "http://127.0.0.1:9")
    assert said.code == 2
    assert "--namespace: a Ray cluster (--address) has no use for it" in said.err


@pytest.mark.parametrize("command", [["status"], ["logs", "r1"], ["stop", "r1"]])
def test_without_any_cluster_both_ways_are_named(
    cli: Cli,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    command: list[str],
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.delenv("RAY_API_SERVER_ADDRESS", raising=False)
    said = cli(*command)
    assert said.code == 2
    for way in ("KUBECONFIG", "--address http://HOST:8265", "RAY_API_SERVER_ADDRESS"):
        assert way in said.err


def test_gc_has_nothing_to_do_there(cli: Cli, ray: FakeRay, world: Kubernetes, url: str) -> None:
    said = cli("gc", "--address", url)
    assert (said.code, ray.calls, world.calls) == (0, [], [])
    assert f"Nothing to do at {url}: runs leave no objects on a Ray cluster." in said.err
    assert cli("gc", "--address", "auto").code == 2
    assert cli("gc", "--address", url, "--namespace", "data").code == 2
    said = cli("gc")  # Ray's own variable is no reason to leave a namespace as it is
    assert (said.code, ray.calls) == (0, [])
    assert world.calls
