"""What goes wrong with a MongoDB, and what whoever asked is told."""

import sys
import threading
import time

import pytest

from rayingest.connectors.database.mongodb import CONNECTOR
from rayingest.core.source import ScopeListed
from rayingest.errors import (
    ConfigError,
    Denied,
    Gone,
    MissingDriver,
    Permanent,
    SessionLost,
    Throttled,
    TimedOut,
    Unauthorised,
    Unreachable,
)
from rayingest.model import EntityType
from rayingest.testing.probe import Probe, of, sort, walk

from ...running import Proxy
from .conftest import SECRET

TABLE, SCHEMA = EntityType.TABLE, EntityType.DATABASE_SCHEMA
HURRY = {"serverSelectionTimeoutMS": "300", "connectTimeoutMS": "300"}
ONE = {"insert": "a", "documents": [{"_id": 1}]}
TWO = {"insert": "b", "documents": [{"_id": 1}]}


def signed_in(server, username, **changes):
    return Probe(CONNECTOR, server.config(username=username, password=SECRET, **changes))


def test_with_the_right_password_everything_is_read(server):
    found = signed_in(server, "all").entities(TABLE)
    assert {"svc.default.shop.a", "svc.default.hr.a"} <= found.keys()


def test_a_wrong_password(server):
    for changes in ({"password": "canary-9f"}, {"username": "nobody", "password": "canary-9f"}):
        settings = signed_in(server, "all").settings(**changes)
        with pytest.raises(Unauthorised, match="does not accept user") as raised:
            CONNECTOR.open(settings).__enter__()
        told = [raised.value, raised.value.hint, settings, *CONNECTOR.check(settings)]
        assert "canary-9f" not in repr(told) + str(told)


def test_nobody_answers(make):
    probe = make("down", ONE)
    started = time.monotonic()
    for host_port in ("127.0.0.1:1", "nowhere.invalid", "127.0.0.1:1,127.0.0.1:2", "[::1]:1"):
        with pytest.raises(Unreachable, match="does not answer") as raised:
            probe.open(hostPort=host_port, connectionOptions=HURRY).__enter__()
        assert "Topology" not in str(raised.value)
    assert time.monotonic() - started < 10


def test_a_database_that_is_not_there_ends_the_run(make):
    probe = make("there", ONE, databaseName="house")
    with pytest.raises(Unreachable, match="no database 'nothing'") as raised:
        probe.listing(databaseSchema="nothing")
    assert "databaseSchema" in raised.value.hint


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"connectionOptions": {"nonsense": "1"}}, "nonsense"),
        ({"connectionOptions": {"maxPoolSize": "many"}}, "maxPoolSize"),
        ({"connectionOptions": {"authMechanism": "WHAT"}}, "authMechanism"),
        ({"connectionOptions": {"authMechanism": "MONGODB-AWS"}}, "pymongo[aws]"),
        ({"scheme": "mongodb+srv", "hostPort": "host:1"}, "port"),
        ({"sslConfig": {"caCertificate": "/nowhere.pem"}}, "certificate"),
        ({"sslConfig": {"caCertificate": "-----BEGIN CERTIFICATE-----\nx"}}, "certificate"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_options_that_the_driver_does_not_take(make, changes, said):
    with pytest.raises(ConfigError) as raised:
        make("there", ONE).open(**changes).__enter__()
    assert said.lower() in str(raised.value).lower()


def test_a_name_that_dns_does_not_know(make):
    probe = make("there", ONE)
    hurry = {"connectTimeoutMS": "300"}
    with pytest.raises(Unreachable, match=r"at it.is.nowhere.invalid does not answer"):
        probe.open(
            scheme="mongodb+srv", hostPort="it.is.nowhere.invalid", connectionOptions=hurry
        ).__enter__()


def test_without_the_driver_it_says_what_to_install(make, monkeypatch):
    probe = make("there", ONE)
    for name in [each for each in sys.modules if each.split(".")[0] == "pymongo"]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingDriver) as raised:
        probe.open().__enter__()
    assert "rayingest[mongodb]" in raised.value.hint


def test_a_database_without_rights_is_told_and_its_listing_is_no_empty_one(server):
    """SecantusDB names databases that MongoDB would hide; who may not list in one is refused by both."""
    with signed_in(server, "reader").open() as source:
        schemas = [each.id for each in of(source.discover_entities(SCHEMA)) if each.type is SCHEMA]
        assert "svc.default.hr" in schemas
        shop = list(source.discover_entities(TABLE, "svc.default.shop"))
        assert [each.complete for each in shop if isinstance(each, ScopeListed)] == [True]
        with pytest.raises(Denied, match="may not listCollections") as raised:
            list(source.discover_entities(TABLE, "svc.default.hr"))
    assert raised.value.hint == (
        "Grant the action listCollections on hr to the user of the config; the role read on hr has it."
    )


def test_who_may_not_list_databases_is_told_unless_one_is_named(server):
    with signed_in(server, "lister").open() as source, pytest.raises(Denied) as raised:
        list(source.discover_entities(SCHEMA))
    assert "readAnyDatabase" in raised.value.hint
    (found,) = signed_in(server, "lister", databaseSchema="shop").descriptors(SCHEMA)
    assert found.id == "svc.default.shop"


def test_a_collection_without_rights_is_told(server):
    with signed_in(server, "lister", databaseSchema="shop").open() as source:
        descriptors = [each for each in of(walk(source)) if each.type is TABLE]
        found, failed = sort(source.process_entities(descriptors))
    assert found == {}
    (error,) = failed.values()
    assert isinstance(error, Denied)
    assert "shop.a: the user may not find" in str(error)
    assert "the role read on shop has it" in error.hint


@pytest.mark.parametrize(
    ("code", "error"),
    [(13, Denied), (26, Gone), (59, Permanent)],
)
def test_what_one_collection_is_refused_costs_itself_alone(server, make, code, error):
    probe = make("refused", ONE, TWO)
    descriptors = probe.descriptors(TABLE)
    with probe.open() as source, server.failing("find", times=1, errorCode=code):
        found, failed = sort(source.process_entities(descriptors))
    assert len(found) == 1
    assert [type(each) for each in failed.values()] == [error]


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (50, TimedOut),
        (11600, SessionLost),
        (189, SessionLost),
        (16500, Throttled),
        (462, Throttled),
        (18, Unauthorised),
    ],
)
def test_what_ends_the_batch_is_raised(server, make, code, error):
    probe = make("raised", ONE, TWO)
    descriptors = probe.descriptors(TABLE)
    with probe.open() as source, server.failing("find", errorCode=code), pytest.raises(error):
        list(source.process_entities(descriptors))


def test_a_call_that_takes_too_long_ends(server, make):
    """By the driver's own time-out, should the server not end it."""
    probe = make("slow", ONE, connectionOptions={"socketTimeoutMS": "300"})
    descriptors = probe.descriptors(TABLE)
    slow = {"blockConnection": True, "blockTimeMS": 1500}
    with probe.open() as source, server.failing("find", times=1, **slow), pytest.raises(TimedOut):
        list(source.process_entities(descriptors))


def test_a_call_is_cancelled_at_the_server_and_waited_for_no_more(server, make):
    """SecantusDB ends no command for killSessions; that it is told to is seen on the way."""
    probe = make("cancelled", ONE)
    descriptors = probe.descriptors(TABLE)
    host, port = server.host_port.split(":")
    killed = threading.Event()

    def look(data):
        if b"killSessions" in data:
            killed.set()

    slow = {"blockConnection": True, "blockTimeMS": 8000}
    with (
        Proxy(host, int(port), look).serve() as proxy,
        probe.open(hostPort=proxy.host_port) as source,
        server.failing("find", times=1, **slow),
    ):
        started = time.monotonic()
        timer = threading.Timer(0.3, source.cancel)
        timer.start()
        with pytest.raises(TimedOut, match="cancelled"):
            list(source.process_entities(descriptors))
        assert time.monotonic() - started < 5
        timer.join()
        assert killed.wait(5)
    assert probe.entities(TABLE)  # others go on


@pytest.mark.parametrize("command", [b"listCollections", b"find", b"listIndexes"])
def test_a_connection_that_is_cut_in_the_middle_of_an_answer(server, make, command):
    probe = make("cut", ONE, TWO)
    descriptors = probe.descriptors(TABLE)
    host, port = server.host_port.split(":")
    proxy = Proxy(host, int(port))
    with proxy.serve(), probe.open(hostPort=proxy.host_port) as source:
        assert len(sort(source.process_entities(descriptors))[0]) == 2
        proxy.hook = lambda data: 20 if command in data else None
        with pytest.raises(SessionLost, match="The connection broke"):
            list(source.process_entities(descriptors))
        proxy.hook = lambda _: None
        found, failed = sort(source.process_entities(descriptors))  # on a new session
    assert (len(found), failed) == (2, {})
    assert proxy.cuts


def test_a_listing_of_several_answers_comes_whole_or_not_at_all(server, make):
    make("long", *({"create": f"t{place:03}"} for place in range(250)))
    probe = Probe(CONNECTOR, server.config(databaseSchema="long"))
    with probe.open() as source:
        before = source.calls
        *found, end = source.discover_entities(TABLE, "svc.default.long")
        assert (len(found), end.count, end.complete) == (250, 250, True)
        assert source.calls - before == 2  # 101 names, then the others
        found = []
        with (
            server.failing("getMore", errorCode=11600),
            pytest.raises(SessionLost),
        ):
            found.extend(source.discover_entities(TABLE, "svc.default.long"))
        assert not [each for each in found if isinstance(each, ScopeListed)]


def lines(probe, **changes):
    return [
        (str(each.capability), each.status) for each in CONNECTOR.check(probe.settings(**changes))
    ]


def test_check(server, make):
    assert lines(signed_in(server, "all")) == [
        ("connect", "ok"),
        ("schemas", "ok"),
        ("tables", "ok"),
        ("columns", "ok"),
    ]
    probe = make("checked", ONE)
    with server.failing("find", errorCode=13):
        assert lines(probe)[2:] == [("tables", "ok"), ("columns", "denied")]
    with server.failing("listDatabases", times=1, errorCode=13):
        (_, schemas, *_) = CONNECTOR.check(Probe(CONNECTOR, server.config()).settings())
    assert schemas.status == "warning"
    assert "readAnyDatabase" in schemas.grant
    with server.failing("listCollections", errorCode=13):
        (_, _, tables, *_) = CONNECTOR.check(probe.settings())
    assert (tables.status, "listCollections on checked" in tables.grant) == ("denied", True)
    assert lines(probe, databaseSchema="nothing")[1:] == [
        ("schemas", "warning"),
        ("tables", "warning"),
    ]
    (down,) = CONNECTOR.check(probe.settings(hostPort="127.0.0.1:1", connectionOptions=HURRY))
    assert (down.status, "does not answer" in down.why) == ("failed", True)
