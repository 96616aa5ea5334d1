"""A real server of the protocol, MariaDB, understands what its relatives are asked, as far as it has the views."""

import threading
import time
from dataclasses import replace

import pytest

from rayingest.core import registry
from rayingest.errors import SessionLost, Unreachable
from rayingest.kit.sql.mysql.facts import mysql
from rayingest.model import EntityType
from rayingest.testing import mariadb
from rayingest.testing.probe import Probe

pymysql = pytest.importorskip("pymysql")
TABLE = EntityType.TABLE


@pytest.fixture(scope="module")
def running():
    if why := mariadb.available():
        pytest.skip(why)
    with mariadb.server() as server:
        server.run(
            "create database s",
            "create table s.one (id int primary key, u int unique, d json) comment 'first'",
            "create table s.two (a int, b int, primary key (a, b))",
            "create table s.ranged (d date) partition by range columns (d)"
            " (partition p values less than ('2020-01-01'), partition q values less than maxvalue)",
            "create view s.seen as select id from s.one",
        )
        yield server


def probe_of(name, server):
    """The connector with all that differs, but the catalogs, of which MariaDB has none."""
    connector = registry.load(name)
    product = replace(connector.facts.connect.keywords["product"], catalogs=None)
    kind = connector.service_type
    return Probe(replace(connector, facts=mysql(product)), server.config(kind, databaseSchema="s"))


@pytest.mark.parametrize("name", ["doris", "singlestore", "tidb"])
def test_the_statements_are_understood(running, name):
    probe = probe_of(name, running)
    found = {each.name: each for each in probe.entities(TABLE).values()}
    assert sorted(found) == ["one", "ranged", "seen", "two"]
    assert found["one"].columns[0].constraint == "PRIMARY_KEY"
    assert found["one"].columns[1].constraint == "UNIQUE"
    assert [each.columns for each in found["two"].constraints] == [("a", "b")]
    assert found["seen"].schema_definition.startswith("create view `s`.`seen` as select")
    probe.agree(TABLE)
    assert not [e for e in probe.connector.check(probe.settings()) if e.status != "ok"]


def test_many_schemas_without_pairs(running):
    many = [f"m{place}" for place in range(17)]
    for each in many:
        running.run(f"create database {each}", f"create table {each}.t (i int, j int)")
    try:
        probe = probe_of("doris", running)
        found = probe.entities(TABLE, databaseSchema=None)
        assert {f"svc.default.{each}.t" for each in many} <= set(found)
        assert all(len(found[f"svc.default.{each}.t"].columns) == 2 for each in many)
    finally:
        running.run(*(f"drop database {each}" for each in many))


@pytest.mark.parametrize("name", ["doris", "singlestore", "tidb"])
def test_nobody_is_asked_to_kill_by_a_number_that_may_be_anothers(running, name):
    """The line is cut: another server's query may have this number, or nobody, without an error."""
    with probe_of(name, running).open() as source, source._session("") as session:
        timer = threading.Timer(0.2, session.cancel)
        timer.start()
        began = time.monotonic()
        with pytest.raises(pymysql.OperationalError) as caught:
            session.rows("select sleep(20)")
        assert time.monotonic() - began < 10
        # A statement that was killed by its number says so, and is a time-out.
        assert isinstance(registry.load(name).facts.classify(caught.value), SessionLost)


def test_a_catalog_that_is_not_there_ends_with_the_servers_words(running):
    connector = registry.load("starrocks")
    with (
        pytest.raises(Exception, match=r"(?i)catalog") as caught,
        Probe(connector, running.config("StarRocks")).open(),
    ):
        pass
    assert running.password not in str(caught.value)


def test_nobody_listens():
    probe = Probe(
        registry.load("doris"), {"type": "Doris", "username": "x", "hostPort": "127.0.0.1:1"}
    )
    with pytest.raises(Unreachable, match=r"^Doris at 127\.0\.0\.1:1 does not answer"):
        probe.open().__enter__()
