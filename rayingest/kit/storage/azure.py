"""Azure Blob Storage by Azure's own client: pages of five thousand names, and pieces of blobs.

All of it is asked of the Blob service, which answers for accounts with a hierarchical namespace (Data Lake Storage), too;
nothing is asked of theirs, DFS. TLS is verified; another authority is named in REQUESTS_CA_BUNDLE.
https://learn.microsoft.com/azure/storage/blobs/data-lake-storage-multi-protocol-access
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from importlib import import_module
from typing import Any, TypeVar

from rayingest.config.connection import AzureCredentials
from rayingest.core.limits import Limit, Limiter
from rayingest.core.source import Settings
from rayingest.errors import ConfigError, MissingDriver, TimedOut
from rayingest.kit.aws.session import CONNECT_SECONDS
from rayingest.kit.storage.errors import BUCKETS, LIST, READ, classify, masked

A = TypeVar("A")
SERVICE = "abfs"
PAGE = 5000  # https://learn.microsoft.com/rest/api/storageservices/list-blobs: no page is longer
LIMIT = Limit(
    name=SERVICE,
    rate=20000,
    burst=500,
    adaptive=True,
    scope="account",
    documented="https://learn.microsoft.com/azure/storage/common/scalability-targets-standard-account",
)
# The client's own waits begin at a quarter of a minute.
RETRIES: Mapping[str, int] = {
    "initial_backoff": 0,
    "increment_base": 2,
    "random_jitter_range": 1,
    "retry_total": 3,
    "retry_connect": 1,
}
CONNECTION = "AZURE_STORAGE_CONNECTION_STRING"
PRINCIPAL = "Give all three, or none for the identity of the environment."


class Blobs:
    """The containers of an account; a call is a page of a listing, or a piece of a blob."""

    def __init__(self, settings: Settings, azure: AzureCredentials) -> None:
        self.calls = 0
        self._limiter: Limiter = settings.limiter
        self._stopped = False
        self._service = service(azure, settings.call_timeout)

    def close(self) -> None:
        """Close its connections."""
        self._service.close()

    def cancel(self) -> None:
        """No call follows."""
        self._stopped = True

    def containers(self) -> Sequence[str]:
        """All of the account."""
        pages = self._service.list_containers(results_per_page=PAGE).by_page()
        return [each.name for page in self._paged(BUCKETS, pages) for each in page]

    def names(self, container: str, prefix: str, most: int = 0) -> Iterator[Sequence[Any]]:
        """Pages of what begins with `prefix`, up to the next slash: blobs, and names of folders as texts."""
        there = self._service.get_container_client(container)
        found = there.walk_blobs(name_starts_with=prefix or None, results_per_page=most or PAGE)
        for each in self._paged(LIST, found.by_page()):
            yield [one if hasattr(one, "size") else one.name for one in each]

    def read(self, container: str, name: str, start: int, length: int) -> bytes:
        """A piece of a blob: one request. Raises Gone."""
        blob = self._service.get_blob_client(container, name)

        def piece() -> bytes:
            data: bytes = blob.download_blob(offset=start, length=length).readall()
            return data

        return self._asked(READ, piece)

    def size(self, container: str, name: str) -> int:
        """How long a blob is now."""
        blob = self._service.get_blob_client(container, name)
        return int(self._asked(READ, blob.get_blob_properties).size)

    def location(self, container: str, name: str) -> str:
        """The URL of a blob, as fsspec spells it."""
        return f"{SERVICE}://{container}/{name}"

    def _paged(self, doing: str, pages: Any) -> Iterator[Any]:
        yield self._asked(doing, partial(next, pages))
        while pages.continuation_token:
            yield self._asked(doing, partial(next, pages))

    def _asked(self, doing: str, call: Callable[[], A]) -> A:
        if self._stopped:
            raise TimedOut("The call was cancelled")
        self.calls += 1
        with self._limiter.call(SERVICE, doing):
            try:
                return call()
            except Exception as error:
                known = classify(error, doing)
                if known is None:
                    raise
                raise known from None


def service(azure: AzureCredentials, timeout: float) -> Any:
    """A client of the account; nothing is asked yet. Raises ConfigError and MissingDriver."""
    package = _package()
    if not azure.accountName:
        raise ConfigError(
            "securityConfig has no accountName.",
            hint="Name the storage account that is to be read.",
        )
    told = _environment(azure.accountName)
    url = told.get("blobendpoint") or "{}://{}.blob.{}".format(
        told.get("defaultendpointsprotocol", "https"),
        azure.accountName,
        told.get("endpointsuffix", "core.windows.net"),
    )
    try:
        return package.BlobServiceClient(
            url,
            credential=_credential(azure, azure.accountName, told),
            connection_timeout=min(timeout, CONNECT_SECONDS),
            read_timeout=timeout,
            retry_policy=package.ExponentialRetry(**RETRIES),
        )
    except ValueError as error:
        raise ConfigError(
            masked(f"The storage account {azure.accountName!r} cannot be asked: {error}"),
            hint=f"Check accountName and {CONNECTION}.",
        ) from error


def _credential(azure: AzureCredentials, account: str, told: Mapping[str, str]) -> Any:
    """The config's service principal, else the environment's key, signature or identity."""
    identity: Any = import_module("azure.identity")
    secret = azure.clientSecret.get_secret_value() if azure.clientSecret else None
    if secret and azure.clientId and azure.tenantId:
        tries = {name: RETRIES[name] for name in ("retry_total", "retry_connect")}
        return identity.ClientSecretCredential(azure.tenantId, azure.clientId, secret, **tries)
    if secret or (azure.clientId and azure.tenantId):
        raise ConfigError(
            "securityConfig has some of clientId, clientSecret and tenantId.", hint=PRINCIPAL
        )
    if key := told.get("accountkey"):
        return {"account_name": account, "account_key": key}
    if signature := told.get("sharedaccesssignature"):
        credentials: Any = import_module("azure.core.credentials")
        return credentials.AzureSasCredential(signature.removeprefix("?"))
    return identity.DefaultAzureCredential(managed_identity_client_id=azure.clientId)


def _environment(account: str) -> Mapping[str, str]:
    """What the variables that fsspec reads for runs and state say of this account, and not of another."""
    told: dict[str, str] = {}
    if os.environ.get("AZURE_STORAGE_ACCOUNT_NAME", account) == account:
        told["accountkey"] = os.environ.get("AZURE_STORAGE_ACCOUNT_KEY", "")
        told["sharedaccesssignature"] = os.environ.get("AZURE_STORAGE_SAS_TOKEN", "")
    if text := os.environ.get(CONNECTION):
        core: Any = import_module("azure.core.utils")
        try:
            given = core.parse_connection_string(text)
        except ValueError:  # it would be quoted
            raise ConfigError(f"{CONNECTION} is none.", hint="Correct or unset it.") from None
        name = given.get("accountname")
        # One with a signature has no name, but the address begins or ends with it.
        if account in ([name] if name else re.split("[./]+", given.get("blobendpoint", ""))):
            told |= given
    return told


def _package() -> Any:
    try:
        import_module("azure.identity")
        return import_module("azure.storage.blob")
    except ImportError as error:
        raise MissingDriver("adls", "azure-storage-blob") from error
