# ruff: noqa: N815 - the attributes are OpenMetadata's field names
"""Presto (prestodb): what Trino grew out of, with headers of another name and fewer system tables.

Nothing has to be installed. Comments on tables, and what tables other than Hive's are partitioned by, are read
where DDL is wanted, by a statement for each table: no system table has them.
"""

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field, SecretStr

from rayingest.config.connection import HostPort, SqlCommon, Unused
from rayingest.connectors.database import trino


class PrestoConnection(SqlCommon):
    """How to reach a Presto cluster; its catalogs become databases."""

    type: Literal["Presto"] = Field("Presto", description="OpenMetadata's service type.")
    scheme: Annotated[Literal["presto"] | None, Unused()] = Field(
        "presto", description="SQLAlchemy's name of the dialect."
    )
    username: str = Field(
        description="User to ask as, and to sign in as; to ask as another, connectionArguments.user."
    )
    password: SecretStr | None = Field(None, description="Password.")
    hostPort: HostPort = Field(
        description="Host and port of the coordinator; without a port 8080, with TLS 443."
    )
    databaseSchema: str | None = Field(
        None, description="Read this schema only, in each catalog that has it."
    )
    catalog: str | None = Field(
        None, description="Read this catalog only; all but system and jmx when absent."
    )
    protocol: str | None = Field(
        None,
        description="`http` or `https`; when absent https at 443 and 8443, and with a password.",
    )
    verify: str | None = Field(
        None,
        description="Path of a file with authorities to trust, or `false`: the certificate is not verified.",
    )


CONNECTOR = replace(
    trino.CONNECTOR,
    service_type="Presto",
    dialect="presto",
    connection=PrestoConnection,
)
