# ruff: noqa: N815 - the attributes are OpenMetadata's field names
"""ClickHouse, 18.16 and newer: its system tables, read in batches over HTTP or the native protocol.

Over HTTP nothing has to be installed. Newer servers tell more: comments on tables and databases, and
which views want parameters. Its databases are schemas of one database.
"""

from typing import Annotated, Literal

from pydantic import Field, SecretStr

from rayingest.config.connection import HostPort, SqlCommon, Unused
from rayingest.kit.sql.clickhouse.facts import CAPABILITIES, CLICKHOUSE, LACKS
from rayingest.kit.sql.spec import RELATIONS, Sql


class ClickhouseConnection(SqlCommon):
    """How to reach a ClickHouse server; its databases become the schemas of one database."""

    type: Literal["Clickhouse"] = Field("Clickhouse", description="OpenMetadata's service type.")
    scheme: Literal["clickhouse+http", "clickhouse+native"] | None = Field(
        "clickhouse+http",
        description="Over HTTP, or over the native protocol with `rayingest[clickhouse]`.",
    )
    username: str | None = Field(None, description="User to connect as; `default` when absent.")
    password: SecretStr | None = Field(None, description="Password.")
    hostPort: HostPort = Field(
        description="Host and port; without a port 8123, or 9000 for the native protocol, and with"
        " TLS 8443 or 9440."
    )
    databaseName: str | None = Field(
        None, description="What the database is called in the catalogue; `default` when absent."
    )
    databaseSchema: str | None = Field(
        None, description="Read this ClickHouse database only; all but the system's when absent."
    )
    duration: Annotated[int | None, Unused()] = Field(
        None, description="How long a connection is kept."
    )
    https: bool | None = Field(None, description="Use TLS; the same as `secure`.")
    secure: bool | None = Field(None, description="Use TLS; the server's certificate is verified.")
    keyfile: str | None = Field(
        None,
        description="Path of a PEM file with the private key of a certificate to present; it holds the"
        " certificate as well, unless connectionArguments.certfile names that.",
    )


CONNECTOR = Sql(
    service_type="Clickhouse",
    dialect="clickhouse",
    extra="clickhouse",
    connection=ClickhouseConnection,
    facts=CLICKHOUSE,
    types=RELATIONS,
    listing_hides=True,
    capabilities=CAPABILITIES,
    lacks=LACKS,
)
