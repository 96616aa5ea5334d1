"""Where tables of Delta lie, and how they are found there without listing any data.

A folder with `_delta_log` in it is a table, and nothing below it is looked at. To ask for that first
costs one call, and spares the list of a table's files.
"""

from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import BinaryIO, Protocol

LOG = "_delta_log"
AT_ONCE = 8  # folders that one listing looks at: each is a call or two of S3
# What Spark passes over, too: https://spark.apache.org/docs/latest/sql-data-sources-generic-options.html
HIDDEN = ("_", ".")


class Place(Protocol):
    """What can be asked about folders; a path has no slash at either end, and '' is the bucket itself."""

    @property
    def calls(self) -> int:
        """Calls so far."""
        ...

    def buckets(self) -> Sequence[str]:
        """All buckets there are."""
        ...

    def is_table(self, bucket: str, path: str) -> bool:
        """Whether the folder has a log."""
        ...

    def folders(self, bucket: str, path: str) -> Sequence[str]:
        """Paths of the folders in a folder, those left out that hold no tables by their name."""
        ...

    def names(self, bucket: str, path: str, after: str) -> Sequence[str]:
        """Names of a folder's files, those after a name, in their order."""
        ...

    def whole(self, bucket: str, path: str) -> bytes:
        """A whole file. Raises Gone."""
        ...

    def open(self, bucket: str, path: str) -> BinaryIO:
        """A file that is read in parts. Raises Gone."""
        ...

    def location(self, bucket: str, path: str) -> str:
        """What everybody calls the folder."""
        ...

    def cancel(self) -> None:
        """Let no call follow."""
        ...

    def close(self) -> None:
        """Close connections."""
        ...


class Log:
    """The log of one table, as `log.Files` wants it."""

    def __init__(self, place: Place, bucket: str, path: str) -> None:
        self._place, self._bucket, self._folder = place, bucket, below(path, LOG)

    def names(self, after: str) -> Sequence[str]:
        """See Place."""
        return self._place.names(self._bucket, self._folder, after)

    def read(self, name: str) -> bytes:
        """See Place."""
        return self._place.whole(self._bucket, below(self._folder, name))

    def open(self, name: str) -> BinaryIO:
        """See Place."""
        return self._place.open(self._bucket, below(self._folder, name))


def tables(place: Place, bucket: str, start: str) -> Generator[str, None, None]:
    """Paths of all tables in a folder and below. Raises at the first folder that may not be read."""

    def look(path: str) -> tuple[bool, Sequence[str]]:
        there = place.is_table(bucket, path)
        return there, () if there else place.folders(bucket, path)

    level = [start]
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="delta") as pool:
        while level:
            further: list[str] = []
            for path, (there, folders) in zip(level, pool.map(look, level), strict=True):
                if there:
                    yield path
                further += folders
            level = further


def named(paths: Sequence[str], bucket: str) -> Mapping[str, str]:
    """Name -> path. A table is called as its folder is; of several, the first in order of their paths is.

    So does OpenMetadata, which passes over the others (its issue 24840); here those have their path as name.
    """
    found: dict[str, str] = {}
    for path in sorted(paths):
        name = path.rpartition("/")[2] or bucket
        found[name if name not in found else path] = path
    return found


def below(path: str, name: str) -> str:
    """The path of what lies in a folder."""
    return f"{path}/{name}" if path else name


def may(path: str) -> bool:
    """Whether a folder may be, or hold, a table by its name."""
    name = path.rpartition("/")[2]
    return bool(name) and not name.startswith(HIDDEN)
