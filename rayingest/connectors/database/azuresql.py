# ruff: noqa: N815 - the attributes are OpenMetadata's field names
"""Azure SQL Database: SQL Server's catalogue, always encrypted, with sign-in by Entra ID."""

from dataclasses import replace
from typing import Literal

from pydantic import Field

from rayingest.config.connection import HostPort
from rayingest.connectors.database.mssql import CONNECTOR as MSSQL
from rayingest.kit.sql.mssql.fields import EntraMode, MssqlFields


class AzureSqlConnection(MssqlFields):
    """How to reach a server of Azure SQL."""

    type: Literal["AzureSQL"] = Field("AzureSQL", description="OpenMetadata's service type.")
    username: str = Field(description="Login, or user of Entra ID.")
    hostPort: HostPort = Field(
        description="`<server>.database.windows.net`, and the port if not 1433."
    )
    authenticationMode: EntraMode | None = Field(
        None, description="Sign in by Entra ID; a login of the server when absent."
    )


CONNECTOR = replace(MSSQL, service_type="AzureSQL", connection=AzureSqlConnection, alias_of="mssql")
