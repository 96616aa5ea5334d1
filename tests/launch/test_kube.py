"""What is asked of Kubernetes, and what becomes of its answers."""

import json
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from rayingest.errors import (
    AlreadyThere,
    ClusterError,
    ConfigError,
    NotAllowed,
    NotNow,
    NotThere,
)
from rayingest.launch.cluster import PODS, RAY_JOBS, SECRETS
from rayingest.launch.kube import Kube, connected
from rayingest.testing.kubernetes import Kubernetes, Trouble

JOB: dict[str, Any] = {
    "apiVersion": "ray.io/v1",
    "kind": "RayJob",
    "metadata": {"name": "ri-shop", "labels": {"a": "1"}},
    "spec": {},
}


def test_what_is_created_is_there(cluster: Kube) -> None:
    made = cluster.create(JOB, None)
    assert made["metadata"]["uid"]
    assert cluster.get(RAY_JOBS, "ri-shop", None) == made
    cluster.delete(RAY_JOBS, "ri-shop", None)
    with pytest.raises(NotThere, match="ri-shop"):
        cluster.get(RAY_JOBS, "ri-shop", None)


def test_the_namespace_is_that_of_the_context_or_said(world: Kubernetes, cluster: Kube) -> None:
    cluster.create(JOB, None)
    cluster.create(JOB, "data")
    assert {key[1] for key in world.objects} == {cluster.namespace, "data"}
    assert cluster.namespace == "default"


def test_every_write_wants_unknown_fields_refused(world: Kubernetes, cluster: Kube) -> None:
    world.judge = lambda document: ["unknown field spec.x"] if "x" in document["spec"] else []
    cluster.create(JOB, None)
    assert all("fieldValidation=Strict" in each for each in world.calls if each.startswith("POST"))
    with pytest.raises(ClusterError, match=r"Kubernetes refuses: .*unknown field spec\.x"):
        cluster.create(JOB | {"metadata": {"name": "b"}, "spec": {"x": 1}}, None)


def test_a_dry_run_creates_nothing(world: Kubernetes, cluster: Kube) -> None:
    cluster.create(JOB, None, dry_run=True)
    assert not world.objects


def test_all_pages_of_a_list_come(world: Kubernetes, cluster: Kube) -> None:
    for number in range(1203):
        head = {"name": f"j{number:04}", "labels": {"a": str(number % 2)}}
        world.put("rayjobs", JOB | {"metadata": head})
    assert len(cluster.list(RAY_JOBS, None, {}).items) == 1203
    assert len(cluster.list(RAY_JOBS, None, {"a": "1"}).items) == 601
    assert len(cluster.list(RAY_JOBS, None, {"a": ""}).items) == 1203
    assert not cluster.list(RAY_JOBS, None, {"b": ""}).items


def test_what_is_served_and_what_is_not(cluster: Kube) -> None:
    assert "rayjobs" in cluster.served("ray.io/v1")
    assert cluster.versions("ray.io") == ("v1",)
    assert cluster.served("ray.io/v9") == frozenset()
    assert cluster.versions("example.com") == ()


def test_rights_are_asked_for(world: Kubernetes, cluster: Kube) -> None:
    world.denied = {("create", "secrets"), ("get", "pods/log")}
    assert cluster.may("create", RAY_JOBS, None)
    assert not cluster.may("create", SECRETS, "data")
    assert not cluster.may("get", PODS, None, "log")


def test_lines_of_a_log(world: Kubernetes, cluster: Kube) -> None:
    world.put("pods", {"metadata": {"name": "p"}})
    world.logs["p"] = ["one", "two"]
    assert list(cluster.log("p", "main", None, follow=True)) == ["one", "two"]
    with pytest.raises(NotThere):
        list(cluster.log("q", "main", None, follow=False))


@pytest.mark.parametrize(
    ("trouble", "calls"),
    [(Trouble("GET", 503, 3), 4), (Trouble("GET", 429, 2), 3), (Trouble("GET", None, 2), 3)],
    ids=["down", "throttled", "cut"],
)
def test_what_may_pass_is_asked_again(
    world: Kubernetes, cluster: Kube, trouble: Trouble, calls: int
) -> None:
    world.put("rayjobs", JOB)
    world.troubles = [trouble]
    assert cluster.get(RAY_JOBS, "ri-shop", None)
    assert len(world.calls) == calls


def test_what_does_not_pass_is_told(world: Kubernetes, cluster: Kube) -> None:
    world.troubles = [Trouble("GET", None, 99)]
    with pytest.raises(NotNow, match=r"Kubernetes at 127\.0\.0\.1:\d+ does not answer"):
        cluster.get(RAY_JOBS, "ri-shop", None)


def test_an_answer_that_is_lost_leaves_what_was_created(world: Kubernetes, cluster: Kube) -> None:
    world.troubles = [Trouble("POST", None, after=True)]
    with pytest.raises(AlreadyThere):
        cluster.create(JOB, None)


def test_who_may_not_is_told(world: Kubernetes, cluster: Kube) -> None:
    world.denied = {("create", "rayjobs")}
    with pytest.raises(NotAllowed, match='User "tester" cannot create resource "rayjobs"'):
        cluster.create(JOB, None)
    assert len(world.calls) == 1


def test_a_token_that_has_run_out(world: Kubernetes, cluster: Kube) -> None:
    world.token = "another"  # noqa: S105
    with pytest.raises(ConfigError, match="does not know us") as caught:
        cluster.get(RAY_JOBS, "ri-shop", None)
    assert "log in again" in str(caught.value.hint)
    assert "kube-token" not in f"{caught.value}{caught.value.hint}"


# --- who we are ---


Configured = Callable[..., None]


@pytest.fixture
def configured(world: Kubernetes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Configured:
    """Write another kubeconfig, for a user of this kind."""

    def write(url: str | None = None, **user: Any) -> None:
        world.url = url or world.url
        path = world.kubeconfig(tmp_path / "other", **user)
        monkeypatch.setenv("KUBECONFIG", str(path))

    return write


def test_nothing_configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    with pytest.raises(ConfigError, match="Kubernetes") as caught:
        connected()
    assert "KUBECONFIG" in str(caught.value.hint)


@pytest.mark.parametrize("text", ["", "[]", "}{", "clusters: 3", "current-context: test"])
def test_a_kubeconfig_that_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(text, "utf-8")
    monkeypatch.setenv("KUBECONFIG", str(path))
    with pytest.raises(ConfigError):
        connected()


def test_a_plug_in_brings_the_token(
    world: Kubernetes, configured: Configured, tmp_path: Path
) -> None:
    told = {"status": {"token": world.token}}
    plug_in = tmp_path / "plugin.py"
    plug_in.write_text(f"print({json.dumps(json.dumps(told))})", "utf-8")
    api = "client.authentication.k8s.io/v1beta1"
    configured(exec={"apiVersion": api, "command": sys.executable, "args": [str(plug_in)]})
    with connected() as cluster:
        assert cluster.served("ray.io/v1")


@pytest.mark.parametrize(
    ("command", "api"),
    [("no-such-plug-in", "v1beta1"), ("false", "v1beta1"), ("true", "v7")],
)
def test_a_plug_in_that_fails(configured: Configured, command: str, api: str) -> None:
    configured(exec={"apiVersion": f"client.authentication.k8s.io/{api}", "command": command})
    with connected() as cluster, pytest.raises(ConfigError, match="Nobody vouches for us"):
        cluster.served("ray.io/v1")


def test_something_else_answers(configured: Configured) -> None:
    class Page(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>")

    with HTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        configured(f"http://127.0.0.1:{server.server_port}", token="x")  # noqa: S106
        with connected() as cluster, pytest.raises(NotNow, match="no Kubernetes API"):
            cluster.served("ray.io/v1")
        server.shutdown()


def test_nobody_there(configured: Configured) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    configured(f"http://127.0.0.1:{port}", token="x")  # noqa: S106
    with connected() as cluster, pytest.raises(NotNow, match="does not answer") as caught:
        cluster.served("ray.io/v1")
    assert "current-context" in str(caught.value.hint)


def test_a_certificate_that_nobody_signed_is_refused(
    configured: Configured, tmp_path: Path
) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "1",
        "-subj",
        "/CN=localhost",
    ]
    subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        configured(f"https://127.0.0.1:{server.server_port}", token="x")  # noqa: S106
        with connected() as cluster, pytest.raises(NotNow, match="CERTIFICATE_VERIFY_FAILED"):
            cluster.served("ray.io/v1")
        server.shutdown()
