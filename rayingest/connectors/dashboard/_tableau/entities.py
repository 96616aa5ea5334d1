"""From Tableau's workbooks, views and data sources to entities: pure functions."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from rayingest.connectors.dashboard._tableau.session import Ticket, several
from rayingest.core.source import Described, EntityDescriptor
from rayingest.kit import dashboards
from rayingest.kit.dashboards import edge, owners, tags, text
from rayingest.kit.rest.kinds import Found, Site
from rayingest.kit.rest.pages import inside
from rayingest.kit.tables import Tables
from rayingest.model import (
    Chart,
    Dashboard,
    EntityType,
    Fact,
    Owner,
    Tag,
    usage,
)

DASHBOARD, MODEL, TABLE = EntityType.DASHBOARD, EntityType.DASHBOARD_DATA_MODEL, EntityType.TABLE
TAGS = "TableauTags"


@dataclass(frozen=True)
class Embedded:
    """A data source of a workbook, by the Metadata API's id, in its workbook's project."""

    id: str
    name: str
    project: str | None = None


@dataclass(frozen=True)
class Looks:
    """How often all views of a workbook were looked at; `views` stands for which these are."""

    count: int
    views: str


@dataclass(frozen=True)
class Context:
    """What sessions share: the sign-in; projects' paths and e-mail addresses by id; data sources; tables.

    `published` are data sources as REST lists them, by id; `embedded` those of workbooks that are read, by the
    workbook's id, and `left_out` how many are not; `incomplete` says why there are perhaps more. `looks` are
    by the workbook's id, too.
    """

    ticket: Ticket = field(default_factory=Ticket, repr=False)
    projects: Mapping[str, str] = field(default_factory=dict)
    users: Mapping[str, str] = field(default_factory=dict)
    published: Mapping[str, Any] = field(default_factory=dict)
    embedded: Mapping[str, tuple[Embedded, ...]] = field(default_factory=dict)
    left_out: int = 0
    incomplete: str | None = None
    tables: Tables = field(default_factory=Tables)
    looks: Mapping[str, Looks] = field(default_factory=dict)


@dataclass(frozen=True)
class Place(dashboards.Place):
    """Where things are; `url` is the one that users open, `site` its part of paths there."""

    site: str = ""

    def page(self, path: str) -> str:
        """The URL of a page of the site."""
        site = f"/site/{self.site}" if self.site else ""
        return f"{self.url}/#{site}/{path}"

    def shown(self, told: object) -> str | None:
        """A URL that Tableau tells, at the address that users open."""
        url = urlsplit(str(told or ""))
        if not url.netloc:
            return None
        return f"{self.url}{url.path.rstrip('/')}" + (f"/#{url.fragment}" if url.fragment else "")


def projects(found: list[Any]) -> dict[str, str]:
    """Project's id -> the names from the root to it."""
    return dashboards.paths(
        (each["id"], each["name"], each.get("parentProjectId")) for each in found
    )


# --- workbooks ---


def workbook_found(raw: Any, site: Site) -> Found:
    """A workbook as the listing tells it; one in nobody's project is in a personal space."""
    return Found(
        fqn=site.place.named(raw["id"]),
        name=raw["name"],
        metadata={"id": raw["id"]},
        project=project_of(raw, site),
        draft="project" not in raw,
    )


def workbook(descriptor: EntityDescriptor, site: Site, answer: Any) -> Described:
    """A workbook with its views as charts, and the data sources in it."""
    raw = answer["workbook"]
    charts = [
        chart
        for each in several(raw.get("views"), "view")
        if site.shows(chart := _view(each, site))
    ]
    models = [site.place.data_model(each.id) for each in site.context.embedded.get(raw["id"], ())]
    made = Dashboard(
        name=raw["id"],
        fqn=descriptor.id,
        service=site.place.service,
        display_name=text(raw["name"]),
        description=text(raw.get("description")),
        project=project_of(raw, site),
        source_url=place_of(site).shown(raw.get("webpageUrl")),
        owners=owners_of(raw, site),
        tags=tags_of(raw, site),
        charts=tuple(each.fqn for each in charts),
        data_models=tuple(models),
    )
    edges = [edge(MODEL, each, DASHBOARD, made.fqn) for each in models]
    return Described(descriptor, (*charts, made), (*edges, *_uses(made.fqn, raw["id"], site)))


def looks(views: Iterable[Mapping[str, Any]]) -> dict[str, Looks]:
    """Workbook's id -> how often its views were looked at, as a listing of views with their usage tells it."""
    counts: dict[str, dict[str, int]] = {}
    for each in views:
        workbook, count = inside(each, "workbook.id"), inside(each, "usage.totalViewCount")
        if workbook and count is not None:
            counts.setdefault(str(workbook), {})[str(each["id"])] = int(count)
    return {
        workbook: Looks(sum(found.values()), _digest(found)) for workbook, found in counts.items()
    }


def _digest(names: Iterable[str]) -> str:
    text = " ".join(sorted(names)).encode()
    return hashlib.blake2b(text, digest_size=8).hexdigest()


def _uses(name: str, workbook: str, site: Site) -> tuple[Fact, ...]:
    """One more sheet, or one that the account may see from now on, brings its own past: no difference."""
    found = site.context.looks.get(workbook)
    return (usage.total(DASHBOARD, name, found.count, found.views),) if found is not None else ()


def _view(raw: Mapping[str, Any], site: Site) -> Chart:
    """A sheet, a dashboard or a story: Tableau does not tell how it is drawn."""
    url = place_of(site).page(f"views/{raw['contentUrl'].replace('/sheets/', '/')}")
    return site.place.chart(raw["id"], raw["name"], url, tags=tags_of(raw, site))


# --- workbooks and data sources ---


def place_of(site: Site) -> Place:
    """Where things are, as a session says; while the run is prepared nobody asks for pages."""
    place = site.place
    return place if isinstance(place, Place) else Place(place.service, place.url)


def project_of(raw: Mapping[str, Any], site: Site) -> str | None:
    """The path of a project, or its name when no more is known."""
    told = raw.get("project") or {}
    return site.context.projects.get(str(told.get("id"))) or text(told.get("name"))


def owners_of(raw: Mapping[str, Any], site: Site) -> tuple[Owner, ...]:
    """The owner's e-mail address, if it is known."""
    return owners(site.context.users.get(str((raw.get("owner") or {}).get("id"))))


def tags_of(raw: Mapping[str, Any], site: Site) -> tuple[Tag, ...]:
    """Tags, if they are wanted."""
    if not site.settings.options.includeTags:
        return ()
    return tags(TAGS, (each["label"] for each in several(raw.get("tags"), "tag")))
