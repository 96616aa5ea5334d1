# ruff: noqa: N815 - the attributes are OpenMetadata's field names
"""How to reach a Databricks workspace, and as whom.

Tokens of service principals: https://docs.databricks.com/aws/en/dev-tools/auth/oauth-m2m,
https://learn.microsoft.com/en-us/azure/databricks/dev-tools/service-prin-aad-token
"""

import re
from typing import Annotated
from urllib.parse import quote, urlsplit

from pydantic import Field, SecretStr, field_validator

from rayingest.config.connection import Choice, ConnectionModel, SqlCommon, Unused
from rayingest.core.source import Settings
from rayingest.errors import ConfigError
from rayingest.kit.rest.api import Api, address
from rayingest.kit.rest.auth import Auth, ClientCredentials, Fixed, bearer
from rayingest.kit.rest.http import Http

# The application that every Azure Databricks workspace is, in each of Azure's clouds.
AZURE_DATABRICKS = "2ff814a6-3304-4ab8-85cb-cd0e6f879c1d"
AZURE_LOG_INS = {
    ".azure.us": "https://login.microsoftonline.us",
    ".azure.cn": "https://login.chinacloudapi.cn",
}
AZURE_LOG_IN = "https://login.microsoftonline.com"
USE_A_WAREHOUSE = "Write the HTTP path of a SQL warehouse, /sql/1.0/warehouses/…, into httpPath."
HIVE = "hive_metastore"
LEGACY = (
    "The catalog hive_metastore is not part of Unity Catalog: its tables are not read. "
    "They can be, once the metastore is federated as a foreign catalog."
)
_WAREHOUSE = re.compile(r"(?:^|/)sql/1\.0/(?:warehouses|endpoints)/([^/?\s]+)")


class PersonalAccessToken(ConnectionModel):
    """A token that a user has made for itself."""

    token: SecretStr = Field(description="Personal access token.")


class DatabricksOAuth(ConnectionModel):
    """A service principal with a secret of Databricks'."""

    clientId: str = Field(description="Application id of the service principal.")
    clientSecret: SecretStr = Field(description="OAuth secret of the service principal.")


class AzureAdSetup(ConnectionModel):
    """A service principal of Azure Entra ID, for Azure Databricks."""

    azureClientId: str = Field(description="Application (client) id of the service principal.")
    azureClientSecret: SecretStr = Field(description="Client secret of the service principal.")
    azureTenantId: str = Field(description="Tenant that the service principal is registered in.")


class WorkspaceConnection(SqlCommon):
    """What both services of OpenMetadata have in common."""

    scheme: Annotated[str | None, Unused()] = Field(
        None, description="SQLAlchemy scheme; the REST API is asked whatever it says."
    )
    hostPort: str = Field(description="Workspace: `adb-1.2.azuredatabricks.net:443`, or its URL.")
    authType: Annotated[PersonalAccessToken | DatabricksOAuth | AzureAdSetup, Choice()] = Field(
        description="A personal access token, or a service principal of Databricks or of Azure."
    )
    httpPath: str | None = Field(
        None,
        description="`/sql/1.0/warehouses/…`: the SQL warehouse that keys, tags and recorded "
        "lineage are read by; they are left out when no warehouse is named.",
    )
    catalog: str | None = Field(None, description="Read this catalog only; all when absent.")
    databaseSchema: str | None = Field(
        None, description="Read schemas of this name only; all when absent."
    )
    connectionTimeout: Annotated[int | None, Unused()] = Field(
        None, description="Seconds to wait for a connection; it is 15 whatever this says."
    )
    connectionOptions: Annotated[dict[str, str] | None, Unused()] = Field(  # type: ignore[assignment]
        None, repr=False, description="Parameters of a SQLAlchemy URL, of which there is none."
    )
    connectionArguments: Annotated[dict[str, object] | None, Unused()] = Field(  # type: ignore[assignment]
        None, repr=False, description="Arguments of a SQL driver, of which there is none."
    )

    @field_validator("hostPort")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        host = urlsplit(address(value)).hostname or ""
        if host in ("", "http", "https") or any(map(str.isspace, value.strip())):
            raise ValueError("expected the workspace's host:port, or its URL")
        return value

    @property
    def url(self) -> str:
        """The workspace's URL, without a path."""
        parts = urlsplit(address(self.hostPort))
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def warehouse(self) -> str | None:
        """Id of the SQL warehouse of `httpPath`; None for a cluster, which takes no statements over REST."""
        found = _WAREHOUSE.search(self.httpPath or "")
        return found[1] if found else None


def connect(settings: Settings) -> Api:
    """A session with the workspace; nobody is asked yet. Raises ConfigError."""
    config: WorkspaceConnection = settings.connection
    if (config.catalog or "").lower() == HIVE:
        raise ConfigError(LEGACY, hint="Name another catalog, or leave `catalog` out.")
    auth, secret = _auth(config)
    http = Http(
        timeout=settings.call_timeout,
        limiter=settings.limiter,
        hidden=(secret,),
        stranger=_stranger,
    )
    return Api(config.url, http, auth)


def _stranger(status: int, said: str) -> bool:
    """Databricks refuses a token that it does not know like an access that is not granted."""
    return status == 403 and "access token" in said.lower()


def _auth(config: WorkspaceConnection) -> tuple[Auth, str]:
    match config.authType:
        case PersonalAccessToken(token=token):
            given = bearer(token.get_secret_value())
            hint = "Check authType.token: it may be mistyped, revoked or expired."
            return Fixed(given.given, hint), token.get_secret_value()
        case DatabricksOAuth(clientId=name, clientSecret=secret):
            return (
                ClientCredentials(
                    f"{config.url}/oidc/v1/token",
                    name,
                    secret.get_secret_value(),
                    scope="all-apis",
                    hint="Check authType.clientId and clientSecret, and whether the service "
                    "principal is assigned to the workspace.",
                ),
                secret.get_secret_value(),
            )
        case AzureAdSetup(azureClientId=name, azureClientSecret=secret, azureTenantId=tenant):
            return (
                ClientCredentials(
                    f"{_azure(config.url)}/{quote(tenant, safe='')}/oauth2/v2.0/token",
                    name,
                    secret.get_secret_value(),
                    scope=f"{AZURE_DATABRICKS}/.default",
                    in_body=True,
                    hint="Check azureClientId, azureClientSecret and azureTenantId of authType, "
                    "and whether the service principal is assigned to the workspace.",
                ),
                secret.get_secret_value(),
            )


def _azure(url: str) -> str:
    """Where one logs in to the cloud of Azure that the workspace is in."""
    host = urlsplit(url).hostname or ""
    return next((each for end, each in AZURE_LOG_INS.items() if host.endswith(end)), AZURE_LOG_IN)
