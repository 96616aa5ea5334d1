"""The lineage of a database, as a connector made of another: `postgres-lineage` of `postgres`.

Views are listed and described as ever; what is written is not the view but an edge from each table
that its statement reads. Where the tables are is asked of the catalogue once, before the run.
What the database has recorded itself (`kit.sql.flows`) has a listing of its own beside them.
"""

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, NamedTuple

from pydantic import BaseModel

from rayingest.config.options import DatabaseLineage, DatabaseMetadata
from rayingest.core import fqn
from rayingest.core.limits import Limit
from rayingest.core.source import (
    Batching,
    Cancellable,
    Capability,
    CheckResult,
    Connector,
    Described,
    DiscoverableSource,
    EntityDescriptor,
    Listed,
    Prepare,
    Processed,
    Readable,
    ScopeListed,
    ScopeOpened,
    Settings,
    calls_of,
)
from rayingest.errors import ConfigError
from rayingest.kit.sql import flows
from rayingest.kit.sql.flows import Recorded
from rayingest.kit.sql.known import Known
from rayingest.kit.sql.lineage import Reads, view_lineage
from rayingest.model import EntityType, Table

TABLE, DATABASE = EntityType.TABLE, EntityType.DATABASE


class Shared(NamedTuple):
    """What all sessions have: what the connector itself prepared, and the catalogue's tables."""

    own: Any
    known: Known


@dataclass(frozen=True, slots=True)
class Lineage:
    """A connector whose only facts are where tables get their columns.

    `reads` understands the text of views; `recorded` is what the database keeps of what fills tables.
    """

    base: Connector
    reads: Reads
    recorded: Recorded | None = None
    family: str = "lineage"
    types: tuple[EntityType, ...] = (TABLE,)

    @property
    def service_type(self) -> str:
        """See Connector."""
        return self.base.service_type

    @property
    def extra(self) -> str:
        """See Connector."""
        return self.base.extra

    @property
    def connection(self) -> type[BaseModel]:
        """See Connector."""
        return self.base.connection

    @property
    def dependencies(self) -> Mapping[EntityType, EntityType]:
        """Views wait for nobody: what they are in is there."""
        return {}

    @property
    def listed_by(self) -> Mapping[EntityType, EntityType]:
        """The listing of all opens one for each database."""
        return {}

    @property
    def batching(self) -> Mapping[EntityType, Batching]:
        """As many views at once as the connector likes tables."""
        return {TABLE: self.base.batching.get(TABLE, Batching())}

    @property
    def max_connections(self) -> int:
        """See Connector."""
        return self.base.max_connections

    @property
    def local(self) -> bool:
        """See Connector."""
        return self.base.local

    @property
    def listing_hides(self) -> bool:
        """See Connector."""
        return self.base.listing_hides

    @property
    def limits(self) -> tuple[Limit, ...]:
        """See Connector."""
        return self.base.limits

    @property
    def capabilities(self) -> frozenset[Capability]:
        """Lineage alone."""
        return frozenset({Capability.LINEAGE})

    @property
    def lacks(self) -> Mapping[Capability, str]:
        """See Connector."""
        return {}

    @property
    def prepare(self) -> Prepare:
        """List the tables of the service, and of those that views may read across."""
        return self._prepare

    def _prepare(self, settings: Settings, catalogue: Readable | None) -> Shared:
        flows.say_what_is_missing(self.recorded, settings)
        if not settings.options.processViewLineage and not flows.wanted(self.recorded, settings):
            raise ConfigError(
                "processViewLineage is false, and there is no other lineage that is read.",
                hint="Leave it out, or do not run this config.",
            )
        services = (settings.service, *others(settings))
        own = self.base.prepare(_of_views(settings), catalogue)
        return Shared(own, Known.of(catalogue, services))

    @contextmanager
    def open(self, settings: Settings, context: Any = None) -> Generator[DiscoverableSource]:
        """Connect as the connector does."""
        shared: Shared = context or Shared(None, Known())
        with self.base.open(_of_views(settings), shared.own) as source:
            reads = self.reads if settings.options.processViewLineage else None
            recorded = flows.wanted(self.recorded, settings)
            yield LineageSource(source, settings, shared.known, reads, recorded)

    def check(self, settings: Settings) -> Iterator[CheckResult]:
        """What the connector checks, and whether recorded lineage can be read."""
        views = _of_views(settings)
        recorded = flows.checked(self.recorded, lambda: self.base.open(views), settings)
        return chain(self.base.check(views), recorded)


@dataclass(frozen=True, slots=True)
class LineageSource:
    """A session that tells only where columns come from: of views, with `reads`, and as recorded."""

    source: DiscoverableSource
    settings: Settings
    known: Known
    reads: Reads | None
    recorded: Recorded | None = None

    @property
    def calls(self) -> int:
        """Calls of the session below."""
        return calls_of(self.source)

    def cancel(self) -> None:
        """Break off the call of the session below."""
        if isinstance(self.source, Cancellable):
            self.source.cancel()

    def get_parallelizable_entity_types(self) -> Sequence[EntityType]:
        """Views are tables to the catalogue."""
        return (TABLE,)

    def discover_entities(
        self, entity_type: EntityType, scope: str | None = None
    ) -> Iterator[Listed]:
        """Open each database; a database's listing has the views of all its schemas."""
        if scope is None:
            if self.recorded is not None:
                yield ScopeOpened(TABLE, flows.SCOPE)
            yield from self._databases()
            return
        if scope == flows.SCOPE and self.recorded is not None:
            yield from self._as_recorded(self.recorded)
            return
        for each in self.source.discover_entities(entity_type, scope):
            yield self._edges(each) if isinstance(each, Described) else each

    def _as_recorded(self, recorded: Recorded) -> Iterator[Listed]:
        found = recorded.flows(self.source, self.settings.options.queryLogDuration)
        elsewhere, told = others(self.settings), self.reads is not None
        yield from flows.listing(found, self.settings, self.known, elsewhere, told)

    def _databases(self) -> Iterator[Listed]:
        if self.reads is None:
            why = "processViewLineage is false"
            yield ScopeListed(TABLE, fqn.join(self.settings.service), 0, mode="changes", why=why)
            return
        for each in self.source.discover_entities(DATABASE):
            found = each.descriptor if isinstance(each, Described) else each
            if isinstance(found, EntityDescriptor):
                yield ScopeOpened(TABLE, found.id)
            elif isinstance(found, ScopeListed):
                yield _end_of(found)

    def process_entities(self, descriptors: Sequence[EntityDescriptor]) -> Iterator[Processed]:
        """Describe views, and keep their edges."""
        for each in self.source.process_entities(descriptors):
            yield self._edges(each) if isinstance(each, Described) else each

    def _edges(self, described: Described) -> Described:
        if self.reads is None:
            return Described(described.descriptor, ())
        told = [
            view_lineage(each, self.known, self.reads, others(self.settings))
            for each in described.entities
            if isinstance(each, Table)
        ]
        facts = [fact for each in told for fact in each.facts]
        # What is no view (any more) says nothing of its edges.
        whole = bool(told) and all(each.whole for each in told)
        return Described(described.descriptor, (), facts, whole=whole)


def _end_of(listed: ScopeListed) -> ScopeListed:
    """The end of the listing of databases as that of views: it has none itself."""
    return ScopeListed(
        TABLE, listed.scope, 0, complete=listed.complete, mode="changes", why=listed.why
    )


def others(settings: Settings) -> tuple[str, ...]:
    """Services besides its own that views may read across."""
    options: DatabaseLineage = settings.options
    if not options.processCrossDatabaseLineage:
        return ()
    return tuple(each for each in options.crossDatabaseServiceNames if each != settings.service)


def _of_views(settings: Settings) -> Settings:
    """Settings that make a connector read views and nothing else."""
    options = DatabaseMetadata(
        includeTables=False, includeStoredProcedures=False, includeTags=False
    )
    return replace(settings, options=options)
