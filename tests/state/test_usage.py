"""What is told of a day is all of that day, and no use is told twice."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rayingest.state.usage import Told, counted

MONDAY = date(2026, 11, 23)
TUESDAY, WEDNESDAY = MONDAY + timedelta(1), MONDAY + timedelta(2)


@pytest.mark.parametrize(
    ("before", "day", "total", "now"),
    [
        (None, MONDAY, 7, Told(MONDAY, 7)),
        (Told(MONDAY, 7), TUESDAY, 9, Told(TUESDAY, 9, 2)),
        (Told(MONDAY, 7, 3), TUESDAY, 9, Told(TUESDAY, 9, 2)),
        (Told(TUESDAY, 9, 2), TUESDAY, 12, Told(TUESDAY, 12, 5)),
        (Told(MONDAY, 7), MONDAY, 9, Told(MONDAY, 7)),
        (Told(MONDAY, 7, 3), WEDNESDAY, 7, Told(MONDAY, 7, 3)),
        (Told(MONDAY, 7, 3), TUESDAY, 1, Told(TUESDAY, 1)),
        (Told(TUESDAY, 9, 2), TUESDAY, 1, Told(TUESDAY, 1, 2)),
        (Told(MONDAY, 7), MONDAY, 1, Told(MONDAY, 1)),
        (Told(TUESDAY, 9, 2), MONDAY, 12, Told(TUESDAY, 9, 2)),
    ],
    ids=[
        "the first total tells nothing",
        "the second one tells a difference",
        "and so does the third",
        "the same day is told as a whole",
        "but not the day of the first",
        "what is as it was stays as it is",
        "a total that fell tells nothing",
        "and takes nothing back on the same day",
        "not even what was only kept",
        "a day that is over is left alone",
    ],
)
def test_what_is_kept_of_a_total(before: Told | None, day: date, total: int, now: Told) -> None:
    assert counted(before, day, total) == now


def test_what_counts_something_else_tells_no_difference() -> None:
    before = Told(MONDAY, 7, 3, "two sheets")
    assert counted(before, TUESDAY, 900, "three sheets") == Told(TUESDAY, 900, None, "three sheets")
    assert counted(before, TUESDAY, 9, "two sheets") == Told(TUESDAY, 9, 2, "two sheets")


@pytest.mark.parametrize(
    ("before", "now", "sends"),
    [
        (None, Told(MONDAY, 7), False),
        (Told(MONDAY, 7), Told(TUESDAY, 9, 2), True),
        (Told(MONDAY, 9, 2), Told(TUESDAY, 11, 2), True),
        (Told(TUESDAY, 9, 2), Told(TUESDAY, 10, 3), True),
        (Told(TUESDAY, 9, 2), Told(TUESDAY, 1, 2), False),
        (Told(TUESDAY, 9, 2), Told(TUESDAY, 9, 2), False),
    ],
)
def test_only_what_is_new_is_sent(before: Told | None, now: Told, sends: bool) -> None:
    assert now.sends(before) is sends


@pytest.mark.parametrize(
    "told",
    [Told(MONDAY, 7), Told(MONDAY, 7, 0), Told(MONDAY, 7, 3, "a b"), Told(MONDAY, 7, None, "x")],
)
def test_it_is_read_as_it_was_kept(told: Told) -> None:
    assert Told.read(str(told)) == told


@pytest.mark.parametrize("kept", ["", "yesterday 7 -", "2026-11-23", "2026-11-23 x -", "a hash"])
def test_what_says_nothing_is_no_total(kept: str) -> None:
    assert Told.read(kept) is None


STEPS = st.lists(
    st.tuples(
        st.integers(0, 2),  # days later
        st.integers(0, 5),  # uses meanwhile
        st.sampled_from(("well", "well", "well", "unsure", "made anew")),
    )
)


@given(STEPS)
def test_whatever_happens_no_use_is_told_twice(steps: list[tuple[int, int, str]]) -> None:
    """A catalogue has the last count of each day; `unsure`: what was sent arrived, and nobody knows."""
    catalogue: dict[date, int] = {}
    kept: str = ""
    day, total, used = MONDAY, 100, 0
    for later, uses, how in steps:
        day, used = day + timedelta(later), used + uses
        total = uses if how == "made anew" else total + uses
        before = Told.read(kept)
        now = counted(before, day, total)
        if now.sends(before) and now.count is not None:
            assert now.count >= catalogue.get(now.day, 0), "a day only grows"
            catalogue[now.day] = now.count
        kept = "" if how == "unsure" else str(now)
    assert sum(catalogue.values()) <= used
