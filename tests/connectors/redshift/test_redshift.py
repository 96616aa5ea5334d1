"""What only Redshift has arrives; few statements; hostile names; what is refused is told, and nothing else lost."""

import time
from itertools import pairwise

import pytest
import sqlglot

from rayingest.connectors.database.redshift import CONNECTOR
from rayingest.core import fqn
from rayingest.core.source import ScopeListed
from rayingest.errors import Denied, Gone, TimedOut
from rayingest.kit.sql.redshift import check as checking
from rayingest.kit.sql.redshift import containers, ddl, external, keys, listing, routines, session
from rayingest.kit.sql.redshift import tables as relations
from rayingest.kit.sql.redshift.session import listed
from rayingest.kit.sql.redshift.shapes import shape
from rayingest.model import EntityType, TableType
from rayingest.testing.hostile import HOSTILE, WIDE, hostile

from .bed import create

ALL = {"includeOwners": True, "includeDDL": True}
TABLES, ROUTINES = EntityType.TABLE, EntityType.STORED_PROCEDURE
STATEMENTS = {
    f"{module.__name__.rpartition('.')[2]}.{name}": text
    for module in (containers, ddl, external, keys, listing, routines, session, relations, checking)
    for name, text in vars(module).items()
    if isinstance(text, str) and text.strip().startswith("select")
}
SETS = ("oids", "names", "schemas", "schema", "database", "kinds")
MANY = """
do $$ begin
  for i in 1..300 loop
    execute format('create table t%s (a int primary key, b varchar(20) not null, c numeric(8, 2), '
                   'd timestamp, e bigint, f date, g int, h varchar(9), i int, j boolean)', i);
    execute format('create view v%s as select * from t%s', i, i);
  end loop;
end $$
"""


@pytest.fixture(scope="module")
def tables(library):
    return library.entities(TABLES, options=ALL)


@pytest.mark.parametrize("name", STATEMENTS)
def test_every_statement_is_redshifts_sql(name):
    sets = {each: listed([1, "it's"] if each.endswith("s") else ["it's"]) for each in SETS}
    assert sqlglot.parse_one(STATEMENTS[name].format(**sets), dialect="redshift").sql("redshift")


@pytest.mark.parametrize("name", STATEMENTS)
def test_no_statement_mixes_catalogue_tables_and_system_views(name):
    """Functions of the leader node fail beside SVV_…, which compute nodes answer."""
    sets = dict.fromkeys(SETS, "1")
    found = sqlglot.parse_one(STATEMENTS[name].format(**sets), dialect="redshift")
    tables = [each.name for each in found.find_all(sqlglot.exp.Table) if each.name]
    assert len({each.startswith("svv_") for each in tables}) <= 1


def test_keys_distribution_and_sort_order(tables):
    book, event = tables["svc.story.library.book"], tables["svc.story.library.event"]
    assert {each.constraint_type: each.columns for each in book.constraints} == {
        "FOREIGN_KEY": ("author_id",),
        "DIST_KEY": ("author_id",),
        "SORT_KEY": ("title", "author_id"),
    }
    assert [(each.constraint_type, each.columns) for each in event.constraints] == [
        ("SORT_KEY", ("day", "id"))
    ]


def test_a_materialized_view_hides_the_table_that_it_keeps(tables):
    view = tables["svc.story.library.dear_book"]
    assert view.table_type is TableType.MATERIALIZED_VIEW
    assert view.schema_definition.startswith("create materialized view")
    assert not [each for each in tables if "mv_tbl__" in each]


def test_a_table_that_only_looks_like_a_materialized_views_is_told(make):
    probe = make("alike", "create table mv_tbl__x__0 (i int)")
    assert [*probe.entities(TABLES)] == ["svc.alike.public.mv_tbl__x__0"]


def test_a_late_binding_view_has_its_columns_and_what_was_said(tables):
    view = tables["svc.story.library.late_book"]
    assert view.table_type is TableType.VIEW
    assert [
        (each.name, each.data_type, each.data_length or each.precision) for each in view.columns
    ] == [
        ("id", "INT", None),
        ("title", "VARCHAR", 200),
        ("price", "DECIMAL", 8),
    ]
    assert view.schema_definition.endswith("with no schema binding")


def test_an_external_table_has_nested_columns_and_partitions(tables):
    loan = tables["svc.story.lake.loan"]
    assert loan.table_type is TableType.EXTERNAL
    assert [each.data_type for each in loan.columns] == ["INT", "STRUCT", "DATE"]
    assert [each.name for each in loan.columns[1].children] == ["name", "tags"]
    assert [(each.column_name, each.interval_type) for each in loan.partition] == [
        ("day", "COLUMN-VALUE")
    ]


def test_types_of_redshifts_own(tables):
    event = tables["svc.story.library.event"]
    assert {each.name: each.data_type for each in event.columns} == {
        "id": "BIGINT",
        "day": "DATE",
        "seen": "TIMESTAMPZ",
        "body": "SUPER",
        "place": "GEOMETRY",
        "visitors": "HLLSKETCH",
    }


@pytest.mark.parametrize(
    ("text", "data_type", "length"),
    [
        ("binary varying(64000)", "VARBINARY", 64000),
        ("varbyte(5)", "VARBINARY", 5),
        ("interval year to month", "INTERVAL", None),
        ("interval day to second (3)", "INTERVAL", None),
        ("geography", "GEOGRAPHY", None),
        ('"char"', "CHAR", None),
        ("character varying(65535)", "VARCHAR", 65535),
        ("timestamp without time zone", "TIMESTAMP", None),
    ],
)
def test_types_as_format_type_writes_them(text, data_type, length):
    assert (shape(text).data_type, shape(text).length) == (data_type, length)


def test_ddl_is_redshifts_sql_and_says_how_rows_lie(tables):
    for each in tables.values():
        if each.schema_definition:
            assert sqlglot.parse_one(each.schema_definition, dialect="redshift")
    book = tables["svc.story.library.book"].schema_definition
    assert 'foreign key ("author_id") references "library"."author" ("id")' in book
    assert '"author_id" integer encode az64' in book
    assert book.endswith('diststyle key\ndistkey ("author_id")\nsortkey ("title", "author_id");')
    event = tables["svc.story.library.event"].schema_definition
    assert '"id" bigint identity(1,1) encode az64 not null' in event
    assert event.endswith('diststyle auto\ninterleaved sortkey ("day", "id");')


def test_without_ddl_and_owners_there_are_none(library):
    book = library.entities(TABLES)["svc.story.library.book"]
    assert (book.schema_definition, book.owners) == (None, ())


def test_routines_with_their_bodies(library):
    found = library.entities(ROUTINES, options=ALL)
    forget = found["svc.story.library.forget"]
    assert forget.procedure_type == "StoredProcedure"
    assert forget.code == (
        'create procedure "library"."forget"(integer) as $$\n'
        "begin gone := 1; end\n$$ language plpgsql;"
    )
    assert found["svc.story.library.twice"].procedure_type == "Function"


def test_overloads_are_one_routine(make):
    probe = make(
        "overloads",
        "create function f(integer) returns integer language sql as 'select 1'",
        "create function f(a date, b date) returns date language sql as 'select a'",
    )
    (found,) = probe.entities(ROUTINES).values()
    assert found.code.count("create function") == 2
    assert '"f"(a date, b date) returns date' in found.code


@pytest.mark.parametrize("kind", [TABLES, ROUTINES, EntityType.DATABASE_SCHEMA])
def test_a_batch_says_the_same_as_one_by_one(library, kind):
    library.agree(kind, options=ALL)


def test_tables_without_views_and_views_without_tables(library):
    kinds = {
        (tables, views): {
            each.metadata["name"]
            for each in library.descriptors(
                TABLES, options={"includeTables": tables, "includeViews": views}
            )
        }
        for tables, views in ((True, False), (False, True))
    }
    assert kinds == {
        (True, False): {"author", "book", "event", "loan"},
        (False, True): {"cheap_book", "late_book", "dear_book"},
    }


def test_few_statements_and_little_time_for_hundreds_of_tables(make):
    probe = make("many", MANY)
    with probe.open(options=ALL) as source:
        start = source.calls
        found = [
            each
            for each in source.discover_entities(EntityType.DATABASE_SCHEMA, "svc.many")
            if getattr(each, "type", None) is TABLES and not isinstance(each, ScopeListed)
        ]
        assert source.calls - start == 4  # however many schemas there are
        assert len(found) == 600
        list(source.process_entities(found[:10]))
        before, calls = time.process_time(), source.calls
        assert len(list(source.process_entities(found[:500]))) == 500
        assert source.calls - calls == 5  # 0.01 for each; four without the DDL
        assert time.process_time() - before < 0.5


def test_late_binding_views_are_looked_up_once_in_a_session(library):
    views = [e for e in library.descriptors(TABLES) if e.metadata["name"] == "late_book"]
    with library.open() as source:
        calls = [source.calls]
        for _ in range(2):
            list(source.process_entities(views))
            calls.append(source.calls)
    assert [after - before for before, after in pairwise(calls)] == [5, 4]


def test_late_binding_views_that_are_not_told_fail_alone(make):
    """A view of that kind may refer to what is gone, or to what the account may not see."""
    probe = make(
        "broken",
        "create table t (i int); create view v as select i from t",
        "select pg_shim.said('v', 'create view v as select i from t with no schema binding', true)",
        "create or replace function pg_catalog.pg_get_late_binding_view_cols() returns setof record "
        "language plpgsql as $$ begin raise 'permission denied for schema x' using errcode = '42501'; end $$",
    )
    found, failed = probe.answers(TABLES)
    assert [*found] == ["svc.broken.public.t"]
    assert isinstance(failed["svc.broken.public.v"], Denied)
    assert "GRANT USAGE ON SCHEMA" in failed["svc.broken.public.v"].hint


def test_what_takes_too_long_once_is_not_asked_for_again(make):
    """Of late-binding views all are computed at once; an external schema is served by somebody else."""
    slow = "begin raise 'canceling statement' using errcode = '57014'; end"
    probe = make(
        "slow",
        "create table t (i int); create view v as select i from t",
        "select pg_shim.said('v', 'create view v as select i from t with no schema binding', true)",
        "create or replace function pg_catalog.pg_get_late_binding_view_cols() returns setof record "
        f"language plpgsql as $$ {slow} $$",
        "create or replace function pg_shim.answers(schemaname text) returns boolean "
        f"language plpgsql as $$ {slow} $$",
        "select pg_shim.external('lake', 1)",
        "insert into pg_shim.external_column values ('lake', 'x', 'TABLE', 'i', 'int', 1, 0, '')",
    )
    ends = [e for e in probe.listing() if isinstance(e, ScopeListed) and e.type is TABLES]
    assert {each.scope: each.complete for each in ends} == {
        "svc.slow.lake": False,
        "svc.slow.public": True,
    }
    views = [e for e in probe.descriptors(TABLES) if e.metadata["name"] == "v"]
    with probe.open() as source:
        calls = [source.calls]
        for _ in range(2):
            (failed,) = source.process_entities(views)
            assert isinstance(failed.error, TimedOut)
            calls.append(source.calls)
    assert [after - before for before, after in pairwise(calls)] == [5, 4]


def test_an_external_schema_of_the_servers_own_is_hidden(make):
    probe = make(
        "own", "insert into pg_shim.external_schema values (1, 1, 'pg_its_own', 10, 'glue', '{}')"
    )
    found = [each.metadata["name"] for each in probe.descriptors(EntityType.DATABASE_SCHEMA)]
    assert found == ["public"]


def test_hostile_names_come_out_as_they_went_in(make):
    catalogue = hostile()
    probe = make("nasty", *catalogue.blocks)
    tables = probe.entities(TABLES, options=ALL)
    routines = probe.entities(ROUTINES)
    assert len(tables) == catalogue.counts["tables"]
    assert len(routines) == catalogue.counts["routines"]
    for name in HOSTILE:
        table = tables[fqn.join("svc", "nasty", name, name)]
        assert (table.name, table.description) == (name, name)
        assert [column.name for column in table.columns] == list(HOSTILE)
        assert [e.name for e in table.columns if e.constraint == "PRIMARY_KEY"] == [name]
        (reference,) = tables[fqn.join("svc", "nasty", name, "t " + name)].constraints
        assert reference.referred_columns == (fqn.child(table.fqn, name),)
        assert routines[fqn.join("svc", "nasty", name, name)].name == name
    assert len(tables["svc.nasty.public.wide"].columns) == WIDE


def test_hostile_names_of_external_tables(make):
    probe = make("nastier", "select pg_shim.external('lake', 1)")
    with probe_connection(probe) as connection:
        for name in (*HOSTILE, "back\\slash", "a' or 'b"):
            connection.execute(
                "insert into pg_shim.external_column values ('lake', %s, 'TABLE', %s, 'int', 1, 0, '')",
                [name, name],
            )
    found = probe.entities(TABLES)
    assert {each.name for each in found.values()} == {*HOSTILE, "back\\slash", "a' or 'b"}
    assert all(each.columns[0].name == each.name for each in found.values())


def test_a_table_that_was_dropped_or_renamed_is_gone_and_its_neighbours_are_not(make):
    probe = make("moving", *(f"create table {name} (i int)" for name in "abc"))
    found = probe.descriptors(TABLES)
    with probe_connection(probe) as connection:
        connection.execute("drop table a; alter table b rename to d")
    with probe.open() as source:
        answers = list(source.process_entities(found))
    assert [getattr(each, "error", None).__class__ for each in answers] == [Gone, Gone, type(None)]


def test_an_external_schema_that_is_refused_is_incomplete_alone(make):
    probe = make(
        "refused",
        "create table here (i int)",
        "select pg_shim.external('closed', 1), pg_shim.external('lake', 1)",
        "insert into pg_shim.external_column values"
        " ('lake', 'there', 'TABLE', 'i', 'int', 1, 0, ''), ('closed', 'x', 'TABLE', 'i', 'int', 1, 0, '')",
    )
    ends = {
        each.scope: each
        for each in probe.listing()
        if isinstance(each, ScopeListed) and each.type is TABLES
    }
    assert {name for name, each in ends.items() if not each.complete} == {"svc.refused.closed"}
    assert "glue:GetTables" in ends["svc.refused.closed"].why
    assert [*probe.entities(TABLES)] == ["svc.refused.lake.there", "svc.refused.public.here"]
    (told,) = [e for e in CONNECTOR.check(probe.settings()) if e.status == "denied"]
    assert "'closed'" in told.why


def test_an_external_table_that_is_refused_is_denied_and_its_neighbours_are_not(make):
    probe = make(
        "half",
        "select pg_shim.external('lake', 1)",
        "insert into pg_shim.external_column values ('lake', 'there', 'TABLE', 'i', 'int', 1, 0, '')",
    )
    (there,) = probe.descriptors(TABLES)
    closed = type(there)(TABLES, "svc.half.closed.x", "svc.half.closed", "half", {
        "name": "x", "schema": "closed", "kind": "external"})  # fmt: skip
    with probe_connection(probe) as connection:
        connection.execute(
            "insert into pg_shim.external_column values ('closed', 'x', 'TABLE', 'i', 'int', 1, 0, '')"
        )
    with probe.open() as source:
        refused, told = source.process_entities([there, closed])
    assert isinstance(refused.error, Denied)
    assert "IAM role" in refused.error.hint
    assert told.entities[0].name == "there"


def test_all_databases_of_the_cluster_are_read_and_datashares_are_named(server, make):
    probe = make("first", "create table one (i int)", ingestAllDatabases=True)
    create(server, "second", "create table two (i int)")
    with probe_connection(probe) as connection:
        connection.execute("insert into pg_shim.database values ('theirs', 'shared')")
    only = {"databaseFilterPattern": {"includes": ["first", "second", "theirs"]}}
    found = probe.descriptors(TABLES, filters=only)
    assert [each.id for each in found] == ["svc.first.public.one", "svc.second.public.two"]
    with probe.open() as source:
        for each in found:  # one session each
            assert next(source.process_entities([each])).entities[0].fqn == each.id
    told = [each.why for each in CONNECTOR.check(probe.settings()) if each.status == "warning"]
    assert told == ["database theirs is made of a datashare: it is left out"]


def test_check_says_who_and_what_is_missing(server, make):
    probe = make("limited", "create schema theirs", "create table theirs.t (i int)")
    with probe_connection(probe) as connection:
        connection.execute(
            "do $$ begin create role reader login password 'r'; exception when duplicate_object "
            "then null; end $$"
        )
    reader = {"username": "reader", "authType": {"password": "r"}}
    told = list(CONNECTOR.check(probe.settings(**reader)))
    assert told[0].why == "Redshift 1.0.98765, database limited, user reader"
    (warning,) = [each for each in told if each.status != "ok"]
    assert warning.grant == 'GRANT USAGE ON SCHEMA "theirs" TO the user of the config;'
    capabilities = {each.capability for each in told}
    assert {"columns", "keys", "views", "procedures", "ddl", "owners", "comments"} <= capabilities


def test_a_catalogue_that_is_closed_is_denied_with_what_to_grant(make):
    probe = make("shut")
    with probe_connection(probe) as connection:
        connection.execute("revoke select on pg_catalog.pg_description from public")
        connection.execute(
            "do $$ begin create role reader login password 'r'; exception when duplicate_object "
            "then null; end $$"
        )
    reader = {"username": "reader", "authType": {"password": "r"}}
    (told,) = [e for e in CONNECTOR.check(probe.settings(**reader)) if e.status == "denied"]
    assert told.capability == "comments"
    assert "SYSLOG ACCESS UNRESTRICTED" in told.grant


def probe_connection(probe):
    """A connection of the server's owner to the probe's database."""
    import psycopg

    host, port = probe.config["hostPort"].split(":")
    return psycopg.connect(
        host=host,
        port=port,
        user=probe.config["username"],
        password=probe.config["authType"]["password"],
        dbname=probe.config["database"],
        autocommit=True,
    )
