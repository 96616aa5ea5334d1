"""A file system of fsspec for Google's storage and Azure's, with the config's credentials and none of its caches.

Each is a few lines over the package that fsspec has for it: gcsfs, adlfs. TLS is verified; another authority is
named in SSL_CERT_FILE or REQUESTS_CA_BUNDLE. S3 is asked without them: see `s3`.
"""

from importlib import import_module
from typing import Any

from rayingest.config.connection import AzureCredentials
from rayingest.config.gcp import GcpCredentials
from rayingest.errors import ConfigError, MissingDriver
from rayingest.kit import gcp
from rayingest.kit.aws.session import CONNECT_SECONDS, READ_SECONDS
from rayingest.kit.storage.connection import AzureStorage, GcsStorage, required

READ_ONLY = "https://www.googleapis.com/auth/devstorage.read_only"
# fsspec keeps file systems, and what they listed, for as long as the process lives.
FRESH = {"skip_instance_cache": True, "use_listings_cache": False}


def files(storage: GcsStorage | AzureStorage, timeout: float = READ_SECONDS) -> Any:
    """A file system whose paths begin with the bucket. Nothing is asked yet.

    `timeout` is for one call, in seconds. Raises MissingDriver, ConfigError or Unauthorised.
    """
    if isinstance(storage, GcsStorage):
        return gcs(required(storage.securityConfig, "gcpConfig"), timeout)
    return azure(required(storage.securityConfig, "accountName"), timeout)


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


def _package(module: str, extra: str, name: str) -> Any:
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingDriver(extra, name) from error
