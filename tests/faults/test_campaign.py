"""Faults, each with many seeds: nothing is lost, nothing wrongly deleted, nobody wrongly blamed."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import stamina

from rayingest.core import registry
from rayingest.errors import StateError
from rayingest.state.run_directory import RunDirectory
from rayingest.testing import Faults, StrictCatalogue

from ..cluster import PLUGINS, ray_cluster, ray_node
from .campaign import Arena, end, forget, wait_until

SEEDS = [*(1, 2, 3), *(pytest.param(at, marks=pytest.mark.slow) for at in range(4, 21))]
# Those that take a minute: one where all tests must be done in half an hour, more for the figures.
MOST = int(os.environ.get("RAYINGEST_LONG_SEEDS", "1"))
FEW = [*(pytest.param(at, marks=pytest.mark.slow) for at in range(1, 1 + MOST))]
CHUNK, SLOTS, BATCH = 5, 4, 10  # the most that is in flight anywhere: chunks, slots, rows of a call
LATE = SLOTS * BATCH  # rows of calls that the catalogue was still at when the driver died


@pytest.fixture(autouse=True)
def _chaos(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Configs may name `chaos`; calls to the sink are repeated without long pauses."""
    there = {**registry.locations(), "chaos": "rayingest.testing.chaos"}
    monkeypatch.setattr(registry, "locations", lambda: there)
    monkeypatch.syspath_prepend(str(PLUGINS))  # and child processes, too
    stamina.set_testing(True, attempts=8)
    yield
    stamina.set_testing(False)


@pytest.fixture(scope="module", autouse=True)
def _forgotten() -> Iterator[None]:
    yield
    forget()


@pytest.fixture
def arena(catalogue: StrictCatalogue, tmp_path: Path) -> Callable[..., Arena]:
    def made(seed: int, **more: Any) -> Arena:
        return Arena(catalogue, tmp_path, seed, **more)

    return made


def numbered(kind: str, count: int) -> tuple[str, ...]:
    return tuple(f"{kind}-{at}" for at in range(count))


# --- the sink ---


@pytest.mark.parametrize("seed", SEEDS)
def test_a_sink_that_refuses_and_tears(arena: Callable[..., Arena], seed: int) -> None:
    """10 % of the answers are 503, 5 % are torn after the write."""
    here = arena(seed, entities=60)
    here.catalogue.faults = Faults(fail_rate={503: 0.10}, torn_rate=0.05, seed=seed)
    run = here.run()
    injected = here.catalogue.stats["injected"]
    here.injected = sum(injected.values())
    here.catalogue.faults = Faults()
    assert run.report.exit_code == 0
    here.settle("sink: 10 % 503, 5 % torn", run, in_flight=injected.get("torn", 0) * BATCH)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_sink_that_is_away_for_a_while(arena: Callable[..., Arena], seed: int) -> None:
    down(arena(seed, connection={"seconds": 0.01}), seed, seconds=0.5)


@pytest.mark.slow
def test_a_sink_that_is_away_for_half_a_minute(arena: Callable[..., Arena]) -> None:
    down(arena(1, connection={"seconds": 0.01}), 1, seconds=30.0)


def down(here: Arena, seed: int, *, seconds: float) -> None:
    def away() -> None:
        here.injected += 1
        here.catalogue.faults = Faults(down_until=time.time() + seconds)

    with here.when(random.Random(seed).randrange(1, 40), away) as observe:
        run = here.run(observe=observe)
    assert run.report.exit_code == 0
    here.settle(f"sink down for {seconds:g} s", run, in_flight=SLOTS * BATCH * 2)


# --- the source ---


@pytest.mark.parametrize("seed", SEEDS)
def test_a_source_that_has_no_room_for_a_fifth(arena: Callable[..., Arena], seed: int) -> None:
    here = arena(seed, odd=numbered("busy", 20))
    run = here.run(seed=seed)
    here.injected = here.happened()
    assert here.injected == 20
    assert run.report.exit_code == 0
    here.settle("source: 20 % 429", run, in_flight=0)


@pytest.mark.parametrize("seed", SEEDS)
def test_sessions_cut_and_questions_that_break(arena: Callable[..., Arena], seed: int) -> None:
    here = arena(seed, odd=(*numbered("cut", 5), *numbered("flaky", 5), *numbered("bad", 5)))
    run = here.run(seed=seed)
    here.injected = here.happened() + len(run.failures)
    assert here.injected == 15
    assert run.report.exit_code == 3
    here.settle("source: sessions cut, entities that fail", run, in_flight=0, blamed=5)


@pytest.mark.ray
@pytest.mark.timeout(240)
@pytest.mark.parametrize("seed", FEW)
def test_poison_and_calls_that_never_return(
    arena: Callable[..., Arena], shared_ray: str, seed: int
) -> None:
    odd = [*numbered("poison", 5), *numbered("hang", 5)]
    random.Random(seed).shuffle(odd)
    here = arena(seed, odd=tuple(odd), execution={"callTimeoutSeconds": 0.7, "parallelism": 8})
    run = here.run(engine=shared_ray, seed=seed)
    here.injected = len(run.failures)  # a process cannot note that it never came back
    assert run.report.exit_code in (1, 3)  # a tenth has failed: on the threshold
    here.settle("5 poison, 5 hanging entities", run, in_flight=240, blamed=10)


# --- processes ---


@pytest.mark.ray
@pytest.mark.parametrize("seed", SEEDS)
def test_workers_killed_at_random(arena: Callable[..., Arena], shared_ray: str, seed: int) -> None:
    chance = random.Random(seed)
    here = arena(
        seed,
        odd=numbered("once", chance.randrange(2, 5)),
        connection={"shuffle": True},
        execution={"parallelism": 8},
    )
    run = here.run(engine=shared_ray, seed=seed)
    here.injected = here.happened()
    assert here.injected == len(here.odd)
    assert run.report.exit_code == 0
    here.settle("workers killed", run, in_flight=len(here.odd) * 8 * CHUNK * 2)


@pytest.mark.ray
@pytest.mark.parametrize("seed", SEEDS)
def test_discovery_killed(arena: Callable[..., Arena], shared_ray: str, seed: int) -> None:
    at = random.Random(seed).randrange(1, 85)
    here = arena(seed, connection={"shuffle": True, "kill_listing_at": at})
    run = here.run(engine=shared_ray, seed=seed)
    here.injected = here.happened()
    assert run.report.exit_code == 0
    assert run.report.not_listed == []
    here.settle("discovery killed", run, in_flight=0)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_driver_killed_and_resumed(arena: Callable[..., Arena], seed: int) -> None:
    chance = random.Random(seed)
    here = arena(seed, entities=40, connection={"seconds": 0.01})
    times, unknown = 1 + (seed % 3 == 0), 0
    for _ in range(times):
        goal = here.written() + chance.randrange(5, 40)
        process = here.spawn("night")
        wait_until(lambda goal=goal: here.written() >= goal, process)  # type: ignore[misc]
        process.kill()
        process.communicate()
        here.injected += 1
        unknown += here.take_stock("night")
    run = here.run(run_id="night")
    assert (run.report.exit_code, run.report.attempt) == (0, 1 + times)
    here.settle("driver killed, resumed", run, in_flight=unknown + LATE * times)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_driver_terminated_with_some_grace(arena: Callable[..., Arena], seed: int) -> None:
    grace = (0.0, 2.0, 10.0)[seed % 3]
    here = arena(seed, entities=40, connection={"seconds": 0.01})
    goal = random.Random(seed).randrange(5, 80)
    process = here.spawn("night")
    wait_until(lambda: here.written() >= goal, process)
    end(process, grace=grace)
    assert process.returncode in ((-signal.SIGKILL, 130) if grace == 0 else (130,))
    here.injected = 1
    unknown = here.take_stock("night")
    run = here.run(run_id="night")
    assert (run.report.exit_code, run.report.attempt) == (0, 2)
    most = unknown + LATE if grace == 0 else 0
    here.settle(f"SIGTERM with {grace:.0f} s of grace, resumed", run, in_flight=most)


# --- the machine ---


@pytest.mark.parametrize("seed", SEEDS)
def test_a_run_directory_that_cannot_be_written_half_way(
    arena: Callable[..., Arena], monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    from rayingest.state import run_directory

    here = arena(seed)
    monkeypatch.setattr(run_directory, "FLUSH_RECORDS", 10)
    put, left = RunDirectory.put_segment, random.Random(seed).randrange(1, 4)

    def failing(self: RunDirectory, kind: str, number: int, records: Any) -> str:
        nonlocal left
        left -= 1
        if left <= 0:
            here.injected += 1
            raise StateError("the run directory cannot be written: No space left on device")
        return put(self, kind, number, records)

    with monkeypatch.context() as patch:
        patch.setattr(RunDirectory, "put_segment", failing)
        broken = here.run(run_id="night", unfinished=True)
    assert broken.report.exit_code == 1
    unknown = here.take_stock("night")
    run = here.run(run_id="night")
    assert run.report.exit_code == 0
    here.settle("run directory unwritable, resumed", run, in_flight=unknown)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_clock_that_jumps(
    arena: Callable[..., Arena], monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    here = arena(seed, connection={"seconds": 0.01})
    clock, chance = time.time, random.Random(seed)
    offset = 0.0
    monkeypatch.setattr(time, "time", lambda: clock() + offset)

    def jump() -> None:
        nonlocal offset
        offset = chance.choice([-1, 1]) * chance.choice([120.0, 7200.0, 400 * 86400.0])
        here.injected += 1

    with here.when(chance.randrange(1, 40), jump) as observe:
        run = here.run(observe=observe)
    assert run.report.exit_code == 0
    here.settle("clock jumps", run, in_flight=0)


FILL = """
import sys, ray
ray.init(address=sys.argv[1], log_to_driver=False)
kept = [ray.put(bytes(9_000_000)) for _ in range(8)]
print("full", flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def full_store(shared_ray: str) -> Iterator[str]:
    """The shared Ray, with 72 of the 80 MB of its object store held by somebody else."""
    process = subprocess.Popen(
        [sys.executable, "-c", FILL, shared_ray],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdin
    assert process.stdout
    try:
        assert process.stdout.readline().strip() == "full"
        yield shared_ray
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait(30)


@pytest.mark.ray
@pytest.mark.parametrize("seed", SEEDS)
def test_a_full_object_store(arena: Callable[..., Arena], full_store: str, seed: int) -> None:
    here = arena(seed, entities=200)
    here.injected = 1
    run = here.run(engine=full_store, seed=seed)
    assert run.report.exit_code == 0
    here.settle("object store full", run, in_flight=0)


@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.timeout(240)
@pytest.mark.parametrize("how", ["lost", "preempted"][: 1 + (MOST > 4)])
@pytest.mark.parametrize("seed", FEW)
def test_a_node_that_goes_and_one_that_comes(
    arena: Callable[..., Arena], seed: int, how: str
) -> None:
    here = arena(
        seed,
        entities=150,
        connection={"seconds": 0.05},
        execution={"parallelism": 60},
    )
    with ExitStack() as stack:
        address = stack.enter_context(ray_cluster(cores=1))
        going = stack.enter_context(ExitStack())
        coming = stack.enter_context(ExitStack())
        going.enter_context(ray_node(address, 2))
        swapping = threading.Thread(
            target=lambda: (going.close(), coming.enter_context(ray_node(address, 2))), daemon=True
        )

        def leave() -> None:
            here.injected += 1
            if how == "preempted":
                preempt(address)
            swapping.start()

        with here.when(40 * seed, leave) as observe:
            run = here.run(engine=address, observe=observe)
        swapping.join(60)
    assert run.report.exit_code == 0
    assert not run.failures
    here.settle(f"node {how}, another added", run, in_flight=60 * CHUNK * 2)


def preempt(address: str) -> None:
    """Tell Ray that the node that is not the head will go away soon."""
    import ray

    (node,) = (
        each["NodeID"]
        for each in ray.nodes()
        if each["Alive"] and "node:__internal_head__" not in each["Resources"]
    )
    command = [str(Path(sys.executable).with_name("ray")), "drain-node", "--address", address]
    command += ["--node-id", node, "--reason", "DRAIN_NODE_REASON_PREEMPTION"]
    command += ["--reason-message", "spot", "--deadline-remaining-seconds", "5"]
    subprocess.run(command, capture_output=True, check=True, timeout=60)
