"""Amazon S3, and servers that speak its protocol: pages of a thousand keys, objects, and pieces of them.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from rayingest.config.connection import AwsCredentials
from rayingest.core.limits import Limit
from rayingest.core.source import Settings
from rayingest.errors import Denied, Permanent
from rayingest.kit.aws.client import Client
from rayingest.kit.storage.errors import or_name_one

SERVICE = "s3"
LISTS = "ListObjectsV2"
# S3 takes 5,500 GET and LIST a second for each prefix, and slows down above.
LIMIT = Limit(
    name=SERVICE,
    rate=5500,
    burst=500,
    adaptive=True,
    scope="account",
    documented="https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html",
)


class S3(Client):
    """The buckets that an account may read."""

    restore = "Restore it: an object of an archive cannot be read."

    def __init__(self, settings: Settings, aws: AwsCredentials) -> None:
        super().__init__(settings, SERVICE, aws=aws)

    def buckets(self) -> Sequence[str]:
        """All of the account."""
        try:
            pages = self.pages("ListBuckets", sent="ContinuationToken", got="ContinuationToken")
            return [each["Name"] for page in pages for each in page.get("Buckets", ())]
        except Denied as error:
            raise or_name_one(error) from None

    def listed(self, **given: Any) -> Iterator[Mapping[str, Any]]:
        """All pages of a bucket's objects."""
        return self.pages(LISTS, sent="ContinuationToken", got="NextContinuationToken", **given)

    def whole(self, bucket: str, key: str) -> bytes:
        """An object: one request. Raises Gone."""
        return cast("bytes", self._got(Bucket=bucket, Key=key)["Body"])

    def read(self, bucket: str, key: str, start: int, length: int) -> bytes:
        """A piece of an object: one request. Raises Gone."""
        span = f"bytes={start}-{start + length - 1}"
        return cast("bytes", self._got(Bucket=bucket, Key=key, Range=span)["Body"])

    def size(self, bucket: str, key: str) -> int:
        """How long an object is now. A HEAD would tell it, too, but not why it is refused."""
        answer = self._got(Bucket=bucket, Key=key, Range="bytes=0-0")
        return int(answer["ContentRange"].rpartition("/")[2])

    def location(self, bucket: str, key: str) -> str:
        """The URL of a key."""
        return f"s3://{bucket}/{key}"

    def _got(self, **given: str) -> Mapping[str, Any]:
        try:
            return self.ask("GetObject", **given)
        except Denied as error:
            if str(error).startswith("InvalidObjectState"):
                raise Permanent(str(error), hint=self.restore) from None
            raise
