"""The verdict: never better than the truth, and an error told once however often it came."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rayingest.execute.events import Why
from rayingest.execute.report import (
    EXIT_CODES,
    Errors,
    Report,
    Seconds,
    advice,
    bottleneck,
    judge,
    verdict,
)
from rayingest.model import EntityType
from rayingest.state.ledger import ENDS, Ledger

TABLE = EntityType.TABLE


def ledger(**ends: int) -> Ledger:
    made = Ledger()
    for end, count in ends.items():
        made.end(TABLE, end, count)
    made.discovered["table"] = sum(ends.values())
    return made


def judged(book: Ledger, **changes: object) -> str:
    settings = {"stopping": None, "fatal": None, "unfinished": 0, "threshold": 90.0}
    return judge(book, **settings | changes)


# --- the verdict ---


@pytest.mark.parametrize(
    ("ends", "state"),
    [
        ({"ok": 10}, "success"),
        ({"ok": 5, "unchanged": 4, "skipped": 1}, "success"),
        ({"ok": 9, "failed": 1}, "partialSuccess"),
        ({"ok": 9, "quarantined": 1}, "partialSuccess"),
        ({"ok": 8, "failed": 2}, "failed"),
        ({"failed": 1}, "failed"),
        ({}, "success"),
    ],
)
def test_the_share_that_did_not_fail_is_held_against_the_threshold(
    ends: dict[str, int], state: str
) -> None:
    assert judged(ledger(**ends)) == state


@pytest.mark.parametrize("threshold", range(1, 101))
def test_a_share_equal_to_the_threshold_is_enough(threshold: int) -> None:
    book = ledger(ok=threshold, failed=100 - threshold)
    assert judged(book, threshold=float(threshold)) != "failed"


def test_what_could_not_be_listed_is_never_better_than_partial() -> None:
    assert judged(ledger(ok=10), unfinished=1) == "partialSuccess"
    assert judged(ledger(), unfinished=1) == "partialSuccess"


@pytest.mark.parametrize("book", ["descriptors", "entities"])
def test_a_book_that_does_not_balance_is_a_failure(book: str) -> None:
    wrong = ledger(ok=10)
    (wrong.discovered if book == "descriptors" else wrong.emitted)["table"] += 1
    assert judged(wrong) == "failed"


@pytest.mark.parametrize(
    ("stopping", "code"),
    [
        ("interrupted", 130),
        ("timeout", 5),
        ("stalled", 5),
        ("failures", 1),
        ("sink", 1),
        ("failed", 1),
    ],
)
def test_a_run_that_was_stopped_says_so_however_much_it_did(stopping: str, code: int) -> None:
    assert EXIT_CODES[judged(ledger(ok=10), stopping=stopping)] == code


def test_a_fatal_cause_outranks_everything() -> None:
    fatal = Why("Unauthorised", "wrong password")
    assert judged(ledger(ok=10), fatal=fatal, stopping="interrupted") == "failed"


@given(
    st.dictionaries(st.sampled_from(ENDS), st.integers(0, 50)), st.integers(0, 3), st.floats(0, 100)
)
def test_success_means_that_nothing_failed_and_everything_was_listed(
    ends: dict[str, int], not_listed: int, threshold: float
) -> None:
    book = ledger(**ends)
    if judged(book, unfinished=not_listed, threshold=threshold) == "success":
        assert not ends.get("failed")
        assert not ends.get("quarantined")
        assert not not_listed


def test_the_sentence_counts_what_was_not_reached() -> None:
    book = ledger(ok=1200, failed=2, skipped=1)
    book.discovered["table"] += 7
    said = verdict("stopped", book, reason="Interrupted.", seconds=3.21)
    assert said == (
        "Stopped: 1,200 of 1,210 entities ingested, 2 failed, 1 vanished meanwhile, "
        "7 not reached in 3.2 s. Interrupted."
    )


# --- errors ---


def test_errors_that_differ_in_names_and_numbers_are_one() -> None:
    errors = Errors()
    for at in range(20):
        errors.add(
            Why("Denied", f"permission denied for table 'orders_{at}' (code {at})", "grant"),
            f"t{at}",
        )
    errors.add(Why("Denied", "permission denied for schema hr"), "hr")
    errors.add(Why("Gone", "permission denied for schema hr"), "hr2")
    first, *others = errors.sorted()
    assert (first.count, first.kind, first.hint) == (20, "Denied", "grant")
    assert first.samples == ["t0", "t1", "t2", "t3", "t4"]
    assert [each.count for each in others] == [1, 1]
    assert len({each.fingerprint for each in errors.sorted()}) == 3


def test_a_fingerprint_is_the_same_in_every_run() -> None:
    def fingerprint() -> str:
        errors = Errors()
        errors.add(Why("Denied", "no"), "x")
        return errors.sorted()[0].fingerprint

    assert fingerprint() == fingerprint()


# --- the report as a file ---


def test_the_report_is_json_with_the_promised_names() -> None:
    report = Report(run_id="r", state="success", types=ledger(ok=1).types())
    told = msgspec.json.decode(report.to_json())
    assert told["schema"] == "rayingest.report/1"
    assert told["types"]["table"] == {
        "discovered": 1, "ok": 1, "unchanged": 0, "skipped": 0, "failed": 0, "quarantined": 0, "deleted": 0,
    }  # fmt: skip
    names = {
        "runId",
        "state",
        "engine",
        "parallelism",
        "startedAt",
        "endedAt",
        "entities",
        "errors",
    }
    assert names | {"seconds", "calls", "peakRssBytes"} <= told.keys()
    assert {"total", "startup", "discovery", "source", "sink", "waiting"} <= told["seconds"].keys()


# --- what to do next ---


def test_more_parallelism_is_advised_only_where_it_would_have_helped() -> None:
    slow = Seconds(total=100, startup=1, source=98)
    said = advice(slow, 1, cap=50)
    assert said
    assert "--parallelism 8" in said
    assert advice(slow, 50, cap=50) is None, "the source allows no more"
    assert advice(Seconds(total=2, source=2), 1, cap=50) is None, "it was quick"


def test_the_bottleneck_is_the_sink_when_the_source_waited_for_it() -> None:
    def named(**seconds: float) -> str:
        return bottleneck(Seconds(total=10, **seconds), 10, 8)

    assert named(source=100, waiting=80).startswith("the sink")
    assert named(source=95).startswith("the source")
    assert named(source=5, sink=70).startswith("the sink")
    assert named(startup=9, source=1).startswith("start-up")
