"""Explores and LookML views as data models: pure functions."""

from collections.abc import Sequence

from looker_sdk.sdk.api40 import models

from rayingest.connectors.dashboard._looker import lookml
from rayingest.connectors.dashboard._looker.names import Place
from rayingest.kit.dashboards import tags, text
from rayingest.model import Column, DashboardDataModel, Tag

EXPLORE = "name,label,title,description,model_name,project_name,view_name,sql_table_name,tags,fields,joins"
TAGS = "LookerTags"
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


def explore(raw: models.LookmlModelExplore, place: Place) -> DashboardDataModel:
    """An explore with its dimensions and measures, of the views that it joins too."""
    model, name = str(raw.model_name), str(raw.name)
    own = place.explore_name(model, name)
    fields = raw.fields
    asked = (*(fields.dimensions or ()), *(fields.measures or ())) if fields is not None else ()
    once = {each.name: _field(each) for each in asked}
    return DashboardDataModel(
        name=own,
        fqn=place.data_model(own),
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
    own = place.view_name(project, raw.name)
    return DashboardDataModel(
        name=own,
        fqn=place.data_model(own),
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
