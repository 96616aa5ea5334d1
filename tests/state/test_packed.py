"""What many descriptors have written, packed: nothing is lost, and equal is equal."""

from hypothesis import given
from hypothesis import strategies as st

from rayingest.state.outcomes import Outcome, Outcomes
from rayingest.state.packed import Packed, Stored

KINDS = st.sampled_from(("table", "dashboard", "chart", "lineage", "usage", "what nobody knows"))
HASHES = st.one_of(
    st.just(""),
    st.text("0123456789abcdef", min_size=32, max_size=32),
    st.text("0123456789ABCDEF \u00e9", max_size=34),
)
NAMES = st.text(max_size=6)
WRITTEN = st.lists(st.builds(Stored, KINDS, NAMES, HASHES), max_size=4).map(tuple)
TOLD = st.dictionaries(NAMES, WRITTEN, max_size=8)
ENDS = st.sampled_from(("ok", "unchanged", "skipped", "failed", "quarantined"))


@given(TOLD)
def test_what_goes_in_comes_out(told: dict[str, tuple[Stored, ...]]) -> None:
    packed = Packed(told)
    assert dict(packed) == told
    assert list(packed) == list(told)
    assert packed == told


@given(TOLD, TOLD)
def test_packed_is_the_same_where_what_it_says_is_the_same(
    one: dict[str, tuple[Stored, ...]], other: dict[str, tuple[Stored, ...]]
) -> None:
    assert (Packed(one) == Packed(other)) == (one == other)
    for each in {*one, *other}:
        assert Packed(one).same(each, Packed(other)) == (one.get(each) == other.get(each))


@given(st.lists(st.tuples(NAMES, st.builds(Outcome, ENDS, WRITTEN)), max_size=12))
def test_the_last_end_counts(told: list[tuple[str, Outcome]]) -> None:
    outcomes = Outcomes()
    for each, outcome in told:
        outcomes.add(each, outcome)
    last = dict(told)
    assert dict(outcomes) == last
    assert outcomes.failed == any(
        each.status in ("failed", "quarantined") for each in last.values()
    )
    assert {each: outcomes.described(each) for each in last} == {
        each: outcome.described for each, outcome in last.items()
    }
