"""Vertica: its driver and dialect are asked themselves, its queries run over its documented catalogue."""

import pytest
import sqlglot

from rayingest.connectors.database.vertica import CONNECTOR, connect
from rayingest.model import EntityType
from rayingest.testing.probe import Probe

from ..duck import FACETS
from .bed import CONFIG, DOCUMENTED

dialect = pytest.importorskip("sqla_vertica_python.vertica_python").VerticaDialect
SCHEMA = "insert into v_catalog.schemata (schema_name, is_system_schema) values ('s', false)"
TABLES = (
    SCHEMA,
    (
        "insert into v_catalog.tables (table_schema, table_name, is_system_table)"
        " select 's', 't' || n, false from range({0}) numbers(n)"
    ),
    (
        "insert into v_catalog.columns (table_schema, table_name, ordinal_position, column_name, data_type,"
        " is_nullable) select 's', 't' || n, 1, 'a', 'int', true from range({0}) numbers(n)"
    ),
)


def test_the_driver_goes_where_the_config_says():
    given = {
        **CONFIG,
        "hostPort": "db",
        "password": "p@/:",
        "connectionOptions": {"tlsmode": "verify-full"},
    }
    how = connect(Probe(CONNECTOR, given).settings())
    arguments = dialect().create_connect_args(how.url)[1]
    assert arguments == {
        "host": "db",
        "port": 5433,
        "user": "rayingest",
        "password": "p@/:",
        "database": "story",
        "tlsmode": "verify-full",
    }
    assert "p@" not in repr(how)


@pytest.mark.parametrize("facet", FACETS)
def test_names_arrive_as_they_are_whatever_is_in_them(facet):
    """The driver writes values into the text itself: what it makes of hostile ones is asked of it."""
    from vertica_python.vertica.cursor import Cursor

    _, text, values = DOCUMENTED.hostile(facet)
    if values:
        cursor = Cursor.__new__(Cursor)
        cursor._sql_literal_adapters = {}
        text = cursor.format_operation_with_parameters(text, values)
    literals = {
        each.name
        for each in sqlglot.parse_one(text, dialect="postgres").find_all(sqlglot.exp.Literal)
    }
    assert set(values) <= literals


def test_the_database_is_called_as_the_server_calls_it(tmp_path):
    probe = DOCUMENTED.probe(tmp_path / "vmart.duckdb", SCHEMA)
    (found,) = probe.descriptors(EntityType.DATABASE, database=None)
    assert found.id == "svc.vmart"


def test_keys_of_several_columns_keep_their_order(tmp_path):
    probe = DOCUMENTED.probe(
        tmp_path / "vmart.duckdb",
        SCHEMA,
        "insert into v_catalog.tables (table_schema, table_name, is_system_table) values ('s', 't', false)",
        "insert into v_catalog.columns (table_schema, table_name, ordinal_position, column_name, data_type,"
        " is_nullable) values ('s', 't', 1, 'a', 'int', false), ('s', 't', 2, 'b', 'int', false)",
        "insert into v_catalog.primary_keys (table_schema, table_name, constraint_name, column_name,"
        " ordinal_position) values ('s', 't', 'p', 'a', 2), ('s', 't', 'p', 'b', 1)",
        "insert into v_catalog.foreign_keys (table_schema, table_name, constraint_name, column_name,"
        " ordinal_position, reference_table_schema, reference_table_name, reference_column_name)"
        " values ('s', 't', 'f', 'a', 2, 'o', 'u', 'x'), ('s', 't', 'f', 'b', 1, 'o', 'u', 'y')",
    )
    (table,) = probe.entities(EntityType.TABLE).values()
    primary, foreign = table.constraints
    assert primary.columns == ("b", "a")
    assert (foreign.columns, foreign.referred_columns) == (
        ("b", "a"),
        ("svc.vmart.o.u.y", "svc.vmart.o.u.x"),
    )


def test_hundreds_of_tables_take_three_statements(tmp_path):
    statements = [each.format(300) for each in TABLES]
    assert DOCUMENTED.counted(tmp_path / "many.duckdb", 300, *statements) == 3
