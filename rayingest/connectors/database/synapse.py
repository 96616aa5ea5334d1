# ruff: noqa: N815 - the attributes are OpenMetadata's field names
"""Azure Synapse, dedicated and serverless SQL pools: SQL Server's catalogue, with views of its own."""

from dataclasses import replace
from typing import Literal

from pydantic import Field, SecretStr

from rayingest.config.connection import HostPort
from rayingest.connectors.database.mssql import CONNECTOR as MSSQL
from rayingest.core.source import Capability
from rayingest.kit.sql.mssql.fields import EntraModes, MssqlFields


class SynapseConnection(MssqlFields):
    """How to reach a SQL pool of a workspace."""

    type: Literal["Synapse"] = Field("Synapse", description="OpenMetadata's service type.")
    username: str | None = Field(None, description="Login, or user of Entra ID.")
    hostPort: HostPort = Field(
        description="`<workspace>.sql.azuresynapse.net`, `<workspace>-ondemand.sql.azuresynapse.net`."
    )
    clientId: str | None = Field(None, description="Application id of a service principal.")
    clientSecret: SecretStr | None = Field(None, description="Its secret.")
    tenantId: str | None = Field(None, description="Its directory.")
    authenticationMode: EntraModes | None = Field(
        None, description="Sign in by Entra ID; a login of the pool when absent."
    )


LACKS = {
    Capability.COMMENTS: "it has no extended properties",
    Capability.DDL: "how its tables are stored is not read yet, but for the columns of a hash",
}
CONNECTOR = replace(
    MSSQL,
    service_type="Synapse",
    connection=SynapseConnection,
    capabilities=MSSQL.capabilities - LACKS.keys(),
    lacks={**MSSQL.lacks, **LACKS},
    alias_of="mssql",
)
