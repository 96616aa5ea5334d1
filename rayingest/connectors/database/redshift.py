# ruff: noqa: N815 - the attributes are OpenMetadata's field names
"""Amazon Redshift, provisioned and serverless: its own catalogue, read in batches over psycopg 3.

Datashares' databases are not read: `check` names them.
"""

from typing import Annotated, Literal

from pydantic import Field, SecretStr

from rayingest.config.connection import (
    BasicAuth,
    Choice,
    HostPort,
    IamAuth,
    SqlCommon,
    SslConfig,
    SslMode,
    Unused,
)
from rayingest.core.source import Capability
from rayingest.kit.sql.redshift.facts import REDSHIFT
from rayingest.kit.sql.spec import Sql


class RedshiftConnection(SqlCommon):
    """How to reach a cluster or a serverless workgroup."""

    type: Literal["Redshift"] = Field("Redshift", description="OpenMetadata's service type.")
    scheme: Annotated[Literal["redshift+psycopg2"] | None, Unused()] = Field(
        None, description="SQLAlchemy scheme; psycopg 3 is used whatever it says."
    )
    username: str = Field(description="User to connect as; a serverless IAM sign-in makes its own.")
    authType: Annotated[BasicAuth | IamAuth | None, Choice()] = Field(
        None, description="Password, or AWS IAM: one that is lent for each session."
    )
    password: SecretStr | None = Field(
        None, description="Password; older spelling of authType.password."
    )
    hostPort: HostPort = Field(description="Host and port; 5439 when no port is given.")
    database: str = Field(
        description="Database to read, and to start from with ingestAllDatabases."
    )
    ingestAllDatabases: bool = Field(False, description="Read every database of the cluster.")
    # The dialect that OpenMetadata's scheme names verifies when nothing is said.
    sslMode: SslMode = Field(SslMode.VERIFY_FULL, description="Encryption and verification.")
    sslConfig: SslConfig | None = Field(None, description="Certificates.")


CONNECTOR = Sql(
    service_type="Redshift",
    extra="redshift",
    dialect="redshift",
    connection=RedshiftConnection,
    facts=REDSHIFT,
    # What SVV_EXTERNAL_… does not show the user is left out of it without a word.
    listing_hides=True,
    # A cluster's queues have 50 slots, for everybody, and what SVV_… views ask takes one:
    # https://docs.aws.amazon.com/redshift/latest/mgmt/amazon-redshift-limits.html
    max_connections=10,
    capabilities=frozenset(
        {
            Capability.DATABASES,
            Capability.SCHEMAS,
            Capability.TABLES,
            Capability.COLUMNS,
            Capability.KEYS,
            Capability.COMMENTS,
            Capability.VIEWS,
            Capability.PARTITIONS,
            Capability.PROCEDURES,
            Capability.OWNERS,
            Capability.DDL,
        }
    ),
    lacks={
        Capability.TAGS: "Redshift has no tags of tables or columns",
        Capability.INCREMENTAL: "every run reads all: the catalogue does not tell when a table was changed",
    },
)
