"""Hive's metastore in PostgreSQL and in MariaDB: the library's story, keys, old versions, statements, rights."""

import json
import time

import pytest
import sqlglot

from rayingest.connectors.database.hive import CONNECTOR
from rayingest.core.source import Capability, ScopeListed
from rayingest.errors import Denied, Gone, Permanent, Unauthorised, Unreachable
from rayingest.kit.sql.metastore import statements
from rayingest.model import EntityType
from rayingest.testing import mariadb, postgres
from rayingest.testing.connector_suite import CHECKS, case, shows
from rayingest.testing.probe import Probe, of, sort

from .tables import FOREIGN, PRIMARY, REQUIRED, Metastore, layout, library

SCHEMA, TABLE = EntityType.DATABASE_SCHEMA, EntityType.TABLE
HIVE = {"type": "Hive", "hostPort": "hive.invalid:10000"}  # nobody is asked there
SIDES = ("postgres", "mariadb")


class Place:
    """A server with metastores, each in a database of its own."""

    def __init__(self, quote, create, connect, config):
        self.quote, self._create, self._connect, self._config = quote, create, connect, config

    def run(self, name, *asked):
        with self._connect(name) as connection, connection.cursor() as cursor:
            for statement, parameters in asked:
                cursor.execute(statement, parameters)

    def make(self, name, *, without=()):
        self._create(name)
        self.run(name, *((each, None) for each in layout(self.quote, without=without)))
        return Metastore(
            lambda statement, parameters: self.run(name, (statement, parameters)),
            self.quote,
            catalogues="CTLG_NAME" not in without,
        )

    def config(self, name, **changes):
        return {**HIVE, "metastoreConnection": self._config(name), **changes}

    def probe(self, name, **changes):
        return Probe(CONNECTOR, self.config(name, **changes))


@pytest.fixture(scope="module")
def servers():
    with postgres.server() as server:
        yield {
            "postgres": Place('"', server.create, server.connect, server.config),
            "server": server,
        }


@pytest.fixture(scope="module")
def maria():
    if why := mariadb.available():
        pytest.skip(why)
    with mariadb.server() as server:

        def create(name):
            server.run(f"drop database if exists {name}", f"create database {name}")

        def config(name):
            return server.config("Mysql", databaseSchema=name)

        yield Place("`", create, server.connect, config)


@pytest.fixture(params=SIDES)
def place(request):
    if request.param == "mariadb":
        return request.getfixturevalue("maria")
    return request.getfixturevalue("servers")["postgres"]


@pytest.fixture(scope="module")
def stories():
    """The story of each side, told when it is first asked for."""
    told = {}

    def of_side(place):
        if place.quote not in told:
            library(place.make("story"))
            told[place.quote] = case("hive", place.config("story"))
        return told[place.quote]

    return of_side


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_suite_of_all_connectors(place, stories, check):
    check(stories(place))


def test_every_capability_but_the_statements(place, stories):
    story = stories(place)
    shown = {each for each in CONNECTOR.capabilities if shows(story, each)}
    assert shown == CONNECTOR.capabilities - {Capability.DDL}


def test_both_servers_tell_the_same(servers, maria, stories):
    ours, theirs = stories(servers["postgres"]).told, stories(maria).told
    assert sorted(map(repr, ours.entities)) == sorted(map(repr, theirs.entities))
    assert sorted(map(repr, ours.scopes)) == sorted(map(repr, theirs.scopes))


def test_what_hive_and_others_keep_there(place):
    store = place.make("kinds")
    store.database("sys")
    store.database("elsewhere", catalogue="spark")
    home = store.database("home")
    store.table(home, "laid", ("a", "int"), ("b", "string"), buckets=["b", "a"], sorted_by=["a"])
    store.table(
        home, "apart", ("a", "uniontype<int,string>", "from deserializer"), kind="EXTERNAL_TABLE"
    )
    store.table(home, "kept", ("a", "int"), kind="MATERIALIZED_VIEW", texts=("select 1 a", None))
    store.table(home, "ice", ("a", "int"), kind="EXTERNAL_TABLE", table_type="ICEBERG")
    schema = {"fields": [{"name": "Ünï", "type": "long", "nullable": False, "metadata": {}}]}
    text = json.dumps(schema)
    store.table(home, "delta", ("col", "array<string>", "from deserializer"), **{
        "spark.sql.sources.schema.numParts": "2",
        "spark.sql.sources.schema.part.0": text[:20],
        "spark.sql.sources.schema.part.1": text[20:],
    })  # fmt: skip
    store.table(
        home,
        "it's 100% \"`ünï",
        ("a\"`'%s", "struct<x:int,y:array<map<string,date>>>", "it's\n100%"),
    )
    found = {each.name: each for each in place.probe("kinds").entities(TABLE).values()}
    kinds = {name: str(each.table_type) for name, each in found.items() if "%" not in name}
    assert kinds == {
        "laid": "Regular",
        "apart": "External",
        "kept": "MaterializedView",
        "ice": "Iceberg",
        "delta": "Regular",
    }
    assert [(e.constraint_type, e.columns) for e in found["laid"].constraints] == [
        ("DIST_KEY", ("b", "a")),
        ("SORT_KEY", ("a",)),
    ]
    assert (found["apart"].columns[0].data_type, found["apart"].columns[0].description) == (
        "UNION",
        None,
    )
    assert [(e.name, e.data_type, str(e.constraint)) for e in found["delta"].columns] == [
        ("Ünï", "BIGINT", "NOT_NULL")
    ]
    nasty = found["it's 100% \"`ünï"]
    assert (nasty.columns[0].name, nasty.columns[0].description) == ("a\"`'%s", "it's\n100%")
    assert [each.name for each in nasty.columns[0].children] == ["x", "y"]
    assert list(place.probe("kinds").entities(SCHEMA)) == ["svc.default.home"]
    place.probe("kinds").agree(TABLE)


def test_keys_of_several_columns_and_of_partitions(place):
    store = place.make("keyed")
    home, other = store.database("home"), store.database("other")
    parent = store.table(other, "parent", ("a", "int"), ("b", "int"))
    child = store.table(home, "child", ("x", "int"), ("y", "int"), parted=[("day", "date")])
    store.key(PRIMARY, "pk", parent, 1, 0)
    store.key(FOREIGN, "fk", parent, 1, 0, of=(child, 0, 1))
    store.key(REQUIRED, "nn", child, 1)
    store._add(
        "KEY_CONSTRAINTS", CONSTRAINT_TYPE=REQUIRED, CONSTRAINT_NAME="nn2", PARENT_TBL_ID=child,
        PARENT_CD_ID=None, PARENT_INTEGER_IDX=0, POSITION=1,
    )  # fmt: skip
    found = {each.name: each for each in place.probe("keyed").entities(TABLE).values()}
    (primary,) = found["parent"].constraints
    assert (primary.constraint_type, primary.columns) == ("PRIMARY_KEY", ("b", "a"))
    (foreign,) = found["child"].constraints
    assert (foreign.columns, foreign.referred_table) == (("x", "y"), "svc.default.other.parent")
    assert foreign.referred_columns == ("svc.default.other.parent.b", "svc.default.other.parent.a")
    required = {each.name: str(each.constraint) for each in found["child"].columns}
    assert required == {"x": "NULL", "y": "NOT_NULL", "day": "NOT_NULL"}


def test_a_metastore_of_hive_1_has_neither_catalogues_nor_keys(place):
    without = {"CTLG_NAME", "KEY_CONSTRAINTS"}
    library(place.make("old", without=without), keys=False)
    probe = place.probe("old")
    assert len(probe.entities(TABLE)) == 4
    lines = {each.capability: each for each in CONNECTOR.check(probe.settings())}
    assert lines[Capability.KEYS].status == "warning"


def test_statements_per_table(place):
    store = place.make("many")
    home = store.database("home")
    quote = place.quote
    rows = {
        "SDS": ("SD_ID, CD_ID, LOCATION", "{0}, {0}, 'x'"),
        "TBLS": ("TBL_ID, DB_ID, SD_ID, TBL_NAME, TBL_TYPE", f"{{0}}, {home}, {{0}}, 't{{0}}', 'MANAGED_TABLE'"),
        "COLUMNS_V2": ("CD_ID, COLUMN_NAME, TYPE_NAME, INTEGER_IDX", "{0}, 'a', 'int', 0"),
    }  # fmt: skip
    for table, (names, values) in rows.items():
        spelled = ", ".join(f"{quote}{each}{quote}" for each in names.split(", "))
        told = ", ".join(f"({values.format(number)})" for number in range(1000, 1400))
        statement = f"insert into {quote}{table}{quote} ({spelled}) values {told}"  # noqa: S608
        place.run("many", (statement, None))
    with place.probe("many").open() as source:
        before = source.calls
        listed = list(source.discover_entities(SCHEMA, "svc.default"))
        assert source.calls == before + 1
        chunk = [each for each in of(listed) if each.type is TABLE]
        started = time.process_time()
        found, failed = sort(source.process_entities(chunk))
        assert (time.process_time() - started) / 400 < 0.0005 * 4  # a machine may be slower
        assert source.calls == before + 7
    assert (len(found), failed) == (400, {})
    assert all(each.complete for each in listed if isinstance(each, ScopeListed))


def test_only_what_is_wanted_is_listed(place, stories):
    stories(place)
    probe = place.probe("story")
    names = {
        each.metadata["name"] for each in probe.descriptors(TABLE, options={"includeViews": False})
    }
    assert names == {"author", "book", "loan"}
    names = {
        each.metadata["name"] for each in probe.descriptors(TABLE, options={"includeTables": False})
    }
    assert names == {"cheap_book"}
    assert list(probe.entities(SCHEMA, databaseSchema="LIBRARY")) == ["svc.default.library"]


def test_what_was_dropped_is_gone(place):
    store = place.make("going")
    home = store.database("home")
    store.table(home, "goes", ("a", "int"))
    probe = place.probe("going")
    descriptors = [*probe.descriptors(SCHEMA), *probe.descriptors(TABLE)]
    for table in ("TBLS", "DBS"):
        statement = f"delete from {place.quote}{table}{place.quote}"  # noqa: S608 - our own
        place.run("going", (statement, None))
    with probe.open() as source:
        failed = sort(source.process_entities(descriptors))[1]
    assert {type(error) for error in failed.values()} == {Gone}
    assert len(failed) == 2


def test_a_database_of_something_else_is_told(place):
    place.make("nothing", without={"SDS"})
    with pytest.raises(Denied, match="metastore's tables are there, or may be seen: SDS") as caught:
        place.probe("nothing").descriptors(SCHEMA)
    assert "SELECT on DBS" in caught.value.hint


def test_a_database_of_hives_that_is_not_there_is_told(place, stories):
    stories(place)
    with pytest.raises(Permanent, match="no database 'nope'"):
        place.probe("story").descriptors(TABLE, databaseSchema="nope")


def test_a_table_without_rights_is_told(servers):
    """Columns show who may read any one column: a run says what is missing, and so does the check."""
    place, server = servers["postgres"], servers["server"]
    library(place.make("rights"))
    place.run(
        "rights",
        ("drop role if exists reader", None),
        ("create role reader login password 'pass-reader-1'", None),
        ("grant select on all tables in schema public to reader", None),
        ('revoke select on "COLUMNS_V2" from reader', None),
        ('grant select ("CD_ID") on "COLUMNS_V2" to reader', None),
    )
    inner = server.config("rights", username="reader", authType={"password": "pass-reader-1"})
    probe = Probe(CONNECTOR, {**HIVE, "metastoreConnection": inner})
    with pytest.raises(Denied, match="COLUMNS_V2"):
        probe.answers(TABLE)
    lines = {each.capability: each for each in CONNECTOR.check(probe.settings())}
    assert lines[Capability.COLUMNS].status == "denied"
    assert "COLUMNS_V2" in lines[Capability.COLUMNS].grant
    assert lines[Capability.TABLES].status == "ok"


def test_the_check(place, stories):
    stories(place)
    settings = place.probe("story").settings(options={"includeDDL": True})
    lines = {each.capability: each for each in CONNECTOR.check(settings)}
    assert lines["connect"].why.startswith("Hive's metastore in ")
    assert lines.pop(Capability.DDL).status == "warning"
    assert {each.status for each in lines.values()} == {"ok"}


def test_wrong_password_and_no_host(place):
    whole = place.config("story")
    inner = whole["metastoreConnection"]
    wrong = Probe(
        CONNECTOR, {**whole, "metastoreConnection": {**inner, "authType": {"password": "wrong"}}}
    )
    with pytest.raises(Unauthorised):
        wrong.descriptors(SCHEMA)
    away = Probe(CONNECTOR, {**whole, "metastoreConnection": {**inner, "hostPort": "127.0.0.1:1"}})
    with pytest.raises(Unreachable):
        away.descriptors(SCHEMA)


def test_the_lineage_of_views_comes_out_of_the_text_with_whole_names(servers, stories):
    view = stories(servers["postgres"]).told.table("cheap_book")
    assert "`library`.`book`" in view.schema_definition


@pytest.mark.parametrize("text", statements.ALL)
@pytest.mark.parametrize("dialect", ["postgres", "mysql"])
def test_what_is_asked_is_sql(text, dialect):
    quote = '"' if dialect == "postgres" else "`"
    parts = {
        "s": '"public"',
        "hive": "1 = 1",
        "kinds": statements.VIEWS,
        "schema": "1 = 1",
        "marks": "1, 2",
    }
    (parsed,) = sqlglot.parse(text.format(**parts).replace('"', quote), dialect=dialect)
    assert isinstance(parsed, sqlglot.exp.Query)
