"""When a description is still believed, and when not."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from rayingest.state.packed import Stored
from rayingest.state.tokens import Window

TODAY = date(2026, 11, 23)
WINDOW = Window(TODAY, 7, "reader")
TABLE = Stored("table", "svc.db.s.t", "hash")


def records(said: str = "then", *more: Stored) -> tuple[Stored, ...]:
    return (*(more or (TABLE,)), WINDOW.kept("svc.db.s.t", said))


def test_the_same_token_is_believed() -> None:
    assert WINDOW.unchanged(records(), "then")


@pytest.mark.parametrize(
    ("written", "token"),
    [
        (records(), "now"),
        ((TABLE,), "then"),
        ((), "then"),
        ((WINDOW.kept("svc.db.s.t", "then"),), "then"),
        (records("then", Stored("table", "svc.db.s.t")), "then"),
        ((TABLE, Stored("token", "svc.db.s.t", "no day at all")), "then"),
        ((TABLE, Stored("token", "svc.db.s.t")), "then"),
    ],
    ids=["another", "none", "nothing", "nothing beside", "content unknown", "broken", "forgotten"],
)
def test_whatever_is_not_sure_is_described(written: tuple[Stored, ...], token: str) -> None:
    assert not WINDOW.unchanged(written, token)


@pytest.mark.parametrize(("days", "believed"), [(-1, False), (0, True), (6, True), (7, False)])
def test_a_description_is_believed_for_some_days(days: int, believed: bool) -> None:
    later = replace(WINDOW, today=TODAY + timedelta(days))
    assert later.unchanged(records(), "then") is believed


def test_with_no_days_nothing_is_believed() -> None:
    assert not replace(WINDOW, days=0).unchanged(records(), "then")


def test_who_reads_with_another_role_believes_nothing() -> None:
    assert not replace(WINDOW, reader="another").unchanged(records(), "then")
