"""A run in one process that dies of an entity: going on finds out which, and the rest gets its end."""

import json
import os
import queue
import signal
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rayingest.core.limits import Limit
from rayingest.core.source import EntityDescriptor
from rayingest.errors import RayingestError
from rayingest.execute.child import Child
from rayingest.execute.events import Chunk, Event, WorkerLost, WorkerReady
from rayingest.execute.limits import Hub
from rayingest.execute.report import Report
from rayingest.execute.share import Share
from rayingest.model import EntityType
from rayingest.sinks.memory import Memory
from rayingest.state.flight import FOLDER, Flight
from rayingest.testing import StrictCatalogue
from rayingest.testing.busy import Room
from rayingest.testing.chaos import ChaosConnection, ChaosStage
from rayingest.workflows.stage import WorkerTask

from ..execute.runs import busy, chaos, run
from .campaign import SERVICE, Arena

KILLED, PARTLY = -signal.SIGKILL, 3
RUN = "night"


@pytest.fixture
def arena(catalogue: StrictCatalogue, tmp_path: Path) -> Callable[..., Arena]:
    def made(*odd: str, **more: Any) -> Arena:
        return Arena(catalogue, tmp_path, 1, odd=odd, **more)

    return made


def spawned(arena: Arena) -> int:
    """One attempt at the run, in a process of its own: its exit code."""
    process = arena.spawn(RUN)
    process.communicate(timeout=60)
    return process.returncode


def folder(arena: Arena) -> Path:
    return arena.folder / "chaos.yaml-state" / SERVICE / "runs" / RUN


def report(arena: Arena) -> Report:
    import msgspec

    return msgspec.json.decode((folder(arena) / "report.json").read_bytes(), type=Report)


def ended(arena: Arena) -> dict[str, tuple[str, str]]:
    """Status and message by an entity's name, out of all segments."""
    found = {}
    for path in sorted(folder(arena).glob("attempts/*/segment-*.jsonl")):
        for line in path.read_text().splitlines():
            match json.loads(line):
                case ["ended", "table", [name, status, why, *_]]:
                    found[name.rpartition(".")[2]] = status, (why or {}).get("message", "")
    return found


@pytest.mark.parametrize(
    ("odd", "how"),
    [("poison-0", "(SIGKILL)"), ("crash-0", "(SIGSEGV in string_at at __init__.py:")],
)
def test_who_kills_the_process_is_found_and_quarantined(
    arena: Callable[..., Arena], odd: str, how: str
) -> None:
    made = arena(odd)
    assert spawned(made) in (KILLED, -signal.SIGSEGV)
    assert list((folder(made) / FOLDER).iterdir())

    assert spawned(made) == PARTLY

    ends = ended(made)
    status, why = ends.pop(odd)
    assert status == "quarantined"
    assert why.startswith("the worker process died twice while it held only this entity")
    assert how in why
    assert {status for status, _ in ends.values()} == {"ok"}
    assert len(ends) == made.entities
    assert report(made).types["table"]["discovered"] == made.entities * made.scopes + 1
    assert not (folder(made) / FOLDER).exists()


def test_nobody_is_blamed_for_a_death_by_chance(arena: Callable[..., Arena]) -> None:
    made = arena("once-0")
    assert spawned(made) == KILLED

    assert spawned(made) == 0

    assert {status for status, _ in ended(made).values()} == {"ok"}


def test_what_is_asked_for_again_stays_apart(arena: Callable[..., Arena]) -> None:
    """A retry of a suspect must not bring it back among the others."""
    made = arena("flaky-0", "poison-0", "hang-0", execution={"callTimeoutSeconds": 1})
    assert spawned(made) == KILLED

    assert spawned(made) == PARTLY

    ends = ended(made)
    assert ends["poison-0"][0] == "quarantined"
    assert ends["hang-0"][0] == "failed"
    assert ends["flaky-0"][0] == "ok"


def test_a_run_that_ends_by_itself_leaves_no_notes(arena: Callable[..., Arena]) -> None:
    made = arena("bad-0")

    assert spawned(made) == PARTLY

    assert not (folder(made) / FOLDER).exists()


def test_notes_that_were_just_being_written_are_no_hindrance(tmp_path: Path) -> None:
    notes = tmp_path / FOLDER
    notes.mkdir()
    (notes / "1-1.json").write_text('[["table","svc.a.b.c"]]')
    (notes / "1-2.json").write_text('[["table","svc.a.')
    (notes / "3-1.json").write_text("")

    flight = Flight(tmp_path, 2)

    assert {name for _, name in flight.left()} == {"svc.a.b.c"}
    flight.over()  # attempt 3 has taken the run over: its notes stay
    assert [each.name for each in notes.iterdir()] == ["3-1.json"]


# --- the child process ---


class Held:
    """A child process and what it says."""

    def __init__(self, tmp_path: Path) -> None:
        self.events: queue.SimpleQueue[Event | RayingestError] = queue.SimpleQueue()
        stage = ChaosStage(Memory(name="apart"), ChaosConnection(notes=str(tmp_path)))
        task = WorkerTask(stage, call_timeout=1)
        self.child = Child(2, task, self.events.put, self.events.put, {"source": Hub(())})

    def next(self) -> Event | RayingestError:
        return self.events.get(timeout=30)


@pytest.fixture
def held(tmp_path: Path) -> Any:
    made = []

    def hold() -> Held:
        made.append(Held(tmp_path))
        return made[-1]

    yield hold
    for each in made:
        each.child.close()


def test_a_child_that_shows_no_sign_of_life_is_ended(
    held: Callable[..., Held], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rayingest.execute.child.SILENT_SECONDS", 1.0)
    made = held()
    assert made.next() == WorkerReady(2, 1, apart=True)

    os.kill(made.child._process.pid, signal.SIGSTOP)

    assert made.next() == WorkerLost(2, blame=True, why="SIGKILL")


def test_a_child_that_cannot_start_says_why(
    held: Callable[..., Held], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    blank = tmp_path / "python"
    blank.write_text("#!/bin/sh\necho 'no module of that name' >&2; exit 7\n")
    blank.chmod(0o700)
    monkeypatch.setattr("sys.executable", str(blank))

    said = held().next()

    assert isinstance(said, RayingestError)
    assert str(said) == (
        "A process of its own could not be started: exit code 7: no module of that name"
    )


def test_what_a_dead_child_held_of_a_limit_is_free(tmp_path: Path) -> None:
    limit = Limit(name="api", max_concurrency=1)
    hub = Hub((limit,))
    events: queue.SimpleQueue[Any] = queue.SimpleQueue()
    room = Room(seconds=60)
    with busy(room) as url:
        stage = ChaosStage(
            Memory(name="apart"), ChaosConnection(notes=str(tmp_path), url=url, scopes=1)
        )
        task = WorkerTask(stage, limits=(limit,))
        child = Child(2, task, events.put, events.put, {"source": hub})
        try:
            assert events.get(timeout=30) == WorkerReady(2, 1, apart=True)
            item = EntityDescriptor(EntityType.TABLE, "c.s.e-0", "c.s", "chaos", {"name": "e-0"})
            child.submit(1, Chunk("process", EntityType.TABLE, "chaos", [item]))
            until(lambda: room.in_flight == 1)
            os.kill(child._process.pid, signal.SIGKILL)
            assert events.get(timeout=30) == WorkerLost(2, blame=True, why="SIGKILL")
        finally:
            child.close()
        mine = Share((limit,), hub, "mine")
        entered = threading.Event()

        def enter() -> None:
            with mine.call("api"):
                entered.set()

        threading.Thread(target=enter, daemon=True).start()
        assert entered.wait(10)
        mine.close()


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_child_ends_with_its_parent(held: Callable[..., Held]) -> None:
    made = held()
    made.next()

    with socket.fromfd(made.child._connection.fileno(), socket.AF_UNIX, socket.SOCK_STREAM) as ours:
        ours.shutdown(socket.SHUT_RDWR)

    assert made.child._process.wait(10) == 0


def test_a_child_keeps_to_the_limits_of_the_run(tmp_path: Path) -> None:
    """Its calls are counted and paced with those of the process that it works for."""
    suspects = [("table", f"chaos.chaos.s0.e-{at}") for at in range(20)]
    notes = tmp_path / "chaos" / "runs" / RUN / FOLDER
    notes.mkdir(parents=True)
    (notes / "1-1.json").write_text(json.dumps(suspects))
    limit = Limit(name="api", rate=40, burst=1)
    with busy(Room(rate=50, burst=5)) as url:
        stage = chaos(tmp_path, entities=30, url=url)
        found = run(stage, tmp_path, parallelism=4, name=RUN, resume=True, limits=(limit,))
    (told,) = found.report.limits
    assert (told.calls, told.refused) == (60, 0)
    assert {"chaos apart 2", "this process"} <= told.waited.keys()
