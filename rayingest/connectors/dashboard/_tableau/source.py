"""Tableau as a source: workbooks by one call each, data sources by one question for many."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from rayingest.connectors.dashboard._tableau import data_sources
from rayingest.connectors.dashboard._tableau.entities import MODEL, Context, Place
from rayingest.connectors.dashboard._tableau.metadata import Metadata
from rayingest.connectors.dashboard._tableau.session import Tableau
from rayingest.core.source import (
    Described,
    EntityDescriptor,
    Failed,
    Listed,
    Processed,
    ScopeListed,
    Settings,
)
from rayingest.errors import Forbidden, Gone, Permanent, SourceError
from rayingest.kit.rest.kinds import Found, Kind, Site
from rayingest.kit.rest.source import RestSource
from rayingest.model import EntityType


class TableauSource(RestSource):
    """A session, for one thread at a time. What there is of data sources, `prepare` has listed."""

    def __init__(
        self,
        kinds: Mapping[EntityType, Kind],
        api: Tableau,
        settings: Settings,
        context: Context,
    ) -> None:
        super().__init__(kinds, api, settings, context)
        connection = settings.connection
        url = (connection.proxyURL or api.url).rstrip("/")
        place = Place(self._service, url, connection.siteName or "")
        self._site = Site(place, settings, context)
        self._metadata = Metadata(api, connection.paginationLimit)

    def discover_entities(
        self, entity_type: EntityType, scope: str | None = None
    ) -> Iterator[Listed]:
        """Names only."""
        if entity_type is not MODEL:
            yield from super().discover_entities(entity_type, scope)
        elif MODEL in self._kinds:
            yield from self._data_sources()

    def _data_sources(self) -> Iterator[Listed]:
        context = self._site.context
        count, filtered = 0, context.left_out
        for found in self._found_data_sources():
            if not self._site.takes(MODEL, found):
                filtered += 1
                continue
            count += 1
            yield EntityDescriptor(MODEL, found.fqn, self._service, metadata=dict(found.metadata))
        why = context.incomplete
        yield ScopeListed(
            MODEL, self._service, count, complete=why is None, why=why, filtered=filtered
        )

    def _found_data_sources(self) -> Iterator[Found]:
        context = self._site.context
        for raw in context.published.values():
            yield data_sources.published_found(raw, self._site)
        for several in context.embedded.values():
            for each in several:
                yield data_sources.embedded_found(each, self._site)

    def process_entities(self, descriptors: Sequence[EntityDescriptor]) -> Iterator[Processed]:
        """Workbooks one by one; published and embedded data sources by a question for each kind."""
        workbooks = [each for each in descriptors if each.type is not MODEL]
        yield from super().process_entities(workbooks)
        published, embedded = _by_key(descriptors, "published"), _by_key(descriptors, "embedded")
        for key, node in self._metadata.published(list(published)):
            yield self._made(published[key], node or _NOT_INDEXED, data_sources.published)
        for key, node in self._metadata.embedded(list(embedded)):
            yield self._made(embedded[key], node or _VANISHED, data_sources.embedded)

    def _made(
        self, descriptor: EntityDescriptor, node: Any, describe: Callable[..., Described]
    ) -> Processed:
        if isinstance(node, SourceError):
            return Failed(descriptor, node)
        try:
            return describe(descriptor, self._site, node)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            said = f"{type(error).__name__}: {error}"
            return Failed(
                descriptor, Permanent(f"The Metadata API's answer is not understood: {said}.")
            )


_VANISHED = Gone("The Metadata API does not know this data source any more.")
_NOT_INDEXED = Forbidden(
    "The Metadata API does not tell of a data source that REST lists.",
    hint="It was published a moment ago, or the account may not see its fields.",
)


def _by_key(descriptors: Sequence[EntityDescriptor], kind: str) -> Mapping[str, EntityDescriptor]:
    return {each.metadata[kind]: each for each in descriptors if kind in each.metadata}
