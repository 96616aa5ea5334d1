"""Objects of S3 as files: listed a thousand keys at a time, without most of what is known already."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rayingest.config.connection import AwsCredentials
from rayingest.connectors.database._datalake.listing import File, newest
from rayingest.connectors.database._datalake.walk import Known
from rayingest.core.source import Settings
from rayingest.kit.storage.s3 import LISTS, S3

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-class-intro.html: these take a restore first,
# or are paid for by what is read.
COLD = {"GLACIER", "DEEP_ARCHIVE", "GLACIER_IR"}


class S3Files(S3):
    """Objects of the buckets that an account has, or of the one that is named."""

    restore = "Restore it, or set skipColdStorage: true."

    def __init__(
        self, settings: Settings, aws: AwsCredentials, bucket: str, *, skip_cold: bool
    ) -> None:
        super().__init__(settings, aws)
        self.refused: list[str] = []
        self._bucket = bucket
        self._skip_cold = skip_cold

    def buckets(self) -> Sequence[str]:
        """The one that is named, which is asked for a key; or all of the account."""
        if not self._bucket:
            return super().buckets()
        self.ask(LISTS, Bucket=self._bucket, MaxKeys=1)
        return (self._bucket,)

    def files(self, bucket: str, prefix: str, known: Known) -> Iterator[File]:
        """All objects, in order, but for what is known when a page ends inside of it.

        It is left by asking for the keys behind it. Of a table with partitions the newest is listed before; only
        where it fills a page, for that takes a few calls.
        """
        start: dict[str, str] | None = {}
        while start is not None:
            pages, start, before = self.listed(Bucket=bucket, Prefix=prefix, **start), None, None
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

    def _newest(self, bucket: str, inside: str) -> Iterator[File]:
        """The files of the last partition: a call for each level of them."""
        while True:
            folders: list[str] = []
            for page in self.listed(Bucket=bucket, Prefix=inside, Delimiter="/"):
                folders += [each["Prefix"] for each in page.get("CommonPrefixes", ())]
                if not folders:
                    yield from self._kept(page)
            if not folders:
                return
            inside = max(folders, key=lambda each: newest(File(each, 0)))

    def _kept(self, page: Mapping[str, Any]) -> Iterator[File]:
        for each in page.get("Contents", ()):
            if not (self._skip_cold and each.get("StorageClass") in COLD):
                yield File(each["Key"], each["Size"])


def _partitioned(inside: str) -> bool:
    """`orders/day=`, and no folder."""
    return bool(inside) and not inside.endswith("/")


def behind(prefix: str) -> str:
    """The first text after all those that begin with `prefix`."""
    return prefix[:-1] + chr(ord(prefix[-1]) + 1)
