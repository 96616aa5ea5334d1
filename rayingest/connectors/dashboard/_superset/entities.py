"""From Superset's dashboards, charts and datasets to entities: pure functions.

They take what the API answers; the metadata database is read into the same words.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from rayingest.connectors.dashboard._superset.query import (
    DIALECTS,
    datasets_read,
    plain_sql,
    table_name,
)
from rayingest.core.source import Described, EntityDescriptor
from rayingest.kit.dashboards import flows, owners, tags, text
from rayingest.kit.queries import known_tables
from rayingest.kit.rest.kinds import Found, Site
from rayingest.kit.sql.reflected.shapes import column, shape
from rayingest.kit.tables import Tables
from rayingest.model import Chart, Column, Dashboard, DashboardDataModel, EntityType, Owner

DASHBOARD, MODEL, TABLE = EntityType.DASHBOARD, EntityType.DASHBOARD_DATA_MODEL, EntityType.TABLE
TAGS, CUSTOM = "SupersetTags", 1  # the other kinds of tags are Superset's own: owner:1, type:chart
CHARTS = {
    "table": "Table", "pivot_table_v2": "Table", "time_table": "Table", "ag-grid-table": "Table",
    "echarts_timeseries_line": "Line", "echarts_timeseries_smooth": "Line", "line": "Line",
    "echarts_timeseries_step": "Line", "echarts_timeseries": "Line", "compare": "Line",
    "mixed_timeseries": "Line", "horizon": "Line", "time_pivot": "Line",
    "echarts_timeseries_bar": "Bar", "bar": "Bar", "dist_bar": "Bar", "waterfall": "Bar",
    "bullet": "Bar", "funnel": "Bar", "echarts_area": "Area", "area": "Area", "pie": "Pie",
    "rose": "Pie", "sunburst_v2": "Pie", "echarts_timeseries_scatter": "Scatter",
    "bubble": "Scatter", "bubble_v2": "Scatter", "histogram_v2": "Histogram",
    "histogram": "Histogram", "box_plot": "BoxPlot", "big_number": "Text",
    "big_number_total": "Text", "pop_kpi": "Text", "handlebars": "Text", "word_cloud": "Text",
    "gauge_chart": "Gauge", "heatmap_v2": "Heatmap", "heatmap": "Heatmap",
    "cal_heatmap": "Heatmap", "treemap_v2": "Heatmap", "sankey_v2": "SanKey", "sankey": "SanKey",
    "graph_chart": "Graph", "chord": "Graph", "tree_chart": "Graph", "partition": "Graph",
    "gantt_chart": "Timeline", "event_flow": "Timeline", "world_map": "Map", "country_map": "Map",
    "mapbox": "Map", "cartodiagram": "Map",
}  # fmt: skip


@dataclass(frozen=True)
class Context:
    """What sessions share, by Superset's ids: datasets, users' e-mail addresses, the catalogue's tables.

    `beside` are the tables that datasets read which the options leave out.
    """

    datasets: Mapping[str, Found] = field(default_factory=dict)
    beside: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    emails: Mapping[str, str] = field(default_factory=dict)
    tables: Tables = field(default_factory=Tables)


# --- dashboards ---


def dashboard_found(raw: Any, site: Site) -> Found:
    """A dashboard as a listing tells it."""
    return Found(
        fqn=site.place.named(raw["id"]),
        name=raw["dashboard_title"] or str(raw["id"]),
        metadata={"id": str(raw["id"])},
        draft=not raw["published"],
    )


def dashboard(descriptor: EntityDescriptor, site: Site, told: Any, shown: Any) -> Described:
    """A dashboard, its charts, and the datasets that flow into it."""
    raw, options = told["result"], site.settings.options
    charts, asked = [], dict[tuple[EntityType, str], None]()
    for each in _by_id(shown["result"]):
        chart = _chart(each, raw["id"], site)
        if site.shows(chart):
            charts.append(chart)
            identity, _, kind = str(each["form_data"].get("datasource")).partition("__")
            if kind == "table":
                asked |= dict.fromkeys(_shown(identity, site))
    named = (each["name"] for each in raw.get("tags") or () if each["type"] == CUSTOM)
    made = Dashboard(
        name=str(raw["id"]),
        fqn=descriptor.id,
        service=site.place.service,
        display_name=text(raw["dashboard_title"]),
        source_url=f"{site.place.url}{raw['url']}",
        owners=_owners(raw, site),
        tags=tags(TAGS, sorted(named)) if options.includeTags else (),
        charts=tuple(each.fqn for each in charts),
        data_models=tuple(name for kind, name in asked if kind is MODEL),
    )
    return Described(descriptor, (*charts, made), flows(asked, DASHBOARD, made.fqn))


def _shown(dataset: str, site: Site) -> Iterator[tuple[EntityType, str]]:
    """What flows into a chart: its dataset, or the tables of one that is left out."""
    model = _model(dataset, site)
    if model is not None:
        yield MODEL, model
    else:
        yield from ((TABLE, each) for each in _context(site).beside.get(dataset, ()))


def _chart(raw: Mapping[str, Any], dashboard: int, site: Site) -> Chart:
    """A chart may be on many dashboards: its place is what the catalogue's chart is."""
    return site.place.chart(
        f"{dashboard}_{raw['id']}",
        raw["slice_name"],
        f"{site.place.url}/explore/?slice_id={raw['id']}",
        kind=_kind(str(raw["form_data"].get("viz_type"))),
        description=raw.get("description"),
    )


def _kind(told: str) -> str:
    return CHARTS.get(told) or ("Map" if told.startswith("deck_") else "Other")


# --- datasets ---


def dataset_found(raw: Any, site: Site) -> Found:
    """A dataset as a listing tells it."""
    return Found(
        fqn=site.place.data_model(str(raw["id"])),
        name=raw["table_name"],
        metadata={"id": str(raw["id"])},
    )


def dataset(descriptor: EntityDescriptor, site: Site, told: Any) -> Described:
    """A dataset with its columns and metrics, and what it reads."""
    raw = told["result"]
    made = DashboardDataModel(
        name=str(raw["id"]),
        fqn=descriptor.id,
        service=site.place.service,
        service_type="Superset",
        data_model_type="SupersetDataModel",
        display_name=text(raw["table_name"]),
        description=text(raw.get("description")),
        source_url=f"{site.place.url}/explore/?datasource_type=table&datasource_id={raw['id']}",
        owners=_owners(raw, site),
        sql=text(raw.get("sql")),
        columns=tuple(_fields(raw)),
    )
    asked = dict.fromkeys((TABLE, each) for each in tables(raw, made.fqn, site))
    for each in datasets_read(made.sql or ""):
        asked |= dict.fromkeys(_shown(each, site))
    return Described(descriptor, (made,), flows(asked, MODEL, made.fqn))


def _fields(raw: Mapping[str, Any]) -> Iterator[Column]:
    """Columns, then metrics: whose name a column has already is told from it."""
    names: set[str] = set()
    for at, each in enumerate(_by_id(raw["columns"]), 1):
        names.add(each["column_name"])
        form = shape(each.get("type") or "")
        if form.data_type == "UNKNOWN" and each.get("is_dttm"):
            form = form._replace(data_type="TIMESTAMP")
        form = form._replace(display=form.display or text(each.get("expression")) or "unknown")
        yield column(each["column_name"], form, **_described(each, at))
    for at, each in enumerate(_by_id(raw["metrics"]), len(raw["columns"]) + 1):
        name = each["metric_name"]
        yield Column(
            name=f"{name} (metric)" if name in names else name,
            data_type="NUMBER",
            data_type_display=f"metric, {each['expression']}",
            **_described(each, at),
        )


def _described(raw: Mapping[str, Any], at: int) -> dict[str, Any]:
    return {
        "display_name": text(raw.get("verbose_name")),
        "description": text(raw.get("description")),
        "ordinal_position": at,
    }


def tables(raw: Mapping[str, Any], whose: str, site: Site) -> Iterator[str]:
    """The catalogue's tables that a dataset reads; listings do not tell its kind of database."""
    context = _context(site)
    if raw.get("sql"):
        dialect = DIALECTS.get(raw.get("database", {}).get("backend"))
        yield from known_tables(plain_sql(raw["sql"]), whose, dialect, context.tables)
    elif known := context.tables.find(table_name(raw)):
        yield known


# --- both ---


def _context(site: Site) -> Context:
    return site.context or Context()


def _by_id(items: Iterable[Any]) -> list[Any]:
    """The API has no order of its own."""
    return sorted(items, key=lambda each: each["id"])


def _owners(raw: Mapping[str, Any], site: Site) -> tuple[Owner, ...]:
    """Owners by their e-mail addresses: those whom the account may not see are left out."""
    if not site.settings.options.includeOwners:
        return ()
    emails = _context(site).emails
    known = {emails.get(str(each["id"])) for each in raw["owners"]}
    return owners(*sorted(filter(None, known)))


def _model(identity: str, site: Site) -> str | None:
    """The FQN of a dataset that is read; None for another, and for one that we may not see."""
    found = _context(site).datasets.get(identity)
    return found.fqn if found is not None else None
