# ruff: noqa: N815 - the attributes are OpenMetadata's field names
"""What the connection models of all connectors share: the base, authentication, TLS, addresses."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from rayingest.config.choice import Choice
from rayingest.config.marks import Unused

__all__ = [
    "AwsCredentials",
    "AzureAuth",
    "AzureCredentials",
    "BasicAuth",
    "Choice",
    "ConnectionModel",
    "DashboardCommon",
    "DefaultPattern",
    "FilterPattern",
    "Flag",
    "HostPort",
    "IamAuth",
    "JwtAuth",
    "SqlCommon",
    "SslConfig",
    "SslMode",
    "Unused",
    "host_port",
]

PEM = "-----BEGIN "


class ConnectionModel(BaseModel):
    """Base of what a user writes: OpenMetadata's names, unknown keys refused, values never quoted."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class FilterPattern(ConnectionModel):
    """Regular expressions; matched at the start of the name, without regard to case."""

    includes: list[str] | None = Field(
        default=None, description="Keep only names that match one of these."
    )
    excludes: list[str] | None = Field(
        default=None, description="Drop names that match one of these; wins over includes."
    )


class AwsCredentials(ConnectionModel):
    """How to sign in to AWS."""

    awsRegion: str = Field(description="AWS region.")
    awsAccessKeyId: str | None = Field(default=None, description="Access key id.")
    awsSecretAccessKey: SecretStr | None = Field(default=None, description="Secret access key.")
    awsSessionToken: SecretStr | None = Field(
        default=None, description="Session token of temporary credentials."
    )
    endPointURL: str | None = Field(default=None, description="Another endpoint than AWS's own.")
    profileName: str | None = Field(
        default=None, description="Profile in the AWS configuration files."
    )
    assumeRoleArn: str | None = Field(default=None, description="Role to assume.")
    assumeRoleSessionName: str = Field(
        default="OpenMetadataSession", description="Name of the session with the assumed role."
    )
    assumeRoleSourceIdentity: str | None = Field(
        default=None, description="Source identity of the session with the assumed role."
    )
    enabled: bool = Field(
        default=False,
        description="Use the default credential chain (environment, instance profile).",
    )


class AzureCredentials(ConnectionModel):
    """How to sign in to Azure."""

    clientId: str | None = Field(
        default=None, description="Application (client) id of the service principal."
    )
    clientSecret: SecretStr | None = Field(
        default=None, description="Password of the service principal."
    )
    tenantId: str | None = Field(default=None, description="Tenant id of the subscription.")
    accountName: str | None = Field(default=None, description="Storage account.")
    vaultName: str | None = Field(default=None, description="Key vault.")
    scopes: str | None = Field(default=None, description="Scopes of the access token.")


class BasicAuth(ConnectionModel):
    """User name and password."""

    password: SecretStr | None = Field(default=None, description="Password.")


class JwtAuth(ConnectionModel):
    """A JSON Web Token instead of a password."""

    jwt: SecretStr | None = Field(default=None, description="JSON Web Token.")


class IamAuth(ConnectionModel):
    """A token of AWS IAM as the password."""

    awsConfig: AwsCredentials = Field(description="AWS credentials.")


class AzureAuth(ConnectionModel):
    """A token of Azure Entra ID as the password."""

    azureConfig: AzureCredentials = Field(description="Azure credentials.")


class SslMode(StrEnum):
    """How a database connection is encrypted and verified (libpq's words)."""

    DISABLE = "disable"
    ALLOW = "allow"
    PREFER = "prefer"
    REQUIRE = "require"
    VERIFY_CA = "verify-ca"
    VERIFY_FULL = "verify-full"


class SslConfig(ConnectionModel):
    """Certificates: each the path of a file, or the PEM text itself."""

    caCertificate: SecretStr | None = Field(
        default=None, description="Certificate of the authority that signed the server's."
    )
    sslCertificate: SecretStr | None = Field(
        default=None, description="Certificate to present to the server."
    )
    sslKey: SecretStr | None = Field(default=None, description="Private key of that certificate.")

    def files(self, folder: Path) -> dict[str, Path]:
        """Map each given field to a file; PEM text is written into `folder`, readable by us only."""
        given = {name: getattr(self, name) for name in type(self).model_fields}
        return {
            name: _file(folder / f"{name}.pem", secret.get_secret_value())
            for name, secret in given.items()
            if secret is not None
        }


class DataStorage(ConnectionModel):
    """Where sample data would be stored."""

    bucketName: str = Field(default="", description="Bucket.")
    prefix: str = Field(default="", description="Folder in the bucket.")
    filePathPattern: str | None = Field(default=None, description="Path of a file of sample data.")
    overwriteData: bool = Field(default=True, description="One file, or a new one each day.")
    storageConfig: dict[str, Any] | None = Field(
        default=None, repr=False, description="Credentials of the bucket."
    )


class SampleDataStorage(ConnectionModel):
    """Where sample data would be stored."""

    config: DataStorage | None = Field(
        default=None, description="Where sample data would be stored."
    )


Flag = Annotated[
    bool | None, Unused(), Field(description="A flag of OpenMetadata's user interface.")
]
DefaultPattern = Annotated[
    FilterPattern | None,
    Unused(),
    Field(description="Default of the user interface; the filter that counts is in sourceConfig."),
]


class Supports(ConnectionModel):
    """Flags that OpenMetadata's user interface writes into a connection."""

    supportsMetadataExtraction: Flag = None
    supportsIncrementalMetadataExtraction: Flag = None
    supportsUsageExtraction: Flag = None
    supportsLineageExtraction: Flag = None
    supportsViewLineageExtraction: Flag = None
    supportsDBTExtraction: Flag = None
    supportsProfiler: Flag = None
    supportsStatistics: Flag = None
    supportsDatabase: Flag = None
    supportsQueryComment: Flag = None
    supportsSystemProfile: Flag = None
    supportsDataDiff: Flag = None


class SqlCommon(Supports):
    """What the connection of every SQL database accepts beside its own fields."""

    connectionOptions: dict[str, str] = Field(
        default_factory=dict, repr=False, description="Parameters of the connection URL's query."
    )
    connectionArguments: dict[str, Any] = Field(
        default_factory=dict, repr=False, description="Arguments of the driver's connect function."
    )
    databaseFilterPattern: DefaultPattern = None
    schemaFilterPattern: DefaultPattern = None
    tableFilterPattern: DefaultPattern = None
    storedProcedureFilterPattern: DefaultPattern = None
    sampleDataStorageConfig: Annotated[SampleDataStorage | None, Unused()] = Field(
        default=None, description="Where sample data would be stored."
    )


class DashboardCommon(ConnectionModel):
    """What the connection of nearly every dashboard tool accepts beside its own fields."""

    dashboardFilterPattern: DefaultPattern = None
    chartFilterPattern: DefaultPattern = None
    dataModelFilterPattern: DefaultPattern = None
    projectFilterPattern: DefaultPattern = None
    supportsMetadataExtraction: Flag = None


def host_port(text: str, default_port: int) -> tuple[str, int]:
    """Split `host:port`; IPv6 may stand in brackets, a path is a Unix socket. Raises ValueError."""
    text = text.strip()
    if "://" in text:
        raise ValueError("expected host:port, without a scheme such as 'http://'")
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise ValueError("expected [IPv6 address]:port")
        port = rest[1:]
    elif text.count(":") > 1 and not text.startswith("/"):
        host, port = text, ""
    else:
        host, port = _trailing_port(text)
    if text.endswith(":") and not port and "::" not in text:
        raise ValueError("expected host:port, found no port")
    if not host or any(map(str.isspace, host)):
        raise ValueError("expected host:port, found no host")
    return host, _port(port) if port else default_port


def _trailing_port(text: str) -> tuple[str, str]:
    host, colon, port = text.rpartition(":")
    is_path = text.startswith("/") and not port.isdecimal()
    return (text, "") if not colon or is_path else (host, port)


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise ValueError("expected host:port with a port from 1 to 65535")
    return int(text)


def _address(text: str) -> str:
    host_port(text, 1)
    return text


HostPort = Annotated[str, AfterValidator(_address)]


def _file(path: Path, text: str) -> Path:
    if PEM not in text:
        return Path(text).expanduser()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    return path
