"""Lists in pages that move while they are read: what stays is told once, and nothing of it is lost."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rayingest.errors import Permanent
from rayingest.kit.rest.pages import (
    Cursor,
    Cut,
    Links,
    Numbers,
    Offsets,
    Restless,
    Told,
    Whole,
    numbered,
    overlapping,
)

LISTS = st.integers(0, 40)
SIZES = st.integers(2, 9)
# After so many calls: delete what stands there, or put a new one in.
CHANGES = st.lists(
    st.tuples(st.integers(1, 14), st.sampled_from("-+"), st.integers(0, 60)), max_size=6
)


class Moving:
    """A list of names that changes after some of its calls; it gives no more than `most` at once."""

    def __init__(self, count: int, changes: list[tuple[int, str, int]], most: int = 99) -> None:
        self.names = [f"e{at}" for at in range(count)]
        self.there = set(self.names)  # all the time
        self.ever = set(self.names)
        self.calls, self._changes, self._most = 0, changes, most

    def cut(self, start: int, count: int) -> list[str]:
        found = self.names[start : start + min(count, self._most)]
        self.calls += 1
        for call, what, place in self._changes:
            if call != self.calls:
                continue
            if what == "+":
                self.names.insert(place % (len(self.names) + 1), f"new{call}.{place}.{self.calls}")
            elif self.names:
                self.there.discard(self.names.pop(place % len(self.names)))
        return found

    def page(self, number: int, count: int) -> list[str]:
        return self.cut((number - 1) * count, count)


def told_once(found: Iterator[str], moving: Moving) -> None:
    names = list(found)
    assert len(names) == len(set(names))
    assert moving.there <= set(names)


@given(LISTS, SIZES, CHANGES, st.sampled_from([99, 2, 3]))
def test_by_offset_nothing_that_stays_is_lost(
    count: int, size: int, changes: list[tuple[int, str, int]], most: int
) -> None:
    moving = Moving(count, changes, most)
    told_once(overlapping(moving.cut, size, str), moving)


@given(LISTS, SIZES, CHANGES, st.booleans())
def test_by_offset_an_exact_server_is_asked_no_more_than_needed(
    count: int, size: int, changes: list[tuple[int, str, int]], still: bool
) -> None:
    moving = Moving(count, [] if still else changes)
    told_once(overlapping(moving.cut, size, str, exact=True), moving)
    if still:
        assert moving.calls <= 1 + count // (size - 1)


@given(
    LISTS,
    SIZES,
    st.lists(st.tuples(st.integers(1, 14), st.just("-"), st.integers(0, 60)), max_size=6),
    st.booleans(),
)
def test_by_number_what_is_deleted_takes_nothing_with_it(
    count: int, size: int, changes: list[tuple[int, str, int]], total: bool
) -> None:
    moving = Moving(count, changes)

    def page(number: int, size: int) -> tuple[list[str], int | None]:
        there = len(moving.names)
        return moving.page(number, size), there if total else None

    told_once(numbered(page, size, str), moving)


@given(LISTS, SIZES, st.integers(2, 5))
def test_by_number_a_server_that_gives_less_is_followed(count: int, size: int, most: int) -> None:
    moving = Moving(count, [], most)
    told = lambda number, size: (moving.page(number, size), count)  # noqa: E731
    assert list(numbered(told, size, str)) == moving.names


def test_by_number_a_page_that_is_short_is_not_the_end_before_the_total() -> None:
    """As Redash 9 and 10 beta did: rows of a join are cut into pages, and what comes twice is left out."""
    rows = [f"e{at // 3}" for at in range(20)]

    def page(number: int, size: int) -> tuple[list[str], int]:
        return list(dict.fromkeys(rows[(number - 1) * size : number * size])), len(rows)

    assert list(numbered(page, 5, str, exact=True)) == list(dict.fromkeys(rows))


def test_a_list_that_never_rests_is_told_as_such() -> None:
    calls = iter(range(10_000))
    with pytest.raises(Restless):
        list(numbered(lambda number, size: ([str(next(calls)) for _ in range(size)], 1000), 5, str))
    with pytest.raises(Restless):
        list(overlapping(lambda offset, size: [str(next(calls)) for _ in range(size)], 5, str))


# --- the pagers, by name ---


def asked(pages: Mapping[str, Any], pager: Any) -> tuple[list[Any], list[str]]:
    """All items out of answers by what is asked for, and what was asked."""
    log: list[str] = []

    def ask(params: Mapping[str, str], url: str) -> Told:
        log.append(url or "&".join(f"{key}={each}" for key, each in params.items()))
        found = pages[log[-1]]
        return found if isinstance(found, Told) else Told(found)

    return list(pager.items(ask)), log


def test_a_list_in_one_answer() -> None:
    assert asked({"": {"data": {"all": [1, 2]}}}, Whole("data.all")) == ([1, 2], [""])


@pytest.mark.parametrize("body", [{}, {"data": None}, {"data": {"id": 1}}, "no", None, 3])
def test_an_answer_without_the_list_is_no_empty_list(body: Any) -> None:
    with pytest.raises(Permanent, match="no list of entities"):
        asked({"": body}, Whole("data"))


def test_offsets_ask_again_only_when_in_doubt() -> None:
    pages = {
        "skip=0&top=2": [{"key": 1}, {"key": 2}],
        "skip=1&top=2": [{"key": 2}, {"key": 3}],
        "skip=2&top=2": [{"key": 3}],
    }
    pager = Offsets(size=2, offset="skip", limit="top", identity="key", exact=True)
    found, log = asked(pages, pager)
    assert ([each["key"] for each in found], log) == ([1, 2, 3], list(pages))


def test_numbers_look_at_the_border() -> None:
    pages = {
        "page=1&page_size=2": {"count": 3, "results": [{"id": 1}, {"id": 2}]},
        "page=2&page_size=2": {"count": 3, "results": [{"id": 3}]},
        "page=2&page_size=1": {"count": 3, "results": [{"id": 2}]},
    }
    found, log = asked(pages, Numbers("results", size=2, total="count"))
    assert ([each["id"] for each in found], log) == ([1, 2, 3], list(pages))


def test_a_page_behind_the_end_is_asked_for_in_another_listing() -> None:
    def ask(params: Mapping[str, str], url: str) -> Told:
        if params["page"] != "1":
            raise Permanent("400 Page is out of range.")
        return Told({"count": 3, "results": [{"id": 1}, {"id": 2}]})

    with pytest.raises(Restless, match="out of range"):
        list(Numbers("results", size=2, total="count").items(ask))


def test_a_list_as_long_as_they_ever_are_was_cut() -> None:
    found = Whole("of", most=2).items(lambda more, url: Told({"of": [1, 2]}))
    assert [next(found), next(found)] == [1, 2]
    with pytest.raises(Cut, match="2 at most"):
        next(found)
    assert asked({"": {"of": [1]}}, Whole("of", most=2))[0] == [1]


def test_cursors_go_on_until_there_is_none() -> None:
    pages = {
        "limit=100": {"of": [1], "meta": {"next": "b"}},
        "limit=100&cursor=b": {"of": [2], "meta": {"next": ""}},
    }
    assert asked(pages, Cursor("of", next="meta.next"))[0] == [1, 2]


def test_a_page_without_items_may_lack_its_list_and_not_be_the_last() -> None:
    pages = {
        "limit=0": {"next": "b"},
        "limit=0&cursor=b": {"of": [2], "next": "c"},
        "limit=0&cursor=c": {},
    }
    assert asked(pages, Cursor("of", size=0, bare=True))[0] == [2]


@pytest.mark.parametrize("answer", [{"error": "no"}, {"items": []}, [], {"of": None}])
def test_another_answer_is_no_page_without_items(answer: Any) -> None:
    with pytest.raises(Permanent, match="no list"):
        asked({"limit=0": answer}, Cursor("of", size=0, bare=True))


def test_links_are_followed_in_the_header_or_the_body() -> None:
    pages = {"per_page=100": Told([1], "http://x/2"), "http://x/2": Told([2])}
    assert asked(pages, Links())[0] == [1, 2]
    pages = {"per_page=100": {"of": [1], "next": "http://x/2"}, "http://x/2": {"of": [2]}}
    assert asked(pages, Links("of", next="next"))[0] == [1, 2]


@pytest.mark.parametrize(
    ("pager", "pages"),
    [
        (
            Cursor("of"),
            {"limit=100": {"of": [], "next": "a"}, "limit=100&cursor=a": {"of": [], "next": "a"}},
        ),
        (Links(), {"per_page=100": Told([], "http://x/1"), "http://x/1": Told([], "http://x/1")}),
    ],
)
def test_a_circle_ends(pager: Any, pages: Mapping[str, Any]) -> None:
    with pytest.raises(Permanent, match="in circles"):
        asked(pages, pager)
