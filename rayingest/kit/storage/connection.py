# ruff: noqa: N815 - the attributes are OpenMetadata's field names
"""Which storage, and how to sign in to it: OpenMetadata's `s3Config` and its like."""

from typing import TypeVar

from pydantic import Field

from rayingest.config.connection import AwsCredentials, AzureCredentials, ConnectionModel
from rayingest.config.gcp import GcpCredentials
from rayingest.errors import ConfigError

C = TypeVar("C")


class LocalStorage(ConnectionModel):
    """Folders of this machine: there is nothing to say about them."""


class S3Storage(ConnectionModel):
    """Amazon S3, or a server that speaks its protocol."""

    securityConfig: AwsCredentials | None = Field(
        None, description="AWS credentials, region and endpoint."
    )


class GcsStorage(ConnectionModel):
    """Google Cloud Storage."""

    securityConfig: GcpCredentials | None = Field(None, description="Google's credentials.")


class AzureStorage(ConnectionModel):
    """Azure Blob Storage, or Data Lake Storage."""

    securityConfig: AzureCredentials | None = Field(None, description="Azure's credentials.")


def required(credentials: C | None, key: str) -> C:
    """The credentials that a storage cannot do without; `key` is what they have at least. Raises ConfigError."""
    if credentials is None:
        raise ConfigError(
            "configSource has no securityConfig.", hint=f"Give one, with at least {key}."
        )
    return credentials
