"""Every facet of a catalogue arrives, field by field."""

import pytest

from rayingest.model import (
    ColumnConstraint,
    EntityType,
    Owner,
    PartitionColumn,
    TableConstraint,
    TableType,
    Tag,
)

EVERYTHING = {"includeOwners": True, "includeDDL": True}
STATEMENTS = """
do $$ begin create role facet_owner; exception when duplicate_object then null; end $$;
comment on database facets is 'all facets';
create extension file_fdw; create server files foreign data wrapper file_fdw;
create schema a authorization facet_owner; create schema b;
comment on schema a is 'schema a';
create type a.mood as enum ('glad', 'sad');
create domain a.zip as varchar(10);
create domain a.zips as a.zip[];
create type a.point3 as (x double precision, label varchar(5), mood a.mood);
create type a.span as range (subtype = date);
create table a.types (
  c01 smallint, c02 integer, c03 bigint, c04 numeric(10,2), c05 numeric, c06 real,
  c07 double precision, c08 varchar(40), c09 varchar, c10 char(3), c11 text, c12 bytea,
  c13 boolean, c14 date, c15 time, c16 timestamp, c17 timestamptz(3), c18 interval, c19 uuid,
  c20 json, c21 jsonb, c22 xml, c23 inet, c24 cidr, c25 macaddr, c26 money, c27 bit(4),
  c28 point, c29 tsvector, c30 int4range, c31 tstzrange, c32 integer[], c33 varchar(9)[][],
  c34 a.mood, c35 a.mood[], c36 a.zip, c37 a.zips, c38 a.point3, c39 a.span, c40 datemultirange,
  c41 numeric(5,-2), c42 "char", c43 name, c44 pg_lsn, c45 a.point3[], c46 oid, c47 timetz);
create table a.parent (id bigint generated always as identity primary key, code text not null unique,
  x integer, y integer, unique (x, y));
comment on table a.parent is 'the parent'; comment on column a.parent.code is 'a code';
create table b.child (
  id bigint, parent_id bigint references a.parent, code text unique references a.parent (code),
  x integer, y integer, foreign key (y, x) references a.parent (y, x) deferrable,
  total integer generated always as (x + y) stored, state a.mood default 'glad',
  check (x > 0), primary key (id, code));
create table a.dropped (p integer, q integer, r integer, primary key (r), unique (q, r));
alter table a.dropped drop column p;
create table a.by_day (day date, v integer) partition by range (day);
create table a.by_day_2020 partition of a.by_day for values from ('2020-01-01') to ('2021-01-01');
create table a.by_number (n integer, v integer) partition by range (n);
create table a.by_list (k text, v integer) partition by list (k);
create table a.by_hash (k text, v integer, primary key (k)) partition by hash (k);
create table a.by_hash_0 partition of a.by_hash for values with (modulus 1, remainder 0);
create table a.by_expression (k text, d date) partition by range (lower(k), d, (extract(year from d)));
create table a.to_parts (k text references a.by_hash);
create view a.v as select p.id, c.state from a.parent p join b.child c on c.parent_id = p.id;
create materialized view a.m as select count(*) as n from a.parent;
comment on view a.v is 'a view'; comment on materialized view a.m is 'stored';
create foreign table a.f (line text) server files options (filename '/dev/null');
create table a.nothing ();
create unlogged table b.heir (extra text collate "C") inherits (a.parent) with (fillfactor = 70);
alter table a.parent enable row level security;
create policy own on a.parent for update using (x = 1) with check (y = 2);
create policy hard on a.parent as restrictive using (true);
create function a.add(i integer, j integer) returns integer language sql as 'select i + j';
create function a.add(i text) returns text language plpgsql as $$ begin return i; end $$;
comment on function a.add(integer, integer) is 'adds';
create procedure a.work() language plpgsql as $$ begin perform 1; end $$;
create aggregate a.total(integer) (sfunc = int4pl, stype = integer, initcond = '0');
create function a.leak() returns text language sql as
  $$ select 'host=h user=u password=CANARY-1 dbname=d'::text $$;
alter table a.parent owner to facet_owner;
"""


@pytest.fixture(scope="module")
def facets(make):
    return make("facets", STATEMENTS)


@pytest.fixture(scope="module")
def tables(facets):
    found = facets.entities(EntityType.TABLE, options=EVERYTHING)
    return {fqn.removeprefix("svc.facets."): table for fqn, table in found.items()}


# name: data_type, display, element, length, precision, scale
TYPES = {
    "c01": ("SMALLINT", "smallint", None, None, None, None),
    "c02": ("INT", "integer", None, None, None, None),
    "c03": ("BIGINT", "bigint", None, None, None, None),
    "c04": ("NUMERIC", "numeric(10,2)", None, None, 10, 2),
    "c05": ("NUMERIC", "numeric", None, None, None, None),
    "c06": ("FLOAT", "real", None, None, None, None),
    "c07": ("DOUBLE", "double precision", None, None, None, None),
    "c08": ("VARCHAR", "character varying(40)", None, 40, None, None),
    "c09": ("VARCHAR", "character varying", None, 1, None, None),
    "c10": ("CHAR", "character(3)", None, 3, None, None),
    "c11": ("TEXT", "text", None, None, None, None),
    "c12": ("BYTEA", "bytea", None, None, None, None),
    "c13": ("BOOLEAN", "boolean", None, None, None, None),
    "c14": ("DATE", "date", None, None, None, None),
    "c15": ("TIME", "time without time zone", None, None, None, None),
    "c16": ("TIMESTAMP", "timestamp without time zone", None, None, None, None),
    "c17": ("TIMESTAMPZ", "timestamp(3) with time zone", None, None, None, None),
    "c18": ("INTERVAL", "interval", None, None, None, None),
    "c19": ("UUID", "uuid", None, None, None, None),
    "c20": ("JSON", "json", None, None, None, None),
    "c21": ("JSON", "jsonb", None, None, None, None),
    "c22": ("XML", "xml", None, None, None, None),
    "c23": ("INET", "inet", None, None, None, None),
    "c24": ("CIDR", "cidr", None, None, None, None),
    "c25": ("MACADDR", "macaddr", None, None, None, None),
    "c26": ("MONEY", "money", None, None, None, None),
    "c27": ("BIT", "bit(4)", None, 4, None, None),
    "c28": ("POINT", "point", None, None, None, None),
    "c29": ("TSVECTOR", "tsvector", None, None, None, None),
    "c30": ("TUPLE", "int4range", None, None, None, None),
    "c31": ("DATETIMERANGE", "tstzrange", None, None, None, None),
    "c32": ("ARRAY", "integer[]", "INT", None, None, None),
    "c33": ("ARRAY", "character varying(9)[]", "VARCHAR", None, None, None),
    "c34": ("ENUM", "a.mood", None, None, None, None),
    "c35": ("ARRAY", "a.mood[]", "ENUM", None, None, None),
    "c36": ("VARCHAR", "a.zip", None, 10, None, None),
    "c37": ("ARRAY", "a.zips", "VARCHAR", None, None, None),
    "c38": ("STRUCT", "a.point3", None, None, None, None),
    "c39": ("DATETIMERANGE", "a.span", None, None, None, None),
    "c40": ("ARRAY", "datemultirange", "DATETIMERANGE", None, None, None),
    "c41": ("NUMERIC", "numeric(5,-2)", None, None, 5, -2),
    "c42": ("CHAR", '"char"', None, 1, None, None),
    "c43": ("VARCHAR", "name", None, 63, None, None),
    "c44": ("PG_LSN", "pg_lsn", None, None, None, None),
    "c45": ("ARRAY", "a.point3[]", "STRUCT", None, None, None),
    "c46": ("BIGINT", "oid", None, None, None, None),
    "c47": ("TIME", "time with time zone", None, None, None, None),
}


def test_each_type_is_mapped_and_displayed_as_the_server_writes_it(tables):
    found = {
        column.name: (
            column.data_type,
            column.data_type_display,
            column.array_data_type,
            column.data_length,
            column.precision,
            column.scale,
        )
        for column in tables["a.types"].columns
    }
    assert found == TYPES


def test_columns_are_numbered_from_one_without_gaps(tables):
    for table in tables.values():
        assert [each.ordinal_position for each in table.columns] == [
            *range(1, len(table.columns) + 1)
        ]
    assert [each.name for each in tables["a.dropped"].columns] == ["q", "r"]


@pytest.mark.parametrize("column", ["c38", "c45"])
def test_a_composite_type_shows_its_members(tables, column):
    (struct,) = [each for each in tables["a.types"].columns if each.name == column]
    assert [(each.name, each.data_type, each.data_length) for each in struct.children] == [
        ("x", "DOUBLE", None),
        ("label", "VARCHAR", 5),
        ("mood", "ENUM", None),
    ]


def test_kinds_of_relations(tables):
    kinds = {name.removeprefix("a."): table.table_type for name, table in tables.items()}
    assert kinds["parent"] is TableType.REGULAR
    assert kinds["by_day"] is TableType.PARTITIONED
    assert kinds["by_day_2020"] is TableType.REGULAR
    assert kinds["v"] is TableType.VIEW
    assert kinds["m"] is TableType.MATERIALIZED_VIEW
    assert kinds["f"] is TableType.FOREIGN
    assert tables["a.nothing"].columns == ()


def test_comments_and_owners(tables, facets):
    parent = tables["a.parent"]
    assert parent.description == "the parent"
    assert [each.description for each in parent.columns] == [None, "a code", None, None]
    assert parent.owners == (Owner(name="facet_owner"),)
    assert tables["a.v"].description == "a view"
    assert tables["a.m"].description == "stored"
    (database,) = facets.entities(EntityType.DATABASE, options=EVERYTHING).values()
    assert (database.name, database.service, database.description) == (
        "facets",
        "svc",
        "all facets",
    )
    assert database.owners == (Owner(name="postgres"),)
    schemas = facets.entities(EntityType.DATABASE_SCHEMA, options=EVERYTHING)
    assert set(schemas) == {"svc.facets.a", "svc.facets.b", "svc.facets.public"}
    assert schemas["svc.facets.a"].description == "schema a"
    assert schemas["svc.facets.a"].owners == (Owner(name="facet_owner"),)
    assert schemas["svc.facets.a"].database == "svc.facets"


def test_owners_only_when_they_are_wanted(facets):
    for kind in EntityType.DATABASE, EntityType.TABLE, EntityType.STORED_PROCEDURE:
        assert not any(each.owners for each in facets.entities(kind).values())


def test_a_key_over_one_column_is_on_the_column_others_on_the_table(tables):
    parent = tables["a.parent"]
    assert [each.constraint for each in parent.columns] == [
        ColumnConstraint.PRIMARY_KEY,
        ColumnConstraint.UNIQUE,
        ColumnConstraint.NULL,
        ColumnConstraint.NULL,
    ]
    assert parent.constraints == (TableConstraint(constraint_type="UNIQUE", columns=("x", "y")),)
    dropped = tables["a.dropped"]
    assert [each.constraint for each in dropped.columns] == [
        ColumnConstraint.NULL,
        ColumnConstraint.PRIMARY_KEY,
    ]
    assert dropped.constraints[0].columns == ("q", "r")


def test_foreign_keys_name_the_referred_columns_in_their_order_across_schemas(tables):
    child = tables["b.child"]
    assert child.constraints == (
        TableConstraint(constraint_type="PRIMARY_KEY", columns=("id", "code")),
        TableConstraint(
            constraint_type="FOREIGN_KEY",
            columns=("code",),
            referred_columns=("svc.facets.a.parent.code",),
            referred_table="svc.facets.a.parent",
            relationship_type="ONE_TO_ONE",
        ),
        TableConstraint(
            constraint_type="FOREIGN_KEY",
            columns=("parent_id",),
            referred_columns=("svc.facets.a.parent.id",),
            referred_table="svc.facets.a.parent",
            relationship_type="MANY_TO_ONE",
        ),
        TableConstraint(
            constraint_type="FOREIGN_KEY",
            columns=("y", "x"),
            referred_columns=("svc.facets.a.parent.y", "svc.facets.a.parent.x"),
            referred_table="svc.facets.a.parent",
            relationship_type="MANY_TO_ONE",
        ),
    )


def test_a_reference_to_a_partitioned_table_counts_once(tables):
    (reference,) = tables["a.to_parts"].constraints
    assert reference.referred_table == "svc.facets.a.by_hash"


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("by_day", [("day", "TIME-UNIT")]),
        ("by_number", [("n", "INTEGER-RANGE")]),
        ("by_list", [("k", "COLUMN-VALUE")]),
        ("by_hash", [("k", "OTHER")]),
        (
            "by_expression",
            [("lower(k)", "OTHER"), ("d", "TIME-UNIT"), ("EXTRACT(year FROM d)", "OTHER")],
        ),
        ("by_day_2020", []),
    ],
)
def test_partitions(tables, table, expected):
    assert tables[f"a.{table}"].partition == tuple(
        PartitionColumn(column_name=name, interval_type=kind) for name, kind in expected
    )


def test_view_text_is_written_like_openmetadata_writes_it_with_qualified_names(tables):
    assert tables["a.v"].schema_definition == (
        "create view a.v as  SELECT p.id,\n    c.state\n   FROM (a.parent p\n"
        "     JOIN b.child c ON ((c.parent_id = p.id)));"
    )
    assert tables["a.m"].schema_definition == (
        "create materialized view a.m as  SELECT count(*) AS n\n   FROM a.parent;"
    )


def test_policies_are_tags(tables, facets):
    assert tables["a.parent"].tags == (
        Tag(
            classification="PostgresPolicyTags",
            name="hard",
            description="Row-level security policy for ALL (restrictive) using (true)",
        ),
        Tag(
            classification="PostgresPolicyTags",
            name="own",
            description="Row-level security policy for UPDATE using ((x = 1)) with check ((y = 2))",
        ),
    )
    named = facets.entities(EntityType.TABLE, classificationName="Mine")["svc.facets.a.parent"]
    assert {tag.classification for tag in named.tags} == {"Mine"}
    without = facets.entities(EntityType.TABLE, options={"includeTags": False})
    assert not any(each.tags for each in without.values())


def test_ddl_says_what_the_catalogue_says(tables, facets):
    assert tables["b.child"].schema_definition == (
        "CREATE TABLE b.child (\n"
        "    id bigint NOT NULL,\n"
        "    parent_id bigint,\n"
        "    code text NOT NULL,\n"
        "    x integer,\n"
        "    y integer,\n"
        "    total integer GENERATED ALWAYS AS ((x + y)) STORED,\n"
        "    state a.mood DEFAULT 'glad'::a.mood,\n"
        "    CONSTRAINT child_pkey PRIMARY KEY (id, code),\n"
        "    CONSTRAINT child_code_key UNIQUE (code),\n"
        "    CONSTRAINT child_x_check CHECK ((x > 0)),\n"
        "    CONSTRAINT child_code_fkey FOREIGN KEY (code) REFERENCES a.parent(code),\n"
        "    CONSTRAINT child_parent_id_fkey FOREIGN KEY (parent_id) REFERENCES a.parent(id),\n"
        "    CONSTRAINT child_y_x_fkey FOREIGN KEY (y, x) REFERENCES a.parent(y, x) DEFERRABLE\n"
        ");"
    )
    heir = tables["b.heir"].schema_definition
    assert heir.startswith("CREATE UNLOGGED TABLE b.heir (\n    id bigint NOT NULL")
    assert 'extra text COLLATE pg_catalog."C"' in heir
    assert heir.endswith(") INHERITS (a.parent) WITH (fillfactor=70);")
    assert "id bigint GENERATED ALWAYS AS IDENTITY NOT NULL" in tables["a.parent"].schema_definition
    assert tables["a.by_day"].schema_definition.endswith(") PARTITION BY RANGE (day);")
    assert tables["a.by_day_2020"].schema_definition.endswith(
        "FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');"
    )
    assert tables["a.f"].schema_definition == (
        "CREATE FOREIGN TABLE a.f (\n    line text\n) SERVER files OPTIONS (filename '/dev/null');"
    )
    assert tables["a.nothing"].schema_definition == "CREATE TABLE a.nothing ();"
    plain = facets.entities(EntityType.TABLE)
    assert plain["svc.facets.a.parent"].schema_definition is None
    assert plain["svc.facets.a.v"].schema_definition is not None


def test_the_written_ddl_builds_the_same_tables_again(make, tables):
    types = STATEMENTS[STATEMENTS.index("create type") : STATEMENTS.index("create table")]
    names = ["a.types", "a.parent", "b.child", "a.by_day", "a.by_day_2020", "a.by_expression"]
    statements = [tables[name].schema_definition for name in names]
    again = make("again", "create schema a; create schema b;" + types, *statements).entities(
        EntityType.TABLE, options={"includeDDL": True}
    )
    for name in names:
        assert again[f"svc.again.{name}"].columns == tuple(
            each if each.description is None else _without_comment(each)
            for each in tables[name].columns
        )
        assert again[f"svc.again.{name}"].schema_definition == tables[name].schema_definition


def _without_comment(column):
    fields = {field: getattr(column, field) for field in column.__struct_fields__}
    return type(column)(**(fields | {"description": None}))


def test_overloads_are_one_routine(facets):
    found = facets.entities(EntityType.STORED_PROCEDURE, options=EVERYTHING)
    assert set(found) == {f"svc.facets.a.{name}" for name in ("add", "leak", "total", "work")}
    add = found["svc.facets.a.add"]
    assert (add.procedure_type, add.language, add.description) == ("Function", "SQL", "adds")
    assert add.database_schema == "svc.facets.a"
    assert add.owners == (Owner(name="postgres"),)
    assert add.code == (
        "CREATE OR REPLACE FUNCTION a.add(i integer, j integer)\n RETURNS integer\n LANGUAGE sql\n"
        "AS $function$select i + j$function$\n\n"
        "CREATE OR REPLACE FUNCTION a.add(i text)\n RETURNS text\n LANGUAGE plpgsql\n"
        "AS $function$ begin return i; end $function$"
    )
    assert found["svc.facets.a.work"].procedure_type == "StoredProcedure"
    assert found["svc.facets.a.total"].language == "External"
    assert found["svc.facets.a.total"].code == (
        "CREATE AGGREGATE a.total(integer) (\n    SFUNC = int4pl,\n    STYPE = integer,\n"
        "    INITCOND = '0'\n);"
    )


def test_a_password_in_a_function_is_masked(facets):
    leak = facets.entities(EntityType.STORED_PROCEDURE)["svc.facets.a.leak"]
    assert "CANARY-1" not in leak.code
    assert "password=********" in leak.code
