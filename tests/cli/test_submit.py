"""`rayingest submit`: writes the objects, and says what else is needed."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from rayingest.api import grades

from .conftest import SECRET, Shop

IMAGE = ("--image", "registry.example/rayingest:1")
STATE = ("--state-url", "s3://bucket/state")


@pytest.fixture
def config(shop: Shop) -> str:
    return shop.config()


def test_the_objects_are_printed(cli: Callable, config: str) -> None:
    said = cli("submit", config, *IMAGE, *STATE, "--dry-run", "client", "--run-id", "r1")
    kinds = [each["kind"] for each in yaml.safe_load_all(said.out)]
    assert (said.code, kinds) == (0, ["Secret", "RayJob"])
    assert "Run r1 is RayJob ri-shop-" in said.err
    assert "1 worker at most" in said.err


def test_a_file_comes_with_the_lines_that_use_it(
    cli: Callable, config: str, tmp_path: Path
) -> None:
    target = tmp_path / "run.yaml"
    said = cli(
        *("submit", config, *IMAGE, *STATE, "--manifest", str(target), "-n", "data"),
        *("--name", "nightly", "--run-id", "r1"),
    )
    assert (said.code, said.out) == (0, "")
    assert f"kubectl -n data create --validate=strict -f {target}" in said.err
    assert "kubectl -n data get rayjob nightly --watch" in said.err
    assert "kubectl -n data delete rayjob,secret -l rayingest.io/run-id=r1" in said.err
    names = [each["metadata"]["name"] for each in yaml.safe_load_all(target.read_text())]
    assert names == ["nightly-config", "nightly"]


def test_an_untested_connector_needs_a_word_before_a_cluster_does(
    cli: Callable, config: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grades, "gradings", dict)
    said = cli("submit", config, *IMAGE, *STATE, "--manifest", "-")
    assert (said.code, said.out) == (2, "")
    assert "--allow-untested" in said.err
    said = cli("submit", config, *IMAGE, *STATE, "--manifest", "-", "--allow-untested")
    assert "--partial-ok --allow-untested --run-id" in said.out


def test_a_run_needs_an_image(cli: Callable, config: str) -> None:
    said = cli("submit", config, *STATE, "--manifest", "-")
    assert (said.code, said.out) == (2, "")
    assert "Which image?" in said.err
    assert "--image" in said.err


@pytest.mark.parametrize("state", [(), ("--state-url", "/somewhere"), ("--state-url", "file:///x")])
def test_a_run_of_which_nothing_would_be_left_is_refused(
    cli: Callable, config: str, state: tuple[str, ...]
) -> None:
    said = cli("submit", config, *IMAGE, *state, "--manifest", "-")
    assert (said.code, said.out) == (2, "")
    assert "Nothing would be left of this run" in said.err
    assert "--logs-pod" in said.err


def test_with_the_pod_of_the_log_something_is_left(cli: Callable, config: str) -> None:
    said = cli("submit", config, *IMAGE, "--logs-pod", "--manifest", "-")
    _, job = yaml.safe_load_all(said.out)
    assert said.code == 0
    assert job["spec"]["submissionMode"] == "K8sJobMode"
    assert "a second attempt begins anew" in said.err


def test_a_claim_outlives_the_pods_too(cli: Callable, config: str) -> None:
    volume = "[{name: state, mountPath: /state, claimName: rayingest}]"
    key = f"workflowConfig.distributedExecution.k8s.volumes={volume}"
    for url, code in (("/state/runs", 0), ("file:///state", 0), ("/states", 2)):
        said = cli(*("submit", config, *IMAGE, "--set", key, "--state-url", url, "--manifest", "-"))
        assert said.code == code, said.err


def test_variables_must_come_from_somewhere(
    cli: Callable, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = "{type: file, config: {path: '${OUT}'}}"
    config = shop.config(sink=sink)
    monkeypatch.setenv("OUT", SECRET)  # that it is set here does not set it there
    said = cli("submit", config, *IMAGE, *STATE, "--manifest", "-")
    assert (said.code, said.out) == (2, "")
    assert "The config reads OUT, and no Secret is named" in said.err
    named = "workflowConfig.distributedExecution.k8s.envFromSecrets=[shop-env]"
    said = cli("submit", config, *IMAGE, *STATE, "--set", named, "--manifest", "-")
    assert said.code == 0
    assert "The Secrets shop-env must have the keys OUT" in said.err
    assert SECRET not in said.out + said.err


def test_what_the_objects_are_made_of_must_be_known_here(
    cli: Callable, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = (
        "workflowConfig:\n  distributedExecution:\n    image: registry.example/rayingest:${TAG}\n"
    )
    config = shop.config(more=f"{more}    k8s: {{envFromSecrets: [env]}}\n")
    said = cli("submit", config, *STATE, "--manifest", "-")
    assert (said.code, said.out) == (2, "")
    assert "The objects themselves need TAG, not set here" in said.err
    monkeypatch.setenv("TAG", "7")
    said = cli("submit", config, *STATE, "--manifest", "-")
    assert said.code == 0
    assert "image: registry.example/rayingest:7\n" in said.out


def test_a_database_that_is_a_file_must_be_mounted(cli: Callable, config: str) -> None:
    said = cli("submit", config, *IMAGE, *STATE, "--manifest", "-")
    assert "sqlite reads a file, and reads it in the pods" in said.err


def test_a_file_that_nothing_mounts_is_told(cli: Callable, shop: Shop) -> None:
    config = shop.config(sink="{type: file, config: {path: '${file:/keys/out}'}}")
    said = cli("submit", config, *IMAGE, *STATE, "--manifest", "-")
    assert said.code == 0
    assert "No volume brings /keys/out" in said.err


def test_a_mistake_of_the_config_is_found_before_anything_is_written(
    cli: Callable, shop: Shop, tmp_path: Path
) -> None:
    more = "workflowConfig:\n  distributedExecution:\n    k8s: {minWorkrs: 2}\n"
    config, target = shop.config(more=more), tmp_path / "run.yaml"
    said = cli("submit", config, *IMAGE, *STATE, "--manifest", str(target))
    assert said.code == 2
    assert ".k8s.minWorkrs: unknown key. Did you mean 'minWorkers'?" in said.err
    assert not target.exists()


def test_the_orchestrator_is_no_obstacle(cli: Callable, shop: Shop) -> None:
    more = "workflowConfig: {distributedExecution: {enabled: true, orchestrator: kuberay}}\n"
    said = cli("submit", shop.config(more=more), *IMAGE, *STATE, "--dry-run", "client")
    assert said.code == 0


def test_layers_and_settings_are_part_of_what_is_submitted(
    cli: Callable, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = shop.config()
    (shop.folder / "rayingest.yaml").write_text("distributedExecution: {parallelism: 77}\n")
    monkeypatch.setenv("RAYINGEST_DISTRIBUTED_EXECUTION", "{callTimeoutSeconds: 11}")
    threshold = "workflowConfig.successThreshold=42"
    said = cli("submit", config, *IMAGE, *STATE, "--set", threshold, "--manifest", "-")
    secret, _ = yaml.safe_load_all(said.out)
    whole = yaml.safe_load(secret["stringData"]["config.yaml"])["workflowConfig"]
    assert whole["successThreshold"] == 42
    assert whole["distributedExecution"]["parallelism"] == 77
    assert whole["distributedExecution"]["callTimeoutSeconds"] == 11
