# ruff: noqa: N802, N815, S608 - OpenMetadata's field names; SQL composed of our own constants only
"""SAP HANA: its system views SYS, read in batches over SQLAlchemy and the vendor's driver.

They hold what the account may see. The system's own schemas are left out, but not _SYS_BIC: there are the views that
were made of information models.
https://help.sap.com/docs/SAP_HANA_PLATFORM/4fe29514fd584807ac9f2a04f6754767/system-views-reference
"""

from typing import Annotated, Literal

from pydantic import Field, SecretStr

from rayingest.config.connection import (
    Choice,
    ConnectionModel,
    HostPort,
    SqlCommon,
    Unused,
    host_port,
)
from rayingest.core.source import Capability, Settings
from rayingest.errors import ConfigError
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

PORT = 30015  # the SQL port of instance 00
CONNECT_MILLISECONDS = 10000
WITHIN = "schema_name = :schema and table_name in :names"
VIEWS_WITHIN = "schema_name = :schema and view_name in :names"
SIZED = {"CHAR", "NCHAR", "VARCHAR", "NVARCHAR", "ALPHANUM", "SHORTTEXT", "BINARY", "VARBINARY"}


class SapHanaSQLConnection(ConnectionModel):
    """Sign in by name and password."""

    hostPort: HostPort = Field(description="Host and port (30015 when none is given).")
    username: str = Field(description="User to connect as.")
    password: SecretStr = Field(description="Password.")
    databaseSchema: str | None = Field(None, description="Read this schema only; all when absent.")
    database: str | None = Field(None, description="Tenant database; the port's when absent.")


class SapHanaHDBConnection(ConnectionModel):
    """Sign in by a key of the user store, which holds address, name and password."""

    userKey: str | None = Field(None, description="Key that `hdbuserstore SET` was given.")


class SapHanaConnection(SqlCommon):
    """How to reach an SAP HANA database."""

    type: Literal["SapHana"] = Field("SapHana", description="OpenMetadata's service type.")
    scheme: Annotated[Literal["hana"] | None, Unused()] = Field(
        None, description="SQLAlchemy scheme; there is one."
    )
    connection: Annotated[SapHanaSQLConnection | SapHanaHDBConnection, Choice()] = Field(
        description="Name and password, or a key of the user store."
    )

    @property
    def databaseSchema(self) -> str | None:
        """The one schema to read, if there is one."""
        return getattr(self.connection, "databaseSchema", None)


def connect(settings: Settings) -> Connect:
    """Address and sign-in; TLS as `encrypt` among connectionOptions says, verified unless told otherwise."""
    import sqlalchemy as sa

    config: SapHanaConnection = settings.connection
    ours = {"connectTimeout": CONNECT_MILLISECONDS}
    match config.connection:
        case SapHanaSQLConnection() as given:
            host, port = host_port(given.hostPort, PORT)
            url = sa.URL.create(
                "hana",
                username=given.username,
                password=given.password.get_secret_value(),
                host=host,
                port=port,
                database=given.database,
                query=config.connectionOptions,
            )
            return Connect(url, {**ours, **config.connectionArguments})
        case SapHanaHDBConnection(userKey=str(key)) if key:
            # With a key the dialect looks at nothing else in the URL.
            url = sa.URL.create("hana", host=f"userkey={key}")
            more = {**config.connectionOptions, **config.connectionArguments}
            return Connect(url, {**ours, **more})
        case _:
            raise ConfigError(
                "saphana: the connection has neither hostPort nor userKey.",
                hint="Give hostPort, username and password, or the userKey of an entry in hdbuserstore.",
            )


def database(settings: Settings) -> str:
    """The tenant database as the config names it; `default`, as in OpenMetadata, when it does not."""
    return getattr(settings.connection.connection, "database", None) or "default"


def spelled(name: str, length: int | None, scale: int | None, place: int) -> str:
    """The text of a type, whose parts the system views keep apart."""
    if name in SIZED and length:
        return f"{name}({length})"
    if name == "DECIMAL" and length and scale is not None:
        return f"DECIMAL({length},{scale})"
    return name


SAPHANA = Reflected(
    extra="saphana",
    connect=connect,
    database=database,
    schemas=QueriedSchemas(
        "select schema_name from sys.schemas where schema_name = '_SYS_BIC'"
        " or left(schema_name, 5) <> '_SYS_' order by 1"
    ),
    hidden=frozenset({"SYS", "SYS_DATABASES"}),
    members=QueriedMembers(
        "select table_name, 'table' from sys.tables"
        " where schema_name = :schema and is_user_defined_type = 'FALSE' "
        "union all select view_name, 'view' from sys.views where schema_name = :schema order by 1"
    ),
    columns=QueriedColumns(
        "select table_name, column_name, data_type_name,"
        " case when is_nullable = 'FALSE' then 0 else 1 end, comments, length, scale, position"
        f" from sys.table_columns where {WITHIN} "
        "union all select view_name, column_name, data_type_name,"
        " case when is_nullable = 'FALSE' then 0 else 1 end, comments, length, scale, position"
        f" from sys.view_columns where {VIEWS_WITHIN} order by 1, 8",
        spelled,
    ),
    # A primary key is a unique key, too.
    keys=QueriedKeys(
        "select table_name, case when is_primary_key = 'TRUE' then 'PRIMARY KEY' else 'UNIQUE' end,"
        " constraint_name, column_name, cast(null as nvarchar(256)), cast(null as nvarchar(256)),"
        f" cast(null as nvarchar(256)), position from sys.constraints where {WITHIN}"
        " and (is_primary_key = 'TRUE' or is_unique_key = 'TRUE') "
        "union all select table_name, 'FOREIGN KEY', constraint_name, column_name,"
        " referenced_schema_name, referenced_table_name, referenced_column_name, position"
        f" from sys.referential_constraints where {WITHIN} order by 1, 2, 3, 8"
    ),
    comments=QueriedTexts(
        f"select table_name, comments from sys.tables where {WITHIN} "
        f"union all select view_name, comments from sys.views where {VIEWS_WITHIN}"
    ),
    definitions=QueriedTexts(f"select view_name, definition from sys.views where {VIEWS_WITHIN}"),
    chunk=500,
    rights="GRANT CATALOG READ, or SELECT ON SCHEMA of what shall be read, TO the account.",
)

CONNECTOR = relational(
    "SapHana",
    "saphana",
    SapHanaConnection,
    reflected(SAPHANA),
    # sqlglot does not know HANA's SQL: plain selects are read as Oracle's, which has names in upper case, too.
    dialect="oracle",
    lacks={
        Capability.DDL: "it is told by a procedure, table by table, which is not asked yet",
        Capability.OWNERS: "owners are not read yet",
        Capability.PARTITIONS: "partitions are not read yet",
        Capability.PROCEDURES: "procedures and functions are not read yet",
        Capability.TAGS: "it has no tags",
    },
)
