"""One suite for all engines: whatever the engine, the same source comes to the same end.

The reference is the sequential run: the local engine with one slot.
"""

import importlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import stamina
from pydantic import SecretStr

from rayingest.core.sink import Placement
from rayingest.errors import ConfigError
from rayingest.execute.bounding import Bounds
from rayingest.execute.local import LocalEngine
from rayingest.execute.start import Options, drive
from rayingest.sinks.openmetadata import OpenMetadata
from rayingest.sinks.openmetadata.settings import Login, Server
from rayingest.testing.catalogue import Faults, StrictCatalogue

from .runs import chaos, run

ODD = (
    "bad-1",
    "gone-1",
    "denied-1",
    "flaky-1",
    "raise-1",
    "lost-1",
    "cut-1",
    "silent-1",
    "raise-2",
)
ENDS = {
    "bad-1": ("failed", "Permanent"),
    "gone-1": ("skipped", "Gone"),
    "denied-1": ("failed", "Denied"),
    "flaky-1": ("ok", None),
    "raise-1": ("failed", "ValueError"),
    "raise-2": ("failed", "ValueError"),
    "lost-1": ("failed", "Retryable"),
    "cut-1": ("ok", None),
    "silent-1": ("failed", "NotAnswered"),
}
RAY = pytest.param("ray", marks=pytest.mark.ray)
Where = tuple[str, int]


@pytest.fixture(params=["sequential", "local", RAY])
def where(request: pytest.FixtureRequest) -> Where:
    """An engine and its parallelism: one slot here, eight slots here, two workers on Ray."""
    if request.param == "ray":
        return request.getfixturevalue("shared_ray"), 50
    return "local", {"sequential": 1, "local": 8}[request.param]


@pytest.fixture(params=["local", RAY])
def parallel(request: pytest.FixtureRequest) -> Where:
    return (request.getfixturevalue("shared_ray"), 50) if request.param == "ray" else ("local", 8)


@pytest.fixture
def _no_waiting() -> Iterator[None]:
    stamina.set_testing(True, attempts=4)
    yield
    stamina.set_testing(False)


FINE = {("ok", None)}
WELL = {
    *FINE,
    ("unchanged", None),
}  # where a worker died it may have written what is then done again


# --- the same as the sequential run ---


def test_every_misfortune_ends_as_in_the_sequential_run_and_costs_no_neighbour(
    parallel: Where, tmp_path: Path
) -> None:
    reference = run(chaos(tmp_path, odd=ODD), tmp_path)
    outcome = run(chaos(tmp_path, odd=ODD), tmp_path, *parallel)
    assert reference.named(*ODD) == ENDS
    assert reference.others(*ODD) == FINE
    assert outcome.ends == reference.ends
    assert outcome.entities == reference.entities
    assert outcome.report.exit_code == reference.report.exit_code == 3
    errors = {(each.kind, each.count) for each in reference.report.errors}
    assert {(each.kind, each.count) for each in outcome.report.errors} == errors


def test_a_clean_source_arrives_whole_and_succeeds(where: Where, tmp_path: Path) -> None:
    outcome = run(chaos(tmp_path, shuffle=True, entities=30), tmp_path, *where)
    assert outcome.report.exit_code == 0
    assert set(outcome.ends.values()) == {("ok", None)}
    assert outcome.entities.keys() == outcome.ends.keys()
    assert outcome.report.entities["table"] == {
        "emitted": 60,
        "acknowledged": 60,
        "refused": 0,
        "unchanged": 0,
    }


def test_a_second_run_writes_nothing_new(tmp_path: Path) -> None:
    stage = chaos(tmp_path)
    first, second = run(stage, tmp_path), run(stage, tmp_path, parallelism=4)
    assert set(second.ends.values()) == {("unchanged", None)}
    assert second.entities == first.entities


def test_a_listing_that_breaks_off_is_run_again(where: Where, tmp_path: Path) -> None:
    outcome = run(chaos(tmp_path, listing_error_at=9, shuffle=True), tmp_path, *where)
    assert outcome.report.not_listed == []
    assert outcome.report.exit_code == 0
    assert len(outcome.tables) == 14


# --- faults that only separate processes survive ---


@pytest.mark.ray
def test_an_entity_that_kills_every_worker_it_meets_is_quarantined_alone(
    shared_ray: str, tmp_path: Path
) -> None:
    odd = ("poison-1", "once-1")
    outcome = run(chaos(tmp_path, odd=odd), tmp_path, shared_ray, 50)
    assert outcome.named("poison-1") == {"poison-1": ("quarantined", "WorkerDied")}
    assert outcome.others("poison-1") <= WELL
    assert outcome.report.exit_code == 3


@pytest.mark.ray
def test_a_worker_killed_from_outside_costs_nothing(shared_ray: str, tmp_path: Path) -> None:
    stage = chaos(tmp_path, entities=60, seconds=0.05)
    killed: list[int] = []
    killer = threading.Thread(target=kill_a_worker, args=(killed,))
    killer.start()
    outcome = run(stage, tmp_path, shared_ray, 8)
    killer.join()
    assert killed
    assert set(outcome.ends.values()) <= WELL
    assert outcome.report.exit_code == 0


def kill_a_worker(killed: list[int]) -> None:
    """SIGKILL one Ray worker of ours, as soon as there is one."""
    import psutil

    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        for process in psutil.process_iter(["name", "cmdline"]):
            line = " ".join(process.info["cmdline"] or [])
            if "RayWorker" in line and ours(process) and "IDLE" not in line:
                time.sleep(0.3)  # it works by now
                os.kill(process.pid, signal.SIGKILL)
                killed.append(process.pid)
                return
        time.sleep(0.05)


def ours(process: Any) -> bool:
    """Whether a process descends from this one (the cluster is our child)."""
    return any(parent.pid == os.getpid() for parent in process.parents())


@pytest.mark.parametrize("engine", ["local", RAY])
def test_an_entity_that_never_returns_fails_alone(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    where = (request.getfixturevalue("shared_ray"), 8) if engine == "ray" else ("local", 8)
    outcome = run(chaos(tmp_path, odd=("hang-1",), call_timeout=1.0), tmp_path, *where)
    assert outcome.named("hang-1") == {"hang-1": ("failed", "TimedOut")}
    assert outcome.others("hang-1") == FINE
    assert outcome.report.exit_code == 3


def test_locally_too_many_calls_that_never_return_stall_the_run(tmp_path: Path) -> None:
    odd = tuple(f"hang-{at}" for at in range(4))
    outcome = run(chaos(tmp_path, odd=odd, call_timeout=0.4), tmp_path, "local", 4)
    assert outcome.report.state == "stalled"
    assert outcome.report.exit_code == 5


POSITIONS = [0, 2, 5, *(pytest.param(at, marks=pytest.mark.slow) for at in (1, 3, 4))]


@pytest.mark.ray
@pytest.mark.parametrize("position", POSITIONS)
def test_discovery_killed_at_any_item_loses_nothing(
    shared_ray: str, tmp_path: Path, position: int
) -> None:
    """One schema of three tables: schema, tables, the end of the schema, the end of the database."""
    stage = chaos(tmp_path, scopes=1, entities=3, shuffle=True, kill_listing_at=position)
    outcome = run(stage, tmp_path, shared_ray, 2)
    assert outcome.tables == {f"s0.e-{at}": ("ok", None) for at in range(3)}
    assert outcome.report.not_listed == []
    assert outcome.report.exit_code == 0
    assert (Path(stage.connection.notes) / "listing").exists(), "it was killed"


# --- Ray that is not there, or not as it should be ---


def test_without_the_ray_wheel_the_message_names_the_extra(tmp_path: Path) -> None:
    program = """
import sys
sys.modules["ray"] = None  # as if it were not installed
from pathlib import Path
from rayingest.execute.start import Options, drive
from rayingest.sinks.memory import Memory
from rayingest.testing.chaos import ChaosStage
from rayingest.errors import MissingDriver
stage = ChaosStage(Memory())
assert drive(stage, Options(), None).run().exit_code == 0, "the local engine needs no Ray"
try:
    drive(stage, Options(engine="ray"), None)
except MissingDriver as error:
    print(error, error.hint)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert "'ray', which is not installed" in done.stdout, done.stderr
    assert "pip install 'rayingest[ray]'" in done.stdout


@pytest.mark.parametrize(
    ("address", "environment", "part"),
    [
        ("ray://head:10001", None, "Ray Client addresses"),
        ("auto", None, "RAY_ADDRESS is not set"),
        ("auto", "", "RAY_ADDRESS is not set"),
        ("auto", "ray://head:10001", "Ray Client addresses"),
    ],
)
def test_addresses_that_cannot_work_are_refused(
    address: str, environment: str | None, part: str
) -> None:
    from rayingest.execute.ray_session import resolve_address

    with pytest.raises(ConfigError, match=part) as caught:
        resolve_address(address, environment)
    assert caught.value.hint


def test_auto_is_the_address_in_the_environment() -> None:
    from rayingest.execute.ray_session import resolve_address

    assert resolve_address("auto", "head:6379") == "head:6379"
    assert resolve_address("local", "head:6379") == "local"


@pytest.mark.parametrize("what", ["python", "ray", "rayingest"])
def test_a_worker_of_another_version_is_refused(what: str) -> None:
    from rayingest.execute.ray_actor import handshake
    from rayingest.execute.ray_driver import agree

    agree(handshake() | {"node": "n"})
    with pytest.raises(ConfigError, match=rf"A Ray worker has {what} 0\.1, the driver has"):
        agree(handshake() | {what: "0.1"})


def test_a_worker_that_cannot_open_says_why() -> None:
    from rayingest.execute.ray_driver import agree

    with pytest.raises(ConfigError, match="postgres needs the package") as caught:
        agree({"error": "postgres needs the package 'psycopg'", "hint": "pip install it"})
    assert caught.value.hint == "pip install it"


class NobodyComes(LocalEngine):
    """An engine whose workers never get ready."""

    def start(self) -> None:
        """Start nothing."""


def test_no_worker_in_time_is_a_clear_exit(tmp_path: Path) -> None:
    driver = drive(chaos(tmp_path), Options(bounds=Bounds(no_worker=0.3)), None)
    driver.engine = NobodyComes(driver.engine.task)
    report = driver.run()
    assert report.exit_code == 1
    assert "No worker became ready in 0 s." in report.verdict
    assert "ray status" in report.verdict


# --- the sink, in the worker and in the driver ---


def catalogue_sink(catalogue: StrictCatalogue, **changes: Any) -> OpenMetadata:
    server = Server(
        host_port=catalogue.url, login=Login(kind="token", token=SecretStr("canary-4711"))
    )
    return OpenMetadata(server=server, max_rows=5, concurrency=2, **changes)


@pytest.fixture
def catalogue() -> Iterator[StrictCatalogue]:
    with StrictCatalogue(token="canary-4711", validate="off") as running:  # noqa: S106
        yield running


EVERYTHING = {f"s{schema}.e-{at}" for schema in range(2) for at in range(7)}


def arrived(catalogue: StrictCatalogue) -> set[str]:
    return {".".join(name.split(".")[-2:]) for name in catalogue.entities("tables")}


@pytest.mark.parametrize("placement", list(Placement))
def test_a_sink_in_either_place_gets_the_same(
    placement: Placement, where: Where, tmp_path: Path, catalogue: StrictCatalogue
) -> None:
    sink = catalogue_sink(catalogue, placement=placement)
    catalogue.faults = Faults(refuse=r"^e-3$")
    outcome = run(chaos(tmp_path, sink, odd=("bad-1",)), tmp_path, *where)
    failed = {name for name, (status, _) in outcome.tables.items() if status == "failed"}
    assert failed == {"s0.e-3", "s1.e-3", "s0.bad-1"}
    assert arrived(catalogue) == EVERYTHING - {"s0.e-3", "s1.e-3"}
    assert outcome.report.entities["table"]["refused"] == 2
    assert outcome.report.exit_code == 3


@pytest.mark.usefixtures("_no_waiting")
@pytest.mark.parametrize("placement", list(Placement))
@pytest.mark.parametrize(
    "faults",
    [
        pytest.param(Faults(fail_rate={503: 0.1}), id="a tenth busy"),
        pytest.param(Faults(torn_rate=0.2), id="torn answers"),
        pytest.param(Faults(down_next=8), id="down for a while"),
        pytest.param(Faults(status_for_next=((429, 9), (503, 9))), id="throttled, then busy"),
    ],
)
def test_a_troubled_sink_loses_nothing(
    faults: Faults, placement: Placement, tmp_path: Path, catalogue: StrictCatalogue
) -> None:
    catalogue.faults = faults
    outcome = run(
        chaos(tmp_path, catalogue_sink(catalogue, placement=placement)), tmp_path, "local", 8
    )
    assert {status for status, _ in outcome.ends.values()} <= {"ok", "unchanged"}
    assert arrived(catalogue) == EVERYTHING
    assert outcome.report.exit_code == 0


@pytest.mark.usefixtures("_no_waiting")
@pytest.mark.parametrize("placement", list(Placement))
def test_credentials_that_expire_in_mid_run_are_waited_for(
    placement: Placement, tmp_path: Path, catalogue: StrictCatalogue
) -> None:
    sink = catalogue_sink(catalogue, placement=placement)
    stage = chaos(tmp_path, sink, entities=20, seconds=0.02)

    def expire_and_renew() -> None:
        wait_for(lambda: len(catalogue.entities("tables")) > 5)
        catalogue.expire_token()
        time.sleep(0.5)
        catalogue.set_token("canary-4711")

    clerk = threading.Thread(target=expire_and_renew)
    clerk.start()
    outcome = run(stage, tmp_path, "local", 2)
    clerk.join()
    assert {status for status, _ in outcome.ends.values()} <= {"ok", "unchanged"}
    assert len(catalogue.entities("tables")) == 40
    assert outcome.report.exit_code == 0


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)


@pytest.mark.usefixtures("_no_waiting")
@pytest.mark.parametrize("placement", list(Placement))
def test_a_sink_that_stays_down_ends_the_run_in_time_and_blames_no_entity(
    placement: Placement, tmp_path: Path, catalogue: StrictCatalogue
) -> None:
    catalogue.faults = Faults(down_until=time.time() + 600)
    stage = chaos(tmp_path, catalogue_sink(catalogue, placement=placement))
    started = time.monotonic()
    outcome = run(stage, tmp_path, "local", 8, bounds=Bounds(sink_outage=1.0))
    assert time.monotonic() - started < 15
    assert outcome.report.exit_code == 1
    assert outcome.report.state == "failed"
    assert not any(status == "failed" for status, _ in outcome.ends.values())
    assert "0 of" in outcome.report.verdict


@pytest.mark.ray
def test_on_ray_a_sink_that_comes_back_gets_everything(
    shared_ray: str, tmp_path: Path, catalogue: StrictCatalogue
) -> None:
    catalogue.faults = Faults(down_until=time.time() + 8)
    outcome = run(chaos(tmp_path, catalogue_sink(catalogue)), tmp_path, shared_ray, 50)
    assert {status for status, _ in outcome.ends.values()} <= {"ok", "unchanged"}
    assert arrived(catalogue) == EVERYTHING
    assert outcome.report.exit_code == 0


@pytest.mark.ray
def test_workers_that_cannot_start_say_why(
    shared_ray: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A module that only the driver has: what the nodes lack is named."""
    (tmp_path / "only_here.py").write_text(
        "from rayingest.testing.chaos import ChaosStage\nclass Stage(ChaosStage): pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    stage = chaos(tmp_path)
    here = importlib.import_module("only_here").Stage(stage.sink, stage.connection)
    outcome = run(here, tmp_path, shared_ray, 4)
    assert outcome.report.exit_code == 2
    (error,) = (each for each in outcome.report.errors if each.kind == "ConfigError")
    assert error.message == (
        "Workers on Ray cannot start: ModuleNotFoundError: No module named 'only_here'"
    )
    assert error.hint
    assert "installed on every node" in error.hint


@pytest.mark.ray
@pytest.mark.timeout(60)
def test_a_cluster_that_is_not_there_is_said_at_once(tmp_path: Path) -> None:
    """Ray itself would try for minutes."""
    with socket.create_server(("127.0.0.1", 0)) as gone:
        address = f"127.0.0.1:{gone.getsockname()[1]}"
    outcome = run(chaos(tmp_path), tmp_path, address, 4)
    assert outcome.report.exit_code == 2
    (error,) = (each for each in outcome.report.errors if each.kind == "ConfigError")
    assert error.message.startswith(f"Ray could not be reached at {address}: ")
    assert "refused" in error.message
    assert "RAY_AUTH_TOKEN" in (error.hint or "")


BESIDE = """
import sys, ray
from rayingest.execute.ray_session import connect
connect(ray, "local", dashboard=len(sys.argv) > 1)
session = ray._private.worker._global_node.get_session_dir_path()
print(ray.get(ray.remote(lambda: "alive").remote()))
from pathlib import Path
for each in Path("/proc").glob("[0-9]*/cmdline"):
    try:
        words = each.read_bytes().decode().split(chr(0))
    except OSError:
        continue
    if f"--session-dir={session}" in words and any(word.endswith("/dashboard.py") for word in words):
        print("dashboard")
ray.shutdown()
"""


@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="needs /proc")
@pytest.mark.parametrize(("wanted", "said"), [([], ["alive"]), (["it"], ["alive", "dashboard"])])
def test_a_ray_of_our_own_has_a_process_for_its_dashboard_when_it_is_wanted(
    wanted: list[str], said: list[str]
) -> None:
    """Ray would start one, and wait for it, all the same."""
    command = [sys.executable, "-c", BESIDE, *wanted]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=100)
    assert done.stdout.split() == said
