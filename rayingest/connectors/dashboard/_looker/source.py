"""Looker as a source: one call lists many dashboards, one call describes one."""

from collections.abc import Iterator, Sequence

from looker_sdk.sdk.api40.models import FolderBase

from rayingest.connectors.dashboard._looker import entities, lookml
from rayingest.connectors.dashboard._looker.api import Looker
from rayingest.connectors.dashboard._looker.clone import cloned
from rayingest.connectors.dashboard._looker.entities import Context, Place
from rayingest.core import fqn
from rayingest.core.source import (
    Described,
    EntityDescriptor,
    Listed,
    Processed,
    Readable,
    ScopeListed,
    Settings,
    one_by_one,
)
from rayingest.errors import Denied, Forbidden, Gone
from rayingest.kit.dashboards import edge
from rayingest.kit.rest import api
from rayingest.kit.rest.http import Http
from rayingest.kit.tables import Tables
from rayingest.model import EntityType, Fact

DASHBOARD, MODEL = EntityType.DASHBOARD, EntityType.DASHBOARD_DATA_MODEL
TYPES = (MODEL, DASHBOARD)


def connect(settings: Settings) -> Looker:
    """A session that has not logged in yet."""
    config = settings.connection
    secret = config.clientSecret.get_secret_value()
    http = Http(timeout=settings.call_timeout, limiter=settings.limiter, hidden=(secret,))
    return Looker(address(config.hostPort), config.clientId, secret, http)


def address(host_port: str) -> str:
    """Looker's URL, as people copy it: with a path of the API, or without."""
    return api.address(host_port, "/api/4.0", "/api")


def prepare(settings: Settings, catalogue: Readable | None) -> Context:
    """Folders, e-mail addresses and the catalogue's tables: three listings for the whole run."""
    options, looker = settings.options, connect(settings)
    try:
        folders = _folders(looker, needed=settings.filters.projects is not None)
        users = _users(looker) if options.includeOwners else {}
    finally:
        looker.close()
    where = options.lineageInformation.places if options.lineageInformation else ()
    project = _project(settings) if options.includeDataModels else lookml.Project()
    personal = (str(each.id) for each in folders if each.is_personal or each.is_personal_descendant)
    return Context(
        entities.paths(folders), frozenset(personal), users, Tables.of(catalogue, where), project
    )


def _project(settings: Settings) -> lookml.Project:
    given = settings.connection.gitCredentials
    if isinstance(given, str) and given:
        return lookml.read(given)
    if getattr(given, "repositoryName", None):
        with cloned(given, settings.call_timeout) as folder:
            return lookml.read(folder, given.repositoryName)
    return lookml.Project()


def _folders(looker: Looker, *, needed: bool) -> Sequence[FolderBase]:
    try:
        return looker.folders()
    except (Denied, Gone):
        if needed:
            raise
        return ()  # dashboards tell the folder that they lie in, if not where that lies


def _users(looker: Looker) -> dict[str, str]:
    return {str(each.id): each.email for each in looker.users() if each.id and each.email}


class LookerSource:
    """A session, for one thread at a time."""

    def __init__(self, settings: Settings, context: Context | None) -> None:
        self.settings = settings
        self.context = context or Context()
        self._looker = connect(settings)
        options = settings.options
        url = address(settings.connection.hostPort)
        self._place = Place(fqn.join(settings.service), url, options.includeTags)

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
        for each in self._looker.dashboards("id,title,folder"):
            identity = str(each.id)
            name, whole = each.title or identity, self._place.named(identity)
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
        for model in self._looker.lookml_models():
            for each in model.explores or ():
                whole = self._place.model(str(model.name), str(each.name))
                if not filters.keeps(MODEL, str(each.name), whole):
                    filtered += 1
                    continue
                count += 1
                where = {"model": str(model.name), "explore": str(each.name)}
                yield EntityDescriptor(MODEL, whole, service, metadata=where)
        project = self.context.project
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
        filters, asked = self.settings.filters, set[tuple[str, str]]()
        kept = []
        for chart, explores in entities.charts(raw, self._place):
            if filters.keeps(EntityType.CHART, chart.display_name or chart.name, chart.fqn):
                kept.append(chart)
                asked |= explores
        names = [self._place.model(*each) for each in sorted(asked) if self._has(*each)]
        made = entities.dashboard(raw, kept, names, self._place, self.context)
        edges = [edge(MODEL, each, DASHBOARD, made.fqn) for each in names]
        return Described(descriptor, (*kept, made), edges)

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
        raw = self._looker.explore(where["model"], where["explore"], entities.EXPLORE)
        made = entities.explore(raw, self._place)
        views = self._kept_views(entities.views(raw))
        edges = self._from_views(views, made.fqn)
        if not views:  # nothing is known of the LookML: straight from what the API tells
            edges = self._from_tables(entities.tables(raw), made.fqn)
        return Described(descriptor, (made,), edges)

    def _view(self, descriptor: EntityDescriptor, name: str) -> Described:
        project = self.context.project
        if name not in project.views:
            raise Gone(f"the view {name} is not in the LookML any more")
        raw = project.views[name]
        made = entities.view(raw, project.name, self._place)
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
