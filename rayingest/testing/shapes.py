"""Hard shapes of sources as small fakes: what the contract must carry before connectors pour in."""

import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from pydantic import BaseModel

from rayingest.core.filters import Filters
from rayingest.core.limits import Limit
from rayingest.core.sink import Sink
from rayingest.core.source import (
    Batching,
    Capability,
    CheckResult,
    Described,
    EntityDescriptor,
    Failed,
    Listed,
    Part,
    Pending,
    Prepare,
    Processed,
    Removed,
    ScopeListed,
    ScopeOpened,
    Settings,
    no_context,
)
from rayingest.errors import ConfigError, Permanent
from rayingest.model import Column, EntityType, Fact, Table
from rayingest.workflows.stage import Opened

CONTAINER, TABLE = EntityType.CONTAINER, EntityType.TABLE
Listings = Callable[[EntityType, str | None], Iterator[Listed]]
Details = Callable[[EntityDescriptor, Any], Processed]
SCANNED = 0.6  # seconds that a scan takes
Combine = Callable[[str, Sequence[Part]], Described]


class Nothing(BaseModel):
    """No connection is needed."""


@dataclass(frozen=True)
class Shape:
    """A connector made of functions; module-level ones, so that it pickles."""

    listings: Listings
    details: Details
    types: tuple[EntityType, ...] = (TABLE,)
    dependencies: Mapping[EntityType, EntityType] = field(default_factory=dict)
    listed_by: Mapping[EntityType, EntityType] = field(default_factory=dict)
    batching: Mapping[EntityType, Batching] = field(default_factory=dict)
    prepare: Prepare = no_context
    combines: Mapping[EntityType, Combine] = field(default_factory=dict)
    service_type: str = "CustomDatabase"
    family: str = "database"
    extra: str = ""
    connection: type[BaseModel] = Nothing
    max_connections: int = 100
    local: bool = False
    listing_hides: bool = False
    limits: tuple[Limit, ...] = ()
    capabilities: frozenset[Capability] = frozenset()
    lacks: Mapping[Capability, str] = field(default_factory=dict)

    @contextmanager
    def open(self, settings: Settings, context: Any = None) -> Generator["ShapeSource"]:
        """See Connector."""
        yield ShapeSource(self, context)

    def check(self, settings: Settings) -> Iterator[CheckResult]:
        """See Connector."""
        yield CheckResult("tables", "ok")


@dataclass
class ShapeSource:
    """A session with nothing."""

    shape: Shape
    context: Any

    def get_parallelizable_entity_types(self) -> Sequence[EntityType]:
        """See DiscoverableSource."""
        return self.shape.types

    def discover_entities(
        self, entity_type: EntityType, scope: str | None = None
    ) -> Iterator[Listed]:
        """See DiscoverableSource."""
        return self.shape.listings(entity_type, scope)

    def process_entities(self, descriptors: Sequence[EntityDescriptor]) -> Iterator[Processed]:
        """See DiscoverableSource."""
        for each in descriptors:
            yield self.shape.details(each, self.context)


@dataclass(frozen=True)
class ShapeStage:
    """A shape into any sink."""

    shape: Shape
    sink: Sink
    connection: Any = None
    service: str = "shape"
    name: str = "shape"
    variables: tuple[str, ...] = ()

    def without(self, present: Sequence[str]) -> "ShapeStage":
        """See Stage."""
        return self

    def open(self, environ: Mapping[str, str]) -> Opened:
        """See Stage."""
        return Opened(
            self.shape, Settings(self.service, self.connection, None, Filters()), self.sink
        )

    def root(self) -> None:
        """See Stage."""


def table(name: str, **more: Any) -> Table:
    """A small table."""
    columns = (Column(name="id", data_type="INT", ordinal_position=1),)
    return Table(
        name=name, fqn=f"shape.db.s.{name}", database_schema="shape.db.s", columns=columns, **more
    )


def plain(descriptor: EntityDescriptor, context: Any) -> Described:
    """A table by the descriptor's name."""
    return Described(descriptor, (table(descriptor.id),))


# --- an asynchronous scan that expands: what a workspace holds is known when its scan is read ---


def list_workspaces(entity_type: EntityType, scope: str | None) -> Iterator[Listed]:
    """Five workspaces of one tenant."""
    if entity_type is CONTAINER:
        for number in range(5):
            yield EntityDescriptor(CONTAINER, f"w{number}", "tenant", "tenant")
        yield ScopeListed(CONTAINER, "tenant", 5)


def note_scans(settings: Settings, _catalogue: object) -> str:
    """The file that every scan is noted in when it begins."""
    return settings.connection or ""


def scan(descriptor: EntityDescriptor, begun: str) -> Described | Pending:
    """A workspace expands into as many tables as its number; a table is a table."""
    if descriptor.type is TABLE:
        return plain(descriptor, begun)
    ready = descriptor.metadata.get("ready")
    if ready is None:  # the scan runs at the vendor's
        if begun:
            with Path(begun).open("a") as file:
                file.write(f"{descriptor.id}\n")
        ready = str(time.time() + SCANNED)
    if time.time() < float(ready):
        again = msgspec.structs.replace(descriptor, batch="scan", metadata={"ready": ready})
        return Pending(descriptor, again, SCANNED / 2)
    number = int(descriptor.id[1:])
    children = [
        EntityDescriptor(TABLE, f"{descriptor.id}-t{at}", descriptor.id) for at in range(number)
    ]
    return Described(descriptor, (), children=children)


SCAN = Shape(
    list_workspaces,
    scan,
    types=(CONTAINER, TABLE),
    dependencies={TABLE: CONTAINER},
    listed_by={TABLE: CONTAINER},
    batching={CONTAINER: Batching(1, 100), TABLE: Batching(1, 5)},
    prepare=note_scans,
)


# --- a shared clone: expensive, read-only, built once per run ---


def clone(settings: Settings, _catalogue: object) -> dict[str, str]:
    """Leave a line in the file that counts builds; `fail` in its name fails."""
    path = Path(settings.connection)
    if "fail" in path.name:
        raise ConfigError(
            "The repository cannot be cloned: no such remote.", hint="Check gitCredentials."
        )
    with path.open("a") as file:
        file.write("built\n")
    return {f"t{number}": f"from the clone: {number}" for number in range(12)}


def list_twelve(entity_type: EntityType, scope: str | None) -> Iterator[Listed]:
    """Twelve tables."""
    for number in range(12):
        yield EntityDescriptor(TABLE, f"t{number}", "s")
    yield ScopeListed(TABLE, "s", 12)


def from_clone(descriptor: EntityDescriptor, context: dict[str, str]) -> Described:
    """A table described by the clone."""
    return Described(descriptor, (table(descriptor.id, description=context[descriptor.id]),))


CLONE = Shape(list_twelve, from_clone, prepare=clone)


# --- facts onto another service ---


def with_lineage(descriptor: EntityDescriptor, context: Any) -> Described:
    """A table, and an edge from another service's table to it; t0's origin does not exist."""
    origin = "nowhere.db.s.t" if descriptor.id == "t0" else "other.db.s.origin"
    made = table(descriptor.id)
    fact = Fact(
        target_type=TABLE,
        target_fqn=made.fqn,
        kind="lineage",
        key=f"{origin}->{made.fqn}",
        payload={"fromFqn": origin},
    )
    return Described(descriptor, (made,), facts=(fact,))


LINEAGE = Shape(list_twelve, with_lineage)


# --- a sharded sum: a day's usage out of its hours ---

DAYS = ("monday", "tuesday")


def list_hours(entity_type: EntityType, scope: str | None) -> Iterator[Listed]:
    """Six shards a day; tuesday's fourth is broken."""
    for day in DAYS:
        for hour in range(6):
            yield EntityDescriptor(CONTAINER, f"{day}-{hour}", day)
        yield ScopeListed(CONTAINER, day, 6)


def count_queries(descriptor: EntityDescriptor, context: Any) -> Described | Failed:
    """How often each table was queried in one hour."""
    if descriptor.type is TABLE:
        return plain(descriptor, context)
    if descriptor.id == "tuesday-3":
        return Failed(descriptor, Permanent("the log of this hour is gone"))
    hour = int(descriptor.id.rpartition("-")[2])
    parts = [Part("orders", {"count": hour}), Part("customers", {"count": 1})]
    return Described(descriptor, (), parts=parts)


def sum_up(day: str, parts: Sequence[Part]) -> Described:
    """One fact per table and day."""
    totals: dict[str, int] = {}
    for part in parts:
        totals[part.key] = totals.get(part.key, 0) + part.payload["count"]
    facts = tuple(
        Fact(
            target_type=TABLE,
            target_fqn=f"shape.db.s.{name}",
            kind="usage",
            key=day,
            payload={"date": day, "count": count},
        )
        for name, count in sorted(totals.items())
    )
    return Described(EntityDescriptor(EntityType.TOPIC, f"usage {day}", "usage"), (), facts=facts)


SUM = Shape(list_hours, count_queries, types=(CONTAINER,), combines={CONTAINER: sum_up})


# --- a nested object store: prefixes in prefixes, each a scope that is listed by itself ---

TREE = {
    None: ["a", "b"],
    "a": ["a/x", "a/y"],
    "b": [],
    "a/x": ["a/x/deep"],
    "a/y": [],
    "a/x/deep": [],
}


def list_prefix(entity_type: EntityType, scope: str | None) -> Iterator[Listed]:
    """Two objects below each prefix, and the prefixes below it."""
    for prefix in TREE[scope]:
        yield ScopeOpened(TABLE, prefix)
    if scope is not None:
        for number in range(2):
            yield EntityDescriptor(TABLE, f"{scope}-{number}".replace("/", "_"), scope)
        yield ScopeListed(TABLE, scope, 2)


STORE = Shape(list_prefix, plain)


# --- one thing that is listed in two places, under one id ---


def list_shared(entity_type: EntityType, scope: str | None) -> Iterator[Listed]:
    """Two scopes: `t0` and `t1` are in both of them, `t2` in the second alone."""
    for place, number in (("here", 2), ("there", 3)):
        for each in range(number):
            yield EntityDescriptor(TABLE, f"t{each}", place)
        yield ScopeListed(TABLE, place, number)


SHARED = Shape(list_shared, plain)


def list_shared_and_described(entity_type: EntityType, scope: str | None) -> Iterator[Listed]:
    """The same, of a listing that describes what it lists."""
    for each in list_shared(entity_type, scope):
        yield plain(each, None) if isinstance(each, EntityDescriptor) else each


SHARED_AND_DESCRIBED = Shape(list_shared_and_described, plain)


# --- an incremental listing: what changed, and what was removed ---


def list_changes(entity_type: EntityType, scope: str | None) -> Iterator[Listed]:
    """Two changed tables, one removed."""
    for number in range(2):
        yield EntityDescriptor(TABLE, f"t{number}", "s")
    yield Removed(TABLE, "t9", "s")
    yield ScopeListed(TABLE, "s", 2, mode="changes")


CHANGES = Shape(list_changes, plain)
