"""ClickHouse as a source: names, filters, statements, privileges, faults."""

import os
import pickle
import signal
import threading
import time
from collections import Counter

import msgspec
import pytest

from rayingest.connectors.database.clickhouse import CONNECTOR
from rayingest.core import fqn
from rayingest.core.source import EntityDescriptor, ScopeListed
from rayingest.errors import (
    ConfigError,
    Denied,
    Gone,
    SessionLost,
    Throttled,
    TimedOut,
    Unauthorised,
    Unreachable,
)
from rayingest.kit.sql.clickhouse.errors import Said
from rayingest.kit.sql.clickhouse.text import quoted
from rayingest.model import EntityType
from rayingest.testing import clickhouse
from rayingest.testing.probe import Probe, of, sort

TABLE, SCHEMA = EntityType.TABLE, EntityType.DATABASE_SCHEMA
SCHEMES = ("clickhouse+http", "clickhouse+native")
HURRY = {"send_receive_timeout": 1, "connect_timeout": 1}
HOSTILE = [
    'a"b', "a'b", "a.b", "a::b", "a>b", "a`b", "select", "Ünïcödé", "漢字", "😀", " x", "x ", "%s", "%(x)s",
    "?", ":x", "{x}", "{0}", "a\nb", "a\\b", "a\\'b", "--", "a;drop table b", "#x", "Twin", "twin", "x" * 60,
]  # fmt: skip


@pytest.fixture(scope="module")
def nasty(make, server):
    body = ", ".join(f"{quoted(each)} UInt8" for each in HOSTILE)
    probe = make(
        "nasty",
        *(
            f"create table nasty.{quoted(n)} ({body}) engine = MergeTree order by {quoted(n)}"
            for n in HOSTILE
        ),
        f"create table nasty.wide ({', '.join(f'c{i} UInt8' for i in range(1000))}) engine = Log",
    )
    for name in HOSTILE:
        place = quoted("n." + name)
        server.run(
            f"create database {place}",
            f"create table {place}.{quoted(name)} (i UInt8) engine = Log",
        )
    yield probe
    for name in HOSTILE:
        server.run(f"drop database {quoted('n.' + name)}")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_names_come_out_as_they_went_in(nasty, whole, scheme):
    tables = whole(scheme).entities(TABLE)
    for name in HOSTILE:
        table = tables[fqn.join("svc", "default", "nasty", name)]
        assert table.name == name
        assert [each.name for each in table.columns] == HOSTILE
        assert [each.columns for each in table.constraints] == [(name,)]
        assert tables[fqn.join("svc", "default", "n." + name, name)].name == name
    assert len(tables[fqn.join("svc", "default", "nasty", "wide")].columns) == 1000
    nasty.agree(TABLE)


def test_every_scope_is_one_piece_and_counted(nasty, whole):
    listing = whole().listing()
    scopes = [(each.type, each.scope) for each in listing if isinstance(each, ScopeListed)]
    assert max(Counter(scopes).values()) == 1
    counts = Counter((each.type, each.scope) for each in of(listing))
    for end in (each for each in listing if isinstance(each, ScopeListed)):
        assert end.count == counts[end.type, end.scope]
        assert end.complete
    for each in of(listing):
        assert len(msgspec.json.encode(each)) < 1000
        assert pickle.loads(pickle.dumps(each)) == each


@pytest.fixture(scope="module")
def shop200(make):
    columns = "id UInt64 comment 'c', a Nullable(Decimal(9, 2)), day Date, s String"
    engine = "MergeTree partition by toYYYYMM(day) order by (id, s)"
    made = [f"create table shop200.t{i} ({columns}) engine = {engine}" for i in range(200)]
    return make("shop200", *made, "create view shop200.v as select * from shop200.t1")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_statements_per_table(shop200, whole, scheme):
    with whole(scheme, databaseSchema="shop200").open() as source:
        assert source.calls == 1  # what the server can tell
        listed = [
            *source.discover_entities(EntityType.DATABASE),
            *source.discover_entities(SCHEMA, "svc.default"),
        ]
        assert source.calls == 2
        found = {}
        started = time.process_time()
        for kind in (EntityType.DATABASE, SCHEMA, TABLE):
            chunk = [each for each in of(listed) if each.type is kind]
            found |= sort(source.process_entities(chunk))[0]
        assert (
            time.process_time() - started
        ) / 201 < 0.0005 * 4  # a machine may be four times slower
        assert source.calls == 5
    tables = [each for each in found.values() if each.type is TABLE]
    assert len(tables) == 201
    assert sum(len(each.columns) for each in tables) == 201 * 4
    assert sum(bool(each.partition) for each in tables) == 200
    assert (
        sum(each.constraints[0].columns == ("id", "s") for each in tables if each.constraints)
        == 200
    )
    assert sum(each.columns[0].description == "c" for each in tables) == 200


@pytest.mark.parametrize(
    ("filters", "kept"),
    [
        ({"tableFilterPattern": {"includes": ["orders"]}}, ["orders", "orders_old"]),
        ({"tableFilterPattern": {"excludes": ["ORDERS"]}}, ["v"]),
        (
            {
                "tableFilterPattern": {"includes": ["svc.default.filtered.v"]},
                "useFqnForFiltering": True,
            },
            ["v"],
        ),
        ({"schemaFilterPattern": {"excludes": ["filtered"]}}, []),
    ],
)
def test_filters(make, filters, kept):
    probe = make(
        "filtered",
        "create table filtered.orders (i UInt8) engine = Log",
        "create table filtered.orders_old (i UInt8) engine = Log",
        "create view filtered.v as select 1 as x",
    )
    assert [each.metadata["name"] for each in probe.descriptors(TABLE, filters=filters)] == kept


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({"includeViews": False}, ["t"]),
        ({"includeTables": False}, ["v"]),
    ],
)
def test_tables_or_views_alone_are_no_snapshot(make, options, kept):
    probe = make(
        "either",
        "create table either.t (i UInt8) engine = Log",
        "create view either.v as select 1 as x",
    )
    listing = probe.listing(options=options)
    assert [each.metadata["name"] for each in of(listing) if each.type is TABLE] == kept
    (end,) = [e for e in listing if isinstance(e, ScopeListed) and e.type is TABLE]
    assert end.mode == "changes"


def test_the_systems_schemas_are_hidden_unless_named(whole):
    names = {each.metadata["name"] for each in whole().descriptors(SCHEMA)}
    assert "default" in names
    assert "system" not in names
    found = whole().descriptors(SCHEMA, databaseSchema="system")
    assert [each.id for each in found] == ["svc.default.system"]


def test_the_database_has_the_name_of_the_config(make):
    probe = make("renamed", "create table renamed.t (i UInt8) engine = Log")
    (found,) = probe.entities(TABLE, databaseName="my.db").values()
    assert found.database_schema == 'svc."my.db".renamed'


def test_what_was_dropped_is_gone(make, server):
    probe = make(
        "going",
        "create table going.t (i UInt8) engine = Log",
        "create table going.u (i UInt8) engine = Log",
    )
    tables, schemas = probe.descriptors(TABLE), probe.descriptors(SCHEMA)
    server.run("drop table going.t")
    with probe.open() as source:
        found, failed = sort(source.process_entities(tables))
        assert list(found) == ["svc.default.going.u"]
        assert {type(each) for each in failed.values()} == {Gone}
        server.run("drop database going")
        assert isinstance(sort(source.process_entities(schemas))[1]["svc.default.going"], Gone)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_who_may_see_one_database_reads_that(make, as_user, scheme):
    make("readable", "create table readable.t (i UInt8) engine = Log")
    make("closed", "create table closed.t (i UInt8) engine = Log")
    probe = as_user("reader", scheme)
    assert list(probe.entities(TABLE)) == ["svc.default.readable.t"]
    lines = {each.capability: each for each in CONNECTOR.check(probe.settings())}
    assert lines["connect"].status == "ok"
    assert (lines["tables"].status, lines["tables"].why) == ("ok", "system.tables: 1 rows")
    assert lines["comments"].status == "warning"


@pytest.mark.parametrize("scheme", SCHEMES)
def test_who_may_change_no_setting_reads_all_the_same(shop200, as_user, whole, scheme):
    found = as_user("fixed", scheme, databaseSchema="shop200").entities(TABLE)
    assert found == whole(databaseSchema="shop200").entities(TABLE)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_profile_that_cuts_answers_is_refused(shop200, as_user, scheme):
    """Half a listing would delete the other half from the catalogue."""
    with pytest.raises(ConfigError, match="cuts answers without a word") as raised:
        as_user("cut", scheme).open().__enter__()
    assert "result_overflow_mode = break, max_result_rows = 5" in str(raised.value)
    assert "readonly to 2" in raised.value.hint


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_wrong_password(whole, scheme):
    probe = whole(scheme)
    for changes in ({"password": "canary-9f"}, {"username": "nobody", "password": "canary-9f"}):
        with pytest.raises(Unauthorised, match="does not accept user") as raised:
            probe.open(**changes).__enter__()
        settings = probe.settings(**changes)
        told = [raised.value, raised.value.hint, settings, *CONNECTOR.check(settings)]
        assert "canary-9f" not in repr(told) + str(told)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_nobody_answers(whole, scheme):
    with pytest.raises(Unreachable, match="does not answer"):
        whole(scheme).open(hostPort="127.0.0.1:1").__enter__()
    with pytest.raises(Unreachable, match="does not answer"):
        whole(scheme).open(hostPort="nowhere.invalid").__enter__()
    with pytest.raises(Denied, match="there is no database 'nothing'"):
        whole(scheme).open(databaseSchema="nothing").__enter__()


def test_the_other_protocols_port_is_told(whole, server):
    with pytest.raises(Unreachable):
        whole().open(hostPort=f"127.0.0.1:{server.native}", connectionArguments=HURRY).__enter__()
    with pytest.raises(Unreachable, match="does not answer: no answer in time"):
        whole(SCHEMES[1]).open(
            hostPort=f"127.0.0.1:{server.http}", connectionArguments=HURRY
        ).__enter__()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_what_is_no_setting_is_told(whole, scheme):
    with pytest.raises(ConfigError, match="connectionArguments"):
        whole(scheme).open(connectionArguments={"colour": "red"}).__enter__()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_settings_of_the_user_are_sent(whole, scheme):
    arguments = {"settings": {"max_threads": 1}}
    with (
        whole(scheme).open(connectionArguments=arguments) as source,
        source._session("") as session,
    ):
        (value,) = session.rows("select value from system.settings where name = 'max_threads'")
        assert value == ("1",)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_nothing_can_be_written(whole, make, scheme):
    make("frozen", "create table frozen.t (i UInt8) engine = Log")
    with (
        whole(scheme).open() as source,
        pytest.raises(Said, match="readonly") as raised,
        source._session("") as session,
    ):
        session.rows("insert into frozen.t select 1")
    assert raised.value.code == 164


# For ever, as far as a test is concerned.
ENDLESS = "select count() from numbers(1000000000000) where sipHash64(number) = 1"


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("deaf", [False, True])
def test_a_running_statement_can_be_broken_off(whole, scheme, deaf):
    """By KILL QUERY on a second connection; where none is to be had, by hanging up."""
    with whole(scheme).open() as source:
        if deaf:
            source._idle[0]._beside = lambda: (_ for _ in ()).throw(Unreachable("no"))
        ticker = threading.Timer(0.3, source.cancel)
        ticker.start()
        started = time.monotonic()
        with pytest.raises((TimedOut, SessionLost)) as raised, source._session("") as session:
            session.rows(ENDLESS)
        ticker.join()
        assert time.monotonic() - started < 10
        assert isinstance(raised.value, SessionLost if deaf else TimedOut)
        assert list(source.discover_entities(EntityType.DATABASE))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_statement_that_takes_too_long_times_out(whole, scheme):
    with (
        whole(scheme).open(call_timeout=1.0) as source,
        pytest.raises(TimedOut),
        source._session("") as session,
    ):
        session.rows(ENDLESS)


def test_too_many_statements_are_told_to_wait(as_user):
    with (
        as_user("alone").open() as first,
        as_user("alone").open() as second,
        first._session("") as busy,
    ):
        thread = threading.Thread(target=_endure, args=[busy])
        thread.start()
        time.sleep(0.5)
        with pytest.raises(Throttled):
            list(second.discover_entities(EntityType.DATABASE_SCHEMA))
        busy.transport.hang_up()
        thread.join(20)


def _endure(session):
    with pytest.raises(SessionLost):
        session.rows(ENDLESS)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_an_idle_connection_that_the_server_closed_is_no_failure(make, whole, scheme):
    """The server of these tests closes what idles for a second, before we do."""
    make("idle", "create table idle.t (i UInt8) engine = Log")
    with whole(scheme, databaseSchema="idle").open() as source:
        time.sleep(1.5)
        assert len(of(source.discover_entities(SCHEMA, "svc.default"))) == 2


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_server_that_stops_or_hangs_is_lost_not_empty(scheme):
    if why := clickhouse.available():
        pytest.skip(why)
    with clickhouse.server() as server:
        server.run("create table default.t (i UInt8) engine = Log")
        probe = Probe(CONNECTOR, server.config(scheme))
        descriptors = probe.descriptors(TABLE)
        with probe.open(connectionArguments=HURRY) as source:
            os.kill(server.pid, signal.SIGSTOP)
            try:
                with pytest.raises((TimedOut, SessionLost)):
                    list(source.process_entities(descriptors))
            finally:
                os.kill(server.pid, signal.SIGCONT)
            assert len(sort(source.process_entities(descriptors))[0]) == 1
            os.kill(server.pid, signal.SIGKILL)
            server.process.wait(10)
            with pytest.raises((SessionLost, Unreachable)):
                list(source.process_entities(descriptors))
            with pytest.raises(Unreachable):
                list(source.discover_entities(EntityType.DATABASE_SCHEMA))


def test_a_descriptor_of_each_kind(make):
    probe = make("few", "create table few.t (i UInt8) engine = Log")
    assert [each.type.value for each in of(probe.listing())] == [
        *("database", "databaseSchema", "table")
    ]
    assert all(
        isinstance(each, EntityDescriptor) and each.batch == "default"
        for each in of(probe.listing())
    )
