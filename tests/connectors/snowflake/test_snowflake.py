"""Snowflake, as far as an emulator tells of it: names, kinds, filters, counts, faults."""

import pickle
import time
from collections import Counter
from dataclasses import replace

import msgspec
import pytest

from rayingest.connectors.database.snowflake import CONNECTOR
from rayingest.core import fqn
from rayingest.core.source import ScopeListed
from rayingest.errors import Gone
from rayingest.model import EntityType, TableType
from rayingest.testing.probe import of, sort

DATABASE, SCHEMA = EntityType.DATABASE, EntityType.DATABASE_SCHEMA
TABLE, PROCEDURE = EntityType.TABLE, EntityType.STORED_PROCEDURE
# Not among them: a single quote, and twins in case, which fakesnow cannot keep apart (DuckDB).
HOSTILE = [
    'a"b',
    "a.b",
    "a::b",
    "select",
    "Ünïcödé 🛒",
    "%s",
    "%(x)s",
    ":x",
    "?",
    "[x]",
    "--",
    "a\\b",
]
HOSTILE += ["lower", "a;b", " ", "$$"]


def ident(name):
    return '"' + name.replace('"', '""') + '"'


@pytest.fixture(scope="session")
def shop(make):
    return make(
        "shop",
        "create table a (i int primary key, u varchar(20) unique, d number(10,2) not null, v variant,"
        " ar array, o object, t timestamp_ntz, z timestamp_tz, b binary, f float, dt date, bo boolean,"
        " ti time, te text) comment = 'hey'",
        'create table "b" (x int references a (i), "y z" varchar)',
        "create view v as select i, u from a",
        "comment on column shop.public.a.u is 'you'",
        "create schema other",
        "create table other.c (i int)",
        "create stage other.files url = 's3://bucket/files/'",
    )


def test_columns(shop):
    table = shop.entities(TABLE)["svc.SHOP.PUBLIC.A"]
    assert (table.description, table.table_type, table.owners) == ("hey", TableType.REGULAR, ())
    assert [(c.name, c.data_type, c.data_type_display) for c in table.columns] == [
        ("I", "NUMBER", "NUMBER(38,0)"),
        ("U", "VARCHAR", "VARCHAR(20)"),
        ("D", "NUMBER", "NUMBER(10,2)"),
        ("V", "VARIANT", "VARIANT"),
        ("AR", "VARIANT", "VARIANT"),  # fakesnow has no types of its own for these two
        ("O", "VARIANT", "VARIANT"),
        ("T", "TIMESTAMP", "TIMESTAMP_NTZ"),
        ("Z", "TIMESTAMPZ", "TIMESTAMP_TZ"),
        ("B", "BINARY", "BINARY(8388608)"),
        ("F", "FLOAT", "FLOAT"),
        ("DT", "DATE", "DATE"),
        ("BO", "BOOLEAN", "BOOLEAN"),
        ("TI", "TIME", "TIME"),
        ("TE", "VARCHAR", "VARCHAR(16777216)"),
    ]
    i, u, d, *_ = table.columns
    assert (i.constraint, u.description, d.constraint) == ("PRIMARY_KEY", "you", "NOT_NULL")
    assert (u.data_length, d.precision, d.scale, i.ordinal_position) == (20, 10, 2, 1)


def test_names_keep_the_case_that_they_are_stored_in(shop):
    assert sorted(shop.entities(TABLE)) == [
        "svc.SHOP.OTHER.C",
        "svc.SHOP.PUBLIC.A",
        "svc.SHOP.PUBLIC.V",
        "svc.SHOP.PUBLIC.b",
    ]


def test_a_view_has_its_text(shop):
    view = shop.entities(TABLE)["svc.SHOP.PUBLIC.V"]
    assert (view.table_type, len(view.columns)) == (TableType.VIEW, 2)
    assert view.schema_definition.startswith("CREATE VIEW")


def test_owners_are_roles_where_they_are_wanted(shop):
    wanted = {"options": {"includeOwners": True}}
    for kind in (DATABASE, SCHEMA, TABLE):
        for each in shop.entities(kind, **wanted).values():
            assert [owner.name for owner in each.owners] == ["SYSADMIN"]
        for each in shop.entities(kind).values():
            assert each.owners == ()


def test_a_stage_is_a_table_where_it_is_asked_for(shop):
    stage = shop.entities(TABLE, includeStages=True)["svc.SHOP.OTHER.FILES"]
    assert (stage.table_type, stage.columns) == (TableType.STAGE, ())
    assert stage.location_path == "s3://bucket/files/"
    shop.agree(TABLE, includeStages=True)
    assert not [each for each in shop.descriptors(TABLE) if each.id.endswith("FILES")]


def test_procedures_and_functions_of_one_name_are_one(make, server):
    """Rows of ours in a view of ours: fakesnow has neither. It shows that ours are read right."""
    probe = make("routines")
    columns = (
        "(procedure_schema, procedure_name, procedure_owner, argument_signature, data_type,"
        " procedure_language, procedure_definition, comment)"
    )
    into = f"insert into routines.information_schema.procedures {columns} values"
    server.run(
        f"{into} ('PUBLIC', 'P', 'BOSS', '(X NUMBER)', 'NUMBER', 'SQL', 'return 2', 'two')",
        f"{into} ('PUBLIC', 'P', 'BOSS', '()', 'NUMBER', 'PYTHON', null, null)",
        "insert into routines.information_schema.functions (function_schema, function_name,"
        " function_owner, argument_signature, data_type, function_language, function_definition)"
        " values ('PUBLIC', 'F', 'BOSS', '(S VARCHAR)', 'VARCHAR', 'JAVASCRIPT', ' return S; ')",
    )
    found = probe.entities(PROCEDURE, options={"includeOwners": True})
    p, f = found["svc.ROUTINES.PUBLIC.P"], found["svc.ROUTINES.PUBLIC.F"]
    assert (p.procedure_type, p.language, p.description) == ("StoredProcedure", "Python", "two")
    assert p.code == (
        'CREATE PROCEDURE "PUBLIC"."P"()\nRETURNS NUMBER\nLANGUAGE PYTHON\n\n'
        'CREATE PROCEDURE "PUBLIC"."P"(X NUMBER)\nRETURNS NUMBER\nLANGUAGE SQL\nAS $$\nreturn 2\n$$'
    )
    assert (f.procedure_type, f.language) == ("Function", "JavaScript")
    assert [each.name for each in f.owners] == ["BOSS"]
    probe.agree(PROCEDURE)
    assert not probe.descriptors(PROCEDURE, options={"includeStoredProcedures": False})


def test_all_databases_where_none_is_named(shop, account, server):
    before = len(server.logins())
    account.listing()
    assert len(server.logins()) == before + 1
    names = {each.metadata["name"] for each in account.descriptors(DATABASE)}
    assert {"SHOP"} < names
    listed = [each for each in of(account.listing()) if each.batch == "SHOP"]
    assert [each.id for each in listed] == [each.id for each in of(shop.listing())]


@pytest.mark.parametrize("name", ["shop", "SHOP"])
def test_a_database_is_found_as_sql_would_find_it(shop, name):
    assert [each.id for each in shop.descriptors(DATABASE, database=name)] == ["svc.SHOP"]


def test_names_come_out_as_they_went_in(make, server):
    columns = ", ".join(f"{ident(each)} int" for each in HOSTILE)
    made = []
    for name in HOSTILE:
        place = ident(name)
        made += [f"create schema {place}", f"create table nasty.{place}.{place} ({columns})"]
    probe = make("nasty", *made)
    tables = probe.entities(TABLE)
    assert len(tables) == len(HOSTILE)
    for name in HOSTILE:
        table = tables[fqn.join("svc", "NASTY", name, name)]
        assert [each.name for each in table.columns] == HOSTILE
    assert len(probe.entities(SCHEMA)) == len(HOSTILE) + 1
    probe.agree(TABLE)
    probe.agree(SCHEMA)
    for each in of(probe.listing()):
        assert len(msgspec.json.encode(each)) < 1000
        assert pickle.loads(pickle.dumps(each)) == each


def test_schemas_and_a_database_with_names_like_that(make):
    made = ['create schema "%d"', 'create table "%d".u (i int)']
    probe = make('"ünï"', "create table t (i int primary key)", *made)
    probe = replace(probe, config={**probe.config, "database": "ünï"})
    found = probe.entities(TABLE)
    assert sorted(found) == ["svc.ünï.%d.U", "svc.ünï.PUBLIC.T"]
    assert found["svc.ünï.PUBLIC.T"].columns[0].constraint == "PRIMARY_KEY"
    assert probe.entities(DATABASE)
    lines = CONNECTOR.check(probe.settings(options={"includeTags": False}))
    assert {each.status for each in lines} == {"ok"}


def test_a_percent_sign_in_the_name_of_a_database(shop):
    """fakesnow can have no such database: it is asked for by its name all the same."""
    with shop.open() as source, source._session("") as session:
        session.turn("100%s")
        for query, parameters in (
            ("select 1 from {}.tables where table_name = %s", ["x"]),
            ("select 1 from {}.tables", []),
        ):
            with pytest.raises(Exception, match=r"100%s\._FS"):
                session.rows(query.format(session.views), parameters)
        assert session.within("stages", list) == []


def test_every_scope_is_one_piece_and_counted(shop):
    listing = shop.listing(includeStages=True)
    scopes = [(each.type, each.scope) for each in listing if isinstance(each, ScopeListed)]
    assert max(Counter(scopes).values()) == 1
    counts = Counter((each.type, each.scope) for each in of(listing))
    for end in (each for each in listing if isinstance(each, ScopeListed)):
        assert end.count == counts[end.type, end.scope]
        assert end.complete


@pytest.mark.parametrize(
    ("changes", "kept"),
    [
        ({"filters": {"schemaFilterPattern": {"excludes": ["public"]}}}, ["C"]),
        ({"filters": {"tableFilterPattern": {"includes": ["^[ab]$"]}}}, ["A", "b"]),
        ({"options": {"includeViews": False}}, ["C", "A", "b"]),
        ({"options": {"includeTables": False}, "includeStages": True}, ["V"]),
    ],
)
def test_filters_and_kinds(shop, changes, kept):
    assert [each.metadata["name"] for each in shop.descriptors(TABLE, **changes)] == kept


def test_what_was_dropped_is_gone(make, server):
    probe = make("going", "create table t (i int)", "create table u (i int)", "create schema s")
    tables, schemas = probe.descriptors(TABLE), probe.descriptors(SCHEMA)
    server.run("drop table going.public.t", "drop schema going.s")
    with probe.open() as source:
        found, failed = sort(source.process_entities([*tables, *schemas]))
    assert sorted(found) == ["svc.GOING.PUBLIC", "svc.GOING.PUBLIC.U"]
    assert {key: type(each) for key, each in failed.items()} == {
        "svc.GOING.PUBLIC.T": Gone,
        "svc.GOING.S": Gone,
    }


def test_statements_per_table(make):
    made = [f"create table t{i} (id int primary key, a int, c varchar)" for i in range(198)]
    probe = make(
        "many",
        *made,
        "create schema s",
        "create table s.t (i int)",
        "create view v as select 1 as x",
    )
    with probe.open() as source:
        listed = [
            *source.discover_entities(DATABASE),
            *source.discover_entities(SCHEMA, "svc.MANY"),
        ]
        assert source.calls == 2
        before, started = source.calls, time.process_time()
        chunk = [each for each in of(listed) if each.type is TABLE]
        found, failed = sort(source.process_entities(chunk))
        assert (time.process_time() - started) / 200 < 0.005
        assert (len(found), failed) == (200, {})
        assert (source.calls - before) / 200 <= 0.05
    assert sum(len(each.columns) for each in found.values()) == 198 * 3 + 2


def test_the_connector_pickles():
    assert pickle.loads(pickle.dumps(CONNECTOR)).service_type == "Snowflake"


def test_a_listing_that_leaves_transient_tables_out_proves_nobodys_absence(shop):
    def ends(**changes):
        listing = shop.listing(**changes)
        return {(e.mode, e.why) for e in listing if isinstance(e, ScopeListed) and e.type is TABLE}

    assert ends() == {("snapshot", None)}
    assert ends(includeTransientTables=False) == {("changes", "includeTransientTables is false")}
