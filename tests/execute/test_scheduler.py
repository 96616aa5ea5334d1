"""The scheduler in single, telling moments; what holds always is in test_scheduler_properties."""

from collections.abc import Iterator

import pytest

from rayingest.core.sink import Row
from rayingest.core.source import Batching, Described, EntityDescriptor, ScopeListed, ScopeOpened
from rayingest.errors import Retryable, Unauthorised
from rayingest.execute.events import (
    Chunk,
    Deferred,
    Dispatch,
    Found,
    Later,
    Listing,
    ListingEnded,
    Read,
    ReplaceWorker,
    Result,
    Settled,
    SinkState,
    StartListing,
    Why,
    WorkerLost,
    WorkerReady,
    Written,
)
from rayingest.execute.plan import Plan, RetryPolicy
from rayingest.execute.replay import Replay
from rayingest.execute.scheduler import Scheduler
from rayingest.model import EntityType

TABLE, PROCEDURE, CONTAINER = EntityType.TABLE, EntityType.STORED_PROCEDURE, EntityType.CONTAINER
SERVICE = EntityType.DATABASE_SERVICE
BUSY = Why("Retryable", "busy")


def table(name: str, **fields: object) -> EntityDescriptor:
    return EntityDescriptor(TABLE, name, "s", "b", **fields)


def scheduler(*given: EntityDescriptor, **plan: object) -> Scheduler:
    """One worker with ten slots, and these entities to process."""
    batching = {TABLE: Batching(1, 10)}
    made = Scheduler(Plan((), batching=batching, given=given, **{"parallelism": 1} | plan))
    made.handle(WorkerReady(1, 10), 0.0)
    return made


def dispatches(made: Scheduler) -> list[Dispatch]:
    actions, made.actions = made.actions, []
    return [each for each in actions if isinstance(each, Dispatch)]


def read(dispatch: Dispatch, *ended: Result, **fields: object) -> Read:
    return Read(dispatch.id, dispatch.worker, list(ended), [], 1.0, 1, **fields)


def answers(made: Scheduler, status: str, now: float) -> Iterator[list[str]]:
    """Answer every dispatch with this status, as long as any come now."""
    made.handle(None, now)
    while sent := dispatches(made):
        for each in sent:
            yield [item.id for item in each.chunk.items]
            results = [Result(item.id, status, BUSY) for item in each.chunk.items]
            made.handle(read(each, *results), now)


def test_the_last_attempt_is_made_alone() -> None:
    made = scheduler(table("a"), table("b"), table("c"))
    asked = [list(answers(made, "retry", now)) for now in (0.0, 2.0, 10.0)]
    assert [sorted(map(len, each)) for each in asked] == [[3], [3], [1, 1, 1]]
    assert made.done
    assert [each.attempts for _, _, each in made.books.ended] == [3, 3, 3]


def test_what_a_source_has_begun_is_recorded_before_anything_else_is_asked() -> None:
    """The first time, and whenever it is another job; not each time that it is asked after."""
    made = scheduler(table("a"))
    told = []
    for at, batch in enumerate(("b", "b", "job 1", "job 1", "job 2")):
        made.handle(None, float(at))
        (sent,) = dispatches(made)
        again = EntityDescriptor(TABLE, "a", "s", batch, {"asked": str(at)})
        made.handle(read(sent, pending=[Later(again, 0.5)]), float(at))
        told.append(made.books.begun)
        made.books.begun = False
    assert told == [True, False, True, False, True]


def test_even_with_one_attempt_nobody_fails_in_company() -> None:
    made = scheduler(table("a"), table("b"), retry=RetryPolicy(1))
    assert [sorted(map(len, answers(made, "retry", now))) for now in (0.0, 5.0)] == [[2], [1, 1]]
    assert {each.status for _, _, each in made.books.ended} == {"failed"}


def test_an_entity_that_fails_alone_at_its_only_attempt_is_not_tried_again() -> None:
    made = scheduler(table("a"), retry=RetryPolicy(1))
    list(answers(made, "retry", 0.0))
    assert [(each.status, each.attempts) for _, _, each in made.books.ended] == [("failed", 1)]


def test_attempts_count_the_one_that_ended_it() -> None:
    made = scheduler(table("a"))
    list(answers(made, "retry", 0.0))
    made.handle(None, 2.0)
    list(answers(made, "failed", 2.0))
    assert [each.attempts for _, _, each in made.books.ended] == [2]


@pytest.mark.parametrize(
    ("attempt", "wait", "delay"), [(1, None, 1), (2, None, 2), (9, None, 30), (1, 7.0, 7)]
)
def test_delays_double_up_to_the_backoff_unless_the_source_says_how_long(
    attempt: int, wait: float | None, delay: float
) -> None:
    assert RetryPolicy().delay(attempt, wait) == delay


def test_what_never_returns_costs_two_threads_however_many_it_was_asked_with() -> None:
    made = scheduler(*(table(f"t{at}") for at in range(10)))
    (whole,) = dispatches(made)
    made.handle(
        read(whole, *(Result(each.id, "hung") for each in whole.chunk.items), abandoned=True), 0
    )
    alone = 0
    while sent := dispatches(made):
        (one,) = sent
        (item,) = one.chunk.items
        alone += 1
        hung = item.id == "t3"
        made.handle(read(one, Result(item.id, "hung" if hung else "skipped"), abandoned=hung), 0)
    assert alone == 10
    assert made.retired == 2
    assert {each.id for _, _, each in made.books.ended if each.status == "failed"} == {"t3"}


def test_work_for_a_worker_that_died_before_it_was_sent_blames_nobody() -> None:
    made = scheduler(table("a"))
    made.handle(WorkerLost(1, blame=True), 0.0)
    assert dispatches(made) == []
    made.handle(WorkerReady(2, 1), 0.0)
    (sent,) = dispatches(made)
    assert not sent.chunk.suspect


def test_a_worker_that_found_the_sink_down_takes_its_word_to_the_grave() -> None:
    made = scheduler(table("a"), table("b"), parallelism=2)
    made.handle(SinkState(1, Why("SinkDown", "503")), 0.0)
    made.handle(WorkerLost(1, blame=True), 0.0)
    assert made.sink_down is None


def test_the_sink_is_down_as_long_as_any_worker_says_so() -> None:
    made = scheduler()
    made.handle(SinkState(1, Why("SinkDown", "503")), 0.0)
    made.handle(SinkState(2, Why("SinkDown", "401")), 0.0)
    made.handle(SinkState(1, None), 0.0)
    assert made.sink_down == Why("SinkDown", "401")


def test_a_deferred_row_that_kills_three_workers_is_refused_and_both_books_balance() -> None:
    made = scheduler(table("a"))
    (sent,) = dispatches(made)
    row = Row("table", "a", b"{}", "", b"", ("b",))
    made.handle(read(sent, emitted={"table": 1}), 0.0)
    made.handle(Settled(sent.id, [], [Deferred("a", [row])]), 0.0)
    made.second_wave([Chunk("deferred", TABLE, block=[Deferred("a", [row])])])
    for worker in (1, 2, 3):
        made.handle(None, 0.0)
        assert len(dispatches(made)) == 1
        made.handle(WorkerLost(worker, blame=True), 0.0)
        made.handle(WorkerReady(worker + 1, 1), 0.0)
    assert [each.status for _, _, each in made.books.ended] == ["failed"]
    assert made.ledger.imbalances() == []
    assert made.done


def test_types_that_no_plan_names_do_not_share_a_chunk() -> None:
    made = scheduler(table("a"), EntityDescriptor(PROCEDURE, "p", "s", "b"), parallelism=5)
    assert {each.chunk.type for each in dispatches(made)} == {TABLE, PROCEDURE}


def test_what_a_listing_described_waits_for_its_parent_too() -> None:
    schema = EntityType.DATABASE_SCHEMA
    made = Scheduler(Plan((schema, TABLE), {TABLE: schema}, {TABLE: schema}, parallelism=9))
    made.handle(WorkerReady(1, 9), 0.0)
    listing = Listing(schema, None)
    parent = EntityDescriptor(schema, "s")
    made.handle(Found(listing, [parent, Described(table("a"), ())]), 0.0)
    made.handle(ListingEnded(listing), 0.0)
    (first,) = dispatches(made)
    assert first.chunk.items == [parent]
    made.handle(read(first), 0.0)
    made.handle(Settled(first.id, [Result("s", "ok")]), 0.0)
    assert [each.chunk.kind for each in dispatches(made)] == ["write"]


def test_containers_wait_for_the_container_they_are_in_and_the_outermost_for_the_service() -> None:
    root = Described(EntityDescriptor(SERVICE, "svc"), ())
    made = Scheduler(Plan((CONTAINER,), {CONTAINER: CONTAINER}, root=root, parallelism=9))
    made.handle(WorkerReady(1, 9), 0.0)
    outer, inner = EntityDescriptor(CONTAINER, "o", "svc"), EntityDescriptor(CONTAINER, "i", "o")
    made.handle(Found(Listing(CONTAINER, None), [inner, outer]), 0.0)
    made.handle(ListingEnded(Listing(CONTAINER, None)), 0.0)
    order = []
    while sent := dispatches(made):
        (one,) = sent
        order += [each.id for each in one.chunk.items]
        made.handle(read(one), 0.0)
        made.handle(Settled(one.id, [Result(each.id, "ok") for each in one.chunk.items]), 0.0)
    assert order == ["svc", "o", "i"]


def test_what_a_process_may_have_died_of_waits_for_a_worker_of_its_own() -> None:
    before = Replay(apart=frozenset([(TABLE, "a"), (TABLE, "b"), (TABLE, "c")]))
    made = scheduler(*map(table, "abcd"), before=before, parallelism=9)
    made.handle(None, 1.0)
    (plain,) = dispatches(made)
    assert [each.id for each in plain.chunk.items] == ["d"]

    made.handle(WorkerReady(2, 1, apart=True), 2.0)
    (suspected,) = dispatches(made)
    assert (suspected.worker, suspected.chunk.suspect) == (2, True)
    assert [each.id for each in suspected.chunk.items] == ["a", "b", "c"]

    made.handle(read(suspected, *(Result(each, "retry", BUSY) for each in "abc")), 3.0)
    made.handle(None, 9.0)
    (again,) = dispatches(made)
    assert again.worker == 2, "what comes back stays apart"
    assert not made.done


def test_a_drained_worker_is_replaced_and_gets_no_suspects() -> None:
    made = scheduler(table("a"), table("b", priority=1), parallelism=2, replaceable=True)
    one, two = dispatches(made)
    made.handle(read(one, Result(one.chunk.items[0].id, "hung"), abandoned=True), 0.0)
    made._work.suspects.append(Chunk("process", TABLE, "b", [table("c")], suspect=True))
    made.handle(read(two, Result(two.chunk.items[0].id, "skipped")), 0.0)
    assert made.actions == [ReplaceWorker(1)]


def test_an_unauthorised_source_ends_the_run_at_once_and_a_denied_scope_does_not() -> None:
    made = Scheduler(Plan((TABLE,)))
    made.handle(ListingEnded(Listing(TABLE, None), Unauthorised("wrong password")), 0.0)
    assert made.fatal
    other = Scheduler(Plan((TABLE,)))
    other.handle(None, 0.0)
    other.handle(
        Found(Listing(TABLE, None), [ScopeOpened(TABLE, "s1"), ScopeListed(TABLE, "s", 0)]), 0.0
    )
    other.handle(ListingEnded(Listing(TABLE, None)), 0.0)
    other.handle(ListingEnded(Listing(TABLE, "s1"), Unauthorised("not here")), 0.0)
    assert other.fatal is None
    assert list(other.listings.unlisted()) == ["table in s1"]


def test_a_busy_listing_is_asked_again_after_a_pause() -> None:
    made = Scheduler(Plan((TABLE,)))
    made.handle(None, 0.0)
    made.actions = []
    made.handle(ListingEnded(Listing(TABLE, None), Retryable("busy")), 5.0)
    assert made.actions == []
    assert made.due() == 6.0
    made.handle(None, 6.0)
    assert made.actions == [StartListing(Listing(TABLE, None, 2))]


def test_preferring_some_never_drops_a_parent() -> None:
    schema = EntityType.DATABASE_SCHEMA
    plan = Plan(
        (schema, TABLE),
        {TABLE: schema},
        {TABLE: schema},
        limit=1,
        keeps=lambda each: "x" in each.id,
    )
    made = Scheduler(plan)
    items = [EntityDescriptor(schema, "s"), *map(table, ("a", "x1", "x2"))]
    made.handle(Found(Listing(schema, None), items), 0.0)
    assert made.ledger.discovered == {"databaseSchema": 1, "table": 1}
    assert made.ledger.filtered == {"table": 2}


def test_a_chunk_of_a_dead_worker_that_wrote_some_is_emitted_once() -> None:
    made = scheduler(table("a"))
    (sent,) = dispatches(made)
    made.handle(read(sent, emitted={"table": 1}), 0.0)
    made.handle(WorkerLost(1, blame=False), 0.0)
    made.handle(WorkerReady(2, 1), 0.0)
    (again,) = dispatches(made)
    made.handle(read(again, emitted={"table": 1}), 0.0)
    made.handle(
        Settled(again.id, [Result("a", "ok", None, [Written("table", "a", "", "acknowledged")])]),
        0.0,
    )
    assert made.ledger.imbalances() == []
