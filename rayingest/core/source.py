"""The contract between a connector and whatever runs it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, Protocol, runtime_checkable

import msgspec
from pydantic import BaseModel

from rayingest.core.filters import Filters
from rayingest.core.limits import UNLIMITED, Limit, Limiter
from rayingest.errors import RayingestError
from rayingest.model import Entity, EntityType, Fact


class Capability(StrEnum):
    """What a source can tell; `check`, `lacks`, grades and the connector table speak of these."""

    DATABASES = "databases"
    SCHEMAS = "schemas"
    TABLES = "tables"
    COLUMNS = "columns"
    KEYS = "keys"
    COMMENTS = "comments"
    VIEWS = "views"
    PARTITIONS = "partitions"
    PROCEDURES = "procedures"
    OWNERS = "owners"
    DDL = "ddl"
    TAGS = "tags"
    LINEAGE = "lineage"
    USAGE = "usage"
    PROFILE = "profile"
    INCREMENTAL = "incremental"
    DASHBOARDS = "dashboards"
    CHARTS = "charts"
    DATA_MODELS = "dataModels"
    PROJECTS = "projects"


class Grade(StrEnum):
    """How well a connector is proven, best first (docs/connectors.md)."""

    CERTIFIED = "certified"
    COMPATIBLE = "compatible"
    EMULATED = "emulated"
    CONTRACT = "contract"
    COMPILED = "compiled"
    DECLARED = "declared"


class EntityDescriptor(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A cheap pointer to one entity: enough to describe it later, on any worker.

    * `id` identifies it among its type in the run; for databases the FQN.
    * `scope` is the container whose listing found it; with a parent type, the parent's `id`.
    * `batch`: one session can describe descriptors of the same `batch` at once.
    * `metadata`: small strings for the source alone. Never a secret; all in all < 1 kB.
    * `token`: while it stays the same, an incremental run does not ask for the descriptor. Only where
      it covers all that is described; what it leaves out is read again after `lookbackDays`.
    """

    type: EntityType
    id: str
    scope: str = ""
    batch: str = ""
    metadata: dict[str, str] = {}
    priority: int = 0
    token: str | None = None


class ScopeOpened(msgspec.Struct, frozen=True, gc=False):
    """A scope that wants a listing of its own: the engine calls `discover_entities(type, scope)`.

    This is how a source lists scopes first, so that they are listed in parallel.
    """

    type: EntityType
    scope: str


class ScopeListed(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The end of one scope's listing: `count` descriptors of `type` were yielded for it.

    Only a complete snapshot may lead to a deletion; a listing that could not be completed says so
    and `why`. `filtered` counts what the user's filters dropped.
    """

    type: EntityType
    scope: str
    count: int
    complete: bool = True
    mode: Literal["snapshot", "changes"] = "snapshot"
    why: str | None = None
    filtered: int = 0


class Removed(msgspec.Struct, frozen=True, gc=False):
    """A change listing says that this entity no longer exists."""

    type: EntityType
    id: str
    scope: str


class Part(msgspec.Struct, frozen=True, array_like=True):
    """A shard's contribution: `combine` sees all parts of one scope together."""

    key: str
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Described:
    """What a descriptor turned out to be: its entities in writing order, facts, new descriptors.

    `parts` are kept until the descriptor's scope has settled and are combined then. `whole`: these are
    all the facts that there are of it, so that what it told once and does not tell now is no more.
    """

    descriptor: EntityDescriptor
    entities: Sequence[Entity]
    facts: Sequence[Fact] = ()
    children: Sequence[EntityDescriptor] = ()
    parts: Sequence[Part] = ()
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Failed:
    """One descriptor that could not be described; its neighbours can."""

    descriptor: EntityDescriptor
    error: RayingestError


@dataclass(frozen=True, slots=True)
class Pending:
    """The source works on this one: ask again in `wait` seconds, with `again` instead.

    `again` has the type, id and scope of `descriptor`; its `metadata` may name the source's job (never a
    secret), its `batch` what is best asked for together. It is recorded: a resumed run asks with it,
    and no job is begun twice. The first one, and each with another `batch` than before, is recorded
    before anything else is asked. Meanwhile no thread, session or limit is held.
    """

    descriptor: EntityDescriptor
    again: EntityDescriptor
    wait: float


Listed = EntityDescriptor | Described | ScopeOpened | ScopeListed | Removed
Processed = Described | Failed | Pending


class DiscoverableSource(Protocol):
    """A live session with one source system, owned by one thread at a time."""

    def get_parallelizable_entity_types(self) -> Sequence[EntityType]:
        """Types that can be discovered, parents first."""
        ...

    def discover_entities(
        self, entity_type: EntityType, scope: str | None = None
    ) -> Iterator[Listed]:
        """List entities by name only: the cheap half. Raises what stopped the listing."""
        ...

    def process_entities(self, descriptors: Sequence[EntityDescriptor]) -> Iterator[Processed]:
        """Describe these entities (all of one `batch`) in full, in any order, one answer for each.

        Raising in the middle is allowed: what was yielded counts, the engine sees to the rest.
        """
        ...


@runtime_checkable
class Combining(Protocol):
    """A connector whose shards are summed up: usage by day out of hours of a query log.

    It is asked once per scope, in the driver, when every member of the scope has ended well; a
    failed shard withholds its scope's result.
    """

    @property
    def combines(self) -> Mapping[EntityType, Callable[[str, Sequence[Part]], Described]]:
        """Type of the shards -> what makes one description out of a scope's parts."""
        ...


@runtime_checkable
class Cancellable(Protocol):
    """A session whose running call another thread can break off."""

    def cancel(self) -> None:
        """Make the running call raise; called from another thread, must return at once."""
        ...


@runtime_checkable
class Counted(Protocol):
    """A session that counts its calls (statements, requests) to the source."""

    @property
    def calls(self) -> int:
        """Calls since the session was opened."""
        ...


def calls_of(source: DiscoverableSource | None) -> int:
    """Calls that a session made, when it counts them."""
    return int(getattr(source, "calls", 0))


class CheckResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of `rayingest check`: `status` is ok, warning, denied or failed; `grant` mends it."""

    capability: str
    status: Literal["ok", "warning", "denied", "failed"]
    why: str | None = None
    grant: str | None = None


@dataclass(frozen=True, slots=True)
class Batching:
    """How many descriptors one call may describe: chunks stay within `min`..`max`."""

    min: int = 1
    max: int = 500
    whole_scope: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """What a connector is opened with.

    `connection` is an instance of the connector's connection model, `options` of the config's
    model of `sourceConfig.config`; both may hold `SecretStr`. `call_timeout` is in seconds. A source
    whose connector has limits asks `limiter` before each call that one of them is about.
    """

    service: str
    connection: Any
    options: Any
    filters: Filters
    call_timeout: float = 300.0
    limiter: Limiter = UNLIMITED


class Readable(Protocol):
    """What a connector may ask a sink while it prepares: the read side (see core.sink.Catalogue)."""

    def list(
        self, entity_type: EntityType, scope: str, *, full: bool = False
    ) -> Iterator[dict[str, object]]:
        """Entities of a type below an FQN. Raises SinkError."""
        ...


Prepare = Callable[["Settings", "Readable | None"], Any]


def no_context(settings: Settings, catalogue: Readable | None) -> None:
    """Prepare nothing."""


class Connector(Protocol):
    """How to open a source: a frozen value until `open` is called."""

    @property
    def service_type(self) -> str:
        """OpenMetadata's CamelCase service type, `Postgres`."""
        ...

    @property
    def family(self) -> str:
        """`database`, `dashboard`, `pipeline`, …"""
        ...

    @property
    def extra(self) -> str:
        """The pip extra that brings the driver ('' when none is needed)."""
        ...

    @property
    def connection(self) -> type[BaseModel]:
        """The pydantic model of `serviceConnection.config`."""
        ...

    @property
    def types(self) -> tuple[EntityType, ...]:
        """Types that can be discovered, parents first."""
        ...

    @property
    def dependencies(self) -> Mapping[EntityType, EntityType]:
        """Child type -> type of the entity whose id is the child's `scope`; the child waits for it."""
        ...

    @property
    def listed_by(self) -> Mapping[EntityType, EntityType]:
        """Type -> the type whose listing yields or opens it; the others are listed from the root."""
        ...

    @property
    def batching(self) -> Mapping[EntityType, Batching]:
        """Bounds of a chunk per type; types not named take singles."""
        ...

    @property
    def max_connections(self) -> int:
        """The most sessions that may be open at the source in one run."""
        ...

    @property
    def local(self) -> bool:
        """Whether only this machine can open it (a file): no worker elsewhere could."""
        ...

    @property
    def listing_hides(self) -> bool:
        """Whether a listing leaves out, without a word, what the account may not see."""
        ...

    @property
    def limits(self) -> tuple[Limit, ...]:
        """The vendor's documented limits."""
        ...

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What the connector can tell."""
        ...

    @property
    def lacks(self) -> Mapping[Capability, str]:
        """Known gaps and why."""
        ...

    @property
    def prepare(self) -> Prepare:
        """Build once per run what is expensive and shared; holds no secret; must pickle.

        The catalogue is None where the sink has nothing to read.
        """
        ...

    def open(
        self, settings: Settings, context: Any = None
    ) -> AbstractContextManager[DiscoverableSource]:
        """Connect. Raises Unauthorised, Unreachable, MissingDriver or ConfigError."""
        ...

    def check(self, settings: Settings) -> Iterator[CheckResult]:
        """Try what a run would need, one line per capability."""
        ...


@runtime_checkable
class Varied(Protocol):
    """A connector that others are made of, for other workflows: `postgres-lineage` is one of `postgres`."""

    @property
    def variants(self) -> Mapping[str, Connector]:
        """By the name of the workflow: `lineage`."""
        ...


@dataclass(frozen=True, slots=True)
class OneByOne:
    """Adapts a function that describes a single descriptor to `process_entities`."""

    process_entity: Callable[[EntityDescriptor], Described]
    catch: tuple[type[RayingestError], ...] = field(default=(RayingestError,))

    def __call__(self, descriptors: Iterable[EntityDescriptor]) -> Iterator[Processed]:
        """Answer each descriptor by itself."""
        for descriptor in descriptors:
            try:
                yield self.process_entity(descriptor)
            except self.catch as error:
                yield Failed(descriptor, error)


def one_by_one(
    process_entity: Callable[[EntityDescriptor], Described],
) -> Callable[[Iterable[EntityDescriptor]], Iterator[Processed]]:
    """Make `process_entities` of a source that has only `process_entity`."""
    return OneByOne(process_entity)
