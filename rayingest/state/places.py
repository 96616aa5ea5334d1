"""A place where runs are kept, as it may be told: what fails there and why, without the secrets of its URL."""

import errno
import re
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from urllib.parse import unquote

from rayingest.errors import StateError

MASK = "***"
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_USER = re.compile(r"(\w://)[^\s'\"/@]*:[^\s'\"@]*@")
_QUERY = re.compile(r"(\w://[^\s'\"?]*)\?[^\s'\"]*")
NO_OBJECT = (FileNotFoundError, IsADirectoryError, NotADirectoryError)


class Place:
    """Turns the errors `of` a place into ours; `url` is for people, `check` says what may be wrong."""

    def __init__(self, url: str, *, of: type[Exception], check: str) -> None:
        self._of = of
        self._check = check
        self._secrets = sorted(_secrets(url), key=len, reverse=True)
        self.url = self.masked(url)

    def masked(self, text: str) -> str:
        """The text with `***` for passwords and for queries of URLs."""
        for each in self._secrets:
            text = text.replace(each, MASK)
        return _QUERY.sub(rf"\1?{MASK}", _USER.sub(rf"\1{MASK}@", text))

    @contextmanager
    def opening(self, install: str) -> Generator[None]:
        """Raises StateError; `install` is the advice when a package is missing."""
        try:
            yield
        except self._of as error:
            is_missing = isinstance(error, ImportError | ValueError)
            advice = install if is_missing else self._check
            raise self._unusable("opened", error, advice) from self._cause(error)

    @contextmanager
    def reading(self, name: str) -> Generator[None]:
        """Raises FileNotFoundError when there is no such object, else StateError."""
        try:
            yield
        except self._of as error:
            if isinstance(error, NO_OBJECT) and not is_bucket_missing(error):
                raise self.missing(name) from None
            raise self._unusable("read", error) from self._cause(error)

    @contextmanager
    def writing(self) -> Generator[None]:
        """Raises StateError."""
        try:
            yield
        except self._of as error:
            raise self._unusable("written", error) from self._cause(error)

    def missing(self, name: str) -> FileNotFoundError:
        """The error for an object that is not there."""
        return FileNotFoundError(errno.ENOENT, "No such object", f"{self.url}/{name}")

    def taken(self, name: str) -> FileExistsError:
        """The error for a name that has an object already."""
        return FileExistsError(errno.EEXIST, "There is such an object", f"{self.url}/{name}")

    def _unusable(self, done: str, error: BaseException, advice: str = "") -> StateError:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        said = " ".join(self.masked(reason).split()).rstrip(".")
        is_full = getattr(error, "errno", None) in _FULL
        advice = advice or ("Free some space there" if is_full else self._check)
        return StateError(
            f"The run directory {self.url} cannot be {done}: {said}.",
            hint=f"{advice}, or name another place with --state-url.",
        )

    def _cause(self, error: BaseException) -> BaseException | None:
        """The error, unless its text may hold a secret of the URL."""
        return None if self._secrets else error


def is_bucket_missing(error: BaseException) -> bool:
    """Whether S3 misses not an object but the bucket of all objects."""
    return answer(error)[0] == "NoSuchBucket"


def answer(error: BaseException) -> tuple[str, int]:
    """Code and HTTP status of the S3 answer that an error comes from; `"", 0` when it has none."""
    at: BaseException | None = error
    while at is not None:
        match getattr(at, "response", None):
            case {
                "Error": {"Code": str(code)},
                "ResponseMetadata": {"HTTPStatusCode": int(status)},
            }:
                return code, status
            case _:
                pass
        at = at.__cause__ or at.__context__
    return "", 0


def _secrets(url: str) -> Iterator[str]:
    """`user:password` of a URL, pieces of it, and the values of its query; also as decoded."""
    address, _, query = url.partition("://")[2].partition("?")
    user = address.rpartition("@")[0]
    found = [each.partition("=")[2] for each in query.split("&")]
    if ":" in user:
        # Where a secret has slashes, errors may tell the piece before one as the name of a bucket.
        found += [user, user.partition("/")[0], *user.split(":", 1), *re.split("[:/]", user)]
    for each in found:
        if len(each) > 3:
            yield from {each, unquote(each)}
