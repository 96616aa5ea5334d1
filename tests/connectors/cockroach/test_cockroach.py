"""CockroachDB: its dialect and driver speak with a PostgreSQL that has the columns which Cockroach documents."""

import json
from pathlib import Path

import pytest
import sqlglot
from msgspec.structs import replace

from rayingest.connectors.database.cockroach import (
    CONNECTOR,
    HIDDEN,
    REFLECTED,
    CockroachConnection,
    address,
)
from rayingest.errors import Gone, Unauthorised, Unreachable
from rayingest.kit.sql.known import Known
from rayingest.model import ColumnConstraint, EntityType, TableType
from rayingest.testing.hostile import HOSTILE
from rayingest.testing.probe import Probe, sort
from rayingest.testing.processes import free_port

DATABASE, SCHEMA, TABLE = EntityType.DATABASE, EntityType.DATABASE_SCHEMA, EntityType.TABLE
CONFIG = {
    "type": "Cockroach",
    "scheme": "cockroachdb+psycopg2",
    "username": "reader",
    "authType": {"password": "canary@/:"},
    "hostPort": "db",
    "database": "story",
}


def one(probe):
    (table,) = probe.entities(TABLE).values()
    return table


def test_openmetadatas_yaml_works_unchanged(contracts):
    folder = contracts / "openmetadata/schemas/entity/services/connections/database"
    schema = json.loads((folder / "cockroachConnection.json").read_text())
    fields = CockroachConnection.model_fields
    assert set(schema["properties"]) <= set(fields)
    assert set(schema["required"]) == {name for name in fields if fields[name].is_required()}


def test_the_driver_goes_where_the_config_says():
    given = {**CONFIG, "sslMode": "require", "connectionOptions": {"options": "-c a=b"}}
    how = address(Probe(CONNECTOR, given).settings(), "other")
    assert "canary" not in repr(how)
    assert (how.url.host, how.url.port, how.url.database) == ("db", 26257, "other")
    assert (how.arguments["dbname"], how.arguments["sslmode"]) == ("other", "require")
    assert how.arguments["options"].startswith("-c default_transaction_read_only=on")
    assert how.arguments["options"].endswith(" -c a=b")


def test_certificates_are_gone_when_the_session_is_there():
    given = {**CONFIG, "sslConfig": {"caCertificate": "-----BEGIN CERTIFICATE-----\nx"}}
    how = address(Probe(CONNECTOR, given).settings(), "story")
    assert Path(how.arguments["sslrootcert"]).read_text().startswith("-----BEGIN")
    with how.folder as folder:
        assert how.arguments["sslrootcert"].startswith(folder)
    assert not Path(folder).exists()


def test_a_session_only_reads_and_its_statements_end(probe):
    session = CONNECTOR.facts.connect(probe().settings(), None)
    try:
        assert session.rows("show default_transaction_read_only") == [("on",)]
        assert session.rows("show statement_timeout") == [("1min",)]
        # Cockroach repeats a statement that others disturb, unless it stands in a transaction.
        assert session.rows("select now() = statement_timestamp()") == [(True,)]
        assert session.rows("select now() = statement_timestamp()") == [(True,)]
    finally:
        session.close()


def test_what_nobody_made_is_told_neither_as_a_column_nor_in_keys(probe):
    table = one(
        probe(
            "hidden",
            "create table public.t (crdb_region text not null, b bigint, a bigint not null, rowid bigint not null,"
            " primary key (crdb_region, a), unique (crdb_region, b), unique (rowid), unique (a, b))",
        )
    )
    assert [(each.name, each.constraint) for each in table.columns] == [
        ("b", ColumnConstraint.UNIQUE),
        ("a", ColumnConstraint.PRIMARY_KEY),
    ]
    assert [(each.constraint_type, each.columns) for each in table.constraints] == [
        ("UNIQUE", ("a", "b"))
    ]


def test_keys_of_several_columns_keep_their_order(probe):
    told = probe(
        "keys",
        "create table public.u (x bigint, y bigint, primary key (y, x))",
        "create table public.t (a bigint, b bigint, foreign key (b, a) references public.u (y, x))",
    ).entities(TABLE)
    assert told["svc.keys.public.u"].constraints[0].columns == ("y", "x")
    (foreign,) = told["svc.keys.public.t"].constraints
    assert foreign.columns == ("b", "a")
    assert foreign.referred_columns == ("svc.keys.public.u.y", "svc.keys.public.u.x")


def test_materialized_views_and_comments(probe):
    told = probe(
        "views",
        "create table public.t (a bigint)",
        "create materialized view public.m as select a from public.t",
        "create view public.v as select a from public.t",
        "comment on materialized view public.m is 'kept'",
        "comment on column public.m.a is 'of it'",
    )
    tables = {each.name: each for each in told.entities(TABLE).values()}
    assert {name: each.table_type for name, each in tables.items()} == {
        "t": TableType.REGULAR,
        "m": TableType.MATERIALIZED_VIEW,
        "v": TableType.VIEW,
    }
    assert (tables["m"].description, tables["m"].columns[0].description) == ("kept", "of it")
    assert tables["m"].schema_definition.split() == ["SELECT", "a", "FROM", "t;"]
    told.agree(TABLE)


def test_types_in_cockroachs_words(probe):
    table = one(
        probe(
            "types",
            'create table public.t (a text, b text collate "C", c varbit(3), d bigint[], e jsonb, f bytea,'
            " g timestamptz, h numeric(5, 1)[])",
        )
    )
    assert {each.name: (each.data_type, each.data_type_display) for each in table.columns} == {
        "a": ("STRING", "STRING"),
        "b": ("STRING", "STRING"),
        "c": ("BIT", "BIT VARYING(3)"),
        "d": ("ARRAY", "INT8[]"),
        "e": ("JSON", "JSONB"),
        "f": ("BYTEA", "BYTEA"),
        "g": ("TIMESTAMPZ", "TIMESTAMP WITH TIME ZONE"),
        "h": ("ARRAY", "DECIMAL(5,1)[]"),
    }


def test_schemas_and_databases_of_the_system_are_hidden(server, probe):
    server.create("system")
    told = probe("every", "create schema mine", ingestAllDatabases=True)
    assert sorted(told.entities(SCHEMA, ingestAllDatabases=False)) == [
        "svc.every.mine",
        "svc.every.public",
    ]
    found = {each.metadata["name"] for each in told.descriptors(DATABASE)}
    assert {"every", "postgres"} <= found
    assert "system" not in found
    assert list(told.entities(SCHEMA, databaseSchema="mine", ingestAllDatabases=False)) == [
        "svc.every.mine"
    ]


def test_each_database_is_read_in_a_session_of_its_own(probe):
    probe("second", "create table public.b (i bigint)")
    every = probe("first", "create table public.a (i bigint)", ingestAllDatabases=True)
    descriptors = {each.id: each for each in every.descriptors(TABLE)}
    wanted = {"svc.first.public.a", "svc.second.public.b"}
    assert wanted <= descriptors.keys()
    with every.open() as source:
        for each in wanted:
            found, _ = sort(source.process_entities([descriptors[each]]))
            assert list(found) == [each]


def test_hundreds_of_tables_take_few_statements(probe):
    made = "; ".join(f"create table public.t{each} (a bigint primary key)" for each in range(300))
    many = probe("many", made)
    descriptors = many.descriptors(TABLE)
    with many.open() as source:
        before = source.calls
        assert len(sort(source.process_entities(descriptors))[0]) == 300
        assert source.calls - before <= 10


def test_names_arrive_as_they_are(probe):
    quoted = [name.replace('"', '""') for name in HOSTILE]
    made = [f'create table public."{name}" ("{name}" bigint primary key)' for name in quoted]
    tables = probe("hostile", *made).entities(TABLE)
    assert {each.name: each.columns[0].name for each in tables.values()} == {
        name: name for name in HOSTILE
    }


def test_a_view_is_read_as_cockroach_keeps_it(probe):
    """The query alone, with names of three parts, and perhaps with types of its own spelling (`:::`)."""
    told = {each.fqn: each for each in probe().entities(TABLE).values()}
    view = told["svc.story.library.cheap_book"]
    text = "SELECT id, title FROM story.library.book WHERE price < 10:::DECIMAL"
    known = Known({name: tuple(each.name for each in told[name].columns) for name in told})
    read = CONNECTOR.reads(replace(view, schema_definition=text), known, ())
    assert read == CONNECTOR.reads(view, known, ())
    assert "svc.story.library.book" in str(read)


def test_statements_are_sql(probe):
    queries = [
        each.query
        for each in (getattr(REFLECTED, name) for name in REFLECTED.__dataclass_fields__)
        if hasattr(each, "query")
    ]
    assert len(queries) == 5
    for each in (*queries, HIDDEN):
        assert sqlglot.parse_one(each, dialect="postgres")


def test_a_table_that_was_dropped_is_gone(server, probe):
    told = probe("gone", "create table public.t (a bigint)", "create table public.u (a bigint)")
    descriptors = told.descriptors(TABLE)
    with server.connect("gone") as connection:
        connection.execute("drop table public.t")
    with told.open() as source:
        found, failed = sort(source.process_entities(descriptors))
    assert [each.name for each in found.values()] == ["u"]
    assert [type(each) for each in failed.values()] == [Gone]


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"authType": {"password": "canary"}}, Unauthorised),
        ({"database": "nowhere"}, Unreachable),
        ({"hostPort": f"127.0.0.1:{free_port()}"}, Unreachable),
    ],
)
def test_who_is_not_let_in_learns_why(probe, changes, kind):
    settings = probe().settings(**changes)
    (line, *_) = CONNECTOR.check(settings)
    assert (line.capability, line.status) == ("connect", "failed")
    with pytest.raises(kind) as caught, CONNECTOR.open(settings) as source:
        list(source.discover_entities(DATABASE))
    assert "canary" not in str(caught.value)


def test_check_tells_what_was_found(probe):
    results = list(CONNECTOR.check(probe().settings()))
    asked = ["connect", "schemas", "tables", "columns", "comments", "views"]
    assert [(each.capability, each.status) for each in results] == [(each, "ok") for each in asked]
