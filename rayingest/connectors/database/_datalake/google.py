"""Objects of Google Cloud Storage, by the file system that fsspec has for it: folder by folder."""

from collections.abc import Iterator, Sequence
from typing import Any

from rayingest.config.gcp import GcpCredentials
from rayingest.connectors.database._datalake.listing import File
from rayingest.connectors.database._datalake.walk import Known, below
from rayingest.core.limits import Limiter
from rayingest.core.source import Settings
from rayingest.errors import ConfigError, Denied, Gone, RayingestError, TimedOut
from rayingest.kit.storage.errors import BUCKETS, LIST, READ, classify, or_name_one
from rayingest.kit.storage.gcs import files

GOOGLE = "gs"
NAMED = "Check bucketName: the name is exact, and belongs to one account."
# https://cloud.google.com/storage/docs/storage-classes
COLD = {"NEARLINE", "COLDLINE", "ARCHIVE"}


class GoogleFiles:
    """Objects of a project's buckets; a call is a listing or a piece.

    fsspec answers a listing when all its pages came: what is counted are folders.
    """

    def __init__(
        self, settings: Settings, gcp: GcpCredentials, bucket: str, *, skip_cold: bool
    ) -> None:
        self.calls = 0
        self.refused: list[str] = []
        self._files = files(gcp, settings.call_timeout)
        self._limiter: Limiter = settings.limiter
        self._bucket = bucket
        self._skip_cold = skip_cold
        self._stopped = False

    def close(self) -> None:
        """Its connections end with it."""

    def cancel(self) -> None:
        """No call follows."""
        self._stopped = True

    def buckets(self) -> Sequence[str]:
        """The one that is named, which is listed; or all that there are."""
        if self._bucket:
            try:
                self._called(LIST, self._files.ls, self._bucket, detail=False)
            except Gone:
                raise ConfigError(f"There is no bucket {self._bucket!r}.", hint=NAMED) from None
            return (self._bucket,)
        try:
            found = self._called(BUCKETS, self._files.ls, "", detail=False)
        except Denied as error:
            raise or_name_one(error) from None
        return sorted(each.strip("/") for each in found)

    def files(self, bucket: str, prefix: str, known: Known) -> Iterator[File]:
        """All objects whose key begins with `prefix`."""
        yield from below("", prefix, lambda folder: self._listed(bucket, folder), known)

    def read(self, bucket: str, key: str, start: int, length: int) -> bytes:
        """A piece of an object."""
        path = f"{bucket}/{key}"
        data: bytes = self._called(
            READ, self._files.cat_file, path, start=start, end=start + length
        )
        return data

    def size(self, bucket: str, key: str) -> int:
        """How long an object is now."""
        return int(self._called(READ, self._files.info, f"{bucket}/{key}")["size"])

    def location(self, bucket: str, key: str) -> str:
        """The URL of a key."""
        return f"{GOOGLE}://{bucket}/{key}"

    def _listed(self, bucket: str, folder: str) -> tuple[list[str], list[File]]:
        found = self._called(LIST, self._files.ls, f"{bucket}/{folder}".rstrip("/"), detail=True)
        folders, given = [], []
        for each in found:
            key = each["name"].removeprefix(f"{bucket}/").rstrip("/")
            if each["type"] == "directory":
                folders.append(key.rpartition("/")[2])
            elif not (self._skip_cold and each.get("storageClass") in COLD):
                given.append(File(key, each["size"] or 0))
        return folders, given

    def _called(self, doing: str, call: Any, *given: Any, **more: Any) -> Any:
        if self._stopped:
            raise TimedOut("The call was cancelled")
        self.calls += 1
        with self._limiter.call(GOOGLE, doing):
            try:
                return call(*given, **more)
            except Exception as error:
                known = classify(error, doing)
                if known is None:
                    raise
                raise _at(known, str(given[0])) from None


def _at(error: RayingestError, path: str) -> RayingestError:
    """Some only say that they may not; of what is said here."""
    if path and path not in str(error):
        error.args = (f"{path}: {error}",)
    return error
