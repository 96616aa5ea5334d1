"""`rayingest submit --mode ray-job` and a real Ray of two nodes, which others have started, with a token.

The claims in the first part hold for the dashboard of the fast tests, too: so it is judged.
"""

import contextlib
import os
import secrets
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from rayingest.api import lines, ray_jobs
from rayingest.errors import AlreadyThere, NotAllowed, NotThere
from rayingest.execute.report import Report
from rayingest.launch.dashboard import Dashboard, connected
from rayingest.launch.following import Follower
from rayingest.launch.job import job_status, why
from rayingest.launch.status import Outcome

from ..cluster import lose, plain, ray_head, ray_node
from .dashboards import FakeRay

REAL = (pytest.mark.slow, pytest.mark.ray, pytest.mark.timeout(240))
CANARY = "canary-4f2a91-password"
RAY_JOB = ("--mode", "ray-job", "--allow-untested")


@dataclass
class There:
    """A cluster, what its nodes have in their environment, and a folder for all that is written."""

    folder: Path
    address: str
    url: str
    environ: dict[str, str]

    @property
    def program(self) -> Path:
        """The `rayingest` that the nodes find."""
        return self.folder / "bin" / "rayingest"

    def config(self, name: str, source: dict[str, Any], **execution: Any) -> str:
        tree = {
            "source": {
                "serviceName": name,
                "sourceConfig": {"config": {"type": "DatabaseMetadata"}},
                **source,
            },
            "sink": {"type": "file", "config": {"path": str(self.folder / f"{name}-out")}},
            "workflowConfig": {
                "openMetadataServerConfig": {
                    "hostPort": "http://127.0.0.1:9/api",
                    "authProvider": "openmetadata",
                    "securityConfig": {"jwtToken": "${CATALOGUE_TOKEN}"},
                },
                "distributedExecution": {
                    "stateUrl": str(self.folder / "state"),
                    "parallelism": 4,
                    **execution,
                },
            },
        }
        path = self.folder / f"{name}.yaml"
        path.write_text(yaml.safe_dump(tree))
        return str(path)

    def slow(self, name: str, *, entities: int, seconds: float, parallelism: int = 4) -> str:
        """The config of a run that can be interrupted."""
        chaos = {"scopes": 2, "entities": entities, "seconds": seconds}
        source = {"type": "chaos", "serviceConnection": {"config": chaos}}
        return self.config(name, source, parallelism=parallelism)

    def written(self, name: str) -> list[str]:
        """The names of the tables in a run's sink."""
        file = self.folder / f"{name}-out" / "table.jsonl"
        lines = file.read_text().splitlines() if file.exists() else []
        found = [yaml.safe_load(line)["fullyQualifiedName"] for line in lines if line]
        return sorted(found)

    def until_under_way(self, name: str) -> None:
        """Wait until some tables have arrived: the file has its name when the run has ended well."""
        never, folder = threading.Event(), self.folder / f"{name}-out"
        for _ in range(1200):
            if any(each.stat().st_size for each in folder.glob("*table*.part")):
                return
            never.wait(0.05)
        raise AssertionError(f"nothing of {name} was written")

    def report(self, name: str, run_id: str) -> Report:
        text = (self.folder / "state" / name / "runs" / run_id / "report.json").read_bytes()
        return msgspec.json.decode(text, type=Report)

    @contextlib.contextmanager
    def typed(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """`rayingest … --address`, as somebody types it who has no Ray."""
        command = [sys.executable, "-m", "rayingest", *arguments, "--address", self.url]
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=self.environ)
        with process:
            try:
                yield process
            finally:
                process.kill()

    def said(self, *arguments: str) -> tuple[int, str, str]:
        """A command's exit code, and what it has said."""
        with self.typed(*arguments) as process:
            out, err = process.communicate(timeout=200)
        return process.returncode, out, err

    def submit(self, *arguments: str) -> tuple[int, str, str]:
        return self.said("submit", *arguments, *RAY_JOB)

    def connected(self) -> Dashboard:
        return connected(self.url, self.environ)


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[There]:
    """A head that does no work, a node that does; what runs need is in the environment of both."""
    folder = tmp_path_factory.mktemp("there")
    for each in ("bin", "home"):
        (folder / each).mkdir()
    program = folder / "bin" / "rayingest"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m rayingest "$@"\n')
    program.chmod(0o755)
    path = [str(folder / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]]
    around = {
        "HOME": str(folder / "home"),
        "PATH": os.pathsep.join(path),
        "CATALOGUE_TOKEN": CANARY,
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
    }
    with ray_head(around, cores=0) as (address, url), ray_node(address, 1, around):
        yield There(folder, address, url, plain() | around)


# --- what holds for any dashboard ---


@dataclass
class Ways:
    """A cluster, with the right token, with a wrong one, and without."""

    right: Dashboard
    wrong: Dashboard
    none: Dashboard


@pytest.fixture(params=["fake", pytest.param("real", marks=REAL)])
def ways(request: pytest.FixtureRequest) -> Iterator[Ways]:
    if request.param == "fake":
        fake = FakeRay(token="t" * 64)
        yield Ways(fake.client("t" * 64), fake.client("u" * 64), fake.client())
        return
    there: There = request.getfixturevalue("there")
    plain = {**there.environ, "RAY_AUTH_MODE": "", "RAY_AUTH_TOKEN": ""}
    with contextlib.ExitStack() as stack:
        tokens: Sequence[dict[str, str]] = ({}, {"RAY_AUTH_TOKEN": "u" * 64}, plain)
        yield Ways(
            *(stack.enter_context(connected(there.url, there.environ | each)) for each in tokens)
        )


def job(name: str, entrypoint: str) -> dict[str, Any]:
    return {
        "submission_id": name,
        "entrypoint": entrypoint,
        "runtime_env": {},
        "metadata": {"run_id": f"run-{name}"},
    }


def ends(at: Dashboard, name: str) -> Outcome:
    """How a job ended, as soon as it has."""
    sleep = threading.Event().wait
    follower = Follower(dashboard=at, name=name, sleep=lambda seconds: void(sleep(0.2)))
    return follower.wait()[0]


def void(_: object) -> None: ...


def test_only_who_has_the_token_is_answered(ways: Ways) -> None:
    assert ways.right.version() == "2.60.0"
    with pytest.raises(NotAllowed, match="does not accept our token"):
        ways.wrong.version()
    with pytest.raises(NotAllowed, match="wants a token"):
        ways.none.version()


def test_a_job_from_its_beginning_to_its_end(ways: Ways) -> None:
    at = ways.right
    with pytest.raises(NotThere, match="does not exist"):
        at.job("a")
    at.submit(job("a", "exec sleep 600"))
    with pytest.raises(AlreadyThere, match="already exists"):
        at.submit(job("a", "exec sleep 600"))
    assert "run-a" in [job_status(each).run_id for each in at.jobs()]
    assert at.stop("a")
    assert ends(at, "a") is Outcome.STOPPED
    assert not at.stop("a")
    for call in (at.job, at.log, at.stop):
        with pytest.raises(NotThere):
            call("never")


def test_how_a_program_ends_is_how_the_job_ends(ways: Ways) -> None:
    at = ways.right
    for name, entrypoint, outcome, code in (
        ("b", "exit 0", Outcome.SUCCEEDED, 0),
        ("c", "exit 5", Outcome.FAILED, 5),
        ("d", "no-such-program x", Outcome.FAILED, 127),
    ):
        at.submit(job(name, entrypoint))
        assert ends(at, name) is outcome
        status = job_status(at.job(name))
        assert (status.code, status.run_id, status.name) == (code, f"run-{name}", name)
        assert status in map(job_status, at.jobs())  # where they are listed the same is told
        assert status.started
        if code == 5:
            assert why(status)[0] == "Job entrypoint command failed with exit code 5."


def test_a_package_is_kept(ways: Ways) -> None:
    ways.right.upload("_ray_pkg_00.zip", b"PK")
    ways.right.upload("_ray_pkg_00.zip", b"PK")


# --- runs ---


@pytest.fixture(scope="module")
def shop(there: There) -> str:
    with contextlib.closing(sqlite3.connect(there.folder / "shop.db")) as connection:
        connection.execute("create table customer (id integer primary key, name text)")
        connection.execute("create table orders (id integer)")
    source = {
        "type": "sqlite",
        "serviceConnection": {
            "config": {"type": "SQLite", "databaseMode": str(there.folder / "shop.db")}
        },
    }
    return there.config("shop", source)


@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.timeout(240)
def test_a_run_is_followed_to_its_end_and_shows_no_secret(there: There, shop: str) -> None:
    code, out, err = there.submit(shop, "--follow", "--run-id", "r1")
    assert code == 0, out + err
    assert [each.rpartition(".")[2] for each in there.written("shop")] == ["customer", "orders"]
    assert "Run r1 is job ri-shop-" in err
    assert "CATALOGUE_TOKEN in its environment" in err
    assert "Success: 5 of 5" in err
    assert "Running entrypoint for job ri-shop-" in err  # the log
    with there.connected() as at:
        told = ray_jobs.log(at, ray_jobs.status(at, "r1"))
        shown = f"{out}{err}{at.jobs()}{told}"
        runtime = job_status(at.job(ray_jobs.status(at, "r1").name))
        logged = lines.found(told.splitlines())
    assert logged is not None
    assert (logged.run_id, logged.state) == ("r1", "success")
    assert "${CATALOGUE_TOKEN}" not in shown
    for secret in (CANARY, there.environ["RAY_AUTH_TOKEN"]):
        assert secret not in f"{shown}{runtime}"
    # Who comes later hears the same, by the report at the end of the log alone.
    code, out, err = there.said("status", "r1")
    assert (code, "Success: 5 of 5" in err, out) == (0, True, "")
    code, out, _ = there.said("logs", "r1")
    assert (code, lines.found(out.splitlines())) == (0, logged)
    # Submitted once more it is found, and nothing runs.
    code, _, err = there.submit(shop, "--wait", "--run-id", "r1")
    assert (code, "It was submitted before: SUCCEEDED" in err) == (0, True)


@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.timeout(240)
def test_a_run_that_was_stopped_is_no_success_and_goes_on_when_submitted_again(
    there: There,
) -> None:
    config = there.slow("stopped", entities=90, seconds=0.2)
    with there.typed("submit", config, "--wait", "--run-id", "r2", *RAY_JOB) as process:
        there.until_under_way("stopped")
        code, out, err = there.said("stop", "r2")
        assert (code, "Run r2 is being stopped" in err) == (0, True), out + err
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Stopped: " in err
    code, _, err = there.said("status", "r2")
    assert (code, "STOPPED" in err, "Stopped: " in err) == (130, True, True)
    assert f"Next: rayingest submit CONFIG --mode ray-job --address {there.url}" in err
    assert "Run r2 had ended: STOPPED" in there.said("stop", "r2")[2]
    first = there.report("stopped", "r2")
    assert 0 < first.types["table"]["ok"] < 180
    code, out, err = there.submit(config, "--follow", "--run-id", "r2")
    assert code == 0, out + err
    assert there.report("stopped", "r2").attempt == 2
    assert len(set(there.written("stopped"))) == 180
    code, out, _ = there.said("status")
    assert [line.split()[0] for line in out.splitlines()][:3] == ["RUN", "r2", "r2"]
    assert there.said("status", "r2")[0] == code == 0  # the newest job is meant


@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.timeout(240)
def test_a_node_that_is_lost_costs_no_entity(there: There) -> None:
    config = there.slow("lost", entities=400, seconds=0.1, parallelism=50)
    with (
        ray_node(there.address, 1, there.environ) as node,
        there.typed("submit", config, "--wait", "--run-id", "r3", *RAY_JOB) as process,
    ):
        there.until_under_way("lost")
        lose(node)
        _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert len(set(there.written("lost"))) == 800
    with there.connected() as at:
        told = ray_jobs.log(at, ray_jobs.status(at, "r3"))
    assert "is gone (its process died); another takes its place" in told


@pytest.mark.slow
@pytest.mark.ray
def test_a_version_that_does_not_match_is_told_before_anything_is_sent(
    there: There, shop: str
) -> None:
    other = "workflowConfig.distributedExecution.k8s.rayVersion=2.58.0"
    code, _, err = there.submit(shop, "--run-id", "r4", "--set", other)
    assert (code, "runs Ray 2.60.0, and the config says 2.58.0" in err) == (2, True)
    code, _, err = there.said("status", "r4")
    assert (code, "knows of no run 'r4'" in err) == (2, True)


@pytest.mark.slow
@pytest.mark.ray
def test_a_cluster_without_rayingest_is_told(there: There, shop: str) -> None:
    """A shell finds nothing to execute: another one may stand behind ours on the PATH."""
    ours = there.program.read_text()
    there.program.write_text("#!/bin/sh\nexec /nowhere/rayingest\n")
    try:
        code, _, err = there.submit(shop, "--wait", "--run-id", "r5")
    finally:
        there.program.write_text(ours)
    assert code == 1
    assert "The cluster has no program `rayingest`" in err
    assert "The outcome of run r5 is unknown: there is no report" in err


@pytest.mark.slow
@pytest.mark.ray
def test_a_variable_that_the_cluster_has_not_is_told(there: There, shop: str) -> None:
    key = "sink.config.path=${NOT_ON_THE_NODES}"
    code, _, err = there.submit(shop, "--follow", "--run-id", "r6", "--set", key)
    assert code == 1
    assert "must have CATALOGUE_TOKEN, NOT_ON_THE_NODES in its environment" in err
    assert "the variable NOT_ON_THE_NODES is not set" in err  # the log
    assert "The run has refused its config as the cluster reads it" in err
