"""Blobs of Azure as files: listed folder by folder, by pages of five thousand names."""

from collections.abc import Iterator, Sequence

from rayingest.config.connection import AzureCredentials
from rayingest.connectors.database._datalake.listing import File
from rayingest.connectors.database._datalake.walk import Known, below
from rayingest.core.source import Settings
from rayingest.errors import Denied, Permanent
from rayingest.kit.storage.azure import Blobs
from rayingest.kit.storage.errors import or_name_one

# https://learn.microsoft.com/azure/storage/blobs/access-tiers-overview: what is archived cannot be read, and these
# are paid for by what is read.
COLD = {"Cool", "Cold", "Archive"}


class AzureFiles(Blobs):
    """Blobs of the containers that an account has, or of the one that is named."""

    def __init__(
        self, settings: Settings, azure: AzureCredentials, bucket: str, *, skip_cold: bool
    ) -> None:
        super().__init__(settings, azure)
        self.refused: list[str] = []
        self._bucket = bucket
        self._skip_cold = skip_cold

    def buckets(self) -> Sequence[str]:
        """The one that is named, which is asked for a name; or all of the account."""
        if self._bucket:
            next(self.names(self._bucket, "", 1))
            return (self._bucket,)
        try:
            return self.containers()
        except Denied as error:
            raise or_name_one(error) from None

    def files(self, bucket: str, prefix: str, known: Known) -> Iterator[File]:
        """All blobs whose name begins with `prefix`."""
        folder = prefix[: prefix.rfind("/") + 1]
        yield from below(folder, prefix, lambda each: self._listed(bucket, each, prefix), known)

    def read(self, container: str, name: str, start: int, length: int) -> bytes:
        """A piece of a blob: one request. Raises Gone."""
        try:
            return super().read(container, name, start, length)
        except Permanent as error:
            if not str(error).startswith("BlobArchived"):
                raise
            hint = "Rehydrate it, or set skipColdStorage: true."
            raise Permanent(str(error), hint=hint) from None

    def _listed(self, bucket: str, folder: str, prefix: str) -> tuple[list[str], list[File]]:
        folders: list[str] = []
        found: list[File] = []
        begins = prefix if prefix.startswith(folder) else folder
        for page in self.names(bucket, begins):
            for each in page:
                if isinstance(each, str):
                    folders.append(each.removeprefix(folder).removesuffix("/"))
                elif not (self._skip_cold and each.blob_tier in COLD):
                    found.append(File(each.name, each.size))
        return folders, found
