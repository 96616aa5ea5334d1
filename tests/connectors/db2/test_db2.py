# ruff: noqa: S106, S608 - no password of anybody's, no SQL of anybody's
"""Db2: what its client is told, and what only its catalogue has."""

from pathlib import Path

import pytest

from rayingest.connectors.database.db2 import CONNECTOR, connect, spelled
from rayingest.errors import ConfigError
from rayingest.kit.sql.reflected.shapes import shape
from rayingest.model import EntityType, TableType
from rayingest.testing.probe import Probe

from .bed import CONFIG, DOCUMENTED

pytest.importorskip("ibm_db_sa")
TABLES = (
    "insert into syscat.schemata (schemaname) values ('S')",
    "insert into syscat.tables (tabschema, tabname, type) select 'S', 'T' || n, 'T' from range({0}) numbers(n)",
    (
        "insert into syscat.columns (tabschema, tabname, colno, colname, typename, length, scale, nulls)"
        " select 'S', 'T' || n, 0, 'A', 'INTEGER', 4, 0, 'Y' from range({0}) numbers(n)"
    ),
)


def reached(**changes):
    how = connect(Probe(CONNECTOR, {**CONFIG, **changes}).settings())
    assert "horse" not in repr(how)
    return how


def arguments(**changes):
    from ibm_db_sa.ibm_db import DB2Dialect_ibm_db

    return DB2Dialect_ibm_db().create_connect_args(reached(**changes).url)[0]


def test_the_driver_goes_where_the_config_says():
    text, user, password, *_ = arguments(hostPort="db", password="p@/:")
    assert text == ("DATABASE=story;HOSTNAME=db;PORT=50000;PROTOCOL=TCPIP;ConnectTimeout=10;")
    assert (user, password) == ("rayingest", "p@/:")


def test_tls_takes_the_certificate_and_leaves_no_file():
    how = reached(
        sslMode="verify-full",
        sslConfig={"caCertificate": "-----BEGIN CERTIFICATE-----\nx"},
    )
    told = dict(each.split("=", 1) for each in how.url.database.strip(";").split(";"))
    file = Path(told["SSLServerCertificate"])
    assert (told["Security"], told["SSLClientHostnameValidation"]) == ("SSL", "Basic")
    assert file.read_text().startswith("-----BEGIN")
    with how.folder:
        pass
    assert not file.exists()


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"password": "a;b"}, "password has a ';'"),
        ({"database": "a;UID=root"}, "DATABASE has a ';'"),
        ({"scheme": "ibmi"}, "Db2 for i"),
        ({"sslMode": "require", "sslConfig": {"sslKey": "k.pem"}}, "key store"),
    ],
)
def test_what_its_client_cannot_take_is_told(changes, why):
    with pytest.raises(ConfigError, match=why):
        reached(**changes)


@pytest.mark.parametrize(
    ("parts", "text", "data_type"),
    [
        (("CHARACTER", 13, 0, 1208), "CHARACTER(13)", "CHAR"),
        (("VARCHAR", 16, 0, 0), "VARCHAR(16) FOR BIT DATA", "VARBINARY"),
        (("DECIMAL", 8, 2, 0), "DECIMAL(8,2)", "DECIMAL"),
        (("DECFLOAT", 16, 0, 0), "DECFLOAT", "DECIMAL"),
        (("TIMESTAMP", 10, 6, 0), "TIMESTAMP(6)", "TIMESTAMP"),
        (("DBCLOB", 100, 0, 1200), "DBCLOB(100)", "CLOB"),
        (("VARGRAPHIC", 10, 0, 1200), "VARGRAPHIC(10)", "VARCHAR"),
        (("XML", 0, 0, 0), "XML", "XML"),
    ],
)
def test_parts_of_types_become_types(parts, text, data_type):
    assert spelled(*parts) == text
    assert shape(text).data_type == data_type


def test_kinds_of_tables_are_told_apart(tmp_path):
    kinds = {"T": TableType.REGULAR, "S": TableType.MATERIALIZED_VIEW, "V": TableType.VIEW}
    probe = DOCUMENTED.probe(
        tmp_path / "kinds.duckdb",
        TABLES[0],
        *(
            f"insert into syscat.tables (tabschema, tabname, type) values ('S', 'K{kind}', '{kind}')"
            for kind in (*kinds, "A")
        ),
        *(
            "insert into syscat.columns (tabschema, tabname, colno, colname, typename, length, scale, nulls)"
            f" values ('S', 'K{kind}', 0, 'A', 'INTEGER', 4, 0, 'Y')"
            for kind in (*kinds, "A")
        ),
    )
    found = {each.name: each.table_type for each in probe.entities(EntityType.TABLE).values()}
    assert found == {f"K{kind}": of for kind, of in kinds.items()}


def test_keys_of_several_columns_keep_their_pairs(tmp_path):
    probe = DOCUMENTED.probe(
        tmp_path / "keys.duckdb",
        *(each.format(1) for each in TABLES),
        'insert into syscat."references" (constname, tabschema, tabname, refkeyname, reftabschema, reftabname)'
        " values ('F', 'S', 'T0', 'P', 'O', 'U')",
        "insert into syscat.keycoluse (constname, tabschema, tabname, colname, colseq) values"
        " ('F', 'S', 'T0', 'A', 2), ('F', 'S', 'T0', 'B', 1), ('P', 'O', 'U', 'X', 2), ('P', 'O', 'U', 'Y', 1)",
    )
    (table,) = probe.entities(EntityType.TABLE).values()
    (foreign,) = table.constraints
    assert foreign.columns == ("B", "A")
    assert foreign.referred_columns == ("svc.story.O.U.Y", "svc.story.O.U.X")


def test_hundreds_of_tables_take_three_statements(tmp_path):
    statements = [each.format(300) for each in TABLES]
    assert DOCUMENTED.counted(tmp_path / "many.duckdb", 300, *statements) == 3
