"""Looker as a source: one call lists many dashboards, one call describes one."""

import logging
from collections.abc import Iterator, Sequence

from rayingest.connectors.dashboard._looker import data_models, entities, lookml, names
from rayingest.connectors.dashboard._looker.entities import Context, Explore
from rayingest.connectors.dashboard._looker.names import Place
from rayingest.connectors.dashboard._looker.shared import address, connect
from rayingest.core import fqn
from rayingest.core.source import (
    Described,
    EntityDescriptor,
    Listed,
    Processed,
    ScopeListed,
    Settings,
    one_by_one,
)
from rayingest.errors import Denied, Forbidden, Gone, Permanent
from rayingest.kit.dashboards import edge, viewed
from rayingest.model import EntityType, Fact

DASHBOARD, MODEL = EntityType.DASHBOARD, EntityType.DASHBOARD_DATA_MODEL
TYPES = (MODEL, DASHBOARD)
_log = logging.getLogger(__name__)


class LookerSource:
    """A session, for one thread at a time."""

    def __init__(self, settings: Settings, context: Context | None) -> None:
        self.settings = settings
        self.context = context or Context()
        self._looker = connect(settings)
        self._place = Place(
            fqn.join(settings.service),
            address(settings.connection.hostPort),
            settings.options.includeTags,
            self.context.unusual,
        )

    def close(self) -> None:
        """End the session."""
        self._looker.close()

    @property
    def calls(self) -> int:
        """Requests so far."""
        return self._looker.calls

    def get_parallelizable_entity_types(self) -> Sequence[EntityType]:
        """Data models and dashboards."""
        return TYPES

    # --- discovery ---

    def discover_entities(
        self, entity_type: EntityType, scope: str | None = None
    ) -> Iterator[Listed]:
        """Names only."""
        if entity_type is MODEL:
            yield from self._explores()
        else:
            yield from self._dashboards()

    def _dashboards(self) -> Iterator[Listed]:
        service, filters = self._place.service, self.settings.filters
        count = filtered = 0
        taken: dict[str, names.Parts] = {}  # of LookML dashboards; others are numbers
        for each in self._looker.dashboards("id,title,folder"):
            identity = str(each.id)
            parts = names.parts(identity)
            called = names.claim(parts, taken) if len(parts) > 1 else identity
            name, whole = each.title or identity, self._place.named(called)
            folder = str(each.folder.id) if each.folder is not None else ""
            kept = filters.keeps(DASHBOARD, name, whole) and filters.keeps_project(
                entities.project(each, self.context) or ""
            )
            if not kept or (not filters.drafts and folder in self.context.personal):
                filtered += 1
                continue
            count += 1
            yield EntityDescriptor(DASHBOARD, whole, service, metadata={"id": identity})
        yield ScopeListed(DASHBOARD, service, count, filtered=filtered)

    def _explores(self) -> Iterator[Listed]:
        service, filters = self._place.service, self.settings.filters
        if not self.settings.options.includeDataModels:
            return
        count = filtered = 0
        known, project = self.context.explores, self.context.project
        for model, name in self._looker.explores() if known is None else known:
            whole = self._place.model(model, name)
            if not filters.keeps(MODEL, name, whole):
                filtered += 1
                continue
            count += 1
            where = {"model": model, "explore": name}
            yield EntityDescriptor(MODEL, whole, service, metadata=where)
        for name in project.views:
            whole = self._place.view(project.name, name)
            if not filters.keeps(MODEL, name, whole):
                filtered += 1
                continue
            count += 1
            yield EntityDescriptor(MODEL, whole, service, metadata={"view": name})
        yield ScopeListed(MODEL, service, count, filtered=filtered)

    # --- processing ---

    def process_entities(self, descriptors: Sequence[EntityDescriptor]) -> Iterator[Processed]:
        """One call for each."""
        return one_by_one(self._described)(descriptors)

    def _described(self, descriptor: EntityDescriptor) -> Described:
        describe = self._explore if descriptor.type is MODEL else self._dashboard
        try:
            return describe(descriptor)
        except Denied as error:
            raise Forbidden(
                str(error), hint="Give the user of the API key access to the folder, or the model."
            ) from None

    def _dashboard(self, descriptor: EntityDescriptor) -> Described:
        raw = self._looker.dashboard(descriptor.metadata["id"], entities.DASHBOARD)
        if raw.deleted:
            raise Gone(f"dashboard {raw.id} was moved to the trash")
        called = fqn.split(descriptor.id)[-1]
        filters, asked = self.settings.filters, entities.suggesting(raw)
        kept = []
        for chart, explores, merged in entities.charts(raw, called, self._place):
            if filters.keeps(EntityType.CHART, chart.display_name or chart.name, chart.fqn):
                kept.append(chart)
                asked |= self._merged(merged, chart.fqn) if merged else explores
        known = [self._place.model(*each) for each in sorted(asked) if self._has(*each)]
        made = entities.dashboard(raw, called, kept, known, place=self._place, context=self.context)
        edges = [edge(MODEL, each, DASHBOARD, made.fqn) for each in known]
        uses = viewed(made.fqn, raw.view_count, wanted=self.settings.options.includeUsage)
        return Described(descriptor, (*kept, made), (*edges, *uses))

    def _merged(self, identity: str, whose: str) -> set[Explore]:
        """The explores of a merged result that its element does not tell: a call, and one for each query."""
        found: set[Explore] = set()
        if not self.settings.options.includeDataModels:
            return found
        try:
            for each in self._looker.merged(identity):
                found |= entities.asked(self._looker.query(each))
        except (Gone, Denied, Permanent) as error:
            _log.warning("Lineage of %s is not whole, its merged result: %s", whose, error)
        return found

    def _has(self, model: str, explore: str) -> bool:
        """Whether this explore is read at all."""
        name = self._place.model(model, explore)
        return self.settings.options.includeDataModels and self.settings.filters.keeps(
            MODEL, explore, name
        )

    def _explore(self, descriptor: EntityDescriptor) -> Described:
        where = descriptor.metadata
        if "view" in where:
            return self._view(descriptor, where["view"])
        raw = self._looker.explore(where["model"], where["explore"], data_models.EXPLORE)
        made = data_models.explore(raw, self._place)
        views = self._kept_views(data_models.views(raw))
        edges = self._from_views(views, made.fqn)
        if not views:  # nothing is known of the LookML: straight from what the API tells
            edges = self._from_tables(data_models.tables(raw), made.fqn)
        return Described(descriptor, (made,), edges)

    def _view(self, descriptor: EntityDescriptor, name: str) -> Described:
        project = self.context.project
        if name not in project.views:
            raise Gone(f"the view {name} is not in the LookML any more")
        raw = project.views[name]
        made = data_models.view(raw, project.name, self._place)
        edges = self._from_tables(raw.tables, made.fqn)
        edges += self._from_views(self._kept_views(raw.views), made.fqn)
        return Described(descriptor, (made,), edges)

    def _kept_views(self, names: Sequence[str]) -> list[str]:
        project, filters = self.context.project, self.settings.filters
        return [
            each
            for each in lookml.reached(names, project)
            if filters.keeps(MODEL, each, self._place.view(project.name, each))
        ]

    def _from_views(self, names: Sequence[str], target: str) -> list[Fact]:
        project = self.context.project.name
        sources = (self._place.view(project, each) for each in names)
        return [edge(MODEL, each, MODEL, target) for each in sources]

    def _from_tables(self, names: Sequence[str], target: str) -> list[Fact]:
        found = dict.fromkeys(self.context.tables.find(each) for each in names)
        return [edge(EntityType.TABLE, each, MODEL, target) for each in found if each]
