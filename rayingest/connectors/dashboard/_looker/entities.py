"""From Looker's models to entities: pure functions.

Whether a model is there is asked with `is None`: the truth of one is its length, for which the SDK
builds a converter of 6 ms each time.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from looker_sdk.sdk.api40 import models

from rayingest.connectors.dashboard._looker import lookml
from rayingest.connectors.dashboard._looker.names import Parts, Place
from rayingest.kit import dashboards
from rayingest.kit.dashboards import owners, plain, text
from rayingest.kit.tables import Tables
from rayingest.model import Chart, Dashboard

# One call: all elements, all filters.
DASHBOARD = (
    "id,title,description,folder,user_id,deleted,hidden,view_count,"
    "dashboard_elements,dashboard_filters"
)
NOBODY = {"", "None"}  # the SDK reads a null as the latter
Explore = tuple[str, str]  # model, explore
CHARTS = {
    "looker_column": "Bar", "looker_bar": "Bar", "looker_waterfall": "Bar",
    "looker_line": "Line", "looker_area": "Area", "looker_scatter": "Scatter",
    "looker_pie": "Pie", "looker_donut_multiples": "Pie", "looker_timeline": "Timeline",
    "looker_boxplot": "BoxPlot", "looker_grid": "Table", "table": "Table",
    "looker_google_map": "Map", "looker_geo_coordinates": "Map", "looker_geo_choropleth": "Map",
    "looker_map": "Map", "radial_gauge_vis": "Gauge", "sankey": "SanKey", "heatmap": "Heatmap",
    "histogram": "Histogram", "text": "Text",
}  # fmt: skip


@dataclass(frozen=True)
class Context:
    """What all sessions share: folder id -> path, user id -> e-mail address, the catalogue's tables, LookML.

    `explores` is None when they are not known; `unusual` are names of data models.
    """

    folders: Mapping[str, str] = field(default_factory=dict)
    personal: frozenset[str] = frozenset()
    users: Mapping[str, str] = field(default_factory=dict)
    tables: Tables = field(default_factory=Tables)
    project: lookml.Project = field(default_factory=lookml.Project)
    explores: tuple[Explore, ...] | None = None
    unusual: Mapping[Parts, str] = field(default_factory=dict)


def paths(folders: Sequence[models.FolderBase]) -> dict[str, str]:
    """Folder id -> the names from the root to it; a parent that we may not see is left out."""
    return dashboards.paths(
        (str(each.id), each.name, str(each.parent_id) if each.parent_id else None)
        for each in folders
        if each.id
    )


def charts(
    raw: models.Dashboard, called: str, place: Place
) -> Iterator[tuple[Chart, set[Explore], str | None]]:
    """The elements of a dashboard that is called so in the catalogue, and the explores that each asks.

    With them the id of a merged result, when only that knows its explores.
    """
    for at, each in enumerate(raw.dashboard_elements or (), 1):
        name = _element(str(each.id), raw, called) if each.id else f"{called}_{at}"
        title = (
            each.title or each.title_text or (each.look.title if each.look is not None else None)
        )
        chart = place.chart(
            name,
            title,
            f"{place.url}/dashboards/{raw.id}",
            kind=_kind(each),
            description=each.note_text or each.subtitle_text or each.body_text,
        )
        explores = _explores(each)
        yield chart, explores, None if explores else _merged(each)


def _element(identity: str, raw: models.Dashboard, called: str) -> str:
    """What an element is called: spelled as the dashboard that it is in."""
    usual = called == plain(str(raw.id))
    return plain(identity if usual else identity.replace("::", "."))


def suggesting(raw: models.Dashboard) -> set[Explore]:
    """The explores that a dashboard's filters take the values from which they suggest.

    No tile needs to ask them:
    https://docs.cloud.google.com/looker/docs/changing-filter-suggestions
    """
    return {
        (each.model, each.explore)
        for each in raw.dashboard_filters or ()
        if each.model and each.explore and (each.field or {}).get("suggestable") is not False
    }


def dashboard(
    raw: models.Dashboard,
    called: str,
    kept: Sequence[Chart],
    explores: Sequence[str],
    *,
    place: Place,
    context: Context,
) -> Dashboard:
    """A dashboard with those of its charts that are kept, and the FQNs of the explores it asks."""
    return Dashboard(
        name=called,
        fqn=place.named(called),
        service=place.service,
        display_name=text(raw.title),
        description=text(raw.description),
        project=project(raw, context),
        source_url=f"{place.url}/dashboards/{raw.id}",
        owners=owners(context.users.get(str(raw.user_id))),
        charts=tuple(each.fqn for each in kept),
        data_models=tuple(explores),
    )


def project(raw: models.Dashboard, context: Context) -> str | None:
    """The path of the folder that a dashboard is in."""
    folder = raw.folder
    if folder is None:
        return None
    return context.folders.get(str(folder.id)) or text(folder.name)


def _explores(raw: models.DashboardElement) -> set[Explore]:
    """What its query asks, its Look's, or those of a merged result: `filterables` has one for each."""
    queries: list[Any] = [raw.query, raw.look.query if raw.look is not None else None]
    if raw.result_maker is not None:
        queries += [raw.result_maker.query, *(raw.result_maker.filterables or ())]
    return {found for each in queries if each is not None for found in asked(each)}


def asked(query: Any) -> set[Explore]:
    """The explore that a query asks; none when it names none."""
    model, explore = str(query.model), str(query.view)
    return set() if {model, explore} & NOBODY else {(model, explore)}


def _merged(raw: models.DashboardElement) -> str | None:
    told = raw.merge_result_id
    return told or (raw.result_maker.merge_result_id if raw.result_maker is not None else None)


def _kind(raw: models.DashboardElement) -> str:
    queries: list[Any] = [
        raw.result_maker,
        raw.query,
        raw.look.query if raw.look is not None else None,
    ]
    for each in queries:
        told = each.vis_config.get("type") if each is not None and each.vis_config else None
        if told:
            return CHARTS.get(str(told).rpartition("::")[2], "Other")
    return CHARTS.get(str(raw.type), "Other")
