# ruff: noqa: N815 - the attributes are OpenMetadata's field names
"""`workflowConfig.openMetadataServerConfig`: where the catalogue is, and how to sign in to it."""

from enum import StrEnum
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr

from rayingest.config.choice import Choice
from rayingest.config.connection import ConnectionModel, DefaultPattern, SslConfig
from rayingest.config.marks import Unused

AuthProvider = Literal[
    "basic",
    "azure",
    "google",
    "okta",
    "auth0",
    "aws-cognito",
    "custom-oidc",
    "ldap",
    "saml",
    "openmetadata",
    "no-auth",
]


class VerifySsl(StrEnum):
    """What is done about the server's certificate; https is verified unless it says `ignore`."""

    NO_SSL = "no-ssl"
    IGNORE = "ignore"
    VALIDATE = "validate"


class JwtToken(ConnectionModel):
    """A token, such as the ingestion bot's."""

    jwtToken: SecretStr = Field(description="Token of the bot or user that writes.")


class PasswordLogin(ConnectionModel):
    """An account of the catalogue itself."""

    email: str | None = Field(default=None, description="E-mail address of the account.")
    username: str | None = Field(default=None, description="The same, by another name.")
    password: SecretStr = Field(description="Password of the account.")


class GoogleSso(ConnectionModel):
    """A Google service account."""

    secretKey: SecretStr = Field(description="Key file of the service account, path or content.")
    audience: str = Field(
        default="https://www.googleapis.com/oauth2/v4/token", description="Audience."
    )


class OktaSso(ConnectionModel):
    """An Okta service application."""

    clientId: str = Field(description="Client id.")
    orgURL: str = Field(description="URL of the organisation.")
    privateKey: SecretStr = Field(description="Private key.")
    email: str = Field(description="E-mail address of the service account.")
    scopes: list[str] | None = Field(default=None, description="Scopes.")


class Auth0Sso(ConnectionModel):
    """An Auth0 application."""

    clientId: str = Field(description="Client id.")
    secretKey: SecretStr = Field(description="Client secret.")
    domain: str = Field(description="Domain.")


class AzureSso(ConnectionModel):
    """An Azure Entra ID application."""

    clientSecret: SecretStr = Field(description="Client secret.")
    authority: str = Field(description="Authority URL.")
    clientId: str = Field(description="Client id.")
    scopes: list[str] = Field(description="Scopes.")


class CustomOidcSso(ConnectionModel):
    """An application at another OpenID provider."""

    clientId: str = Field(description="Client id.")
    secretKey: SecretStr = Field(description="Client secret.")
    tokenEndpoint: str = Field(description="URL that gives tokens.")


def _api_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("expected a URL such as http://localhost:8585/api")
    if parts.username or parts.password:
        raise ValueError("expected no user name or password in the URL; sign in by securityConfig")
    return text.rstrip("/")


UnusedFlag = Annotated[bool, Unused(), Field(description="Of OpenMetadata's search index only.")]
SecurityConfig = Annotated[
    JwtToken | PasswordLogin | GoogleSso | OktaSso | Auth0Sso | AzureSso | CustomOidcSso,
    Choice(),
]


class OpenMetadataServer(ConnectionModel):
    """The catalogue: an OpenMetadata server."""

    hostPort: Annotated[str, AfterValidator(_api_url)] = Field(
        description="URL of the server's API.", examples=["http://localhost:8585/api"]
    )
    authProvider: AuthProvider = Field(
        default="basic", description="How the server knows its users.", examples=["openmetadata"]
    )
    securityConfig: SecurityConfig | None = Field(default=None, description="Credentials.")
    verifySSL: VerifySsl = Field(
        default=VerifySsl.NO_SSL,
        description="https is always verified, unless this is `ignore`.",
    )
    sslConfig: SslConfig | None = Field(default=None, description="Certificates for https.")
    apiVersion: str = Field(default="v1", description="Version of the API.")
    extraHeaders: dict[str, SecretStr] = Field(
        default_factory=dict, description="Headers that every request carries."
    )
    storeServiceConnection: bool = Field(
        default=True, description="Store the connection with the service that is created."
    )
    enableVersionValidation: bool = Field(
        default=True, description="Compare versions at the start."
    )
    forceEntityOverwriting: Annotated[bool, Unused()] = Field(
        default=False, description="Overwrite what people have edited in the catalogue."
    )
    type: Literal["OpenMetadata"] = Field(
        default="OpenMetadata", description="Type of the service."
    )
    clusterName: Annotated[str, Unused()] = Field(
        default="openmetadata", description="A name for the server."
    )
    secretsManagerProvider: Annotated[str, Unused()] = Field(
        default="db", description="Where the server keeps the secrets of services."
    )
    secretsManagerLoader: Annotated[str, Unused()] = Field(
        default="noop", description="How clients sign in to the secrets manager."
    )
    includeTopics: UnusedFlag = True
    includeTables: UnusedFlag = True
    includeDashboards: UnusedFlag = True
    includePipelines: UnusedFlag = True
    includeMlModels: UnusedFlag = True
    includeUsers: UnusedFlag = True
    includeTeams: UnusedFlag = True
    includeGlossaryTerms: UnusedFlag = True
    includeTags: UnusedFlag = True
    includePolicy: UnusedFlag = True
    includeMessagingServices: UnusedFlag = True
    includeDatabaseServices: UnusedFlag = True
    includePipelineServices: UnusedFlag = True
    limitRecords: Annotated[int, Unused()] = Field(
        default=1000, description="Of OpenMetadata's search index only."
    )
    elasticsSearch: Annotated[dict[str, Any] | None, Unused()] = Field(
        default=None, repr=False, description="Of OpenMetadata's search index only."
    )
    schemaFilterPattern: DefaultPattern = None
    tableFilterPattern: DefaultPattern = None
    databaseFilterPattern: DefaultPattern = None
    supportsDataInsightExtraction: UnusedFlag = True
    supportsElasticSearchReindexingExtraction: UnusedFlag = True
