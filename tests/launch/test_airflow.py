"""What the tasks of a DAG do, without Airflow; test_airflow_runs.py has a real one."""

import json
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from rayingest.airflow import groups, submitted
from rayingest.airflow.verdicts import RunFailed, passed
from rayingest.airflow.wanted import Wanted, placed
from rayingest.api import lines
from rayingest.errors import ConfigError, NotAllowed
from rayingest.execute.report import Report
from rayingest.launch.submission import RUN_ID
from rayingest.state.run_directory import RunDirectory
from rayingest.testing.kubernetes import Kubernetes
from rayingest.testing.servers import airflow

from ..test_packaging import DEPENDENCIES, EXTRAS, HEAVY, name_of
from .dags import break_a_view, shop

Json = dict[str, Any]
ROOT = Path(__file__).parents[2]
DONE = {"jobStatus": "SUCCEEDED", "jobDeploymentStatus": "Complete"}


@pytest.fixture
def wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Wanted:
    """A shop, and what a DAG of it was made with."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "runs"))
    config = shop(tmp_path / "shop.yaml", "customer", "orders")
    return Wanted(
        config=str(config),
        namespace="default",
        image="registry.example/rayingest:1",
        logs_pod=True,
    )


# --- reading a DAG file costs nothing ---


def test_the_name_is_there_for_next_to_nothing() -> None:
    code = "import sys; before = set(sys.modules); import rayingest.launch.airflow; "
    code += "print(*sorted(set(sys.modules) - before))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    imported = done.stdout.split()
    assert [each for each in imported if each.startswith("rayingest")] == [
        "rayingest",
        "rayingest.airflow",
        "rayingest.airflow.dags",
        "rayingest.airflow.wanted",
        "rayingest.errors",
        "rayingest.launch",
        "rayingest.launch.airflow",
    ]
    assert not {each.partition(".")[0] for each in imported} & {*HEAVY, "airflow", "lightkube"}


@pytest.mark.skipif(find_spec("airflow") is not None, reason="Airflow is here")
def test_without_airflow_it_is_said_what_is_missing() -> None:
    from rayingest.launch.airflow import dag

    with pytest.raises(ConfigError, match="A DAG needs Airflow 3") as caught:
        dag("/x.yaml", dag_id="x")
    assert "rayingest[k8s]" in str(caught.value.hint)


def test_a_config_is_where_every_worker_finds_it() -> None:
    assert placed(Path("/dags/shop.yaml")) == "/dags/shop.yaml"
    with pytest.raises(ConfigError, match=r"'shop\.yaml' is relative") as caught:
        placed("shop.yaml")
    assert caught.value.hint.startswith("Path(__file__).with_name('shop.yaml')")


def test_the_page_shows_the_example() -> None:
    example = (ROOT / "examples" / "airflow_dag.py").read_text("utf-8")
    assert f"```python\n{example}```" in (ROOT / "docs" / "kubernetes.md").read_text("utf-8")


def test_airflow_has_all_that_rayingest_imports() -> None:
    pinned = {name_of(each) for each in airflow.PINS}
    assert pinned == {"apache-airflow", *map(name_of, [*DEPENDENCIES, *EXTRAS["k8s"]])}


# --- a run ---


@pytest.mark.parametrize(
    "dag_id", ["shop", "Shop.prod_v2", "ein-Katalog-" + "sehr" * 40, "\N{SNOWMAN}"]
)
def test_a_dag_run_has_one_run_id(dag_id: str) -> None:
    first = submitted.run_id(dag_id, "manual__2026-11-01T03:00:00+00:00")
    assert first == submitted.run_id(dag_id, "manual__2026-11-01T03:00:00+00:00")
    assert first != submitted.run_id(dag_id, "manual__2026-11-01T03:00:01+00:00")
    assert first != submitted.run_id(f"{dag_id}2", "manual__2026-11-01T03:00:00+00:00")
    assert RUN_ID.fullmatch(f"{first}-containers-1")  # what a task without Ray adds


@pytest.mark.parametrize("orchestrator", ["airflow", "argo", "kuberay", "ray"])
def test_a_rayjob_is_created_once_and_only_its_names_are_handed_on(
    wanted: Wanted, world: Kubernetes, orchestrator: str, tmp_path: Path
) -> None:
    shop(tmp_path / "shop.yaml", orchestrator=orchestrator)
    first = submitted.create(wanted, "r1")
    assert first == submitted.create(wanted, "r1")
    assert re.fullmatch(r"ri-shop-[0-9a-f]{10}", first["name"])
    assert first == {"run_id": "r1", "name": first["name"], "namespace": "default"}
    assert sorted(key[0] for key in world.objects) == ["rayjobs", "secrets"]
    (job,) = (each for key, each in world.objects.items() if key[0] == "rayjobs")
    assert job["metadata"]["annotations"]["rayingest.io/submitted-by"] == "airflow"


def test_what_the_dag_says_counts_more_than_the_config(wanted: Wanted, world: Kubernetes) -> None:
    other = Wanted(
        config=wanted.config,
        namespace="team",
        image="registry.example/other:2",
        state_url="s3://bucket/state",
        sets=("workflowConfig.distributedExecution.k8s.backoffLimit=0",),
    )
    names = submitted.create(other, "r1")
    assert names["namespace"] == "team"
    job = world.objects["rayjobs", "team", names["name"]]
    assert job["metadata"]["annotations"]["rayingest.io/state-url"] == "s3://bucket/state"
    assert job["spec"]["backoffLimit"] == 0
    assert job["spec"]["submissionMode"] == "HTTPMode"
    assert "registry.example/other:2" in json.dumps(job)


def test_what_is_deleted_is_gone_and_may_have_gone_before(
    wanted: Wanted, world: Kubernetes
) -> None:
    names = submitted.create(wanted, "r1")
    submitted.delete(wanted, names)
    assert not world.objects
    submitted.delete(wanted, names)
    other = submitted.create(wanted, "r2")
    world.denied = {("delete", "rayjobs")}
    with pytest.raises(NotAllowed):
        submitted.delete(wanted, other)


# --- how it ended ---


def ended(wanted: Wanted, world: Kubernetes, report: Report | None, status: Json = DONE) -> Json:
    """A run that is over, and the log of its pod."""
    names = submitted.create(wanted, "r1")
    job = world.objects["rayjobs", "default", names["name"]]
    world.put("rayjobs", job | {"status": status})
    world.put("pods", {"metadata": {"name": "log", "labels": {"job-name": names["name"]}}})
    world.logs["log"] = ["one", lines.line(report)] if report else ["one"]
    return names


def report(state: Any) -> Report:
    return Report(run_id="r1", state=state, verdict="So it is.", ended_at="2099-01-01T00:00:00Z")


def test_a_run_that_succeeded_tells_its_verdict(wanted: Wanted, world: Kubernetes) -> None:
    names = ended(wanted, world, report("success"))
    assert submitted.verdict(wanted, names, "succeeded") == "Run r1: So it is."


@pytest.mark.parametrize(
    ("told", "status", "why_and_said"),
    [
        (report("failed"), DONE, ("succeeded", "Run r1: So it is.")),
        (report("partialSuccess"), DONE, ("succeeded", "Run r1: So it is.")),
        (report("stopped"), {**DONE, "jobStatus": "STOPPED"}, ("stopped", "Run r1: So it is.")),
        (None, DONE, ("succeeded", "The outcome of run r1 is unknown: The RayJob succeeded")),
        (None, {"jobDeploymentStatus": "Failed"}, ("failed", "is unknown: The RayJob failed")),
        (report("success"), DONE, ("overdue", "has not ended in the time")),
    ],
)
def test_whatever_else_it_says_is_no_success(
    wanted: Wanted,
    world: Kubernetes,
    told: Report | None,
    status: Json,
    why_and_said: tuple[str, str],
) -> None:
    why, said = why_and_said
    names = ended(wanted, world, told, status)
    with pytest.raises(RunFailed, match=re.escape(said)) as caught:
        submitted.verdict(wanted, names, why)
    assert caught.value.hint


def test_a_run_that_was_deleted_is_no_success(wanted: Wanted, world: Kubernetes) -> None:
    names = ended(wanted, world, report("success"))
    world.remove("rayjobs", names["name"])
    with pytest.raises(RunFailed, match="was deleted before its report was read"):
        submitted.verdict(wanted, names, "deleted")


def test_a_report_is_read_where_the_dag_keeps_runs(
    wanted: Wanted, world: Kubernetes, tmp_path: Path
) -> None:
    """The RayJob does not say it when the URL may hold a secret."""
    names = ended(wanted, world, None)
    kept = RunDirectory(f"{tmp_path}/state", "shop", "r1")
    place = Wanted(config=wanted.config, namespace="default", state_url=f"{tmp_path}/state")
    with pytest.raises(RunFailed):
        submitted.verdict(place, names, "succeeded")
    kept.put_report(report("success").to_json())
    assert submitted.verdict(place, names, "succeeded") == "Run r1: So it is."


def test_the_config_says_where_when_the_dag_does_not(
    wanted: Wanted, world: Kubernetes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ended(wanted, world, None)
    monkeypatch.setenv("STATE", f"{tmp_path}/state")
    config = Path(wanted.config)
    config.write_text(
        config.read_text().replace("enabled: true", "enabled: true, stateUrl: '${STATE}'")
    )
    kept = RunDirectory(f"{tmp_path}/state", "shop", "r1")
    kept.put_report(report("success").to_json())
    assert submitted.verdict(wanted, names, "succeeded") == "Run r1: So it is."


def test_partial_success_is_one_where_the_dag_says_so() -> None:
    assert passed(report("partialSuccess"), partial_ok=True) == "Run r1: So it is."
    with pytest.raises(RunFailed):
        passed(report("failed"), partial_ok=True)


# --- without Ray ---


def written(wanted: Wanted, kind: str = "table") -> list[str]:
    file = Path(wanted.config).parent / "out" / f"{kind}.jsonl"
    return [json.loads(each)["name"] for each in file.read_text().splitlines()]


def test_groups_are_described_one_after_the_other(wanted: Wanted) -> None:
    assert "Success" in groups.containers(wanted, "r1-containers")
    assert written(wanted, "databaseSchema")
    assert not (Path(wanted.config).parent / "out" / "table.jsonl").exists()
    found = groups.discovered(wanted, 3, 100)
    assert [len(each) for each in found] == [3, 1]
    handed = json.loads(json.dumps(found))
    for number, each in enumerate(handed):
        assert "Success" in groups.processed(wanted, each, f"r1-process-{number}-1")
    assert written(wanted) == ["customer", "orders"]


def test_a_source_as_big_as_the_limit_is_taken(wanted: Wanted) -> None:
    assert groups.discovered(wanted, 100, 4)
    with pytest.raises(RunFailed, match="more than 3 entities") as caught:
        groups.discovered(wanted, 100, 3)
    assert "on Kubernetes" in str(caught.value.hint)


def test_a_group_that_is_broken_fails(wanted: Wanted) -> None:
    (group,) = groups.discovered(wanted, 100, 100)
    break_a_view(Path(wanted.config))
    (again,) = groups.discovered(wanted, 100, 100)
    broken = [each for each in again if each not in group]
    with pytest.raises(RunFailed, match=r"1 × .*no such table: main\.gone"):
        groups.processed(wanted, broken, "r1-process-0-1")
