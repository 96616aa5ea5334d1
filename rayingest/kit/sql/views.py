"""The lineage of a database's views, as a connector made of another: `postgres-lineage` of `postgres`.

Views are listed and described as ever; what is written is not the view but an edge from each table
that its statement reads. Where the tables are is asked of the catalogue once, before the run.
"""

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from pydantic import BaseModel

from rayingest.config.options import DatabaseLineage, DatabaseMetadata
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
from rayingest.kit.sql.known import Known
from rayingest.kit.sql.lineage import Reads, view_lineage
from rayingest.model import EntityType, Table

TABLE, DATABASE = EntityType.TABLE, EntityType.DATABASE


class Shared(NamedTuple):
    """What all sessions have: what the connector itself prepared, and the catalogue's tables."""

    own: Any
    known: Known


@dataclass(frozen=True, slots=True)
class ViewLineage:
    """A connector whose only facts are where views get their columns; `reads` understands their text."""

    base: Connector
    reads: Reads
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
        if not settings.options.processViewLineage:
            raise ConfigError(
                "processViewLineage is false, and there is no other lineage that is read yet.",
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
            yield ViewSource(source, self.reads, shared.known, others(settings))

    def check(self, settings: Settings) -> Iterator[CheckResult]:
        """What the connector checks."""
        return self.base.check(_of_views(settings))


@dataclass(frozen=True, slots=True)
class ViewSource:
    """A session that tells of views only where their columns come from."""

    source: DiscoverableSource
    reads: Reads
    known: Known
    others: tuple[str, ...] = ()

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
            yield from self._databases()
            return
        for each in self.source.discover_entities(entity_type, scope):
            yield self._edges(each) if isinstance(each, Described) else each

    def _databases(self) -> Iterator[Listed]:
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
        views = [each for each in described.entities if isinstance(each, Table)]
        facts = [
            edge
            for each in views
            for edge in view_lineage(each, self.known, self.reads, self.others)
        ]
        return Described(described.descriptor, (), facts)


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
