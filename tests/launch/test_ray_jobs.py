"""Runs that a Ray cluster has: which, how far, what they said, how they ended. No cluster is started here."""

from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest
import stamina
from fsspec import register_implementation
from fsspec.implementations.memory import MemoryFileSystem

from rayingest.api import giving, lines, ray_jobs
from rayingest.api.ray_jobs import Ended
from rayingest.errors import ConfigError, NotNow
from rayingest.execute.report import Report
from rayingest.launch.status import Outcome
from rayingest.state.run_directory import RunDirectory

from .conftest import Prepare
from .dashboards import FakeRay


class Shared(MemoryFileSystem):
    """A storage that is the same one from wherever it is looked at."""

    protocol = ("shared",)


# --- found again ---


@pytest.fixture
def name(prepare: Prepare, ray: FakeRay) -> str:
    """The job of a run that goes on, among other people's."""
    ray.jobs["driver"] = {"type": "DRIVER", "submission_id": None, "metadata": None}
    ray.jobs["theirs"] = {"submission_id": "theirs", "metadata": {"run_id": "nightly-7"}}
    ray.jobs["no-run"] = {"submission_id": "no-run", "metadata": {"rayingest": "0.1"}}
    return giving.submit(prepare(), ray.client()).status.name


def test_a_run_is_found_by_its_id_and_by_its_name(name: str, ray: FakeRay) -> None:
    for text in (name, "nightly-7"):
        found = ray_jobs.status(ray.client(), text)
        assert (found.name, found.run_id, found.service) == (name, "nightly-7", "Shop (prod)")


def test_of_a_run_that_was_begun_again_the_newest_job_counts(name: str, ray: FakeRay) -> None:
    """Also where the name of its first job is its id."""
    ray.jobs["nightly-7"] = ray.jobs[name] | {"submission_id": "nightly-7", "start_time": 1}
    again = ray.jobs[name] | {"submission_id": f"{name}-2", "start_time": 2_000_000}
    ray.jobs = {f"{name}-2": again} | ray.jobs
    assert ray_jobs.status(ray.client(), "nightly-7").name == f"{name}-2"
    assert ray_jobs.status(ray.client(), name).name == name
    ours, others = ray_jobs.runs(ray.client())
    assert ([each.name for each in ours], others) == ([f"{name}-2", name, "nightly-7"], 3)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("nightly-8", r"knows of no run 'nightly-8'\. Did you mean nightly-7\?"),
        ("weekly", r"knows of no run 'weekly'\. There is nightly-7\."),
        ("", r"knows of no run ''\. There is nightly-7\."),
        ("None", "knows of no run 'None'"),
        ("theirs", "Job theirs of the Ray cluster at .* is no run of rayingest"),
    ],
)
def test_a_run_that_is_not_there(name: str, ray: FakeRay, text: str, told: str) -> None:
    ray.jobs[f"{name}-2"] = ray.jobs[name] | {"submission_id": f"{name}-2"}
    with pytest.raises(ConfigError, match=told):
        ray_jobs.status(ray.client(), text)


def test_a_cluster_that_has_forgotten_its_runs(ray: FakeRay) -> None:
    with pytest.raises(ConfigError, match="knows of no run, and so not of 'r1'") as caught:
        ray_jobs.status(ray.client(), "r1")
    assert "forgets its jobs when its head is made anew" in str(caught.value.hint)
    assert "rayingest runs show r1 --state-url URL" in str(caught.value.hint)


# --- what it has said, and how far it is ---


def kept(folder: Path, text: str) -> str:
    """A state URL, where the run has kept this log."""
    directory = RunDirectory(str(folder), "Shop (prod)", "nightly-7")
    directory.store.put("log/20261122-173725-000001.txt", text.encode())
    return str(folder)


def test_the_log_is_the_clusters_or_what_the_run_has_kept(
    name: str, ray: FakeRay, tmp_path: Path
) -> None:
    at, url = ray.client(), kept(tmp_path, "kept\n")
    found = ray_jobs.status(at, name)
    assert ray_jobs.log(at, found) == ""
    assert ray_jobs.log(at, found, state_url=url) == "kept\n"
    ray.logs = ["said\n"]
    assert ray_jobs.log(at, found, state_url=url) == "said\n"


def test_the_log_of_a_node_that_is_gone(name: str, ray: FakeRay, tmp_path: Path) -> None:
    at, url = ray.client(), kept(tmp_path, "kept\n")
    found = ray_jobs.status(at, name)
    gone = [httpx2.Response(500, text="ClientConnectorError: Cannot connect to host")]
    with stamina.set_testing(True, attempts=1):
        ray.troubles = [*gone]
        with pytest.raises(NotNow, match="Cannot connect to host"):
            ray_jobs.log(at, found)
        ray.troubles = [*gone]
        assert ray_jobs.log(at, found, state_url=url) == "kept\n"


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """The place of runs of this machine, in which a driver has just taken the run."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    url = str(tmp_path / "rayingest")
    RunDirectory(url, "Shop (prod)", "nightly-7").claim()
    return url


@pytest.mark.parametrize(("created", "told"), [(0, True), (4e12, False), (None, False)])
def test_how_far_it_is_tells_its_run_directory(
    name: str, ray: FakeRay, begun: str, created: float | None, told: bool
) -> None:
    """A folder of this machine that nobody named may hold another run's: it is older than the job."""
    ray.jobs[name]["start_time"] = created
    found = ray_jobs.status(ray.client(), name)
    assert ("Unfinished: 0 of 0 entities" in ray_jobs.progress(found)) is told
    assert "Unfinished: 0 of 0 entities" in ray_jobs.progress(found, state_url=begun)


@pytest.mark.parametrize("url", ["/nowhere", "nonsense://x"])
def test_how_far_it_is_nobody_knows_without_its_run_directory(
    name: str, ray: FakeRay, url: str
) -> None:
    assert ray_jobs.progress(ray_jobs.status(ray.client(), name), state_url=url) == ""


# --- how it ended ---


@pytest.fixture
def ended(prepare: Prepare, ray: FakeRay, tmp_path: Path) -> Callable[..., Ended]:
    """Wait for a job that ends so, in whose run directory this report is."""

    def waited(word: str, state: str | None, *, when: str = "2030-01-01T00:00:00+00:00") -> Ended:
        prepared = prepare({"stateUrl": str(tmp_path / "state")})
        at = ray.client()
        given = giving.submit(prepared, at)
        ray.jobs[given.status.name]["status"] = word
        if state is not None:
            directory = RunDirectory(str(tmp_path / "state"), prepared.run.service, "nightly-7")
            report = Report(run_id="nightly-7", state=state, ended_at=when)  # type: ignore[arg-type]
            directory.put_report(report.to_json())
        return ray_jobs.wait(given.run, at, state_url=prepared.job.config.execution.state_url)

    return waited


@pytest.mark.parametrize(
    ("word", "state", "code"),
    [
        ("SUCCEEDED", "success", 0),
        ("SUCCEEDED", "partialSuccess", 3),
        ("FAILED", "failed", 1),
        ("FAILED", "stalled", 5),
        ("STOPPED", "stopped", 130),
        ("SUCCEEDED", "failed", 1),
    ],
)
def test_the_exit_code_is_that_of_the_report(
    ended: Callable[..., Ended], word: str, state: str, code: int
) -> None:
    assert ended(word, state).code() == code


@pytest.mark.parametrize("word", ["SUCCEEDED", "FAILED", "STOPPED"])
def test_without_a_report_the_outcome_is_unknown(ended: Callable[..., Ended], word: str) -> None:
    found = ended(word, None)
    assert (found.code(), found.report) == (1, None)
    assert "there is no report in" in found.unread


@pytest.mark.parametrize("when", ["1970-01-01T00:00:01+00:00", "", "yesterday"])
@pytest.mark.parametrize("word", ["SUCCEEDED", "FAILED"])
def test_the_report_of_an_earlier_attempt_is_none(
    ended: Callable[..., Ended], word: str, when: str
) -> None:
    """Not even where Ray tells success: a folder of this machine may hold another run's."""
    found = ended(word, "success", when=when)
    assert (found.code(), found.status.job) == (1, word)
    assert "of an earlier attempt" in found.unread


@pytest.mark.parametrize(("word", "code"), [("SUCCEEDED", 3), ("FAILED", 1), ("STOPPED", 1)])
def test_a_run_that_had_ended_before_is_told_by_what_all_see(
    name: str, ray: FakeRay, word: str, code: int
) -> None:
    """Submitted again it succeeds at once and writes no other report."""
    register_implementation("shared", Shared, clobber=True)
    directory = RunDirectory("shared://state", "Shop (prod)", "nightly-7")
    old = Report(run_id="nightly-7", state="partialSuccess", ended_at="1970-01-01T00:00:01+00:00")
    directory.put_report(old.to_json())
    ray.jobs[name]["status"] = word
    found = ray_jobs.status(ray.client(), name)
    assert found.outcome
    told = ray_jobs.ended(ray.client(), found, found.outcome, state_url="shared://state")
    assert (told.code(), "of an earlier attempt" in told.unread) == (code, code == 1)


def test_the_report_of_another_run_is_none(name: str, ray: FakeRay, tmp_path: Path) -> None:
    other = Report(run_id="other", state="success", ended_at="2030-01-01T00:00:00+00:00")
    directory = RunDirectory(str(tmp_path), "Shop (prod)", "nightly-7")
    directory.put_report(other.to_json())
    found = ray_jobs.status(ray.client(), name)
    told = ray_jobs.ended(ray.client(), found, Outcome.SUCCEEDED, state_url=str(tmp_path))
    assert (told.code(), "there is no report in" in told.unread) == (1, True)


def test_a_place_that_only_the_cluster_knows_is_told(prepare: Prepare, ray: FakeRay) -> None:
    prepared = prepare({"stateUrl": "${STATE}/x"})
    given = giving.submit(prepared, ray.client())
    ray.jobs[given.run.name]["status"] = "SUCCEEDED"
    found = ray_jobs.wait(given.run, ray.client(), state_url="${STATE}/x")
    assert (found.code(), "known to the cluster alone" in found.unread) == (1, True)


def test_the_end_of_the_log_has_the_report_when_nothing_else_can_be_read(
    prepare: Prepare, ray: FakeRay
) -> None:
    prepared = prepare({"stateUrl": "${STATE}/x"})
    given = giving.submit(prepared, ray.client())
    ray.jobs[given.run.name]["status"] = "SUCCEEDED"
    for when, run_id, code in (
        ("1970-01-01T00:00:01+00:00", "nightly-7", 1),  # of the job before, in the same log
        ("2030-01-01T00:00:00+00:00", "nightly-6", 1),
        ("2030-01-01T00:00:00+00:00", "nightly-7", 3),
    ):
        report = Report(run_id=run_id, state="partialSuccess", ended_at=when)
        ray.logs = [f"said\n{lines.line(report)}\n"]
        ended = ray_jobs.wait(given.run, ray.client(), state_url="${STATE}/x")
        assert ended.code() == code
    assert ended.code(partial_ok=True) == 0
