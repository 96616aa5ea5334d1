"""The arithmetic of a plan: what a run costs, out of what a few chunks cost."""

import random

import pytest

from rayingest.core.limits import Limit
from rayingest.core.source import Batching, EntityDescriptor
from rayingest.execute.estimate import Cost, Ground, Shape, Work, estimate, fit, share
from rayingest.execute.sampling import cut, shares
from rayingest.execute.survey import Reservoir, Sampled
from rayingest.model import EntityType

TABLE, DASHBOARD = EntityType.TABLE, EntityType.DASHBOARD


def work(count: int, cost: Cost, **more: object) -> Work:
    given = {"batching": Batching(1, 1), "cpu": Cost(), "calls": Cost(0, 1), "rows": 0.0}
    return Work(count=count, seconds=cost, **(given | more))  # type: ignore[arg-type]


def at(works: list[Work], slots: int, **ground: object) -> float:
    return estimate(works, Ground(**ground), Shape(slots, slots)).seconds  # type: ignore[arg-type]


# --- fitting ---


def test_a_line_is_found_again() -> None:
    found = fit([(size, 0.1 + 0.002 * size) for size in (7, 14, 29)], batched=True)
    assert found.per_chunk == pytest.approx(0.1)
    assert found.per_entity == pytest.approx(0.002)
    assert found.error == pytest.approx(0, abs=1e-9)


def test_no_part_of_a_cost_is_below_zero() -> None:
    falling = fit([(1, 0.3), (10, 0.2), (20, 0.1)], batched=True)
    assert falling.per_entity == 0
    assert falling.per_chunk == pytest.approx(0.2)
    steep = fit([(10, 0.1), (20, 1.0), (30, 2.0)], batched=True)
    assert steep.per_chunk == 0
    assert steep.per_entity == pytest.approx(3.1 / 60)


def test_chunks_of_one_size_cost_by_chunk_or_by_entity() -> None:
    points = [(1, 0.4), (1, 0.5), (1, 0.6)]
    assert fit(points, batched=False).of(10, 10) == pytest.approx(5)
    assert fit(points, batched=True).of(10, 1) == pytest.approx(0.5)


def test_few_measurements_are_trusted_less() -> None:
    assert fit([(1, 0.4)], batched=False).error == 0.5
    assert fit([(5, 0.4), (10, 0.4)], batched=True).error == 0.5
    many = fit([(1, 0.4 + 0.01 * (at % 3)) for at in range(50)], batched=False)
    assert many.error < 0.01


def test_nothing_measured_costs_nothing() -> None:
    assert fit([], batched=True).of(10, 10) == 0


@pytest.mark.parametrize("hits", [0, 3, 25, 50])
def test_an_interval_holds_its_share(hits: int) -> None:
    rate, low, high = share(hits, 50)
    assert 0 <= low <= rate <= high <= 1
    assert rate == hits / 50
    assert high - low < 0.3
    assert share(0, 0)[1:] == (0, 1)


# --- a run ---


def test_slots_share_what_the_source_takes() -> None:
    slow = [work(2000, Cost(0, 0.4))]
    assert at(slow, 1) == pytest.approx(800, rel=0.01)
    assert at(slow, 50) == pytest.approx(16, rel=0.03)
    assert at(slow, 5000) == pytest.approx(0.4)


def test_a_chunk_is_no_bigger_than_what_there_is() -> None:
    few = work(10, Cost(0, 0.2), batching=Batching(200, 500))
    assert few.chunks(4) == [10]
    assert at([few], 4) == pytest.approx(2)


def test_chunks_grow_as_the_engine_lets_them() -> None:
    quick = work(10_000, Cost(0.05, 0.0001), batching=Batching(200, 500))
    sizes = quick.chunks(4)
    assert sum(sizes) == 10_000
    assert (sizes[0], max(sizes), sizes[-2]) == (200, 500, 200)
    slow = work(10_000, Cost(0.1, 0.02), batching=Batching(1, 500)).chunks(4)
    assert sorted(set(slow))[-2:] == [97, 200], "the first one was too slow"


def test_a_rate_holds_however_many_slots_there_are() -> None:
    limits = (Limit(name="api", rate=50),)
    for slots in (10, 100):
        told = estimate([work(1000, Cost(0, 0.1))], Ground(limits=limits), Shape(slots, slots))
        assert told.seconds == pytest.approx(1000 / (50 * 0.95))
        assert told.bound == "the limit api"
    logged_in = Ground(limits=limits, shares={"api": 0.01})
    assert estimate([work(1000, Cost(0, 0.1))], logged_in, Shape(8, 8)).bound == "the source"


def test_the_slowest_of_what_runs_together_sets_the_pace() -> None:
    works = [work(1000, Cost(0, 0.001), cpu=Cost(0, 0.01), rows=1000)]
    told = estimate(works, Ground(start=1), Shape(10, 10))
    assert (told.bound, told.seconds) == ("computing", pytest.approx(11))
    told = estimate(works, Ground(start=1), Shape(10, 10, processes=4, vcpus=5))
    assert told.seconds == pytest.approx(3.5)
    assert told.vcpu_hours == pytest.approx(3.5 * 5 / 3600)
    told = estimate(works, Ground(sink_row=0.2, sink_concurrency=8, sink_rows=100), Shape(10, 10))
    assert (told.bound, told.seconds) == ("the sink", pytest.approx(25))
    assert told.sink_calls == 10
    told = estimate(works, Ground(discovery=60, discovery_calls=12), Shape(10, 10))
    assert (told.bound, told.seconds) == ("discovery", pytest.approx(60))
    assert told.source_calls == 1012


def test_nothing_to_do_takes_the_start() -> None:
    assert at([work(0, Cost(0, 1))], 4, start=0.5) == 0.5
    assert at([], 4, start=0.5) == 0.5


def test_what_is_less_sure_is_said_less_surely() -> None:
    sure, unsure = (
        estimate([work(100, Cost(0, 1, error))], Ground(), Shape(1, 1)) for error in (0.01, 0.4)
    )
    assert sure.low < sure.seconds < sure.high
    assert unsure.low < sure.low
    assert unsure.high > sure.high


# --- whom to ask ---


def pool(kind: EntityType, batch: str, count: int) -> Reservoir:
    made = Reservoir(500, random.Random(1))
    for number in range(count):
        descriptor = EntityDescriptor(kind, f"{batch}.{number}", batch, batch)
        made.add(Sampled(descriptor, None, open=False))
    return made


def test_a_reservoir_keeps_some_of_all_with_the_same_chance() -> None:
    counts = [0] * 10
    for seed in range(400):
        made = Reservoir(3, random.Random(seed))
        for number in range(10):
            made.add(Sampled(EntityDescriptor(TABLE, str(number)), None, open=False))
        for each in made.kept:
            counts[int(each.descriptor.id)] += 1
    assert sum(counts) == 1200
    assert min(counts) > 80
    assert max(counts) < 165


def test_a_sample_has_of_every_type_some() -> None:
    pools = {
        (TABLE, "a"): pool(TABLE, "a", 5000),
        (DASHBOARD, "b"): pool(DASHBOARD, "b", 2),
    }
    chosen = shares(pools, {TABLE: Batching(200, 500)}, 50, random.Random(1))
    assert len(chosen[DASHBOARD]) == 2
    assert len({each.descriptor.id for each in chosen[TABLE]}) == 400, "many cost hardly more"
    singles = shares(pools, {}, 50, random.Random(1))
    assert len(singles[TABLE]) == 50


def test_chunks_of_a_sample_have_one_batch_and_several_sizes() -> None:
    chosen = [*pool(TABLE, "a", 35).kept, *pool(TABLE, "b", 3).kept]
    chunks = cut(chosen, Batching(200, 500))
    assert sum(len(each) for each in chunks) == 38
    for chunk in chunks:
        assert len({each.descriptor.batch for each in chunk}) == 1
    assert sorted(len(each) for each in chunks if each[0].descriptor.batch == "a") == [5, 10, 20]
    assert {len(each) for each in cut(chosen, Batching(1, 5))} == {1}
