"""Errors by their numbers, answers that break off, statements that take too long or are cancelled."""

import threading

import pytest

from rayingest.core.source import ScopeListed
from rayingest.errors import (
    Denied,
    Permanent,
    Retryable,
    SessionLost,
    Throttled,
    TimedOut,
    Unauthorised,
    Unreachable,
)
from rayingest.kit.sql.mssql.errors import classify, classify_connect
from rayingest.model import EntityType

DATABASE, SCHEMA, TABLE = EntityType.DATABASE, EntityType.DATABASE_SCHEMA, EntityType.TABLE
LISTING, DESCRIBING = "union all", "sys.index_columns"


@pytest.fixture
def shop(database, probe):
    """Three tables to be read."""
    for name in ("a", "b", "c"):
        database.table(name, {"id": "int", "name": "nvarchar(50) -- Its name"})
    return probe(database)


@pytest.mark.parametrize(
    ("number", "means"),
    [
        (229, Denied),
        (916, Denied),
        (262, Denied),
        (1205, Retryable),
        (1222, Retryable),
        (701, Retryable),
        (3960, Retryable),
        (40197, Retryable),
        (40613, Retryable),
        (40501, Throttled),
        (10928, Throttled),
        (10929, Throttled),
        (49918, Throttled),
        (596, SessionLost),
        (3617, TimedOut),
        (18456, Unauthorised),
        (208, Permanent),
        (207, Permanent),
        (50000, Permanent),
    ],
)
def test_what_errors_mean(shop, server, number, means):
    """The server's own number, as the driver tells it; its words are kept."""
    found = shop.descriptors(TABLE)
    server.behave(where=DESCRIBING, number=number)
    with shop.open() as source, pytest.raises(means) as caught:
        list(source.process_entities(found))
    assert type(caught.value) is means
    assert "it says why" in str(caught.value)


def test_azure_says_how_long_to_wait(shop, server):
    server.behave(where=LISTING, number=40501)
    with shop.open() as source, pytest.raises(Throttled) as caught:
        list(source.discover_entities(SCHEMA, None))
    assert caught.value.wait == 10


@pytest.mark.parametrize(
    ("number", "means"),
    [
        (18456, Unauthorised),
        (40613, Retryable),
        (40501, Throttled),
        (229, Denied),
    ],
)
def test_what_errors_mean_right_after_the_sign_in(shop, server, number, means):
    server.behave(where="EngineEdition", number=number)
    with pytest.raises(means), shop.open():
        pass


@pytest.mark.parametrize(
    ("number", "means", "hint"),
    [
        (18456, Unauthorised, "username and password"),
        (4060, Unreachable, "CREATE USER"),
        (40615, Unreachable, "firewall"),
        (40613, Retryable, None),
        (40501, Throttled, "parallelism"),
    ],
)
def test_what_errors_mean_while_one_signs_in(number, means, hint):
    error = pytest.importorskip("pytds").OperationalError("it says why")
    error.number = number
    known = classify_connect(error, "h", "d", "u")
    assert type(known) is means
    assert f"it says why (error {number})" in str(known)
    assert hint is None or hint in known.hint


def test_what_is_not_the_servers_error_is_not_explained():
    assert classify(ZeroDivisionError()) is None


def test_a_deadlock_costs_nothing_but_time(shop, server):
    """The session lives on, and the same question is answered."""
    found = shop.descriptors(TABLE)
    with shop.open() as source:
        server.behave(where=DESCRIBING, number=1205, times=1)
        with pytest.raises(Retryable):
            list(source.process_entities(found))
        assert len(list(source.process_entities(found))) == 3


@pytest.mark.parametrize("where", [LISTING, DESCRIBING])
@pytest.mark.parametrize("encrypted", [True, False])
def test_an_answer_that_breaks_off_in_the_middle(shop, server, where, encrypted):
    """It is no shorter answer: the listing has no end, and the next session reads it all."""
    changes = {} if encrypted else {"sslConfig": None}
    found = shop.descriptors(TABLE)
    with shop.open(**changes) as source:
        server.behave(where=where, cut=True, times=1)
        listed = []
        with pytest.raises(SessionLost):  # noqa: PT012 - either of them is cut
            listed.extend(source.discover_entities(SCHEMA, None))
            list(source.process_entities(found))
        if where == LISTING:
            assert not [each for each in listed if isinstance(each, ScopeListed)]
        assert len(list(source.process_entities(found))) == 3


def test_a_statement_that_takes_too_long(shop, server):
    server.behave(where=LISTING, wait=30)
    with shop.open(call_timeout=1) as source, pytest.raises(TimedOut):
        list(source.discover_entities(SCHEMA, None))


@pytest.mark.parametrize("changes", [{}, {"sslConfig": None}], ids=["encrypted", "plain"])
def test_a_running_statement_is_cancelled(shop, server, changes):
    """Another thread hangs up; the source reads on over another connection."""
    server.behave(where=LISTING, wait=30)
    with shop.open(**changes) as source:
        asked = threading.Event()

        def cancel():
            while not any(LISTING in each for each in server.asked):
                asked.wait(0.01)
            source.cancel()

        thread = threading.Thread(target=cancel)
        thread.start()
        with pytest.raises(SessionLost):
            list(source.discover_entities(SCHEMA, None))
        thread.join()
        server.behave()
        listed = list(source.discover_entities(SCHEMA, None))
        assert next(each.count for each in listed if isinstance(each, ScopeListed)) == 3
