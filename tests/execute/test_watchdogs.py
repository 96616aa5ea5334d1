"""What watches a run: quiet, memory, the container's CPU limit."""

from pathlib import Path
from typing import Any

import pytest

from rayingest.core.limits import Limit
from rayingest.core.source import Batching, ScopeListed
from rayingest.execute import cgroup, ray_driver
from rayingest.execute import worker as worker_module
from rayingest.execute.bounding import Bounds
from rayingest.execute.events import Found, Listing, Read
from rayingest.execute.pools import Sizer
from rayingest.execute.ray_driver import RayEngine
from rayingest.execute.stalls import KEPT, Stalls
from rayingest.model import EntityType
from rayingest.state.run_directory import RunDirectory
from rayingest.testing.busy import Room

from .runs import busy, chaos, run

RAY = pytest.param("ray", marks=pytest.mark.ray)
TABLE = EntityType.TABLE


# --- quiet ---


class Quiet:
    """An engine that is asked what it does."""

    def slowest(self) -> list[tuple[str, float]]:
        return [("db.orders", 61.4), ("db.items", 3.0)]

    def stacks(self) -> dict[str, str]:
        return {"worker 1": "In orders.py, line 3."}


SOMETHING = [Read(1, 1, [], [], 0.0, 0)]
NOTHING = [Found(Listing(TABLE, None), [])]


@pytest.fixture
def told() -> list[tuple[str, str]]:
    return []


@pytest.fixture
def stalls(told: list[tuple[str, str]]) -> Stalls:
    return Stalls(Quiet(), None, lambda level, text: told.append((level, text)), patience=60)  # type: ignore[arg-type]


def test_a_minute_in_which_nothing_happens_is_told_once(
    stalls: Stalls, told: list[tuple[str, str]]
) -> None:
    for now in range(100, 200):
        stalls.look(now, in_flight=2, waits=None)
    assert [(each.in_flight, each.seconds) for each in stalls.found] == [(2, 99)]
    ((level, text),) = told
    assert level == "warning"
    assert "Nothing has happened for 60 s, with 2 in flight" in text
    assert "db.orders for 61 s" in text
    stalls.heard(SOMETHING, 200)
    assert told[-1] == ("info", "It goes on, after 100 s.")
    assert stalls.found[0].seconds == 100


def test_whatever_happens_begins_the_minute_anew(stalls: Stalls) -> None:
    for now in range(100, 400):
        stalls.look(now, in_flight=1, waits=None)
        if now % 50 == 0:
            stalls.heard(SOMETHING, now)
    assert stalls.found == []


def test_a_block_without_items_is_nothing(stalls: Stalls) -> None:
    for now in range(100, 170):
        stalls.heard(NOTHING, now)
        stalls.look(now, in_flight=1, waits=None)
    assert len(stalls.found) == 1
    stalls.heard([Found(Listing(TABLE, None), [ScopeListed(TABLE, "a", 0)])], 170)
    stalls.look(171, in_flight=1, waits=None)
    assert len(stalls.found) == 1


@pytest.mark.parametrize(("in_flight", "waits"), [(0, None), (3, "the sink is down")])
def test_whoever_has_a_reason_to_be_quiet_is_left_alone(
    stalls: Stalls, in_flight: int, waits: str | None
) -> None:
    for now in range(100, 300):
        stalls.look(now, in_flight=in_flight, waits=waits)
    assert stalls.found == []
    for now in range(300, 359):
        stalls.look(now, in_flight=1, waits=None)
    assert stalls.found == [], "the minute begins when the reason is gone"


@pytest.mark.parametrize("engine", ["local", RAY])
def test_the_stacks_of_a_stall_are_kept(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    where = (request.getfixturevalue("shared_ray"), 4) if engine == "ray" else ("local", 4)
    stage = chaos(tmp_path, odd=("hang-1",), call_timeout=3.0)
    bounds = Bounds(success_threshold=0.0, stall=1.0)
    outcome = run(stage, tmp_path, *where, bounds=bounds)
    assert outcome.named("hang-1") == {"hang-1": ("failed", "TimedOut")}
    stalls = outcome.report.stalls  # the first may be a wait for workers to start
    assert all(each.seconds >= 1 for each in stalls)
    stacks = "".join(Path(each.file).read_text() for each in stalls)
    assert "hang-1" in stacks
    assert "chaos.py" in stacks
    assert "_disaster" in stacks


def test_who_waits_for_a_limit_is_not_stalled(tmp_path: Path) -> None:
    with busy(Room()) as url:
        stage = chaos(tmp_path, scopes=1, entities=4, url=url)
        outcome = run(
            stage,
            tmp_path,
            parallelism=2,
            limits=(Limit(name="api", rate=0.8, burst=1),),
            bounds=Bounds(stall=0.7),
        )
    assert outcome.report.exit_code == 0
    assert outcome.report.seconds.limits > 2
    assert outcome.report.stalls == []


def test_only_the_first_stalls_are_kept(tmp_path: Path) -> None:
    directory = RunDirectory(str(tmp_path), "shop", "run-1")
    directory.claim()
    stalls = Stalls(Quiet(), directory, lambda *_: None, patience=1)  # type: ignore[arg-type]
    for now in range(1, 100):
        stalls.look(now, in_flight=1, waits=None)
        if now % 3 == 0:
            stalls.heard(SOMETHING, now)
    directory.release("finished")
    assert len(stalls.found) > KEPT
    files = [each.file for each in stalls.found]
    assert files[KEPT:] == [""] * (len(files) - KEPT)
    assert len(set(files[:KEPT])) == KEPT
    for file in files[:KEPT]:
        assert Path(file).read_text() == "--- worker 1\nIn orders.py, line 3."


# --- memory ---


def test_chunks_that_are_too_big_are_halved_for_good() -> None:
    sizer = Sizer(Batching(200, 500))
    sizer.shrink()
    assert sizer.size == 100
    for _ in range(5):
        sizer.measured(100, 0.01)
    assert sizer.size == 100
    for _ in range(10):
        sizer.shrink()
    assert sizer.cut(1000, 1) >= 1


def test_here_a_process_that_is_full_makes_its_chunks_smaller(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "memory_allowed", lambda _share: 1)
    shrunk: list[int] = []
    shrink = Sizer.shrink
    monkeypatch.setattr(Sizer, "shrink", lambda self: (shrink(self), shrunk.append(self.size)))
    outcome = run(chaos(tmp_path, entities=40), tmp_path, "local", 2)
    assert outcome.report.exit_code == 0
    assert outcome.report.crammed == 1
    assert len(shrunk) == 1, "once: a process that is small itself must not end with chunks of one"


@pytest.mark.ray
def test_a_worker_that_is_full_finishes_and_is_replaced(
    shared_ray: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = cgroup.memory_limit()
    assert limit is not None
    # Of that a worker has a half, and is full at 0.8: room for 500 MB.
    monkeypatch.setattr(ray_driver, "MEMORY", 2 * 500e6 / 0.8 / limit)
    replaced: list[int] = []
    replace = RayEngine.replace
    monkeypatch.setattr(
        RayEngine, "replace", lambda self, worker: (replaced.append(worker), replace(self, worker))
    )
    odd = ("fat-1", "fat-2", "fat-3")
    outcome = run(chaos(tmp_path, odd=odd, fat_bytes=450_000_000), tmp_path, shared_ray, 2)
    assert {status for status, _ in outcome.ends.values()} == {"ok"}
    assert outcome.report.crammed >= 1
    assert len(replaced) >= outcome.report.crammed
    assert outcome.report.exit_code == 0


# --- what the container gives ---


def tree(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


V2 = {"proc/self/cgroup": "0::/pods/a\n"}
V1 = {"proc/self/cgroup": "9:cpu,cpuacct:/pods/a\n4:memory:/pods/a\n0::/\n"}
LIMITS: list[Any] = [
    pytest.param({}, None, id="nothing"),
    pytest.param(V2 | {"sys/fs/cgroup/pods/a/memory.max": "1000\n"}, 1000, id="v2"),
    pytest.param(
        V2
        | {"sys/fs/cgroup/pods/a/memory.max": "max\n", "sys/fs/cgroup/pods/memory.max": "2000\n"},
        2000,
        id="v2, the one above",
    ),
    pytest.param(V2 | {"sys/fs/cgroup/memory.max": "3000\n"}, 3000, id="v2, in a container"),
    pytest.param(
        V1 | {"sys/fs/cgroup/memory/pods/a/memory.limit_in_bytes": "4000\n"}, 4000, id="v1"
    ),
    pytest.param(
        V1 | {"sys/fs/cgroup/memory/pods/a/memory.limit_in_bytes": "9223372036854771712\n"},
        None,
        id="v1, none",
    ),
    pytest.param(V2 | {"sys/fs/cgroup/pods/a/memory.max": "nonsense\n"}, None, id="nonsense"),
]


@pytest.mark.parametrize(("files", "expected"), LIMITS)
def test_the_limit_of_memory(tmp_path: Path, files: dict[str, str], expected: int | None) -> None:
    machine = cgroup.memory_limit(tmp_path / "empty")
    assert cgroup.memory_limit(tree(tmp_path, files)) == (expected or machine)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, 0.0),
        (V2 | {"sys/fs/cgroup/pods/a/cpu.stat": "nr_periods 3\nthrottled_usec 2500000\n"}, 2.5),
        (V1 | {"sys/fs/cgroup/cpu,cpuacct/pods/a/cpu.stat": "throttled_time 1500000000\n"}, 1.5),
        (V2 | {"sys/fs/cgroup/pods/a/cpu.stat": "nonsense here too\n"}, 0.0),
    ],
)
def test_how_long_the_cpu_was_held_back(
    tmp_path: Path, files: dict[str, str], expected: float
) -> None:
    assert cgroup.throttled(tree(tmp_path, files)) == expected


def test_this_process_holds_something() -> None:
    assert 10e6 < cgroup.resident() < 10e9


def test_a_run_says_how_long_it_was_held_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(1000))
    monkeypatch.setattr(cgroup, "throttled", lambda: float(next(clock)))
    assert run(chaos(tmp_path), tmp_path).report.throttled_seconds >= 1
