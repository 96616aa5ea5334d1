# ruff: noqa: N815, S608 - OpenMetadata's field names; SQL composed of our own constants only
"""Vertica: its catalogue V_CATALOG, read in batches over SQLAlchemy.

The dialect brings the driver to SQLAlchemy; its own reflection asks table by table, so the queries are ours.
https://docs.vertica.com/latest/en/sql-reference/system-tables/v-catalog-schema/
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field, SecretStr

from rayingest.config.connection import HostPort, SqlCommon, Unused, host_port
from rayingest.core.source import Capability, Settings
from rayingest.kit.sql.facts import Found
from rayingest.kit.sql.reflected.connector import relational
from rayingest.kit.sql.reflected.facts import Reflected, reflected
from rayingest.kit.sql.reflected.lookups import (
    QueriedColumns,
    QueriedKeys,
    QueriedMembers,
    QueriedSchemas,
    QueriedTexts,
)
from rayingest.kit.sql.reflected.session import Connect, ReflectedSession
from rayingest.model import EntityType

PORT = 5433
CONNECT_SECONDS = 10
WITHIN = "table_schema = :schema and table_name in :names"


class VerticaConnection(SqlCommon):
    """How to reach a Vertica database."""

    type: Literal["Vertica"] = Field("Vertica", description="OpenMetadata's service type.")
    scheme: Annotated[Literal["vertica+vertica_python"] | None, Unused()] = Field(
        None, description="SQLAlchemy scheme; vertica-python is used whatever it says."
    )
    username: str = Field(description="User to connect as.")
    password: SecretStr | None = Field(None, description="Password.")
    hostPort: HostPort = Field(description="Host and port (5433 when none is given).")
    database: str | None = Field(
        None, description="Database to connect to; that of the server when absent."
    )


def connect(settings: Settings) -> Connect:
    """Address and time-outs; TLS as `tlsmode` among connectionOptions says, which the driver prefers."""
    import sqlalchemy as sa

    config: VerticaConnection = settings.connection
    host, port = host_port(config.hostPort, PORT)
    url = sa.URL.create(
        "vertica+vertica_python",
        username=config.username,
        password=config.password.get_secret_value() if config.password else None,
        host=host,
        port=port,
        database=config.database,
        query=config.connectionOptions,
    )
    ours = {"connection_timeout": CONNECT_SECONDS, "session_label": "rayingest"}
    # By name, the driver replaces one value after the other, also inside of those that it has put in
    # before: a table called `:names_2` would be taken for a place. By position it replaces all at once.
    return Connect(url, {**ours, **config.connectionArguments}, paramstyle="format")


def configured(settings: Settings) -> str:
    """What the first session is called, until the server has said what it is."""
    return settings.connection.database or "default"


def databases(session: ReflectedSession, settings: Settings) -> Iterator[Found]:
    """Name the database of the session: a server of Vertica's runs one."""
    ((name,),) = session.rows("select current_database()")
    yield Found(EntityType.DATABASE, "", name)


VERTICA = Reflected(
    extra="vertica",
    connect=connect,
    database=configured,
    schemas=QueriedSchemas(
        "select schema_name from v_catalog.schemata where not is_system_schema order by 1"
    ),
    members=QueriedMembers(
        "select table_name, 'table' from v_catalog.tables"
        " where table_schema = :schema and not is_system_table "
        "union all select table_name, 'view' from v_catalog.views"
        " where table_schema = :schema and not is_system_view order by 1"
    ),
    columns=QueriedColumns(
        "select table_name, column_name, data_type, is_nullable, null from ("
        "select table_name, column_name, data_type, is_nullable, ordinal_position"
        f" from v_catalog.columns where {WITHIN} "
        "union all select table_name, column_name, data_type, true, ordinal_position"
        f" from v_catalog.view_columns where {WITHIN}) told order by table_name, ordinal_position"
    ),
    # CONSTRAINT_COLUMNS has no order: it is asked for what the others lack.
    keys=QueriedKeys(
        "select table_name, kind, constraint_name, column_name, its_schema, its_table, its_column from ("
        "select table_name, 'PRIMARY KEY' as kind, constraint_name, column_name,"
        " cast(null as varchar) as its_schema, cast(null as varchar) as its_table,"
        " cast(null as varchar) as its_column, ordinal_position"
        f" from v_catalog.primary_keys where {WITHIN} "
        "union all select table_name, 'FOREIGN KEY', constraint_name, column_name,"
        " reference_table_schema, reference_table_name, reference_column_name, ordinal_position"
        f" from v_catalog.foreign_keys where {WITHIN} "
        "union all select table_name, 'UNIQUE', constraint_name, column_name, null, null, null, 0"
        f" from v_catalog.constraint_columns where {WITHIN} and constraint_type = 'u'"
        ") told order by table_name, kind, constraint_name, ordinal_position, column_name"
    ),
    comments=QueriedTexts(
        "select object_name, comment from v_catalog.comments"
        " where object_schema = :schema and object_name in :names and object_type in ('TABLE', 'VIEW')"
    ),
    definitions=QueriedTexts(
        f"select table_name, view_definition from v_catalog.views where {WITHIN}"
    ),
    chunk=500,
    rights="GRANT USAGE ON SCHEMA, and SELECT on what shall be read, TO the account.",
)

CONNECTOR = relational(
    "Vertica",
    "vertica",
    VerticaConnection,
    replace(reflected(VERTICA), databases=databases),
    # Its SQL is near to PostgreSQL's; names are the same in any case, also between quotes.
    dialect="postgres, normalization_strategy=case_insensitive",
    lacks={
        Capability.COMMENTS: "those of tables and views are told, those of columns are not read yet",
        Capability.DDL: "it has no DDL but by a function for each table, which is not asked yet",
        Capability.OWNERS: "owners are not read yet",
        Capability.PARTITIONS: "partition expressions are not read yet",
        Capability.PROCEDURES: "procedures and functions are not read yet",
        Capability.TAGS: "it has no tags",
    },
)
