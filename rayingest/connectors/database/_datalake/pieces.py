"""A file of which only some pieces are read: its first bytes, its last, and what those lead to."""

from dataclasses import dataclass

from rayingest.kit.storage.pieces import Read, Seekable

HEADS = (64 * 1024, 1024 * 1024, 8 * 1024 * 1024)


class Malformed(Exception):
    """The file is not what its name says."""


class TooShort(Exception):
    """What is looked for goes on behind the bytes that were read."""


@dataclass(slots=True)
class Pieces:
    """`read(start, length)` asks the store for a piece."""

    read: Read
    size: int

    def head(self, length: int) -> bytes:
        """The first bytes."""
        return self.read(0, min(length, self.size)) if self.size else b""

    def file(self) -> Seekable:
        """The whole, for readers that look for their pieces themselves."""
        return Seekable(self.read, self.size)
