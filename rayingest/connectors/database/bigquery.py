# ruff: noqa: N815 - the attributes are OpenMetadata's field names
"""BigQuery: projects are databases, datasets are schemas; Google's own client, set-based queries.

Listings go over the REST API and cost nothing; details are queries of INFORMATION_SCHEMA, which
Google bills with 10 MB for each view: six for up to 500 tables of one dataset, and as many for
those of a whole region, where the account may read the project; keys are asked for by dataset.
"""

from typing import Annotated, Any, Literal

from pydantic import Field

from rayingest.config.connection import SqlCommon, Unused
from rayingest.config.gcp import GcpCredentials
from rayingest.core.limits import Limit
from rayingest.kit.sql.bigquery.facts import BIGQUERY, CAPABILITIES, LACKS
from rayingest.kit.sql.bigquery.session import API
from rayingest.kit.sql.spec import Sql


class BigQueryConnection(SqlCommon):
    """Which projects of BigQuery to read, and as whom."""

    type: Literal["BigQuery"] = Field("BigQuery", description="OpenMetadata's service type.")
    scheme: Annotated[Literal["bigquery"] | None, Unused()] = Field(
        None, description="SQLAlchemy scheme; Google's client is used whatever it says."
    )
    hostPort: str = Field(
        "bigquery.googleapis.com",
        description="Address of the API; http://… only for an emulator on this machine.",
    )
    billingProjectId: str | None = Field(
        None, description="Project that queries run in and are billed to; the one that is read."
    )
    credentials: GcpCredentials = Field(description="How to sign in to Google Cloud.")
    includePolicyTags: bool = Field(True, description="Read the policy tags of columns.")
    taxonomyProjectID: list[str] | None = Field(
        None,
        description="Projects whose taxonomies `check` tries to see; a policy tag's own name says "
        "where it lies.",
    )
    taxonomyLocation: str | None = Field(
        "us", description="Location of the taxonomies that `check` tries to see."
    )
    usageLocation: Annotated[str | None, Unused()] = Field(
        "us", description="Location of the jobs that usage is read from."
    )
    connectionOptions: Annotated[dict[str, str], Unused()] = Field(
        default_factory=dict, repr=False, description="Parameters of a connection URL's query."
    )
    connectionArguments: Annotated[dict[str, Any], Unused()] = Field(
        default_factory=dict, repr=False, description="Arguments of a driver's connect function."
    )
    costPerTB: Annotated[float | None, Unused()] = Field(
        6.25, description="Price of a TiB that queries read."
    )


CONNECTOR = Sql(
    service_type="BigQuery",
    dialect="bigquery",
    extra="bigquery",
    connection=BigQueryConnection,
    facts=BIGQUERY,
    listing_hides=True,
    limits=(
        Limit(
            name=API,
            rate=100,
            burst=100,
            scope="user and method",
            documented="https://cloud.google.com/bigquery/quotas#api_request_quotas",
        ),
    ),
    capabilities=CAPABILITIES,
    lacks=LACKS,
)
