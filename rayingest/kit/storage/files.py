"""A file system of fsspec for each kind of storage, with the config's credentials and none of its caches.

Each is a few lines over the package that fsspec has for it: s3fs, gcsfs, adlfs. TLS is verified; another
authority is named in AWS_CA_BUNDLE (S3), SSL_CERT_FILE or REQUESTS_CA_BUNDLE.
"""

import asyncio
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any

from rayingest.config.connection import AwsCredentials, AzureCredentials
from rayingest.config.gcp import GcpCredentials
from rayingest.errors import ConfigError, MissingDriver
from rayingest.kit import gcp
from rayingest.kit.aws.session import CONNECT_SECONDS, READ_SECONDS, credentials, endpoint, session
from rayingest.kit.storage.connection import AzureStorage, GcsStorage, S3Storage, Storage

READ_ONLY = "https://www.googleapis.com/auth/devstorage.read_only"
# fsspec keeps file systems, and what they listed, for as long as the process lives.
FRESH = {"skip_instance_cache": True, "use_listings_cache": False}
TRIES = 3


def files(storage: Storage, timeout: float = READ_SECONDS) -> Any:
    """A file system whose paths begin with the bucket. Nothing is asked yet, but for a role of AWS.

    `timeout` is for one call, in seconds. Raises MissingDriver, ConfigError or Unauthorised.
    """
    if isinstance(storage, S3Storage):
        return s3(_given(storage.securityConfig, "awsRegion"), timeout)
    if isinstance(storage, GcsStorage):
        return gcs(_given(storage.securityConfig, "gcpConfig"), timeout)
    if isinstance(storage, AzureStorage):
        return azure(_given(storage.securityConfig, "accountName"), timeout)
    return _package("fsspec.implementations.local", "state", "fsspec").LocalFileSystem(**FRESH)


def s3(aws: AwsCredentials, timeout: float = READ_SECONDS) -> Any:
    """S3; keys of a role are renewed while a run lasts."""
    package = _package("s3fs", "s3", "s3fs")
    found = credentials(session(aws))
    asked: Any = import_module("aiobotocore.session").AioSession()
    asked.register_component("credential_provider", _Lender(found))
    return package.S3FileSystem(
        session=asked,
        endpoint_url=endpoint("s3", aws),
        client_kwargs={"region_name": aws.awsRegion},
        config_kwargs={
            "connect_timeout": min(timeout, CONNECT_SECONDS),
            "read_timeout": min(timeout, READ_SECONDS),
            "retries": {"total_max_attempts": TRIES},
        },
        **FRESH,
    )


def gcs(given: GcpCredentials, timeout: float = READ_SECONDS) -> Any:
    """Google Cloud Storage; tokens may only read."""
    # What `gcsfs` itself names asks by gRPC first what kind of bucket it is, and waits a minute where a proxy
    # lets HTTP through alone.
    package = _package("gcsfs.core", "gcs", "gcsfs")
    found, project = gcp.credentials(given, (READ_ONLY,), "gcs")
    named = next(iter(given.projects), project) or ""  # needed for a list of buckets only
    return package.GCSFileSystem(
        project=named, token=found, access="read_only", timeout=timeout, **FRESH
    )


def azure(given: AzureCredentials, timeout: float = READ_SECONDS) -> Any:
    """Azure; without a client's secret it is the environment's identity, as the machine's own."""
    package = _package("adlfs", "adls", "adlfs")
    if not given.accountName:
        raise ConfigError(
            "azureConfig has no accountName.", hint="Name the storage account that is to be read."
        )
    secret = given.clientSecret.get_secret_value() if given.clientSecret else None
    waits = {"connection_timeout": int(min(timeout, CONNECT_SECONDS)), "read_timeout": int(timeout)}
    if secret and given.clientId and given.tenantId:
        more: dict[str, Any] = {
            "client_id": given.clientId,
            "client_secret": secret,
            "tenant_id": given.tenantId,
        }
    elif secret or (given.clientId and given.tenantId):
        raise ConfigError(
            "azureConfig has some of clientId, clientSecret and tenantId.",
            hint="Give all three, or none for the identity of the environment.",
        )
    else:
        identity: Any = import_module("azure.identity.aio")
        more = {
            "credential": identity.DefaultAzureCredential(
                managed_identity_client_id=given.clientId
            ),
            "anon": False,
        }
    return package.AzureBlobFileSystem(account_name=given.accountName, **more, **waits, **FRESH)


@dataclass(frozen=True, slots=True)
class _Lender:
    """Who is asked by aiobotocore for credentials: those of botocore, which renew themselves."""

    found: Any

    async def load_credentials(self) -> Any:
        made = import_module("aiobotocore.credentials").AioCredentials("", "")
        # To renew them is a call to AWS, which must not stop the others of this loop.
        made.get_frozen_credentials = partial(asyncio.to_thread, self.found.get_frozen_credentials)
        return made


def _given(credentials: Any, key: str) -> Any:
    if credentials is None:
        raise ConfigError(
            "configSource has no securityConfig.", hint=f"Give one, with at least {key}."
        )
    return credentials


def _package(module: str, extra: str, name: str) -> Any:
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingDriver(extra, name) from error
