"""One JSON-lines file that is written by upserts and published whole.

`<name>.jsonl` is what was published last; `<name>.jsonl.part` is the journal of upserts since. A
write appends whole lines to the journal and makes them durable before it returns, so whatever was
acknowledged survives a crash; a last line that was cut is dropped when the journal is opened again.
Publishing merges both, the last line of an FQN wins, in the order in which FQNs first appeared, and
puts the result in place by a rename: readers see the old file or the new one, never a piece.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import msgspec


class _Named(msgspec.Struct, rename="camel"):
    fully_qualified_name: str


_named = msgspec.json.Decoder(_Named)


class Journal:
    """The two files of one entity type; one thread at a time."""

    def __init__(self, final: Path) -> None:
        self.final = final
        self.part = final.with_name(f"{final.name}.part")
        self._last: dict[bytes, int] = {}  # digest of an FQN -> offset of its last line
        self._repeats = False
        self._size = 0
        self._descriptor = self._open()

    def append(self, lines: Sequence[tuple[str, bytes]]) -> None:
        """Add (FQN, line) pairs durably, all or none. Raises OSError."""
        start = self._size
        try:
            _write_all(self._descriptor, b"".join([line + b"\n" for _, line in lines]))
            os.fsync(self._descriptor)
        except OSError:
            # A disk that is full takes a piece of the last line: take it back.
            os.ftruncate(self._descriptor, self._size)
            raise
        for fqn, line in lines:
            self._note(fqn, start)
            start += len(line) + 1
        self._size = start

    def publish(self) -> None:
        """Put everything acknowledged in place under the final name. Raises OSError."""
        if not self._repeats and not self.final.exists():
            self.close()
            self.part.replace(self.final)
        else:
            whole = self.final.with_name(f"{self.final.name}.new")
            with whole.open("wb") as out:
                out.writelines(self._merged())
                out.flush()
                os.fsync(out.fileno())
            self.close()
            whole.replace(self.final)
            self.part.unlink(missing_ok=True)
        _sync_folder(self.final.parent)

    def close(self) -> None:
        """Leave both files as they are."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _merged(self) -> Iterator[bytes]:
        """Published lines, replaced where there is a newer one; then what is new."""
        with self.part.open("rb") as part:
            done: set[bytes] = set()
            if self.final.exists():
                with self.final.open("rb") as old:
                    for line in old:
                        key = _key(_fqn_of(line))
                        if key in done:
                            continue
                        done.add(key)
                        newer = self._last.get(key)
                        yield line if newer is None else _line_at(part, newer)
            for key, at in self._last.items():
                if key not in done:
                    yield _line_at(part, at)

    def _open(self) -> int:
        descriptor = os.open(self.part, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        _lock(descriptor, self.part)
        with self.part.open("rb") as left:
            for line in left:
                if not line.endswith(b"\n"):
                    break
                self._note(_fqn_of(line), self._size)
                self._size += len(line)
        os.ftruncate(descriptor, self._size)
        return descriptor

    def _note(self, fqn: str, at: int) -> None:
        key = _key(fqn)
        self._repeats = self._repeats or key in self._last
        self._last[key] = at


def _key(fqn: str) -> bytes:
    return hashlib.blake2b(fqn.encode(errors="surrogatepass"), digest_size=12).digest()


def _fqn_of(line: bytes) -> str:
    return _named.decode(line).fully_qualified_name


def _line_at(file: BinaryIO, at: int) -> bytes:
    file.seek(at)
    return file.readline()


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _lock(descriptor: int, path: Path) -> None:
    try:
        import fcntl
    except ImportError:  # not on this system: two runs into one folder are not noticed there
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise BlockingIOError(f"another run writes {path}") from error


def _sync_folder(folder: Path) -> None:
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
