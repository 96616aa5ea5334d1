"""Where runs are kept: a folder, or any URL that fsspec knows, behind a few calls."""

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from rayingest.state.places import Place

CHECK = "Check its path and who may use it"
# What file systems without hard links, or that cannot sync a folder, answer.
_UNKNOWN_CALL = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}


class Store(Protocol):
    """Objects under relative names, seen by all who use the store as soon as they are put.

    A prefix is the name of a folder: `attempts/1` is above `attempts/1/x`, not `attempts/10/x`.
    What goes wrong is a StateError unless a call says otherwise; no text holds a secret of the URL.
    """

    @property
    def url(self) -> str:
        """Where it is, for people."""
        ...

    def put(self, name: str, data: bytes, *, exclusive: bool = False) -> None:
        """Write an object whole. Raises FileExistsError if `exclusive` and there, else StateError.

        Over a network that error may be about one's own object: the first answer was lost, and the
        put was sent again.
        """
        ...

    def get(self, name: str) -> bytes:
        """Read an object. Raises FileNotFoundError or StateError."""
        ...

    def exists(self, name: str) -> bool:
        """Whether there is an object of this name. Raises StateError."""
        ...

    def modified(self, name: str) -> float:
        """When it was put: seconds since the epoch by the store's clock. Raises FileNotFoundError or StateError."""
        ...

    def delete(self, name: str) -> None:
        """Remove an object, if there is one. Raises StateError."""
        ...

    def names(self, prefix: str = "") -> list[str]:
        """Names below a prefix, sorted. Raises StateError."""
        ...

    def times(self, prefix: str = "") -> dict[str, float]:
        """Names below a prefix, sorted, and when each was put, as `modified` says. Raises StateError."""
        ...


class LocalStore:
    """A folder for this user alone; objects appear whole or not at all, and survive a power cut."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._place = Place(str(root), of=OSError, check=CHECK)

    @property
    def url(self) -> str:
        """See Store."""
        return self._place.url

    def put(self, name: str, data: bytes, *, exclusive: bool = False) -> None:
        """See Store."""
        path = self.root / name
        part = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
        taken = False
        with self._place.writing():
            _make(path.parent)
            try:
                _write_through(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), data)
                if exclusive:
                    taken = not _link(part, path)
                else:
                    part.replace(path)
            finally:
                with suppress(OSError):
                    part.unlink(missing_ok=True)
            _sync(path.parent)
        if taken:
            raise self._place.taken(name)

    def get(self, name: str) -> bytes:
        """See Store."""
        with self._place.reading(name):
            return (self.root / name).read_bytes()

    def exists(self, name: str) -> bool:
        """See Store."""
        try:
            self.modified(name)
        except FileNotFoundError:
            return False
        return True

    def modified(self, name: str) -> float:
        """See Store."""
        with self._place.reading(name):
            found = (self.root / name).stat()
        if not stat.S_ISREG(found.st_mode):
            raise self._place.missing(name)
        return found.st_mtime

    def delete(self, name: str) -> None:
        """See Store."""
        with self._place.writing(), suppress(FileNotFoundError, NotADirectoryError):
            (self.root / name).unlink()

    def names(self, prefix: str = "") -> list[str]:
        """See Store."""
        with self._place.reading(prefix):
            return sorted(_names(self.root, prefix))

    def times(self, prefix: str = "") -> dict[str, float]:
        """See Store."""
        found = {}
        for name in self.names(prefix):
            with suppress(FileNotFoundError):  # deleted since
                found[name] = self.modified(name)
        return found


def store(url: str) -> Store:
    """Open a store; `file://` and plain paths are folders. Raises StateError."""
    if "://" not in url or url.startswith("file://"):
        return LocalStore(Path(url.removeprefix("file://")).expanduser().absolute())
    from rayingest.state.remote import RemoteStore

    return RemoteStore(url)


def _names(root: Path, prefix: str) -> Iterator[str]:
    """Names of objects in a folder, without what is being written."""
    for folder, _, files in os.walk(root / prefix, onerror=_unless_missing):
        above = Path(folder).relative_to(root)
        for each in files:
            if not (each.startswith(".") and each.endswith(".part")):
                yield (above / each).as_posix()


def _unless_missing(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        raise error


def _make(folder: Path) -> None:
    """Make a folder, and what is missing above it, for this user alone."""
    if folder.is_dir():
        return
    _make(folder.parent)
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
        _sync(folder.parent)


def _link(part: Path, path: Path) -> bool:
    """Give a file its name; False when the name is taken."""
    try:
        os.link(part, path)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _UNKNOWN_CALL:
            raise
        return _rename(part, path)
    return True


def _rename(part: Path, path: Path) -> bool:
    """The same without hard links: the name is there, empty, for a moment before its content."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        return False
    part.replace(path)
    return True


def _sync(folder: Path) -> None:
    """Make new names in a folder last, where folders can be synced."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except PermissionError:
        return
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in _UNKNOWN_CALL:
            raise
    finally:
        os.close(handle)


def _write_through(handle: int, data: bytes) -> None:
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
