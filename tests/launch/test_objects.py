"""The objects of a run: taken by the API server, and what each of them says."""

import copy
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rayingest import __version__
from rayingest.cli.app import command
from rayingest.config import load
from rayingest.config.kubernetes import RAY_VERSION
from rayingest.errors import ConfigError
from rayingest.execute.growth import SLOTS_PER_ACTOR
from rayingest.launch.rules import broken
from rayingest.launch.secret import config_secret
from rayingest.launch.sizing import workers

from .conftest import BLOCKS, LARGE, QUEUED, SMALL, Submit, config, job, pods, secret
from .crd import refused
from .podsecurity import breaches, container

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parent / "golden"
CANARY = "canary-4f2a91-password"


# --- taken ---


@pytest.mark.parametrize("name", BLOCKS)
def test_the_api_server_takes_the_rayjob(submit: Submit, contracts: Path, name: str) -> None:
    assert refused(job(submit(BLOCKS[name])), contracts) == []


def changed(made: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    new = copy.deepcopy(made)
    place: Any = new
    *above, last = path.split(".")
    for each in above:
        place = place[int(each)] if each.isdecimal() else place[each]
    place[last] = value
    return new


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        ("spec.shutdownAfterJobFinish", True, "unknown field"),
        ("spec.rayClusterSpec.autoscalerOptions.upscalingMode", "Fast", "is not one of"),
        ("spec.backoffLimit", "soon", "is not of type"),
        ("spec.rayClusterSpec.headGroupSpec.template.spec.image", "x", "unknown field"),
        ("spec.managedBy", "somebody", "managedBy"),
        ("spec.deletionStrategy", {"onSuccess": {"policy": "DeleteCluster"}}, "both"),
    ],
)
def test_what_the_api_server_refuses_is_seen(
    submit: Submit, contracts: Path, path: str, value: object, why: str
) -> None:
    made = job(submit({**SMALL, "parallelism": 200}))
    assert any(why in each for each in refused(changed(made, path, value), contracts))


@pytest.mark.parametrize("name", BLOCKS)
def test_every_container_may_run_in_a_restricted_namespace(submit: Submit, name: str) -> None:
    made = job(submit(BLOCKS[name]))
    found = pods(made)
    assert ("submitter" in found) == (name == "large")
    assert [each for spec in found.values() for each in breaches(spec)] == []
    # The autoscaler is a container of the head, made by the operator.
    if options := made["spec"]["rayClusterSpec"].get("autoscalerOptions"):
        around = found["head"]["securityContext"]
        assert not [*container(options["securityContext"], around, "autoscaler")]


@pytest.mark.parametrize("name", BLOCKS)
def test_the_manifest_is_the_golden_one(
    submit: Submit, name: str, request: pytest.FixtureRequest
) -> None:
    text = submit(BLOCKS[name]).text.replace(f"'{__version__}'", "'VERSION'")
    path = GOLDEN / f"{name}.yaml"
    if request.config.getoption("--write-golden"):
        path.write_text(text, "utf-8")
    assert text == path.read_text("utf-8")


@given(
    parallelism=st.integers(1, 3000),
    cpu=st.one_of(st.none(), st.sampled_from([0.5, 1, "1500m", 2, 7, "16"])),
    pods_said=st.tuples(st.integers(1, 6), st.one_of(st.none(), st.integers(0, 60))),
    queue=st.sampled_from([None, "nightly"]),
)
@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_parallelism_has_room_and_breaks_no_rule(
    submit: Submit,
    *,
    parallelism: int,
    cpu: object,
    pods_said: tuple[int, int | None],
    queue: str | None,
) -> None:
    least, more = pods_said
    limit = None if more is None else least + more
    k8s = {"envFromSecrets": ["shop-env"], "minWorkers": least, "maxWorkers": limit}
    block = {**SMALL, "parallelism": parallelism, "resourceRequests": {"cpu": cpu}}
    prepared = submit({**block, "k8s": {**k8s, "queueName": queue}})
    made = job(prepared)
    group = made["spec"]["rayClusterSpec"]["workerGroupSpecs"][0]
    first, fewest, most = group["replicas"], group["minReplicas"], group["maxReplicas"]
    cpus = int(group["rayStartParams"]["num-cpus"])
    assert broken(made) == []
    assert 1 <= fewest == first <= most
    if more is None:  # as many actors as the engine makes, a CPU for each
        assert most * cpus * SLOTS_PER_ACTOR >= parallelism
        assert most == least or (most - 1) * cpus * SLOTS_PER_ACTOR < parallelism
    assert made["spec"]["rayClusterSpec"]["enableInTreeAutoscaling"] == (fewest < most)
    assert prepared.run.workers == workers(prepared.job.config.execution)


def test_kueue_gets_a_cluster_of_a_fixed_size_that_waits(submit: Submit) -> None:
    made = job(submit(QUEUED))
    assert made["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "nightly"
    assert made["spec"]["suspend"] is True
    assert made["spec"]["rayClusterSpec"]["enableInTreeAutoscaling"] is False


def test_resources_that_are_not_said_fit_those_that_are(submit: Submit) -> None:
    def resources(**said: dict[str, object]) -> tuple[dict[str, str], dict[str, str]]:
        sized = submit({**SMALL, **said}).run.workers
        return sized.requests, sized.limits

    usual = ({"cpu": "1", "memory": "2Gi"}, {"cpu": "2", "memory": "2Gi"})
    assert resources() == usual
    asked, most = resources(resourceRequests={"cpu": 4.0, "memory": "3Gi"})
    assert (asked, most) == ({"cpu": "4", "memory": "3Gi"}, {"cpu": "4", "memory": "3Gi"})
    asked, most = resources(resourceLimits={"cpu": "250m", "memory": "512Mi"})
    assert (asked, most) == ({"cpu": "250m", "memory": "512Mi"},) * 2


# --- said ---


def test_the_name_is_short_and_the_same_for_the_same_run(submit: Submit) -> None:
    text = config(SMALL).replace("Shop (prod)", "Größe & Co. " * 20)
    first, again = (submit(SMALL, text=text).run.name for _ in range(2))
    other = submit(SMALL, text=text, run_id="nightly-8").run.name
    assert first == again != other
    assert len(first) <= 40
    assert re.fullmatch(r"ri-gr-e-co-gr-e-co-gr-e-[0-9a-f]{10}", first)


def test_a_name_out_of_nothing_is_a_name(submit: Submit) -> None:
    made = job(submit(SMALL, text=config(SMALL).replace("Shop (prod)", "日本")))
    assert broken(made) == []
    assert made["metadata"]["annotations"]["rayingest.io/service"] == "日本"
    assert made["metadata"]["labels"]["rayingest.io/source"] == "source"


def test_a_name_is_not_cut_behind_a_hyphen(submit: Submit) -> None:
    made = job(submit(SMALL, text=config(SMALL).replace("Shop (prod)", f"{'a' * 62} b")))
    assert made["metadata"]["labels"]["rayingest.io/source"] == "a" * 62


def test_a_user_without_a_name_submits_all_the_same(
    submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody() -> str:
        raise KeyError("uid not found")

    monkeypatch.setattr("getpass.getuser", nobody)
    assert submit(SMALL, submitted_by=None).run.submitted_by == "unknown"


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"name": "Nightly"}, "cannot be the name"),
        ({"name": "x" * 41}, "cannot be the name"),
        ({"name": "7days"}, "cannot be the name"),
        ({"run_id": "a b"}, "run id"),
        ({"run_id": "x; rm -rf /"}, "run id"),
        ({"run_id": "$(id)"}, "run id"),
        ({"run_id": "x" * 64}, "run id"),
    ],
)
def test_a_name_or_run_id_that_cannot_be_is_refused(
    submit: Submit, more: dict[str, Any], why: str
) -> None:
    with pytest.raises(ConfigError, match=why):
        submit(SMALL, **more)


def test_texts_that_other_readers_of_yaml_take_for_numbers_are_quoted(submit: Submit) -> None:
    text = submit(SMALL, run_id="12e5").text
    assert "rayingest.io/run-id: '12e5'\n" in text


def test_head_and_workers_have_config_secrets_and_volumes_and_the_submitter_none(
    submit: Submit,
) -> None:
    found = pods(job(submit(LARGE)))
    for kind in ("head", "worker"):
        (only,) = found[kind]["containers"]
        assert [each["secretRef"]["name"] for each in only["envFrom"]] == [
            "shop-env",
            "catalogue-env",
        ]
        mounts = {each["mountPath"]: each["readOnly"] for each in only["volumeMounts"]}
        assert mounts == {"/etc/rayingest": True, "/state": False, "/etc/ca": True, "/keys": True}
        assert {each["name"] for each in found[kind]["volumes"]} == {
            "config",
            "state",
            "ca",
            "keys",
        }
    assert "envFrom" not in str(found["submitter"])
    assert "volume" not in str(found["submitter"])


def test_only_a_head_that_scales_has_a_token_of_the_cluster(submit: Submit) -> None:
    def tokens(block: dict[str, Any]) -> dict[str, bool]:
        found = pods(job(submit(block)))
        return {kind: each["automountServiceAccountToken"] for kind, each in found.items()}

    assert tokens(LARGE) == {"head": True, "worker": False, "submitter": False}
    assert tokens(QUEUED) == {"head": False, "worker": False}


def test_ray_stops_a_run_before_kubernetes_kills_it(submit: Submit) -> None:
    head = pods(job(submit(SMALL)))["head"]
    told = {each["name"]: each["value"] for each in head["containers"][0]["env"]}
    assert int(told["RAY_JOB_STOP_WAIT_TIME_S"]) == 25 < head["terminationGracePeriodSeconds"]


def test_the_driver_is_told_that_it_was_submitted_and_workers_are_not(submit: Submit) -> None:
    found = pods(job(submit(SMALL)))
    told = {each["name"]: each["value"] for each in found["head"]["containers"][0]["env"]}
    assert told["RAYINGEST_SUBMITTED"] == job(submit(SMALL))["metadata"]["name"]
    assert told["RAYINGEST_CLUSTER"] == "own"
    assert "env" not in found["worker"]["containers"][0]


def test_no_task_runs_on_the_head_and_every_cluster_asks_for_a_token(submit: Submit) -> None:
    cluster = job(submit(SMALL))["spec"]["rayClusterSpec"]
    assert cluster["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"
    assert cluster["authOptions"] == {"mode": "token"}


def test_the_image_that_we_build_has_the_ray_that_we_say() -> None:
    assert f"ARG RAY_VERSION={RAY_VERSION}\n" in (ROOT / "Dockerfile").read_text()


# --- the Secret ---


def test_the_secret_is_the_config_with_its_references(submit: Submit, tmp_path: Path) -> None:
    made = secret(submit(SMALL, environ={"SHOP_PASSWORD": CANARY}))
    assert made["immutable"] is True
    text = made["stringData"]["config.yaml"]
    assert yaml.safe_load(text) == yaml.safe_load(config(SMALL))
    assert "${SHOP_PASSWORD}" in text
    path = tmp_path / "read.yaml"
    path.write_text(text)
    read = load(path, environ={"SHOP_PASSWORD": CANARY}, flags={"engine": "ray"})
    assert read.connection.authType.password.get_secret_value() == CANARY  # type: ignore[union-attr]


def test_the_rayjob_owns_the_secret_once_it_is_there(submit: Submit) -> None:
    run = submit(SMALL).run
    assert "ownerReferences" not in config_secret(run)["metadata"]
    (owner,) = config_secret(run, owner_uid="u-1")["metadata"]["ownerReferences"]
    assert owner == {"apiVersion": "ray.io/v1", "kind": "RayJob", "name": run.name, "uid": "u-1"}


def test_no_secret_leaves_the_secret(submit: Submit) -> None:
    text = config(LARGE).replace("${SHOP_PASSWORD}", CANARY)
    text = text.replace(
        "database: shop", f"database: shop\n      connectionOptions: {{x: {CANARY}}}"
    )
    prepared = submit(LARGE, text=text)
    assert prepared.text.count(CANARY) == 2
    assert CANARY not in yaml.safe_dump(job(prepared))
    assert CANARY not in yaml.safe_dump(secret(prepared)["metadata"])
    assert CANARY not in repr(prepared.run)
    assert CANARY not in repr(prepared)
    assert any("passwords as they are" in each for each in prepared.warnings)


def test_a_config_that_no_secret_takes_is_refused(submit: Submit) -> None:
    tree = yaml.safe_load(config(SMALL))
    tree["source"]["sourceConfig"]["config"]["tableFilterPattern"] = {"includes": ["x" * 1_000_000]}
    with pytest.raises(ConfigError, match="a Secret takes 1,000,000"):
        submit(SMALL, text=yaml.safe_dump(tree))


def test_the_hash_tells_configs_apart_and_knows_no_secret(submit: Submit) -> None:
    one, two = (config(SMALL).replace("${SHOP_PASSWORD}", each) for each in ("one", "two"))
    digest = submit(SMALL, text=one).run.digest
    assert digest == submit(SMALL, text=two).run.digest
    assert digest != submit(SMALL, text=one.replace("db:5432", "db:5433")).run.digest


# --- the run in the cluster ---


def words(prepared: Any) -> list[str]:
    entrypoint = job(prepared)["spec"]["entrypoint"]
    # The operator pastes it into bash without quotes: no character may mean anything there.
    assert re.fullmatch(r"[\w/.\- ]+", entrypoint)
    return shlex.split(entrypoint)


def test_the_entrypoint_is_a_command_of_ours(submit: Submit) -> None:
    prepared = submit(SMALL, flags={"parallelism": 80}, allow_untested=True)
    said = words(prepared)
    run = command().commands["run"].make_context("run", said[2:]).params
    assert said[:2] == ["rayingest", "run"]
    assert (run["configs"], run["run_id"]) == (["/etc/rayingest/config.yaml"], "nightly-7")
    assert (run["engine"], run["address"], run["parallelism"]) == ("ray", "auto", 80)
    assert run["partial_ok"]
    assert run["allow_untested"]


def test_a_submitted_config_never_reaches_launch_again(submit: Submit, tmp_path: Path) -> None:
    """It says kuberay, and yet: the run gets as far as looking for its cluster, and launches nothing."""
    prepared = submit(SMALL)
    path = tmp_path / "there.yaml"
    path.write_text(secret(prepared)["stringData"]["config.yaml"])
    said = [str(path) if each.endswith("config.yaml") else each for each in words(prepared)[1:]]
    said += ["--state-url", str(tmp_path / "state")]
    code = (
        "import sys; from rayingest.cli.app import program; code = program(sys.argv[1:]);"
        "print(code, sorted(each for each in sys.modules if each.startswith('rayingest.launch')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *said],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "SHOP_PASSWORD": "x"},
    )
    assert "RAY_ADDRESS" in done.stderr
    assert done.stdout.splitlines()[-1].endswith(" []")
