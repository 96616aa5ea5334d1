"""Both books once more, from the recorded segments: they must be those that were counted."""

from collections import Counter
from collections.abc import Iterator

from rayingest.execute.replay import Replay
from rayingest.model import EntityType
from rayingest.state.ledger import ENDS, OUTCOMES, Ledger
from rayingest.state.run_directory import RunDirectory, intact_body

# How a Result goes on after its status: without a why, or with one.
_AFTER = {"ok": b"null,[", "unchanged": b"null,["}
_FOUND = (b'["opened",', b'["told",')


def recounted(directory: RunDirectory, counted: Ledger) -> list[str]:
    """What the segments of this attempt hold, by a look at their bytes, against what was counted.

    A segment is JSON by one encoder, and no quotation mark stands in a string unescaped, so what is
    counted here stands in no string, and a record that only ends with an FQN has no bracket after
    it. A status that nothing should have is not looked for: the others add up to all ends. A run of
    several attempts, or with parts to combine, is read record by record. Raises StateError.
    """
    if directory.attempt > 1:
        return _reread(directory, counted)
    heads: Counter[bytes] = Counter()
    ends: Counter[str] = Counter()
    for name in directory.segments():
        whole = intact_body(directory.store.get(name))
        if whole is None:
            return [f"{name} is torn"]
        heads.update(line[: line.find(b",", 12)] for line in whole[0].split(b"\n"))
        ends.update(_ends(whole[0], counted))
    if any(each.startswith(b'["part"') for each in heads):
        return _reread(directory, counted)
    found = [*_by_kind(heads, counted), *_by_end(ends, counted)]
    return [
        f"{what}: {ours:,} counted, {theirs:,} recorded"
        for what, ours, theirs in found
        if ours != theirs
    ]


def _by_kind(heads: Counter[bytes], counted: Ledger) -> Iterator[tuple[str, int, int]]:
    """Records by how they begin: what, counted, recorded."""

    def number(*starts: bytes) -> int:
        return sum(number for head, number in heads.items() if head.startswith(starts))

    for each in sorted({*counted.discovered, *counted.ended}):
        kind = EntityType(each).value.encode()
        recorded = sum(heads[b'%b{"type":"%b"' % (start, kind)] for start in _FOUND)
        yield f"{each} discovered", counted.discovered[each], recorded
        ends = counted.ended.get(each, Counter())
        yield f"{each} ended", ends.total(), heads[b'["ended","%b"' % kind]
    yield "all discovered", counted.discovered.total(), number(*_FOUND)
    ended = sum(each.total() for each in counted.ended.values())
    yield "all ended", ended, number(b'["ended",')
    yield "deleted", counted.deleted.total(), number(b'["deleted",')


def _ends(body: bytes, counted: Ledger) -> dict[str, int]:
    """How often each status (of those that were counted) and each outcome stands in a segment."""
    found = {}
    for status in ENDS:
        if counted.total(status):
            found[status] = body.count(b'","%b",%b' % (status.encode(), _AFTER.get(status, b"{")))
    for outcome in OUTCOMES:
        told = b'","%b"]' % outcome.encode()
        if told in body:
            found[f"to {outcome}"] = body.count(told + b",") + body.count(told + b"]")
    return found


def _by_end(ends: Counter[str], counted: Ledger) -> Iterator[tuple[str, int, int]]:
    """What the ends say: what, counted, recorded."""
    for status in ENDS:
        if ours := counted.total(status):
            yield status, ours, ends[status]
    for outcome in OUTCOMES:
        ours = sum(each[outcome] for each in counted.outcomes.values())
        yield outcome, ours, ends[f"to {outcome}"]


def _reread(directory: RunDirectory, counted: Ledger) -> list[str]:
    recorded = books(directory)
    return recorded.wrong + disagreements(recorded.ledger, counted)


def books(directory: RunDirectory) -> Replay:
    """Both books as the segments tell them. Raises StateError."""
    found = Replay(keep=False)
    for record in directory.records():
        found.take(record)
    return found


def disagreements(recorded: Ledger, counted: Ledger) -> list[str]:
    """A sentence for each figure of the two books that is recorded otherwise than it was counted."""
    return [
        f"{kind}: {ours:,} {what}, {theirs:,} recorded"
        for (kind, what), ours, theirs in _figures(counted, recorded)
        if ours != theirs
    ]


def _figures(one: Ledger, other: Ledger) -> Iterator[tuple[tuple[str, str], int, int]]:
    for what in ("discovered", "emitted", "deleted"):
        here, there = getattr(one, what), getattr(other, what)
        for kind in sorted({*here, *there}):
            yield (kind, what), here[kind], there[kind]
    for book in ("ended", "outcomes"):
        here, there = getattr(one, book), getattr(other, book)
        for kind in sorted({*here, *there}):
            for what in sorted({*here[kind], *there[kind]}):
                yield (kind, what), here[kind][what], there[kind][what]
