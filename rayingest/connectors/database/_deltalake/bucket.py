"""Buckets of S3 as a place of tables: every question is one call where a page is enough."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, BinaryIO, cast

from rayingest.connectors.database._deltalake.places import LOG, below, may
from rayingest.kit.storage.pieces import Seekable
from rayingest.kit.storage.s3 import LISTS, S3


class Buckets(S3):
    """S3, as a `Place`."""

    def is_table(self, bucket: str, path: str) -> bool:
        """Whether any object lies in the folder's log."""
        inside = f"{below(path, LOG)}/"
        return bool(self.ask(LISTS, Bucket=bucket, Prefix=inside, MaxKeys=1).get("Contents"))

    def folders(self, bucket: str, path: str) -> Sequence[str]:
        """What S3 calls common prefixes."""
        pages = self.listed(Bucket=bucket, Prefix=below(path, ""), Delimiter="/")
        found = (each["Prefix"] for page in pages for each in page.get("CommonPrefixes", ()))
        return [path for each in found if may(path := each.removesuffix("/"))]

    def names(self, bucket: str, path: str, after: str) -> Sequence[str]:
        """A thousand in a call."""
        inside = f"{path}/"
        start: Mapping[str, Any] = {"StartAfter": inside + after} if after else {}
        pages = self.listed(Bucket=bucket, Prefix=inside, Delimiter="/", **start)
        found = (each["Key"] for page in pages for each in page.get("Contents", ()))
        return [each.removeprefix(inside) for each in found]

    def open(self, bucket: str, path: str) -> BinaryIO:
        """One call for its size, one for its end, and one for each piece that is wanted."""
        size = self.size(bucket, path)
        return cast("BinaryIO", Seekable(partial(self.read, bucket, path), size))
