"""Runs on Kubernetes as a user has them: submitted, waited for, looked at, stopped, cleaned up.

The operator of these tests does what KubeRay does with a RayJob, as far as a run can tell: it takes the
config out of the Secret and runs the entrypoint, in this machine instead of a cluster.
"""

import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from rayingest.api import lines
from rayingest.errors import ConfigError
from rayingest.execute.report import Report
from rayingest.testing import StrictCatalogue
from rayingest.testing.catalogue import Faults
from rayingest.testing.kubernetes import DELETED, Kubernetes

from ..operator import DONE, FAILED, Operator
from ..state.s3 import BUCKET, serve
from .conftest import SECRET, SERVER, Shop, many

Json = dict[str, Any]
IMAGE = ("--image", "registry.example/rayingest:1")
RUN = ("--run-id", "r1")
STATE = f"s3://{BUCKET}/state"
RUNNING = {"jobStatus": "RUNNING", "jobDeploymentStatus": "Running", "rayClusterName": "c"}
OLD = "2026-01-01T00:00:00Z"


@pytest.fixture(scope="module")
def _s3() -> Iterator[None]:
    with serve():
        yield


@pytest.fixture
def state(_s3: None, request: pytest.FixtureRequest) -> str:
    """A place of its own in a bucket."""
    return f"{STATE}/{abs(hash(request.node.nodeid))}"


@pytest.fixture
def operator(world: Kubernetes, tmp_path: Path) -> Operator:
    made = Operator(world, tmp_path)
    world.script = made
    return made


@pytest.fixture
def submit(cli: Callable, shop: Shop, state: str) -> Callable:
    """Submit the shop."""

    def typed(*more: str, config: str | None = None) -> Any:
        return cli("submit", config or shop.config(), *IMAGE, *RUN, "--state-url", state, *more)

    return typed


# --- runs that really run ---


def test_a_run_is_submitted_followed_and_comes_home(
    submit: Callable, operator: Operator, world: Kubernetes, shop: Shop, tmp_path: Path
) -> None:
    report = tmp_path / "report.json"
    said = submit("--follow", "--report-json", str(report))
    assert said.code == 0, said.err
    assert sorted(each.rpartition(".")[2] for each in shop.written()) == [
        "customer",
        "orders",
        "totals",
    ]
    for told in (
        "Run r1 is RayJob ri-shop-",
        "was created in namespace default",
        ": Running (RUNNING)",
        ": Complete (SUCCEEDED)",
        "Dashboard: kubectl -n default port-forward service/c1-head-svc 8265",
        "Reading sqlite 'shop', writing to file",  # the run's own log, out of the bucket
    ):
        assert told in said.err
    told = json.loads(report.read_text())
    assert (told["runId"], told["state"], told["runDirectory"]) != ("", "", "")
    assert (told["runId"], told["state"], told["attempt"]) == ("r1", "success", 1)


def test_another_attempt_goes_on_where_the_first_was_killed(
    submit: Callable, operator: Operator, shop: Shop, state: str
) -> None:
    operator.kills = 1
    said = submit("--wait")
    assert said.code == 0, said.err
    assert operator.attempts == 2
    assert ": Retrying (FAILED, AppFailed)" in said.err
    assert len(shop.written()) == 3


def test_a_run_that_fails_tells_why_and_its_own_code(
    submit: Callable, operator: Operator, shop: Shop
) -> None:
    shop.database.write_text("this is no database")
    said = submit("--wait", "--set", "workflowConfig.distributedExecution.k8s.backoffLimit=0")
    assert said.code == 1
    assert "The RayJob failed: Failed (FAILED, AppFailed)" in said.err
    assert "is not a database" in said.err


def test_partial_success_is_told_by_the_report_alone(
    submit: Callable, operator: Operator, shop: Shop, catalogue: StrictCatalogue
) -> None:
    many(shop, 30)
    catalogue.faults = Faults(refuse="many_007")
    sink = "{type: metadata-rest, config: {}}"
    config = shop.config(sink=sink, more=SERVER.format(url=catalogue.url, token=SECRET))
    assert submit("--wait", config=config).code == 3
    assert operator.attempts == 1  # to Kubernetes it is a success, and is not tried again
    assert submit("--wait", "--partial-ok", "--run-id", "r2", config=config).code == 0


def test_the_same_run_again_goes_on(
    submit: Callable, operator: Operator, world: Kubernetes
) -> None:
    assert submit("--wait").code == 0
    again = submit("--follow")
    assert again.code == 0, again.err
    assert [key[0] for key in world.gone] == ["rayjobs", "secrets"]
    assert "Run r1 ended before; nothing was done" in again.err


# --- what is told without a run ---


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ([RUNNING, DONE], "The RayJob succeeded"),
        ([RUNNING, {**DONE, "jobStatus": "STOPPED"}], "The RayJob stopped"),
        ([RUNNING, {**FAILED, "reason": "DeadlineExceeded"}], "Failed (FAILED, DeadlineExceeded)"),
        ([{"jobDeploymentStatus": "ValidationFailed", "message": "bad"}], "ValidationFailed. bad"),
        ([RUNNING, DELETED], "deleted from outside"),
    ],
)
def test_without_a_report_nobody_knows(
    submit: Callable, world: Kubernetes, script: list[Json], told: str
) -> None:
    world.script = script
    said = submit("--wait")
    assert said.code == 1
    assert "The outcome of run r1 is unknown" in said.err
    assert told in said.err


def report(state: Any = "success", **more: Any) -> Report:
    return Report(run_id="r1", state=state, ended_at="2030-01-01T00:00:00+00:00", **more)


def test_the_end_of_the_log_has_the_report(submit: Callable, world: Kubernetes) -> None:
    tail = f"Job entrypoint command failed with exit code 5, …:\n12:00 x\n{lines.line(report('stalled'))}"
    world.script = [RUNNING, {**FAILED, "message": tail}]
    assert submit("--wait").code == 5


def test_the_pod_of_the_log_has_the_report(cli: Callable, shop: Shop, world: Kubernetes) -> None:
    world.script = [RUNNING, DONE]
    name = "--name", "nightly"
    pod = {"metadata": {"name": "nightly-x7", "labels": {"job-name": "nightly"}}}
    world.put("pods", pod)
    world.logs["nightly-x7"] = ["one", lines.line(report("partialSuccess")), "two"]
    config = shop.config()
    said = cli("submit", config, *IMAGE, *RUN, *name, "--logs-pod", "--follow")
    assert (said.code, "\none\n" in said.err) == (3, True)
    told = cli("logs", "r1")
    assert (told.code, told.out.splitlines()[0]) == (0, "one")


def test_a_report_of_an_earlier_run_is_not_this_ones(submit: Callable, world: Kubernetes) -> None:
    old = Report(run_id="r1", state="success", ended_at="2020-01-01T00:00:00+00:00")
    world.script = [RUNNING, {**FAILED, "message": lines.line(old)}]
    assert submit("--wait").code == 1


def test_a_report_on_a_volume_is_read_by_a_pod(
    cli: Callable, shop: Shop, world: Kubernetes
) -> None:
    volume = "[{name: state, mountPath: /state, claimName: runs}]"
    key = f"workflowConfig.distributedExecution.k8s.volumes={volume}"
    config = shop.config()
    cli("submit", config, *IMAGE, *RUN, "--set", key, "--state-url", "/state/ri")
    (job,) = (each for key, each in world.objects.items() if key[0] == "rayjobs")
    world.put("rayjobs", job | {"status": DONE})
    pods: list[Json] = []

    def admitted(document: Json) -> list[str]:
        """The kubelet: it runs the pod at once."""
        if document["kind"] == "Pod":
            pods.append(document)
            document["status"] = {"phase": "Succeeded"}
            world.logs[document["metadata"]["name"]] = report().to_json().decode().splitlines()
        return []

    world.judge = admitted
    said = cli("status", "r1")
    assert said.code == 0, said.err
    (pod,) = pods
    container = pod["spec"]["containers"][0]
    assert container["command"] == [
        *("rayingest", "runs", "report", "r1", "--service", "shop", "--state-url", "/state/ri")
    ]
    assert not [key for key in world.objects if key[0] == "pods"]
    assert pod["spec"]["volumes"][0]["persistentVolumeClaim"] == {
        "claimName": "runs",
        "readOnly": True,
    }


# --- refusals ---


def test_nothing_is_created_in_a_cluster_that_is_not_ready(
    submit: Callable, world: Kubernetes
) -> None:
    world.denied = {("create", "secrets"), ("watch", "rayjobs"), ("get", "secrets")}
    said = submit()
    assert said.code == 2
    assert "may not watch rayjobs" in said.err
    assert "may not create secrets" in said.err
    assert "Nothing was created" in said.err
    assert not world.objects


def test_the_server_is_asked_without_creating(submit: Callable, world: Kubernetes) -> None:
    said = submit("--dry-run", "server")
    assert (said.code, said.out) == (0, "")
    assert "would take it" in said.err
    assert not world.objects


def test_no_cluster_configured(
    submit: Callable, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    said = submit()
    assert said.code == 2
    assert "KUBECONFIG" in said.err


def test_a_submitted_run_submits_nothing(
    submit: Callable, world: Kubernetes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAYINGEST_SUBMITTED", "ri-shop")
    said = submit()
    assert said.code == 2
    assert "a submitted run already" in said.err
    assert not world.calls


def test_no_secret_is_in_what_is_created_but_the_secret(
    submit: Callable, shop: Shop, world: Kubernetes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CATALOGUE_TOKEN", SECRET)
    sink = "{type: file, config: {path: /tmp/x}}"
    more = (
        "workflowConfig:\n  openMetadataServerConfig:\n    hostPort: http://c/api\n"
        "    authProvider: openmetadata\n    securityConfig: {jwtToken: '${CATALOGUE_TOKEN}'}\n"
        "  distributedExecution: {k8s: {envFromSecrets: [env]}}\n"
    )
    world.put("secrets", {"metadata": {"name": "env"}, "data": {"CATALOGUE_TOKEN": "eA=="}})
    said = submit(config=shop.config(sink=sink, more=more))
    assert said.code == 0, said.err
    assert SECRET not in json.dumps(list(world.objects.values())) + said.err + said.out


# --- looking, stopping, cleaning ---


def test_runs_are_listed(cli: Callable, submit: Callable, world: Kubernetes) -> None:
    assert "No submitted runs" in cli("status").err
    submit()
    submit("--run-id", "r2")
    said = cli("status")
    assert (said.code, said.out.count("ri-shop-")) == (0, 2)
    told = json.loads(cli("status", "--format", "json").out)
    assert {each["runId"] for each in told} == {"r1", "r2"}
    assert {each["over"] for each in told} == {False}


@pytest.mark.parametrize(
    ("status", "ends"),
    [
        ({}, (0, "not yet seen by the operator")),
        (RUNNING, (0, "Running (RUNNING)")),
        ({"jobStatus": "FAILED", "jobDeploymentStatus": "Retrying", "failed": 1}, (0, "Retrying")),
        ({"jobStatus": "Failure", "jobDeploymentStatus": "Running"}, (0, "Running (Failure)")),
        (DONE, (1, "is unknown")),
        ({**DONE, "jobStatus": "STOPPED"}, (1, "The RayJob stopped")),
        ({"jobDeploymentStatus": "ValidationFailed"}, (1, "ValidationFailed")),
    ],
)
def test_every_status_is_told(
    cli: Callable, submit: Callable, world: Kubernetes, status: Json, ends: tuple[int, str]
) -> None:
    submit()
    (job,) = (each for key, each in world.objects.items() if key[0] == "rayjobs")
    world.put("rayjobs", job | {"status": status})
    said = cli("status", "r1")
    code, told = ends
    assert said.code == code
    assert told in said.err


def test_status_and_log_of_one_that_really_ran(
    cli: Callable, submit: Callable, operator: Operator
) -> None:
    submit("--wait")
    said = cli("status", "r1")
    assert said.code == 0, said.err
    assert "Complete (SUCCEEDED)" in said.err
    told = cli("logs", "r1")
    assert told.code == 0
    assert "Reading sqlite 'shop'" in told.out
    assert cli("logs", "r1", "--follow").out == told.out


@pytest.mark.parametrize("follow", [(), ("--follow",)])
def test_whoever_has_read_enough_of_a_log_may_leave(
    cli: Callable, spawn: Callable, shop: Shop, world: Kubernetes, follow: tuple[str, ...]
) -> None:
    cli("submit", shop.config(), *IMAGE, *RUN, "--name", "nightly", "--logs-pod")
    world.put("pods", {"metadata": {"name": "nightly-x7", "labels": {"job-name": "nightly"}}})
    world.logs["nightly-x7"] = ["many words"] * 20_000
    process = spawn("logs", "r1", *follow)
    assert process.stdout.readline() == "many words\n"
    process.stdout.close()
    assert (process.stderr.read(), process.wait(timeout=30)) == ("", 0)


def test_a_run_that_is_not_there(cli: Callable, submit: Callable, world: Kubernetes) -> None:
    assert "No run was submitted to namespace default" in cli("status", "r1").err
    submit()
    for command in ("status", "logs", "stop"):
        said = cli(command, "r7")
        assert (said.code, said.out) == (2, "")
        assert "There is no run 'r7' in namespace default. There is r1." in said.err


def test_stop_deletes_the_run_and_all_that_is_its(
    cli: Callable, submit: Callable, world: Kubernetes
) -> None:
    submit()
    said = cli("stop", "r1")
    assert said.code == 0
    assert "rayingest submit CONFIG --run-id r1" in said.err
    assert not world.objects


def test_gc_takes_what_is_over_and_old(cli: Callable, submit: Callable, world: Kubernetes) -> None:
    for number in range(5):
        submit("--run-id", f"r{number}")
    ended = {"endTime": OLD}
    retrying = {"jobStatus": "FAILED", "jobDeploymentStatus": "Retrying"}
    statuses = [DONE | ended, FAILED | ended, RUNNING | ended, retrying | ended, DONE]
    jobs = [each for key, each in sorted(world.objects.items()) if key[0] == "rayjobs"]
    by_run = {each["metadata"]["labels"]["rayingest.io/run-id"]: each for each in jobs}
    for number, each in enumerate(statuses):
        world.put("rayjobs", by_run[f"r{number}"] | {"status": each})
    orphan = {"rayingest.io/run-id": "long-gone", "app.kubernetes.io/name": "rayingest"}
    old = {"creationTimestamp": OLD}
    world.put("secrets", {"metadata": {"name": "old-config", "labels": orphan, **old}})
    world.put("secrets", {"metadata": {"name": "new-config", "labels": orphan}})
    world.put("secrets", {"metadata": {"name": "theirs", "labels": {"a": "b"}, **old}})
    before = dict(world.objects)
    assert "Would delete" in cli("gc", "--dry-run").err
    assert world.objects == before
    assert "Nothing that ended more than 90000 days" in cli("gc", "--older-than", "90000").err
    assert cli("gc").code == 0
    left = {key[2] for key in world.objects}
    going = [by_run[f"r{number}"]["metadata"]["name"] for number in (2, 3, 4)]
    assert left == {*going, *(f"{each}-config" for each in going), "new-config", "theirs"}


def test_gc_without_the_right_to_list_secrets(
    cli: Callable, submit: Callable, world: Kubernetes
) -> None:
    world.denied = {("list", "secrets"), ("list", "pods")}
    said = cli("gc")
    assert said.code == 0
    assert "secrets cannot be listed" in said.err


# --- interruptions ---


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("wish", ["delete", "detach", None])
def test_an_interruption_deletes_the_run_or_leaves_it(
    spawn: Callable, shop: Shop, world: Kubernetes, sign: int, wish: str | None
) -> None:
    world.script = [RUNNING]
    wished = ("--on-interrupt", wish) if wish else ()
    process = spawn(
        *("submit", shop.config(), *IMAGE, *RUN, "--state-url", STATE, "--wait", *wished)
    )
    for line in process.stderr:
        if ": Running" in line:
            break
    process.send_signal(sign)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert len(world.objects) == (2 if wish == "detach" else 0)
    assert ("goes on" if wish == "detach" else "are gone") in err


def test_the_yaml_of_a_rayjob_is_what_is_created(
    cli: Callable, shop: Shop, world: Kubernetes, state: str
) -> None:
    typed = ("submit", shop.config(), *IMAGE, *RUN, "--state-url", state)
    printed = cli(*typed, "--dry-run", "client")
    cli(*typed)
    _, job = yaml.safe_load_all(printed.out)
    (made,) = (each for key, each in world.objects.items() if key[0] == "rayjobs")
    assert made["spec"] == job["spec"]
    assert made["metadata"]["annotations"]["rayingest.io/state-url"] == state


# --- orchestrator: kuberay ---


def kuberay(shop: Shop, state: str, more: str = "") -> str:
    block = f"enabled: true, orchestrator: kuberay, image: 'r.example/x:1', stateUrl: '{state}'"
    return shop.config(more=f"workflowConfig: {{distributedExecution: {{{block}{more}}}}}\n")


def test_run_takes_a_config_of_kuberay_to_kubernetes(
    cli: Callable, shop: Shop, operator: Operator, state: str
) -> None:
    said = cli("run", kuberay(shop, state), *RUN)
    assert said.code == 0, said.err
    assert operator.attempts == 1  # and what runs there does not submit itself again
    assert len(shop.written()) == 3
    assert "Executing workflow in" in said.err


def test_what_only_the_pods_have_does_not_matter_here(
    cli: Callable, shop: Shop, world: Kubernetes, state: str
) -> None:
    config = Path(kuberay(shop, state, ", k8s: {envFromSecrets: [env]}"))
    config.write_text(config.read_text().replace(str(shop.database), "'${DB}'"))
    world.put("secrets", {"metadata": {"name": "env"}, "data": {"DB": "eA=="}})
    world.script = [RUNNING, DONE]
    said = cli("run", str(config), *RUN)
    assert "The outcome of run r1 is unknown" in said.err
    assert [key[0] for key in world.objects].count("rayjobs") == 1


def test_the_engine_keeps_it_here(cli: Callable, shop: Shop, world: Kubernetes, state: str) -> None:
    assert cli("run", kuberay(shop, state), "--engine", "local").code == 0
    assert not world.calls


@pytest.mark.parametrize("flag", [("--select", "x"), ("--dry-run",), ("--timeout", "1h")])
def test_flags_that_do_not_travel_are_refused(
    cli: Callable, shop: Shop, world: Kubernetes, state: str, flag: tuple[str, ...]
) -> None:
    said = cli("run", kuberay(shop, state), *flag)
    assert (said.code, world.calls) == (2, [])
    assert "--engine local" in said.err


def test_python_is_told_who_takes_it_there(shop: Shop, state: str) -> None:
    import rayingest

    with pytest.raises(ConfigError, match="takes this config to Kubernetes"):
        rayingest.load(kuberay(shop, state)).run()


# --- around it Argo ---


class Argo:
    """What Argo's controller does with a Workflow of ours: apply, wait by its conditions, take down."""

    def __init__(self, world: Kubernetes, *, takes_down: bool = True) -> None:
        self.world, self.takes_down = world, takes_down

    def __call__(self, made: Json) -> Iterator[Json]:
        yield {"phase": "Running", "startedAt": OLD}
        (step,) = (
            e for e in made["spec"]["templates"] if e.get("resource", {}).get("action") == "apply"
        )
        head = made["metadata"]
        job = yaml.safe_load(
            step["resource"]["manifest"].replace("{{workflow.name}}", head["name"])
        )
        owner = {"kind": "Workflow", "name": head["name"], "uid": head["uid"]}
        job["metadata"]["ownerReferences"] = [owner]
        world, key = self.world, ("rayjobs", head["namespace"], head["name"])
        world.put("rayjobs", job, head["namespace"])
        with world.changed:
            world.look(*key)  # the waiting pod
            over = ("Complete", "Failed", "ValidationFailed")

            def ended() -> bool:
                return (
                    key not in world.objects
                    or world.objects[key].get("status", {}).get("jobDeploymentStatus") in over
                )

            assert world.changed.wait_for(ended, 60)
            good = world.objects.get(key, {}).get("status", {}).get("jobStatus") == "SUCCEEDED"
            if self.takes_down and key in world.objects:
                world.remove(key[0], key[2], key[1])
        yield {
            "phase": "Succeeded" if good else "Failed",
            "message": "as the step",
            "finishedAt": OLD,
        }


ARGO = ("--mode", "argo")


def test_argo_takes_a_run_there_and_down_again(
    cli: Callable, submit: Callable, operator: Operator, world: Kubernetes, shop: Shop
) -> None:
    world.argo = Argo(world)
    said = submit(*ARGO, "--wait")
    assert said.code == 0, said.err
    assert len(shop.written()) == 3
    assert {key[0] for key in world.objects} == {"workflows", "secrets"}
    (kept,) = (each for key, each in world.objects.items() if key[0] == "secrets")
    assert kept["metadata"]["ownerReferences"][0]["kind"] == "Workflow"
    told = cli("status", "r1")  # the RayJob is gone, and its Workflow tells
    assert told.code == 0, told.err
    assert "Complete (SUCCEEDED)" in told.err
    assert cli("stop", "r1").code == 0
    assert not world.objects


def test_a_failure_under_argo_is_one(
    submit: Callable, operator: Operator, world: Kubernetes, shop: Shop
) -> None:
    world.argo = Argo(world)
    shop.database.write_text("this is no database")
    said = submit(
        *ARGO, "--wait", "--set", "workflowConfig.distributedExecution.k8s.backoffLimit=0"
    )
    assert said.code == 1
    assert "is not a database" in said.err


def test_while_it_goes_on_stop_deletes_the_workflow(
    cli: Callable, submit: Callable, world: Kubernetes
) -> None:
    world.script, world.argo = [RUNNING], Argo(world)
    submit(*ARGO)
    told = cli("status", "r1")
    assert told.code == 0
    assert cli("stop", "r1").code == 0
    assert not [key for key in world.objects if key[0] in ("workflows", "secrets")]


def test_a_workflow_that_fails_before_its_rayjob(submit: Callable, world: Kubernetes) -> None:
    world.argo = [{"phase": "Pending"}, {"phase": "Error", "message": "no such account"}]
    said = submit(*ARGO, "--wait")
    assert said.code == 1
    assert "no such account" in said.err
    world.argo = [{"phase": "Running"}, DELETED]
    said = submit(*ARGO, "--wait", "--run-id", "r2")
    assert said.code == 1
    assert "deleted from outside" in said.err


def test_without_argo_it_is_named(submit: Callable, world: Kubernetes) -> None:
    del world.served["argoproj.io/v1alpha1"]
    said = submit(*ARGO)
    assert said.code == 2
    assert "Argo Workflows is not installed" in said.err
    assert "argo-workflows/releases" in said.err


def test_the_orchestrator_argo_is_that_mode(
    cli: Callable, shop: Shop, state: str, world: Kubernetes
) -> None:
    config = Path(kuberay(shop, state))
    config.write_text(config.read_text().replace("kuberay", "argo"))
    printed = cli("submit", str(config), *RUN, "--dry-run", "client")
    assert [each["kind"] for each in yaml.safe_load_all(printed.out)] == ["Secret", "Workflow"]
    world.script, world.argo = [RUNNING, DONE], Argo(world)
    assert "The outcome of run r1 is unknown" in cli("run", str(config), *RUN).err
