"""The vendor's own client and dialect judge our cluster: they read every answer that the connector reads.

The statements are parsed as Trino's, with every column looked up among those that Trino has.
"""

import warnings

import pytest
import sqlglot
from sqlglot import exp
from sqlglot.optimizer.qualify import qualify

from rayingest.model import EntityType
from rayingest.testing._trino.tables import INFORMATION, METADATA
from rayingest.testing.trino import Cluster, Field, Relation, serving

from ..beds import story

TABLE = EntityType.TABLE
DDL = {"includeDDL": True}


@pytest.fixture
def whole(start):
    """The library, with a materialized view; small pages, a gateway that is busy now and then."""
    cluster = Cluster(page=3)
    cluster.run(
        *story("trino"),
        "create materialized view shop.library.total as select count(id) as n from shop.library.book",
    )
    return start(cluster)


def statements(world):
    """All that the connector says to read this, each once; the rows that it was given."""
    world.tables(options=DDL)
    return list(dict.fromkeys(world.cluster.statements))


def fetched(cursor, statement):
    """What the vendor's client makes of the answer."""
    cursor.execute(statement)
    return [tuple(row) for row in cursor.fetchall()]


def test_the_vendors_client_reads_every_answer(whole):
    """Page by page, in spite of a busy gateway, the same rows as ours."""
    client = pytest.importorskip("trino")
    said = statements(whole)
    assert len(said) >= 10
    host, _, port = whole.address.partition(":")
    with (
        client.dbapi.connect(host=host, port=int(port), user="ada") as connection,
        whole.probe.open() as source,
    ):
        whole.cluster.busy = 7
        for each in said:
            theirs = fetched(connection.cursor(), each)
            with source._session("") as session:
                assert theirs == session.rows(each)


def test_the_vendors_client_sees_our_refusals(whole):
    """A wrong password, an unknown table, a statement that it ends."""
    client = pytest.importorskip("trino")
    host, _, port = whole.address.partition(":")
    with client.dbapi.connect(host=host, port=int(port), user="ada") as connection:
        cursor = connection.cursor()
        with pytest.raises(client.exceptions.TrinoUserError) as raised:
            fetched(cursor, "show columns from shop.library.nothing")
        assert raised.value.error_name == "TABLE_NOT_FOUND"
        cursor.execute("select table_name from shop.information_schema.columns")
        cursor.fetchone()
        cursor.cancel()
        assert whole.cluster.ended
        whole.cluster.passwords["ada"] = "x"
        with pytest.raises(client.exceptions.HttpError, match="401"):
            connection.cursor().execute("show catalogs")


@pytest.mark.filterwarnings("ignore")
def test_the_vendors_dialect_finds_its_own_columns_in_our_system_tables(whole):
    """Its statements are not ours: they name what Trino really has."""
    sa = pytest.importorskip("sqlalchemy")
    pytest.importorskip("trino.sqlalchemy")
    engine = sa.create_engine(f"trino://ada@{whole.address}/shop")
    inspector = sa.inspect(engine)
    assert inspector.get_schema_names() == ["information_schema", "library"]
    assert inspector.get_view_names("library") == ["cheap_book"]
    assert inspector.get_table_comment("book", "library") == {"text": "All books"}
    assert "price < 10" in inspector.get_view_definition("cheap_book", "library")
    theirs = inspector.get_columns("book", "library")
    ours = whole.tables()["svc.shop.library.book"].columns
    assert [(each["name"], each["comment"], each["nullable"]) for each in theirs] == [
        (each.name, each.description, each.constraint == "NULL") for each in ours
    ]
    engine.dispose()


def schema(kinds):
    return {
        name: {each.strip("+"): "bigint" if "+" in each else "varchar" for each in columns.split()}
        for name, columns in kinds.items()
    }


def test_every_statement_is_trinos_and_names_columns_that_it_has(whole):
    known = {
        "shop": {"information_schema": schema(INFORMATION)},
        "system": {"metadata": schema(METADATA), "information_schema": schema(INFORMATION)},
    }
    for each in statements(whole):
        if each.startswith("show "):
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            query = sqlglot.parse_one(each, read="trino")
        assert isinstance(query, exp.Select)
        qualify(query, schema=known, dialect="trino")


def test_reading_many_tables_through_a_bad_network(start):
    """Everything arrives, once, with small pages, 503s and cut answers."""
    cluster = Cluster(page=40, busy=5, torn=4)
    cluster.fill("lake", "s", 130, [Field("id", "bigint"), Field("c", "varchar")])
    cluster.add("lake", "s", "odd", Relation("BASE TABLE", (Field("x", "row(a b integer)"),)))
    world = start(cluster)
    found = world.tables()
    assert len(found) == 131
    assert {len(each.columns) for each in found.values()} == {1, 2}


def test_a_cluster_ends_with_its_block():
    with serving(Cluster()) as address:
        assert address.startswith("127.0.0.1:")
