"""A session with Unity Catalog: its listings tell all of a thing, so most is described when it is found."""

from collections.abc import Iterator, Sequence

from rayingest.connectors.database._unity import entities
from rayingest.connectors.database._unity.api import Raw, catalogs, is_hidden, members, one
from rayingest.connectors.database._unity.facets import NOTHING, Facets
from rayingest.connectors.database._unity.flows import recorded
from rayingest.core import fqn
from rayingest.core.source import (
    Described,
    EntityDescriptor,
    Listed,
    Processed,
    ScopeOpened,
    Settings,
    one_by_one,
)
from rayingest.errors import ConfigError, Permanent
from rayingest.kit.rest.api import Api
from rayingest.kit.sql.facts import Wants
from rayingest.kit.sql.flows import Flow
from rayingest.kit.sql.listing import Tally
from rayingest.kit.sql.spec import TYPES
from rayingest.model import Entity, EntityType

DATABASE, SCHEMA, TABLE, PROCEDURE = TYPES
OPENS = {DATABASE: (SCHEMA,), SCHEMA: (TABLE, PROCEDURE)}
DESCRIBE = {
    DATABASE: entities.database,
    SCHEMA: entities.schema,
    TABLE: entities.table,
    PROCEDURE: entities.function,
}


class UnitySource:
    """For one thread at a time; `facets` is what no listing tells."""

    def __init__(self, api: Api, settings: Settings, facets: Facets | None) -> None:
        self._api = api
        self._settings = settings
        self._facets = facets or NOTHING
        self._wants = Wants.of(settings.options)
        self._types = self._wants.types
        self._service = fqn.join(settings.service)

    @property
    def calls(self) -> int:
        """Requests so far."""
        return self._api.calls

    def flows(self, days: int) -> Iterator[Flow]:
        """What filled tables in the last days."""
        return recorded(self._api, self._settings, days)

    def close(self) -> None:
        """End the session."""
        self._api.close()

    def get_parallelizable_entity_types(self) -> Sequence[EntityType]:
        """Types that the options want."""
        return self._types

    def discover_entities(
        self, entity_type: EntityType, scope: str | None = None
    ) -> Iterator[Listed]:
        """List catalogs, the schemas of a catalog, the tables or functions of a schema."""
        if entity_type not in self._types:
            return
        for within in self._places(entity_type, scope):
            yield from self._listing(entity_type, within)

    def process_entities(self, descriptors: Sequence[EntityDescriptor]) -> Iterator[Processed]:
        """A call for each: for what a listing told too little of, or is asked for by name."""
        return one_by_one(self._described)(descriptors)

    def _places(self, entity_type: EntityType, scope: str | None) -> Iterator[tuple[str, ...]]:
        """Containers whose listing of this type was asked for, by their names below the service."""
        depth = {DATABASE: 0, SCHEMA: 1}.get(entity_type, 2)
        parts = fqn.split(scope) if scope else [self._settings.service]
        if parts[0] != self._settings.service or len(parts) - 1 > depth:
            raise ConfigError(
                f"{scope!r} is no place in {self._service!r} that has {entity_type}s."
            )
        yield from self._below(tuple(parts[1:]), depth)

    def _below(self, names: tuple[str, ...], depth: int) -> Iterator[tuple[str, ...]]:
        if len(names) == depth:
            yield names
            return
        level = DATABASE if not names else SCHEMA
        tally = Tally(level, fqn.child(self._service, *names))
        for raw in self._found(level, names):
            if self._taken(tally, raw, names) is not None:
                yield from self._below((*names, raw["name"]), depth)

    def _listing(self, entity_type: EntityType, within: tuple[str, ...]) -> Iterator[Listed]:
        scope = fqn.child(self._service, *within)
        tally = Tally(entity_type, scope)
        for raw in self._found(entity_type, within):
            descriptor = self._taken(tally, raw, within)
            if descriptor is None:
                continue
            yield self._told(descriptor, raw)
            for each in OPENS.get(entity_type, ()):
                if each in self._types:
                    yield ScopeOpened(each, descriptor.id)
        yield tally.end(partial=self._partial(entity_type))

    def _found(self, entity_type: EntityType, within: tuple[str, ...]) -> Iterator[Raw]:
        connection = self._settings.connection
        if entity_type is DATABASE:
            yield from catalogs(self._api, connection.catalog)
            return
        only = (connection.databaseSchema or "").lower() if entity_type is SCHEMA else ""
        for each in members(self._api, entity_type, *within):
            if only and each["name"].lower() != only:
                continue
            if entity_type is not TABLE or self._wanted(each):
                yield each

    def _wanted(self, raw: Raw) -> bool:
        is_view = raw.get("table_type") in entities.VIEWS
        return self._wants.views if is_view else self._wants.tables

    def _taken(self, tally: Tally, raw: Raw, within: tuple[str, ...]) -> EntityDescriptor | None:
        """The descriptor of what the patterns keep."""
        name = raw["name"]
        identity = fqn.child(tally.scope, name)
        if not self._settings.filters.keeps(tally.type, name, identity):
            tally.filtered += 1
            return None
        if not tally.takes(name, identity):
            return None
        path = (*within, name)
        metadata = {"name": name} | ({"schema": path[1]} if len(path) > 1 else {})
        return EntityDescriptor(tally.type, identity, tally.scope, path[0], metadata)

    def _told(self, descriptor: EntityDescriptor, raw: Raw) -> EntityDescriptor | Described:
        """What the listing tells; what it does not tell rightly is left to be asked for, and to fail alone."""
        if descriptor.type is TABLE and is_hidden(raw):
            return descriptor
        try:
            return Described(descriptor, (self._entity(descriptor, raw),))
        except (KeyError, TypeError, ValueError, AttributeError):
            return descriptor

    def _described(self, descriptor: EntityDescriptor) -> Described:
        names = _names(descriptor)
        raw = one(self._api, descriptor.type, *names)
        try:
            return Described(descriptor, (self._entity(descriptor, raw),))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            said = f"{type(error).__name__}: {error}"
            raise Permanent(
                f"What is told of {'.'.join(names)} is not understood: {said}"
            ) from error

    def _entity(self, descriptor: EntityDescriptor, raw: Raw) -> Entity:
        describe = DESCRIBE[descriptor.type]
        return describe(raw, descriptor, self._wants, self._facets)

    def _partial(self, entity_type: EntityType) -> str | None:
        if entity_type is TABLE and not (self._wants.tables and self._wants.views):
            return f"{'includeViews' if self._wants.tables else 'includeTables'} is false"
        return None


def _names(descriptor: EntityDescriptor) -> list[str]:
    """Its full name: catalog, schema, name, as many as its type has."""
    name = descriptor.metadata["name"]
    if descriptor.type is DATABASE:
        return [name]
    if descriptor.type is SCHEMA:
        return [descriptor.batch, name]
    return [descriptor.batch, descriptor.metadata["schema"], name]
