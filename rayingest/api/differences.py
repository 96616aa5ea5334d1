"""What changed between two runs, entity by entity, out of what both recorded."""

import hashlib
from collections import defaultdict

import msgspec

from rayingest.api.recorded import UNFINISHED, entities, stored
from rayingest.execute.events import Result
from rayingest.model import EntityType
from rayingest.state.ledger import ENDS
from rayingest.state.run_directory import RunDirectory

STATUSES = ("open", *ENDS)
OPEN = b"\0"
ARRIVED = ("ok", "unchanged")
PLACES = {str(each.value): place for place, each in enumerate(EntityType)}
STOPPED = ("stopped", "stalled")
NAMES = 3  # scopes that a note names


class StatusChange(msgspec.Struct, frozen=True):
    """An entity that ended otherwise than before; `open` is one without an end."""

    id: str
    first: str
    second: str


class TypeDifferences(msgspec.Struct, rename="camel", kw_only=True):
    """What changed among the entities of one type; names are ids, in order."""

    same: int = 0
    only_in_first: list[str] = []
    only_in_second: list[str] = []
    content_changed: list[str] = []
    status_changed: list[StatusChange] = []


class Differences(msgspec.Struct, frozen=True):
    """What changed from the first run to the second; `notes` say what cannot be known."""

    first: str
    second: str
    types: dict[str, TypeDifferences]
    notes: list[str]


def differences(one: RunDirectory, other: RunDirectory) -> Differences:
    """Compare two runs. Raises StateError."""
    before, after = _ends(one), _ends(other)
    kinds = sorted({*before, *after}, key=lambda kind: (PLACES.get(kind, len(PLACES)), kind))
    types = {kind: _compared(before[kind], after[kind]) for kind in kinds}
    return Differences(one.run_id, other.run_id, types, [*_notes(one), *_notes(other)])


def _ends(directory: RunDirectory) -> defaultdict[str, dict[str, bytes]]:
    """Type -> id -> one byte of status and eight of content: runs may have millions."""
    ends: defaultdict[str, dict[str, bytes]] = defaultdict(dict)
    for kind, name, result in entities(directory):
        if result is not None:
            ends[kind][name] = _compact(result)
        else:
            ends[kind].setdefault(name, OPEN)
    return ends


def _compact(result: Result) -> bytes:
    return bytes((STATUSES.index(result.status),)) + _content(result)


def _content(result: Result) -> bytes:
    """Stands for all that the sink has of a descriptor; what was written twice counts as it was last."""
    written = {
        (each.type, each.fqn): each.hash for each in result.written if each.outcome != "refused"
    }
    digest = hashlib.blake2b(digest_size=8)
    for (kind, name), content in sorted(written.items()):
        digest.update(f"{kind}\0{name}\0{content}\0".encode())
    return digest.digest()


def _compared(before: dict[str, bytes], after: dict[str, bytes]) -> TypeDifferences:
    found = TypeDifferences(
        only_in_first=sorted(before.keys() - after.keys()),
        only_in_second=sorted(after.keys() - before.keys()),
    )
    for name in sorted(before.keys() & after.keys()):
        one, other = (STATUSES[each[name][0]] for each in (before, after))
        if one != other and not (one in ARRIVED and other in ARRIVED):
            found.status_changed.append(StatusChange(name, one, other))
        elif one in ARRIVED and before[name][1:] != after[name][1:]:
            found.content_changed.append(name)
        else:
            found.same += 1
    return found


def _notes(directory: RunDirectory) -> list[str]:
    """Why a run may have missed what exists: a failed read is never taken for a deletion."""
    report = stored(directory)
    state = report.state if report else UNFINISHED
    notes = []
    if report is None or report.resumable or state in STOPPED:
        notes.append(f"Run {directory.run_id} is {state}: it may not have seen all that exists.")
    if report and report.not_listed:
        rest = len(report.not_listed) - NAMES
        names = ", ".join(report.not_listed[:NAMES]) + (f" and {rest} more" if rest > 0 else "")
        notes.append(
            f"Run {directory.run_id} could not list {names}: what is missing there may still exist."
        )
    return notes
