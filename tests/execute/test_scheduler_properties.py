"""Whatever happens in whatever order: the scheduler keeps its promises.

The promises that hold at every step are asserted by the simulated world itself.
"""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rayingest.execute.events import Result
from rayingest.model import EntityType

from .simulation import CHART, FATES, TABLE, Shape, World

EXAMPLES = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
MANY = settings(EXAMPLES, max_examples=2_000)
PLAIN = ("ok", "told", "unchanged", "deferred", "flaky", "throttled")

fates = st.sampled_from(sorted(FATES))
small = st.integers(0, 3)


def shapes(**fixed: object) -> st.SearchStrategy[Shape]:
    drawn: dict[str, st.SearchStrategy] = {
        "seed": st.integers(0, 2**20),
        "schemas": st.lists(st.lists(fates, max_size=9).map(tuple), min_size=1, max_size=4).map(
            tuple
        ),
        "bad_parents": st.frozensets(small, max_size=1),
        "unlisted_parents": st.frozensets(small, max_size=1),
        "opened_scopes": st.booleans(),
        "listing_deaths": st.integers(0, 5),
        "listing_errors": st.integers(0, 2),
        "broken_listing": st.integers(-1, 3),
        "wrong_count": st.integers(-1, 3),
        "born": small,
        "workers": st.integers(1, 3),
        "slots": st.integers(1, 3),
        "parallelism": st.integers(1, 6),
        "replaceable": st.booleans(),
        "apart": st.booleans(),
        "random_deaths": st.integers(0, 4),
        "preemptions": st.integers(0, 3),
        "sink_outages": st.integers(0, 3),
        "backlog": st.sampled_from((1, 3, 10, 1000)),
        "batches": st.integers(1, 3),
        "least": st.integers(1, 3),
        "most": st.integers(1, 6),
    }
    return st.builds(Shape, **drawn | {name: st.just(value) for name, value in fixed.items()})


def check(shape: Shape) -> World:
    world = World(shape).run()
    assert world.scheduler.ledger.imbalances() == []
    assert set(world.ends) == world.opened, "everything discovered ends exactly once"
    assert world.settled == set(world.scheduler.listings.scopes), "what was listed settles"
    unlisted = world.scheduler.listings.unlisted()
    for key, item in world.wanted.items():
        listings = {f"table in {item.scope}", "databaseSchema in svc.db", "database in the source"}
        assert key in world.opened or listings & unlisted.keys(), f"{item.id} was lost"
    for key, result in world.ends.items():
        said = result.why.message if result.why else ""
        if not said.startswith("failed (parent)"):
            assert world.deserved(key, result), (key, result)
    return world


@EXAMPLES
@given(shapes())
def test_everything_discovered_ends_exactly_once_as_it_deserves(shape: Shape) -> None:
    check(shape)


@pytest.mark.slow
@MANY
@given(shapes())
def test_everything_discovered_ends_exactly_once_as_it_deserves_in_many_worlds(
    shape: Shape,
) -> None:
    check(shape)


@EXAMPLES
@given(shapes(), st.integers(1, 200))
def test_a_stop_at_any_moment_begins_nothing_and_ends_nothing_twice(shape: Shape, at: int) -> None:
    world = World(replace(shape, stop_at=at)).run()
    assert set(world.ends) <= world.opened


@EXAMPLES
@given(
    st.tuples(st.integers(1, 60), st.integers(0, 40)).flatmap(
        lambda away: shapes(away=(away[0], sum(away)))
    )
)
def test_a_source_that_is_away_for_a_while_costs_nobody_an_end(shape: Shape) -> None:
    check(shape)


@EXAMPLES
@given(
    shapes(random_deaths=0, unlisted_parents=frozenset(), bad_parents=frozenset()),
    st.sampled_from(("poison", "hung", "breaker")),
)
def test_nobody_is_blamed_for_a_neighbour(shape: Shape, villain: str) -> None:
    crowd = tuple("ok" for _ in range(7))
    world = check(
        replace(
            shape, schemas=((*crowd[:3], villain, *crowd[3:]), crowd), most=9, broken_listing=-1
        )
    )
    guilty = [key for key, result in world.ends.items() if result.status not in ("ok", "unchanged")]
    assert {villain for _, name in guilty if CHART is not _} <= {villain}
    assert all(villain in name or kind is CHART for kind, name in guilty)


@EXAMPLES
@given(shapes())
def test_only_what_died_twice_alone_is_quarantined(shape: Shape) -> None:
    world = check(shape)
    for key, result in world.ends.items():
        if result.status == "quarantined":
            assert world.alone[key] == 2


@EXAMPLES
@given(shapes(bad_parents=frozenset({0}), unlisted_parents=frozenset({1})))
def test_children_of_a_failed_or_unlisted_parent_fail_with_it(shape: Shape) -> None:
    world = check(replace(shape, broken_listing=-1))
    for (kind, name), result in world.ends.items():
        if kind in (TABLE, EntityType.STORED_PROCEDURE) and name.startswith(
            ("svc.db.s0.", "svc.db.s1.")
        ):
            assert result.status == "failed"
            assert result.why
            assert result.why.message.startswith("failed (parent)")


@EXAMPLES
@given(shapes(wrong_count=0, broken_listing=-1))
def test_a_scope_whose_count_disagrees_is_not_called_listed(shape: Shape) -> None:
    world = check(shape)
    unlisted = world.scheduler.listings.unlisted()
    assert {
        "table in svc.db.s0",
        "databaseSchema in svc.db",
        "database in the source",
    } & unlisted.keys()


@EXAMPLES
@given(shapes(opened_scopes=True, broken_listing=0, listing_errors=0, listing_deaths=0))
def test_a_listing_that_fails_for_good_is_named_and_costs_no_other(shape: Shape) -> None:
    world = check(shape)
    assert "table in svc.db.s0" in world.scheduler.listings.unlisted()
    for at in range(1, len(shape.schemas)):
        if at != shape.wrong_count:
            assert f"table in svc.db.s{at}" not in world.scheduler.listings.unlisted()


@EXAMPLES
@given(shapes(), st.integers(0, 40))
def test_discovery_is_held_back_but_never_for_ever(shape: Shape, entities: int) -> None:
    many = tuple("ok" for _ in range(entities))
    check(replace(shape, schemas=(many, many), backlog=2, born=0))


def test_the_same_seed_gives_the_same_run() -> None:
    shape = Shape(
        7, (tuple(sorted(FATES)), PLAIN), workers=2, slots=2, parallelism=3, random_deaths=3
    )

    def story(world: World) -> list[tuple[object, Result]]:
        return list(world.ends.items())

    assert story(World(shape).run()) == story(World(shape).run())
