"""From Looker's models to entities: pure functions.

Whether a model is there is asked with `is None`: the truth of one is its length, for which the SDK
builds a converter of 6 ms each time.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from looker_sdk.sdk.api40 import models

from rayingest.connectors.dashboard._looker import lookml
from rayingest.core import fqn
from rayingest.kit import dashboards
from rayingest.kit.dashboards import plain, tags, text
from rayingest.kit.tables import Tables
from rayingest.model import (
    Chart,
    Column,
    Dashboard,
    DashboardDataModel,
    Owner,
    Tag,
)

DASHBOARD = "id,title,description,folder,user_id,deleted,hidden,dashboard_elements"  # one call: all elements
EXPLORE = "name,label,title,description,model_name,project_name,view_name,sql_table_name,tags,fields,joins"
TAGS = "LookerTags"
CHARTS = {
    "looker_column": "Bar", "looker_bar": "Bar", "looker_waterfall": "Bar",
    "looker_line": "Line", "looker_area": "Area", "looker_scatter": "Scatter",
    "looker_pie": "Pie", "looker_donut_multiples": "Pie", "looker_timeline": "Timeline",
    "looker_boxplot": "BoxPlot", "looker_grid": "Table", "table": "Table",
    "looker_google_map": "Map", "looker_geo_coordinates": "Map", "looker_geo_choropleth": "Map",
    "looker_map": "Map", "radial_gauge_vis": "Gauge", "sankey": "SanKey", "heatmap": "Heatmap",
    "histogram": "Histogram", "text": "Text",
}  # fmt: skip
TYPES = {
    "string": "STRING", "zipcode": "STRING", "tier": "STRING", "bin": "STRING", "list": "ARRAY",
    "location": "GEOGRAPHY", "distance": "NUMBER", "number": "NUMBER", "yesno": "BOOLEAN",
    "date": "DATE", "date_date": "DATE", "date_raw": "TIMESTAMP", "date_time": "TIMESTAMP",
    "time": "TIMESTAMP", "datetime": "TIMESTAMP", "duration": "INTERVAL",
    "count": "NUMBER", "count_distinct": "NUMBER", "sum": "NUMBER", "sum_distinct": "NUMBER",
    "average": "NUMBER", "average_distinct": "NUMBER", "median": "NUMBER",
    "median_distinct": "NUMBER", "max": "NUMBER", "min": "NUMBER", "percentile": "NUMBER",
    "percentile_distinct": "NUMBER", "percent_of_total": "NUMBER", "running_total": "NUMBER",
    "percent_of_previous": "NUMBER", "int": "NUMBER", "period_over_period": "NUMBER",
}  # fmt: skip


@dataclass(frozen=True)
class Context:
    """What all sessions share: folder id -> path, user id -> e-mail address, the catalogue's tables, LookML."""

    folders: Mapping[str, str] = field(default_factory=dict)
    personal: frozenset[str] = frozenset()
    users: Mapping[str, str] = field(default_factory=dict)
    tables: Tables = field(default_factory=Tables)
    project: lookml.Project = field(default_factory=lookml.Project)


@dataclass(frozen=True)
class Place(dashboards.Place):
    """Where things are, and what Looker has there of its own."""

    include_tags: bool = True

    def model(self, model: str, explore: str) -> str:
        """The FQN of an explore."""
        return self.data_model(f"{model}_{explore}")

    def view(self, project: str, view: str) -> str:
        """The FQN of a LookML view: an explore of the same name is another data model."""
        return self.model(project, f"{view}_view")


def paths(folders: Sequence[models.FolderBase]) -> dict[str, str]:
    """Folder id -> the names from the root to it; a parent that we may not see is left out."""
    return dashboards.paths(
        (str(each.id), each.name, str(each.parent_id) if each.parent_id else None)
        for each in folders
        if each.id
    )


def charts(raw: models.Dashboard, place: Place) -> Iterator[tuple[Chart, set[tuple[str, str]]]]:
    """A dashboard's elements, each with the explores that it asks: (model, explore)."""
    for at, each in enumerate(raw.dashboard_elements or (), 1):
        name = plain(str(each.id)) if each.id else f"{plain(str(raw.id))}_{at}"
        title = (
            each.title or each.title_text or (each.look.title if each.look is not None else None)
        )
        chart = Chart(
            name=name,
            fqn=fqn.child(place.service, name),
            service=place.service,
            display_name=text(title),
            description=text(each.note_text or each.subtitle_text or each.body_text),
            chart_type=_kind(each),
            source_url=f"{place.url}/dashboards/{raw.id}",
        )
        yield chart, _explores(each)


def dashboard(
    raw: models.Dashboard,
    kept: Sequence[Chart],
    explores: Sequence[str],
    place: Place,
    context: Context,
) -> Dashboard:
    """A dashboard with those of its charts that are kept, and the FQNs of the explores it asks."""
    name = plain(str(raw.id))
    email = context.users.get(str(raw.user_id))
    return Dashboard(
        name=name,
        fqn=place.named(str(raw.id)),
        service=place.service,
        display_name=text(raw.title),
        description=text(raw.description),
        project=project(raw, context),
        source_url=f"{place.url}/dashboards/{raw.id}",
        owners=(Owner(name=email),) if email else (),
        charts=tuple(each.fqn for each in kept),
        data_models=tuple(explores),
    )


def project(raw: models.Dashboard, context: Context) -> str | None:
    """The path of the folder that a dashboard is in."""
    folder = raw.folder
    if folder is None:
        return None
    return context.folders.get(str(folder.id)) or text(folder.name)


def explore(raw: models.LookmlModelExplore, place: Place) -> DashboardDataModel:
    """An explore with its dimensions and measures, of the views that it joins too."""
    model, name = str(raw.model_name), str(raw.name)
    fields = raw.fields
    asked = (*(fields.dimensions or ()), *(fields.measures or ())) if fields is not None else ()
    once = {each.name: _field(each) for each in asked}
    return DashboardDataModel(
        name=f"{model}_{name}",
        fqn=place.model(model, name),
        service=place.service,
        service_type="Looker",
        data_model_type="LookMlExplore",
        display_name=text(raw.label or raw.title),
        description=text(raw.description),
        project=text(raw.project_name),
        source_url=f"{place.url}/explore/{model}/{name}",
        tags=_tags(raw.tags, place),
        columns=tuple(_column(each, at, place) for at, each in enumerate(once.values(), 1)),
    )


def view(raw: lookml.View, project: str, place: Place) -> DashboardDataModel:
    """A LookML view with its fields, and the SQL of a derived table."""
    return DashboardDataModel(
        name=f"{project}_{raw.name}_view",
        fqn=place.view(project, raw.name),
        service=place.service,
        service_type="Looker",
        data_model_type="LookMlView",
        display_name=raw.label,
        description=raw.description,
        project=project,
        sql=raw.sql,
        tags=_tags(raw.tags, place),
        columns=tuple(_column(each, at, place) for at, each in enumerate(raw.fields, 1)),
    )


def views(raw: models.LookmlModelExplore) -> list[str]:
    """The views that an explore is made of: its own, and those that it joins, under any name."""
    joined = (each.from_ or each.name for each in raw.joins or ())
    return [each for each in (raw.view_name or raw.name, *joined) if each]


def tables(raw: models.LookmlModelExplore) -> list[str]:
    """The tables that an explore and its joins name, as they are spelled in SQL."""
    joined = (each.sql_table_name for each in raw.joins or ())
    return list(dict.fromkeys(each for each in (raw.sql_table_name, *joined) if each))


def _explores(raw: models.DashboardElement) -> set[tuple[str, str]]:
    queries: list[Any] = [raw.query, raw.look.query if raw.look is not None else None]
    if raw.result_maker is not None:
        queries += [raw.result_maker.query, *(raw.result_maker.filterables or ())]
    return {
        (str(each.model), str(each.view))
        for each in queries
        if each is not None and each.model and each.view
    }


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


def _field(raw: models.LookmlModelExploreField) -> lookml.Field:
    return lookml.Field(
        str(raw.name),
        str(raw.type or "unknown"),
        raw.category.value if raw.category is not None else "field",
        text(raw.label),
        text(raw.description),
        tuple(raw.tags or ()),
        numeric=bool(raw.is_numeric),
    )


def _data_type(raw: lookml.Field) -> str:
    if raw.type.startswith("date_") and raw.numeric:  # date_month_num, date_hour_of_day
        return "NUMBER"
    return TYPES.get(raw.type) or ("TIMESTAMP" if raw.type.startswith("date") else "UNKNOWN")


def _column(raw: lookml.Field, at: int, place: Place) -> Column:
    kind = _data_type(raw)
    return Column(
        name=raw.name,
        display_name=raw.label,
        data_type=kind,
        data_type_display=f"{raw.category}, {raw.type}",
        array_data_type="STRING" if kind == "ARRAY" else None,
        ordinal_position=at,
        description=raw.description,
        tags=_tags(raw.tags, place),
    )


def _tags(names: Sequence[str] | None, place: Place) -> tuple[Tag, ...]:
    return tags(TAGS, names) if place.include_tags else ()
