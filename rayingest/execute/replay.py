"""Read what a run's segments say: both books, what is still to be done, what is known already.

The same reading serves a run's continuation after any end, and the audit of its books.

    ["opened", descriptor]           found; to be processed
    ["told", descriptor]             found with all that is to be said of it
    ["scope", type, scope]           a scope that wants a listing of its own
    ["listed", ScopeListed]          a scope's listing came to its end, and the count agreed
    ["done", type, scope]            a listing returned, and every scope of it was listed
    ["removed", Removed]             a change listing says that this is gone
    ["part", PartOf]                 one shard's contribution to its scope
    ["again", descriptor]            the source works on it; to be asked for like this
    ["ended", type, Result]          a descriptor's end, with what was written
    ["settled", type, scope, failed] every member of a listed scope has its end
    ["dropped", type, number]        what the user's selection left out
    ["unresolved", number]           references to what exists nowhere
    ["deleted", type, FQN]           it had vanished, and was deleted from the sink; `lineage` is an edge
"""

from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import msgspec

from rayingest.core.sink import identity
from rayingest.core.source import EntityDescriptor, Removed, ScopeListed
from rayingest.errors import StateError
from rayingest.execute.events import Listing, PartOf, Result, Why
from rayingest.model import EntityType
from rayingest.state.ledger import Ledger
from rayingest.state.run_directory import RunDirectory, attempt_of

Key = tuple[EntityType, str]
ListingKey = tuple[EntityType, str | None]


@dataclass
class Replay:
    """What the records say, taken in one after the other.

    `open` are descriptors without an end, `told` those of them whose content only a listing knows.
    `deferred` says of which attempt's segments the rows of the second wave are. `seen` are ids of
    scopes that are not listed to their end: a listing that is run again finds them once more.
    `written` are hashes of identities, as `DeferredRows` keeps them.
    `apart` is what was being read when a process died in which all is read; no segment says it.
    Without `keep` only the books are kept, for a look at the end.
    """

    ledger: Ledger = field(default_factory=Ledger)
    open: dict[Key, EntityDescriptor] = field(default_factory=dict)
    told: dict[Key, EntityDescriptor] = field(default_factory=dict)
    deferred: dict[Key, int] = field(default_factory=dict)
    scopes: dict[Key, ScopeListed] = field(default_factory=dict)
    seen: dict[Key, set[str]] = field(default_factory=dict)
    wanted: dict[ListingKey, None] = field(default_factory=dict)
    done: set[ListingKey] = field(default_factory=set)
    badly: Counter[Key] = field(default_factory=Counter)
    parents: dict[Key, bool] = field(default_factory=dict)
    removed: list[Removed] = field(default_factory=list)
    parts: list[PartOf] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    failed: dict[Key, tuple[EntityDescriptor, Why | None]] = field(default_factory=dict)
    results: dict[Key, list[Result]] = field(default_factory=dict)
    written: "array[int]" = field(default_factory=lambda: array("q"))
    parent_types: frozenset[EntityType] = frozenset()
    apart: frozenset[Key] = frozenset()
    keep: bool = True
    _retold: set[Key] = field(default_factory=set)

    def take(self, record: bytes) -> None:
        """Take one record. Raises StateError for one that nobody understands."""
        kind = record[2 : record.index(b'"', 2)]
        try:
            reader = _READERS[kind]
        except KeyError:
            raise StateError(
                f"A segment holds a record {kind.decode(errors='replace')!r} that this rayingest does not know.",
                hint="Go on with the version of rayingest that wrote it.",
            ) from None
        reader(self, record)

    def _opened(self, record: bytes) -> None:
        self._open(_OPENED.decode(record)[1])

    def _told(self, record: bytes) -> None:
        descriptor = _OPENED.decode(record)[1]
        self._open(descriptor)
        self.told[descriptor.type, descriptor.id] = descriptor
        self._retold.add((descriptor.type, descriptor.scope))

    def _open(self, descriptor: EntityDescriptor) -> None:
        key = descriptor.type, descriptor.id
        if key in self.open:  # told of once more after a crash
            return
        self.open[key] = descriptor
        self.ledger.discovered[descriptor.type.value] += 1
        scope = descriptor.type, descriptor.scope
        if self.keep and (scope not in self.scopes or scope in self._retold):
            self.seen.setdefault(scope, set()).add(descriptor.id)

    def _again(self, record: bytes) -> None:
        descriptor = _OPENED.decode(record)[1]
        if (descriptor.type, descriptor.id) in self.open:
            self.open[descriptor.type, descriptor.id] = descriptor
        else:
            self.wrong.append(
                f"{descriptor.type.value} {descriptor.id}: asked for without a beginning"
            )

    def _ended(self, record: bytes) -> None:
        _, kind, result = _ENDED.decode(record)
        descriptor = self.open.pop((kind, result.id), None)
        if descriptor is None:
            self.wrong.append(f"{kind.value} {result.id}: an end without a beginning")
            return
        self.told.pop((kind, result.id), None)
        ledger = self.ledger
        ledger.end(kind, result.status)
        for each in result.written:
            ledger.emitted[each.type] += 1
            ledger.answer(each.type, each.outcome)
        self.badly[kind, descriptor.scope] += result.status in ("failed", "quarantined")
        if kind in self.parent_types:
            self.parents[kind, result.id] = result.status in ("ok", "unchanged")
        if self.keep:
            self.written.extend(hash(identity(each.type, each.fqn)) for each in result.written)
            self.results.setdefault((kind, descriptor.scope), []).append(result)
            if result.status in ("failed", "quarantined"):
                self.failed[kind, result.id] = descriptor, result.why

    def _listed(self, record: bytes) -> None:
        end = _LISTED.decode(record)[1]
        key = end.type, end.scope
        before = self.scopes.get(key)  # what only a listing can tell had it listed again
        self.scopes[key] = end
        if key not in self._retold:
            self.seen.pop(key, None)
        self.ledger.filtered[end.type.value] += end.filtered - (before.filtered if before else 0)

    def _scope(self, record: bytes) -> None:
        _, kind, scope = _SCOPE.decode(record)
        self.wanted[kind, scope] = None

    def _done(self, record: bytes) -> None:
        _, kind, scope = _SCOPE.decode(record)
        self.done.add((kind, scope))

    def _removed(self, record: bytes) -> None:
        self.removed.append(_REMOVED.decode(record)[1])

    def _part(self, record: bytes) -> None:
        self.parts.append(_PART.decode(record)[1])

    def _settled(self, _: bytes) -> None:
        """It follows from the others."""

    def _dropped(self, record: bytes) -> None:
        _, kind, number = _DROPPED.decode(record)
        self.ledger.filtered[kind] += number

    def _unresolved(self, record: bytes) -> None:
        self.ledger.unresolved += _UNRESOLVED.decode(record)[1]

    def _deleted(self, record: bytes) -> None:
        _, kind, _ = _DELETED.decode(record)
        self.ledger.deleted[kind] += 1

    def defer(self, attempt: int, kind: EntityType, name: str) -> None:
        """Note where the rows of a descriptor are that waits for the second wave."""
        if (kind, name) in self.open:
            self.deferred[kind, name] = attempt
            if kind in self.parent_types:
                self.parents[kind, name] = True

    def unfinished(self) -> "Replay":
        """Make it fit to go on from: what only a listing can tell again is forgotten, and listed again."""
        lost = {key: each for key, each in self.told.items() if key not in self.deferred}
        for key, descriptor in lost.items():
            scope = descriptor.type, descriptor.scope
            del self.open[key]
            self.ledger.discovered[descriptor.type.value] -= 1
            self.seen.get(scope, set()).discard(descriptor.id)
            end = self.scopes.pop(scope, None)
            if end is not None:
                self.ledger.filtered[end.type.value] -= end.filtered
        if lost:
            self.done.clear()
        for scope in self.scopes:
            self.seen.pop(scope, None)
        return self

    @property
    def listings(self) -> Iterator[Listing]:
        """Listings of scopes that were asked for and have not come to their end."""
        for kind, scope in self.wanted:
            if (kind, scope) not in self.done:
                yield Listing(kind, scope)


_FOUND = (b'["opened",', b'["told",')
_OPENED = msgspec.json.Decoder(tuple[str, EntityDescriptor])
_ENDED = msgspec.json.Decoder(tuple[str, EntityType, Result])
_LISTED = msgspec.json.Decoder(tuple[str, ScopeListed])
_SCOPE = msgspec.json.Decoder(tuple[str, EntityType, str | None])
_REMOVED = msgspec.json.Decoder(tuple[str, Removed])
_PART = msgspec.json.Decoder(tuple[str, PartOf])
_DROPPED = msgspec.json.Decoder(tuple[str, str, int])
_DELETED = msgspec.json.Decoder(tuple[str, str, str])
_UNRESOLVED = msgspec.json.Decoder(tuple[str, int])


class _Head(msgspec.Struct, array_like=True):
    """How a record of a deferred segment begins."""

    type: EntityType
    id: str


_HEAD = msgspec.json.Decoder(_Head)
_READERS: dict[bytes, Callable[[Replay, bytes], None]] = {
    b"opened": Replay._opened,  # noqa: SLF001 - a table of its own methods
    b"told": Replay._told,  # noqa: SLF001
    b"again": Replay._again,  # noqa: SLF001
    b"ended": Replay._ended,  # noqa: SLF001
    b"listed": Replay._listed,  # noqa: SLF001
    b"scope": Replay._scope,  # noqa: SLF001
    b"done": Replay._done,  # noqa: SLF001
    b"removed": Replay._removed,  # noqa: SLF001
    b"part": Replay._part,  # noqa: SLF001
    b"settled": Replay._settled,  # noqa: SLF001
    b"dropped": Replay._dropped,  # noqa: SLF001
    b"unresolved": Replay._unresolved,  # noqa: SLF001
    b"deleted": Replay._deleted,  # noqa: SLF001
}


def replay(
    directory: RunDirectory,
    parent_types: frozenset[EntityType] = frozenset(),
) -> Replay:
    """All attempts of a run, ready to go on from. Raises StateError."""
    found = Replay(parent_types=parent_types)
    for record in directory.records():
        found.take(record)
    for name in directory.segments("deferred"):
        for record in directory.intact(name):
            head = _HEAD.decode(record)
            found.defer(attempt_of(name), head.type, head.id)
    return found.unfinished()


def unsuccessful(directory: RunDirectory) -> tuple[set[Key], set[Key]]:
    """What failed or was quarantined in a run, and which scopes were listed whole. Raises StateError."""
    failed: set[Key] = set()
    listed: set[Key] = set()
    for record in directory.records():
        if record.startswith(b'["ended",'):
            _, kind, result = _ENDED.decode(record)
            if result.status in ("failed", "quarantined"):
                failed.add((kind, result.id))
        elif record.startswith(b'["listed",'):
            end = _LISTED.decode(record)[1]
            if end.complete:
                listed.add((end.type, end.scope))
    return failed, listed


def found(directory: RunDirectory) -> set[Key]:
    """Type and id of everything that a run discovered. Raises StateError."""
    records = (each for each in directory.records() if each.startswith(_FOUND))
    descriptors = (_OPENED.decode(each)[1] for each in records)
    return {(each.type, each.id) for each in descriptors}
