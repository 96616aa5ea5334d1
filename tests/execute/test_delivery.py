"""Rows on their way to the sink: in company, in order, and none is lost."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from rayingest.core.sink import ACKNOWLEDGED, UNCHANGED, Answer, Row
from rayingest.errors import SinkDown, SinkUnauthorised
from rayingest.execute import asking
from rayingest.execute.delivery import LINGER, Delivery
from rayingest.execute.events import Deferred, Settled, SinkState, Why, Written


class FakeSink:
    """Keeps what is written; `answer` decides about each row, `before` happens to each batch."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.bodies: dict[str, bytes] = {}
        self.answer: Callable[[Row], Answer] = lambda row: ACKNOWLEDGED
        self.before: Callable[[Sequence[Row]], Any] = lambda rows: None
        self.calls = 0

    def write(self, kind: str, rows: Sequence[Row]) -> Sequence[Answer]:
        assert {row.type for row in rows} == {kind}
        self.before(rows)
        self.batches.append([row.fqn for row in rows])
        self.bodies |= {row.fqn: row.body for row in rows}
        return [self.answer(row) for row in rows]


class Heard:
    """What a delivery said."""

    def __init__(self) -> None:
        self.events: list[Settled | SinkState] = []
        self._more = threading.Condition()

    def __call__(self, event: Settled | SinkState) -> None:
        with self._more:
            self.events.append(event)
            self._more.notify_all()

    @property
    def settled(self) -> list[Settled]:
        return [each for each in self.events if isinstance(each, Settled)]

    def wait(self, count: int = 1) -> list[Settled]:
        with self._more:
            assert self._more.wait_for(lambda: len(self.settled) >= count, 10), self.events
        return self.settled


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "PAUSES", (0.01, 0.05))


@pytest.fixture
def sink() -> FakeSink:
    return FakeSink()


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def make(sink: FakeSink, heard: Heard) -> Iterator[Callable[..., Delivery]]:
    made: list[Delivery] = []

    def build(**changes: Any) -> Delivery:
        settings = {"max_rows": 100, "max_bytes": 1_000_000, "writers": 2}
        made.append(Delivery(sink, emit=heard, **settings | changes))
        return made[-1]

    yield build
    for each in made:
        each.close()


def row(name: str, kind: str = "table", size: int = 2, **fields: Any) -> Row:
    return Row(kind, name, b"x" * size, "h", **fields)


def give(delivery: Delivery, *rows: Row, dispatch: int = 1) -> None:
    """One dispatch of one descriptor per row."""
    ticket = delivery.begin(dispatch)
    for each in rows:
        delivery.add(ticket, each.fqn, [each], [], None)
    delivery.end(ticket)


# --- when a batch goes ---


def test_a_batch_goes_when_it_is_full(make: Any, sink: FakeSink, heard: Heard) -> None:
    give(make(max_rows=10), *(row(f"t{at}") for at in range(25)))
    assert len(heard.wait()[0].results) == 25
    assert sorted(map(len, sink.batches)) == [5, 10, 10]


def test_a_batch_goes_before_it_gets_too_big(make: Any, sink: FakeSink, heard: Heard) -> None:
    give(make(max_bytes=100), *(row(f"t{at}", size=40) for at in range(5)), row("huge", size=500))
    heard.wait()
    assert sorted(map(len, sink.batches)) == [1, 1, 2, 2]


def test_a_row_waits_for_company_a_fifth_of_a_second_and_no_longer(
    make: Any, sink: FakeSink
) -> None:
    delivery = make()
    ticket = delivery.begin(1)  # the source goes on reading
    started = time.monotonic()
    delivery.add(ticket, "t", [row("t")], [], None)
    while not sink.batches:
        assert time.monotonic() - started < 5
        time.sleep(0.005)
    assert time.monotonic() - started >= LINGER


def test_nothing_lingers_once_all_is_read(make: Any, sink: FakeSink, heard: Heard) -> None:
    started = time.monotonic()
    give(make(), row("t"))
    heard.wait()
    assert time.monotonic() - started < LINGER


def test_a_descriptor_without_rows_is_settled_too(make: Any, heard: Heard) -> None:
    delivery = make()
    ticket = delivery.begin(1)
    delivery.add(ticket, "nothing", [], [], None)
    delivery.end(ticket)
    assert [each.status for each in heard.wait()[0].results] == ["ok"]


# --- order ---


def test_within_an_entity_the_order_is_kept(make: Any, sink: FakeSink, heard: Heard) -> None:
    delivery = make(writers=4)
    sink.before = lambda rows: time.sleep(0.02) if rows[0].type == "chart" else None
    ticket = delivery.begin(1)
    for at in range(5):
        rows = [row(f"c{at}", "chart"), row(f"d{at}", "dashboard"), row(f"l{at}", "lineage")]
        delivery.add(ticket, f"d{at}", rows, [], None)
    delivery.end(ticket)
    heard.wait()
    order = [name for batch in sink.batches for name in batch]
    for at in range(5):
        places = [order.index(f"{kind}{at}") for kind in "cdl"]
        assert places == sorted(places)


# --- a sink in trouble ---


@pytest.mark.parametrize("trouble", [SinkDown("503"), SinkUnauthorised("401")])
def test_a_sink_that_is_down_and_comes_back_gets_every_row_once(
    make: Any, sink: FakeSink, heard: Heard, trouble: Exception
) -> None:
    refusals = iter(range(7))

    def refuse(rows: Sequence[Row]) -> None:
        if next(refusals, None) is not None:
            raise trouble

    sink.before = refuse
    give(make(max_rows=5), *(row(f"t{at}") for at in range(20)))
    (settled,) = heard.wait()
    assert {each.status for each in settled.results} == {"ok"}
    assert sorted(name for batch in sink.batches for name in batch) == sorted(sink.bodies)
    states = [each.why for each in heard.events if isinstance(each, SinkState)]
    assert states[0]
    assert states[0].kind == type(trouble).__name__
    assert states[-1] is None


def test_a_refused_row_costs_itself_alone(make: Any, sink: FakeSink, heard: Heard) -> None:
    refusal = Answer("refused", "400: too wide", "make it narrower")
    sink.answer = lambda row: refusal if row.fqn == "t3" else ACKNOWLEDGED
    give(make(), *(row(f"t{at}") for at in range(9)))
    results = {each.id: each for each in heard.wait()[0].results}
    assert [name for name, each in results.items() if each.status != "ok"] == ["t3"]
    assert results["t3"].why == Why("Refused", "400: too wide", "make it narrower", None, "sink")
    assert results["t3"].written == [Written("table", "t3", "h", "refused")]


@pytest.mark.parametrize("position", [0, 4, 8])
def test_a_row_that_the_sink_chokes_on_costs_itself_alone(
    make: Any, sink: FakeSink, heard: Heard, position: int
) -> None:
    def choke(rows: Sequence[Row]) -> None:
        if any(each.fqn == f"t{position}" for each in rows):
            raise ValueError("a surrogate")

    sink.before = choke
    give(make(), *(row(f"t{at}") for at in range(9)))
    failed = [each for each in heard.wait()[0].results if each.status != "ok"]
    assert [(each.id, each.why.message) for each in failed] == [
        (f"t{position}", "ValueError: a surrogate")
    ]


def test_a_sink_that_miscounts_is_not_believed(make: Any, sink: FakeSink, heard: Heard) -> None:
    def write(kind: str, rows: Sequence[Row]) -> Sequence[Answer]:
        return [ACKNOWLEDGED] * (len(rows) if len(rows) == 1 else len(rows) - 1)

    sink.write = write  # type: ignore[method-assign]
    give(make(), *(row(f"t{at}") for at in range(4)))
    assert {each.status for each in heard.wait()[0].results} == {"ok"}


def test_all_rows_unchanged_is_an_unchanged_entity(make: Any, sink: FakeSink, heard: Heard) -> None:
    sink.answer = lambda row: UNCHANGED if row.fqn != "new" else ACKNOWLEDGED
    delivery = make()
    ticket = delivery.begin(1)
    delivery.add(ticket, "a", [row("a"), row("b")], [], None)
    delivery.add(ticket, "c", [row("c"), row("new")], [], None)
    delivery.end(ticket)
    assert [each.status for each in heard.wait()[0].results] == ["unchanged", "ok"]


def test_what_could_not_be_spelled_is_in_the_book_with_its_cause(make: Any, heard: Heard) -> None:
    delivery = make()
    ticket = delivery.begin(1)
    cause = Why("Refused", "a name of 300 characters", None, None, "sink")
    refused = [Written("table", "long", "", "refused")]
    delivery.add(ticket, "long", [row("also")], refused, cause)
    delivery.end(ticket)
    (result,) = heard.wait()[0].results
    assert (result.status, result.why) == ("failed", cause)
    assert [each.outcome for each in result.written] == ["refused", "acknowledged"]


# --- back pressure ---


def test_the_source_waits_for_a_slow_sink_and_memory_stays_bounded(
    make: Any, sink: FakeSink, heard: Heard
) -> None:
    gate = threading.Event()
    sink.before = lambda rows: gate.wait(10)
    delivery = make(writers=1, max_rows=100)
    added = []

    def read() -> None:
        ticket = delivery.begin(1)
        for at in range(5_000):
            delivery.add(ticket, f"t{at}", [row(f"t{at}")], [], None)
            added.append(at)
        delivery.end(ticket)

    source = threading.Thread(target=read, daemon=True)
    source.start()
    while not delivery.full:
        time.sleep(0.005)
    source.join(0.2)
    assert len(added) <= delivery._room + 1
    gate.set()
    assert len(heard.wait()[0].results) == 5_000


def test_the_drivers_own_thread_is_never_held_up(make: Any, sink: FakeSink, heard: Heard) -> None:
    gate = threading.Event()
    sink.before = lambda rows: gate.wait(10)
    delivery = make(writers=1, blocking=False)
    give(delivery, *(row(f"t{at}") for at in range(5_000)))
    assert delivery.full
    gate.set()
    assert len(heard.wait()[0].results) == 5_000
    assert not delivery.full


# --- the second wave ---


def test_rows_with_needs_go_in_part_first_and_whole_in_the_second_wave(
    make: Any, sink: FakeSink, heard: Heard
) -> None:
    delivery = make()
    with_key = row("a", size=9, partial=b"part", needs=("table:b",))
    give(delivery, with_key, row("b"))
    (first,) = heard.wait()
    assert sink.bodies["a"] == b"part"
    assert [each.id for each in first.results] == ["b"]
    (deferred,) = first.deferred
    assert (deferred.id, [each.body for each in deferred.rows]) == ("a", [with_key.body])
    delivery.write_deferred(2, [deferred])
    second = heard.wait(2)[1]
    assert sink.bodies["a"] == with_key.body
    assert [(each.id, each.status) for each in second.results] == [("a", "ok")]
    assert [each.outcome for each in second.results[0].written] == ["acknowledged"]


def test_a_row_that_has_no_part_waits_whole(make: Any, sink: FakeSink, heard: Heard) -> None:
    delivery = make()
    ticket = delivery.begin(1)
    delivery.add(ticket, "t", [row("t"), row("edge", "lineage", needs=("table:x",))], [], None)
    delivery.end(ticket)
    (first,) = heard.wait()
    assert sink.batches == [["t"]]
    assert first.deferred == [
        Deferred(
            "t",
            [row("edge", "lineage", needs=("table:x",))],
            [Written("table", "t", "h", "acknowledged")],
        )
    ]


def test_a_row_that_has_no_part_goes_at_once_when_all_it_needs_is_there(
    make: Any, sink: FakeSink, heard: Heard
) -> None:
    delivery = make()
    give(delivery, row("x"))
    heard.wait()
    ticket = delivery.begin(2)
    edge = row("edge", "lineage", needs=("table:x", "table:t"))
    delivery.add(ticket, "t", [row("t"), edge], [], None)
    delivery.end(ticket)
    second = heard.wait(2)[1]
    assert second.deferred == []
    assert sink.batches == [["x"], ["t"], ["edge"]], "after what it lies between"
    assert [each.outcome for each in second.results[0].written] == ["acknowledged"] * 2


def test_what_others_wrote_is_there_too(make: Any, sink: FakeSink, heard: Heard) -> None:
    delivery = make()
    delivery.remember(("table:x",))
    give(delivery, row("t", partial=b"part", needs=("table:x",)))
    (only,) = heard.wait()
    assert only.deferred == []
    assert sink.bodies == {"t": row("t").body}, "whole, at once"


def test_a_descriptor_whose_part_is_refused_waits_for_nothing(
    make: Any, sink: FakeSink, heard: Heard
) -> None:
    sink.answer = lambda row: Answer("refused", "400")
    delivery = make()
    ticket = delivery.begin(1)
    rows = [row("t", partial=b"p", needs=("table:x",)), row("edge", "lineage", needs=("table:x",))]
    delivery.add(ticket, "t", rows, [], None)
    delivery.end(ticket)
    (first,) = heard.wait()
    assert first.deferred == []
    assert [each.outcome for each in first.results[0].written] == ["refused", "refused"]


# --- stale ---


def test_a_cancelled_ticket_is_not_heard(make: Any, sink: FakeSink, heard: Heard) -> None:
    delivery = make()
    stale = delivery.begin(1)
    delivery.cancel(stale)
    delivery.add(stale, "late", [row("late")], [], None)
    delivery.end(stale)
    give(delivery, row("t"), dispatch=2)
    assert [each.dispatch for each in heard.wait()] == [2]
    assert sink.batches == [["t"]]


def test_closing_does_not_wait_for_a_sink_that_is_down(make: Any, sink: FakeSink) -> None:
    def down(rows: Sequence[Row]) -> None:
        raise SinkDown("503")

    sink.before = down
    delivery = make()
    give(delivery, row("t"))
    started = time.monotonic()
    delivery.close()
    assert time.monotonic() - started < 2
    assert not sink.batches
