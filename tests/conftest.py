"""What all tests share: a home of their own, a quiet Ray, the contracts, a PostgreSQL, one Ray, no leftovers."""

import contextlib
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import stamina
from hypothesis import settings

from rayingest.errors import MissingDriver
from rayingest.launch.kube import Kube, connected
from rayingest.testing import postgres as wheel
from rayingest.testing.kubernetes import Kubernetes, serving

from .cluster import ray_cluster
from .renewals import pytest_terminal_summary  # noqa: F401 - a hook
from .turns import (  # noqa: F401 - hooks
    FILES,
    RAY,
    Shared,
    pytest_collection_modifyitems,
    pytest_runtest_teardown,
)

# Where a red run blocks everybody the same examples are tried each time; elsewhere new ones. A busy machine is
# nobody's fault.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("here", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "here")

ROOT = Path(__file__).parents[1]
CONTRACTS = Path(os.environ.get("RAYINGEST_CONTRACTS") or ROOT.parent / "shared" / "contracts")
SERVERS_REQUIRED = os.environ.get("RAYINGEST_REQUIRE_SERVERS") == "1"
# Variables that are meant for the tests; all others of ours would change what is tested.
FOR_TESTS = {
    "RAYINGEST_CONTRACTS",
    "RAYINGEST_REQUIRE_SERVERS",
    "RAYINGEST_RAY_TEMP_DIR",
    "RAYINGEST_RECORD",
    "RAYINGEST_SERVERS",
    "RAYINGEST_TEST_IMAGE",
}
# Of the machine: which cluster kubectl means, and nothing of ours may touch by accident.
KUBECONFIG = os.environ.get("KUBECONFIG")
# Python's own helpers; they end with the process that they help.
HELPERS = ("multiprocessing.resource_tracker", "multiprocessing.forkserver", "execnet", "ipykernel")
GRACE_SECONDS = 10


@pytest.fixture(scope="session", autouse=True)
def _no_leftovers() -> Iterator[None]:
    """Fail when a test has left a process behind, and end that process by its id."""
    yield
    left = end_children()
    assert not left, f"processes were left behind (and ended now): {left}"


@pytest.fixture(scope="session", autouse=True)
def _own_home(_no_leftovers: None) -> Iterator[None]:
    """No test reads or writes the files of whoever runs it."""
    folder = Path(tempfile.mkdtemp(prefix="ri-home-"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(folder))
        patch.setenv("XDG_STATE_HOME", str(folder / "state"))
        for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "KUBECONFIG"):
            patch.delenv(name, raising=False)
        for name in [*os.environ]:
            if name.startswith(("RAYINGEST_", "OPENMETADATA_")) and name not in FOR_TESTS:
                patch.delenv(name)
        yield
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session", autouse=True)
def _own_ray(_no_leftovers: None) -> Iterator[None]:
    """Ray starts only what a test starts: no cluster by accident, files in a place of its own."""
    folder = None
    with pytest.MonkeyPatch.context() as patch:
        for name in [*os.environ]:
            if name.startswith("RAY_"):
                patch.delenv(name)
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        if "RAYINGEST_RAY_TEMP_DIR" not in os.environ:
            # Short, for Unix sockets have room for 107 bytes.
            folder = tempfile.mkdtemp(prefix="ri-", dir="/tmp")
            patch.setenv("RAYINGEST_RAY_TEMP_DIR", folder)
        elif worker := os.environ.get("PYTEST_XDIST_WORKER"):
            # `session_latest` is one for a folder: what runs beside would be taken for ours.
            own = Path(os.environ["RAYINGEST_RAY_TEMP_DIR"]) / worker
            own.mkdir(parents=True, exist_ok=True)
            patch.setenv("RAYINGEST_RAY_TEMP_DIR", str(own))
        yield
        if "ray" in sys.modules:
            sys.modules["ray"].shutdown()
    if folder:
        shutil.rmtree(folder, ignore_errors=True)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write-golden", action="store_true", help="store what was told or made")


@pytest.fixture(scope="session")
def contracts() -> Path:
    """OpenMetadata's JSON schemas and recorded requests, which are no part of this repository."""
    if not CONTRACTS.is_dir():
        pytest.skip(f"no contracts in {CONTRACTS}: set RAYINGEST_CONTRACTS")
    return CONTRACTS


@pytest.fixture(scope="session")
def postgres() -> Iterator[wheel.Server]:
    """A PostgreSQL server, started when the first test asks for it."""
    with contextlib.ExitStack() as stack:
        try:
            server = stack.enter_context(wheel.server())
        except MissingDriver as error:
            if SERVERS_REQUIRED:
                raise
            pytest.skip(f"{error} {error.hint}")
        yield server


@pytest.fixture(scope="session")
def _the_shared_ray(request: pytest.FixtureRequest, _own_ray: None) -> Iterator[Shared]:
    shared = request.config.stash[RAY] = Shared(ray_cluster)
    yield shared
    shared.end()


@pytest.fixture(scope="module")
def shared_ray(request: pytest.FixtureRequest, _the_shared_ray: Shared) -> str:
    """HOST:PORT of a Ray with four cores; other tests have used it, and others will."""
    pytest.importorskip("ray")
    assert request.path in request.config.stash[FILES], "mark the test: ray"
    return _the_shared_ray.address()


def end_children() -> dict[int, str]:
    """Wait a little for the children of this process to end; kill, by id, those that do not."""
    deadline = time.monotonic() + GRACE_SECONDS
    while (left := children()) and time.monotonic() < deadline:
        time.sleep(0.1)
    for pid in left:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return left


def children() -> dict[int, str]:
    """Living children of this process and their command lines (Linux only)."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError):
            state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            is_helper = any(each in line for each in HELPERS)
            if int(parent) == os.getpid() and state != "Z" and not is_helper:
                found[int(folder.name)] = line.strip()[:200]
    return found


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kubernetes]:
    """A cluster that the environment leads to; nobody waits between the tries of a call."""
    made = Kubernetes()
    with serving(made), stamina.set_testing(True, attempts=4):
        monkeypatch.setenv("KUBECONFIG", str(made.kubeconfig(tmp_path / "kubeconfig")))
        yield made


@pytest.fixture
def cluster(world: Kubernetes) -> Iterator[Kube]:
    """Its client."""
    with connected() as made:
        yield made
