"""Vertica: its driver and dialect are asked themselves, its queries run over its documented catalogue."""

import json
import socket

import pytest
import sqlglot

from rayingest.connectors.database.vertica import CONNECTOR, VERTICA, connect
from rayingest.errors import Unreachable
from rayingest.kit.sql.reflected.session import open_session
from rayingest.model import EntityType
from rayingest.testing.probe import Probe

from .standin import CONFIG, connector_of

sa = pytest.importorskip("sqlalchemy")
dialect = pytest.importorskip("sqla_vertica_python.vertica_python").VerticaDialect
TABLE = EntityType.TABLE


@pytest.fixture
def catalogue(tmp_path):
    """An empty V_CATALOG, and the way to fill it."""
    duckdb = pytest.importorskip("duckdb")
    from ..beds import story

    path = tmp_path / "vmart.duckdb"

    def fill(*statements):
        with duckdb.connect(str(path)) as connection:
            for each in [*(each for each in story("vertica") if "create" in each), *statements]:
                connection.execute(each)
        return Probe(connector_of(path), CONFIG)

    return fill


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


def test_nobody_listens():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    settings = Probe(CONNECTOR, {**CONFIG, "hostPort": f"127.0.0.1:{port}"}).settings()
    with pytest.raises(Unreachable, match=r"vertica at 127\.0\.0\.1 does not answer") as caught:
        open_session(settings, "vertica", connect, "story")
    assert "canary" not in str(caught.value)


HOSTILE = ["plain", "quo'te", ":names_1", ":schema", "%s", "%(x)s", "back\\slash", "a--b", "ünï"]


@pytest.mark.parametrize(
    "facet", ["schemas", "members", "columns", "keys", "comments", "definitions"]
)
def test_names_arrive_as_they_are_whatever_is_in_them(facet):
    """The driver writes values into the text itself: what it makes of hostile ones is asked of it."""
    from vertica_python.vertica.cursor import Cursor

    engine = sa.create_engine(
        "vertica+vertica_python://",
        paramstyle=connect(Probe(CONNECTOR, CONFIG).settings()).paramstyle,
    )
    query = getattr(VERTICA, facet).query
    wanted = {"names": HOSTILE, "schema": ":names_2"}
    given = {name: value for name, value in wanted.items() if f":{name}" in query}
    lists = [sa.bindparam(name, expanding=True) for name in given if name == "names"]
    made = sa.text(query).bindparams(*lists, **{k: v for k, v in given.items() if k != "names"})
    made = made.bindparams(**given).compile(
        dialect=engine.dialect, compile_kwargs={"render_postcompile": True}
    )
    values = tuple(made.params[name] for name in made.positiontup or ())
    text = made.string
    if values:
        cursor = Cursor.__new__(Cursor)
        cursor._sql_literal_adapters = {}
        text = cursor.format_operation_with_parameters(text, values)
    literals = {
        each.name
        for each in sqlglot.parse_one(text, dialect="postgres").find_all(sqlglot.exp.Literal)
    }
    assert bool(values) == (facet != "schemas")
    assert set(values) <= literals


def test_the_database_is_called_as_the_server_calls_it(catalogue):
    probe = catalogue(
        "insert into v_catalog.schemata (schema_name, is_system_schema) values ('s', false)"
    )
    (found,) = probe.descriptors(EntityType.DATABASE, database=None)
    assert found.id == "svc.vmart"


def test_keys_of_several_columns_keep_their_order(catalogue):
    probe = catalogue(
        "insert into v_catalog.schemata (schema_name, is_system_schema) values ('s', false)",
        "insert into v_catalog.tables (table_schema, table_name, is_system_table) values ('s', 't', false)",
        "insert into v_catalog.columns (table_schema, table_name, ordinal_position, column_name, data_type,"
        " is_nullable) values ('s', 't', 1, 'a', 'int', false), ('s', 't', 2, 'b', 'int', false)",
        "insert into v_catalog.primary_keys (table_schema, table_name, constraint_name, column_name,"
        " ordinal_position) values ('s', 't', 'p', 'a', 2), ('s', 't', 'p', 'b', 1)",
        "insert into v_catalog.foreign_keys (table_schema, table_name, constraint_name, column_name,"
        " ordinal_position, reference_table_schema, reference_table_name, reference_column_name)"
        " values ('s', 't', 'f', 'a', 2, 'o', 'u', 'x'), ('s', 't', 'f', 'b', 1, 'o', 'u', 'y')",
    )
    (table,) = probe.entities(TABLE).values()
    primary, foreign = table.constraints
    assert primary.columns == ("b", "a")
    assert (foreign.columns, foreign.referred_columns) == (
        ("b", "a"),
        ("svc.vmart.o.u.y", "svc.vmart.o.u.x"),
    )


def test_a_hundred_tables_take_three_statements(catalogue):
    probe = catalogue(
        "insert into v_catalog.schemata (schema_name, is_system_schema) values ('s', false)",
        "insert into v_catalog.tables (table_schema, table_name, is_system_table)"
        " select 's', 't' || n, false from range(100) numbers(n)",
        "insert into v_catalog.columns (table_schema, table_name, ordinal_position, column_name, data_type,"
        " is_nullable) select 's', 't' || n, 1, 'a', 'int', true from range(100) numbers(n)",
    )
    descriptors = probe.descriptors(TABLE)
    with probe.open() as source:
        before = source.calls
        assert len(list(source.process_entities(descriptors))) == 100
        assert source.calls - before == 3


def test_openmetadatas_yaml_works_unchanged(contracts):
    folder = contracts / "openmetadata/schemas/entity/services/connections/database"
    schema = json.loads((folder / "verticaConnection.json").read_text())
    model = CONNECTOR.connection
    assert set(schema["properties"]) <= set(model.model_fields)
    assert set(schema["required"]) == {
        name for name, field in model.model_fields.items() if field.is_required()
    }
