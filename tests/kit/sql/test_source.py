"""The kit's source over a fake database: sessions, counting, errors, cancelling."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from pydantic import BaseModel

from rayingest import errors
from rayingest.core.filters import Filters
from rayingest.core.source import (
    Cancellable,
    Counted,
    Described,
    EntityDescriptor,
    ScopeListed,
    ScopeOpened,
    Settings,
)
from rayingest.kit.sql.facts import Facts, Found
from rayingest.kit.sql.spec import Sql
from rayingest.model import Database, EntityType

DATABASE, SCHEMA, TABLE = EntityType.DATABASE, EntityType.DATABASE_SCHEMA, EntityType.TABLE


class Fake:
    """A session that counts; `log` is shared by all sessions of a test."""

    def __init__(self, database, log):
        self.database, self.log, self.calls = database, log, 0
        log.append(f"open {database}")

    def cancel(self):
        self.log.append(f"cancel {self.database}")

    def close(self):
        self.log.append(f"close {self.database}")


def facts(log, describe=None):
    def connect(_settings, database):
        return Fake(database or "first", log)

    def databases(session, _settings):
        session.calls += 1
        return [Found(DATABASE, "", "first"), Found(DATABASE, "", "second")]

    def listing(session, _wants):
        session.calls += 1
        yield Found(SCHEMA, "s", "s")
        yield Found(TABLE, "s", "t")

    def one(session, descriptors, _wants):
        session.calls += 1
        for each in descriptors:
            yield Described(each, (Database(name=each.id, fqn=each.id, service="svc"),))

    def classify(error):
        return errors.SessionLost("lost") if isinstance(error, ConnectionError) else None

    return Facts(
        connect=connect,
        databases=databases,
        listing=listing,
        describe=dict.fromkeys((DATABASE, SCHEMA, TABLE), describe or one),
        classify=classify,
        check=lambda _session, _settings: iter(()),
    )


def opened(log, describe=None):
    connector = Sql(service_type="Fake", connection=BaseModel, facts=facts(log, describe))
    return connector.open(Settings("svc", None, SimpleNamespace(), Filters()))


def table(database="first"):
    return EntityDescriptor(TABLE, f"svc.{database}.s.t", f"svc.{database}.s", database)


def test_one_session_serves_listing_and_batches_of_a_database():
    log = []
    with opened(log) as source:
        list(source.discover_entities(DATABASE))
        list(source.discover_entities(SCHEMA, "svc.first"))
        list(source.process_entities([table()]))
        assert source.calls == 3
        assert isinstance(source, Counted)
        assert isinstance(source, Cancellable)
    assert log == ["open first", "close first"]


def test_another_database_closes_the_session_and_statements_stay_counted():
    log = []
    with opened(log) as source:
        list(source.discover_entities(SCHEMA, "svc.first"))
        list(source.process_entities([table("second")]))
        assert source.calls == 2
    assert log == ["open first", "close first", "open second", "close second"]


def test_a_session_that_can_turn_to_another_database_is_kept():
    log = []

    def turn(session, database):
        session.database = database
        log.append(f"turn {database}")

    turning = replace(facts(log), turn=turn)
    connector = Sql(service_type="Fake", connection=BaseModel, facts=turning)
    with connector.open(Settings("svc", None, SimpleNamespace(), Filters())) as source:
        list(source.process_entities([table("second")]))
        list(source.process_entities([table("second")]))
        list(source.process_entities([table("first")]))
        assert source.calls == 3
    assert log == ["open first", "turn second", "turn first", "close first"]


def test_without_a_scope_all_databases_are_listed():
    with opened([]) as source:
        ends = [each for each in source.discover_entities(TABLE) if isinstance(each, ScopeListed)]
    assert [end.scope for end in ends] == ["svc.first.s", "svc.second.s"]


def test_a_listing_of_one_type_asks_for_that_type_only():
    asked = []

    def members(_session, wants, schema):
        asked.append((wants.tables, wants.views, wants.procedures, schema))
        return iter(())

    connector = Sql(
        service_type="Fake", connection=BaseModel, facts=replace(facts([]), members=members)
    )
    options = SimpleNamespace(includeViews=False)
    with connector.open(Settings("svc", None, options, Filters())) as source:
        list(source.discover_entities(TABLE, "svc.first.s"))
        list(source.discover_entities(EntityType.STORED_PROCEDURE, "svc.first.s"))
    assert asked == [(True, False, False, "s"), (False, False, True, "s")]


def test_a_batch_during_a_listing_has_a_session_of_its_own():
    log = []
    with opened(log) as source:
        listing = source.discover_entities(SCHEMA, "svc.first")
        next(listing)
        list(source.process_entities([table()]))
        list(listing)
    assert log.count("open first") == log.count("close first") == 2


@pytest.mark.parametrize(
    ("raised", "expected", "kept"),
    [
        (ConnectionError("gone"), errors.SessionLost, False),
        (errors.Denied("no"), errors.Denied, True),
        (errors.TimedOut("late"), errors.TimedOut, False),
        (ZeroDivisionError(), ZeroDivisionError, False),
    ],
)
def test_a_session_is_kept_only_when_the_error_was_the_entitys(raised, expected, kept):
    def describe(_session, descriptors, _wants):
        yield Described(descriptors[0], ())
        raise raised

    log = []
    with opened(log, describe) as source:
        answers = source.process_entities([table()])
        assert isinstance(next(answers), Described)
        with pytest.raises(expected):
            next(answers)
        assert log == ["open first"] + ([] if kept else ["close first"])


def test_cancel_reaches_the_busy_session_only():
    log = []
    with opened(log) as source:
        source.cancel()
        assert log == ["open first"]
        listing = source.discover_entities(SCHEMA, "svc.first")
        next(listing)
        source.cancel()
        assert log[-1] == "cancel first"
        listing.close()


def test_types_that_are_not_wanted_are_not_offered():
    log = []
    connector = Sql(service_type="Fake", connection=BaseModel, facts=facts(log))
    options = SimpleNamespace(includeStoredProcedures=False)
    with connector.open(Settings("svc", None, options, Filters())) as source:
        assert source.get_parallelizable_entity_types() == (DATABASE, SCHEMA, TABLE)
        assert list(source.discover_entities(EntityType.STORED_PROCEDURE, "svc.first")) == []


def test_a_listing_that_tells_all_describes_at_once():
    """The scopes below are opened all the same, and their counts agree."""

    def whole(identity, scope):
        return Database(name=identity, fqn=identity, service=scope)

    def databases(session, _settings):
        return [Found(DATABASE, "", "first", whole=whole)]

    def listing(session, _wants):
        yield Found(SCHEMA, "s", "s", whole=whole)

    def members(session, _wants, schema):
        yield Found(TABLE, schema, "t", whole=whole)
        yield Found(TABLE, schema, "u")

    given = replace(facts([]), databases=databases, listing=listing, members=members)
    connector = Sql(service_type="Fake", connection=BaseModel, facts=given)
    with connector.open(Settings("svc", None, SimpleNamespace(), Filters())) as source:
        found = list(source.discover_entities(DATABASE))
        found += source.discover_entities(SCHEMA, "svc.first")
        found += source.discover_entities(TABLE, "svc.first.s")
    told = [each for each in found if isinstance(each, Described)]
    assert [each.descriptor.id for each in told] == ["svc.first", "svc.first.s", "svc.first.s.t"]
    assert [each.entities[0].fqn for each in told] == [each.descriptor.id for each in told]
    assert [each.entities[0].service for each in told] == ["svc", "svc.first", "svc.first.s"]
    opened = [(each.type, each.scope) for each in found if isinstance(each, ScopeOpened)]
    assert (TABLE, "svc.first.s") in opened
    ends = {each.scope: each.count for each in found if isinstance(each, ScopeListed)}
    assert ends == {"svc": 1, "svc.first": 1, "svc.first.s": 2}
