"""A live session: which store the files are in, and what of it is asked for."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from rayingest.connectors.database._datalake.azure import AzureFiles
from rayingest.connectors.database._datalake.google import GoogleFiles
from rayingest.connectors.database._datalake.listing import File
from rayingest.connectors.database._datalake.local import LocalFiles
from rayingest.connectors.database._datalake.s3 import S3Files
from rayingest.connectors.database._datalake.walk import Known
from rayingest.core.source import Settings
from rayingest.errors import MissingDriver
from rayingest.kit.storage.connection import GcsStorage, LocalStorage, S3Storage, required

DEFAULT = "default"


class Files(Protocol):
    """A store: what is in it, and pieces of that."""

    @property
    def calls(self) -> int:
        """Calls so far."""
        ...

    @property
    def refused(self) -> Sequence[str]:
        """Folders of the last listing that could not be looked into."""
        ...

    def buckets(self) -> Sequence[str]:
        """All there are, or the one that is named."""
        ...

    def files(self, bucket: str, prefix: str, known: Known) -> Iterator[File]:
        """What is in a bucket; where `known` says that the rest of a folder is, that may be left out."""
        ...

    def read(self, bucket: str, key: str, start: int, length: int) -> bytes:
        """A piece of a file."""
        ...

    def size(self, bucket: str, key: str) -> int:
        """How long a file is now."""
        ...

    def location(self, bucket: str, key: str) -> str:
        """Its URL."""
        ...

    def cancel(self) -> None:
        """No call follows."""
        ...

    def close(self) -> None:
        """End its connections."""
        ...


class Session:
    """One store, and what of it is asked for."""

    def __init__(self, files: Files, settings: Settings) -> None:
        self.files = files
        self.database: str = settings.connection.databaseName or DEFAULT
        self.prefix: str = settings.connection.prefix

    @property
    def calls(self) -> int:
        """Calls to the store."""
        return self.files.calls

    def cancel(self) -> None:
        """No call follows."""
        self.files.cancel()

    def close(self) -> None:
        """End its connections."""
        self.files.close()


def connect(settings: Settings, database: str | None) -> Session:
    """A session; nothing is asked yet. Raises MissingDriver, ConfigError or Unauthorised."""
    try:
        import pyarrow as pa  # noqa: F401 - to know now that it is there
    except ImportError as error:
        raise MissingDriver("datalake", "pyarrow") from error
    given = settings.connection
    source, bucket = given.configSource, given.bucketName
    if isinstance(source, LocalStorage):
        return Session(LocalFiles(bucket), settings)
    cold = given.skipColdStorage
    if isinstance(source, S3Storage):
        aws = required(source.securityConfig, "awsRegion")
        return Session(S3Files(settings, aws, bucket, skip_cold=cold), settings)
    if isinstance(source, GcsStorage):
        gcp = required(source.securityConfig, "gcpConfig")
        return Session(GoogleFiles(settings, gcp, bucket, skip_cold=cold), settings)
    azure = required(source.securityConfig, "accountName")
    return Session(AzureFiles(settings, azure, bucket, skip_cold=cold), settings)
