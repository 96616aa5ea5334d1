"""Lists that come in pages, read so that what moves meanwhile is not lost.

A list that is cut by position moves when something before the cut is deleted: what follows comes one
place nearer, and the next page begins one too late. `overlapping` and `numbered` see that, and go
back. What is added meanwhile may be seen twice, and is told once.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from rayingest.errors import Permanent, Retryable

Item = TypeVar("Item")
MOVES = 20  # times that a list may move while it is read


class Restless(Retryable):
    """A list that moved each time it was read."""


class Cut(Permanent):
    """A list of which the server tells no more; raised behind its last item."""


def overlapping(
    page: Callable[[int, int], Sequence[Item]],
    size: int,
    identity: Callable[[Item], str],
    *,
    exact: bool = False,
) -> Iterator[Item]:
    """All items by offset; `page` takes an offset and how many. Raises Restless.

    Pages overlap by one item. One that does not begin with what was seen came too late: it is asked
    for again, from further ahead. A first page that is short may be all that the server gives at once,
    so the rest is asked for in pages of that size; not so when it is `exact`: then it is the last.
    """
    seen: set[str] = set()
    offset = moves = 0
    while True:
        found = page(offset, size)
        if offset and (not found or identity(found[0]) not in seen):
            moves = _moved(moves)
            offset = max(0, offset - max(1, size // 2))
            continue
        if not seen and not exact and 2 <= len(found) < size:
            size = len(found)  # perhaps the server gives no more at once
        yield from _once(found, seen, identity)
        if len(found) < size:
            return
        offset += len(found) - 1


def numbered(
    page: Callable[[int, int], tuple[Sequence[Item], int | None]],
    size: int,
    identity: Callable[[Item], str],
    *,
    first: int = 1,
    exact: bool = False,
) -> Iterator[Item]:
    """All items by number of page; `page` takes a number and how many, and may tell the total.

    After each page but the first, the item before it is asked for alone, as a page of one: when it is
    not the one that was seen there, the list has moved, and is read again from the page before.
    A first page that is short may be all that the server gives at once, so the rest is asked for in pages
    of that size; not so when it is `exact`. Where the total is told, the list ends there, not with a page that
    is short: some servers count an item twice and leave the second out. Raises Restless.
    """
    seen: set[str] = set()
    at = moves = 0  # pages before this one
    last = ""

    def before(at: int) -> str:
        """The item before a page."""
        found, _ = page(first + at * size - 1, 1)
        return identity(found[0]) if found else ""

    while True:
        found, total = page(first + at, size)
        if not at and not exact and 0 < len(found) < size and (total or size) > len(found):
            size = len(found)  # perhaps the server gives no more at once
        if at and before(at) != last:
            moves, at = _moved(moves), at - 1
            while at and (last := before(at)) not in seen:
                at -= 1
            continue
        yield from _once(found, seen, identity)
        if not found or (len(found) < size if total is None else (at + 1) * size >= total):
            return
        at, last = at + 1, identity(found[-1])


def _once(found: Sequence[Item], seen: set[str], identity: Callable[[Item], str]) -> Iterator[Item]:
    for each in found:
        if identity(each) not in seen:
            seen.add(identity(each))
            yield each


def _moved(moves: int) -> int:
    if moves == MOVES:
        raise Restless("The list changes faster than it can be read.")
    return moves + 1


# --- as connectors name them ---


@dataclass(frozen=True)
class Told:
    """One answer of a listing: its body, and the next page by the Link header."""

    body: Any
    next_url: str = ""


Ask = Callable[[Mapping[str, str], str], Told]


class Pager(Protocol):
    """How a listing's pages are asked for, and where its items stand in them."""

    def items(self, ask: Ask) -> Iterator[Any]:
        """All items. `ask` takes parameters, and a URL instead of the listing's own or ''."""
        ...


@dataclass(frozen=True)
class Whole:
    """All at once; `inside` is the key that has the list, '' when the answer is one.

    A server that never tells more than `most` has cut a list that is just so long.
    """

    inside: str = ""
    most: int = 0

    def items(self, ask: Ask) -> Iterator[Any]:
        """See Pager. Raises Cut."""
        found = listed(ask({}, "").body, self.inside)
        yield from found
        if self.most and len(found) == self.most:
            raise Cut(f"The server lists {self.most} at most, and has perhaps more.")


@dataclass(frozen=True)
class Offsets:
    """By offset; `identity` is the key of an item that no other has."""

    inside: str = ""
    size: int = 100
    offset: str = "offset"
    limit: str = "limit"
    identity: str = "id"
    exact: bool = False

    def items(self, ask: Ask) -> Iterator[Any]:
        """See Pager."""

        def page(offset: int, size: int) -> Sequence[Any]:
            told = ask({self.offset: str(offset), self.limit: str(size)}, "")
            return listed(told.body, self.inside)

        name = self.identity
        return overlapping(page, self.size, lambda each: str(each[name]), exact=self.exact)


@dataclass(frozen=True)
class Numbers:
    """By number of page; `total` is the key that says how many there are, '' when none does."""

    inside: str = ""
    size: int = 100
    page: str = "page"
    limit: str = "page_size"
    total: str = ""
    identity: str = "id"
    first: int = 1
    exact: bool = False

    def items(self, ask: Ask) -> Iterator[Any]:
        """See Pager."""

        def page(number: int, size: int) -> tuple[Sequence[Any], int | None]:
            try:
                body = ask({self.page: str(number), self.limit: str(size)}, "").body
            except Permanent as error:
                if number == self.first:
                    raise
                # Some servers refuse a page behind the end, which was not there when we set out.
                raise Restless(f"Page {number} is refused: {error}") from None
            total = inside(body, self.total) if self.total else None
            return listed(body, self.inside), int(total) if total is not None else None

        name = self.identity
        return numbered(
            page, self.size, lambda each: str(each[name]), first=self.first, exact=self.exact
        )


@dataclass(frozen=True)
class Cursor:
    """By a token that each page has for the next: `next` is its key, `cursor` the parameter.

    `bare`: a page without items lacks the list, too, and has nothing but perhaps a token.
    """

    inside: str = ""
    next: str = "next"
    cursor: str = "cursor"
    size: int = 100
    limit: str = "limit"
    bare: bool = False

    def items(self, ask: Ask) -> Iterator[Any]:
        """See Pager. Raises Permanent when a token comes twice."""
        known: set[str] = set()
        token: Any = None
        while True:
            given = {self.limit: str(self.size)} | ({self.cursor: str(token)} if token else {})
            body = ask(given, "").body
            if not (self.bare and isinstance(body, Mapping) and body.keys() <= {self.next}):
                yield from listed(body, self.inside)
            token = inside(body, self.next)
            if not token:
                return
            if str(token) in known:
                raise Permanent(f"The list goes in circles: {self.next} {token!r} came twice.")
            known.add(str(token))


@dataclass(frozen=True)
class Links:
    """By the URL that each page has for the next: in its Link header, or at the key `next`."""

    inside: str = ""
    next: str = ""
    size: int = 100
    limit: str = "per_page"

    def items(self, ask: Ask) -> Iterator[Any]:
        """See Pager. Raises Permanent when a URL comes twice."""
        known: set[str] = set()
        url = ""
        while True:
            told = ask({} if url else {self.limit: str(self.size)}, url)
            yield from listed(told.body, self.inside)
            url = str(inside(told.body, self.next) or "") if self.next else told.next_url
            if not url:
                return
            if url in known:
                raise Permanent(f"The list goes in circles: the page {url} came twice.")
            known.add(url)


def inside(body: Any, key: str) -> Any:
    """What stands at a key, `meta.next` goes deeper; None when nothing does."""
    for part in key.split(".") if key else ():
        body = body.get(part) if isinstance(body, Mapping) else None
    return body


def listed(body: Any, key: str) -> Sequence[Any]:
    """The list at a key. Raises Permanent when there is none: an empty one would delete all."""
    found = inside(body, key)
    if not isinstance(found, list):
        where = f"at {key!r}" if key else "in it"
        raise Permanent(f"The answer is no list of entities: there is none {where}.")
    return found
