"""Amazon S3, and servers that speak its protocol: pages of a thousand keys, and pieces of objects.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
"""

from collections.abc import Iterator, Sequence
from typing import Any

from rayingest.config.connection import AwsCredentials
from rayingest.connectors.database._datalake.listing import File, newest
from rayingest.connectors.database._datalake.walk import Known
from rayingest.core.source import Settings
from rayingest.errors import Denied, Permanent
from rayingest.kit.aws.client import Client

SERVICE = "s3"
LISTS = "ListObjectsV2"
ANY_BUCKET = "or name one bucket in bucketName"
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-class-intro.html: these take a restore first,
# or are paid for by what is read.
COLD = {"GLACIER", "DEEP_ARCHIVE", "GLACIER_IR"}
RESTORE = "Restore it, or set skipColdStorage: true."


class S3Files:
    """Objects of the buckets that an account has."""

    def __init__(
        self, settings: Settings, aws: AwsCredentials, bucket: str, *, skip_cold: bool
    ) -> None:
        self.refused: list[str] = []
        self._client = Client(settings, SERVICE, aws=aws)
        self._bucket = bucket
        self._skip_cold = skip_cold

    @property
    def calls(self) -> int:
        """Requests so far."""
        return self._client.calls

    def close(self) -> None:
        """See Client."""
        self._client.close()

    def cancel(self) -> None:
        """See Client."""
        self._client.cancel()

    def buckets(self) -> Sequence[str]:
        """The one that is named, which is asked for a key; or all of the account."""
        if self._bucket:
            self._client.ask(LISTS, Bucket=self._bucket, MaxKeys=1)
            return (self._bucket,)
        try:
            pages = self._client.pages(
                "ListBuckets", sent="ContinuationToken", got="ContinuationToken"
            )
            return [each["Name"] for page in pages for each in page.get("Buckets", ())]
        except Denied as error:
            hint = f"{(error.hint or '').rstrip('.')}, {ANY_BUCKET}."
            raise Denied(str(error), hint=hint) from None

    def files(self, bucket: str, prefix: str, known: Known) -> Iterator[File]:
        """All objects, in order, but for what is known when a page ends inside of it.

        It is left by asking for the keys behind it. Of a table with partitions the newest is listed before; only
        where it fills a page, for that takes a few calls.
        """
        start: dict[str, str] | None = {}
        while start is not None:
            pages, start, before = self._pages(Bucket=bucket, Prefix=prefix, **start), None, None
            for page in pages:
                yield from self._kept(page)
                last = [each["Key"] for each in page.get("Contents", ())[-1:]]
                inside = known(last[0]) if last and page.get("IsTruncated") else None
                if inside is None or (_partitioned(inside) and inside != before):
                    before = inside
                elif prefix.startswith(inside):  # all that is asked for lies inside
                    if not _partitioned(inside):
                        return
                else:
                    if _partitioned(inside):
                        yield from self._newest(bucket, inside)
                    start = {"StartAfter": behind(inside)}
                    break

    def read(self, bucket: str, key: str, start: int, length: int) -> bytes:
        """A piece of an object: one request."""
        data: bytes = self._get(bucket, key, f"bytes={start}-{start + length - 1}")["Body"]
        return data

    def size(self, bucket: str, key: str) -> int:
        """How long an object is now."""
        answer = self._get(bucket, key, "bytes=0-0")
        return int(answer["ContentRange"].rpartition("/")[2])

    def location(self, bucket: str, key: str) -> str:
        """The URL of a key."""
        return f"s3://{bucket}/{key}"

    def _newest(self, bucket: str, inside: str) -> Iterator[File]:
        """The files of the last partition: a call for each level of them."""
        while True:
            folders: list[str] = []
            for page in self._pages(Bucket=bucket, Prefix=inside, Delimiter="/"):
                folders += [each["Prefix"] for each in page.get("CommonPrefixes", ())]
                if not folders:
                    yield from self._kept(page)
            if not folders:
                return
            inside = max(folders, key=lambda each: newest(File(each, 0)))

    def _pages(self, **given: Any) -> Iterator[Any]:
        return self._client.pages(
            LISTS, sent="ContinuationToken", got="NextContinuationToken", **given
        )

    def _kept(self, page: Any) -> Iterator[File]:
        for each in page.get("Contents", ()):
            if not (self._skip_cold and each.get("StorageClass") in COLD):
                yield File(each["Key"], each["Size"])

    def _get(self, bucket: str, key: str, what: str) -> Any:
        try:
            return self._client.ask("GetObject", Bucket=bucket, Key=key, Range=what)
        except Denied as error:
            if str(error).startswith("InvalidObjectState"):
                raise Permanent(str(error), hint=RESTORE) from None
            raise


def _partitioned(inside: str) -> bool:
    """`orders/day=`, and no folder."""
    return bool(inside) and not inside.endswith("/")


def behind(prefix: str) -> str:
    """The first text after all those that begin with `prefix`."""
    return prefix[:-1] + chr(ord(prefix[-1]) + 1)
