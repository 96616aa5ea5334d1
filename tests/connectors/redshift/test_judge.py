"""AWS's own client, and the dialect that OpenMetadata's scheme names, read the same and must agree.

They send statements of their own, as they would to Redshift: so they judge the stand-in as well as us.
"""

import contextlib
import re

import pytest

from rayingest.model import EntityType, TableType
from rayingest.testing.probe import of

from .bed import JUDGE
from .door import Door

SCHEMAS = ("library", "lake")
ALL = {"includeDDL": True, "includeOwners": True}


@contextlib.contextmanager
def asking(server, *, shares=False):
    """AWS's client: https://github.com/aws/amazon-redshift-python-driver."""
    client = pytest.importorskip("redshift_connector")
    with (
        contextlib.closing(Door(server, translate, shares=shares)) as door,
        client.connect(
            host="127.0.0.1",
            port=door.port,
            user=JUDGE,
            password=server.password,
            database="story",
            ssl=False,
            database_metadata_current_db_only=not shares,
        ) as connection,
        connection.cursor() as asked,
    ):
        connection.autocommit = True
        yield asked


@pytest.fixture(scope="module")
def cursor(server, library):
    with asking(server) as asked:
        yield asked


def translate(text):
    """Redshift lets a query speak of its result columns everywhere, PostgreSQL does not."""
    text = re.sub(r"(?<=\d)WHEN", " WHEN", text)  # and a number may end where a word begins
    text = text.replace("IS_AUTOINCREMENT AS IS_GENERATEDCOLUMN", "'NO' AS IS_GENERATEDCOLUMN")
    if "pg_catalog.pg_class c" in text:
        text = text.replace("AND TABLE_SCHEM LIKE", "AND n.nspname LIKE")
    return text


@pytest.fixture(scope="module")
def inspector(server, library):
    """The dialect: https://github.com/sqlalchemy-redshift/sqlalchemy-redshift."""
    pytest.importorskip("sqlalchemy_redshift")
    sqlalchemy = pytest.importorskip("sqlalchemy")
    url = sqlalchemy.URL.create(
        "redshift+psycopg2",
        server.user,
        server.password,
        server.host,
        server.port,
        "story",
        query={"sslmode": "disable"},
    )
    engine = sqlalchemy.create_engine(url)

    @sqlalchemy.event.listens_for(engine, "before_cursor_execute", retval=True)
    def unfiltered(connection, cursor, statement, parameters, *rest):
        """It filters by names of result columns, which PostgreSQL does not allow; it sorts out itself."""
        return re.sub(r" AND (schema|table_name|relname) = '[^']*'", "", statement), parameters

    yield sqlalchemy.inspect(engine)
    engine.dispose()


@pytest.fixture(scope="module")
def tables(library):
    return {
        (each.fqn.split(".")[2], each.name): each
        for each in library.entities(EntityType.TABLE, options=ALL).values()
    }


def test_databases(server, library):
    with asking(server, shares=True) as asked:
        theirs = {row[0] for row in asked.get_catalogs()}
    with library.open(ingestAllDatabases=True) as source:
        ours = [each.id for each in of(source.discover_entities(EntityType.DATABASE))]
    assert "svc.story" in ours
    assert set(ours) == {f"svc.{each}" for each in theirs - {"template1"}}


def test_schemas(cursor, library):
    theirs = {row[0] for row in cursor.get_schemas()}
    hidden = {each for each in theirs if each.startswith("pg_")} | {"information_schema"}
    ours = {each.metadata["name"] for each in library.descriptors(EntityType.DATABASE_SCHEMA)}
    assert ours == theirs - hidden


def test_tables_and_their_comments(cursor, tables):
    """A materialized view's own table is AWS's business: ours is the view."""
    kinds = {TableType.REGULAR: "TABLE", TableType.EXTERNAL: "EXTERNAL TABLE"}
    theirs = {
        (row[1], row[2]): (row[3], row[4])
        for schema in SCHEMAS
        for row in cursor.get_tables(schema_pattern=schema)
        if row[3] in {"TABLE", "VIEW", "EXTERNAL TABLE"} and not row[2].startswith("mv_tbl__")
    }
    ours = {
        name: (kinds.get(each.table_type, "VIEW"), each.description)
        for name, each in tables.items()
    }
    assert ours == theirs


def test_primary_keys(cursor, tables):
    theirs = {(row[2], row[3]) for row in cursor.get_primary_keys(schema="library")}
    assert theirs == {
        (each.name, column.name)
        for each in tables.values()
        for column in each.columns
        if column.constraint == "PRIMARY_KEY"
    }


def test_foreign_keys(inspector, tables):
    (theirs,) = inspector.get_foreign_keys("book", schema="library")
    (ours,) = (
        each for each in tables["library", "book"].constraints if each.referred_table is not None
    )
    assert list(ours.columns) == theirs["constrained_columns"]
    assert (
        ours.referred_table == f"svc.story.{theirs['referred_schema']}.{theirs['referred_table']}"
    )
    assert [each.rpartition(".")[2] for each in ours.referred_columns] == theirs["referred_columns"]


def test_procedures(cursor, library):
    theirs = {(row[2], row[7]) for row in cursor.get_procedures(schema_pattern="library")}
    assert theirs == {("twice", 2), ("forget", 1)}
    found = library.entities(EntityType.STORED_PROCEDURE).values()
    kinds = {"Function": 2, "StoredProcedure": 1}
    assert theirs == {(each.name, kinds[each.procedure_type]) for each in found}


@pytest.mark.parametrize(
    "name", ["author", "book", "event", "cheap_book", "late_book", "dear_book"]
)
def test_columns_of_tables_and_of_views_of_every_kind(inspector, tables, name):
    theirs = inspector.get_columns(name, schema="library")
    ours = tables["library", name].columns
    # Of a late-binding view it does not sort them.
    theirs.sort(key=lambda each: [column.name for column in ours].index(each["name"]))
    assert [each.name for each in ours] == [each["name"] for each in theirs]
    if name != "late_book":  # it is not told whether they may be empty
        nulls = [each.constraint not in {"NOT_NULL", "PRIMARY_KEY"} for each in ours]
        assert nulls == [each["nullable"] for each in theirs]
    assert [each.description for each in ours] == [each["comment"] for each in theirs]
    lengths = [getattr(each["type"], "length", None) for each in theirs]
    assert [each.data_length for each in ours] == lengths
    assert [each.precision for each in ours] == [
        getattr(each["type"], "precision", None)
        if each["type"].__visit_name__ == "NUMERIC"
        else None
        for each in theirs
    ]


@pytest.mark.parametrize(
    "name", ["author", "book", "event", "cheap_book", "late_book", "dear_book"]
)
def test_columns_as_awss_client_tells_them(cursor, tables, name):
    theirs = cursor.get_columns(schema_pattern="library", tablename_pattern=name)
    ours = tables["library", name].columns
    assert [(e.name, e.ordinal_position, e.description) for e in ours] == [
        (row[3], row[16], row[11]) for row in theirs
    ]


def test_columns_of_external_tables(cursor, tables):
    theirs = cursor.get_columns(schema_pattern="lake")
    ours = tables["lake", "loan"].columns
    assert [(each.name, each.ordinal_position) for each in ours] == [
        (row[3], row[16]) for row in theirs
    ]


@pytest.mark.parametrize("name", ["book", "event"])
def test_how_rows_are_distributed_and_sorted(inspector, tables, name):
    theirs = inspector.get_table_options(name, schema="library")
    ours = {each.constraint_type: each.columns for each in tables["library", name].constraints}
    assert ours.get("DIST_KEY", (None,)) == (theirs.get("redshift_distkey"),)
    sorted_by = theirs.get("redshift_sortkey") or theirs.get("redshift_interleaved_sortkey")
    assert ours["SORT_KEY"] == tuple(sorted_by)


@pytest.mark.parametrize("name", ["cheap_book", "late_book", "dear_book"])
def test_texts_of_views(inspector, tables, name):
    theirs = inspector.get_view_definition(name, schema="library").strip()
    ours = tables["library", name].schema_definition
    assert ours.rstrip(";").endswith(theirs.rstrip(";"))


@pytest.mark.parametrize("name", ["author", "book", "event"])
def test_encodings_and_identity_in_the_ddl(inspector, tables, name):
    text = tables["library", name].schema_definition
    assert {
        column: encoding
        for column, encoding in re.findall(r'^  "(\w+)".*? encode (\w+)', text, re.MULTILINE)
        if encoding != "raw"
    } == {
        each["name"]: each["info"]["encode"]
        for each in inspector.get_columns(name, schema="library")
        if "encode" in each["info"]
    }
    style = inspector.get_table_options(name, schema="library")["redshift_diststyle"] or "AUTO"
    assert f"\ndiststyle {style.lower()}" in text
    counting = [
        e["name"]
        for e in inspector.get_columns(name, schema="library")
        if "identity" in (e["default"] or "")
    ]
    assert re.findall(r'^  "(\w+)" \w+ identity\(1,1\)', text, re.MULTILINE) == counting


def test_owners(inspector, tables):
    with inspector.engine.connect() as connection:
        theirs = inspector.dialect._get_all_relation_info(connection)
    for (schema, name), each in tables.items():
        if schema == "library":
            (owner,) = each.owners
            (key,) = [e for e in theirs if (e.schema, e.name) == (schema, name)]
            assert owner.name == theirs[key].owner_name
