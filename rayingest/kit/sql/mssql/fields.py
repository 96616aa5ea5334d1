# ruff: noqa: N815 - the attributes are OpenMetadata's field names
"""The fields that the connections of SQL Server, Azure SQL and Synapse share."""

from typing import Annotated, Literal

from pydantic import Field, SecretStr

from rayingest.config.connection import ConnectionModel, SqlCommon, Unused


class MssqlFields(SqlCommon):
    """A database of a server that speaks TDS."""

    scheme: Annotated[Literal["mssql+pyodbc", "mssql+pytds", "mssql+pymssql"] | None, Unused()] = (
        Field(None, description="SQLAlchemy scheme; python-tds is used whatever it says.")
    )
    password: SecretStr | None = Field(None, description="Password.")
    database: str = Field(
        description="Database to connect to; read alone without ingestAllDatabases."
    )
    driver: Annotated[str | None, Unused()] = Field(
        None, description="Driver of ODBC; python-tds needs none."
    )
    ingestAllDatabases: bool = Field(
        False, description="Read all databases of the server that the user may open."
    )


class AzureMode(ConnectionModel):
    """How a connection to Azure is encrypted, and how long it may take to open."""

    encrypt: bool | None = Field(
        None, description="Encrypt the connection; Azure takes nothing else, so it always is."
    )
    trustServerCertificate: bool | None = Field(
        None, description="Do not verify the server's certificate."
    )
    connectionTimeout: int = Field(30, description="Seconds that a sign-in may take.")


class EntraMode(AzureMode):
    """The same, with what Entra ID signs in."""

    authentication: Literal["ActiveDirectoryIntegrated", "ActiveDirectoryPassword"] | None = Field(
        None,
        description="Sign in by Entra ID: with what the environment has, or as username with "
        "password.",
    )


class EntraModes(AzureMode):
    """The same, with service principals among it."""

    authentication: (
        Literal[
            "ActiveDirectoryIntegrated",
            "ActiveDirectoryPassword",
            "ActiveDirectoryServicePrincipal",
        ]
        | None
    ) = Field(
        None,
        description="Sign in by Entra ID: with what the environment has, as username with "
        "password, or as clientId with clientSecret.",
    )
