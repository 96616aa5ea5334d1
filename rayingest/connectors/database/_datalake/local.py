"""Folders of this machine as a bucket: `bucketName` is the folder's path."""

import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from rayingest.connectors.database._datalake.listing import File
from rayingest.connectors.database._datalake.walk import Known, below
from rayingest.errors import ConfigError, Gone, TimedOut
from rayingest.kit.storage.errors import classify

_log = logging.getLogger(__name__)
FOLDER = "configSource is local: bucketName is the path of a folder on every machine that works."


class LocalFiles:
    """Files below one folder; a call is a folder that is listed, or a piece that is read."""

    def __init__(self, folder: str) -> None:
        self.calls = 0
        self.refused: list[str] = []
        self._folder = folder
        self._stopped = False

    def close(self) -> None:
        """Nothing is open."""

    def cancel(self) -> None:
        """No call follows."""
        self._stopped = True

    def buckets(self) -> Sequence[str]:
        """The folder."""
        if not self._folder:
            raise ConfigError("bucketName is missing.", hint=FOLDER)
        if not Path(self._folder).is_dir():
            raise ConfigError(f"bucketName: there is no folder {self._folder!r} here.", hint=FOLDER)
        return (self._folder,)

    def files(self, bucket: str, prefix: str, known: Known) -> Iterator[File]:
        """All files whose path begins with `prefix`."""
        del self.refused[:]
        yield from below("", prefix, lambda folder: self._listed(Path(bucket), folder), known)

    def read(self, bucket: str, key: str, start: int, length: int) -> bytes:
        """A piece of a file."""
        self._call()
        try:
            with (Path(bucket) / key).open("rb") as file:
                file.seek(start)
                return file.read(length)
        except OSError as error:
            raise classify(error) or error from None

    def size(self, bucket: str, key: str) -> int:
        """How long a file is now."""
        try:
            return (Path(bucket) / key).stat().st_size
        except OSError as error:
            raise classify(error) or error from None

    def location(self, bucket: str, key: str) -> str:
        """Where a key lies."""
        return f"{bucket.rstrip('/')}/{key}"

    def _listed(self, root: Path, folder: str) -> tuple[list[str], list[File]]:
        self._call()
        folders, files = [], []
        try:
            with os.scandir(root / folder) as entries:
                for each in entries:
                    if not _legible(each.name, root / folder):
                        continue
                    # A link to a folder may lead round in a circle; one to a file may be followed.
                    if each.is_dir(follow_symlinks=False):
                        folders.append(each.name)
                    elif each.is_file():
                        files.append(File(folder + each.name, each.stat().st_size))
        except PermissionError:
            self.refused.append(str(root / folder))
        except OSError as error:
            told = classify(error) or error
            if isinstance(told, Gone) and folder:
                return [], []  # it went away meanwhile
            raise told from None
        return folders, files

    def _call(self) -> None:
        if self._stopped:
            raise TimedOut("The listing was cancelled")
        self.calls += 1


def _legible(name: str, folder: Path) -> bool:
    """Whether a name is Unicode; another one could be told to nobody."""
    try:
        name.encode()
    except UnicodeEncodeError:
        _log.warning("%r in %s is left out: its name is not UTF-8", os.fsencode(name), folder)
        return False
    return True
