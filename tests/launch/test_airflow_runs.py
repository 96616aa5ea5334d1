"""DAGs in a real Airflow 3, which reads the files, runs the tasks and the trigger, against an API server of ours.

The operator of these tests really runs what is submitted: see tests/operator.py. Airflow is one process
(`DAG.test`): its scheduler, its triggerer and its API server are not shown as processes of their own.
"""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rayingest.errors import RayingestError
from rayingest.launch.kube import TRIES
from rayingest.testing.kubernetes import DELETED, Kubernetes, Trouble
from rayingest.testing.servers import airflow

from ..operator import DONE, FAILED, Operator
from .dags import break_a_view, shop

pytestmark = pytest.mark.slow
Json = dict[str, Any]
EXAMPLES = Path(__file__).parents[2] / "examples"
RUNNING = {"jobStatus": "RUNNING", "jobDeploymentStatus": "Running", "rayClusterName": "c"}
AT_PARSING = ("dags", "operators", "quiet", "verdicts", "wanted")
RAYJOB = """\
from datetime import timedelta
from pathlib import Path
from rayingest.launch.airflow import dag

shop = dag(
    Path(__file__).with_name("shop.yaml"), dag_id="shop", namespace="default",
    image="registry.example/rayingest:1", logs_pod=True, look_seconds=0.05,
    default_args={"retry_delay": timedelta(0)},
)
"""
GROUPS = """\
from pathlib import Path
from rayingest.launch.airflow import dag_without_ray

shop = dag_without_ray(Path(__file__).with_name("shop.yaml"), dag_id="shop", group=2, parallelism=1)
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[airflow.Server]:
    if why := airflow.ENVIRONMENT.available():
        pytest.skip(why)
    with airflow.server(tmp_path_factory.mktemp("airflow")) as server:
        yield server


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """DAGs, their config, and a shop; the name of one of its tables looks like a template."""
    made = tmp_path / "dags"
    made.mkdir()
    shop(made / "shop.yaml", "customer", "orders", "{{ run_id }}")
    return made


@pytest.fixture
def run(running: airflow.Server, folder: Path, tmp_path: Path) -> Callable[..., Json]:
    """Run the DAG of a file once."""

    def one(text: str) -> Json:
        (folder / "shop_dag.py").write_text(text)
        environ = {
            "KUBECONFIG": str(tmp_path / "kubeconfig"),
            "XDG_STATE_HOME": str(tmp_path / "state"),
        }
        return running.asked("test", folder, environ, dag_id="shop")

    return one


@pytest.fixture
def operator(world: Kubernetes, tmp_path: Path) -> Operator:
    made = Operator(world, tmp_path)
    world.script = made
    return made


def kind(key: tuple[str, str, str]) -> str:
    return key[0]


def states(done: Json) -> dict[str, str]:
    return {name: state for name, _, state, _ in done["tasks"]}


def tries(done: Json) -> dict[str, int]:
    return {name: count for name, _, _, count in done["tasks"]}


def written(folder: Path) -> list[str]:
    lines = (folder / "out" / "table.jsonl").read_text().splitlines()
    return sorted(json.loads(each)["name"] for each in lines)


# --- reading DAG files ---


def test_the_example_is_read_and_nothing_is_imported_for_it(
    running: airflow.Server, tmp_path: Path
) -> None:
    for each in EXAMPLES.glob("*.*"):
        if each.name in ("airflow_dag.py", "postgres-to-openmetadata.yaml"):
            shutil.copy(each, tmp_path)
    told = running.asked("parse", tmp_path)
    assert told["errors"] == {}
    (made,) = told["dags"].values()
    tasks = made["tasks"]
    assert {name: each["after"] for name, each in tasks.items()} == {
        "submit": [],
        "wait": ["submit"],
        "teardown": ["submit", "wait"],
    }
    assert (tasks["submit"]["setup"], tasks["teardown"]["teardown"]) == (True, True)
    assert tasks["teardown"]["rule"] == "all_done_setup_success"
    assert made["cleared"] == [
        "submit",
        "teardown",
        "wait",
    ]  # whoever clears `wait` clears all three
    assert (made["runs"], made["catchup"]) == (1, False)
    assert {each["retries"] for each in tasks.values()} == {2}
    assert "shop-env" not in made["stored"]  # what Airflow keeps of it has nothing of the config's
    ours = {each for each in told["imported"] if each.startswith("rayingest")}
    assert ours <= {
        "rayingest",
        "rayingest.errors",
        "rayingest.launch",
        "rayingest.launch.airflow",
        "rayingest.airflow",
        *(f"rayingest.airflow.{each}" for each in AT_PARSING),
    }
    known = ("rayingest", "airflow", "unusual_prefix")  # the last is how Airflow calls a DAG file
    strange = [each for each in told["imported"] if not each.startswith(known)]
    assert not strange


def test_a_mistake_in_a_dag_file_is_told_by_airflow(running: airflow.Server, folder: Path) -> None:
    (folder / "shop_dag.py").write_text(
        RAYJOB.replace('Path(__file__).with_name("shop.yaml")', "'shop.yaml'")
    )
    (error,) = running.asked("parse", folder)["errors"].values()
    assert "'shop.yaml' is relative" in error
    assert "→ Path(__file__).with_name('shop.yaml') is the one beside" in error


# --- a run on Kubernetes ---


def test_a_run_is_submitted_waited_for_and_taken_down(
    run: Callable, operator: Operator, world: Kubernetes, folder: Path
) -> None:
    done = run(RAYJOB)
    assert states(done) == {"submit": "success", "wait": "success", "teardown": "success"}, done[
        "log"
    ]
    assert done["state"] == "success"
    assert written(folder) == ["customer", "orders", "{{ run_id }}"]
    assert operator.attempts == 1
    assert not [key for key in world.objects if key[0] != "pods"]
    assert re.search(r"Run shop-\w+: Success: ", done["log"])


def test_waiting_takes_no_worker(run: Callable, operator: Operator) -> None:
    log = run(RAYJOB)["log"]
    assert "Pausing task as DEFERRED" in log
    assert "[DAG TEST] running trigger in line" in log
    assert "Complete (SUCCEEDED)" in log
    assert log.index("[DAG TEST] Trigger completed") < log.index(": Success: ")


def test_what_is_handed_on_are_names(run: Callable, operator: Operator) -> None:
    handed = run(RAYJOB)["handed"]
    values = {(task, key): value for task, key, value in handed}
    assert set(values[("submit", "return_value")]) == {"run_id", "name", "namespace"}
    assert {task for task, _ in values} == {"submit"}


def test_a_run_that_fails_fails_and_is_taken_down_all_the_same(
    run: Callable, operator: Operator, world: Kubernetes, folder: Path
) -> None:
    (folder / "shop.db").write_text("this is no database")
    done = run(RAYJOB)
    assert states(done) == {"submit": "success", "wait": "failed", "teardown": "success"}, done[
        "log"
    ]
    assert done["state"] == "failed"
    assert "is not a database" in done["log"]
    assert "a new DAG run begins another one" in done["log"]
    assert tries(done)["wait"] == 1  # the same report again is no help
    assert not [key for key in world.objects if key[0] != "pods"]


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ([RUNNING, {**DONE, "jobStatus": "STOPPED"}], "is unknown: The RayJob stopped"),
        ([RUNNING, DELETED], "was deleted before its report was read"),
        (
            [
                {"jobStatus": "FAILED", "jobDeploymentStatus": "Retrying", "failed": 1},
                RUNNING,
                FAILED,
            ],
            "is unknown: The RayJob failed: Failed (FAILED, AppFailed)",
        ),
    ],
    ids=["stopped", "deleted", "retried"],
)
def test_an_end_without_a_report_is_no_success(
    run: Callable, world: Kubernetes, script: list[Json], told: str
) -> None:
    world.script = script
    done = run(RAYJOB)
    assert states(done)["wait"] == "failed"
    assert states(done)["teardown"] == "success"
    assert told in done["log"]


def test_a_second_try_of_submit_finds_what_the_first_has_created(
    run: Callable, operator: Operator, world: Kubernetes
) -> None:
    """The API server is away in the middle of it, and also when the RayJob is to be taken back."""
    away = [Trouble("POST .*/secrets", 503, TRIES), Trouble("DELETE .*/rayjobs", 503, TRIES)]
    world.troubles += away
    done = run(RAYJOB)
    assert [each.times for each in away] == [0, 0]
    assert tries(done) == {"submit": 2, "wait": 1, "teardown": 1}
    assert "is under way already" in done["log"]
    assert [operator.attempts, *map(kind, world.gone)] == [1, "rayjobs", "secrets"]
    assert done["state"] == "success"


def test_a_config_that_is_wrong_is_not_tried_again(
    run: Callable, world: Kubernetes, folder: Path
) -> None:
    config = folder / "shop.yaml"
    config.write_text(config.read_text().replace("serviceName", "serviceNam"))
    done = run(RAYJOB)
    assert (states(done)["submit"], tries(done)["submit"]) == ("failed", 1)
    assert states(done)["teardown"] == "upstream_failed"
    assert "Did you mean 'serviceName'?" in done["log"]
    assert not world.objects


def test_what_is_missing_on_the_cluster_is_told_with_what_mends_it(
    run: Callable, world: Kubernetes
) -> None:
    del world.served["ray.io/v1"]
    assert (
        "KubeRay is not installed: the cluster knows no RayJobs. → helm install"
        in run(RAYJOB)["log"]
    )


@pytest.mark.parametrize("partial_ok", [True, False])
def test_a_partial_success_is_what_the_dag_says_it_is(
    run: Callable, operator: Operator, folder: Path, partial_ok: bool
) -> None:
    break_a_view(folder / "shop.yaml", beside=20)
    done = run(RAYJOB.replace("logs_pod=True", f"logs_pod=True, partial_ok={partial_ok}"))
    assert states(done)["wait"] == ("success" if partial_ok else "failed")
    assert "Partial success: 26 of 27 entities ingested, 1 failed" in done["log"]
    assert ("no such table: main.gone" in done["log"]) is not partial_ok


# --- the triggerer ---


def test_a_trigger_that_is_made_anew_from_its_names_goes_on(
    running: airflow.Server, world: Kubernetes, tmp_path: Path
) -> None:
    """As another triggerer does, when the first one has gone; its names came through JSON."""
    job = {"metadata": {"name": "ri-shop"}, "kind": "RayJob", "spec": {"activeDeadlineSeconds": 60}}
    world.put("rayjobs", {**job, "status": RUNNING})
    environ = {"KUBECONFIG": str(world.kubeconfig(tmp_path / "kubeconfig"))}
    names = {"name": "ri-shop", "namespace": "default", "context": None, "look_seconds": 0.02}
    stored: list[Any] = ["rayingest.airflow.trigger.Ended", names]
    first = running.asked("watch", tmp_path, environ, trigger=stored, seconds=1)
    assert first["event"] is None
    assert first["trigger"] == stored
    assert "RayJob ri-shop: Running (RUNNING)" in first["log"]
    world.put("rayjobs", {**job, "status": {**FAILED, "jobDeploymentStatus": "Retrying"}})
    again = running.asked("watch", tmp_path, environ, trigger=first["trigger"], seconds=1)
    assert again["event"] is None
    world.put("rayjobs", {**job, "status": DONE})
    world.troubles.append(Trouble("GET .*/rayjobs", 503, TRIES))  # a look that fails is no end
    last = running.asked("watch", tmp_path, environ, trigger=again["trigger"], seconds=30)
    assert last["event"] == {"why": "succeeded"}
    assert "Asking again in" in last["log"]
    assert "HTTP Request" not in last["log"]


def test_a_trigger_gives_up_when_kubernetes_is_away_for_too_long(
    running: airflow.Server, world: Kubernetes, tmp_path: Path
) -> None:
    world.troubles.append(Trouble("GET .*/rayjobs", 503, times=10**6))
    environ = {"KUBECONFIG": str(tmp_path / "kubeconfig")}
    names = {"name": "ri-shop", "namespace": "default", "context": None, "look_seconds": 0.02}
    stored = ["rayingest.airflow.trigger.Ended", names]
    with pytest.raises(RayingestError, match="NotNow: the server is in trouble"):
        running.asked("watch", tmp_path, environ, trigger=stored, seconds=60, patience=0)


# --- without Ray ---


def test_so_many_groups_are_described_at_once(running: airflow.Server, folder: Path) -> None:
    (folder / "shop_dag.py").write_text(GROUPS.replace("parallelism=1", "parallelism=7"))
    (made,) = running.asked("parse", folder)["dags"].values()
    assert '"max_active_tis_per_dagrun": 7' in made["stored"]


def test_groups_are_described_by_mapped_tasks(run: Callable, folder: Path) -> None:
    done = run(GROUPS)
    assert done["state"] == "success", done["log"]
    assert [each[:3] for each in done["tasks"]] == [
        ["containers", -1, "success"],
        ["discover", -1, "success"],
        ["process", 0, "success"],
        ["process", 1, "success"],
        ["process", 2, "success"],
    ]
    assert written(folder) == ["customer", "orders", "{{ run_id }}"]
    handed = {task: value for task, key, value in done["handed"] if key == "return_value"}
    assert [len(each) for each in handed["discover"]] == [2, 2, 1]


def test_a_group_that_fails_fails_alone(run: Callable, folder: Path) -> None:
    break_a_view(folder / "shop.yaml")
    done = run(GROUPS.replace("group=2", "group=1"))
    assert done["state"] == "failed"
    failed = [each for each in done["tasks"] if each[2] != "success"]
    assert [(each[0], each[2], each[3]) for each in failed] == [("process", "failed", 1)]
    assert "no such table: main.gone" in done["log"]
    assert written(folder) == ["customer", "orders", "{{ run_id }}"]


def test_a_source_that_is_too_big_for_an_xcom_is_refused(run: Callable) -> None:
    done = run(GROUPS.replace("group=2", "group=2, most=4"))
    assert states(done) == {
        "containers": "success",
        "discover": "failed",
        "process": "upstream_failed",
    }
    assert "The source has more than 4 entities" in done["log"]
