# ruff: noqa: S106 - no password of anybody's
"""Teradata: what the dialect makes of the config, and what only its dictionary has."""

import json

import pytest

from rayingest.connectors.database._teradata.types import spelled
from rayingest.connectors.database.teradata import CONNECTOR, connect
from rayingest.kit.sql.reflected.shapes import shape
from rayingest.model import EntityType
from rayingest.testing.probe import Probe

from .bed import CONFIG, DOCUMENTED

pytest.importorskip("teradatasqlalchemy")
TABLES = (
    "insert into dbc.databasesv (databasename, dbkind) values ('s', 'D')",
    "insert into dbc.tablesv (databasename, tablename, tablekind) select 's', 't' || n, 'T' from range({0}) numbers(n)",
    (
        "insert into dbc.columnsv (databasename, tablename, columnid, columnname, columntype, nullable)"
        " select 's', 't' || n, 1, 'a', 'I ', 'Y' from range({0}) numbers(n)"
    ),
)


def arguments(**changes):
    from teradatasqlalchemy.dialect import TeradataDialect

    how = connect(Probe(CONNECTOR, {**CONFIG, **changes}).settings())
    assert "horse" not in repr(how)
    (text,) = TeradataDialect().create_connect_args(how.url)[0]
    return json.loads(text)


def test_the_driver_goes_where_the_config_says():
    told = arguments(
        hostPort="td",
        password="p@/:",
        logmech="LDAP",
        logdata="realm",
        account="$M1",
        connectionOptions={"sslmode": "VERIFY-FULL"},
    )
    assert told == {
        "host": "td",
        "dbs_port": "1025",
        "user": "rayingest",
        "password": "p@/:",
        "connect_timeout": "10000",
        "logmech": "LDAP",
        "logdata": "realm",
        "tmode": "DEFAULT",
        "account": "$M1",
        "sslmode": "VERIFY-FULL",
    }


@pytest.mark.parametrize(
    ("parts", "text", "data_type"),
    [
        (("I ", 4, None, None, 0, None), "INTEGER", "INT"),
        (("I1", 1, None, None, 0, None), "BYTEINT", "BYTEINT"),
        (("CF", 26, None, None, 2, None), "CHAR(13)", "CHAR"),
        (("CV", 80, None, None, 1, None), "VARCHAR(80)", "VARCHAR"),
        (("BV", 16, None, None, 0, None), "VARBYTE(16)", "VARBINARY"),
        (("D ", 8, 18, 2, 0, None), "DECIMAL(18,2)", "DECIMAL"),
        (("N ", 18, -128, -128, 0, None), "NUMBER", "NUMBER"),
        (("N ", 18, 10, 0, 0, None), "NUMBER(10,0)", "NUMBER"),
        (("TS", 10, None, 6, 0, None), "TIMESTAMP(6)", "TIMESTAMP"),
        (("SZ", 12, None, 0, 0, None), "TIMESTAMP(0) WITH TIME ZONE", "TIMESTAMPZ"),
        (("DS", 12, 2, 6, 0, None), "INTERVAL DAY TO SECOND", "INTERVAL"),
        (("PS", 20, None, 3, 0, None), "PERIOD(TIMESTAMP(3))", "UNKNOWN"),
        (("UT", 8, None, None, 0, "money_t"), "money_t", "UNKNOWN"),
        ((None, None, None, None, None, None), None, "UNKNOWN"),
    ],
)
def test_codes_of_types_become_types(parts, text, data_type):
    assert spelled(*parts) == text
    assert shape(text or "").data_type == data_type


def test_users_with_tables_are_databases_and_those_of_persons_are_not(tmp_path):
    probe = DOCUMENTED.probe(
        tmp_path / "users.duckdb",
        "insert into dbc.databasesv (databasename, dbkind) values ('DBC', 'U'), ('Sys_Calendar', 'D'), ('ann', 'U'), ('app', 'U')",
        "insert into dbc.tablesv (databasename, tablename, tablekind) values ('app', 't', 'T'), ('ann', 'macro', 'M')",
    )
    names = [each.id for each in probe.descriptors(EntityType.DATABASE_SCHEMA)]
    assert names == ["svc.default.Sys_Calendar", "svc.default.app"]


def test_hundreds_of_tables_take_six_statements(tmp_path):
    statements = [each.format(400) for each in TABLES]
    assert DOCUMENTED.counted(tmp_path / "many.duckdb", 400, *statements) == 6


def test_unique_indexes_are_keys_and_others_are_not(tmp_path):
    probe = DOCUMENTED.probe(
        tmp_path / "keys.duckdb",
        *(each.format(1) for each in TABLES),
        "insert into dbc.indicesv (databasename, tablename, indexnumber, indextype, uniqueflag, columnname, columnposition)"
        " values ('s', 't0', 1, 'P', 'Y', 'a', 2), ('s', 't0', 1, 'P', 'Y', 'b', 1), ('s', 't0', 4, 'S', 'N', 'a', 1),"
        " ('s', 't0', 8, 'J', 'Y', 'a', 1), ('s', 't0', 12, 'K', 'Y', 'a', 1)",
    )
    (table,) = probe.entities(EntityType.TABLE).values()
    assert [(str(each.constraint_type), each.columns) for each in table.constraints] == [
        ("UNIQUE", ("b", "a"))
    ]
    assert [str(each.constraint) for each in table.columns] == ["PRIMARY_KEY"]


def test_foreign_keys_without_names_are_told_apart_with_their_pairs(tmp_path):
    probe = DOCUMENTED.probe(
        tmp_path / "keys.duckdb",
        *(each.format(1) for each in TABLES),
        "insert into dbc.all_ri_childrenv (indexid, childdb, childtable, childkeycolumn, parentdb, parenttable, parentkeycolumn)"
        " values (4, 's', 't0', 'c', 'o', 'u', 'x'), (0, 's', 't0', 'b', 'o', 'u', 'y'), (4, 's', 't0', 'a', 'o', 'u', 'z')",
    )
    (table,) = probe.entities(EntityType.TABLE).values()
    assert [(each.columns, each.referred_columns) for each in table.constraints] == [
        (("b",), ("svc.default.o.u.y",)),
        (("a", "c"), ("svc.default.o.u.z", "svc.default.o.u.x")),
    ]
