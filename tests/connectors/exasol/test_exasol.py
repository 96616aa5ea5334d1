# ruff: noqa: S106 - no password of anybody's
"""Exasol: what the dialect makes of the config, and what only its system tables have."""

import importlib.util

import pytest

from rayingest.connectors.database.exasol import CONNECTOR, connect
from rayingest.model import EntityType
from rayingest.testing.probe import Probe

from .bed import CONFIG, DOCUMENTED

pytest.importorskip("sqlalchemy_exasol")
TABLES = (
    "insert into sys.exa_schemas (schema_name) values ('S')",
    "insert into sys.exa_all_tables (table_schema, table_name) select 'S', 'T' || n from range({0}) numbers(n)",
    (
        "insert into sys.exa_all_columns (column_schema, column_table, column_ordinal_position, column_name,"
        " column_type, column_is_nullable) select 'S', 'T' || n, 1, 'A', 'DOUBLE', true from range({0}) numbers(n)"
    ),
)


def arguments(**changes):
    from sqlalchemy_exasol.websocket import EXADialect_websocket

    how = connect(Probe(CONNECTOR, {**CONFIG, **changes}).settings())
    assert "horse" not in repr(how)
    return EXADialect_websocket().create_connect_args(how.url)[1] | how.arguments


def test_the_driver_goes_where_the_config_says():
    told = arguments(hostPort="db", password="p@/:")
    assert (told["dsn"], told["username"], told["password"]) == ("db:8563", "rayingest", "p@/:")
    assert told["client_name"] == "rayingest"


@pytest.mark.parametrize(
    ("tls", "encrypted", "verified"),
    [
        (None, True, True),
        ("validate-certificate", True, True),
        ("ignore-certificate", True, False),
        ("disable-tls", False, False),
    ],
)
def test_tls_is_verified_unless_told_otherwise(tls, encrypted, verified):
    told = arguments(**({"tls": tls} if tls else {}))
    assert (told["tls"], told["certificate_validation"]) == (encrypted, verified)


def test_the_client_does_not_report_its_use():
    """pyexasol 3 sends the vendor what it was used for; 2 does not."""
    assert importlib.util.find_spec("exasol.telemetry") is None


def test_hundreds_of_tables_take_three_statements(tmp_path):
    statements = [each.format(300) for each in TABLES]
    assert DOCUMENTED.counted(tmp_path / "many.duckdb", 300, *statements) == 3


def test_keys_of_several_columns_keep_their_pairs(tmp_path):
    probe = DOCUMENTED.probe(
        tmp_path / "keys.duckdb",
        *(each.format(1) for each in TABLES),
        "insert into sys.exa_all_constraint_columns (constraint_schema, constraint_table, constraint_type,"
        " constraint_name, ordinal_position, column_name, referenced_schema, referenced_table, referenced_column)"
        " values ('S', 'T0', 'FOREIGN KEY', 'F', 2, 'A', 'O', 'U', 'X'), ('S', 'T0', 'FOREIGN KEY', 'F', 1, 'B', 'O', 'U', 'Y')",
    )
    (table,) = probe.entities(EntityType.TABLE).values()
    (foreign,) = table.constraints
    assert foreign.columns == ("B", "A")
    assert foreign.referred_columns == ("svc.default.O.U.Y", "svc.default.O.U.X")
