"""An edge goes when its view has told all that it reads, and not that; and stays in every doubt."""

import pytest

from rayingest.model import EntityType
from rayingest.state.deletions import Rule
from rayingest.state.edges import Left, decide, held_elsewhere, left, number, without
from rayingest.state.outcomes import Outcome, Outcomes
from rayingest.state.packed import EDGE, LEFT, Stored
from rayingest.state.settling import merge, settle

SCOPE = EntityType.TABLE, "svc.db.s"
VIEW = "svc.db.s.v"
ABOUT = {"scope": SCOPE, "run_id": "run", "context": "c"}


def edges(*sources, content="h"):
    return tuple(Stored(EDGE, f"svc.db.s.{each} -> {VIEW}", content) for each in sources)


def told(*sources, whole=True, status="ok"):
    return Outcomes({VIEW: Outcome(status, edges(*sources), whole)})


def known(outcomes, before=None, mode="changes"):
    return settle(before, outcomes, mode=mode, **ABOUT)[0]


def names(found):
    return [(each.fqn.partition(" ->")[0].removeprefix("svc.db.s."), each.again) for each in found]


@pytest.mark.parametrize("mode", ["changes", "snapshot"])
def test_what_a_view_does_not_tell_any_more_is_left(mode):
    first = known(told("a", "b"), mode=mode)
    now = known(told("a"), first, mode)
    assert now.present[VIEW] == (*edges("a"), *edges("b", content=LEFT))
    assert names(left(first, now, told("a"))) == [("b", False)]
    assert "svc.db.s.b -> " not in str(now.hashes([VIEW], "c"))


@pytest.mark.parametrize("mode", ["changes", "snapshot"])
def test_it_is_known_until_it_is_gone_and_missed_again_in_the_next_run(mode):
    first = known(told("a", "b"), mode=mode)
    now = known(told("a"), first, mode)
    again = known(told("a"), now, mode)
    (edge,) = left(now, again, told("a"))
    assert edge.again
    after = without(again, [edge])
    assert after.present[VIEW] == edges("a")
    assert left(again, known(told("a"), after, mode), told("a")) == []


@pytest.mark.parametrize("mode", ["changes", "snapshot"])
def test_a_view_that_has_not_told_all_leaves_nothing_and_forgets_nothing(mode):
    first = known(told("a", "b"), mode=mode)
    doubtful = told("a", whole=False)
    now = known(doubtful, first, mode)
    assert left(first, now, doubtful) == []
    assert set(now.present[VIEW]) == {*edges("a"), *edges("b")}
    assert names(left(now, known(told("a"), now, mode), told("a"))) == [("b", False)]


def test_what_it_tells_again_is_left_no_more():
    first = known(told("a", "b"))
    now = known(told("a", "b"), known(told("a"), first))
    assert now.present[VIEW] == edges("a", "b")
    assert left(first, now, told("a", "b")) == []


def test_a_view_that_failed_or_was_not_asked_leaves_nothing():
    first = known(told("a"))
    for outcomes in (told(status="failed"), told(status="skipped"), told(status="unchanged")):
        assert left(first, merge(first, outcomes, **ABOUT), outcomes) == []


def test_other_facts_are_as_they_were():
    usage = Stored("usage", "u", "h")
    first = known(Outcomes({VIEW: Outcome("ok", (usage, *edges("a")), whole=True)}))
    now = known(told(), first, "snapshot")
    assert now.present[VIEW] == edges("a", content=LEFT)


def test_what_another_descriptor_has_too_is_held():
    shard = known(Outcomes({VIEW: Outcome("ok", edges("a", "b")), "r": Outcome("ok", edges("b"))}))
    found = [Left(SCOPE, VIEW, each.fqn) for each in edges("a", "b")]
    assert held_elsewhere([shard], found) == {edges("b")[0].fqn}
    assert number(shard) == 3


@pytest.mark.parametrize(
    ("fresh", "of", "goes"), [(5, 6, 5), (6, 60, 6), (6, 59, 0), (6, 6, 0), (0, 0, 0)]
)
def test_many_at_once_wait_and_those_that_were_missed_before_go(fresh, of, goes):
    old = Left(SCOPE, VIEW, "old", again=True)
    found = [old, *(Left(SCOPE, VIEW, str(each)) for each in range(fresh))]
    go, kept = decide(found, {SCOPE: of}, planned=False)
    assert old in go
    assert len(go) == goes + 1
    assert [(each.rule, len(each.edges)) for each in kept] == (
        [(Rule.MANY, fresh)] if goes < fresh else []
    )


def test_a_plan_holds_all_of_them_back():
    found = [Left(SCOPE, VIEW, "x", again=True)]
    go, (kept,) = decide(found, {SCOPE: 1}, planned=True)
    assert (go, kept.rule, kept.edges) == ([], Rule.PLAN, found)
    assert decide([], {}, planned=True) == ([], [])
