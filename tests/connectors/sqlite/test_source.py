"""SQLite as a source: names, filters, counts, statements, and everything that can be wrong with a file."""

import os
import pickle
import sqlite3
import threading
import time

import msgspec
import pytest

from rayingest.connectors.database.sqlite import CONNECTOR
from rayingest.core import fqn
from rayingest.core.source import EntityDescriptor, ScopeListed
from rayingest.errors import ConfigError, Gone, Permanent, Retryable, TimedOut, Unreachable
from rayingest.model import EntityType
from rayingest.testing.probe import of, sort

TABLE = EntityType.TABLE
HOSTILE = [
    'a"b', "a'b", "a.b", "a::b", "a>b", "select", "Ünïcödé", "🛒", "", "%s", ":x", "?", "a\nb",
    "[x]", "`x`", "\\", "--", "a;drop table b", "x" * 200,
]  # fmt: skip


def ident(name):
    return '"' + name.replace('"', '""') + '"'


def test_names_come_out_as_they_went_in(make):
    columns = ", ".join(f"{ident(each)} text" for each in HOSTILE)
    probe = make(
        *(f"create table {ident(each)} ({columns}, unique ({ident(each)}))" for each in HOSTILE),
        *(
            f"create table {ident('r' + each)} (i references {ident(each)} ({ident(each)}))"
            for each in HOSTILE
        ),
    )
    tables = probe.entities(TABLE)
    assert len(tables) == 2 * len(HOSTILE)
    for name in HOSTILE:
        table = tables[fqn.join("svc", "default", "main", name)]
        assert table.name == name
        assert [each.name for each in table.columns] == HOSTILE
        assert [each.name for each in table.columns if each.constraint == "UNIQUE"] == [name]
        (key,) = tables[fqn.join("svc", "default", "main", "r" + name)].constraints
        assert (key.referred_table, key.referred_columns) == (
            table.fqn,
            (fqn.child(table.fqn, name),),
        )
    probe.agree(TABLE)


def test_the_empty_name_and_a_space_cannot_be_told_apart(make):
    ends = [
        each
        for each in make('create table "" (i)', 'create table " " (i)').listing()
        if isinstance(each, ScopeListed) and each.type is TABLE
    ]
    assert [(each.count, each.complete) for each in ends] == [(1, False)]


def test_two_hundred_tables(make):
    made = [
        f"create table t{i} (id integer primary key, a int references t{i - 1 if i else 0}, b text)"
        for i in range(200)
    ]
    probe = make(*made, f"create table wide ({', '.join(f'c{i} int' for i in range(1000))})")
    with probe.open() as source:
        listed = [
            *source.discover_entities(EntityType.DATABASE),
            *source.discover_entities(EntityType.DATABASE_SCHEMA, "svc.default"),
        ]
        by_type = {each: [d for d in of(listed) if d.type is each] for each in EntityType}
        for kind in (EntityType.DATABASE, EntityType.DATABASE_SCHEMA):
            assert len(sort(source.process_entities(by_type[kind]))[0]) == 1
        started = time.process_time()
        tables, failed = sort(source.process_entities(by_type[TABLE]))
        assert (time.process_time() - started) / 201 < 0.005
        assert source.calls / 201 <= 0.05
    assert not failed
    assert sum(len(each.columns) for each in tables.values()) == 200 * 3 + 1000
    assert sum(len(each.constraints) for each in tables.values()) == 200
    assert [
        each.count for each in listed if isinstance(each, ScopeListed) and each.type is TABLE
    ] == [201]


def test_descriptors_are_small_and_pickle(make):
    for each in make("create table t (i int)").listing():
        if isinstance(each, EntityDescriptor):
            assert pickle.loads(pickle.dumps(each)) == each
            assert len(msgspec.json.encode(each)) < 1000
    assert pickle.loads(pickle.dumps(CONNECTOR)).service_type == "SQLite"


@pytest.mark.parametrize(
    ("filters", "kept"),
    [
        ({"tableFilterPattern": {"includes": ["orders"]}}, ["orders", "orders_old"]),
        ({"tableFilterPattern": {"excludes": ["ORDERS"]}}, ["v"]),
        (
            {
                "tableFilterPattern": {"includes": ["svc.default.main.v"]},
                "useFqnForFiltering": True,
            },
            ["v"],
        ),
        ({"schemaFilterPattern": {"excludes": ["main"]}}, []),
        ({"databaseFilterPattern": {"includes": ["other"]}}, []),
    ],
)
def test_filters(make, filters, kept):
    probe = make(
        "create table orders (i)", "create table orders_old (i)", "create view v as select 1"
    )
    names = [each.metadata["name"] for each in probe.descriptors(TABLE, filters=filters)]
    assert names == kept


@pytest.mark.parametrize(("key", "left"), [("includeViews", ["t"]), ("includeTables", ["v"])])
def test_tables_or_views_alone(make, key, left):
    probe = make("create table t (i)", "create view v as select 1")
    listing = probe.listing(options={key: False})
    assert [each.metadata["name"] for each in of(listing) if each.type is TABLE] == left
    (end,) = [each for each in listing if isinstance(each, ScopeListed) and each.type is TABLE]
    assert end.mode == "changes"


def test_a_dropped_table_is_gone(make):
    probe = make("create table t (i)", "create table u (i)")
    descriptors = probe.descriptors(TABLE)
    with sqlite3.connect(probe.config["databaseMode"]) as connection:
        connection.execute("drop table t")
    connection.close()
    with probe.open() as source:
        found, failed = sort(source.process_entities(descriptors))
    assert list(found) == ["svc.default.main.u"]
    assert isinstance(failed["svc.default.main.t"], Gone)


def test_the_file_is_named_by_mode_or_database(make):
    probe = make("create table t (i)")
    path = probe.config["databaseMode"]
    assert [each.id for each in probe.descriptors(TABLE, database="shop")] == ["svc.shop.main.t"]
    alone = probe.descriptors(TABLE, databaseMode=":memory:", database=path)
    assert [each.id for each in alone] == ["svc.default.main.t"]


@pytest.mark.parametrize(
    "mode", [":memory:", "", "file::memory:?cache=shared", "file:x.db?mode=rw"]
)
def test_memory_and_uris_are_refused(make, mode):
    with pytest.raises(ConfigError) as raised, make().open(databaseMode=mode):
        pass
    assert "databaseMode: /path" in raised.value.hint


def test_a_missing_file_is_not_made(make, tmp_path):
    with (
        pytest.raises(Unreachable, match="does not exist"),
        make().open(databaseMode=str(tmp_path / "no.db")),
    ):
        pass
    assert not (tmp_path / "no.db").exists()
    with pytest.raises(Unreachable, match="is no file"), make().open(databaseMode=str(tmp_path)):
        pass


def test_another_kind_of_file(make, tmp_path):
    other = tmp_path / "other.db"
    other.write_bytes(b"x" * 5000)
    probe = make()
    with pytest.raises(Unreachable, match="not a database"), probe.open(databaseMode=str(other)):
        pass
    (line,) = CONNECTOR.check(probe.settings(databaseMode=str(other)))
    assert (line.status, line.capability) == ("failed", "connect")


def test_a_damaged_file_is_said_to_be_damaged(make, tmp_path):
    probe = make(*(f"create table table_number_{each} (i int)" for each in range(500)))
    path = tmp_path / "t.db"
    data = bytearray(path.read_bytes())
    data[8192 : len(data)] = os.urandom(len(data) - 8192)
    path.write_bytes(data)
    with pytest.raises((Unreachable, Permanent), match="malformed") as raised:
        probe.descriptors(TABLE)
    assert "integrity_check" in raised.value.hint


def test_nothing_can_be_written(make):
    with make("create table t (i)").open() as source, source._session("") as session:
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            session.rows("create table u (i)")
        with pytest.raises(Permanent), source._session("") as again:
            again.rows("insert into t values (1)")


def test_a_locked_file_may_be_read_later(make):
    probe = make("create table t (i)")
    writer = sqlite3.connect(probe.config["databaseMode"], isolation_level=None)
    writer.execute("begin exclusive")
    try:
        with (
            pytest.raises(Retryable, match="locked"),
            probe.open(connectionArguments={"timeout": 0}),
        ):
            pass
    finally:
        writer.close()


def test_a_running_statement_can_be_broken_off(make):
    endless = (
        "with recursive c(n) as (select 1 union all select n + 1 from c) select count(*) from c"
    )
    with make().open() as source:
        ticker = threading.Timer(0.2, source.cancel)
        ticker.start()
        with pytest.raises(TimedOut), source._session("") as session:
            session.rows(endless)
        ticker.join()


def test_an_unknown_argument_is_the_configs_fault(make):
    with pytest.raises(ConfigError, match="connectionArguments"):
        make().open(connectionArguments={"colour": "red"}).__enter__()


def test_check(make):
    lines = list(
        CONNECTOR.check(make("create table t (i)", "create view v as select 1").settings())
    )
    assert {each.status for each in lines} == {"ok"}
    assert "2 tables and views" in [each.why for each in lines]
