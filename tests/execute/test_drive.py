"""A whole run in this process, where the sink lives in the driver: second wave, books, what is kept."""

import json
import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from rayingest.core.sink import Answer, Placement, Row, identity
from rayingest.core.source import Described, EntityDescriptor, Listed, Part, ScopeListed
from rayingest.errors import ConfigError, Refused, SinkDown
from rayingest.execute.bounding import Bounds
from rayingest.execute.combine import Combiner
from rayingest.execute.events import Listing, PartOf, ScopeSettled
from rayingest.execute.local import LocalEngine
from rayingest.execute.start import Options, drive
from rayingest.model import Entity, EntityType, Fact
from rayingest.sinks.memory import Memory, MemorySession
from rayingest.state.run_directory import RunDirectory
from rayingest.testing.shapes import CLONE, SUM, Shape, ShapeStage, count_queries, table
from rayingest.workflows.stage import Opened

from .runs import Outcome, chaos, run

TABLE, CONTAINER = EntityType.TABLE, EntityType.CONTAINER


class Waiting(MemorySession):
    """Rows of facts wait for their targets; tables called `key-…` for the table in their description."""

    def encode(self, entity: Entity) -> Row:
        made = super().encode(entity)
        if entity.name.startswith("key-"):
            part = super().encode(replace_description(entity)).body
            needs = (identity("table", entity.description or ""),)
            return Row(made.type, made.fqn, made.body, made.hash, part, needs)
        return made

    def encode_fact(self, fact: Fact) -> Row:
        made = super().encode_fact(fact)
        needs = (identity(fact.target_type, fact.target_fqn),)
        return Row(made.type, made.fqn, made.body, made.hash, None, needs)

    def without(self, row: Row, missing: Sequence[str]) -> Row:
        if row.partial is None and row.type != "table":
            raise Refused("nothing is left of it")
        return Row(row.type, row.fqn, row.body, row.hash)


def replace_description(entity: Entity) -> Entity:
    import msgspec

    return msgspec.structs.replace(entity, description=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingSink(Memory):
    @contextmanager
    def open(self, *, dry_run: bool = False) -> Generator[Waiting]:
        yield Waiting(self.store, dry_run=dry_run)


def usage(target: str) -> Fact:
    return Fact(target_type=TABLE, target_fqn=target, kind="usage", key="monday", payload={})


def listing(*names: str) -> Any:
    def discover(entity_type: EntityType, scope: str | None) -> Iterator[Listed]:
        yield from (EntityDescriptor(TABLE, name, "s") for name in names)
        yield ScopeListed(TABLE, "s", len(names))

    return discover


PLACES = pytest.mark.parametrize("placement", list(Placement))


def through(shape: Shape, tmp_path: Path, placement: Placement) -> Outcome:
    sink = WaitingSink(name=uuid4().hex, placement=placement)
    return run(ShapeStage(shape, sink), tmp_path, "local", 4)


@PLACES
def test_facts_wait_for_their_targets_and_those_without_one_are_counted(
    placement: Placement, tmp_path: Path
) -> None:
    def details(item: EntityDescriptor, context: Any) -> Described:
        if item.id == "facts":
            return Described(item, (), facts=(usage("shape.db.s.a"), usage("other.db.s.x")))
        return Described(item, (table(item.id),))

    outcome = through(Shape(listing("facts", "a", "b"), details), tmp_path, placement)
    assert outcome.report.exit_code == 0, outcome.report.verdict
    assert outcome.report.unresolved == 1
    assert [name for kind, name in outcome.entities if kind == "usage"] == [
        "usage:table:shape.db.s.a:monday"
    ]
    assert outcome.report.entities["usage"] == {
        "emitted": 1, "acknowledged": 1, "refused": 0, "unchanged": 0,
    }  # fmt: skip


@PLACES
@pytest.mark.parametrize("held", [0, 1_000_000], ids=["from segments", "from memory"])
def test_references_are_dropped_only_where_the_target_is_nowhere(
    placement: Placement, held: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`key-1` refers to what was written beside it by a descriptor that itself is deferred."""
    monkeypatch.setattr("rayingest.execute.deferred.HELD_BYTES", held)

    def details(item: EntityDescriptor, context: Any) -> Described:
        made = table(item.id, description=f"shape.db.s.{item.metadata.get('to', item.id[4:])}")
        return Described(item, (table(f"of-{item.id}"), made))

    def discover(entity_type: EntityType, scope: str | None) -> Iterator[Listed]:
        for name, to in (("key-1", "of-key-2"), ("key-2", "key-1"), ("key-3", "nobody")):
            yield EntityDescriptor(TABLE, name, "s", metadata={"to": to})
        yield ScopeListed(TABLE, "s", 3)

    outcome = through(Shape(discover, details), tmp_path, placement)
    assert outcome.report.exit_code == 0, outcome.report.verdict
    assert outcome.report.unresolved == 1
    assert len(outcome.entities) == 6


def test_deferred_rows_are_durable_before_they_are_sent_again(tmp_path: Path) -> None:
    facts = (usage("shape.db.s.nobody"),)
    shape = Shape(listing("a"), lambda item, _: Described(item, (table("a"),), facts=facts))
    outcome = through(shape, tmp_path, Placement.WORKER)
    assert outcome.run.directory
    assert len(list(outcome.run.directory.segments("deferred"))) == 1


# --- the driver's own sink ---


class Sulking(MemorySession):
    """Down for its first writes."""

    left = 3

    def write(self, entity_type: str, rows: Sequence[Row]) -> Sequence[Answer]:
        if Sulking.left:
            Sulking.left -= 1
            raise SinkDown("busy")
        return super().write(entity_type, rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class SulkingSink(Memory):
    max_rows: int = 10

    @contextmanager
    def open(self, *, dry_run: bool = False) -> Generator[Sulking]:
        yield Sulking(self.store, dry_run=dry_run)


def test_a_drivers_sink_with_more_rows_than_room_is_waited_for(tmp_path: Path) -> None:
    Sulking.left = 3
    stage = chaos(tmp_path, SulkingSink(name=uuid4().hex), entities=2_500, scopes=2)
    outcome = run(stage, tmp_path, "local", 50)
    assert set(outcome.ends.values()) == {("ok", None)}
    assert len(outcome.tables) == 5_000


def test_a_drivers_sink_that_stays_down_ends_the_run_although_its_buffer_is_full(
    tmp_path: Path,
) -> None:
    Sulking.left = 10**9
    stage = chaos(tmp_path, SulkingSink(name=uuid4().hex), entities=5_000, scopes=2)
    outcome = run(stage, tmp_path, "local", 50, bounds=Bounds(sink_outage=1.0))
    assert outcome.report.exit_code == 1
    assert "busy" in outcome.report.verdict


# --- listings that fall silent ---


@dataclass(frozen=True)
class Hasty(ShapeStage):
    """Calls may take a third of a second."""

    def open(self, environ: Any) -> Opened:
        opened = super().open(environ)
        return replace(opened, settings=replace(opened.settings, call_timeout=0.3))


def silent(times: int) -> Any:
    """A listing that says nothing any more after its first table, so many times."""
    left = iter(range(times))

    def discover(entity_type: EntityType, scope: str | None) -> Iterator[Listed]:
        yield EntityDescriptor(TABLE, "a", "s")
        if next(left, None) is not None:
            threading.Event().wait(20)
        yield EntityDescriptor(TABLE, "b", "s")
        yield ScopeListed(TABLE, "s", 2)

    return discover


def describe(item: EntityDescriptor, context: Any) -> Described:
    return Described(item, (table(item.id),))


@pytest.mark.parametrize(("times", "code", "found"), [(1, 0, 2), (9, 1, 1)])
def test_a_listing_that_falls_silent_is_given_up_and_run_again(
    tmp_path: Path, times: int, code: int, found: int
) -> None:
    outcome = run(Hasty(Shape(silent(times), describe), Memory(name=uuid4().hex)), tmp_path)
    assert outcome.report.exit_code == code
    assert len(outcome.tables) == found
    assert [each.kind for each in outcome.report.errors] == (["TimedOut"] if code else [])


class Crowded(LocalEngine):
    """A place where a listing waits its turn for a second."""

    def start_listing(self, listing: Listing) -> None:
        threading.Timer(1.0, super().start_listing, (listing,)).start()


def test_a_listing_that_waits_for_a_place_to_run_is_not_silent(tmp_path: Path) -> None:
    driver = drive(Hasty(Shape(listing("a"), describe), Memory(name=uuid4().hex)), Options(), None)
    driver.engine = Crowded(driver.engine.task)
    said: list[str] = []
    driver._log = lambda level, text: said.append(text)
    assert driver.run().exit_code == 0
    assert said == []


# --- what is prepared, what is combined ---


def test_what_goes_wrong_in_preparing_is_said_in_a_sentence_of_the_report(tmp_path: Path) -> None:
    def clone(settings: Any, catalogue: Any) -> None:
        raise KeyError("manifest.json")

    stage = ShapeStage(replace(CLONE, prepare=clone), Memory(name=uuid4().hex))
    directory = RunDirectory(str(tmp_path), "shape", "unprepared")
    directory.claim()
    report = drive(stage, Options(), directory).run()
    assert (report.state, report.exit_code, report.resumable) == ("failed", 1, True)
    assert "shape could not be prepared: KeyError: 'manifest.json'" in report.verdict
    assert json.loads(directory.store.get("report.json"))["verdict"] == report.verdict


def test_an_option_that_cannot_be_is_told_before_anything_begins(tmp_path: Path) -> None:
    def clone(settings: Any, catalogue: Any) -> None:
        raise ConfigError("There is no branch 'mian'.")

    stage = ShapeStage(replace(CLONE, prepare=clone), Memory(name=uuid4().hex))
    with pytest.raises(ConfigError, match="mian"):
        drive(stage, Options(), None)


def parts(day: str = "monday") -> list[PartOf]:
    return [
        PartOf(CONTAINER, day, f"{day}-{hour}", [Part("orders", {"count": hour})])
        for hour in range(3)
    ]


def summed(combiner: Combiner, settled: ScopeSettled) -> int | None:
    made = combiner.settle(settled)
    return made.facts[0].payload["count"] if made else None


def test_a_shard_that_was_described_twice_counts_once() -> None:
    combiner = Combiner.of(SUM)
    for each in [*parts(), *parts()]:
        combiner.take(each)
    assert summed(combiner, ScopeSettled(CONTAINER, "monday", 0)) == 3


@pytest.mark.parametrize(
    ("settled", "reason"),
    [
        (ScopeSettled(CONTAINER, "monday", 1), "1 of its shards failed"),
        (ScopeSettled(CONTAINER, "monday", 0, complete=False), "it was listed in part"),
    ],
)
def test_a_sum_that_might_be_short_is_withheld(settled: ScopeSettled, reason: str) -> None:
    combiner = Combiner.of(SUM)
    for each in parts():
        combiner.take(each)
    assert combiner.settle(settled) is None
    assert reason in combiner.withheld["container in monday"].message


def test_a_sum_that_raises_costs_its_scope_alone(tmp_path: Path) -> None:
    def raises(day: str, parts: Sequence[Part]) -> Described:
        raise ZeroDivisionError(day)

    def list_one(entity_type: EntityType, scope: str | None) -> Iterator[Listed]:
        yield EntityDescriptor(CONTAINER, "monday-1", "monday")
        yield ScopeListed(CONTAINER, "monday", 1)

    shape = Shape(list_one, count_queries, types=(CONTAINER,), combines={CONTAINER: raises})
    outcome = run(ShapeStage(shape, Memory(name=uuid4().hex)), tmp_path)
    assert outcome.report.state == "partialSuccess"
    assert [each.kind for each in outcome.report.errors] == ["ZeroDivisionError"]


def test_a_run_keeps_no_more_than_it_was_told_to(tmp_path: Path) -> None:
    outcome = run(chaos(tmp_path), tmp_path, dry_run=True)
    assert outcome.entities == {}
    assert outcome.report.exit_code == 0
    assert outcome.report.dry_run


def test_too_many_failures_end_a_run_before_it_is_through(tmp_path: Path) -> None:
    odd = tuple(f"bad-{at}" for at in range(10))
    stage = chaos(tmp_path, odd=odd, entities=50, seconds=0.01)
    outcome = run(stage, tmp_path, "local", 2, bounds=Bounds(max_failures=2))
    assert outcome.report.exit_code == 1
    assert "--max-failures" in outcome.report.verdict


def test_a_time_limit_ends_a_run_and_tells_what_was_not_reached(tmp_path: Path) -> None:
    stage = chaos(tmp_path, entities=500, seconds=0.05)
    outcome = run(stage, tmp_path, "local", 2, bounds=Bounds(timeout=0.6))
    assert outcome.report.exit_code == 5
    assert "not reached" in outcome.report.verdict
