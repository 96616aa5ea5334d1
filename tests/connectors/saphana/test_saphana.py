"""SAP HANA: what the dialect makes of the config, and what only its system views have."""

import pytest

from rayingest.connectors.database.saphana import CONNECTOR, connect, spelled
from rayingest.errors import ConfigError
from rayingest.kit.sql.reflected.shapes import shape
from rayingest.model import EntityType
from rayingest.testing.probe import Probe

from .bed import CONFIG, DOCUMENTED

pytest.importorskip("sqlalchemy_hana")
TABLES = (
    "insert into sys.schemas (schema_name) values ('S')",
    (
        "insert into sys.tables (schema_name, table_name, is_user_defined_type)"
        " select 'S', 'T' || n, 'FALSE' from range({0}) numbers(n)"
    ),
    (
        "insert into sys.table_columns (schema_name, table_name, position, column_name, data_type_name, is_nullable)"
        " select 'S', 'T' || n, 1, 'A', 'INTEGER', 'TRUE' from range({0}) numbers(n)"
    ),
)


def arguments(connection, **changes):
    from sqlalchemy_hana.dialect import HANAHDBCLIDialect

    given = {**CONFIG, "connection": connection, **changes}
    how = connect(Probe(CONNECTOR, given).settings())
    assert "horse" not in repr(how)
    return HANAHDBCLIDialect().create_connect_args(how.url)[1] | how.arguments


def test_the_driver_goes_where_the_config_says():
    told = arguments(
        {"hostPort": "h", "username": "u", "password": "p@/:", "database": "T1"},
        connectionOptions={"encrypt": "true"},
    )
    told.pop("vectoroutputtype")
    assert told == {
        "address": "h",
        "port": 30015,
        "user": "u",
        "password": "p@/:",
        "databaseName": "T1",
        "encrypt": "true",
        "connectTimeout": 10000,
    }


def test_a_key_of_the_user_store_stands_for_all():
    told = arguments({"userKey": "PROD"}, connectionOptions={"encrypt": "true"})
    assert (told["userkey"], told["encrypt"]) == ("PROD", "true")
    assert "address" not in told


def test_a_connection_without_either_is_told():
    with pytest.raises(ConfigError, match="neither hostPort nor userKey"):
        arguments({})


@pytest.mark.parametrize(
    ("parts", "text", "data_type"),
    [
        (("NVARCHAR", 80, None), "NVARCHAR(80)", "VARCHAR"),
        (("DECIMAL", 8, 2), "DECIMAL(8,2)", "DECIMAL"),
        (("DECIMAL", 34, None), "DECIMAL", "DECIMAL"),
        (("SECONDDATE", 19, 0), "SECONDDATE", "TIMESTAMP"),
        (("INTEGER", 10, 0), "INTEGER", "INT"),
        (("ST_POINT", 8, 0), "ST_POINT", "POINT"),
    ],
)
def test_parts_of_types_become_types(parts, text, data_type):
    assert spelled(*parts, 1) == text
    assert shape(text).data_type == data_type


def test_one_schema_is_read_when_one_is_named(tmp_path):
    probe = DOCUMENTED.probe(
        tmp_path / "schemas.duckdb",
        "insert into sys.schemas (schema_name) values ('SYS'), ('_SYS_REPO'), ('_SYS_BIC'), ('A'), ('B')",
    )
    schemas = [each.id for each in probe.descriptors(EntityType.DATABASE_SCHEMA)]
    assert schemas == ["svc.story.A", "svc.story.B", "svc.story._SYS_BIC"]
    only = {"connection": {**CONFIG["connection"], "databaseSchema": "B"}}
    schemas = [each.id for each in probe.descriptors(EntityType.DATABASE_SCHEMA, **only)]
    assert schemas == ["svc.story.B"]


def test_types_of_tables_are_no_tables(tmp_path):
    probe = DOCUMENTED.probe(
        tmp_path / "types.duckdb",
        *(each.format(1) for each in TABLES),
        "insert into sys.tables (schema_name, table_name, is_user_defined_type) values ('S', 'TT', 'TRUE')",
    )
    assert list(probe.entities(EntityType.TABLE)) == ["svc.story.S.T0"]


def test_hundreds_of_tables_take_three_statements(tmp_path):
    statements = [each.format(300) for each in TABLES]
    assert DOCUMENTED.counted(tmp_path / "many.duckdb", 300, *statements) == 3


def test_keys_of_several_columns_keep_their_pairs(tmp_path):
    probe = DOCUMENTED.probe(
        tmp_path / "keys.duckdb",
        *(each.format(1) for each in TABLES),
        "insert into sys.constraints (schema_name, table_name, column_name, position, constraint_name, is_primary_key, is_unique_key)"
        " values ('S', 'T0', 'A', 2, 'P', 'TRUE', 'TRUE'), ('S', 'T0', 'B', 1, 'P', 'TRUE', 'TRUE')",
        "insert into sys.referential_constraints (schema_name, table_name, column_name, position, constraint_name,"
        " referenced_schema_name, referenced_table_name, referenced_column_name)"
        " values ('S', 'T0', 'A', 2, 'F', 'O', 'U', 'X'), ('S', 'T0', 'B', 1, 'F', 'O', 'U', 'Y')",
    )
    (table,) = probe.entities(EntityType.TABLE).values()
    primary, foreign = table.constraints
    assert primary.columns == foreign.columns == ("B", "A")
    assert foreign.referred_columns == ("svc.story.O.U.Y", "svc.story.O.U.X")
