"""Nothing that exists is deleted, and what is gone does not stay for ever."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from rayingest.core.filters import Filters
from rayingest.model import EntityType
from rayingest.state.census import Census
from rayingest.state.deletions import (
    Obstacle,
    Rule,
    Rules,
    Withheld,
    conclude,
    decide,
    passing,
    roaming,
)
from rayingest.state.known import KnownState
from rayingest.state.outcomes import Outcome
from rayingest.state.packed import Stored
from rayingest.state.settling import Candidate, candidates, merge, settle
from rayingest.state.shard import Missing, Shard, name_of

from .world import (
    CHART,
    CHARTS,
    DASHBOARD,
    DASHBOARDS,
    DATABASE,
    DEPENDENCIES,
    FOLDERS,
    PROCEDURE,
    SCHEMA,
    SCHEMAS,
    SCOPES,
    TABLE,
    TABLES,
    Run,
    World,
)

SCOPE = TABLE, "svc.db.s"
FOLDER = DASHBOARD, "f0"


def table(name, content="h"):
    return Stored("table", f"svc.db.s.{name}", content)


def ok(*names):
    """Tables that were listed and written."""
    return {f"svc.db.s.{name}": Outcome("ok", (table(name),)) for name in names}


def told(run="run-2", about="c", scope=SCOPE):
    return {"scope": scope, "run_id": run, "context": about}


def known(*names, missing=(), run="run-1", withheld="", proof="nothing"):
    gone = tuple(
        Missing(f"svc.db.s.{name}", TABLE, f"svc.db.s.{name}", run, withheld) for name in missing
    )
    present = {f"svc.db.s.{name}": (table(name),) for name in names}
    return Shard(*SCOPE, run, "c", present, gone, proof)


def names(found):
    return sorted(each.fqn.removeprefix("svc.db.s.") for each in found)


# --- a scope that was listed completely ---


def test_what_is_not_listed_any_more_is_a_candidate_and_stays_known():
    shard, found = settle(known("a", "b"), ok("a"), **told())
    assert names(found) == ["b"]
    assert list(shard.present) == ["svc.db.s.a"]
    assert [(each.fqn, each.since) for each in shard.missing] == [("svc.db.s.b", "run-2")]
    assert shard.count(TABLE) == 2


def test_a_first_run_has_no_candidates():
    shard, found = settle(None, ok("a", "b"), **told())
    assert found == []
    assert shard.fqns(TABLE) == {"svc.db.s.a", "svc.db.s.b"}


def test_the_run_that_missed_it_first_is_remembered_until_it_is_back():
    shard, _ = settle(known("a", missing=["b"]), ok("a"), **told())
    assert [each.since for each in shard.missing] == ["run-1"]
    shard, found = settle(shard, ok("a", "b"), **told("run-3"))
    assert (shard.missing, found) == ((), [])


def test_what_a_descriptor_does_not_yield_any_more_is_a_candidate():
    two = Outcome("ok", (table("a"), table("a_errors"), Stored("lineage", "edge", "h")))
    shard, _ = settle(None, {"svc.db.s.a": two}, **told("run-1"))
    shard, found = settle(shard, ok("a"), **told())
    assert names(found) == ["a_errors"]
    assert found[0].listed
    assert [each.fqn for each in shard.missing] == ["svc.db.s.a_errors"]


@pytest.mark.parametrize("content", ["h", "new"])
def test_unchanged_is_described_when_it_says_what_it_has(content):
    old = Shard(*SCOPE, "run-1", "c", {"svc.db.s.a": (table("a"), table("x"))})
    shard, found = settle(
        old, {"svc.db.s.a": Outcome("unchanged", (table("a", content),))}, **told()
    )
    assert names(found) == ["x"]
    assert shard.hashes(["svc.db.s.a"], "c") == {"table": {"svc.db.s.a": content}}


def test_a_change_token_keeps_all_that_was_known():
    old = Shard(*SCOPE, "run-1", "c", {"svc.db.s.a": (table("a"), table("x"))})
    shard, found = settle(old, {"svc.db.s.a": Outcome("unchanged")}, **told())
    assert found == []
    assert shard.present == old.present


def test_what_was_skipped_keeps_its_entry():
    """It was listed and gone a moment later: the next listing knows more."""
    shard, found = settle(known("a", "b"), ok("a") | {"svc.db.s.b": Outcome("skipped")}, **told())
    assert found == []
    assert shard.fqns(TABLE, missing=False) == {"svc.db.s.a", "svc.db.s.b"}


@pytest.mark.parametrize("end", ["failed", "quarantined"])
def test_a_member_that_failed_forbids_all_conclusions(end):
    listed = ok("a") | {"svc.db.s.bad": Outcome(end)}
    shard, found = settle(known("a", "b", "bad", missing=["c"]), listed, **told())
    assert (found, candidates(shard)) == ([], [])
    assert names(shard.missing) == ["c"]
    assert shard.fqns(TABLE) == {f"svc.db.s.{name}" for name in ("a", "b", "bad", "c")}


@pytest.mark.parametrize("end", ["failed", "quarantined", "skipped"])
def test_what_ended_badly_may_have_been_written_so_its_hash_does_not_count(end):
    listed = {"svc.db.s.a": Outcome(end, (table("part", "new"),))}
    old = Shard(*SCOPE, "run-1", "c", {"svc.db.s.a": (table("a"), table("part"))})
    shard, _ = settle(old, listed, **told())
    assert shard.hashes(["svc.db.s.a"], "c") == {"table": {"svc.db.s.part": "new"}}
    assert shard.count(TABLE) == 2


def test_what_two_descriptors_yield_is_there_while_one_of_them_is():
    shared = Stored("chart", "svc.c0", "h")
    both = {name: Outcome("ok", (Stored("dashboard", f"svc.{name}", "h"), shared)) for name in "xy"}
    shard, _ = settle(None, both, **told("run-1", scope=FOLDER))
    shard, found = settle(shard, {"x": both["x"]}, **told(scope=FOLDER))
    assert [each.fqn for each in found] == ["svc.y"]
    shard, found = settle(shard, {}, **told("run-3", scope=FOLDER))
    assert sorted(each.fqn for each in found) == ["svc.c0", "svc.x", "svc.y"]


# --- any other scope ---


def test_a_scope_that_was_listed_in_part_learns_and_concludes_nothing():
    old = known("a", "b", missing=["c", "d"], withheld="run-1")
    shard = merge(old, {"svc.db.s.a": Outcome("ok", (table("a", "new"),))} | ok("c", "e"), **told())
    assert candidates(shard) == []
    assert shard.fqns(TABLE, missing=False) == {f"svc.db.s.{name}" for name in "abce"}
    assert shard.hashes(["svc.db.s.a"], "c") == {"table": {"svc.db.s.a": "new"}}
    assert [(each.fqn, each.withheld) for each in shard.missing] == [("svc.db.s.d", "run-1")]


@pytest.mark.parametrize("end", ["ok", "failed", "skipped"])
def test_what_a_listed_descriptor_once_wrote_stays_known_until_a_whole_listing(end):
    """It may yield it again; only a scope without failures can say that it does not."""
    once = Missing("svc.db.s.a", TABLE, "svc.db.s.a_errors", "run-1", "run-1")
    written = (table("a"),) if end == "ok" else ()
    shard = merge(
        replace(known("a"), missing=(once,)), {"svc.db.s.a": Outcome(end, written)}, **told()
    )
    assert shard.missing == ()
    assert shard.fqns(TABLE) == {"svc.db.s.a", "svc.db.s.a_errors"}
    assert "svc.db.s.a_errors" not in shard.hashes(["svc.db.s.a"], "c").get("table", {})


def test_what_is_sighted_is_not_missing_whoever_sighted_it():
    old = Shard(*FOLDER, "run-1", "c", {}, (Missing("y", CHART, "svc.c0", "run-0", "run-0"),))
    sighted = {"x": Outcome("ok", (Stored("chart", "svc.c0", "h"),))}
    assert merge(old, sighted, **told(scope=FOLDER)).missing == ()


def test_hashes_of_another_context_do_not_outlive_it():
    shard = merge(known("a", "b"), ok("a"), **told(about="c2"))
    assert shard.hashes(["svc.db.s.a", "svc.db.s.b"], "c2") == {"table": {"svc.db.s.a": "h"}}
    assert shard.count(TABLE) == 2


def test_a_change_listing_deletes_only_what_it_says_was_removed():
    shard, found = settle(
        known("a", "b", "c", missing=["d"]),
        ok("a"),
        **told(),
        mode="changes",
        removed=["svc.db.s.b", "svc.db.s.unknown"],
    )
    assert names(found) == ["b"]
    assert shard.fqns(TABLE, missing=False) == {"svc.db.s.a", "svc.db.s.c"}
    assert names(shard.missing) == ["b", "d"]


def test_what_was_removed_is_a_candidate_until_it_is_deleted():
    """A change listing says so once; the run that heard it may not be allowed to delete."""
    failing = ok("a") | {"svc.db.s.bad": Outcome("failed")}
    shard, found = settle(
        known("a", "b"), failing, **told(), mode="changes", removed=["svc.db.s.b"]
    )
    assert found == []
    shard, found = settle(shard, {}, **told("run-3"), mode="changes")
    assert names(found) == ["b"]


def test_what_was_removed_and_made_again_is_there():
    listed = ok("a", "b")
    for mode in ("changes", "snapshot"):
        shard, found = settle(known("a", "b"), listed, **told(), mode=mode, removed=["svc.db.s.b"])
        assert (found, shard.missing) == ([], ())


# --- what may be deleted ---


def rules(**more):
    every = {
        "run_id": "run-2",
        "mark_deleted": dict.fromkeys(EntityType, True),
        "keeps": lambda kind, fqn: True,
        "whole": True,
        "listed": {SCOPE},
    }
    return Rules(**every | more)


def census(*shards, members=None, unreadable=()):
    heads = {each.key: each.head() for each in shards}
    ids = {each.key: (*each.present, *(one.id for one in each.missing)) for each in shards}
    parents = {key: each for key, each in ids.items() if key[0] is SCHEMA}
    return Census(heads, parents if members is None else members, DEPENDENCIES, unreadable)


def decided(shard, *others, unreadable=(), **more):
    seen = census(shard, *others, unreadable=unreadable)
    return decide(candidates(shard), rules=rules(**more), census=seen)


def after(present, missing, **more):
    """A scope that had `present + missing` tables in run-1 and lost some in run-2."""
    everything = [f"t{at}" for at in range(present + missing)]
    old = known(*everything[:present], missing=everything[present:], **more)
    return settle(old, ok(*everything[:present]), **told())[0]


def reasons(decision):
    return {(each.rule, each.reason) for each in decision.withheld}


@pytest.mark.parametrize(("present", "missing"), [(1, 5), (54, 5), (54, 6), (90, 10), (900, 100)])
def test_a_few_go_at_once(present, missing):
    decision = decided(after(present, missing))
    assert (len(decision.delete), decision.withheld) == (missing, [])


@pytest.mark.parametrize(("present", "missing"), [(1, 6), (53, 6), (89, 10), (899, 100)])
def test_many_at_once_wait_for_a_second_look(present, missing):
    shard = after(present, missing)
    decision = decided(shard)
    assert decision.delete == []
    ((rule, reason),) = reasons(decision)
    assert rule is Rule.MANY
    assert f"{missing} of {present + missing} table entities in svc.db.s" in reason
    marked = conclude(shard, run_id="run-2", withheld=decision.withheld)
    assert {each.withheld for each in marked.missing} == {"run-2"}
    listed = {key: Outcome("ok", each) for key, each in marked.present.items()}
    same, _ = settle(marked, listed, **told("run-2"))
    assert decided(same).delete == [], "a resumed run is not a second one"
    later, _ = settle(marked, listed, **told("run-3"))
    assert len(decided(later, run_id="run-3").delete) == missing


def test_what_is_missed_for_the_first_time_waits_though_its_neighbours_are_confirmed():
    old = known(*"abcdefghijk", missing=["x1", "x2", "x3", "x4", "x5"], withheld="run-1")
    shard, _ = settle(old, ok(*"bcdefghijk"), **told())
    decision = decided(shard)
    assert names(each.candidate for each in decision.delete) == ["x1", "x2", "x3", "x4", "x5"]
    assert names(each.candidate for each in decision.withheld) == ["a"]


def test_having_been_missing_is_not_having_been_withheld():
    """Runs that could not have deleted it (an option was off) do not count as a look."""
    shard = after(1, 6, run="run-0")
    first = decided(shard, mark_deleted={})
    assert {each.rule for each in first.withheld} == {Rule.OPTION}
    assert conclude(shard, run_id="run-2", withheld=first.withheld) is shard
    assert {each.rule for each in decided(shard).withheld} == {Rule.MANY}


def test_a_scope_that_lists_empty_waits_for_a_second_look():
    shard = after(0, 1)
    assert {rule for rule, _ in reasons(decided(shard))} == {Rule.EMPTIED}
    confirmed = after(0, 1, withheld="run-1")
    assert len(decided(confirmed).delete) == 1


@pytest.mark.parametrize("allow", [False, True])
def test_a_source_that_hides_needs_a_persons_word(allow):
    decision = decided(after(9, 1), hides=True, allow_deletions=allow)
    assert len(decision.delete) == allow
    assert {rule for rule, _ in reasons(decision)} == (set() if allow else {Rule.HIDDEN})


def test_a_persons_word_does_not_replace_the_second_look():
    """It may stand in a crontab, where a revoked right would empty the catalogue."""
    decision = decided(after(1, 6), hides=True, allow_deletions=True)
    assert {rule for rule, _ in reasons(decision)} == {Rule.MANY}


@pytest.mark.parametrize("obstacle", Obstacle)
def test_such_a_run_deletes_nothing_at_all(obstacle):
    shard = after(9, 2, withheld="run-1")
    decision = decided(shard, obstacle=obstacle, hides=True, allow_deletions=True)
    assert decision.delete == []
    assert len(decision.withheld) == 2
    assert {rule for rule, _ in reasons(decision)} == {Rule.RUN}
    assert conclude(shard, run_id="run-2", withheld=decision.withheld) is shard


def test_only_a_stopped_run_saw_whole_scopes():
    assert [each for each in Obstacle if not each.partial] == [Obstacle.STOPPED]


def test_types_that_are_not_to_be_deleted_are_not():
    ((rule, reason),) = reasons(decided(after(9, 1), mark_deleted={SCHEMA: True}))
    assert rule is Rule.OPTION
    assert "markDeletedTables is off" in reason


def test_what_todays_filters_leave_out_is_not_gone():
    filters = Filters.from_options({"tableFilterPattern": {"excludes": ["t9"]}})
    ((rule, _),) = reasons(decided(after(9, 1), keeps=passing(filters)))
    assert rule is Rule.FILTER


@pytest.mark.parametrize(
    ("kind", "fqn", "kept"),
    [
        (TABLE, "svc.db.s.orders", True),
        (TABLE, 'svc.db.s."tmp.x"', False),
        (TABLE, 'svc.db.s."unbalanced', False),
        (SCHEMA, "svc.db.tmp", True),
        (DASHBOARD, "svc.42", False),
        (CHART, "svc.42", True),
    ],
)
def test_only_what_surely_passes_the_filters_does(kind, fqn, kept):
    """A dashboard is filtered by its title, which its FQN does not tell."""
    excludes = {"excludes": ["tmp"]}
    filters = Filters.from_options(
        {"tableFilterPattern": excludes, "dashboardFilterPattern": excludes}
    )
    assert passing(filters)(kind, fqn) is kept


def test_fqns_are_judged_where_the_user_said_so():
    options = {"tableFilterPattern": {"includes": ["svc.db"]}, "useFqnForFiltering": True}
    assert passing(Filters.from_options(options))(TABLE, "svc.db.s.t")


def test_a_descriptor_that_is_filtered_out_takes_nothing_along():
    """Its charts have no filter of their own, but they are not listed because of its."""
    old = Shard(
        *FOLDER,
        "run-1",
        "c",
        {"x": (Stored("chart", "svc.c0"),), "y": (Stored("chart", "svc.c1"),)},
    )
    shard, _ = settle(old, {"y": Outcome("ok", old.present["y"])}, **told(scope=FOLDER))
    filters = Filters.from_options({"dashboardFilterPattern": {"excludes": ["X"]}})
    assert {rule for rule, _ in reasons(decided(shard, keeps=passing(filters)))} == {Rule.FILTER}
    assert len(decided(shard).delete) == 1


# --- containers ---


def schema(*names, missing=(), run="run-2", **more):
    def one(name):
        return f"svc.db.{name}"

    present = {one(name): (Stored("databaseSchema", one(name), "h"),) for name in names}
    gone = tuple(Missing(one(name), SCHEMA, one(name), run, **more) for name in missing)
    return Shard(*DATABASE, run, "c", present, gone, "absence")


def tables(name, number, run="run-1"):
    scope = f"svc.db.{name}"
    present = {f"{scope}.t{at}": (Stored("table", f"{scope}.t{at}", "h"),) for at in range(number)}
    return Shard(TABLE, scope, run, "c", present, (), "absence")


TWENTY = [f"s{at}" for at in range(20)]


def test_a_container_takes_along_what_is_below_it():
    below = [tables(name, 3) for name in TWENTY]
    decision = decided(schema(*TWENTY[1:], missing=["s0"]), *below)
    (deletion,) = decision.delete
    assert deletion.candidate.fqn == "svc.db.s0"
    assert deletion.below == {(TABLE, "svc.db.s0")}


def test_what_is_below_a_container_counts():
    """One schema of twenty, but 40 % of all tables."""
    below = [tables("s0", 40), *(tables(name, 3) for name in TWENTY[1:])]
    decision = decided(schema(*TWENTY[1:], missing=["s0"]), *below)
    ((rule, reason),) = reasons(decision)
    assert rule is Rule.MANY
    assert "40 of 97 table entities in svc.db" in reason
    confirmed = schema(*TWENTY[1:], missing=["s0"], withheld="run-1")
    assert len(decided(confirmed, *below).delete) == 1


def test_what_is_below_is_found_at_any_depth():
    top = Shard(
        EntityType.DATABASE,
        "svc",
        "run-2",
        "c",
        {"svc.other": ()},
        (Missing("svc.db", EntityType.DATABASE, "svc.db", "run-2"),),
        "absence",
    )
    others = [schema("s", run="run-1"), tables("s", 4), tables("s2", 1)]
    depends = {SCHEMA: EntityType.DATABASE, TABLE: SCHEMA}
    heads = {each.key: each.head() for each in (top, *others)}
    seen = Census(heads, {DATABASE: ("svc.db.s",)}, depends)
    (candidate,) = candidates(top)
    below = seen.below(candidate)
    assert below.scopes == {DATABASE, (TABLE, "svc.db.s"), (TABLE, "svc.db.s2")}
    assert below.counts == {"databaseSchema": 1, "table": 5}


def test_scopes_that_are_not_named_by_fqns_are_found_by_descriptor():
    container = EntityType.CONTAINER
    heads = [
        Shard(container, "root", "r", "c", {}, (Missing("7", container, "svc.x", "r"),), "absence"),
        Shard(container, "7", "r", "c", {"8": (Stored("container", "svc.x.y"),)}),
        Shard(container, "8", "r", "c", {"9": (Stored("container", "svc.x.y.z"),)}),
        Shard(container, "9", "r", "c", {"8": (Stored("container", "svc.x.y"),)}),
        Shard(TABLE, "8", "r", "c", {"1": (Stored("table", "svc.t"),)}),
    ]
    members = {each.key: tuple(each.present) for each in heads if each.type is container}
    seen = Census({each.key: each.head() for each in heads}, members, {container: container})
    below = seen.below(candidates(heads[0])[0])
    assert below.scopes == {(container, name) for name in "789"}
    assert below.counts == {"container": 3}


def test_a_container_is_not_deleted_when_its_children_may_not_be():
    shard = schema("s1", missing=["s0"])
    decision = decided(shard, tables("s0", 1), mark_deleted={SCHEMA: True})
    ((rule, reason),) = reasons(decision)
    assert rule is Rule.OPTION
    assert "markDeletedTables is off" in reason
    assert len(decided(shard, mark_deleted={SCHEMA: True}).delete) == 1


def test_a_container_is_not_deleted_when_something_in_it_was_listed():
    """It was made again between two listings of the same run."""
    shard = schema("s1", missing=["s0"], withheld="run-1")
    decision = decided(shard, tables("s0", 1), listed={(TABLE, "svc.db.s0")})
    assert {rule for rule, _ in reasons(decision)} == {Rule.BELOW}


def test_a_container_that_is_listed_but_not_described_as_such_is_kept():
    old = schema("s0", run="run-1")
    shard, found = settle(old, {"svc.db.s0": Outcome("ok")}, **told(scope=DATABASE))
    assert found[0].listed
    assert {rule for rule, _ in reasons(decided(shard, tables("s0", 1)))} == {Rule.BELOW}
    assert len(decided(shard).delete) == 1


@pytest.mark.parametrize("name", [name_of(TABLE, "svc.db.s0"), name_of(PROCEDURE, "svc.db.s0")])
def test_a_container_is_not_deleted_when_what_is_below_it_cannot_be_read(name):
    shard = schema("s1", missing=["s0"], withheld="run-1")
    decision = decided(shard, unreadable={name})
    assert {rule for rule, _ in reasons(decision)} == {Rule.BELOW}
    assert len(decided(shard, unreadable={name_of(TABLE, "svc.db.s1")}).delete) == 1


def test_what_goes_with_its_container_is_not_told_twice():
    """The tables' listing was empty, the schemas' listing had no such schema."""
    shard = schema("s1", missing=["s0"])
    empty, below = settle(tables("s0", 2), {}, **told(scope=(TABLE, "svc.db.s0")))
    found = [*candidates(shard), *below]
    decision = decide(found, rules=rules(), census=census(shard, empty))
    assert [each.candidate.fqn for each in decision.delete] == ["svc.db.s0"]
    assert (decision.withheld, decision.moved) == ([], [])
    kept = decide(found, rules=rules(mark_deleted={TABLE: True}), census=census(shard, empty))
    assert {each.rule for each in kept.withheld} == {Rule.OPTION, Rule.EMPTIED}


def test_a_scope_that_was_not_listed_has_no_candidates():
    """Its container is still there: nobody knows."""
    shard = schema("s0", "s1")
    assert candidates(shard) == []
    assert candidates(replace(tables("s0", 2), proof="nothing")) == []


# --- what may live elsewhere ---


def dashboards(folder, *present, missing=(), **more):
    gone = tuple(Missing(name, DASHBOARD, f"svc.{name}", "run-2", **more) for name in missing)
    here = {name: (Stored("dashboard", f"svc.{name}", "h"),) for name in present}
    return Shard(DASHBOARD, folder, "run-2", "c", here, gone, "absence")


def test_only_what_may_be_in_another_scope_is_looked_for():
    found = [*candidates(after(9, 1)), *candidates(dashboards("f0", "a", missing=["b"]))]
    assert roaming(found) == {("dashboard", "svc.b")}


@pytest.mark.parametrize(
    ("kind", "fqn", "home"),
    [
        (TABLE, "svc.db.s.t", True),
        (TABLE, 'svc.db.s."a.b"', True),
        (TABLE, "svc.db.s.t.deeper", False),
        (TABLE, "svc.db.other.t", False),
        (TABLE, 'svc.db.s."t', False),
        (CHART, "svc.db.s.t", False),
    ],
)
def test_at_home_is_what_its_scope_lists_directly_below_it(kind, fqn, home):
    assert Candidate(SCOPE, "x", kind, fqn).at_home is home


def test_what_has_moved_is_not_deleted_and_not_missing_any_more():
    shard = dashboards("f0", "a", missing=["b"], withheld="run-1")
    decision = decided(shard, elsewhere={("dashboard", "svc.b")})
    assert (decision.delete, decision.withheld) == ([], [])
    assert conclude(shard, run_id="run-2", gone=decision.moved).missing == ()


def test_what_may_have_moved_where_nobody_looked_is_kept():
    shard = dashboards("f0", "a", missing=["b"], withheld="run-1")
    assert {rule for rule, _ in reasons(decided(shard, whole=False))} == {Rule.MOVED}
    assert len(decided(shard, whole=True).delete) == 1
    assert len(decided(after(9, 1), whole=False).delete) == 1


# --- concluding ---


def test_what_is_deleted_is_forgotten_and_nothing_else():
    shard = after(9, 3)
    gone = decided(shard).delete[1].candidate
    kept = conclude(shard, run_id="run-2", gone=[gone])
    assert names(kept.missing) == ["t10", "t9"]
    assert kept.present == shard.present
    other = replace(shard, scope="svc.db.other")
    assert conclude(other, run_id="run-2", gone=[gone]) is other


def test_the_first_look_is_the_one_that_is_remembered():
    shard = after(1, 6, withheld="run-1")
    again = [Withheld(each, Rule.MANY, ".") for each in candidates(shard)]
    assert conclude(shard, run_id="run-2", withheld=again) is shard


def test_every_reason_is_a_sentence_that_says_what_to_do():
    every = [
        decided(after(0, 1)),
        decided(after(1, 6)),
        decided(after(9, 1), hides=True),
        decided(after(9, 1), mark_deleted={}),
        decided(after(9, 1), keeps=lambda kind, fqn: False),
        decided(dashboards("f0", "a", missing=["b"]), whole=False),
        decided(schema("s1", missing=["s0"]), tables("s0", 1), listed={(TABLE, "svc.db.s0")}),
        *(decided(after(9, 1), obstacle=each) for each in Obstacle),
    ]
    said = {reason for decision in every for _, reason in reasons(decision)}
    assert len(said) == len(every)
    todo = ("run", "switch", "look", "widen", "check")
    assert all(each.endswith(".") and any(word in each for word in todo) for each in said)


# --- any story at all ---

EXAMPLES = settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
MANY = settings(EXAMPLES, max_examples=500)

schemas = st.sampled_from(SCHEMAS)
tables_ = st.sampled_from(TABLES)
dashboard = st.sampled_from(DASHBOARDS)
folders = st.sampled_from(FOLDERS)
changes = st.one_of(
    st.tuples(st.just("create_schema"), schemas, st.sampled_from((0, 1, 4, 12, 26))),
    st.tuples(st.just("drop_schema"), schemas),
    st.tuples(st.sampled_from(("create", "alter", "revert", "drop")), schemas, tables_),
    st.tuples(st.just("drop_many"), schemas, st.integers(0, 10), st.integers(2, 26)),
    st.tuples(st.just("put_dashboard"), folders, dashboard, st.frozensets(st.sampled_from(CHARTS))),
    st.tuples(st.just("drop_dashboard"), dashboard),
)
members = st.sampled_from((*SCHEMAS, *TABLES[:6], "p0", *DASHBOARDS[:4]))
ends = st.sampled_from(("failed", "quarantined", "skipped", "token"))


scopes = st.one_of(
    st.sampled_from(("schemas", "dashboards f0", "dashboards f1")), st.sampled_from(SCOPES)
)


def troubles(world):
    """Field of a run -> what may go wrong there."""
    some = {"min_size": 1, "max_size": 3}
    found = {
        "listings": st.dictionaries(scopes, st.sampled_from(("incomplete", "error")), **some),
        "members": st.dictionaries(members, ends, min_size=1, max_size=8),
        "changes": st.frozensets(schemas, min_size=1),
        "off": st.frozensets(st.sampled_from((SCHEMA, TABLE, CHART)), **some),
        "excluded": st.frozensets(members, **some),
        "obstacle": st.sampled_from(Obstacle),
        "crash_at": st.integers(0, 9),
        "crash_before_decision": st.just(True),
        "torn": st.just(frozenset({*SCHEMAS, *TABLES})),
        "context": st.just("m2"),
    }
    return found | ({"revoked": st.frozensets(schemas, **some)} if world.hides else {})


def runs(world):
    """Without any trouble, with one, or with all kinds at once."""
    every = {
        "config": st.integers(0, world.configs - 1),
        "allow": st.booleans(),
        "stop_at": st.integers(0, 9),
    }
    possible = troubles(world)
    one = [st.builds(Run, **every, **{name: each}) for name, each in possible.items()]
    return st.one_of(
        st.builds(Run, **every), st.one_of(one), st.builds(Run, **every, **maybe(possible))
    )


def maybe(possible):
    default = Run()
    return {
        name: st.one_of(st.just(getattr(default, name)), each) for name, each in possible.items()
    }


worlds = st.builds(
    World,
    configs=st.sampled_from((1, 1, 2)),
    one_key=st.booleans(),
    hides=st.sampled_from((False, False, True)),
)


def clean(world, config):
    return world.run(Run(config=config, allow=True))


def check(data):
    """A story; its every decision is judged by the world. Then two whole runs set all right."""
    world = data.draw(worlds)
    for schema_, number in zip(SCHEMAS, (26, 12, 4, 1), strict=True):
        world.source.create_schema(schema_, number)
    for at, name in enumerate(DASHBOARDS):
        world.source.put_dashboard(FOLDERS[at % 2], name, frozenset(CHARTS[: at % 3]))
    for config in range(world.configs):
        clean(world, config)
    world.seen.clear()
    assert {*world.source.entities()} == {*world.sink}
    for happening, run in data.draw(
        st.lists(st.tuples(st.lists(changes, max_size=4), runs(world)), min_size=2, max_size=7)
    ):
        for each in happening:
            world.source.change(*each)
        world.run(run)
    for each in world.seen:
        event(str(each))
    for config in range(world.configs):
        clean(world, config)
        clean(world, config)
    existing = world.source.entities()
    for key, version in existing.items():
        assert world.sink.get(key) == (f"h{version}", "m1"), f"{key} is not as it should be"
    left = {each for each in world.sink if each not in existing and not excused(world, each)}
    assert left == set(), "it is gone, and two whole runs have seen that"


def excused(world, key):
    """What no state could know of, and dashboards where every run of a config leaves something out."""
    kind, fqn = key
    unknown = any(fqn == each or fqn.startswith(f"{each}.") for _, each in world.lost)
    return unknown or (world.configs > 1 and kind in (DASHBOARD.value, CHART.value))


@EXAMPLES
@given(st.data())
def test_nothing_that_exists_is_deleted_and_what_is_gone_does_not_stay(data):
    check(data)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@MANY
@given(st.data())
def test_nothing_that_exists_is_deleted_and_what_is_gone_does_not_stay_in_many_worlds(data):
    check(data)


def test_a_run_without_any_trouble_deletes_what_vanished():
    """The world itself is no bystander: its stories do lead to deletions."""
    world = World()
    for name in SCHEMAS:
        world.source.create_schema(name, 26)
    clean(world, 0)
    world.source.drop("s0", "t3")
    world.source.drop_many("s1", 0, 20)
    world.source.drop_schema("s2")
    first = clean(world, 0)
    assert [each.candidate.fqn for each in first.delete] == ["svc.db.s0.t3"]
    assert {each.rule for each in first.withheld} == {Rule.MANY}
    second = clean(world, 0)
    assert len(second.delete) == 21
    assert {*world.sink} == {*world.source.entities()}
    assert clean(world, 0).delete == []


def test_a_deletion_whose_answer_was_lost_does_not_hide_what_is_made_again():
    """The schema's tables went with it; made again as they were, they are written again."""
    world = World()
    world.source.create_schema("s0", 4)
    world.source.create_schema("s1", 4)
    clean(world, 0)
    world.source.drop_schema("s0")
    assert len(world.run(Run(torn=frozenset({"s0"}))).delete) == 1
    world.source.create_schema("s0", 4)
    clean(world, 0)
    assert {*world.sink} == {*world.source.entities()}


@pytest.mark.parametrize("one_key", [False, True])
def test_configs_with_disjoint_filters_do_not_delete_one_anothers(one_key):
    """With different names they know nothing of each other; with one, the filters tell."""
    world = World(configs=2, one_key=one_key)
    for name in SCHEMAS:
        world.source.create_schema(name, 4)
    for number in range(8):
        decision = clean(world, number % 2)
        assert decision.delete == []
        assert {each.rule for each in decision.withheld} <= ({Rule.FILTER} if one_key else set())
    assert {*world.sink} == {*world.source.entities()}
    assert world.seen[Rule.FILTER] == (7 * 2 if one_key else 0)


def test_a_state_is_kept_per_config(tmp_path):
    for config in ("a", "b"):
        state = KnownState.open(str(tmp_path), "svc", "sink", config)
        assert state.load(*SCOPE) is None
        state.commit(known(config))
    assert len({*tmp_path.glob("svc/state/*")}) == 2
