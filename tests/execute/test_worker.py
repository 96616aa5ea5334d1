"""A worker: whatever a source does, every descriptor of a chunk gets its own answer."""

import math
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

from rayingest.core.filters import Filters
from rayingest.core.sink import Placement, Row
from rayingest.core.source import Described, EntityDescriptor, Failed, Pending, Processed, Settings
from rayingest.errors import (
    Denied,
    Gone,
    Permanent,
    Retryable,
    SessionLost,
    SinkDown,
    Throttled,
    Unauthorised,
    Unreachable,
)
from rayingest.execute import watch
from rayingest.execute.delivery import Ticket
from rayingest.execute.events import Chunk, Event, KnownOf, Read, Settled, SinkState, Written
from rayingest.execute.reading import Reading
from rayingest.execute.running import Running
from rayingest.execute.worker import Worker
from rayingest.model import EntityType, Fact, Table
from rayingest.sinks.memory import Memory, MemorySession
from rayingest.testing.chaos import ChaosConnection
from rayingest.workflows.stage import Opened, WorkerTask

Asked = Callable[["Scripted", Sequence[EntityDescriptor]], Iterator[Processed]]


class Scripted:
    """A session whose answers a test writes as a generator; it counts its calls."""

    def __init__(self, play: Asked) -> None:
        self.play = play
        self.calls = 0
        self.asked: list[list[str]] = []

    def process_entities(self, descriptors: Sequence[EntityDescriptor]) -> Iterator[Processed]:
        self.calls += 1
        self.asked.append([each.id for each in descriptors])
        yield from self.play(self, descriptors)


class Breakable(Scripted):
    """A session that another thread can break off."""

    def __init__(self, play: Asked) -> None:
        super().__init__(play)
        self.broken = threading.Event()

    def cancel(self) -> None:
        self.broken.set()


@dataclass
class Connector:
    """Opens scripted sessions, and remembers them."""

    play: Asked
    kind: type[Scripted] = Scripted
    sessions: list[Scripted] = field(default_factory=list)
    closed: int = 0

    @contextmanager
    def open(self, settings: Settings, context: Any = None) -> Generator[Scripted]:
        self.sessions.append(self.kind(self.play))
        yield self.sessions[-1]
        self.closed += 1


class Told(MemorySession):
    """A sink that can be unable to spell."""

    def __init__(self, sink: "Sink") -> None:
        super().__init__(sink.store, dry_run=False)
        self._sink = sink

    def encode(self, entity: Any) -> Row:
        self._sink.before(entity)
        return super().encode(entity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sink(Memory):
    before: Callable[[Any], None] = lambda entity: None

    @contextmanager
    def open(self, *, dry_run: bool = False) -> Generator[Told]:
        yield Told(self)


@dataclass
class Stage:
    connector: Any
    sink: Memory
    name: str = "scripted"
    variables: tuple[str, ...] = ()

    def open(self, environ: Mapping[str, str]) -> Opened:
        settings = Settings("s", ChaosConnection(), None, Filters())
        return Opened(self.connector, settings, self.sink)


class Bench:
    """A worker on a bench: chunks in, events out."""

    def __init__(
        self, connector: Any, sink: Memory | None = None, call_timeout: float = 60.0
    ) -> None:
        self.connector = connector
        self.events: list[Event] = []
        self._more = threading.Condition()
        stage: Any = Stage(connector, sink or Memory(name=str(id(self))))
        self.sink = stage.sink
        self.worker = Worker(7, WorkerTask(stage, None, False, 4, 2, call_timeout), self.hear)

    def hear(self, event: Event) -> None:
        with self._more:
            self.events.append(event)
            self._more.notify_all()

    def wait(self, kind: type[Any], count: int = 1) -> list[Any]:
        def found() -> list[Any]:
            return [each for each in self.events if isinstance(each, kind)]

        with self._more:
            assert self._more.wait_for(lambda: len(found()) >= count, 20), self.events
            return found()

    def read(self, *names: str, dispatch: int = 1) -> Read:
        self.worker.submit(dispatch, Chunk("process", EntityType.TABLE, "b", items(*names)))
        return next(each for each in self.wait(Read, dispatch) if each.dispatch == dispatch)


def items(*names: str) -> list[EntityDescriptor]:
    return [EntityDescriptor(EntityType.TABLE, name, "s", "b") for name in names]


def described(item: EntityDescriptor, **more: Any) -> Described:
    table = Table(name=item.id, fqn=f"s.{item.id}", database_schema="s", columns=())
    return Described(item, (table,), **more)


@pytest.fixture
def bench() -> Iterator[Callable[..., Bench]]:
    made: list[Bench] = []

    def build(play: Asked, kind: type[Scripted] = Scripted, **more: Any) -> Bench:
        made.append(Bench(Connector(play, kind), **more))
        return made[-1]

    yield build
    for each in made:
        each.worker.close()


def outcome(read: Read) -> dict[str, tuple[str, str]]:
    ended = {each.id: (each.status, each.why.kind if each.why else "") for each in read.ended}
    return ended | {each.id: ("described", "") for each in read.rows}


NAMES = tuple("abcdefg")


def troubled(error: Exception, name: str) -> Asked:
    """Describes in order, and raises at one entity: always."""

    def play(source: Scripted, descriptors: Sequence[EntityDescriptor]) -> Iterator[Processed]:
        for each in descriptors:
            if each.id == name:
                raise error
            yield described(each)

    return play


# --- one bad entity ---


@pytest.mark.parametrize("position", range(len(NAMES)))
def test_a_fault_at_any_position_costs_its_own_entity_alone(bench: Any, position: int) -> None:
    read = bench(troubled(ValueError("broken"), NAMES[position])).read(*NAMES)
    expected = dict.fromkeys(NAMES, ("described", "")) | {NAMES[position]: ("failed", "ValueError")}
    assert outcome(read) == expected
    assert read.emitted == {"table": 6}


def test_an_unexpected_fault_says_where_it_happened(bench: Any) -> None:
    (result,) = bench(troubled(ValueError("broken"), "a")).read("a").ended
    assert "broken (at test_worker.py:" in result.why.message
    assert "fault of the connector" in result.why.hint


@pytest.mark.parametrize(
    ("error", "end"),
    [
        (Permanent("no"), ("failed", "Permanent")),
        (Denied("no"), ("failed", "Denied")),
        (Gone("no"), ("skipped", "Gone")),
        (Retryable("no"), ("retry", "Retryable")),
        (Unreachable("no"), ("retry", "Unreachable")),
        (Throttled("no", 3.0), ("retry", "Throttled")),
    ],
)
def test_a_failure_that_is_answered_is_that_entitys_end(bench: Any, error: Any, end: Any) -> None:
    def play(source: Scripted, descriptors: Sequence[EntityDescriptor]) -> Iterator[Processed]:
        for each in descriptors:
            yield Failed(each, error) if each.id == "b" else described(each)

    bench = bench(play)
    read = bench.read("a", "b", "c")
    assert outcome(read) == {"a": ("described", ""), "b": end, "c": ("described", "")}
    assert len(bench.connector.sessions[0].asked) == 1


def test_what_gets_no_answer_failed(bench: Any) -> None:
    def play(source: Scripted, descriptors: Sequence[EntityDescriptor]) -> Iterator[Processed]:
        yield from (described(each) for each in descriptors if each.id != "b")

    assert outcome(bench(play).read("a", "b", "c"))["b"] == ("failed", "NotAnswered")


def test_what_the_source_works_on_is_sent_back_as_it_is_to_be_asked_for(bench: Any) -> None:
    def play(source: Scripted, descriptors: Sequence[EntityDescriptor]) -> Iterator[Processed]:
        first, second, third = descriptors
        job = {"batch": "job", "metadata": {"job": "1"}}
        yield Pending(first, msgspec.structs.replace(first, **job), 2.5)
        yield Pending(second, third, 2.5)
        yield described(third)

    read = bench(play).read("a", "b", "c")
    (later,) = read.pending
    assert (later.descriptor.id, later.descriptor.metadata, later.wait) == ("a", {"job": "1"}, 2.5)
    assert outcome(read) == {"b": ("failed", "Permanent"), "c": ("described", "")}


def test_a_second_answer_and_an_answer_to_nobodys_question_are_not_heard(bench: Any) -> None:
    def play(source: Scripted, descriptors: Sequence[EntityDescriptor]) -> Iterator[Processed]:
        for each in descriptors:
            yield described(each)
            yield Failed(each, Permanent("on second thoughts"))
            yield described(replace_id(each, "stranger"))

    read = bench(play).read("a")
    assert outcome(read) == {"a": ("described", "")}
    assert read.emitted == {"table": 1}


def replace_id(item: EntityDescriptor, name: str) -> EntityDescriptor:
    return EntityDescriptor(item.type, name, item.scope, item.batch)


# --- a source in trouble ---


def test_after_a_passing_trouble_the_rest_is_asked_once_more_on_the_same_session(
    bench: Any,
) -> None:
    def play(source: Scripted, descriptors: Sequence[EntityDescriptor]) -> Iterator[Processed]:
        yield described(descriptors[0])
        if len(source.asked) == 1:
            raise Retryable("busy")
        yield from map(described, descriptors[1:])

    bench = bench(play)
    assert set(outcome(bench.read("a", "b", "c")).values()) == {("described", "")}
    (session,) = bench.connector.sessions
    assert session.asked == [["a", "b", "c"], ["b", "c"]]


def test_a_lost_session_is_opened_anew(bench: Any) -> None:
    def play(source: Scripted, descriptors: Sequence[EntityDescriptor]) -> Iterator[Processed]:
        yield described(descriptors[0])
        if len(bench.connector.sessions) == 1:
            raise SessionLost("terminated")
        yield from map(described, descriptors[1:])

    bench = bench(play)
    assert set(outcome(bench.read("a", "b", "c")).values()) == {("described", "")}
    assert [each.asked for each in bench.connector.sessions] == [[["a", "b", "c"]], [["b", "c"]]]
    assert bench.connector.closed == 1


def test_trouble_that_stays_sends_the_rest_back_to_be_tried_later(bench: Any) -> None:
    read = bench(troubled(Retryable("busy"), "b")).read("a", "b", "c")
    assert outcome(read) == {
        "a": ("described", ""),
        "b": ("retry", "Retryable"),
        "c": ("retry", "Retryable"),
    }


def test_a_source_that_says_how_long_to_wait_is_not_asked_before(bench: Any) -> None:
    bench = bench(troubled(Throttled("slow down", 9.0), "a"))
    assert {each.why.wait for each in bench.read("a", "b").ended} == {9.0}
    assert len(bench.connector.sessions[0].asked) == 1


def test_wrong_credentials_are_not_tried_once_per_entity(bench: Any) -> None:
    bench = bench(troubled(Unauthorised("wrong password"), "a"))
    assert set(outcome(bench.read(*NAMES)).values()) == {("failed", "Unauthorised")}
    assert len(bench.connector.sessions[0].asked) == 1


def test_a_source_that_cannot_be_opened_sends_everything_back(bench: Any) -> None:
    @contextmanager
    def refuse(settings: Settings, context: Any = None) -> Generator[Scripted]:
        raise Unreachable("nobody answers")
        yield

    bench = bench(troubled(ValueError(), "-"))
    bench.connector.open = refuse
    assert set(outcome(bench.read("a", "b")).values()) == {("retry", "Unreachable")}


# --- sessions ---


def test_one_slot_needs_one_session_for_all_its_chunks(bench: Any) -> None:
    bench = bench(troubled(ValueError(), "-"))
    for number in range(1, 200):
        bench.read("a", dispatch=number)
    assert len(bench.connector.sessions) == 1


def test_sessions_are_closed_with_the_worker(bench: Any) -> None:
    bench = bench(troubled(ValueError(), "-"))
    bench.read("a")
    bench.worker.close()
    deadline = time.monotonic() + 5
    while not bench.connector.closed and time.monotonic() < deadline:
        time.sleep(0.01)
    assert bench.connector.closed == 1


# --- calls that never return ---


def test_a_call_that_never_returns_is_abandoned_and_its_late_answers_are_not_written(
    bench: Any,
) -> None:
    gate = threading.Event()

    def play(source: Scripted, descriptors: Sequence[EntityDescriptor]) -> Iterator[Processed]:
        yield described(descriptors[0])
        gate.wait(20)
        yield from map(described, descriptors[1:])

    sink = Memory(name="late", placement=Placement.WORKER)
    bench = bench(play, call_timeout=0.2, sink=sink)
    read = bench.read("a", "b", "c")
    assert read.abandoned
    assert outcome(read) == {"b": ("hung", ""), "c": ("hung", "")}
    (settled,) = bench.wait(Settled)
    assert [each.id for each in settled.results] == ["a"]
    gate.set()
    bench.read("d", dispatch=2)
    bench.wait(Settled, 2)
    assert sorted(sink.store.entities("table")) == ["s.a", "s.d"]
    assert len(bench.wait(Read)) == 2


def test_a_call_that_can_be_broken_off_is_and_its_thread_lives_on(bench: Any) -> None:
    def play(source: Any, descriptors: Sequence[EntityDescriptor]) -> Iterator[Processed]:
        yield described(descriptors[0])
        if descriptors[0].id != "d":
            source.broken.wait(20)
            raise Retryable("query cancelled")

    bench = bench(play, Breakable, call_timeout=0.2)
    read = bench.read("a", "b", "c")
    assert not read.abandoned
    assert outcome(read) == {"a": ("described", ""), "b": ("hung", ""), "c": ("hung", "")}
    assert outcome(bench.read("d", dispatch=2)) == {"d": ("described", "")}
    assert len(bench.connector.sessions) == 2, "what was broken off is not trusted again"


def test_a_call_that_ignores_being_broken_off_is_abandoned(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "GRACE", 0.1)

    def play(source: Any, descriptors: Sequence[EntityDescriptor]) -> Iterator[Processed]:
        source.broken.wait(20)
        time.sleep(3)
        yield from map(described, descriptors)

    read = bench(play, Breakable, call_timeout=0.2).read("a")
    assert read.abandoned
    assert outcome(read) == {"a": ("hung", "")}


def test_a_slow_entity_is_not_overdue_as_long_as_answers_come(bench: Any) -> None:
    def play(source: Scripted, descriptors: Sequence[EntityDescriptor]) -> Iterator[Processed]:
        for each in descriptors:
            time.sleep(0.2)
            yield described(each)

    read = bench(play, call_timeout=0.4).read(*"abcd")
    assert set(outcome(read).values()) == {("described", "")}


def test_waiting_for_the_sink_is_nobodys_time_out(bench: Any) -> None:
    gate = threading.Event()

    def down(entity: Any) -> None:
        if entity.name == "b" and not gate.is_set():
            gate.wait(1.0)
            raise SinkDown("who is this owner? 503")

    bench = bench(
        troubled(ValueError(), "-"), call_timeout=0.2, sink=Sink(name="slow", before=down)
    )
    bench.worker.submit(1, Chunk("process", EntityType.TABLE, "b", items("a", "b", "c")))
    (state,) = bench.wait(SinkState)
    assert state.why.kind == "SinkDown"
    gate.set()
    (read,) = bench.wait(Read)
    assert set(outcome(read).values()) == {("described", "")}
    assert bench.wait(SinkState, 2)[-1].why is None


def test_what_is_passed_over_waits_for_the_sink_alone() -> None:
    """No time of the source's passes while what it has not changed goes to a sink that is slow."""
    (item,) = items("a")
    known = KnownOf({}, {"a": [Written("table", "s.a", "hash", "unchanged")]})
    chunk = Chunk("process", EntityType.TABLE, "b", [item])
    chunk.known = known
    run = Running(1, chunk, holder=None, ticket=Ticket(1), left={"a": item}, since=1.0, started=1.0)
    times: list[float] = []

    class Slow:
        def add(self, *_: object, **__: object) -> None:
            times.append(run.since)

    delivery: Any = Slow()
    encoder: Any = None
    Reading(encoder, delivery).work(run)
    assert times == [math.inf]
    assert not run.left


# --- what is found on the way, and what a listing described ---


def test_children_are_reported_once(bench: Any) -> None:
    def play(source: Scripted, descriptors: Sequence[EntityDescriptor]) -> Iterator[Processed]:
        for each in descriptors:
            yield described(each, children=items(f"{each.id}1", f"{each.id}2"))
        raise Retryable("at the very end")

    assert [each.id for each in bench(play).read("a", "b").children] == ["a1", "a2", "b1", "b2"]


def test_what_a_listing_described_is_only_written(bench: Any) -> None:
    bench = bench(troubled(ValueError(), "-"))
    things = items("a", "b")
    chunk = Chunk("write", EntityType.TABLE, "b", things, [described(each) for each in things])
    bench.worker.submit(1, chunk)
    (read,) = bench.wait(Read)
    assert outcome(read) == {"a": ("described", ""), "b": ("described", "")}
    assert bench.connector.sessions == []


def test_one_that_cannot_be_spelled_costs_no_other(bench: Any) -> None:
    def choke(entity: Any) -> None:
        if entity.name == "b":
            raise TypeError("a surrogate")

    bench = bench(troubled(ValueError(), "-"), sink=Sink(name="choke", before=choke))
    things = items("a", "b", "c")
    chunk = Chunk("write", EntityType.TABLE, "b", things, [described(each) for each in things])
    bench.worker.submit(1, chunk)
    (read,) = bench.wait(Read)
    assert outcome(read)["b"] == ("failed", "TypeError")
    assert outcome(read)["c"] == ("described", "")
    again = bench.read("a", "b", "c", dispatch=2)
    assert outcome(again)["b"] == ("failed", "TypeError")
    assert outcome(again)["c"] == ("described", "")


def test_facts_are_counted_by_their_kind(bench: Any) -> None:
    fact = Fact(target_type=EntityType.TABLE, target_fqn="x", kind="usage", key="d", payload={})

    def play(source: Scripted, descriptors: Sequence[EntityDescriptor]) -> Iterator[Processed]:
        for each in descriptors:
            yield described(each, facts=(fact,))

    assert bench(play).read("a").emitted == {"table": 1, "usage": 1}


def test_what_is_running_can_be_seen(bench: Any) -> None:
    gate = threading.Event()

    def play(source: Scripted, descriptors: Sequence[EntityDescriptor]) -> Iterator[Processed]:
        gate.wait(10)
        yield from map(described, descriptors)

    bench = bench(play)
    bench.worker.submit(1, Chunk("process", EntityType.TABLE, "b", items("a")))
    deadline = time.monotonic() + 5
    while not (seen := bench.worker.running()) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert [name for name, _ in seen] == ["a"]
    assert any("gate.wait" in stack for stack in bench.worker.stacks().values())
    gate.set()
    bench.wait(Read)
