# ruff: noqa: N815 - the attributes are OpenMetadata's field names
"""Microsoft SQL Server, 2012 and newer, and Azure SQL Managed Instance: its own catalogue, over python-tds."""

from typing import Annotated, Literal

from pydantic import Field

from rayingest.config.connection import HostPort, SslConfig, Unused
from rayingest.kit.sql.mssql.facts import CAPABILITIES, LACKS, MSSQL
from rayingest.kit.sql.mssql.fields import MssqlFields
from rayingest.kit.sql.spec import Sql


class MssqlConnection(MssqlFields):
    """How to reach a SQL Server."""

    type: Literal["Mssql"] = Field("Mssql", description="OpenMetadata's service type.")
    username: str | None = Field(
        None,
        description="Login, or `DOMAIN\\account` of Windows; the Kerberos ticket of this process when absent.",
    )
    hostPort: HostPort = Field(
        "localhost:1433",
        description="Host and port (1433 when none is given), or `host\\instance`.",
    )
    encrypt: bool = Field(
        False,
        description="Encrypt all, and verify the server; else the sign-in alone is encrypted.",
    )
    trustServerCertificate: bool = Field(
        False, description="With encrypt: do not verify the server's certificate."
    )
    sslConfig: SslConfig | None = Field(
        None, description="Certificates; with them the connection is encrypted and verified."
    )
    includeSynonyms: Annotated[bool, Unused()] = Field(False, description="Read synonyms.")


CONNECTOR = Sql(
    service_type="Mssql",
    extra="mssql",
    dialect="tsql",
    connection=MssqlConnection,
    facts=MSSQL,
    listing_hides=True,
    capabilities=CAPABILITIES,
    lacks=LACKS,
)
