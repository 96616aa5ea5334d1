"""A source of any size and any misfortune: the fault-injecting connector of the tests and benchmarks.

Its behaviour is in the names: an entity called `e-7` is plain, `poison-3` kills its process, `crash-4` does
so as a driver's own code may, `hang-1` never returns, `bad-2` fails, `flaky-5` fails the first time, `busy-6` is refused for lack of room the first time, `slow-…` takes long, `gone-…` vanished,
`lost-…` breaks the question that it is part of, `cut-…` loses its session once, `silent-…` gets no answer,
`fat-…` makes its process hold `fat_bytes` more for ever.
"""

import ctypes
import os
import random
import signal
import threading
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from rayingest.core import fqn
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
    Processed,
    ScopeListed,
    ScopeOpened,
    Settings,
    no_context,
)
from rayingest.errors import (
    Denied,
    Gone,
    Permanent,
    RayingestError,
    Retryable,
    SessionLost,
    Throttled,
)
from rayingest.model import (
    Column,
    Database,
    DatabaseSchema,
    DatabaseService,
    Entity,
    EntityType,
    Table,
)
from rayingest.workflows.stage import Opened

_leaked: list[bytes] = []


class ChaosConnection(BaseModel):
    """What should happen. Seconds are real time; `notes` is a folder that outlives processes.

    With a `url` each table costs a GET below it, under the limit `api`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    scopes: int = 4
    entities: int = 25
    seconds: float = 0.0
    straggler_seconds: float = 0.0
    odd: tuple[str, ...] = ()
    entity_columns: int = 1
    describe: bool = True
    shuffle: bool = False
    kill_listing_at: int = -1
    listing_error_at: int = -1
    notes: str = ""
    url: str = ""
    fat_bytes: int = 0


@dataclass(frozen=True)
class Chaos:
    """The connector; also its own stage, so that it can be run without a config file."""

    service_type: str = "CustomDatabase"
    family: str = "database"
    extra: str = ""
    connection: type[BaseModel] = ChaosConnection
    types: tuple[EntityType, ...] = (
        EntityType.DATABASE,
        EntityType.DATABASE_SCHEMA,
        EntityType.TABLE,
    )
    dependencies: Mapping[EntityType, EntityType] = field(
        default_factory=lambda: {
            EntityType.DATABASE_SCHEMA: EntityType.DATABASE,
            EntityType.TABLE: EntityType.DATABASE_SCHEMA,
        }
    )
    listed_by: Mapping[EntityType, EntityType] = field(
        default_factory=lambda: {
            EntityType.DATABASE_SCHEMA: EntityType.DATABASE,
            EntityType.TABLE: EntityType.DATABASE_SCHEMA,
        }
    )
    batching: Mapping[EntityType, Batching] = field(
        default_factory=lambda: {EntityType.TABLE: Batching(1, 5)}
    )
    max_connections: int = 1000
    local: bool = False
    listing_hides: bool = False
    limits: tuple[Limit, ...] = ()
    capabilities: frozenset[Capability] = frozenset({Capability.TABLES, Capability.COLUMNS})
    lacks: Mapping[Capability, str] = field(default_factory=dict)
    prepare: Any = no_context

    @contextmanager
    def open(self, settings: Settings, context: Any = None) -> Generator["ChaosSource"]:
        """See Connector."""
        source = ChaosSource(settings)
        try:
            yield source
        finally:
            source.close()

    def check(self, settings: Settings) -> Iterator[CheckResult]:
        """See Connector."""
        yield CheckResult("tables", "ok")


CONNECTOR = Chaos()


class ChaosSource:
    """A session with a source that misbehaves as it is told."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.config: ChaosConnection = settings.connection
        self.calls = 0
        self._client: Any = None
        self._cancelled = threading.Event()

    def close(self) -> None:
        """End its session with the server."""
        if self._client is not None:
            self._client.close()

    def get_parallelizable_entity_types(self) -> Sequence[EntityType]:
        """See DiscoverableSource."""
        return CONNECTOR.types

    def names(self, scope: int) -> list[str]:
        """Names of one scope's entities; the odd ones are spread over the scopes."""
        plain = [f"e-{number}" for number in range(self.config.entities)]
        odd = [name for at, name in enumerate(self.config.odd) if at % self.config.scopes == scope]
        return plain + odd

    def discover_entities(
        self, entity_type: EntityType, scope: str | None = None
    ) -> Iterator[Listed]:
        """See DiscoverableSource."""
        self.calls += 1
        database = fqn.join(self.settings.service, "chaos")
        service = fqn.join(self.settings.service)
        if entity_type is EntityType.DATABASE:
            yield EntityDescriptor(EntityType.DATABASE, database, service, "chaos")
            yield ScopeListed(EntityType.DATABASE, service, 1)
            yield ScopeOpened(EntityType.DATABASE_SCHEMA, database)
            return
        for at, item in enumerate(self._schemas(database)):
            if at == self.config.kill_listing_at and self._first_time("listing"):
                os.kill(os.getpid(), signal.SIGKILL)
            if at == self.config.listing_error_at and self._first_time("listing"):
                raise Retryable("the listing broke off")
            yield item

    def _schemas(self, database: str) -> Iterator[Listed]:
        order = list(range(self.config.scopes))
        chance = random.Random(os.getpid() if self.config.shuffle else 0)  # noqa: S311
        if self.config.shuffle:
            chance.shuffle(order)
        for number in order:
            schema = fqn.child(database, f"s{number}")
            yield EntityDescriptor(EntityType.DATABASE_SCHEMA, schema, database, "chaos")
            names = self.names(number)
            if self.config.shuffle:
                chance.shuffle(names)
            for name in names:
                yield EntityDescriptor(
                    EntityType.TABLE, fqn.child(schema, name), schema, "chaos", {"name": name}
                )
            yield ScopeListed(EntityType.TABLE, schema, len(names))
        yield ScopeListed(EntityType.DATABASE_SCHEMA, database, len(order))

    def process_entities(self, descriptors: Sequence[EntityDescriptor]) -> Iterator[Processed]:
        """See DiscoverableSource."""
        for descriptor in descriptors:
            self.calls += 1
            if descriptor.metadata.get("name", "").startswith("silent-"):
                continue
            error = self._misfortune(descriptor)
            if error is None:
                yield Described(descriptor, self._entities(descriptor))
            else:
                yield Failed(descriptor, error)

    def _misfortune(self, descriptor: EntityDescriptor) -> RayingestError | None:
        name = descriptor.metadata.get("name", "")
        kind = name.partition("-")[0]
        self._disaster(kind, name)
        if (error := self._answered_badly(kind, name)) is not None:
            return error
        if descriptor.type is EntityType.TABLE and self.config.url:
            return self._ask(name)
        if descriptor.type is EntityType.TABLE:
            seconds = self.config.straggler_seconds if kind == "slow" else self.config.seconds
            if seconds:
                time.sleep(seconds)
        return None

    def _answered_badly(self, kind: str, name: str) -> RayingestError | None:
        match kind:
            case "bad":
                return Permanent(f"cannot describe {name!r}")
            case "gone":
                return Gone(f"{name} vanished")
            case "denied":
                return Denied(f"permission denied for {name!r}", hint=f"GRANT SELECT ON {name}")
            case "flaky" if self._first_time(name):
                return Retryable(f"{name} is busy")
            case "busy" if self._first_time(name):
                return Throttled(f"429 at {name}", 0.01)
        return None

    def _ask(self, name: str) -> Throttled | None:
        client = self._http()  # before a call is allowed: it takes its time
        try:
            with self.settings.limiter.call("api", "table"):
                _refused(client.get(f"{self.config.url}/{name}"), name)
        except Throttled as error:
            return error
        return None

    def _http(self) -> Any:
        if self._client is None:
            import httpx2

            self._client = httpx2.Client(timeout=60)
        return self._client

    def _disaster(self, kind: str, name: str) -> None:
        """What breaks more than one answer: the process, the thread, the session, the batch."""
        if kind == "poison" or (kind == "once" and self._first_time(name)):
            os.kill(os.getpid(), signal.SIGKILL)
        if kind == "crash":
            ctypes.string_at(0)  # as a driver's own code may
        if kind == "fat":
            _leaked.append(bytes(bytearray(b"x") * self.config.fat_bytes))
        if kind == "hang":
            threading.Event().wait()
        if kind == "raise":
            raise ValueError(f"a fault in the connector at {name}")
        if kind == "lost":
            raise Retryable(f"the connection broke at {name}")
        if kind == "cut" and self._first_time(name):
            raise SessionLost(f"the server closed the connection at {name}")

    def _first_time(self, what: str) -> bool:
        """Whether no process noted this before."""
        try:
            (Path(self.config.notes) / what).touch(exist_ok=False)
        except FileExistsError:
            return False
        return True

    def _entities(self, descriptor: EntityDescriptor) -> tuple[Entity, ...]:
        if not self.config.describe:
            return ()
        name = fqn.split(descriptor.id)[-1]
        match descriptor.type:
            case EntityType.DATABASE:
                return (Database(name=name, fqn=descriptor.id, service=descriptor.scope),)
            case EntityType.DATABASE_SCHEMA:
                return (DatabaseSchema(name=name, fqn=descriptor.id, database=descriptor.scope),)
            case _:
                columns = tuple(
                    Column(name=f"c{at}", data_type="INT", ordinal_position=at + 1)
                    for at in range(self.config.entity_columns)
                )
                return (
                    Table(
                        name=name,
                        fqn=descriptor.id,
                        database_schema=descriptor.scope,
                        columns=columns,
                    ),
                )


def _refused(answer: Any, name: str) -> None:
    """Raises Throttled when a server has no room for us now."""
    if answer.status_code in (429, 503):
        wait = answer.headers.get("Retry-After")
        raise Throttled(f"{answer.status_code} at {name}", float(wait) if wait else None)
    answer.raise_for_status()


@dataclass(frozen=True)
class ChaosStage:
    """A stage of its own: the chaos source into any sink; `connector` may have other bounds."""

    sink: Sink
    connection: ChaosConnection = field(default_factory=ChaosConnection)
    service: str = "chaos"
    call_timeout: float = 300.0
    name: str = "chaos"
    variables: tuple[str, ...] = ()
    connector: Chaos = CONNECTOR

    def without(self, present: Sequence[str]) -> "ChaosStage":
        """See Stage."""
        return self

    def open(self, environ: Mapping[str, str]) -> Opened:
        """See Stage."""
        settings = Settings(self.service, self.connection, None, Filters(), self.call_timeout)
        return Opened(self.connector, settings, self.sink)

    def root(self) -> Described:
        """See Stage."""
        name = fqn.join(self.service)
        entity = DatabaseService(name=self.service, fqn=name, service_type="CustomDatabase")
        return Described(EntityDescriptor(EntityType.DATABASE_SERVICE, name), (entity,))
