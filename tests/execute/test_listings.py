"""What was listed: the union of all attempts, and no scope is called listed that is not."""

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rayingest.core.source import (
    Described,
    EntityDescriptor,
    Listed,
    Processed,
    Removed,
    ScopeListed,
)
from rayingest.errors import Permanent, Retryable
from rayingest.execute.engine import blocks
from rayingest.execute.events import Found, Listing, ListingEnded
from rayingest.execute.listings import Listings
from rayingest.model import EntityType

TABLE = EntityType.TABLE
ALL = Listing(TABLE, None)


def item(name: str, scope: str = "s") -> EntityDescriptor:
    return EntityDescriptor(TABLE, name, scope)


def begun(listing: Listing = ALL) -> Listings:
    listings = Listings()
    listings.want(listing)
    listings.start(4)
    return listings


def names(found: list[Listed] | None) -> list[str]:
    return [each.id for each in found or () if isinstance(each, EntityDescriptor)]


def again(listings: Listings, attempt: Listing) -> Listing:
    """The attempt dies, and the next begins."""
    following = listings.ended(ListingEnded(attempt, None, lost=True))
    assert following
    listings.want(following)
    listings.start(4)
    return following


@given(st.lists(st.tuples(st.permutations("abcdef"), st.integers(0, 6)), max_size=5))
def test_the_union_counts_whatever_order_attempts_had_and_wherever_they_died(
    deaths: list[tuple[list[str], int]],
) -> None:
    listings, attempt, heard = begun(), ALL, []
    for order, until in deaths:
        heard += names(listings.hear(Found(attempt, [item(name) for name in order[:until]])))
        attempt = again(listings, attempt)
    end: list[Listed] = [item(name) for name in "fedcba"]
    heard += names(listings.hear(Found(attempt, [*end, ScopeListed(TABLE, "s", 6)])))
    assert listings.ended(ListingEnded(attempt)) is None
    assert sorted(heard) == list("abcdef")
    assert listings.unlisted() == {}


def test_a_scope_that_was_listed_once_is_not_opened_by_a_later_attempt() -> None:
    listings = begun()
    listings.hear(Found(ALL, [item("a"), ScopeListed(TABLE, "s", 1)]))
    second = again(listings, ALL)
    assert listings.hear(Found(second, [item("a"), ScopeListed(TABLE, "s", 1)])) == []
    assert [scope for _, scope in listings.scopes] == ["s"]


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_count_that_disagrees_leaves_the_scope_open(count: int) -> None:
    listings = begun()
    listings.hear(Found(ALL, [item("a"), item("b"), ScopeListed(TABLE, "s", count)]))
    listings.ended(ListingEnded(ALL))
    (reason,) = listings.unlisted().values()
    assert reason.message == f"the source counted {count}, 2 arrived"
    assert listings.scopes == {}
    assert not listings.well_ended(ALL)


def test_the_next_attempt_may_settle_a_disagreement() -> None:
    listings = begun()
    listings.hear(Found(ALL, [item("a"), ScopeListed(TABLE, "s", 2)]))
    second = again(listings, ALL)
    fresh = listings.hear(Found(second, [item("a"), item("b"), ScopeListed(TABLE, "s", 2)]))
    listings.ended(ListingEnded(second))
    assert names(fresh) == ["b"]
    assert listings.unlisted() == {}


def test_what_comes_after_its_scopes_end_is_not_lost_silently() -> None:
    listings = begun()
    listings.hear(Found(ALL, [item("a"), ScopeListed(TABLE, "s", 1), item("b")]))
    listings.ended(ListingEnded(ALL))
    assert list(listings.unlisted()) == ["table in s"]


def test_what_was_described_counts_like_what_was_listed() -> None:
    listings = begun()
    listings.hear(Found(ALL, [Described(item("a"), ()), item("b"), ScopeListed(TABLE, "s", 2)]))
    listings.ended(ListingEnded(ALL))
    assert listings.unlisted() == {}


def test_an_attempt_that_was_given_up_is_not_heard() -> None:
    listings = begun()
    again(listings, ALL)
    assert listings.hear(Found(ALL, [item("ghost")])) is None
    assert listings.ended(ListingEnded(ALL, Permanent("old news"))) is None


def test_a_part_is_named_with_the_sources_reason() -> None:
    listings = begun()
    end = ScopeListed(TABLE, "s", 0, complete=False, why="permission denied for schema s")
    listings.hear(Found(ALL, [end]))
    listings.ended(ListingEnded(ALL))
    assert [each.message for each in listings.unlisted().values()] == [
        "permission denied for schema s"
    ]


def test_a_listing_that_nobody_ended_is_not_listed() -> None:
    assert [each.kind for each in begun().unlisted().values()] == ["Stopped"]


def test_a_change_listing_says_what_was_removed_and_claims_no_more() -> None:
    listings = begun()
    removed = Removed(TABLE, "old", "s")
    fresh = listings.hear(
        Found(ALL, [item("new"), removed, ScopeListed(TABLE, "s", 1, mode="changes")])
    )
    assert removed in (fresh or [])
    assert [each.mode for each in listings.scopes.values()] == ["changes"]


def test_deaths_that_brought_something_new_are_forgiven_and_errors_are_not() -> None:
    listings, attempt = begun(), ALL
    for at in range(6):
        listings.hear(Found(attempt, [item(f"t{at}")]))
        following = listings.ended(ListingEnded(attempt, None, lost=True))
        assert following
        assert listings.may_retry(following, 3)
        listings.want(following)
        listings.start(1)
        attempt = following
    for allowed in (True, True, False):
        listings.hear(Found(attempt, [item("x"), item(f"y{attempt.number}")]))
        following = listings.ended(ListingEnded(attempt, Retryable("broke off")))
        assert following
        assert listings.may_retry(following, 3) is allowed
        listings.want(following)
        listings.start(1)
        attempt = following


class Breaking:
    """Lists fast, and breaks off."""

    def get_parallelizable_entity_types(self) -> Sequence[EntityType]:
        return [TABLE]

    def discover_entities(
        self, entity_type: EntityType, scope: str | None = None
    ) -> Iterator[Listed]:
        yield from (item(str(n)) for n in range(7))
        raise Permanent("broken off")

    def process_entities(self, descriptors: Sequence[EntityDescriptor]) -> Iterator[Processed]:
        yield from ()


def test_what_was_listed_before_a_listing_breaks_off_is_handed_over() -> None:
    found: list[Listed] = []
    handed = blocks(Breaking(), ALL)
    with pytest.raises(Permanent, match="broken off"):
        found.extend(each for block in handed for each in block)
    assert len(found) == 7


def test_only_so_many_run_at_once() -> None:
    listings = Listings()
    wanted = [Listing(TABLE, f"s{at}") for at in range(5)]
    for each in wanted:
        listings.want(each)
        listings.want(each)
    assert listings.start(2) == wanted[:2]
    assert listings.start(2) == []
    listings.ended(ListingEnded(wanted[0]))
    assert listings.start(2) == wanted[2:3]
    assert not listings.idle
