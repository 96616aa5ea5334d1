"""One JSON-lines file that is written by upserts and deletions, and published whole.

`<name>.jsonl` is what was published last; `<name>.jsonl.part` is the journal of upserts since, and of
deletions, which are lines of their own: an FQN and `"deleted":true`. A write appends whole lines to
the journal and makes them durable before it returns, so whatever was acknowledged survives a crash;
a last line that was cut is dropped when the journal is opened again. Publishing merges both, the
last line of an FQN wins, in the order in which FQNs first appeared, and puts the result in place by
a rename: readers see the old file or the new one, never a piece.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import msgspec

PART = ".part"
_DELETED = -1


class _Line(msgspec.Struct, rename="camel", omit_defaults=True):
    fully_qualified_name: str
    deleted: bool = False


_line = msgspec.json.Decoder(_Line)


def live(final: Path) -> Iterator[tuple[str, bytes]]:
    """FQN and line of everything that is published, or waits to be. Raises OSError."""
    part = _part_of(final)
    newest = _Newest()
    if part.exists():
        newest.read(part)
    for line in newest.merged(final, part):
        yield _fqn_of(line), line


class _Newest:
    """Where in a journal the last line of each FQN is."""

    def __init__(self) -> None:
        self.at: dict[bytes, int] = {}  # digest of an FQN -> offset, or _DELETED
        self.is_plain = True  # nothing was written twice, or deleted

    def note(self, fqn: str, at: int) -> None:
        key = _key(fqn)
        self.is_plain = self.is_plain and at != _DELETED and key not in self.at
        self.at[key] = at

    def read(self, part: Path) -> int:
        """Note every whole line; answers how many bytes they have."""
        size = 0
        with part.open("rb") as left:
            for line in left:
                if not line.endswith(b"\n"):
                    break
                told = _line.decode(line)
                self.note(told.fully_qualified_name, _DELETED if told.deleted else size)
                size += len(line)
        return size

    def merged(self, final: Path, part: Path) -> Iterator[bytes]:
        """Published lines, replaced where there is a newer one; then what is new."""
        with part.open("rb") if self.at else BytesIO() as journal:
            done: set[bytes] = set()
            if final.exists():
                with final.open("rb") as old:
                    for line in old:
                        key = _key(_fqn_of(line))
                        if key in done:
                            continue
                        done.add(key)
                        newer = self.at.get(key)
                        if newer != _DELETED:
                            yield line if newer is None else _line_at(journal, newer)
            for key, at in self.at.items():
                if key not in done and at != _DELETED:
                    yield _line_at(journal, at)


class Journal:
    """The two files of one entity type; one thread at a time."""

    def __init__(self, final: Path) -> None:
        self.final = final
        self.part = _part_of(final)
        self._newest = _Newest()
        self._size = 0
        self._descriptor = self._open()

    def append(self, lines: Sequence[tuple[str, bytes]]) -> None:
        """Add (FQN, line) pairs durably, all or none. Raises OSError."""
        start = self._size
        self._write([line for _, line in lines])
        for fqn, line in lines:
            self._newest.note(fqn, start)
            start += len(line) + 1

    def delete(self, fqns: Sequence[str]) -> None:
        """Let FQNs vanish durably, all or none. Raises OSError."""
        self._write([msgspec.json.encode(_Line(fqn, deleted=True)) for fqn in fqns])
        for fqn in fqns:
            self._newest.note(fqn, _DELETED)

    def publish(self) -> None:
        """Put everything acknowledged in place under the final name. Raises OSError."""
        if self._newest.is_plain and not self.final.exists():
            self.close()
            self.part.replace(self.final)
        else:
            whole = self.final.with_name(f"{self.final.name}.new")
            with whole.open("wb") as out:
                out.writelines(self._newest.merged(self.final, self.part))
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

    def _write(self, lines: Sequence[bytes]) -> None:
        data = b"".join([line + b"\n" for line in lines])
        try:
            _write_all(self._descriptor, data)
            os.fsync(self._descriptor)
        except OSError:
            # A disk that is full takes a piece of the last line: take it back.
            os.ftruncate(self._descriptor, self._size)
            raise
        self._size += len(data)

    def _open(self) -> int:
        descriptor = os.open(self.part, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        _lock(descriptor, self.part)
        self._size = self._newest.read(self.part)
        os.ftruncate(descriptor, self._size)
        return descriptor


def _part_of(final: Path) -> Path:
    return final.with_name(final.name + PART)


def _key(fqn: str) -> bytes:
    return hashlib.blake2b(fqn.encode(errors="surrogatepass"), digest_size=12).digest()


def _fqn_of(line: bytes) -> str:
    return _line.decode(line).fully_qualified_name


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
