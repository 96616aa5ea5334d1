# ruff: noqa: N815 - the attributes are OpenMetadata's field names
"""Trino: the information schemas of its catalogs and its system tables, read in batches over HTTP.

Nothing has to be installed. Its catalogs are databases. What Iceberg's and most other tables are partitioned
by is read where DDL is wanted, by a statement for each; of Hive's it is always told. Kerberos is not spoken; a
certificate of one's own is connectionOptions.cert and key.
"""

from typing import Annotated, Literal

from pydantic import Field

from rayingest.config.connection import (
    AzureAuth,
    BasicAuth,
    Choice,
    HostPort,
    JwtAuth,
    SqlCommon,
    Unused,
)
from rayingest.core.source import Batching
from rayingest.kit.sql.spec import BATCHING, RELATIONS, Sql
from rayingest.kit.sql.trino.facts import CAPABILITIES, LACKS, TRINO
from rayingest.kit.sql.trino.tables import MOST
from rayingest.model import EntityType


class TrinoConnection(SqlCommon):
    """How to reach a Trino cluster; its catalogs become databases."""

    type: Literal["Trino"] = Field("Trino", description="OpenMetadata's service type.")
    scheme: Annotated[Literal["trino"] | None, Unused()] = Field(
        "trino", description="SQLAlchemy's name of the dialect."
    )
    username: str = Field(
        description="User to ask as, and to sign in as; to ask as another, connectionArguments.user."
    )
    authType: Annotated[BasicAuth | JwtAuth | AzureAuth | Literal["OAuth2"] | None, Choice()] = (
        Field(
            None,
            description="Password, token, or Azure's credentials with scopes. OAuth2 wants a browser, and is refused.",
        )
    )
    hostPort: HostPort = Field(
        description="Host and port of the coordinator; without a port 8080, with TLS 443. TLS is spoken"
        " at 443 and 8443, with authType, and where connectionArguments.http_scheme says https."
    )
    catalog: str | None = Field(
        None, description="Read this catalog only; all but system and jmx when absent."
    )
    databaseSchema: str | None = Field(
        None, description="Read this schema only, in each catalog that has it."
    )
    proxies: dict[str, str] | None = Field(
        None,
        repr=False,
        description="Proxy by scheme, `http` or `https`; else that of the environment.",
    )
    verify: str | None = Field(
        None,
        description="Path of a file with authorities to trust, or `false`: the certificate is not verified.",
    )
    queryHistoryTable: Annotated[str | None, Unused()] = Field(
        '"system"."runtime"."queries"', description="Where queries that were run are read."
    )


CONNECTOR = Sql(
    service_type="Trino",
    dialect="trino",
    connection=TrinoConnection,
    facts=TRINO,
    types=RELATIONS,
    batching=BATCHING | {EntityType.TABLE: Batching(min=50, max=MOST)},
    listing_hides=True,
    capabilities=CAPABILITIES,
    lacks=LACKS,
)
