"""Chunks of a size that suits the source: half a second to two, inside its bounds, small at the tail."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rayingest.core.source import Batching, EntityDescriptor
from rayingest.execute.pools import Ready, Sizer
from rayingest.model import EntityType

TABLE, PROCEDURE = EntityType.TABLE, EntityType.STORED_PROCEDURE
bounds = st.tuples(st.integers(1, 50), st.integers(0, 500)).map(
    lambda drawn: Batching(drawn[0], sum(drawn))
)


def items(count: int, scope: str = "s", batch: str = "b", **more: object) -> list[EntityDescriptor]:
    kind = more.pop("type", TABLE)
    return [EntityDescriptor(kind, f"{scope}.{at}", scope, batch, **more) for at in range(count)]


def pools(least: int = 1, most: int = 10, linger: float = 0.0) -> Ready:
    return Ready([TABLE, PROCEDURE], {TABLE: Batching(least, most)}, 1, linger)


def everything(ready: Ready, slots: int = 4) -> list[list[EntityDescriptor]]:
    chunks = []
    while chunk := ready.take(slots, 100.0, growing=False, prefer=set()):
        chunks.append(chunk)
    return chunks


# --- size ---


@pytest.mark.parametrize(("most", "size"), [(5, 5), (200, 200), (1000, 200)])
def test_the_first_chunk_holds_two_hundred_or_what_the_source_takes(most: int, size: int) -> None:
    assert Sizer(Batching(1, most)).cut(10_000, 1) == size


@pytest.mark.parametrize("cost", [0.0001, 0.001, 0.004, 0.05, 0.9])
def test_chunks_settle_between_half_a_second_and_two(cost: float) -> None:
    sizer = Sizer(Batching(1, 100_000))
    for _ in range(20):
        size = sizer.cut(1_000_000, 1)
        sizer.measured(size, size * cost)
    assert 0.5 <= sizer.cut(1_000_000, 1) * cost <= 2.0


def test_an_entity_that_takes_longer_than_two_seconds_goes_alone() -> None:
    sizer = Sizer(Batching(1, 50))
    for _ in range(10):
        size = sizer.cut(1000, 1)
        sizer.measured(size, size * 7.0)
    assert sizer.cut(1000, 1) == 1


def test_a_small_chunk_at_the_tail_that_was_quick_teaches_nothing() -> None:
    sizer = Sizer(Batching(1, 100), size=50)
    sizer.measured(3, 0.01)
    assert sizer.size == 50


@given(
    bounds,
    st.lists(st.tuples(st.integers(1, 600), st.floats(0, 100)), max_size=20),
    st.integers(1, 5000),
    st.integers(1, 64),
)
def test_whatever_was_measured_a_chunk_stays_within_the_sources_bounds(
    batching: Batching, measured: list[tuple[int, float]], ready: int, slots: int
) -> None:
    sizer = Sizer(batching)
    for count, seconds in measured:
        sizer.measured(count, seconds)
    assert min(batching.min, ready) <= sizer.cut(ready, slots) <= min(batching.max, ready)


def test_the_tail_is_shared_by_all_slots_down_to_the_sources_minimum() -> None:
    sizer = Sizer(Batching(10, 500), size=200)
    assert [sizer.cut(ready, 4) for ready in (5000, 400, 100, 30, 4)] == [200, 100, 25, 10, 4]


def test_types_without_bounds_go_in_small_chunks() -> None:
    ready = pools()
    ready.add(items(12, type=PROCEDURE), 0.0)
    assert max(map(len, everything(ready, slots=1))) == 5


# --- what goes together ---


@given(
    st.lists(
        st.tuples(
            st.sampled_from("xyz"),
            st.sampled_from("ab"),
            st.integers(1, 30),
            st.sampled_from((TABLE, PROCEDURE)),
        ),
        max_size=8,
    ),
    st.integers(1, 9),
)
def test_everything_comes_out_once_and_no_chunk_mixes_batches_or_types(
    groups: list[tuple[str, str, int, EntityType]], slots: int
) -> None:
    ready = pools()
    wanted: Counter[str] = Counter()
    for number, (scope, batch, count, kind) in enumerate(groups):
        added = items(count, f"{scope}{number}", batch, type=kind)
        wanted.update(each.id for each in added)
        ready.add(added, 0.0)
    chunks = everything(ready, slots)
    assert Counter(each.id for chunk in chunks for each in chunk) == wanted
    assert all(len({(each.type, each.batch) for each in chunk}) == 1 for chunk in chunks)
    assert ready.count == 0


def test_parents_types_come_first_and_higher_priorities_before_them() -> None:
    ready = pools()
    ready.add(items(1, "p", type=PROCEDURE), 0.0)
    ready.add(items(1, "t"), 0.0)
    ready.add(items(1, "urgent", type=PROCEDURE, priority=5), 0.0)
    assert [chunk[0].scope for chunk in everything(ready)] == ["urgent", "t", "p"]


def test_types_that_nobody_named_stay_apart() -> None:
    ready = pools()
    ready.add([*items(2, type=EntityType.CHART), *items(2, type=EntityType.TOPIC)], 0.0)
    assert len(everything(ready, slots=1)) == 2


def test_a_worker_gets_what_it_has_a_session_for() -> None:
    ready = pools()
    ready.add([*items(3, "s1", "b1"), *items(3, "s2", "b2")], 0.0)
    assert {each.batch for each in ready.take(1, 0, growing=False, prefer={"b2"})} == {"b2"}


def test_chunks_interleave_scopes_and_the_seed_decides() -> None:
    def order(seed: int) -> list[str]:
        ready = Ready([TABLE], {TABLE: Batching(1, 5)}, seed, 0.0)
        for scope in "abcdefgh":
            ready.add(items(5, scope), 0.0)
        return [chunk[0].scope for chunk in everything(ready, slots=1)]

    assert order(1) == order(1) != order(2)
    assert sorted(order(1)) == list("abcdefgh")
    assert order(1) != list("abcdefgh")


# --- linger ---


def test_a_set_based_source_waits_for_company_while_more_is_being_listed() -> None:
    ready = pools(least=5, linger=0.25)
    ready.add(items(3), 10.0)
    assert ready.take(1, 10.2, growing=True, prefer=set()) == []
    assert len(ready.take(1, 10.3, growing=True, prefer=set())) == 3


def test_nobody_waits_when_nothing_more_is_listed_or_enough_is_there() -> None:
    ready = pools(least=5, linger=0.25)
    ready.add(items(3), 10.0)
    assert len(ready.take(1, 10.0, growing=False, prefer=set())) == 3
    ready.add(items(7), 20.0)
    assert ready.take(1, 20.0, growing=True, prefer=set())


def test_a_pool_that_waits_holds_up_no_other() -> None:
    ready = pools(least=5, linger=0.25)
    ready.add([*items(3), *items(2, type=PROCEDURE)], 0.0)
    chunk = ready.take(1, 0.0, growing=True, prefer=set())
    assert {each.type for each in chunk} == {PROCEDURE}


def test_what_others_wait_for_does_not_wait_for_company() -> None:
    ready = Ready([TABLE], {TABLE: Batching(5, 10)}, 1, 0.25, urgent={TABLE})
    ready.add(items(3), 10.0)
    assert len(ready.take(1, 10.0, growing=True, prefer=set())) == 3
