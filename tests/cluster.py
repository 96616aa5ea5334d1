"""One Ray for many tests: a cluster in a process of its own, which every run connects to by address."""

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rayingest.execute.surroundings import PROXIES

JOINED = """
import sys, time, ray
ray.init(address=sys.argv[1], log_to_driver=False, logging_level="ERROR")
for _ in range(300):
    if any(each["Alive"] and "node:__internal_head__" not in each["Resources"] for each in ray.nodes()):
        sys.exit(0)
    time.sleep(0.1)
sys.exit(1)
"""
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
def ray_node(address: str, cores: int) -> Iterator[None]:
    """Another node of a cluster, on this machine, until the block ends."""
    ray = Path(sys.executable).with_name("ray")
    size = ["--num-cpus", str(cores), "--object-store-memory", "80000000"]
    command = [ray, "start", "--address", address, *size, "--block"]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=plain()
    )
    try:
        before = subprocess.run([sys.executable, "-c", JOINED, address], timeout=60, check=False)
        assert before.returncode == 0, "the node has not joined"
        yield
    finally:
        process.terminate()
        process.wait(timeout=60)
