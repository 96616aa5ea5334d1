"""What the scheduler hears and what it asks for: plain values, no I/O.

Everything speaks of chunks and blocks, never of one entity.
"""

from dataclasses import dataclass, field
from datetime import date
from typing import Literal

import msgspec

from rayingest.core.sink import Row
from rayingest.core.source import Described, EntityDescriptor, Listed, Part
from rayingest.errors import RayingestError
from rayingest.model import EntityType

Status = Literal["ok", "unchanged", "skipped", "failed", "quarantined", "retry", "hung", "deferred"]


class Why(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """An error as data: `kind` is the class's name, `wait` what a throttling source asked for (s)."""

    kind: str
    message: str
    hint: str | None = None
    wait: float | None = None
    layer: str = "source"


class Written(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What became of one entity or fact at the sink."""

    type: str
    fqn: str
    hash: str
    outcome: str

    @classmethod
    def of(cls, row: Row, outcome: str) -> "Written":
        """What became of a row, under the name that the state keeps it by."""
        name, text = row.kept or (row.fqn, row.hash)
        return cls(row.type, name, text, outcome)


class Result(msgspec.Struct, array_like=True):
    """What became of one descriptor: its ProcessingResult, or a request to try again (`retry`, `hung`).

    `whole`: all its facts were told, and none was dropped on the way.
    """

    id: str
    status: Status
    why: Why | None = None
    written: list[Written] = []
    attempts: int = 1
    whole: bool = False


class Deferred(msgspec.Struct, array_like=True):
    """Rows of one descriptor that wait for what they refer to; `written` is what it wrote before.

    `whole`: see Result.
    """

    id: str
    rows: list[Row]
    written: list[Written] = []
    scope: str = ""
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """One call of `discover_entities`; `number` counts its attempts from 1."""

    type: EntityType
    scope: str | None
    number: int = 1

    @property
    def key(self) -> tuple[EntityType, str | None]:
        """The same for every attempt."""
        return self.type, self.scope


class KnownOf(msgspec.Struct, frozen=True):
    """What the sink has already: type -> FQN -> hash.

    `unchanged`: descriptors whose tokens say that nothing is new, and all that the sink has of each.
    `day`: the one that uses are counted for, None: they are not; `totals`: what was told of them before.
    """

    hashes: dict[str, dict[str, str]]
    unchanged: dict[str, list[Written]] = {}
    day: date | None = None
    totals: dict[str, str] = {}

    def has(self, row: Row) -> bool:
        """Whether the sink has a row with just this content."""
        return self.hash(row) == row.hash

    def hash(self, row: Row) -> str:
        """The hash of what the sink has of it; '' when nobody knows."""
        return self.hashes.get(row.type, {}).get(row.fqn, "")


@dataclass(slots=True)
class Chunk:
    """What a worker gets at once, all of one type and one `batch`.

    `kind`: `process` descriptors, `write` what a listing already described, `deferred` rows of the
    second wave (in `block`). A `suspect` shares its worker with nothing else. `there`: identities
    that other workers wrote meanwhile.
    """

    kind: Literal["process", "write", "deferred"]
    type: EntityType
    batch: str = ""
    items: list[EntityDescriptor] = field(default_factory=list)
    described: list[Described] = field(default_factory=list)
    block: list["Deferred"] = field(default_factory=list)
    suspect: bool = False
    deaths: int = 0
    known: KnownOf | None = None
    there: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.items)

    def only(self, items: list[EntityDescriptor], *, suspect: bool | None = None) -> "Chunk":
        """Some of its items, to be asked for once more; a suspect stays one."""
        ids = {each.id for each in items}
        told = [each for each in self.described if each.descriptor.id in ids]
        apart = self.suspect if suspect is None else suspect
        return Chunk(self.kind, self.type, self.batch, items, told, suspect=apart)


# --- what a report tells ---


class WithheldGroup(msgspec.Struct, rename="camel"):
    """Entities that have vanished and are not deleted, by rule; `reason` says what to do next."""

    type: str
    rule: str
    reason: str
    count: int = 0
    samples: list[str] = []


# --- events in ---


@dataclass(frozen=True, slots=True)
class Found:
    """A block of a listing's items, in order."""

    listing: Listing
    items: list[Listed]


@dataclass(frozen=True, slots=True)
class ListingEnded:
    """A listing returned (`error` None), raised, or was lost with its process (`lost`)."""

    listing: Listing
    error: RayingestError | None = None
    lost: bool = False
    seconds: float = 0.0
    calls: int = 0


@dataclass(frozen=True, slots=True)
class WorkerReady:
    """A worker can take `slots` chunks at once; one `apart` is there for suspects alone."""

    worker: int
    slots: int
    apart: bool = False


@dataclass(frozen=True, slots=True)
class WorkerLost:
    """A worker is gone with all it had not settled; `blame` unless we or the machine ended it."""

    worker: int
    blame: bool = True
    why: str = ""


class PartOf(msgspec.Struct, frozen=True, array_like=True):
    """One shard's contribution to what its scope is combined into."""

    type: EntityType
    scope: str
    id: str
    parts: list[Part]


class RowsOf(msgspec.Struct, frozen=True, array_like=True):
    """One descriptor's rows for a sink that lives in the driver; `done` were refused, or are there.

    `whole`: see Result.
    """

    id: str
    rows: list[Row]
    done: list[Written]
    cause: Why | None
    whole: bool = False


class Later(msgspec.Struct, frozen=True, array_like=True):
    """A descriptor that the source works on, as it is to be asked for in `wait` seconds."""

    descriptor: EntityDescriptor
    wait: float


@dataclass(slots=True)
class Read:
    """The source's part of a dispatch is over: its slot is free (but for a hung thread).

    `ended` are descriptors that need no sink any more (failed, skipped, retry, hung); `rows` are for
    a sink that lives in the driver; `emitted` counts entities per type; `seconds` includes those that
    the source `waited` for room at the sink, and those that limits of the source `held_back`. The
    worker's process holds `memory` bytes; `full`: more than it may. The source works on `pending` ones.
    """

    dispatch: int
    worker: int
    ended: list[Result]
    children: list[EntityDescriptor]
    seconds: float
    calls: int
    abandoned: bool = False
    rows: list[RowsOf] = field(default_factory=list)
    emitted: dict[str, int] = field(default_factory=dict)
    waited: float = 0.0
    parts: list["PartOf"] = field(default_factory=list)
    held_back: float = 0.0
    memory: int = 0
    full: bool = False
    pending: list[Later] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ScopeSettled:
    """Every member of a listed scope has come to its end, `failed` of them badly.

    What the source listed only in part (`complete` False) may have members that nobody knows.
    """

    type: EntityType
    scope: str
    failed: int
    complete: bool = True


@dataclass(slots=True)
class Settled:
    """The sink's part of a dispatch is over: every descriptor that was read has its answer."""

    dispatch: int
    results: list[Result]
    deferred: list[Deferred] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class SinkState:
    """A sink went down (`why`) or answers again (None)."""

    worker: int
    why: Why | None


# --- actions out ---


@dataclass(frozen=True, slots=True)
class StartListing:
    """Run this listing."""

    listing: Listing


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Give a chunk to a worker; `id` is its generation: a stale one is not heard."""

    id: int
    worker: int
    chunk: Chunk


@dataclass(frozen=True, slots=True)
class ReplaceWorker:
    """End this worker if it still lives and start another in its place."""

    worker: int


Event = Found | ListingEnded | WorkerReady | WorkerLost | Read | Settled | SinkState
Action = StartListing | Dispatch | ReplaceWorker


def why(error: BaseException, layer: str = "source") -> Why:
    """Turn an exception into data."""
    return Why(
        type(error).__name__,
        str(error) or type(error).__name__,
        getattr(error, "hint", None),
        getattr(error, "wait", None),
        layer,
    )
