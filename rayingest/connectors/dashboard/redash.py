# ruff: noqa: N815 - the attributes are OpenMetadata's field names
"""Redash 5 or newer over its HTTP API, with a user's API key.

One call lists 250 dashboards, one describes one with its widgets and their SQL; for a whole run besides
one for the data sources. Keys and paths are at https://redash.io/help/user-guide/integrations-and-api/api/,
the answers in `redash/handlers` and `redash/serializers` of https://github.com/getredash/redash.
Redash lists neither archived dashboards nor others' drafts, and tells nothing of widgets whose data
source this user may not see. It documents no limit for its API.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import Field, SecretStr

from rayingest.config.connection import DashboardCommon
from rayingest.core.source import Capability, Described, EntityDescriptor, Readable, Settings
from rayingest.errors import Denied, Gone
from rayingest.kit.dashboards import edge, owners, tags, text
from rayingest.kit.queries import STAND_IN, known_tables
from rayingest.kit.rest.api import Api, address
from rayingest.kit.rest.auth import api_key
from rayingest.kit.rest.http import Http
from rayingest.kit.rest.kinds import Found, Kind, Site
from rayingest.kit.rest.pages import Numbers
from rayingest.kit.rest.spec import Rest
from rayingest.kit.tables import Tables
from rayingest.model import Chart, Dashboard, EntityType

TAGS = "RedashTags"
DASHBOARDS = "/api/dashboards"
BY_ID = 10  # the first version that asks for dashboards by id, not by slug
CHARTS = {
    "TABLE": "Table", "DETAILS": "Table", "PIVOT": "Table", "COHORT": "Table", "COUNTER": "Text",
    "MAP": "Map", "CHOROPLETH": "Map", "SANKEY": "SanKey", "BOXPLOT": "BoxPlot", "FUNNEL": "Bar",
    "line": "Line", "column": "Bar", "area": "Area", "pie": "Pie", "scatter": "Scatter",
    "bubble": "Scatter", "heatmap": "Heatmap", "box": "BoxPlot",
}  # fmt: skip
DIALECTS = {
    "pg": "postgres", "cockroach": "postgres", "redshift": "redshift", "redshift_iam": "redshift",
    "mysql": "mysql", "rds_mysql": "mysql", "mssql": "tsql", "mssql_odbc": "tsql",
    "bigquery": "bigquery", "bigquery_gce": "bigquery", "snowflake": "snowflake",
    "athena": "athena", "presto": "presto", "trino": "trino", "clickhouse": "clickhouse",
    "databricks": "databricks", "hive": "hive", "hive_http": "hive", "impala": "hive",
    "sqlite": "sqlite", "duckdb": "duckdb", "oracle": "oracle", "druid": "druid",
}  # fmt: skip
NO_SQL = {"prometheus", "results"}  # though Redash says so; results are those of other queries
_SECTION = re.compile(r"\{\{\s*[#^/!][^{}]*\}\}")  # {{#days}} … {{/days}}
_PARAMETERS = re.compile(r"\{\{\{?[^{}]*\}?\}\}(?:\s+\{\{\{?[^{}]*\}?\}\})*")


class RedashConnection(DashboardCommon):
    """How to reach Redash."""

    type: Literal["Redash"] = Field("Redash", description="OpenMetadata's service type.")
    hostPort: str = Field("http://localhost:5000", min_length=1, description="URL of Redash.")
    username: str = Field(description="User of the key, for the catalogue; the key alone logs in.")
    apiKey: SecretStr = Field(description="API key of a user, from the user's profile.")
    redashVersion: str = Field(
        "10.0.0",
        pattern=r"^v?\d+",
        description="Version of Redash; one before 10 is asked for dashboards by slug.",
    )

    @property
    def by_slug(self) -> bool:
        """Whether dashboards have no address by id yet."""
        return int(re.findall(r"\d+", self.redashVersion)[0]) < BY_ID


@dataclass(frozen=True)
class Context:
    """What sessions share: dialects by data source ('' for plain SQL, None for none), the catalogue's tables."""

    dialects: Mapping[int, str | None] = field(default_factory=dict)
    tables: Tables = field(default_factory=Tables)


def connect(settings: Settings) -> Api:
    """A session."""
    config: RedashConnection = settings.connection
    key = config.apiKey.get_secret_value()
    http = Http(
        timeout=settings.call_timeout,
        limiter=settings.limiter,
        hidden=(key,),
        stranger=lambda status, said: status == 404 and "Please login" in said,
    )
    return Api(address(config.hostPort, "/api"), http, api_key("Authorization", f"Key {key}"))


def shared(api: Api, settings: Settings, catalogue: Readable | None) -> Context:
    """The data sources that this user may see, and the tables."""
    tables = Tables.of(catalogue, settings.options.places)
    try:
        sources = api.get("/api/data_sources")
    except Denied:  # then SQL is read without its dialect
        return Context(tables=tables)
    return Context({each["id"]: _dialect(each) for each in sources}, tables)


def _dialect(source: Mapping[str, Any]) -> str | None:
    if source.get("syntax", "sql") != "sql" or source["type"] in NO_SQL:
        return None
    return DIALECTS.get(source["type"], "")


def found(raw: Any, site: Site) -> Found:
    """A dashboard of the listing, with what its details are asked for by."""
    connection: RedashConnection = site.settings.connection
    return Found(
        fqn=site.place.named(raw["id"]),
        name=raw["name"],
        metadata={"key": str(raw["slug"] if connection.by_slug else raw["id"])},
        draft=bool(raw.get("is_draft")),
    )


def describe(descriptor: EntityDescriptor, site: Site, raw: Any) -> Described:
    """A dashboard, its widgets as charts, and the tables that their queries read."""
    if raw.get("is_archived"):  # listings leave these out
        raise Gone("The dashboard was archived after it was listed.")
    options, context = site.settings.options, site.context or Context()
    url = _url(raw, site)
    charts, queries = [], dict[int, Any]()
    for widget in raw["widgets"]:
        chart = _chart(widget, url, site)
        if chart and site.shows(chart):
            charts.append(chart)
            query = (widget.get("visualization") or {}).get("query")
            queries |= {query["id"]: query} if query else {}
    made = Dashboard(
        name=str(raw["id"]),
        fqn=descriptor.id,
        service=site.place.service,
        display_name=text(raw["name"]),
        source_url=url,
        owners=owners((raw.get("user") or {}).get("email")) if options.includeOwners else (),
        tags=tags(TAGS, raw.get("tags")) if options.includeTags else (),
        charts=tuple(each.fqn for each in charts),
    )
    tables = dict.fromkeys(name for each in queries.values() for name in _tables(each, context))
    edges = [edge(EntityType.TABLE, each, EntityType.DASHBOARD, made.fqn) for each in tables]
    return Described(descriptor, (*charts, made), edges)


def _url(raw: Mapping[str, Any], site: Site) -> str:
    connection: RedashConnection = site.settings.connection
    path = (
        f"dashboard/{raw['slug']}"
        if connection.by_slug
        else f"dashboards/{raw['id']}-{raw['slug']}"
    )
    return f"{site.place.url}/{path}"


def _chart(widget: Mapping[str, Any], url: str, site: Site) -> Chart | None:
    """A widget with a visualization or a text; None for one that this user may not see."""
    drawn, written = widget.get("visualization"), text(widget.get("text"))
    if drawn:
        query = drawn["query"]
        title: str | None = f"{drawn['name']} - {query['name']}"  # as Redash writes above a widget
        description = text(drawn.get("description")) or text(query.get("description"))
        kind, url = _kind(drawn), f"{site.place.url}/queries/{query['id']}#{drawn['id']}"
    elif written:
        title, description, kind = text(written.splitlines()[0].strip("#*_ ")), written, "Text"
    else:
        return None
    return site.place.chart(widget["id"], title, url, kind=kind, description=description)


def _kind(drawn: Mapping[str, Any]) -> str:
    """OpenMetadata's word for a visualization."""
    if drawn["type"] == "CHART":
        return CHARTS.get(str((drawn.get("options") or {}).get("globalSeriesType")), "Other")
    return CHARTS.get(drawn["type"], "Other")


def _tables(query: Mapping[str, Any], context: Context) -> Iterator[str]:
    """The catalogue's tables that a query reads."""
    dialect = context.dialects.get(query.get("data_source_id") or 0, "")
    if dialect is not None:
        sql = plain_sql(query.get("query") or "")
        yield from known_tables(sql, f"query {query['id']}", dialect or None, context.tables)


def plain_sql(sql: str) -> str:
    """A query with a word for parameters: `{{ days }}`, `{{{days}}}`, `{{ column }} {{ direction }}`."""
    return _PARAMETERS.sub(STAND_IN, _SECTION.sub("", sql))


CONNECTOR = Rest(
    service_type="Redash",
    family="dashboard",
    connection=RedashConnection,
    connect=connect,
    shared=shared,
    kinds={
        EntityType.DASHBOARD: Kind(
            path=DASHBOARDS,
            pager=lambda connection: Numbers("results", size=250, total="count", exact=True),
            found=found,
            details=(DASHBOARDS + "/{key}",),
            describe=describe,
            grant="The permission list_dashboards, which the group default has.",
        )
    },
    capabilities=frozenset(
        {
            Capability.DASHBOARDS,
            Capability.CHARTS,
            Capability.OWNERS,
            Capability.TAGS,
            Capability.LINEAGE,
        }
    ),
    lacks={
        Capability.PROJECTS: "Redash has no folders",
        Capability.DATA_MODELS: "Redash has none",
        Capability.COLUMNS: "there are no data models",
        Capability.VIEWS: "there are no data models",
        Capability.USAGE: "Redash's log of events is not read",
    },
)
