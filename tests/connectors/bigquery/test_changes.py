"""What an incremental run hears of BigQuery: __TABLES__, answered by DuckDB, for the emulator has none."""

import logging
import time
from types import SimpleNamespace

import pytest

from rayingest.config.options import Incremental
from rayingest.connectors.database.bigquery import CONNECTOR
from rayingest.errors import Denied, Retryable
from rayingest.kit.sql.bigquery.listing import members
from rayingest.kit.sql.facts import Wants

from .views import Views

INCREMENTAL = {"incremental": Incremental(enabled=True)}
NOW = int(time.time() * 1000)
LONG_AGO = NOW - 3 * 86_400_000
WANTS = Wants(procedures=False, margin=1)


class Listed(Views):
    """A session whose API lists `items`, and which can refuse to tell of changes."""

    items: tuple = ()
    refuses = None

    def pages(self, list_, *arguments):
        yield from self.items

    def rows(self, query, parameters, location):
        if self.refuses is not None:
            raise self.refuses
        return super().rows(query, parameters, location)


@pytest.fixture
def session():
    made = Listed(pytest.importorskip("duckdb"), {"library": "EU"})
    made.client = SimpleNamespace(list_tables=None)
    return made


def has(session, *names, kind="TABLE", at=LONG_AGO):
    session.items += tuple({"type": kind, "tableReference": {"tableId": each}} for each in names)
    for each in names:
        session.add(
            "__TABLES__",
            dataset_id="library",
            table_id=each,
            creation_time="1",
            last_modified_time=at,
        )


def tokens(session, wants=WANTS):
    return {each.name: each.token for each in members(session, wants, "library")}


def test_tables_and_views_tell_when_they_were_modified(session):
    has(session, "book")
    has(session, "cheap", kind="VIEW")
    assert tokens(session) == dict.fromkeys(("book", "cheap"), f"1 {LONG_AGO}")
    assert session.calls == 1


def test_nobody_is_asked_unless_the_run_is_incremental(session):
    has(session, "book")
    assert tokens(session, Wants(procedures=False)) == {"book": None}
    assert session.calls == 0


def test_what_changed_within_the_margin_is_described_in_any_case(session):
    has(session, "book")
    has(session, "author", at=NOW - 60_000)
    assert tokens(session) == {"book": f"1 {LONG_AGO}", "author": None}
    assert tokens(session, Wants(procedures=False, margin=0))["author"] is not None


def test_what_lies_elsewhere_has_no_token(session):
    has(session, "sheet", kind="EXTERNAL")
    has(session, "sums", kind="MATERIALIZED_VIEW")
    assert tokens(session) == {"sheet": None, "sums": None}


def test_a_new_day_makes_tables_by_day_another_thing(session):
    has(session, "events_20260101", "events_20260102")
    (before,) = tokens(session).values()
    has(session, "events_20260103")
    (after,) = tokens(session).values()
    assert before != after
    assert "SHARDS/3" in after


def test_what_may_not_be_asked_is_listed_and_told_once(session, caplog):
    has(session, "book")
    session.refuses = Denied("no bigquery.jobs.create")
    with caplog.at_level(logging.WARNING):
        assert tokens(session) == tokens(session) == {"book": None}
    assert [each.getMessage().count("no bigquery.jobs.create") for each in caplog.records] == [1]


def test_an_error_that_passes_is_no_reason_to_describe_everything(session):
    session.refuses = Retryable("busy")
    with pytest.raises(Retryable):
        tokens(session)


def test_an_emulator_without_the_table_is_listed_all_the_same(make):
    probe = make("create schema library", "create table library.book (id int64)")
    (found,) = [
        each
        for each in probe.listing(options=INCREMENTAL)
        if getattr(each, "id", "").endswith(".book")
    ]
    assert found.token is None
    lines = {each.capability: each for each in CONNECTOR.check(probe.settings(options=INCREMENTAL))}
    assert lines["incremental"].status in {"denied", "failed"}
