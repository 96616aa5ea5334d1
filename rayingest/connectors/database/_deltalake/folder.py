"""A folder of this machine as a place of tables; links to folders are not followed."""

import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from rayingest.connectors.database._deltalake.places import LOG, below, may
from rayingest.errors import Gone, Retryable, TimedOut, Unreachable


class Folder:
    """One folder, which stands for a bucket: its own path is the bucket's name."""

    calls = 0

    def __init__(self, root: str, prefix: str) -> None:
        self._stop = threading.Event()
        self._root = Path(root).expanduser().absolute()
        if not (self._root / prefix).is_dir():
            raise Unreachable(
                f"bucketName: {below(root, prefix)!r} is no folder of this machine.",
                hint="Without a securityConfig, bucketName is a folder: it must be there on every "
                "machine that works. For S3 give a securityConfig, with at least awsRegion.",
            )

    def buckets(self) -> Sequence[str]:
        """There is one, and the config names it."""
        return ()

    def is_table(self, bucket: str, path: str) -> bool:
        """Whether the folder has a log. Raises OSError where that may not be seen."""
        try:
            (self._root / path / LOG).stat()
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def folders(self, bucket: str, path: str) -> Sequence[str]:
        """In the order of their names. Raises OSError, and Retryable for a folder that was there just now."""
        self._go_on()
        try:
            with os.scandir(self._root / path) as entries:
                names = sorted(each.name for each in entries if each.is_dir(follow_symlinks=False))
        except FileNotFoundError as error:  # so does a disk that is not there any more look
            raise Retryable(f"The folder {path} vanished while it was listed.") from error
        return [below(path, name) for name in names if may(name)]

    def names(self, bucket: str, path: str, after: str) -> Sequence[str]:
        """In their order. Raises OSError; of a folder that is gone there are none."""
        self._go_on()
        try:
            return sorted(each.name for each in (self._root / path).iterdir() if each.name > after)
        except FileNotFoundError:
            return ()

    def whole(self, bucket: str, path: str) -> bytes:
        """At once."""
        with self.open(bucket, path) as file:
            return file.read()

    def open(self, bucket: str, path: str) -> BinaryIO:
        """As any file."""
        self._go_on()
        try:
            return (self._root / path).open("rb")
        except FileNotFoundError as error:
            raise Gone(f"There is no file {path}.") from error

    def location(self, bucket: str, path: str) -> str:
        """Its absolute path."""
        return str(self._root / path)

    def cancel(self) -> None:
        """Stop at the next folder or file."""
        self._stop.set()

    def close(self) -> None:
        """Nothing is open."""

    def _go_on(self) -> None:
        if self._stop.is_set():
            raise TimedOut("The listing was cancelled")
