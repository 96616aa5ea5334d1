# ruff: noqa: N815 - the attributes are OpenMetadata's field names
"""How a connection signs in to Google Cloud: OpenMetadata's `GCPCredentials`, for every connector."""

from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr

from rayingest.config.choice import Choice
from rayingest.config.connection import ConnectionModel
from rayingest.config.marks import Unused

Projects = Annotated[
    str | list[str] | None,
    Field(description="Project to read, or several; that of the credentials when absent."),
]


class GcpValues(ConnectionModel):
    """The key of a service account, spelled out."""

    type: Literal["service_account"] = Field(
        "service_account", description="A service account's key."
    )
    projectId: Projects = None
    privateKeyId: str | None = Field(None, description="Id of the key.")
    privateKey: SecretStr | None = Field(
        None, description="The key, PEM; its line ends may be written as \\n."
    )
    clientEmail: str | None = Field(None, description="E-mail address of the service account.")
    clientId: str | None = Field(None, description="Id of the service account.")
    authUri: Annotated[str, Unused()] = Field(
        "https://accounts.google.com/o/oauth2/auth", description="Where people sign in."
    )
    tokenUri: str = Field(
        "https://oauth2.googleapis.com/token", description="Where the key is exchanged for a token."
    )
    authProviderX509CertUrl: Annotated[str, Unused()] = Field(
        "https://www.googleapis.com/oauth2/v1/certs", description="Google's certificates."
    )
    clientX509CertUrl: Annotated[str | None, Unused()] = Field(
        None, description="The account's certificates."
    )


class GcpPath(ConnectionModel):
    """A file with credentials: a service account's key, or what `gcloud` wrote."""

    type: Literal["gcp_credential_path"] = Field(
        "gcp_credential_path", description="A file with credentials."
    )
    path: str | None = Field(None, description="Path of the file, on every worker.")
    projectId: Projects = None


class GcpExternalAccount(ConnectionModel):
    """Workload identity federation: a token of another provider, exchanged for Google's."""

    type: Literal["external_account"] = Field(
        "external_account", description="Workload identity federation."
    )
    externalType: Annotated[Literal["external_account"], Unused()] = Field(
        "external_account", description="The same again."
    )
    audience: str | None = Field(None, description="Name of the workload identity provider.")
    subjectTokenType: str | None = Field(None, description="Type of the token that is exchanged.")
    tokenURL: str | None = Field(None, description="Where tokens are exchanged.")
    credentialSource: dict[str, Any] = Field(
        default_factory=dict, repr=False, description="Where the other provider's token is found."
    )


class GcpAdc(ConnectionModel):
    """Application default credentials: the environment's, gcloud's, or the machine's own."""

    type: Literal["gcp_adc"] = Field("gcp_adc", description="Application default credentials.")
    projectId: Projects = None


class GcpImpersonation(ConnectionModel):
    """Another service account to act as."""

    impersonateServiceAccount: str | None = Field(
        None, description="E-mail address of the service account to act as."
    )
    lifetime: int = Field(3600, description="Seconds that a token is valid for.")


GcpConfig = GcpValues | GcpPath | GcpExternalAccount | GcpAdc


class GcpCredentials(ConnectionModel):
    """How to sign in to Google Cloud."""

    gcpConfig: Annotated[GcpConfig, Choice()] = Field(description="Where the credentials are.")
    gcpImpersonateServiceAccount: GcpImpersonation | None = Field(
        None, description="Another service account to act as."
    )

    @property
    def projects(self) -> tuple[str, ...]:
        """The projects that are named, in their order."""
        given = getattr(self.gcpConfig, "projectId", None) or ()
        return tuple(dict.fromkeys([given] if isinstance(given, str) else given))
