"""Rows that wait for what they refer to: kept beside the segments, resolved and sent in a second wave."""

from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

import msgspec

from rayingest.core import fqn
from rayingest.core.sink import Row, SinkSession, identity
from rayingest.errors import Refused
from rayingest.execute.events import Chunk, Deferred, Written
from rayingest.execute.replay import Replay
from rayingest.model import EntityType
from rayingest.state.ledger import Ledger
from rayingest.state.run_directory import Journal, RunDirectory, attempt_of

NOTHING: Mapping[tuple[EntityType, str], int] = {}
BLOCK_ROWS = 100
TABLE_PARTS = 4  # of an FQN: service, database, schema, name
SAMPLES = 20  # names of what is nowhere that are told
LIST_AT = 2  # names of one container that nobody knows: then it is listed whole
BLOCKS_AT_ONCE = 32
HELD_BYTES = 32_000_000  # of bodies that are kept in memory until the second wave


class DeferredRows:
    """Collects deferred rows, in the run directory when there is one, and hands them out in blocks.

    Few of them are kept in memory beside it; where they are many, they are read from the segments.

    References that neither this run nor the catalogue can satisfy are dropped and counted in the
    ledger as unresolved; `nowhere` are the first of them. What belongs to the `service` that the run
    writes whole is not asked of the catalogue: the run has it, or nobody has; None: it writes none whole. Of what was written eight bytes are kept per entity, its hash in this process.
    """

    def __init__(
        self,
        directory: RunDirectory | None,
        ledger: Ledger,
        service: str | None,
        before: Replay | None = None,
    ) -> None:
        self.journal = Journal(directory, "deferred") if directory else None
        self._ledger = ledger
        self._own = f"{fqn.join(service)}." if service is not None else None
        self._written = array("q", before.written if before else ())
        self._needed: set[int] = set()
        self._there: set[int] = set()
        self._elsewhere: dict[str, bool] = {}
        self.nowhere: set[str] = set()
        self._asked: Counter[tuple[str, str]] = Counter()  # names looked for, per container
        self._held: list[tuple[EntityType, Deferred]] = []
        self._held_bytes = 0
        self._overflowed = False
        self._wave: Iterator[Chunk] = iter(())
        self._before = before.deferred if before else NOTHING
        self._taken = 0
        self._old = list(directory.segments("deferred")) if directory and before else []
        for _, each in self._earlier():
            self._learn(each)
            ledger.emitted.update(row.type for row in each.rows)
            ledger.emitted.update(done.type for done in each.written)

    def arrived(self, written: Sequence[Written]) -> None:
        """Remember what the sink has: it may be referred to."""
        self._written.extend(
            hash(identity(each.type, each.fqn)) for each in written if each.outcome != "refused"
        )

    def add(self, kind: EntityType, deferred: Deferred) -> None:
        """Keep one descriptor's rows; those with a partial body are at the sink already."""
        self._learn(deferred)
        if self.journal:
            self.journal.add(_to_record(kind, deferred))
        if self._overflowed:
            return
        self._held.append((kind, deferred))
        self._held_bytes += sum(len(row.body) for row in deferred.rows)
        if self.journal and self._held_bytes > HELD_BYTES:
            self._held, self._overflowed = [], True  # they are read from the segments

    def _learn(self, deferred: Deferred) -> None:
        self._written.extend(
            hash(identity(row.type, row.fqn)) for row in deferred.rows if row.partial is not None
        )
        self._needed.update(hash(each) for row in deferred.rows for each in row.needs)
        self.arrived(deferred.written)

    def tick(self, *, force: bool = False) -> None:
        """Write a segment if it is time. Raises StateError."""
        if self.journal:
            self.journal.tick(force=force)

    def next_blocks(self, session: SinkSession | None) -> list[Chunk]:
        """The next chunks of the second wave, of one type each."""
        blocks = list(islice(self._wave, BLOCKS_AT_ONCE))
        if not blocks:  # the first time, or after a combination deferred more
            self.tick(force=True)
            self._wave = self._blocks(session)
            blocks = list(islice(self._wave, BLOCKS_AT_ONCE))
        return blocks

    def _blocks(self, session: SinkSession | None) -> Iterator[Chunk]:
        gathered: dict[EntityType, list[Deferred]] = {}
        for kind, each in self._not_handed_out():
            block = gathered.setdefault(kind, [])
            resolved = [self._resolved(row, session) for row in each.rows]
            rows = [row for row in resolved if row is not None]
            same = [row for row in rows if row.known == row.hash]
            done = [Written(row.type, row.fqn, row.hash, "unchanged") for row in same]
            rows = [row for row in rows if row.known != row.hash]
            whole = each.whole and None not in resolved
            block.append(Deferred(each.id, rows, [*each.written, *done], each.scope, whole))
            if len(block) >= BLOCK_ROWS:
                yield Chunk("deferred", kind, block=gathered.pop(kind))
        for kind, block in gathered.items():
            yield Chunk("deferred", kind, block=block)

    def _not_handed_out(self) -> Iterator[tuple[EntityType, Deferred]]:
        self._there = self._needed.intersection(self._written)
        held, self._held, self._held_bytes = self._held, [], 0
        overflowed, self._overflowed = self._overflowed, False
        yield from held
        yield from self._earlier()
        self._old = []
        if self.journal:
            fresh = self.journal.names[self._taken :]
            self._taken = len(self.journal.names)
            for name in fresh if overflowed else ():
                for record in self.journal.directory.segment(name):
                    yield _from_record(record)

    def _earlier(self) -> Iterator[tuple[EntityType, Deferred]]:
        """What earlier attempts deferred and nobody has ended; done again, it counts no more."""
        for name in self._old:
            assert self.journal is not None  # noqa: S101 - there are names
            for record in self.journal.directory.intact(name):
                kind, each = _from_record(record)
                if self._before.get((kind, each.id)) == attempt_of(name):
                    each.rows = [msgspec.structs.replace(row, known="") for row in each.rows]
                    yield kind, each  # an earlier attempt may have written it

    def _resolved(self, row: Row, session: SinkSession | None) -> Row | None:
        """The row without references to what nobody has; None: nothing is left."""
        missing = [each for each in row.needs if hash(each) not in self._there]
        missing = [each for each in missing if not self._is_elsewhere(each, session)]
        if not missing or session is None:
            return row
        self._ledger.unresolved += len(missing)
        self.nowhere.update(missing[: max(0, SAMPLES - len(self.nowhere))])
        try:
            return session.without(row, missing)
        except Refused:
            self._ledger.emitted[row.type] -= 1
            return None

    def _is_elsewhere(self, need: str, session: SinkSession | None) -> bool:
        """Whether the catalogue has an entity that is not the run's; asked once per name.

        Who is asked for a second one of the same container lists the container: a dashboard service
        refers to thousands of tables in few schemas.
        """
        kind, _, name = need.partition(":")
        if self._own is not None and name.startswith(self._own):
            return False
        if need in self._elsewhere:
            return self._elsewhere[need]
        catalogue = session.catalogue if session is not None else None
        parts = fqn.split(name)
        if catalogue is None or (kind == EntityType.TABLE.value and len(parts) != TABLE_PARTS):
            return False  # a name in SQL that nobody could place
        container = kind, fqn.join(*parts[:-1])
        self._asked[container] += 1
        if self._asked[container] == 1:
            self._elsewhere[need] = name in catalogue.get(EntityType(kind), [name])
        elif self._asked[container] == LIST_AT:
            for each in catalogue.list(EntityType(kind), container[1]):
                self._elsewhere[identity(kind, str(each["fullyQualifiedName"]))] = True
        return self._elsewhere.setdefault(need, False)


class _DeferredRow(msgspec.Struct, array_like=True):
    """A row as a deferred segment keeps it: its body is JSON already."""

    type: str
    fqn: str
    hash: str
    body: msgspec.Raw
    needs: tuple[str, ...]
    half: bool  # the sink has it already, without what it needs
    known: str = ""


class _DeferredRecord(msgspec.Struct, array_like=True):
    """A descriptor's rows in a deferred segment; `whole` came later than the others."""

    type: EntityType
    id: str
    scope: str
    written: list[Written]
    rows: list[_DeferredRow]
    whole: bool = False


def _to_record(kind: EntityType, deferred: Deferred) -> _DeferredRecord:
    rows = [
        _DeferredRow(
            row.type,
            row.fqn,
            row.hash,
            msgspec.Raw(row.body),
            row.needs,
            row.partial is not None,
            row.known,
        )
        for row in deferred.rows
    ]
    return _DeferredRecord(
        kind, deferred.id, deferred.scope, deferred.written, rows, deferred.whole
    )


def _from_record(record: bytes) -> tuple[EntityType, Deferred]:
    told = msgspec.json.decode(record, type=_DeferredRecord)
    kept = [
        Row(
            row.type,
            row.fqn,
            bytes(row.body),
            row.hash,
            b"" if row.half else None,
            row.needs,
            row.known,
        )
        for row in told.rows
    ]
    return told.type, Deferred(told.id, kept, told.written, told.scope, told.whole)
