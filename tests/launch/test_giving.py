"""Giving a run to a Ray cluster: what is sent, what is found there already, what is refused. No cluster is started here."""

import io
import subprocess
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
import stamina
import yaml

from rayingest.api import giving
from rayingest.api.giving import PreparedJob
from rayingest.config.kubernetes import RAY_VERSION
from rayingest.errors import ConfigError
from rayingest.launch.ray_version import OLDEST

from .conftest import STATE, Prepare
from .dashboards import FakeRay

CANARY = "canary-4f2a91-password"


# --- what is sent ---


def sent(prepared: PreparedJob) -> dict[str, Any]:
    """The config as the cluster unpacks it."""
    with zipfile.ZipFile(io.BytesIO(prepared.run.data)) as archive:
        assert archive.namelist() == ["config.yaml"]
        return yaml.safe_load(archive.read("config.yaml"))  # type: ignore[no-any-return]


def test_the_run_joins_its_cluster_and_submits_nothing(prepare: Prepare) -> None:
    request = prepare(flags={"parallelism": 7}).run.request
    assert request["entrypoint"] == (
        "exec rayingest run config.yaml --engine ray --address auto --partial-ok --parallelism 7 "
        "--run-id nightly-7"
    )
    assert request["runtime_env"]["env_vars"] == {
        "RAY_JOB_STOP_WAIT_TIME_S": "25",
        "RAYINGEST_SUBMITTED": "1",
    }
    assert request["metadata"]["run_id"] == "nightly-7"
    assert all(isinstance(each, str) for each in request["metadata"].values())


def test_the_shell_that_ray_starts_becomes_the_run(prepare: Prepare, tmp_path: Path) -> None:
    """Ray stops the processes that it sees at one moment: of a shell and a run it may see the shell alone."""
    program = tmp_path / "rayingest"
    program.write_text("#!/bin/sh\necho $$\n")
    program.chmod(0o755)
    environ = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    entrypoint = prepare().run.request["entrypoint"]
    command = ["/bin/sh", "-c", entrypoint]
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE) as process:
        out, _ = process.communicate(timeout=10)
    assert int(out) == process.pid


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
    first = giving.submit(prepare(), ray.client())
    assert not first.before
    ray.jobs[first.status.name]["status"] = "RUNNING"
    again = giving.submit(prepare(), ray.client())
    assert (again.before, len(ray.jobs), len(ray.packages)) == (True, 1, 1)
    ray.jobs[first.status.name]["status"] = "SUCCEEDED"
    assert giving.submit(prepare(), ray.client()).before


@pytest.mark.parametrize("ended", ["FAILED", "STOPPED"])
def test_what_failed_is_begun_again(prepare: Prepare, ray: FakeRay, ended: str) -> None:
    """By another name: Ray would for some seconds take the old process for that of the new job."""
    name = giving.submit(prepare(), ray.client()).status.name
    ray.jobs[name]["status"] = ended
    again = giving.submit(prepare(), ray.client())
    assert (again.before, again.run.name, again.status.name) == (False, f"{name}-2", f"{name}-2")
    assert giving.submit(prepare(), ray.client()).before
    ray.jobs[f"{name}-2"]["status"] = ended
    assert giving.submit(prepare(), ray.client()).run.name == f"{name}-3"
    assert ray.jobs[name]["status"] == ended
    assert {each["metadata"]["run_id"] for each in ray.jobs.values()} == {"nightly-7"}


def test_an_answer_that_was_lost_costs_no_second_run(prepare: Prepare, ray: FakeRay) -> None:
    from httpx2 import ReadError, Response

    ray.torn = [Response(200), ReadError("cut")]  # the package's, the job's
    with stamina.set_testing(True, attempts=4):
        given = giving.submit(prepare(), ray.client())
    assert (given.before, given.status.run_id, len(ray.jobs)) == (False, "nightly-7", 1)


@pytest.mark.parametrize("whose", [{"run_id": "other"}, {}, None])
def test_a_name_that_is_taken_is_told(
    prepare: Prepare, ray: FakeRay, whose: dict[str, str] | None
) -> None:
    giving.submit(prepare(name="nightly"), ray.client())
    ray.jobs["nightly"]["metadata"] = whose
    with pytest.raises(ConfigError, match="has a job nightly already") as caught:
        giving.submit(prepare(name="nightly"), ray.client())
    assert "--name" in str(caught.value.hint)


# --- versions ---


def test_a_version_other_than_the_user_said_is_refused_before_anything(
    prepare: Prepare, ray: FakeRay
) -> None:
    with pytest.raises(ConfigError, match=r"runs Ray 2\.60\.0, and the config says 2\.58\.0"):
        giving.submit(prepare({**STATE, "k8s": {"rayVersion": "2.58.0"}}), ray.client())
    assert ray.calls == ["GET api/version"]


@pytest.mark.parametrize("version", ["2.49.9", "1.13.0", "nightly"])
def test_a_version_that_is_too_old_is_refused(prepare: Prepare, ray: FakeRay, version: str) -> None:
    ray.version = version
    with pytest.raises(ConfigError, match=r"needs 2\.50 or newer"):
        giving.submit(prepare(), ray.client())
    assert not ray.jobs


def test_a_version_that_nobody_tried_is_told(prepare: Prepare, ray: FakeRay) -> None:
    assert not giving.submit(prepare(), ray.client()).warnings
    ray.version = "3.0.0.dev0"
    given = giving.submit(prepare(run_id="r2"), ray.client())
    assert given.warnings == (
        f"The cluster runs Ray 3.0.0.dev0; this rayingest is tested with {RAY_VERSION}.",
    )


def test_the_oldest_ray_is_that_of_the_extra() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))
    oldest = ".".join(map(str, OLDEST))
    assert f"ray[default]>={oldest}" in project["project"]["optional-dependencies"]["ray"]


def test_a_token_that_others_can_read_is_told(prepare: Prepare, ray: FakeRay) -> None:
    given = giving.submit(prepare(), ray.client("t"))
    assert any("as it is: others can read it" in each for each in given.warnings)
