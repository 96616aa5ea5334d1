# ruff: noqa: N815 - the attributes are OpenMetadata's field names
"""MySQL, 5.7 and newer: information_schema, read in batches over PyMySQL."""

from typing import Annotated, Literal

from pydantic import Field, SecretStr

from rayingest.config.connection import (
    AzureAuth,
    BasicAuth,
    Choice,
    HostPort,
    IamAuth,
    SqlCommon,
    SslConfig,
    Unused,
)
from rayingest.kit.sql.mysql.connect import CloudSqlAuth
from rayingest.kit.sql.mysql.facts import CAPABILITIES, LACKS, MYSQL
from rayingest.kit.sql.spec import Sql


class MysqlConnection(SqlCommon):
    """How to reach a MySQL server; its databases become the schemas of one database."""

    type: Literal["Mysql"] = Field("Mysql", description="OpenMetadata's service type.")
    scheme: Annotated[Literal["mysql+pymysql"] | None, Unused()] = Field(
        None, description="SQLAlchemy scheme; PyMySQL is used whatever it says."
    )
    username: str = Field(description="User to connect as.")
    authType: Annotated[BasicAuth | IamAuth | AzureAuth | CloudSqlAuth | None, Choice()] = Field(
        None, description="Password, AWS IAM or Azure Entra ID."
    )
    password: SecretStr | None = Field(
        None, description="Password; older spelling of authType.password."
    )
    hostPort: HostPort = Field(
        description="Host and port (3306 when none is given), or the path of a socket."
    )
    databaseName: str | None = Field(
        None, description="What the database is called in the catalogue; `default` when absent."
    )
    databaseSchema: str | None = Field(
        None, description="Read this MySQL database only; all but the system's when absent."
    )
    sslConfig: SslConfig | None = Field(
        None, description="Certificates; the server's is verified, with its name."
    )
    useSlowLogs: Annotated[bool, Unused()] = Field(
        False, description="Read queries from the slow log."
    )
    queryHistoryTable: Annotated[str | None, Unused()] = Field(
        None, description="Table with the query log."
    )


CONNECTOR = Sql(
    service_type="Mysql",
    extra="mysql",
    dialect="mysql",
    connection=MysqlConnection,
    facts=MYSQL,
    listing_hides=True,
    capabilities=CAPABILITIES,
    lacks=LACKS,
)
