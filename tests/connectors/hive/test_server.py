"""A real Spark Thrift Server: the library's story, types, names, statements counted, faults."""

import socket
import threading
import time

import pytest

from rayingest.connectors.database.hive import CONNECTOR
from rayingest.core.source import Capability, EntityDescriptor, ScopeListed
from rayingest.errors import (
    ConfigError,
    Gone,
    Permanent,
    SessionLost,
    TimedOut,
    Unauthorised,
    Unreachable,
)
from rayingest.kit.sql.hive.session import quoted
from rayingest.model import EntityType
from rayingest.testing.conformance import FLOORS
from rayingest.testing.connector_suite import CHECKS, case, shows
from rayingest.testing.probe import Probe, of, sort
from rayingest.testing.servers import hive

from .. import goldens
from ..grading import check_grade
from .relay import relay

pytestmark = pytest.mark.slow
DATABASE, SCHEMA, TABLE = EntityType.DATABASE, EntityType.DATABASE_SCHEMA, EntityType.TABLE
HOSTILE = [
    'a"b', "a'b", "a.b", "a::b", "a>b", "a`b", "select", "ünïcödé", "漢字", "😀", "x y", "%s", "{x}", "a\\b",
    "#x", "twin", "-- x", "a|b",
]  # fmt: skip


@pytest.fixture(scope="module")
def story(bed):
    """What is told before any test has changed anything."""
    return case("hive", bed.connection)


@pytest.fixture(scope="module")
def server(bed, story):
    return hive.Server(bed.connection["hostPort"])


@pytest.fixture(scope="module")
def make(server):
    def create(schema, *statements):
        server.run(f"create database {schema}", f"use {schema}", *statements)
        return Probe(CONNECTOR, server.config(databaseSchema=schema))

    return create


# --- what all connectors are asked ---


@pytest.mark.parametrize("capability", FLOORS["database"])
def test_a_claim_holds_and_a_gap_is_one(bed, story, capability):
    claimed = capability in CONNECTOR.capabilities
    assert shows(story, capability) == (claimed and capability not in bed.compiled)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_every_connector_holds(story, check):
    check(story)


def test_the_story_is_told_as_in_the_golden_file(request, bed, story):
    write = request.config.getoption("--write-golden")
    goldens.hold("hive", story.told, write=write, spelled=bed.spelled)


def test_the_grade_is_what_the_tests_show(bed, story, write_grades):
    check_grade("hive", bed, story, write=write_grades)


# --- what is told ---


def test_something_of_every_kind_arrives(make):
    probe = make(
        "kinds",
        "create table typed (a tinyint, b smallint, c bigint, d float, e double, f boolean, g binary,"
        " h timestamp, i timestamp_ntz, j array<struct<x: int, y: string>>, k map<string, int>,"
        " l interval year to month, m char(3)) using parquet",
        "create table laid (id int comment 'the id', s struct<a: int, b: array<map<string, decimal(3, 1)>>>,"
        " day date) using parquet partitioned by (day) clustered by (id) sorted by (id) into 4 buckets"
        " comment 'first\nType: VIEW\nlast'",
        "create external table apart (a int) stored as textfile location '/tmp/apart-of-rayingest'",
        "create view lines as select id\n  -- Location: nowhere\nfrom laid",
    )
    found = {
        each.name: each for each in probe.entities(TABLE, options={"includeOwners": True}).values()
    }
    kinds = {name: str(each.table_type) for name, each in found.items()}
    assert kinds == {"typed": "Regular", "laid": "Regular", "apart": "External", "lines": "View"}
    types = [each.data_type for each in found["typed"].columns]
    assert types == [
        "TINYINT", "SMALLINT", "BIGINT", "FLOAT", "DOUBLE", "BOOLEAN", "BINARY", "TIMESTAMP", "TIMESTAMP",
        "ARRAY", "MAP", "INTERVAL", "CHAR",
    ]  # fmt: skip
    items = found["typed"].columns[9]
    assert (items.array_data_type, [each.name for each in items.children]) == ("STRUCT", ["x", "y"])
    laid = found["laid"]
    assert laid.description == "first\nType: VIEW\nlast"
    assert [each.name for each in laid.columns] == ["id", "s", "day"]
    assert laid.columns[0].description == "the id"
    assert [each.name for each in laid.columns[1].children] == ["a", "b"]
    assert [each.column_name for each in laid.partition] == ["day"]
    assert [(each.constraint_type, each.columns) for each in laid.constraints] == [
        ("DIST_KEY", ("id",)),
        ("SORT_KEY", ("id",)),
    ]
    assert found["apart"].location_path == "file:/tmp/apart-of-rayingest"
    assert found["lines"].schema_definition == "select id\n  -- Location: nowhere\nfrom laid"
    assert [each.name for each in laid.owners] == [hive.OWNER]
    probe.agree(TABLE)


def test_names_come_out_as_they_went_in(make, server):
    """Those of tables are words in this metastore; those of columns are anything."""
    columns = ", ".join(f"{quoted(each)} int" for each in HOSTILE)
    server.run("create database `123`", "create table `123`.`456` (a int) stored as orc")
    probe = make(
        "nasty", f"create table wide ({columns}) using parquet", "create table `select` (a int)"
    )
    wide = probe.entities(TABLE)["svc.default.nasty.wide"]
    assert [each.name for each in wide.columns] == HOSTILE
    probe.agree(TABLE)
    assert list(probe.entities(TABLE, databaseSchema="123")) == ["svc.default.123.456"]


def test_ddl_does_not_change_when_somebody_writes(make, server):
    probe = make(
        "written", "create table t (a int) stored as orc tblproperties ('kept' = 'it\\'s')"
    )
    before = probe.entities(TABLE, options={"includeDDL": True})
    server.run("insert into written.t values (1)")
    after = probe.entities(TABLE, options={"includeDDL": True})
    assert before == after
    (table,) = after.values()
    assert "CREATE TABLE" in table.schema_definition
    assert "kept" in table.schema_definition
    assert "transient" not in table.schema_definition


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"includeViews": False}, {"author", "book", "loan"}),
        ({"includeTables": False}, {"cheap_book"}),
    ],
)
def test_only_what_is_wanted_is_listed(server, options, names):
    probe = Probe(CONNECTOR, server.config(databaseSchema="library"))
    listed = probe.listing(options=options)
    assert {each.metadata["name"] for each in of(listed) if each.type is TABLE} == names
    (end,) = [each for each in listed if isinstance(each, ScopeListed) and each.type is TABLE]
    assert end.mode == "changes"  # nobody is absent for not being listed


# --- what it costs ---


def test_statements_per_table(make):
    body = "(id int comment 'c', a decimal(9, 2), day date, s string) stored as orc"
    probe = make("many", *(f"create table t{place:03d} {body}" for place in range(60)))
    with probe.open() as source:
        assert source.calls == 2  # who is it, and which version
        listed = [each for kind in ((DATABASE, None), (SCHEMA, "svc.default"), (TABLE, "svc.default.many"))
                  for each in source.discover_entities(*kind)]  # fmt: skip
        assert source.calls == 4  # SHOW DATABASES, SHOW TABLES
        chunk = [each for each in of(listed) if each.type is TABLE]
        started = time.process_time()
        found, failed = sort(source.process_entities(chunk))
        assert time.process_time() - started < 60 * 0.0005 * 6  # a machine may be slower
        assert source.calls == 6  # SHOW TABLE EXTENDED, columns
    assert (len(found), failed) == (60, {})
    assert sum(len(each.columns) for each in found.values()) == 240


# --- what goes wrong ---


def test_what_was_dropped_is_gone_and_costs_itself_alone(make, server):
    probe = make("going", "create table stays (a int)", "create table goes (a int)")
    descriptors = probe.descriptors(TABLE)
    server.run("drop table going.goes")
    with probe.open() as source:
        found, failed = sort(source.process_entities(descriptors))
    assert list(found) == ["svc.default.going.stays"]
    assert {key: type(error) for key, error in failed.items()} == {"svc.default.going.goes": Gone}
    server.run("drop database going cascade")
    with probe.open() as source:
        with pytest.raises(Gone, match="'going' was dropped"):
            list(source.discover_entities(TABLE, "svc.default.going"))
        away = EntityDescriptor(
            SCHEMA, "svc.default.going", "svc.default", "default", {"name": "going"}
        )
        (error,) = sort(source.process_entities([away]))[1].values()
    assert isinstance(error, Gone)


def test_a_database_that_is_not_there_is_told(server):
    probe = Probe(CONNECTOR, server.config(databaseSchema="nope"))
    with probe.open() as source, pytest.raises(Permanent, match="no database 'nope'") as caught:
        list(source.discover_entities(SCHEMA, "svc.default"))
    assert "databaseSchema" in caught.value.hint
    lines = {each.capability: each for each in CONNECTOR.check(probe.settings())}
    assert lines[Capability.SCHEMAS].status == "denied"


def test_the_check(server):
    probe = Probe(CONNECTOR, server.config(databaseSchema="library"))
    lines = {each.capability: each for each in CONNECTOR.check(probe.settings())}
    assert lines["connect"].why == f"Spark SQL {hive.VERSION}, user {hive.OWNER}"
    assert {each.status for each in lines.values()} == {"ok"}
    assert Capability.TABLES in lines


def test_a_connection_that_is_cut_is_lost(server):
    with relay(server.host_port) as line:
        probe = Probe(CONNECTOR, server.config(hostPort=line.host_port))
        with probe.open() as source:
            line.cut()
            with pytest.raises(SessionLost, match="connection broke"):
                list(source.discover_entities(SCHEMA, "svc.default"))
            assert list(source.discover_entities(SCHEMA, "svc.default"))  # on a new one


def test_a_running_statement_is_cancelled(server):
    settings = Probe(CONNECTOR, server.config()).settings()
    session = CONNECTOR.facts.connect(settings, None)
    try:
        stopper = threading.Timer(0.5, session.cancel)
        stopper.start()
        started = time.monotonic()
        with pytest.raises(TimedOut):
            session.rows("select count(*) from range(10000000000) a cross join range(100) b")
        assert time.monotonic() - started < 10
        stopper.join()
        assert session.rows("select 1") == [(1,)]  # and goes on
    finally:
        session.close()


def test_a_statement_that_takes_too_long_is_broken_off(server):
    session = CONNECTOR.facts.connect(
        Probe(CONNECTOR, server.config()).settings(call_timeout=1.0), None
    )
    try:
        with pytest.raises(TimedOut):
            session.rows("select count(*) from range(10000000000) a cross join range(100) b")
    finally:
        session.close()


# --- how it is reached ---


def test_a_port_without_a_server_is_told():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        config = {"hostPort": f"127.0.0.1:{taken.getsockname()[1]}"}
        with pytest.raises(Unreachable, match="HiveServer2 at 127") as caught:
            Probe(CONNECTOR, config).descriptors(DATABASE)
    assert "hostPort" in caught.value.hint


def test_the_wrong_sign_in_is_told(server):
    """A server that wants SASL answers nothing to one that speaks without it."""
    probe = Probe(CONNECTOR, server.config(auth="NOSASL"))
    with pytest.raises(Unreachable) as caught:
        probe.descriptors(DATABASE)
    assert "NOSASL" in caught.value.hint


@pytest.mark.parametrize("auth", ["NONE", "LDAP", "CUSTOM", "PLAIN", "BASIC"])
def test_names_of_sign_ins_that_are_the_same(server, auth):
    assert Probe(CONNECTOR, server.config(auth=auth)).descriptors(DATABASE)


def test_unknown_parameters_are_refused(server):
    with pytest.raises(ConfigError, match="unknown: nonsense") as caught:
        Probe(CONNECTOR, server.config(connectionOptions={"nonsense": "1"})).descriptors(DATABASE)
    assert "http_path" in caught.value.hint


@pytest.fixture(scope="module")
def strict():
    """Over HTTP, and whoever asks is looked up where nobody answers: every password is wrong."""
    if why := hive.available():
        pytest.skip(why)
    options = {"hive_server2_transport_mode": "http", "hive_server2_authentication": "LDAP"}
    with hive.server(
        **options, hive_server2_authentication_ldap_url="ldap://127.0.0.1:9"
    ) as running:
        yield running


def test_a_wrong_password_is_told(strict):
    probe = Probe(CONNECTOR, strict.config(scheme="hive+http", auth="LDAP"))
    with pytest.raises(Unauthorised, match=f"does not accept user '{hive.OWNER}'") as caught:
        probe.descriptors(DATABASE)
    assert "password" in caught.value.hint
    assert "pass-hive-1" not in repr(caught.value)
