"""A file of which only pieces are asked for, as readers want it that look for their footer themselves."""

import io
from collections.abc import Callable
from dataclasses import dataclass

Read = Callable[[int, int], bytes]
FOOT = 64 * 1024  # what Parquet's readers take as well; most footers are shorter


@dataclass(eq=False)
class Seekable(io.RawIOBase):
    """A file that can be read anywhere: by one request for its end, where footers are, or more for the rest."""

    ask: Read  # for a piece, by where it starts and its length
    size: int
    _place: int = 0
    _start: int = -1
    _kept: bytes = b""

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """The place that is read next."""
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place."""
        self._place = offset + {0: 0, 1: self._place, 2: self.size}[whence]
        return self._place

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill the buffer."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def read(self, size: int | None = -1) -> bytes:
        """The bytes from here on."""
        end = self.size if size is None or size < 0 else min(self._place + size, self.size)
        if end <= self._place:
            return b""
        if self._start < 0:
            self._start = max(0, self.size - FOOT)
            self._kept = self.ask(self._start, self.size - self._start)
        if self._place >= self._start:
            data = self._kept[self._place - self._start : end - self._start]
        else:
            data = self.ask(self._place, end - self._place)
        self._place = end
        return data
