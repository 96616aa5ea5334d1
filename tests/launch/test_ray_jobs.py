"""Runs as jobs of a Ray cluster: what is sent, found, refused; how it ended. No cluster is started here."""

import io
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import stamina
import yaml

from rayingest.api import lines, ray_jobs
from rayingest.api.ray_jobs import Ended, PreparedJob
from rayingest.config.kubernetes import RAY_VERSION
from rayingest.errors import ConfigError, NotThere
from rayingest.execute.report import Report
from rayingest.launch.ray_version import OLDEST
from rayingest.state.run_directory import RunDirectory

from .conftest import config
from .dashboards import FakeRay

CANARY = "canary-4f2a91-password"
STATE = {"stateUrl": "s3://bucket/state"}
Prepare = Callable[..., PreparedJob]


@pytest.fixture
def prepare(tmp_path: Path) -> Prepare:
    """Prepare the run of a config with this execution, with nothing but this environment."""

    def prepared(block: dict[str, Any] | None = None, **more: Any) -> PreparedJob:
        path = tmp_path / "config.yaml"
        path.write_text(config(block or STATE), "utf-8")
        return ray_jobs.prepare(path, **({"environ": {}, "run_id": "nightly-7"} | more))

    return prepared


@pytest.fixture
def ray() -> FakeRay:
    return FakeRay()


# --- what is sent ---


def sent(prepared: PreparedJob) -> dict[str, Any]:
    """The config as the cluster unpacks it."""
    with zipfile.ZipFile(io.BytesIO(prepared.run.data)) as archive:
        assert archive.namelist() == ["config.yaml"]
        return yaml.safe_load(archive.read("config.yaml"))  # type: ignore[no-any-return]


def test_the_run_joins_its_cluster_and_submits_nothing(prepare: Prepare) -> None:
    request = prepare(flags={"parallelism": 7}).run.request
    assert request["entrypoint"] == (
        "rayingest run config.yaml --engine ray --address auto --partial-ok --parallelism 7 "
        "--run-id nightly-7"
    )
    assert request["runtime_env"]["env_vars"] == {
        "RAY_JOB_STOP_WAIT_TIME_S": "25",
        "RAYINGEST_SUBMITTED": "1",
    }
    assert request["metadata"]["run_id"] == "nightly-7"
    assert all(isinstance(each, str) for each in request["metadata"].values())


def test_no_secret_is_in_what_ray_shows(prepare: Prepare) -> None:
    prepared = prepare(environ={"SHOP_PASSWORD": CANARY})
    assert sent(prepared)["source"]["serviceConnection"]["config"]["authType"] == {
        "password": "${SHOP_PASSWORD}"
    }
    assert CANARY not in f"{prepared.run!r}{prepared.run.request}{prepared.warnings}"
    plain = prepare(sets=[f"source.serviceConnection.config.authType.password={CANARY}"])
    assert CANARY in str(sent(plain))
    assert CANARY not in f"{plain.run!r}{plain.run.request}{plain.warnings}"
    assert any("may hold passwords" in each for each in plain.warnings)


def test_a_package_is_not_called_by_what_is_in_it(prepare: Prepare) -> None:
    one, other = prepare().run, prepare().run
    assert one.package != other.package
    assert one.name == other.name


def test_what_the_nodes_must_have_is_told(prepare: Prepare) -> None:
    told = "\n".join(prepare().warnings)
    assert "Every node of the cluster must have SHOP_PASSWORD in its environment" in told
    assert "What is recorded stays" not in told
    for url in ("/somewhere", "file:///x"):
        assert any("What is recorded stays" in each for each in prepare({"stateUrl": url}).warnings)


def test_a_run_id_that_a_shell_would_read_is_refused(prepare: Prepare) -> None:
    with pytest.raises(ConfigError, match="word of a shell"):
        prepare(run_id="x; rm -r ~")


def test_what_the_job_is_called_by_must_be_known_here(prepare: Prepare) -> None:
    with pytest.raises(ConfigError, match="need TEAM, not set here"):
        prepare(sets=["source.serviceName=${TEAM}"])


def test_a_connector_that_nobody_tried_needs_the_users_word(
    prepare: Prepare, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rayingest.api.grades.grade_of", lambda _: "declared")
    with pytest.raises(ConfigError, match="declared only"):
        prepare()
    assert "--allow-untested" in prepare(allow_untested=True).run.entrypoint


# --- what is there already ---


def test_submitting_twice_finds_the_first(prepare: Prepare, ray: FakeRay) -> None:
    first = ray_jobs.submit(prepare(), ray.client())
    assert not first.before
    ray.jobs[first.status.name]["status"] = "RUNNING"
    again = ray_jobs.submit(prepare(), ray.client())
    assert (again.before, len(ray.jobs), len(ray.packages)) == (True, 1, 1)
    ray.jobs[first.status.name]["status"] = "SUCCEEDED"
    assert ray_jobs.submit(prepare(), ray.client()).before


@pytest.mark.parametrize("ended", ["FAILED", "STOPPED"])
def test_what_failed_is_begun_again(prepare: Prepare, ray: FakeRay, ended: str) -> None:
    """By another name: Ray would for some seconds take the old process for that of the new job."""
    name = ray_jobs.submit(prepare(), ray.client()).status.name
    ray.jobs[name]["status"] = ended
    again = ray_jobs.submit(prepare(), ray.client())
    assert (again.before, again.run.name, again.status.name) == (False, f"{name}-2", f"{name}-2")
    assert ray_jobs.submit(prepare(), ray.client()).before
    ray.jobs[f"{name}-2"]["status"] = ended
    assert ray_jobs.submit(prepare(), ray.client()).run.name == f"{name}-3"
    assert ray.jobs[name]["status"] == ended
    assert {each["metadata"]["run_id"] for each in ray.jobs.values()} == {"nightly-7"}


def test_an_answer_that_was_lost_costs_no_second_run(prepare: Prepare, ray: FakeRay) -> None:
    from httpx2 import ReadError, Response

    ray.torn = [Response(200), ReadError("cut")]  # the package's, the job's
    with stamina.set_testing(True, attempts=4):
        given = ray_jobs.submit(prepare(), ray.client())
    assert (given.before, given.status.run_id, len(ray.jobs)) == (False, "nightly-7", 1)


@pytest.mark.parametrize("whose", [{"run_id": "other"}, {}, None])
def test_a_name_that_is_taken_is_told(
    prepare: Prepare, ray: FakeRay, whose: dict[str, str] | None
) -> None:
    ray_jobs.submit(prepare(name="nightly"), ray.client())
    ray.jobs["nightly"]["metadata"] = whose
    with pytest.raises(ConfigError, match="has a job nightly already") as caught:
        ray_jobs.submit(prepare(name="nightly"), ray.client())
    assert "--name" in str(caught.value.hint)


# --- versions ---


def test_a_version_other_than_the_user_said_is_refused_before_anything(
    prepare: Prepare, ray: FakeRay
) -> None:
    with pytest.raises(ConfigError, match=r"runs Ray 2\.60\.0, and the config says 2\.58\.0"):
        ray_jobs.submit(prepare({**STATE, "k8s": {"rayVersion": "2.58.0"}}), ray.client())
    assert ray.calls == ["GET api/version"]


@pytest.mark.parametrize("version", ["2.49.9", "1.13.0", "nightly"])
def test_a_version_that_is_too_old_is_refused(prepare: Prepare, ray: FakeRay, version: str) -> None:
    ray.version = version
    with pytest.raises(ConfigError, match=r"needs 2\.50 or newer"):
        ray_jobs.submit(prepare(), ray.client())
    assert not ray.jobs


def test_a_version_that_nobody_tried_is_told(prepare: Prepare, ray: FakeRay) -> None:
    assert not ray_jobs.submit(prepare(), ray.client()).warnings
    ray.version = "3.0.0.dev0"
    given = ray_jobs.submit(prepare(run_id="r2"), ray.client())
    assert given.warnings == (
        f"The cluster runs Ray 3.0.0.dev0; this rayingest is tested with {RAY_VERSION}.",
    )


def test_the_oldest_ray_is_that_of_the_extra() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))
    oldest = ".".join(map(str, OLDEST))
    assert f"ray[default]>={oldest}" in project["project"]["optional-dependencies"]["ray"]


def test_a_token_that_others_can_read_is_told(prepare: Prepare, ray: FakeRay) -> None:
    given = ray_jobs.submit(prepare(), ray.client("t"))
    assert any("as it is: others can read it" in each for each in given.warnings)


# --- found again ---


def test_a_run_is_found_by_its_id_and_by_its_name(prepare: Prepare, ray: FakeRay) -> None:
    name = ray_jobs.submit(prepare(), ray.client()).status.name
    ray.jobs[name] |= {"status": "RUNNING"}
    ray.jobs["driver"] = {"type": "DRIVER", "submission_id": None, "metadata": None}
    ray.logs = ["said\n"]
    for text in (name, "nightly-7"):
        assert ray_jobs.status(ray.client(), text).name == name
        assert ray_jobs.logs(ray.client(), text) == "said\n"
    assert ray_jobs.stop(ray.client(), "nightly-7")
    assert not ray_jobs.stop(ray.client(), "nightly-7")
    ray.jobs["foreign"] = {"submission_id": "foreign", "metadata": {}}
    for text in ("nightly", "driver", ""):
        with pytest.raises(NotThere, match="no job or run"):
            ray_jobs.status(ray.client(), text)


# --- how it ended ---


@pytest.fixture
def ended(prepare: Prepare, ray: FakeRay, tmp_path: Path) -> Callable[..., Ended]:
    """Wait for a job that ends so, in whose run directory this report is."""

    def waited(word: str, state: str | None, *, when: str = "2030-01-01T00:00:00+00:00") -> Ended:
        prepared = prepare({"stateUrl": str(tmp_path / "state")})
        at = ray.client()
        given = ray_jobs.submit(prepared, at)
        ray.jobs[given.status.name]["status"] = word
        if state is not None:
            directory = RunDirectory(str(tmp_path / "state"), prepared.run.service, "nightly-7")
            report = Report(run_id="nightly-7", state=state, ended_at=when)  # type: ignore[arg-type]
            directory.put_report(report.to_json())
        return ray_jobs.wait(prepared, given, at)

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


def test_a_place_that_only_the_cluster_knows_is_told(prepare: Prepare, ray: FakeRay) -> None:
    prepared = prepare({"stateUrl": "${STATE}/x"})
    given = ray_jobs.submit(prepared, ray.client())
    ray.jobs[given.run.name]["status"] = "SUCCEEDED"
    found = ray_jobs.wait(prepared, given, ray.client())
    assert (found.code(), "known to the cluster alone" in found.unread) == (1, True)


def test_the_end_of_the_log_has_the_report_when_nothing_else_can_be_read(
    prepare: Prepare, ray: FakeRay
) -> None:
    prepared = prepare({"stateUrl": "${STATE}/x"})
    given = ray_jobs.submit(prepared, ray.client())
    ray.jobs[given.run.name]["status"] = "SUCCEEDED"
    for when, run_id, code in (
        ("1970-01-01T00:00:01+00:00", "nightly-7", 1),  # of the job before, in the same log
        ("2030-01-01T00:00:00+00:00", "nightly-6", 1),
        ("2030-01-01T00:00:00+00:00", "nightly-7", 3),
    ):
        report = Report(run_id=run_id, state="partialSuccess", ended_at=when)
        ray.logs = [f"said\n{lines.line(report)}\n"]
        ended = ray_jobs.wait(prepared, given, ray.client())
        assert ended.code() == code
    assert ended.code(partial_ok=True) == 0
