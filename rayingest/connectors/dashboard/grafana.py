# ruff: noqa: N815 - the attributes are OpenMetadata's field names
"""Grafana over its HTTP API, with a service account's token.

One call lists up to 5,000 dashboards, one describes one with its panels; for a whole run besides one
for the folders and one for the data sources. Documented at
https://grafana.com/docs/grafana/latest/developers/http_api/.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import Field, SecretStr

from rayingest.config.connection import ConnectionModel, DefaultPattern, Flag
from rayingest.core.source import (
    Capability,
    Described,
    EntityDescriptor,
    Readable,
    Settings,
)
from rayingest.errors import Denied, Gone
from rayingest.kit.dashboards import edge, owners, paths, tags, text
from rayingest.kit.queries import STAND_IN, known_tables
from rayingest.kit.rest.api import Api, address
from rayingest.kit.rest.auth import bearer
from rayingest.kit.rest.http import Http
from rayingest.kit.rest.kinds import Found, Kind, Site
from rayingest.kit.rest.pages import Numbers
from rayingest.kit.rest.spec import Rest
from rayingest.kit.tables import Tables
from rayingest.model import Chart, Dashboard, EntityType

TAGS = "GrafanaTags"
SEARCH = "/api/search"
CHARTS = {
    "timeseries": "Line", "graph": "Line", "trend": "Line", "candlestick": "Line",
    "barchart": "Bar", "bargauge": "Gauge", "gauge": "Gauge", "piechart": "Pie",
    "table": "Table", "table-old": "Table", "logs": "Table", "text": "Text", "stat": "Text",
    "singlestat": "Text", "heatmap": "Heatmap", "histogram": "Histogram", "geomap": "Map",
    "state-timeline": "Timeline", "status-history": "Timeline", "annolist": "Timeline",
    "xychart": "Scatter", "nodeGraph": "Graph", "traces": "Graph", "flamegraph": "Graph",
}  # fmt: skip
DIALECTS = {
    "postgres": "postgres", "grafana-postgresql-datasource": "postgres", "mysql": "mysql",
    "mssql": "tsql", "grafana-bigquery-datasource": "bigquery", "grafana-athena-datasource": "athena",
    "grafana-clickhouse-datasource": "clickhouse", "grafana-snowflake-datasource": "snowflake",
    "grafana-redshift-datasource": "redshift", "grafana-databricks-datasource": "databricks",
}  # fmt: skip
_MACRO = re.compile(r"\$__\w+(\((?:[^()]|\([^()]*\))*\))?")  # $__timeFilter(created)
_VARIABLE = re.compile(r"\$\{[^}]*\}|\$\w+|\[\[\w+\]\]")


class GrafanaConnection(ConnectionModel):
    """How to reach Grafana."""

    type: Literal["Grafana"] = Field("Grafana", description="OpenMetadata's service type.")
    hostPort: str = Field(min_length=1, description="URL of Grafana.")
    apiKey: SecretStr = Field(description="Token of a service account.")
    verifySSL: bool = Field(True, description="Whether the server's certificate is checked.")
    pageSize: int = Field(100, ge=1, le=5000, description="Dashboards in one answer of a listing.")
    dashboardFilterPattern: DefaultPattern = None
    chartFilterPattern: DefaultPattern = None
    supportsMetadataExtraction: Flag = None


@dataclass(frozen=True)
class Context:
    """What sessions share: folders' paths and data sources' kinds by uid (or name), the catalogue's tables."""

    folders: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    default: str = ""
    tables: Tables = field(default_factory=Tables)


def connect(settings: Settings) -> Api:
    """A session."""
    config: GrafanaConnection = settings.connection
    token = config.apiKey.get_secret_value()
    http = Http(
        timeout=settings.call_timeout,
        limiter=settings.limiter,
        hidden=(token,),
        verify=config.verifySSL,
    )
    return Api(address(config.hostPort, "/api"), http, bearer(token))


def pages(connection: GrafanaConnection) -> Numbers:
    """Listings give as many as they are asked for, up to 5,000."""
    return Numbers(size=connection.pageSize, limit="limit", identity="uid", exact=True)


def shared(api: Api, settings: Settings, catalogue: Readable | None) -> Context:
    """All folders in a listing or two; the data sources, if this account may see them."""
    folders = api.items(SEARCH, pages(settings.connection), {"type": "dash-folder"})
    found = paths((each["uid"], each["title"], each.get("folderUid")) for each in folders)
    tables = Tables.of(catalogue, settings.options.places)
    try:
        sources = api.get("/api/datasources")
    except (Denied, Gone):  # a viewer may not: then SQL is read without its dialect
        return Context(found, tables=tables)
    kinds = {each[key]: each["type"] for each in sources for key in ("name", "uid")}
    default = next((each["type"] for each in sources if each.get("isDefault")), "")
    return Context(found, kinds, default, tables)


def found(raw: Any, site: Site) -> Found:
    """A dashboard as the search tells it."""
    project = site.context.folders.get(raw.get("folderUid")) if site.context else None
    return Found(
        fqn=site.place.named(raw["uid"]),
        name=raw["title"],
        metadata={"uid": raw["uid"]},
        project=project or text(raw.get("folderTitle")),
    )


def describe(descriptor: EntityDescriptor, site: Site, answer: Any) -> Described:
    """A dashboard, its panels as charts, and the tables that their SQL reads."""
    raw, meta, context = answer["dashboard"], answer["meta"], site.context or Context()
    options, uid = site.settings.options, raw["uid"]
    url = f"{site.place.url}{meta['url']}"
    charts, tables = [], dict[str, None]()
    for panel in panels(raw):
        chart = _chart(panel, uid, url, site)
        if site.shows(chart):
            charts.append(chart)
            tables |= dict.fromkeys(_tables(panel, chart.fqn, context))
    made = Dashboard(
        name=uid,
        fqn=descriptor.id,
        service=site.place.service,
        display_name=text(raw["title"]),
        description=text(raw.get("description")),
        project=context.folders.get(meta.get("folderUid")) or text(meta.get("folderTitle")),
        source_url=url,
        owners=owners(meta.get("createdBy")) if options.includeOwners else (),
        tags=tags(TAGS, raw.get("tags")) if options.includeTags else (),
        charts=tuple(each.fqn for each in charts),
    )
    edges = [edge(EntityType.TABLE, each, EntityType.DASHBOARD, made.fqn) for each in tables]
    return Described(descriptor, (*charts, made), edges)


def panels(raw: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """All panels but the rows that hold them; before schema 16 rows held all."""
    for row in raw.get("rows") or ():
        yield from row.get("panels") or ()
    for each in raw.get("panels") or ():
        if each.get("type") == "row":
            yield from each.get("panels") or ()
        else:
            yield each


def _chart(panel: Mapping[str, Any], uid: str, url: str, site: Site) -> Chart:
    return site.place.chart(
        f"{uid}_{panel['id']}",
        panel.get("title"),
        f"{url}?viewPanel={panel['id']}",
        kind=CHARTS.get(str(panel.get("type")), "Other"),
        description=panel.get("description"),
    )


def _tables(panel: Mapping[str, Any], whose: str, context: Context) -> Iterator[str]:
    """The catalogue's tables that a panel's SQL reads."""
    for target in panel.get("targets") or ():
        sql = target.get("rawSql") or target.get("rawSQL") or target.get("queryText")
        kind = _kind(target.get("datasource") or panel.get("datasource"), context)
        if isinstance(sql, str):
            yield from known_tables(plain_sql(sql), whose, DIALECTS.get(kind), context.tables)


def plain_sql(sql: str) -> str:
    """SQL without macros and variables: `$__timeFilter(created)`, `${table:raw}`, `$table`, `[[table]]`."""
    return _VARIABLE.sub(STAND_IN, _MACRO.sub("(1 = 1)", sql))


def _kind(source: Any, context: Context) -> str:
    """The kind of a data source, that a panel names by uid and kind, or by name, or not at all."""
    if isinstance(source, Mapping):
        return str(source.get("type") or context.sources.get(str(source.get("uid")), ""))
    return context.sources.get(source, "") if isinstance(source, str) else context.default


CONNECTOR = Rest(
    service_type="Grafana",
    family="dashboard",
    connection=GrafanaConnection,
    connect=connect,
    shared=shared,
    kinds={
        EntityType.DASHBOARD: Kind(
            path=SEARCH,
            params={"type": "dash-db"},
            pager=pages,
            found=found,
            details=("/api/dashboards/uid/{uid}",),
            describe=describe,
            grant="The role Viewer, or dashboards:read on the folders.",
        )
    },
    capabilities=frozenset(
        {
            Capability.DASHBOARDS,
            Capability.CHARTS,
            Capability.PROJECTS,
            Capability.OWNERS,
            Capability.TAGS,
            Capability.LINEAGE,
        }
    ),
    lacks={
        Capability.DATA_MODELS: "Grafana has none",
        Capability.COLUMNS: "there are no data models",
        Capability.VIEWS: "there are no data models",
        Capability.USAGE: "only Grafana Enterprise counts views",
    },
)
