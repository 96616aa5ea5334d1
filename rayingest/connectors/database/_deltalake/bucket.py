"""Buckets of S3 as a place of tables: every question is one call where a page is enough."""

import io
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO, cast

from rayingest.config.connection import AwsCredentials
from rayingest.connectors.database._deltalake.places import LOG, below, may
from rayingest.core.source import Settings
from rayingest.kit.aws.client import Client

SERVICE = "s3"
LIST = "ListObjectsV2"
BLOCK = 256 * 1024  # of a checkpoint: its end, and the one column that is wanted


class Buckets:
    """S3, under the names of its API."""

    def __init__(self, settings: Settings, aws: AwsCredentials) -> None:
        self._client = Client(settings, SERVICE, aws=aws)

    @property
    def calls(self) -> int:
        """See Client."""
        return self._client.calls

    def buckets(self) -> Sequence[str]:
        """All of the account."""
        pages = self._client.pages("ListBuckets", sent="ContinuationToken", got="ContinuationToken")
        return [each["Name"] for page in pages for each in page.get("Buckets", ())]

    def is_table(self, bucket: str, path: str) -> bool:
        """Whether any object lies in the folder's log."""
        inside = f"{below(path, LOG)}/"
        answer = self._client.ask(LIST, Bucket=bucket, Prefix=inside, MaxKeys=1)
        return bool(answer.get("Contents"))

    def folders(self, bucket: str, path: str) -> Sequence[str]:
        """What S3 calls common prefixes."""
        found = self._listed("CommonPrefixes", Bucket=bucket, Prefix=below(path, ""), Delimiter="/")
        paths = [each["Prefix"].removesuffix("/") for each in found]
        return [each for each in paths if may(each)]

    def names(self, bucket: str, path: str, after: str) -> Sequence[str]:
        """A thousand in a call."""
        inside = f"{path}/"
        start: Mapping[str, Any] = {"StartAfter": inside + after} if after else {}
        found = self._listed("Contents", Bucket=bucket, Prefix=inside, Delimiter="/", **start)
        return [each["Key"].removeprefix(inside) for each in found]

    def read(self, bucket: str, path: str) -> bytes:
        """One call."""
        return cast("bytes", self._client.ask("GetObject", Bucket=bucket, Key=path)["Body"])

    def open(self, bucket: str, path: str) -> BinaryIO:
        """One call for its size, and one for each block."""
        # A HEAD would tell the size, too, but not why it is refused.
        first = self._client.ask("GetObject", Bucket=bucket, Key=path, Range="bytes=0-0")
        size = int(first["ContentRange"].rpartition("/")[2])
        return io.BufferedReader(_Object(self._client, bucket, path, size), BLOCK)

    def address(self, bucket: str, path: str) -> str:
        """A URL of S3."""
        return f"s3://{bucket}/{path}"

    def cancel(self) -> None:
        """See Client."""
        self._client.cancel()

    def close(self) -> None:
        """See Client."""
        self._client.close()

    def _listed(self, key: str, **given: Any) -> Sequence[Mapping[str, Any]]:
        pages = self._client.pages(
            LIST, sent="ContinuationToken", got="NextContinuationToken", **given
        )
        return [each for page in pages for each in page.get(key, ())]


class _Object(io.RawIOBase):
    """One object, by ranges."""

    def __init__(self, client: Client, bucket: str, key: str, size: int) -> None:
        super().__init__()
        self._client, self._where, self._size = client, {"Bucket": bucket, "Key": key}, size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_CUR: self._at, io.SEEK_END: self._size}.get(whence, 0)
        return self._at

    def readinto(self, buffer: Any) -> int:
        end = min(self._at + len(buffer), self._size)
        if end <= self._at:
            return 0
        span = f"bytes={self._at}-{end - 1}"
        got = self._client.ask("GetObject", **self._where, Range=span)["Body"]
        buffer[: len(got)] = got
        self._at += len(got)
        return len(got)
