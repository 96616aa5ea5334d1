"""Runs at any URL that fsspec knows: object stores, and servers that have folders."""

import inspect
from datetime import UTC, datetime
from typing import Any

import stamina

from rayingest.state.places import NO_OBJECT, Place, answer, is_bucket_missing

CHECK = "Check its address, the credentials and their rights"
_S3, _GOOGLE, _AZURE = ("s3", "s3a"), ("gs", "gcs"), ("az", "abfs", "abfss")
# Object stores: names are flat there, and one request lists up to 1,000 names below a prefix.
_FLAT = (*_S3, *_GOOGLE, *_AZURE)
_WRITTEN = ("LastModified", "last_modified", "updated", "mtime", "modified", "created")


class RemoteStore:
    """Objects at an fsspec URL (`s3://bucket/prefix`); see Store.

    In an object store an object appears whole or not at all, and of two exclusive puts one wins. On a
    server with folders, or with an fsspec package too old to put on a condition, an exclusive put looks
    first and then writes: two that come within milliseconds may both win.
    """

    def __init__(self, url: str) -> None:
        protocol = url.partition("://")[0]
        self._place = Place(url.rstrip("/"), of=Exception, check=CHECK)
        with self._place.opening(_install(protocol)):
            import fsspec

            self._files, root = fsspec.core.url_to_fs(url, **_options(protocol))
            known = inspect.signature(self._files.pipe_file).parameters
        condition = _condition(protocol)
        self._condition = condition if condition.keys() <= known.keys() else {}
        self._root = str(root).rstrip("/")
        self._flat = protocol in _FLAT
        self._made: set[str] = set()

    @property
    def url(self) -> str:
        """See Store."""
        return self._place.url

    def put(self, name: str, data: bytes, *, exclusive: bool = False) -> None:
        """See Store."""
        path = f"{self._root}/{name}"
        taken = False
        with self._place.writing():
            if not self._flat:
                self._make(path.rpartition("/")[0])
            if exclusive:
                taken = not self._create(path, data)
            else:
                self._files.pipe_file(path, data)
        if taken:
            raise self._place.taken(name)

    def get(self, name: str) -> bytes:
        """See Store."""
        with self._place.reading(name):
            found: bytes = self._files.cat_file(f"{self._root}/{name}")
        return bytes(found)

    def exists(self, name: str) -> bool:
        """See Store."""
        try:
            self._info(name)
        except FileNotFoundError:
            return False
        return True

    def modified(self, name: str) -> float:
        """See Store."""
        info = self._info(name)
        with self._place.reading(name):
            return _written(info)

    def delete(self, name: str) -> None:
        """See Store."""
        with self._place.writing():
            try:
                self._files.rm_file(f"{self._root}/{name}")
            except NO_OBJECT as error:
                if is_bucket_missing(error):
                    raise

    def names(self, prefix: str = "") -> list[str]:
        """See Store."""
        return sorted(self._find(prefix))

    def times(self, prefix: str = "") -> dict[str, float]:
        """See Store."""
        found = self._find(prefix)
        with self._place.reading(prefix):
            return {name: _written(found[name]) for name in sorted(found)}

    def _make(self, folder: str) -> None:
        if folder not in self._made:
            self._files.makedirs(folder, exist_ok=True)
            self._made.add(folder)

    def _create(self, path: str, data: bytes) -> bool:
        """Write an object unless there is one; False when there is."""
        if not self._condition:
            self._files.invalidate_cache()
            if self._files.exists(path):
                return False
        for attempt in stamina.retry_context(
            on=_is_conflict, attempts=5, wait_initial=0.05, wait_max=1, wait_jitter=0.1
        ):
            with attempt:
                try:
                    self._files.pipe_file(path, data, **self._condition)
                except FileExistsError:
                    return False
                except OSError as error:
                    if answer(error)[1] != 412:
                        raise
                    return False
        return True

    def _info(self, name: str) -> dict[str, Any]:
        with self._place.reading(name):
            self._files.invalidate_cache()
            info: dict[str, Any] = self._files.info(f"{self._root}/{name}")
        if info["type"] != "file":
            raise self._place.missing(name)
        return info

    def _find(self, prefix: str) -> dict[str, dict[str, Any]]:
        """What is known of every object below a prefix, by its name."""
        start = len(self._root) + 1
        base = f"{self._root}/{prefix}".rstrip("/") + "/"
        try:
            with self._place.reading(prefix):
                self._files.invalidate_cache()
                if self._flat:
                    found = self._files.find(self._root, prefix=base[start:], detail=True)
                else:
                    found = self._files.find(base.rstrip("/"), detail=True)
        except FileNotFoundError:
            return {}
        # A key that ends with a slash is what some consoles take for a folder.
        return {
            name[start:]: info
            for name, info in found.items()
            if name.startswith(base) and not name.endswith("/")
        }


def _options(protocol: str) -> dict[str, Any]:
    """Of several readers s3fs would ask for the size first, but segments are small."""
    return {"max_concurrency": 1, "use_listings_cache": False} if protocol in _S3 else {}


def _condition(protocol: str) -> dict[str, Any]:
    """What makes a put fail when there is such an object; fsspec ignores it elsewhere, or may do so."""
    if protocol in _AZURE:
        return {"overwrite": False}
    return {"mode": "create"} if protocol in (*_S3, *_GOOGLE, "memory") else {}


def _install(protocol: str) -> str:
    if protocol in _S3:
        return "Install s3fs (pip install 'rayingest[s3]')"
    return "Install fsspec and its package for that kind of storage"


def _is_conflict(error: Exception) -> bool:
    """Two conditional puts met: S3 says so of one of them, and wants it again."""
    return answer(error)[0] == "ConditionalRequestConflict"


def _written(info: dict[str, Any]) -> float:
    """When an object was written, in seconds since the epoch. Raises NotImplementedError."""
    said = next((info[key] for key in _WRITTEN if info.get(key)), None)
    match datetime.fromisoformat(said) if isinstance(said, str) else said:
        case datetime() as at:
            return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
        case int() | float() as at:
            return float(at)
        case _:
            raise NotImplementedError("this kind of storage does not say when objects were written")
