"""What is asked for once in a run: projects, people, and which data sources there are."""

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from rayingest.connectors.dashboard._tableau import data_sources, entities
from rayingest.connectors.dashboard._tableau.entities import DASHBOARD, Context, Embedded, Looks
from rayingest.connectors.dashboard._tableau.metadata import Metadata
from rayingest.connectors.dashboard._tableau.session import SORT, Pages, Tableau
from rayingest.core import fqn
from rayingest.core.source import Readable, Settings
from rayingest.errors import Denied, Gone, Permanent, SourceError
from rayingest.kit.dashboards import Place
from rayingest.kit.rest.graphql import Off
from rayingest.kit.rest.kinds import Found, Site
from rayingest.kit.tables import Tables

KEPT = ("id", "name", "description", "webpageUrl", "project", "owner", "tags")  # of a data source
USAGE = {**SORT, "includeUsageStatistics": "true"}
ENABLE = (
    "On Tableau Server `tsm maintenance metadata-services enable` turns it on;"
    " who does not want data sources sets includeDataModels to false"
)
_log = logging.getLogger(__name__)


def shared(api: Tableau, settings: Settings, catalogue: Readable | None) -> Context:
    """Everything below; people, data sources, tables and views as the options want them."""
    options = settings.options
    context = Context(
        api.ticket,
        _projects(api, needed=settings.filters.projects is not None),
        _users(api) if options.includeOwners else {},
        tables=Tables.of(catalogue, options.places),
        looks=_looks(api) if options.includeUsage else {},
    )
    return _with_data_sources(api, settings, context) if options.includeDataModels else context


def _all(api: Tableau, many: str, one: str) -> Iterator[Any]:
    return api.items(f"/{many}", Pages(many, one), SORT)


def _projects(api: Tableau, *, needed: bool) -> dict[str, str]:
    """Paths of projects; without them workbooks still tell the one that they lie in."""
    try:
        return entities.projects(list(_all(api, "projects", "project")))
    except (Denied, Gone):
        if needed:
            raise
        return {}


def _users(api: Tableau) -> dict[str, str]:
    """E-mail addresses by people's ids."""
    try:
        users = list(api.items("/users", Pages("users", "user"), {"sort": "name:asc"}))
    except (Denied, Gone) as error:
        _log.warning("Owners are not read, which only an administrator may: %s", error)
        return {}
    return {each["id"]: each["email"] for each in users if each.get("email")}


def _looks(api: Tableau) -> dict[str, Looks]:
    """How often workbooks were looked at: the description of one does not tell, the listing of views does."""
    found: dict[str, Looks] = {}
    if why := _uncounted(lambda: found.update(entities.looks(_views(api)))):
        _log.warning("%s", why)
    return found


def why_uncounted(api: Tableau) -> str | None:
    """Why nobody tells how often workbooks are looked at; None when somebody does."""
    return _uncounted(lambda: next(_views(api), None))


def _views(api: Tableau) -> Iterator[Any]:
    return api.items("/views", Pages("views", "view"), USAGE)


def _uncounted(attempt: Callable[[], object]) -> str | None:
    try:
        attempt()
    except (Denied, Gone, Permanent) as error:
        return f"How often workbooks are looked at is not read: {error}"
    return None


def _with_data_sources(api: Tableau, settings: Settings, context: Context) -> Context:
    """Published data sources as REST lists them, and what the Metadata API alone knows: embedded ones."""
    found: list[Any] = []
    why = _embedded(api, settings.connection.paginationLimit, found)
    if why is not None and not found:  # nobody could tell the fields of the others
        return replace(context, incomplete=why)
    site = Site(Place(fqn.join(settings.service), api.url), settings, context)
    workbooks = {
        each["id"]: entities.workbook_found(each, site)
        for each in _all(api, "workbooks", "workbook")
    }
    published: dict[str, Any] = {}
    try:
        for each in _all(api, "datasources", "datasource"):
            published[each["id"]] = {key: each[key] for key in KEPT if key in each}
    except Denied as error:
        why = why or f"The account may not list published data sources: {error}"
    read, left_out = _read(found, workbooks, site)
    return replace(context, published=published, embedded=read, left_out=left_out, incomplete=why)


def _embedded(api: Tableau, size: int, found: list[Any]) -> str | None:
    """Add the data sources of workbooks, and say why there are perhaps more."""
    try:
        found += Metadata(api, size).embedded_names()
    except (Denied, Permanent) as error:  # what was told before is there
        return _reason(error)
    return None


def why_not(api: Tableau) -> str | None:
    """Why the Metadata API tells nothing; None when it does."""
    try:
        Metadata(api, 1).try_it()
    except (Denied, Permanent) as error:
        return _reason(error)
    return None


def _reason(error: SourceError) -> str:
    match error:
        case Off():
            return f"The Metadata API is not enabled, and nothing else tells data sources: {error}. {ENABLE}."
        case Denied():
            return (
                f"The account may not use the Metadata API, but a site administrator may: {error}"
            )
        case _:
            return f"The Metadata API does not tell all data sources: {error}"


def _read(
    found: list[Any], workbooks: Mapping[str, Found], site: Site
) -> tuple[dict[str, tuple[Embedded, ...]], int]:
    """Data sources of workbooks that are read, by workbook, and how many others there are."""
    read: dict[str, tuple[Embedded, ...]] = {}
    left_out = 0
    for raw in found:
        workbook = workbooks.get(str((raw.get("workbook") or {}).get("luid")))
        if workbook is None or not raw.get("name"):  # the account may not see it
            continue
        each = Embedded(raw["id"], raw["name"], workbook.project)
        model = data_sources.embedded_found(each, site)
        if not site.takes(DASHBOARD, workbook) or not site.takes(entities.MODEL, model):
            left_out += 1
            continue
        luid = workbook.metadata["id"]
        read[luid] = (*read.get(luid, ()), each)
    return read, left_out
