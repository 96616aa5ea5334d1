"""The log of a run in its run directory, for those who cannot see the process: pieces, as they fill up.

    log/20261122-173725-000001.txt

Object storage cannot append, so each piece is an object of its own. Their names sort by the time that
the process began, and then as they were written.
"""

import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime

from rayingest.errors import StateError
from rayingest.state.store import Store

FOLDER = "log"
PIECE_SECONDS = 10.0
"""How old a line may get before others can read it; a run of an hour writes 360 pieces at most."""
PIECE_BYTES = 256_000


class Logbook:
    """Takes lines from any thread and writes them every few seconds; `close` writes the rest.

    What cannot be written is kept for the next time, and the run goes on: its log is no reason to fail.
    """

    def __init__(
        self, store: Store, *, seconds: float = PIECE_SECONDS, now: datetime | None = None
    ) -> None:
        self._store = store
        self._seconds = seconds
        self._begun = f"{now or datetime.now(UTC):%Y%m%d-%H%M%S}"
        self._lines: list[str] = []
        self._size = 0
        self._number = 0
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._closed = False
        self._thread = threading.Thread(target=self._write_on, name="logbook", daemon=True)
        self._thread.start()

    def add(self, line: str) -> None:
        """Take a line, with its end."""
        with self._lock:
            self._lines.append(line)
            self._size += len(line)
            full = self._size >= PIECE_BYTES
        if full:
            self._wake.set()

    def close(self) -> None:
        """Write what is left."""
        self._closed = True
        self._wake.set()
        self._thread.join()

    def _write_on(self) -> None:
        while not self._closed:
            self._wake.wait(self._seconds)
            self._wake.clear()
            self._write()
        self._write()

    def _write(self) -> None:
        with self._lock:
            lines, self._lines, self._size = self._lines, [], 0
        if not lines:
            return
        self._number += 1
        try:
            name = f"{FOLDER}/{self._begun}-{self._number:06}.txt"
            self._store.put(name, "".join(lines).encode())
        except StateError:
            self._number -= 1
            with self._lock:
                self._lines[:0] = lines
                self._size += sum(map(len, lines))


def pieces(store: Store, after: str = "") -> Iterator[tuple[str, str]]:
    """Names and texts of the pieces that come after one of them. Raises StateError."""
    for name in store.names(FOLDER):
        if name > after:
            with suppress(FileNotFoundError):  # deleted meanwhile
                yield name, store.get(name).decode("utf-8", "replace")
