"""What goes wrong with a ClickHouse server, and what whoever asked is told."""

import os
import signal
import sys
import threading
import time

import pytest

from rayingest.connectors.database.clickhouse import CONNECTOR
from rayingest.errors import (
    ConfigError,
    Denied,
    MissingDriver,
    SessionLost,
    Throttled,
    TimedOut,
    Unauthorised,
    Unreachable,
)
from rayingest.kit.sql.clickhouse.connect import FIRST_SECONDS
from rayingest.kit.sql.clickhouse.errors import Said
from rayingest.model import EntityType
from rayingest.testing import clickhouse
from rayingest.testing.probe import Probe, of, sort

TABLE, SCHEMA = EntityType.TABLE, EntityType.DATABASE_SCHEMA
SCHEMES = ("clickhouse+http", "clickhouse+native")
HURRY = {"send_receive_timeout": 1, "connect_timeout": 1, "sync_request_timeout": 1}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_profile_that_cuts_answers_is_refused(as_user, scheme):
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


@pytest.fixture
def endless(server):
    """A statement that the server would go on with over HTTP, for nobody, until max_execution_time."""
    yield ENDLESS
    server.run("kill query where query like 'select count() from numbers(%' sync")


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("deaf", [False, True])
def test_a_running_statement_can_be_broken_off(whole, endless, scheme, deaf):
    """By KILL QUERY on a second connection; where none is to be had, by hanging up."""
    with whole(scheme).open() as source:
        if deaf:
            source._idle[0]._beside = lambda: (_ for _ in ()).throw(Unreachable("no"))
        ticker = threading.Timer(0.3, source.cancel)
        ticker.start()
        started = time.monotonic()
        with pytest.raises((TimedOut, SessionLost)) as raised, source._session("") as session:
            session.rows(endless)
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


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_first_answer_must_come_sooner_than_later_ones(whole, scheme):
    with whole(scheme).open(call_timeout=90.0) as source, source._session("") as session:
        client = session.transport._client
        waits = client.connection.socket.gettimeout() if "native" in scheme else client.timeout.read
        assert waits == 95.0 > FIRST_SECONDS


def test_too_many_statements_are_told_to_wait(as_user, endless):
    with (
        as_user("alone").open() as first,
        as_user("alone").open() as second,
        first._session("") as busy,
    ):
        thread = threading.Thread(target=_endure, args=[busy, endless])
        thread.start()
        time.sleep(0.5)
        with pytest.raises(Throttled):
            list(second.discover_entities(EntityType.DATABASE_SCHEMA))
        busy.transport.hang_up()
        thread.join(20)


def _endure(session, statement):
    with pytest.raises(SessionLost):
        session.rows(statement)


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


def test_without_the_driver_http_is_enough(whole, monkeypatch):
    monkeypatch.setitem(sys.modules, "clickhouse_driver", None)
    assert whole().descriptors(SCHEMA)
    with pytest.raises(MissingDriver, match="clickhouse-driver") as raised:
        whole(SCHEMES[1]).open().__enter__()
    assert raised.value.hint == "pip install 'rayingest[clickhouse]'"
