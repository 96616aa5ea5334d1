# ruff: noqa: N815 - the attributes are OpenMetadata's field names
"""Power BI through the admin scanner API, as a service principal.

One call lists the workspaces of the tenant; a scan of up to 100 of them is begun, asked after and
fetched (https://learn.microsoft.com/en-us/fabric/governance/metadata-scanning-run). Personal
workspaces and those that are not active are not read. Tables, measures and expressions of datasets are told
when the tenant settings "Enhance admin APIs responses with detailed metadata" and "… with DAX and
mashup expressions" are on. The API tells neither the pages of reports nor how tiles are drawn.
"""

from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr

from rayingest.config.connection import (
    AwsCredentials,
    AzureCredentials,
    Choice,
    ConnectionModel,
    DashboardCommon,
    Unused,
)
from rayingest.connectors.dashboard._powerbi.home import DASHBOARD, MODEL, WORKSPACE
from rayingest.connectors.dashboard._powerbi.source import PowerBISource, check, prepare
from rayingest.core.limits import Limit
from rayingest.core.source import Batching, Capability
from rayingest.kit.custom import Custom

DOCUMENTED = "https://learn.microsoft.com/en-us/rest/api/power-bi/admin/"
HOUR = 3600.0
EXTRACTED = "/tmp/pbitFiles"  # noqa: S108 - OpenMetadata's default


class Bucket(ConnectionModel):
    """Where in a bucket `.pbit` files are."""

    bucketName: str | None = Field(None, description="Bucket.")
    objectPrefix: str | None = Field(None, description="Folder in the bucket.")


class LocalFiles(ConnectionModel):
    """A folder of `.pbit` files."""

    pbitFileConfigType: Literal["local"] = Field("local", description="Where they are.")
    path: str | None = Field(None, description="The folder.")
    pbitFilesExtractDir: str = Field(EXTRACTED, description="Where they would be unzipped.")


class AzureFiles(ConnectionModel):
    """`.pbit` files in Azure."""

    pbitFileConfigType: Literal["azure"] = Field("azure", description="Where they are.")
    securityConfig: AzureCredentials = Field(description="How to sign in.")
    prefixConfig: Bucket | None = Field(None, description="Where in the bucket.")
    pbitFilesExtractDir: str = Field(EXTRACTED, description="Where they would be unzipped.")


class S3Files(ConnectionModel):
    """`.pbit` files in S3."""

    pbitFileConfigType: Literal["s3"] = Field("s3", description="Where they are.")
    securityConfig: AwsCredentials = Field(description="How to sign in.")
    prefixConfig: Bucket | None = Field(None, description="Where in the bucket.")
    pbitFilesExtractDir: str = Field(EXTRACTED, description="Where they would be unzipped.")


class GcsFiles(ConnectionModel):
    """`.pbit` files in Google Cloud Storage."""

    pbitFileConfigType: Literal["gcs"] = Field("gcs", description="Where they are.")
    securityConfig: dict[str, Any] = Field(repr=False, description="How to sign in.")
    prefixConfig: Bucket | None = Field(None, description="Where in the bucket.")
    pbitFilesExtractDir: str = Field(EXTRACTED, description="Where they would be unzipped.")


class PowerBIConnection(DashboardCommon):
    """How to reach Power BI."""

    type: Literal["PowerBI"] = Field("PowerBI", description="OpenMetadata's service type.")
    clientId: str = Field(min_length=1, description="Client id of the service principal.")
    clientSecret: SecretStr = Field(description="Client secret of the service principal.")
    tenantId: str = Field(min_length=1, description="Id of the tenant.")
    apiURL: str = Field(
        "https://api.powerbi.com",
        min_length=1,
        description="URL of the REST API; other clouds differ.",
    )
    authorityURI: str = Field(
        "https://login.microsoftonline.com/", min_length=1, description="URL of the log-in."
    )
    hostPort: str = Field(
        "https://app.powerbi.com",
        min_length=1,
        description="URL that links to Power BI begin with.",
    )
    scope: list[str] = Field(
        default_factory=lambda: ["https://analysis.windows.net/powerbi/api/.default"],
        description="Scopes of the token.",
    )
    pagination_entity_per_page: int = Field(
        100, ge=1, description="Workspaces in one scan; never more than 100."
    )
    useAdminApis: bool = Field(
        True, description="Read through the admin APIs. There is no other way yet."
    )
    displayTableNameFromSource: bool = Field(
        False, description="Show the name of the table behind each table of a dataset."
    )
    pbitFilesSource: Annotated[
        LocalFiles | AzureFiles | GcsFiles | S3Files | None, Choice(), Unused()
    ] = Field(None, description="Where `.pbit` files are.")


def hourly(name: str, calls: int, page: str, *, burst: int, at_once: int | None = None) -> Limit:
    """So many calls in any hour: those that may come at once, and what comes back meanwhile."""
    rate = (calls - burst) / HOUR
    return Limit(
        name=name,
        rate=rate,
        burst=burst,
        max_concurrency=at_once,
        scope="tenant",
        documented=DOCUMENTED + page,
    )


LIMITS = (
    hourly("modified", 30, "workspace-info-get-modified-workspaces", burst=5),
    hourly("groups", 50, "groups-get-groups-as-admin", burst=10),  # and 15 in a minute
    hourly("getInfo", 500, "workspace-info-post-workspace-info", burst=20, at_once=16),
    hourly("scanStatus", 10_000, "workspace-info-get-scan-status", burst=400),
    hourly("scanResult", 500, "workspace-info-get-scan-result", burst=20),
)


CONNECTOR = Custom(
    service_type="PowerBI",
    family="dashboard",
    connection=PowerBIConnection,
    source=PowerBISource,
    prepare=prepare,
    check=check,
    batching={
        WORKSPACE: Batching(100, 100),
        MODEL: Batching(1, 500),
        DASHBOARD: Batching(1, 500),
    },
    listed_by={MODEL: WORKSPACE, DASHBOARD: WORKSPACE},
    max_connections=16,
    listing_hides=False,  # an admin API tells all of the tenant, or refuses
    limits=LIMITS,
    capabilities=frozenset(
        {
            Capability.DASHBOARDS,
            Capability.CHARTS,
            Capability.DATA_MODELS,
            Capability.COLUMNS,
            Capability.PROJECTS,
            Capability.OWNERS,
            Capability.TAGS,
            Capability.LINEAGE,
        }
    ),
    lacks={
        Capability.VIEWS: "Power BI has none",
        Capability.USAGE: "the log of activities is not read",
    },
)
