"""One Ray for many tests: a cluster in a process of its own, which every run connects to by address."""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from rayingest.execute.surroundings import PROXIES
from rayingest.testing.processes import end, free_port

JOINED = """
import sys, time, ray
ray.init(address=sys.argv[1], log_to_driver=False, logging_level="ERROR")
for _ in range(300):
    if any(each["Alive"] and sys.argv[2] in each["Resources"] for each in ray.nodes()):
        sys.exit(0)
    time.sleep(0.1)
sys.exit(1)
"""
# Ray's own choice: nodes of one machine cannot share them, and one that was free before may be taken.
PORTS = ("--dashboard-agent-listen-port", "0")
PLUGINS = Path(__file__).parent / "plugins"
SERVE = """
import os, sys, ray
context = ray.init(
    address="local", num_cpus=int(sys.argv[1]), include_dashboard=False, log_to_driver=False,
    object_store_memory=80_000_000, _temp_dir=os.environ.get("RAYINGEST_RAY_TEMP_DIR"),
)
print(context.address_info["gcs_address"], flush=True)
sys.stdin.read()
ray.shutdown()
"""


def with_chaos() -> str:
    """PYTHONPATH of a process in which configs may name the source `chaos`."""
    given = os.environ.get("PYTHONPATH")
    return os.pathsep.join([str(PLUGINS), *([given] if given else [])])


def plain() -> dict[str, str]:
    """The environment of a node: configs may name `chaos`, and no proxy is known."""
    environ = {name: value for name, value in os.environ.items() if name not in PROXIES}
    return environ | {"PYTHONPATH": with_chaos()}


@contextmanager
def ray_cluster(cores: int = 4) -> Iterator[str]:
    """HOST:PORT of a Ray that lives until the block ends."""
    # A process reads its token once: it stays as it is for all that this process starts later.
    os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    os.environ.setdefault("RAY_AUTH_MODE", "token")
    from ray._raylet import Config

    Config.initialize("")
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, str(cores)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=plain(),
    )
    assert process.stdin
    assert process.stdout
    try:
        address = process.stdout.readline().strip()
        assert address, "Ray did not start"
        yield address
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait(timeout=30)


@contextmanager
def ray_head(environ: Mapping[str, str], *, cores: int = 1) -> Iterator[tuple[str, str]]:
    """A head as somebody else has started it: HOST:PORT, and its dashboard's URL, until the block ends.

    `environ` holds the token, and whatever jobs are to find in the cluster's own environment.
    """
    port, dashboard = free_port(), free_port()
    ray = Path(sys.executable).with_name("ray")
    size = ["--num-cpus", str(cores), "--object-store-memory", "80000000"]
    command = [ray, "start", "--head", "--block", *size, *PORTS, "--port", str(port)]
    command += ["--dashboard-host", "127.0.0.1", "--dashboard-port", str(dashboard)]
    command += ["--ray-client-server-port", str(free_port()), "--disable-usage-stats"]
    if folder := os.environ.get("RAYINGEST_RAY_TEMP_DIR"):
        command += ["--temp-dir", folder]
    process = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=plain() | dict(environ),
    )
    try:
        for _ in range(600):
            with suppress(OSError), socket.create_connection(("127.0.0.1", dashboard), 1):
                break
            assert process.poll() is None, "the head has not started"
            time.sleep(0.1)
        yield f"127.0.0.1:{port}", f"http://127.0.0.1:{dashboard}"
    finally:
        end(process, seconds=60)


@contextmanager
def ray_node(address: str, cores: int, environ: Mapping[str, str] | None = None) -> Iterator[int]:
    """Another node of a cluster, on this machine, until the block ends; the process that holds it."""
    ray, name = Path(sys.executable).with_name("ray"), f"node-{secrets.token_hex(4)}"
    size = ["--num-cpus", str(cores), "--object-store-memory", "80000000"]
    size += ["--resources", json.dumps({name: 1})]
    command = [ray, "start", "--address", address, *size, *PORTS, "--block"]
    around = plain() | dict(environ or {})
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=around
    )
    try:
        before = subprocess.run(
            [sys.executable, "-c", JOINED, address, name], timeout=60, check=False, env=around
        )
        assert before.returncode == 0, "the node has not joined"
        yield process.pid
    finally:
        process.terminate()
        process.wait(timeout=60)


def lose(node: int) -> None:
    """Let all processes of a node be gone at once, as when its machine loses its power."""
    os.kill(node, signal.SIGSTOP)  # so that nothing of it sees the others go
    for each in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(each.read_text().rpartition(")")[2].split()[1]) == node:
                lose(int(each.parent.name))
    os.kill(node, signal.SIGKILL)
