"""GraphQL over HTTP: what an answer says beside its data, pages by cursor, and fewer at once where one is cut.

A server answers 200 and has `errors` beside `data`: then perhaps not all is there. What each code means
is the connector's to say; with a code that nobody knows something is missing.
https://spec.graphql.org/October2021/#sec-Response-Format,
https://relay.dev/graphql/connections.htm
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeVar

from rayingest.errors import Denied, Gone, Permanent, SourceError, Throttled, Unauthorised
from rayingest.kit.rest.api import Api
from rayingest.kit.rest.pages import inside, listed

Part = TypeVar("Part")
_log = logging.getLogger(__name__)


class Meaning(Enum):
    """What the code of an error means for whoever asked."""

    TOO_MUCH = "the answer is cut: ask for fewer at once"
    THROTTLED = "too many questions: wait"
    DENIED = "the account may not"
    STRANGER = "the log-in is not known any more"
    OFF = "the server does not offer this"
    PARTIAL = "not all is there, and nothing that we do changes it"
    NOTE = "all is there that the account may see"


class TooMuch(Permanent):
    """An answer that was cut, for it would have been too big."""


class Off(Permanent):
    """The server does not offer what was asked for."""


class Partial(Permanent):
    """An answer of which a part is missing."""


@dataclass(frozen=True)
class Reply:
    """The data of an answer, what was said about what is missing in it, and notes."""

    data: Mapping[str, Any]
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def whole(self) -> Mapping[str, Any]:
        """The data. Raises Partial when something is missing."""
        if self.missing:
            raise Partial(f"Not all is there: {'; '.join(self.missing)}")
        return self.data


@dataclass
class GraphQL:
    """Questions of one thread at one path; `codes` are the server's words.

    The name of an operation is the route of its calls. How many at once a server bears is remembered for each.
    """

    api: Api
    path: str
    codes: Mapping[str, Meaning] = field(default_factory=dict)
    _bearable: dict[str, int] = field(default_factory=dict)

    def ask(self, operation: str, query: str, variables: Mapping[str, Any]) -> Reply:
        """One answer, whole or not.

        Raises TooMuch, Throttled, Denied, Unauthorised, Off, Permanent where nothing came, and the
        errors of `http`.
        """
        body = {"operationName": operation, "query": query, "variables": dict(variables)}
        try:
            told = self.api.post(self.path, body, route=operation, judge=self._judge)
        except Gone as error:  # no entity is gone, but the place where questions are asked
            raise Off(f"There is no GraphQL at {self.path}: {error}") from None
        errors = [(self._meaning(each), _said(each)) for each in told.get("errors") or ()]
        notes = tuple(said for meaning, said in errors if meaning is Meaning.NOTE)
        for each in notes:
            _log.info("%s: %s", operation, each)
        missing = tuple(said for meaning, said in errors if meaning is not Meaning.NOTE)
        return Reply(told["data"], missing, notes)

    def pages(
        self,
        operation: str,
        query: str,
        at: str,
        size: int,
        variables: Mapping[str, Any] | None = None,
    ) -> Iterator[Any]:
        """All nodes of the connection at a key; the query takes `$first` and `$after`.

        Raises Partial behind the last node when something is missing, TooMuch when a single one is.
        """
        after: str | None = None
        known: set[str] = set()
        missing: tuple[str, ...] = ()
        while True:
            given = {**(variables or {}), "after": after}
            with self.api.patiently():
                reply = self._fewer(operation, query, given, size)
            connection = inside(reply.data, at)
            missing += reply.missing
            yield from listed(connection, "nodes")
            after = _next(connection, at)
            if after is None:
                break
            if after in known:
                raise Permanent(f"The list goes in circles: the cursor {after!r} came twice.")
            known.add(after)
        Reply({}, tuple(dict.fromkeys(missing))).whole()

    def _fewer(self, operation: str, query: str, given: Mapping[str, Any], size: int) -> Reply:
        def page(first: int) -> Reply:
            return self.ask(operation, query, {**given, "first": first})

        return self._smaller(operation, size, page)

    def batches(
        self,
        operation: str,
        query: str,
        keys: Sequence[str],
        size: int,
        variable: str = "keys",
    ) -> Iterator[tuple[Sequence[str], Reply | SourceError]]:
        """Answers about keys, so many at once as the server bears; the query takes them as `$keys`.

        A key that is too much alone comes with its error; the others do not suffer.
        """
        at = 0
        while at < len(keys):
            some: Sequence[str] = ()

            def about(most: int, at: int = at) -> tuple[Sequence[str], Reply]:
                nonlocal some
                some = keys[at : at + most]
                return some, self.ask(operation, query, {variable: list(some), "first": len(some)})

            try:
                yield self._smaller(operation, min(size, len(keys) - at), about)
            except TooMuch as error:
                yield some, error
            at += len(some)

    def _smaller(self, operation: str, size: int, part: Callable[[int], Part]) -> Part:
        """A part of an answer, half as big each time that one is cut. Raises TooMuch for a single one."""
        most = min(size, self._bearable.get(operation, size))
        while True:
            try:
                return part(most)
            except TooMuch:
                if most == 1:
                    raise
                most //= 2
                self._bearable[operation] = most

    def _judge(self, told: Any) -> None:
        """Raise what an answer of 200 means in truth."""
        if not isinstance(told, Mapping):
            raise Permanent(f"{self.path} answers with something else than a GraphQL response.")
        errors = [(self._meaning(each), _said(each)) for each in told.get("errors") or ()]
        for meaning, error in _ERRORS.items():
            said = "; ".join(dict.fromkeys(said for each, said in errors if each is meaning))
            if said:
                raise error(said)
        if not isinstance(told.get("data"), Mapping):
            said = "; ".join(dict.fromkeys(said for _, said in errors))
            raise Permanent(f"{self.path} answers without data: {said or 'and says no reason'}")

    def _meaning(self, error: Any) -> Meaning:
        return self.codes.get(_code(error), Meaning.PARTIAL)


_ERRORS: Mapping[Meaning, type[SourceError]] = {
    Meaning.STRANGER: Unauthorised,
    Meaning.OFF: Off,
    Meaning.DENIED: Denied,
    Meaning.THROTTLED: Throttled,
    Meaning.TOO_MUCH: TooMuch,
}  # the first that is said decides


def _code(error: Any) -> str:
    """`extensions.code` of an error; some servers have none, and a `type` instead."""
    found = inside(error, "extensions.code") or inside(error, "type")
    return found if isinstance(found, str) else ""


def _said(error: Any) -> str:
    code, message = _code(error), inside(error, "message")
    said = " ".join(str(message).split())[:300] if message else "an error without a message"
    return f"{code}: {said}" if code else said


def _next(connection: Any, at: str) -> str | None:
    """The cursor of the next page. Raises Permanent when there is one, and nothing to ask for it by."""
    page = inside(connection, "pageInfo")
    if not isinstance(page, Mapping) or "hasNextPage" not in page:
        raise Permanent(f"The page of {at} does not say whether there is another one.")
    if not page["hasNextPage"]:
        return None
    if not page.get("endCursor"):
        raise Permanent(f"There are more {at}, but no cursor to ask for them by.")
    return str(page["endCursor"])
