"""The two books: they balance, or they say where they do not."""

from rayingest.model import EntityType
from rayingest.state.ledger import Ledger

TABLE = EntityType.TABLE


def test_a_book_balances_when_everything_discovered_has_ended():
    ledger = Ledger()
    ledger.discovered["table"] += 3
    ledger.end(TABLE, "ok", 2)
    assert ledger.imbalances() == ["table: 3 discovered, 2 ended"]
    assert ledger.open("table") == 1
    ledger.end(TABLE, "failed")
    assert ledger.imbalances() == []


def test_the_entities_book_counts_what_the_sink_said():
    ledger = Ledger()
    ledger.emitted["table"] += 2
    ledger.answer("table", "acknowledged")
    assert ledger.imbalances() == ["table: 2 emitted, 1 answered by the sink"]
    ledger.answer("table", "refused")
    assert ledger.imbalances() == []
    assert ledger.entities()["table"] == {
        "emitted": 2,
        "acknowledged": 1,
        "refused": 1,
        "unchanged": 0,
    }


def test_what_was_never_discovered_cannot_end():
    ledger = Ledger()
    ledger.end(TABLE, "ok")
    assert ledger.imbalances() == ["table: 0 discovered, 1 ended"]


def test_skipped_and_unchanged_count_as_success():
    ledger = Ledger()
    ledger.discovered["table"] += 4
    for status in ("ok", "unchanged", "skipped", "failed"):
        ledger.end(TABLE, status)
    assert ledger.succeeded == 0.75


def test_nothing_at_all_is_a_success():
    assert Ledger().succeeded == 1.0
