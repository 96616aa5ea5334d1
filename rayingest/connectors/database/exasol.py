# ruff: noqa: N815 - OpenMetadata's field names; SQL composed of our own constants only
"""Exasol: its system tables EXA_ALL_…, read in batches over SQLAlchemy and the vendor's WebSocket client.

They hold what the account may see. A server has one database, which OpenMetadata calls `default`.
https://docs.exasol.com/db/latest/sql_references/system_tables/metadata_system_tables.htm
"""

import re
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field, SecretStr

from rayingest.config.connection import HostPort, SqlCommon, Unused, host_port
from rayingest.core.source import Capability, Settings
from rayingest.kit.sql.known import Known
from rayingest.kit.sql.origins import Origins, origins
from rayingest.kit.sql.reflected.connector import relational
from rayingest.kit.sql.reflected.facts import Reflected, reflected
from rayingest.kit.sql.reflected.lookups import (
    QueriedColumns,
    QueriedKeys,
    QueriedMembers,
    QueriedSchemas,
    QueriedTexts,
)
from rayingest.kit.sql.reflected.session import Connect
from rayingest.model import Table

PORT = 8563
DIALECT = "exasol"
FORCED = re.compile(r"(\s*create\s+(?:or\s+replace\s+)?)force\s+(?=view\b)", re.IGNORECASE)
# The dialect's words for the three choices. Without TLS there is no certificate to look at.
TLS = {
    "validate-certificate": {"ENCRYPTION": "yes"},
    "ignore-certificate": {"ENCRYPTION": "yes", "SSLCertificate": "SSL_VERIFY_NONE"},
    "disable-tls": {"ENCRYPTION": "no", "SSLCertificate": "SSL_VERIFY_NONE"},
}


class ExasolConnection(SqlCommon):
    """How to reach an Exasol database."""

    type: Literal["Exasol"] = Field("Exasol", description="OpenMetadata's service type.")
    scheme: Annotated[Literal["exa+websocket"] | None, Unused()] = Field(
        None, description="SQLAlchemy scheme; there is one."
    )
    username: str = Field(description="User to connect as.")
    password: SecretStr = Field(description="Password.")
    hostPort: HostPort = Field(description="Host and port (8563 when none is given).")
    tls: Literal["disable-tls", "ignore-certificate", "validate-certificate"] = Field(
        "validate-certificate", description="TLS: verified, not verified, or none."
    )


def connect(settings: Settings) -> Connect:
    """Address and TLS; a FINGERPRINT among connectionOptions stands for a certificate of one's own."""
    import sqlalchemy as sa

    config: ExasolConnection = settings.connection
    host, port = host_port(config.hostPort, PORT)
    url = sa.URL.create(
        "exa+websocket",
        username=config.username,
        password=config.password.get_secret_value(),
        host=host,
        port=port,
        query={**TLS[config.tls], **config.connectionOptions},
    )
    return Connect(url, {"client_name": "rayingest", **config.connectionArguments})


def reads(view: Table, known: Known, others: Sequence[str]) -> Origins:
    """What a view reads; sqlglot does not know the FORCE of CREATE FORCE VIEW."""
    text = FORCED.sub(r"\1", view.schema_definition or "", count=1)
    return origins(text, view.fqn, DIALECT, known, others)


EXASOL = Reflected(
    extra="exasol",
    connect=connect,
    # The system's own schemas, SYS and EXA_STATISTICS, are not among these.
    schemas=QueriedSchemas("select schema_name from sys.exa_schemas order by 1"),
    members=QueriedMembers(
        "select table_name, 'table' from sys.exa_all_tables where table_schema = :schema "
        "union all select view_name, 'view' from sys.exa_all_views where view_schema = :schema order by 1"
    ),
    # Of views it does not know whether a column may be empty.
    columns=QueriedColumns(
        "select column_table, column_name, column_type, coalesce(column_is_nullable, true), column_comment"
        " from sys.exa_all_columns where column_schema = :schema and column_table in :names"
        " order by column_table, column_ordinal_position"
    ),
    keys=QueriedKeys(
        "select constraint_table, constraint_type, constraint_name, column_name,"
        " referenced_schema, referenced_table, referenced_column"
        " from sys.exa_all_constraint_columns where constraint_schema = :schema"
        " and constraint_table in :names and constraint_type in ('PRIMARY KEY', 'FOREIGN KEY')"
        " order by constraint_table, constraint_type, constraint_name, ordinal_position"
    ),
    comments=QueriedTexts(
        "select table_name, table_comment from sys.exa_all_tables"
        " where table_schema = :schema and table_name in :names "
        "union all select view_name, view_comment from sys.exa_all_views"
        " where view_schema = :schema and view_name in :names"
    ),
    definitions=QueriedTexts(
        "select view_name, view_text from sys.exa_all_views"
        " where view_schema = :schema and view_name in :names"
    ),
    chunk=500,
    rights="GRANT USE ANY SCHEMA, or SELECT on what shall be read, TO the account.",
)

CONNECTOR = relational(
    "Exasol",
    "exasol",
    ExasolConnection,
    reflected(EXASOL),
    dialect=DIALECT,
    reads=reads,
    lacks={
        Capability.KEYS: "primary and foreign keys are read; Exasol knows no unique ones",
        Capability.DDL: "it keeps no DDL of tables",
        Capability.OWNERS: "owners are not read yet",
        Capability.PARTITIONS: "partition and distribution keys are not read yet",
        Capability.PROCEDURES: "scripts and functions are not read yet",
        Capability.TAGS: "it has no tags",
    },
)
