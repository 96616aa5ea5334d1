"""Where runs are kept: a folder, or any URL that fsspec knows, behind five calls."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from rayingest.errors import StateError


class Store(Protocol):
    """Immutable objects under relative names."""

    @property
    def url(self) -> str:
        """Where it is, for people."""
        ...

    def put(self, name: str, data: bytes, *, exclusive: bool = False) -> None:
        """Write an object whole. Raises FileExistsError if `exclusive` and there, else StateError."""
        ...

    def get(self, name: str) -> bytes:
        """Read an object. Raises FileNotFoundError or StateError."""
        ...

    def names(self, prefix: str = "") -> list[str]:
        """Names below a prefix, sorted."""
        ...


class LocalStore:
    """A folder; objects appear whole or not at all, and survive a power cut."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def url(self) -> str:
        """See Store."""
        return str(self.root)

    def put(self, name: str, data: bytes, *, exclusive: bool = False) -> None:
        """See Store."""
        path = self.root / name
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if exclusive:
                handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                _write_through(handle, data)
                return
            handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            _write_through(handle, data)
            part.replace(path)
        except FileExistsError:
            raise
        except OSError as error:
            with suppress(OSError):
                part.unlink(missing_ok=True)
            raise _unwritable(self.url, error) from error

    def get(self, name: str) -> bytes:
        """See Store."""
        return (self.root / name).read_bytes()

    def names(self, prefix: str = "") -> list[str]:
        """See Store."""
        base = self.root / prefix
        if not base.is_dir():
            return []
        found = (
            each for each in base.rglob("*") if each.is_file() and not each.name.startswith(".")
        )
        return sorted(str(each.relative_to(self.root)) for each in found)


class RemoteStore:
    """Objects at any fsspec URL (`s3://bucket/prefix`); a put there is atomic by itself."""

    def __init__(self, url: str) -> None:
        try:
            import fsspec

            self._files, self._root = fsspec.core.url_to_fs(url)
        except (ImportError, ValueError) as error:
            raise StateError(
                f"stateUrl {url!r} cannot be opened: {error}",
                hint="Install the fsspec package for that kind of storage, or use a folder.",
            ) from error
        self._url = url.rstrip("/")

    @property
    def url(self) -> str:
        """See Store."""
        return self._url

    def put(self, name: str, data: bytes, *, exclusive: bool = False) -> None:
        """See Store."""
        path = f"{self._root}/{name}"
        if exclusive and self._files.exists(path):
            raise FileExistsError(path)
        try:
            self._files.makedirs(path.rpartition("/")[0], exist_ok=True)
            self._files.pipe_file(path, data)
        except Exception as error:
            raise _unwritable(self.url, error) from error

    def get(self, name: str) -> bytes:
        """See Store."""
        found: Any = self._files.cat_file(f"{self._root}/{name}")
        return bytes(found)

    def names(self, prefix: str = "") -> list[str]:
        """See Store."""
        base = f"{self._root}/{prefix}".rstrip("/")
        if not self._files.exists(base):
            return []
        return sorted(str(each)[len(str(self._root)) + 1 :] for each in self._files.find(base))


def store(url: str) -> Store:
    """Open a store; `file://` and plain paths are folders. Raises StateError."""
    if "://" not in url or url.startswith("file://"):
        return LocalStore(Path(url.removeprefix("file://")).expanduser().absolute())
    return RemoteStore(url)


def _write_through(handle: int, data: bytes) -> None:
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _unwritable(where: str, error: BaseException) -> StateError:
    reason = getattr(error, "strerror", None) or str(error)
    return StateError(
        f"The run directory {where} cannot be written: {reason}.",
        hint="Free some space there, or name another place with --state-url.",
    )
