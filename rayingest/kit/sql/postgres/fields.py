# ruff: noqa: N815 - the attributes are OpenMetadata's field names
"""What the connections of PostgreSQL and of its descendants have in common."""

from typing import Annotated

from pydantic import Field, SecretStr

from rayingest.config.connection import (
    AzureAuth,
    BasicAuth,
    Choice,
    HostPort,
    IamAuth,
    SqlCommon,
    SslConfig,
    SslMode,
)


class PostgresFields(SqlCommon):
    """How to reach a server that speaks PostgreSQL's protocol."""

    username: str = Field(description="User to connect as.")
    authType: Annotated[BasicAuth | IamAuth | AzureAuth | None, Choice()] = Field(
        None, description="Password, AWS IAM or Azure Entra ID."
    )
    password: SecretStr | None = Field(
        None, description="Password; older spelling of authType.password."
    )
    hostPort: HostPort = Field(description="Host and port; 5432 when no port is given.")
    database: str = Field(
        description="Database to read, and to start from with ingestAllDatabases."
    )
    ingestAllDatabases: bool = Field(
        False, description="Read every database of the server that the user may connect to."
    )
    sslMode: SslMode = Field(SslMode.DISABLE, description="Encryption and verification.")
    sslConfig: SslConfig | None = Field(None, description="Certificates.")
