"""MySQL as a source: names, filters, statements, privileges, faults."""

import pickle
import threading
import time
from collections import Counter

import msgspec
import pymysql
import pytest

from rayingest.core import fqn
from rayingest.core.source import EntityDescriptor, ScopeListed
from rayingest.errors import (
    ConfigError,
    Denied,
    Gone,
    Permanent,
    SessionLost,
    TimedOut,
    Unauthorised,
    Unreachable,
)
from rayingest.kit.sql.mysql.errors import classify
from rayingest.model import EntityType
from rayingest.testing.probe import Probe, of, sort

TABLE, SCHEMA, PROCEDURE = EntityType.TABLE, EntityType.DATABASE_SCHEMA, EntityType.STORED_PROCEDURE
KINDS = ("MariaDB", "Mysql")
# Identifiers are of the basic multilingual plane and do not end in a space.
HOSTILE = [
    'a"b', "a'b", "a.b", "a::b", "a>b", "a`b", "select", "Ünïcödé", "漢字", " x", "%s", "%(x)s",
    "?", ":x", "a\nb", "a\\b", "--", "a;drop table b", "#mysql", "Twin", "twin", "x" * 64,
]  # fmt: skip


def ident(name):
    return "`" + name.replace("`", "``") + "`"


def _schema(name):
    return "n." + name if len(name) < 60 else name


def _reference(name):
    # InnoDB's own names of constraints would be too long, and the same for `Twin` and `twin`.
    key = f"fk{HOSTILE.index(name)}"
    column = ident("Twin" if name == "twin" else name)
    return f", constraint {key} foreign key (i) references nasty.{ident(name)} ({column})"


@pytest.fixture(scope="module")
def nasty(make, server):
    columns = [each for each in HOSTILE if each != "twin"]
    body = ", ".join(f"{ident(each)} varchar(3)" for each in columns)
    probe = make(
        "nasty",
        *(
            f"create table {ident(n)} ({body}, primary key ({ident(n if n != 'twin' else 'Twin')}))"
            for n in HOSTILE
        ),
        f"create table wide ({', '.join(f'c{i} tinyint' for i in range(1000))})",
    )
    for name in HOSTILE:
        place = ident(_schema(name))
        server.run(
            f"drop database if exists {place}",
            f"create database {place}",
            f"create table {place}.{ident(name)} (i varchar(3){_reference(name)})",
            f"create procedure {place}.{ident(name)} () select 1",
        )
    yield probe
    for name in HOSTILE:
        server.run(f"drop database {ident(_schema(name))}")


@pytest.mark.parametrize("kind", KINDS)
def test_names_come_out_as_they_went_in(nasty, whole, kind):
    probe = whole(kind)
    tables, procedures = probe.entities(TABLE), probe.entities(PROCEDURE)
    for name in HOSTILE:
        table = tables[fqn.join("svc", "default", "nasty", name)]
        assert table.name == name
        assert [each.name for each in table.columns] == [n for n in HOSTILE if n != "twin"]
        key = name if name != "twin" else "Twin"
        assert [c.name for c in table.columns if c.constraint == "PRIMARY_KEY"] == [key]
        place = _schema(name)
        found = tables[fqn.join("svc", "default", place, name)].constraints
        assert [each.referred_columns for each in found] == [(fqn.child(table.fqn, key),)]
        assert procedures[fqn.join("svc", "default", place, name)].name == name
    assert len(tables[fqn.join("svc", "default", "nasty", "wide")].columns) == 1000
    probe.agree(TABLE)


def test_every_scope_is_one_piece_and_counted(nasty, whole):
    """Twins that differ in case are not shuffled together."""
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
    made = [
        f"create table t{i} (id int primary key, a int, b json, c text comment 'c',"
        f" foreign key (a) references t{i - 1 if i else 0} (id)) comment 'x'"
        for i in range(200)
    ]
    return make("shop200", *made, "create view v as select * from t1", kind="Mysql")


def test_statements_per_table(shop200):
    with shop200.open() as source:
        listed = [
            *source.discover_entities(EntityType.DATABASE),
            *source.discover_entities(SCHEMA, "svc.default"),
        ]
        listing = source.calls
        assert listing <= 2
        found = {}
        started = time.process_time()
        for kind in (EntityType.DATABASE, SCHEMA, TABLE):
            chunk = [each for each in of(listed) if each.type is kind]
            found |= sort(source.process_entities(chunk))[0]
        assert (time.process_time() - started) / 201 < 0.005
        assert source.calls / 201 <= 0.05
    tables = [each for each in found.values() if each.type is TABLE]
    assert len(tables) == 201
    assert sum(len(each.columns) for each in tables) == 201 * 4
    assert sum(len(each.constraints) for each in tables) == 200
    assert sum(each.description == "x" for each in tables) == 200
    assert sum(column.data_type == "JSON" for each in tables for column in each.columns) == 200


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
        "create table orders (i int)",
        "create table orders_old (i int)",
        "create view v as select 1 as x",
    )
    assert [each.metadata["name"] for each in probe.descriptors(TABLE, filters=filters)] == kept


def test_the_systems_schemas_are_hidden_unless_named(whole):
    names = {each.metadata["name"] for each in whole().descriptors(SCHEMA)}
    assert not names & {"mysql", "sys", "information_schema", "performance_schema"}
    assert [each.id for each in whole().descriptors(SCHEMA, databaseSchema="mysql")] == [
        "svc.default.mysql"
    ]


def test_the_database_has_the_name_of_the_config(make):
    probe = make("renamed", "create table t (i int primary key)")
    (found,) = probe.entities(TABLE, databaseName="my.db").values()
    assert found.database_schema == 'svc."my.db".renamed'


def test_a_broken_view_costs_itself_alone(make):
    made = [f"create table t{i} (i int)" for i in range(30)]
    made += [f"create view v{i} as select i from t{i}" for i in range(30)]  # noqa: S608
    probe = make("broken", *made, "drop table t7")
    found, failed = probe.answers(TABLE, options={"includeDDL": True})
    assert len(found) == 58
    (error,) = failed.values()
    assert isinstance(error, Permanent)
    assert "references invalid table(s)" in str(error)
    probe.agree(TABLE)


def test_what_was_dropped_is_gone(make, server):
    probe = make(
        "going",
        "create table t (i int)",
        "create table u (i int)",
        "create procedure p () select 1",
    )
    tables, routines = probe.descriptors(TABLE), probe.descriptors(PROCEDURE)
    schemas = probe.descriptors(SCHEMA)
    server.run("drop table going.t", "drop procedure going.p")
    with probe.open() as source:
        found, failed = sort(source.process_entities([*tables, *routines]))
        assert list(found) == ["svc.default.going.u"]
        assert {type(each) for each in failed.values()} == {Gone}
        assert len(failed) == 2
        server.run("create database keeper", "drop database going")
        assert isinstance(sort(source.process_entities(schemas))[1]["svc.default.going"], Gone)
    server.run("drop database keeper")


def test_a_reader_sees_the_keys_too(make, server, user):
    make(
        "readable",
        "create table p (id int primary key)",
        "create table c (id int unique, foreign key (id) references p (id))",
        "create view v as select 1 as x",
        "create procedure r () select 1",
    )
    make("closed", "create table t (i int)")
    reader = user("select on readable.*", "execute on readable.*")
    probe = Probe(_mariadb(), {**server.config(), **reader})
    assert [each.id for each in probe.descriptors(SCHEMA)] == ["svc.default.readable"]
    tables = probe.entities(TABLE)
    assert tables["svc.default.readable.p"].columns[0].constraint == "PRIMARY_KEY"
    assert tables["svc.default.readable.c"].columns[0].constraint == "UNIQUE"
    assert len(tables["svc.default.readable.c"].constraints) == 1
    assert tables["svc.default.readable.v"].schema_definition is None
    code = probe.entities(PROCEDURE)["svc.default.readable.r"].code
    assert code == "CREATE PROCEDURE `readable`.`r`()"
    lines = {each.capability: each for each in probe.connector.check(probe.settings())}
    assert lines["connect"].status == "ok"
    assert lines["views"].grant == "GRANT SHOW VIEW ON *.* TO 'reader'@'%';"
    assert lines["procedures"].grant == "GRANT SELECT ON mysql.proc TO 'reader'@'%';"
    with pytest.raises(Denied) as raised:
        probe.open(databaseSchema="closed").__enter__()
    assert "GRANT SELECT, SHOW VIEW ON `closed`.*" in raised.value.hint


def _mariadb():
    from rayingest.connectors.database.mariadb import CONNECTOR

    return CONNECTOR


@pytest.mark.parametrize("kind", KINDS)
def test_a_wrong_password(whole, kind):
    secret = (
        {"password": "canary-9f"} if kind == "MariaDB" else {"authType": {"password": "canary-9f"}}
    )
    probe = whole(kind)
    with pytest.raises(Unauthorised, match="does not accept user") as raised:
        probe.open(**secret).__enter__()
    settings = probe.settings(**secret)
    told = [raised.value, raised.value.hint, settings, *probe.connector.check(settings)]
    assert "canary-9f" not in repr(told) + str(told)


def test_a_server_that_does_not_answer(whole):
    with pytest.raises(Unreachable, match="does not answer"):
        whole().open(hostPort="127.0.0.1:1").__enter__()
    with pytest.raises(Unreachable, match="has no database 'nothing'"):
        whole().open(databaseSchema="nothing").__enter__()
    with pytest.raises(ConfigError, match="connectionArguments"):
        whole().open(connectionArguments={"colour": "red"}).__enter__()
    with pytest.raises(ConfigError, match="Cloud SQL"):
        whole("Mysql").open(authType={"enableIamAuth": True}, hostPort="p:r:i").__enter__()


def test_a_socket(whole, server):
    assert whole().descriptors(EntityType.DATABASE, hostPort=str(server.socket))


def test_options_of_the_driver(whole):
    options = {"connect_timeout": "7", "ssl_disabled": "true"}
    with whole().open(connectionOptions=options) as source, source._session("") as session:
        assert session.connection.connect_timeout == 7
        assert session.rows("show session status like 'Ssl_cipher'")[0][1] == ""


# For ever, as far as a test is concerned.
ENDLESS = " cross join ".join(
    [
        "select count(*) from information_schema.columns a",
        *("information_schema.columns " + x for x in "bcd"),
    ]
)


@pytest.fixture
def endless(server):
    """A statement that the server would go on with for nobody, when we hang up."""
    yield ENDLESS
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute(
            "select id from information_schema.processlist where info like %s and id != connection_id()",
            [f"{ENDLESS[:50]}%"],
        )
        for (number,) in cursor.fetchall():
            cursor.execute(f"kill {number}")


@pytest.mark.parametrize(("beside", "kind"), [(None, TimedOut), (lambda: 1 / 0, SessionLost)])
def test_a_running_statement_can_be_broken_off(whole, endless, beside, kind):
    """By KILL QUERY on a second connection; where none is to be had, by hanging up."""
    with whole().open() as source:
        if beside:
            source._idle[0]._beside = beside
        ticker = threading.Timer(0.2, source.cancel)
        ticker.start()
        started = time.monotonic()
        with pytest.raises(kind), source._session("") as session:
            session.rows(endless)
        ticker.join()
        assert time.monotonic() - started < 10
        assert list(source.discover_entities(EntityType.DATABASE))


def test_a_statement_that_takes_too_long_times_out(whole):
    with (
        whole().open(call_timeout=1.0) as source,
        pytest.raises(TimedOut),
        source._session("") as session,
    ):
        session.rows(ENDLESS)


def test_a_connection_cut_in_the_middle_is_lost_not_gone(whole, server, make):
    probe = make("cut", "create table t (i int)")
    descriptors = probe.descriptors(TABLE)
    with probe.open() as source:
        with source._session("") as session:
            thread = session.connection.thread_id()
        server.run(f"kill {thread}")
        with pytest.raises(SessionLost):
            list(source.process_entities(descriptors))
        assert len(sort(source.process_entities(descriptors))[0]) == 1


def test_nothing_can_be_written(whole, make):
    make("frozen", "create table t (i int)")
    with (
        whole().open() as source,
        pytest.raises(Permanent, match="READ ONLY"),
        source._session("") as session,
    ):
        session.rows("insert into frozen.t values (1)")


def test_a_hostile_sql_mode_of_the_server_does_not_matter(make, server):
    probe = make("modes", 'create table `a\\\\b` (`c"d` int)')
    server.run("set global sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'")
    try:
        (table,) = probe.entities(TABLE, options={"includeDDL": True}).values()
    finally:
        server.run("set global sql_mode = default")
    assert "CREATE TABLE `a" in table.schema_definition


@pytest.mark.parametrize(
    ("number", "kind"),
    [(1146, Gone), (1142, Denied), (1143, Denied), (1044, Denied), (2006, SessionLost),
     (2013, SessionLost), (1356, Permanent), (1064, Permanent), (1969, TimedOut)],
)  # fmt: skip
def test_error_numbers(number, kind):
    text = "SELECT command denied to user 'bob'@'h' for table `a`.`b`"
    known = classify(pymysql.err.OperationalError(number, text))
    assert type(known) is kind
    if number == 1142:
        assert known.hint == "GRANT SELECT, SHOW VIEW ON `a`.`b` TO 'bob'@'%';"
    assert classify(ZeroDivisionError()) is None


def test_a_descriptor_of_each_kind(make):
    probe = make("few", "create table t (i int)", "create function f () returns int return 1")
    assert [each.type.value for each in of(probe.listing())] == [
        "database",
        "databaseSchema",
        "table",
        "storedProcedure",
    ]
    assert all(
        isinstance(each, EntityDescriptor) and each.batch == "default"
        for each in of(probe.listing())
    )
