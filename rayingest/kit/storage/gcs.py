"""A file system of fsspec for Google Cloud Storage, with the config's credentials and none of its caches.

TLS is verified; another authority is named in SSL_CERT_FILE or REQUESTS_CA_BUNDLE. S3 and Azure are asked
without fsspec: see `s3` and `azure`.
"""

from importlib import import_module
from typing import Any

from rayingest.config.gcp import GcpCredentials
from rayingest.errors import MissingDriver
from rayingest.kit import gcp
from rayingest.kit.aws.session import READ_SECONDS

READ_ONLY = "https://www.googleapis.com/auth/devstorage.read_only"
# fsspec keeps file systems, and what they listed, for as long as the process lives.
FRESH = {"skip_instance_cache": True, "use_listings_cache": False}


def files(given: GcpCredentials, timeout: float = READ_SECONDS) -> Any:
    """A file system whose paths begin with the bucket, by tokens that may only read. Nothing is asked yet.

    `timeout` is for one call, in seconds. Raises MissingDriver, ConfigError or Unauthorised.
    """
    try:
        # What `gcsfs` itself names asks by gRPC first what kind of bucket it is, and waits a minute where a proxy
        # lets HTTP through alone.
        package: Any = import_module("gcsfs.core")
    except ImportError as error:
        raise MissingDriver("gcs", "gcsfs") from error
    found, project = gcp.credentials(given, (READ_ONLY,), "gcs")
    named = next(iter(given.projects), project) or ""  # needed for a list of buckets only
    return package.GCSFileSystem(
        project=named, token=found, access="read_only", timeout=timeout, **FRESH
    )
