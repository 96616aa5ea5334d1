"""A run on a real cluster, from preflight to clean-up: with a kubeconfig, `-m k8s`, and our image there.

    RAYINGEST_TEST_IMAGE=registry.example.com/rayingest:0.1.0 python3 dev.py test -m k8s

It uses the namespace of the context and leaves nothing. The same story is told of the cluster of our
tests, so that it is known to be right when a real one is there.
"""

import base64
import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rayingest.cli import logs
from rayingest.cli.app import program
from rayingest.launch.cluster import RAY_JOBS, SECRETS
from rayingest.launch.finding import submitted
from rayingest.launch.kube import connected
from rayingest.testing.kubernetes import Kubernetes

from ..conftest import KUBECONFIG
from ..operator import Operator

IMAGE = os.environ.get("RAYINGEST_TEST_IMAGE")
CONFIG = """\
source:
  type: sqlite
  serviceName: rayingest-test
  serviceConnection: {config: {type: SQLite, databaseMode: /data/shop.db}}
  sourceConfig: {config: {type: DatabaseMetadata}}
sink: {type: memory}
workflowConfig:
  distributedExecution:
    k8s:
      backoffLimit: 0
      preRunningDeadlineSeconds: 600
      activeDeadlineSeconds: 900
      volumes: [{name: data, mountPath: /data, secretName: SHOP}]
"""
Said = tuple[int, str]


@pytest.fixture
def typed(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[..., Said]]:
    """Type a command in this process: its code, and all that it said."""

    def command(*arguments: str) -> Said:
        code = int(program(list(arguments)))
        out, err = capsys.readouterr()
        return code, out + err

    yield command
    logs.reset()


def shop(folder: Path, name: str) -> dict[str, Any]:
    """A Secret with a database in it."""
    path = folder / "shop.db"
    with sqlite3.connect(path) as connection:
        connection.execute("create table customer (id integer primary key, name text)")
    connection.close()
    head = {"name": name, "labels": {"rayingest.io/source": "rayingest-test"}}
    data = {"shop.db": base64.b64encode(path.read_bytes()).decode()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": head, "data": data}


def story(typed: Callable[..., Said], folder: Path, image: str) -> None:
    """Submit, follow, look, stop, clean up."""
    run = f"test-{os.getpid()}"
    config = folder / "config.yaml"
    config.write_text(CONFIG.replace("SHOP", run), "utf-8")
    with connected() as cluster:
        cluster.create(shop(folder, run), None)
    typing = ("submit", str(config), "--image", image, "--logs-pod")
    try:
        code, said = typed(*typing, "--dry-run", "server")
        assert code == 0, said
        code, said = typed(*typing, "--run-id", run, "--follow")
        assert code == 0, said
        assert ": Complete (SUCCEEDED)" in said
        assert "4 of 4 entities ingested" in said
        code, said = typed("status", run)
        assert code == 0, said
        code, said = typed("logs", run)
        assert "Executing workflow" in said
        code, said = typed(*typing, "--run-id", f"{run}-b")
        assert code == 0, said
    finally:
        for each in (run, f"{run}-b"):
            typed("stop", each)
        with connected() as cluster:
            cluster.delete(SECRETS, run, None)
    with connected() as cluster:
        assert run not in {each.run_id for each in submitted(cluster, None)}
        for kind in (RAY_JOBS, SECRETS):
            if cluster.may("list", kind, None):
                labels = {"rayingest.io/source": "rayingest-test"}
                assert not cluster.list(kind, None, labels).items


@pytest.mark.k8s
@pytest.mark.timeout(1800)
def test_a_run_on_a_real_cluster(
    typed: Callable[..., Said], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not (KUBECONFIG and IMAGE):
        pytest.skip("KUBECONFIG and RAYINGEST_TEST_IMAGE say where, and what")
    monkeypatch.setenv("KUBECONFIG", KUBECONFIG)
    story(typed, tmp_path, IMAGE)


def test_the_same_story_on_the_cluster_of_our_tests(
    typed: Callable[..., Said], tmp_path: Path, world: Kubernetes
) -> None:
    world.script = Operator(world, tmp_path)
    story(typed, tmp_path, "registry.example/rayingest:1")
