"""From Metabase's dashboards, questions and models to entities: pure functions."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rayingest.connectors.dashboard._metabase.query import as_sql, asked
from rayingest.core.source import Described, EntityDescriptor
from rayingest.errors import Gone
from rayingest.kit.dashboards import flows, owners, text
from rayingest.kit.queries import known_tables
from rayingest.kit.rest.kinds import Found, Site
from rayingest.kit.tables import Tables
from rayingest.model import Chart, Column, Dashboard, DashboardDataModel, EntityType, Owner

DASHBOARD, MODEL, TABLE = EntityType.DASHBOARD, EntityType.DASHBOARD_DATA_MODEL, EntityType.TABLE
CHARTS = {
    "table": "Table", "pivot": "Table", "object": "Table", "list": "Table", "bar": "Bar",
    "row": "Bar", "waterfall": "Bar", "combo": "Bar", "line": "Line", "area": "Area", "pie": "Pie",
    "scatter": "Scatter", "map": "Map", "gauge": "Gauge", "progress": "Gauge", "scalar": "Text",
    "smartscalar": "Text", "sankey": "SanKey", "boxplot": "BoxPlot",
}  # fmt: skip
TYPES = {
    "Text": "STRING", "Integer": "INT", "BigInteger": "BIGINT", "Float": "DOUBLE", "Decimal": "DECIMAL",
    "Number": "NUMBER", "Boolean": "BOOLEAN", "Date": "DATE", "Time": "TIME", "TimeWithTZ": "TIME",
    "TimeWithLocalTZ": "TIME", "DateTime": "DATETIME", "DateTimeWithTZ": "TIMESTAMPZ",
    "DateTimeWithLocalTZ": "TIMESTAMPZ", "Instant": "TIMESTAMPZ", "Interval": "INTERVAL",
    "UUID": "UUID", "JSON": "JSON", "Dictionary": "MAP", "Array": "ARRAY", "IPAddress": "INET",
    "PostgresEnum": "ENUM", "MySQLEnum": "ENUM", "MongoBSONID": "STRING",
}  # fmt: skip
DIALECTS = {
    "postgres": "postgres", "mysql": "mysql", "sqlserver": "tsql", "redshift": "redshift",
    "snowflake": "snowflake", "bigquery-cloud-sdk": "bigquery", "athena": "athena", "oracle": "oracle",
    "databricks": "databricks", "sparksql": "spark", "starburst": "trino", "presto-jdbc": "presto",
    "clickhouse": "clickhouse", "sqlite": "sqlite", "druid-jdbc": "druid",
}  # fmt: skip
NO_SQL = {"mongo", "druid"}  # their native queries are JSON


@dataclass(frozen=True)
class Context:
    """What sessions share, all by Metabase's ids: the catalogue's tables are by their names.

    `projects` are collections' paths, `users` e-mail addresses, `names` those of tables as SQL has them,
    `engines` the kinds of databases.
    """

    projects: Mapping[str, str] = field(default_factory=dict)
    personal: frozenset[str] = frozenset()
    users: Mapping[str, str] = field(default_factory=dict)
    models: Mapping[str, Found] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    engines: Mapping[str, str] = field(default_factory=dict)
    tables: Tables = field(default_factory=Tables)


def projects(folders: Sequence[Any]) -> dict[str, str]:
    """Collection's id -> the names from the root to it; those that we may not see are left out."""
    names = {str(each["id"]): str(each["name"]) for each in folders}
    return {
        str(each["id"]): " / ".join(names[at] for at in _way(each) if at in names)
        for each in folders
        if each["id"] != "root"  # what lies there is in no project
    }


def personal(folders: Sequence[Any]) -> frozenset[str]:
    """People's own collections, and all below them."""
    own = {str(each["id"]) for each in folders if each.get("personal_owner_id")}
    return frozenset(str(each["id"]) for each in folders if own & set(_way(each)))


def _way(folder: Mapping[str, Any]) -> list[str]:
    """The ids from the root to a collection, itself too: its location is `/1/5/`."""
    return [*str(folder.get("location") or "").strip("/").split("/"), str(folder["id"])]


# --- dashboards ---


def dashboard_found(raw: Any, site: Site) -> Found:
    """A dashboard as the listing tells it."""
    return _found(raw, site.place.named(raw["id"]), site)


def dashboard(descriptor: EntityDescriptor, site: Site, raw: Any) -> Described:
    """A dashboard, its questions as charts, and what they ask."""
    if raw.get("archived"):
        raise Gone(f"dashboard {raw['id']} was moved to the trash")
    charts, shown = [], dict[tuple[EntityType, str], None]()
    for dashcard in raw["dashcards"] if "dashcards" in raw else raw["ordered_cards"]:  # before 0.47
        card = dashcard.get("card") or {}
        if not card.get("name"):  # a text, a link, a question that this account may not see
            continue
        chart = _chart(dashcard, card, raw["id"], site)
        if site.shows(chart):
            charts.append(chart)
            for each in (card, *(dashcard.get("series") or ())):  # drawn into the same chart
                shown |= dict.fromkeys(_shown(each, chart.fqn, site))
    made = Dashboard(
        name=str(raw["id"]),
        fqn=descriptor.id,
        service=site.place.service,
        display_name=text(raw["name"]),
        description=text(raw.get("description")),
        project=_context(site).projects.get(_folder(raw)),
        source_url=f"{site.place.url}/dashboard/{raw['id']}",
        owners=_owners(raw, site),
        charts=tuple(each.fqn for each in charts),
        data_models=tuple(name for kind, name in shown if kind is MODEL),
    )
    return Described(descriptor, (*charts, made), flows(shown, DASHBOARD, made.fqn))


def _chart(
    dashcard: Mapping[str, Any], card: Mapping[str, Any], dashboard: int, site: Site
) -> Chart:
    """A question may be on many dashboards, and more than once: its place is what a chart is."""
    title = (dashcard.get("visualization_settings") or {}).get("card.title")
    return site.place.chart(
        f"{dashboard}_{dashcard['id']}",
        text(title) or card["name"],
        f"{site.place.url}/question/{card['id']}",
        kind=CHARTS.get(str(card.get("display")), "Other"),
        description=card.get("description"),
    )


def _shown(card: Mapping[str, Any], whose: str, site: Site) -> Iterator[tuple[EntityType, str]]:
    """What flows into a chart: the model that it shows, or else what its question asks."""
    own = _model(str(card.get("id")), site)
    if own is not None:
        yield MODEL, own
    else:
        yield from _asked(card, whose, site)


# --- models ---


def model_found(raw: Any, site: Site) -> Found:
    """A model as the search tells it."""
    return _found(raw, site.place.data_model(str(raw["id"])), site)


def model(descriptor: EntityDescriptor, site: Site, raw: Any) -> Described:
    """A model with its columns, and what it asks."""
    if raw.get("archived") or not (raw.get("type") == "model" or raw.get("dataset")):
        raise Gone(f"question {raw['id']} is no model any more")
    columns = {each["name"]: each for each in raw.get("result_metadata") or ()}
    made = DashboardDataModel(
        name=str(raw["id"]),
        fqn=descriptor.id,
        service=site.place.service,
        service_type="Metabase",
        data_model_type="MetabaseDataModel",
        display_name=text(raw["name"]),
        description=text(raw.get("description")),
        project=_context(site).projects.get(_folder(raw)),
        source_url=f"{site.place.url}/model/{raw['id']}",
        owners=_owners(raw, site),
        sql=next(iter(asked(raw["dataset_query"]).sql), None),
        columns=tuple(_column(each, at) for at, each in enumerate(columns.values(), 1)),
    )
    read = dict.fromkeys(_asked(raw, made.fqn, site))
    return Described(descriptor, (made,), flows(read, MODEL, made.fqn))


def _column(raw: Mapping[str, Any], at: int) -> Column:
    told = str(raw.get("base_type") or "").removeprefix("type/")
    kind = TYPES.get(told, "UNKNOWN")
    return Column(
        name=raw["name"],
        display_name=text(raw.get("display_name")),
        data_type=kind,
        data_type_display=told or None,
        array_data_type="UNKNOWN" if kind == "ARRAY" else None,
        ordinal_position=at,
        description=text(raw.get("description")),
    )


# --- both ---


def _context(site: Site) -> Context:
    return site.context or Context()


def _found(raw: Mapping[str, Any], name: str, site: Site) -> Found:
    context, folder = _context(site), _folder(raw)
    return Found(
        fqn=name,
        name=raw["name"],
        metadata={"id": str(raw["id"])},
        project=context.projects.get(folder),
        draft=folder in context.personal,
    )


def _folder(raw: Mapping[str, Any]) -> str:
    """The id of a collection; a search tells all of it."""
    return str(raw.get("collection_id") or (raw.get("collection") or {}).get("id"))


def _owners(raw: Mapping[str, Any], site: Site) -> tuple[Owner, ...]:
    return owners(_context(site).users.get(str(raw.get("creator_id"))))


def _model(identity: str, site: Site) -> str | None:
    """The FQN of a model that is read; None for another question."""
    found = _context(site).models.get(identity)
    return found.fqn if found is not None and site.takes(MODEL, found) else None


def _asked(card: Mapping[str, Any], whose: str, site: Site) -> Iterator[tuple[EntityType, str]]:
    """What flows into a question: models, and the catalogue's tables when they are asked for."""
    context, query = _context(site), card.get("dataset_query") or {}
    found = asked(query)
    yield from ((MODEL, each) for each in (_model(card, site) for card in found.cards) if each)
    if not context.tables.places:
        return
    names = (context.names[each] for each in found.tables if each in context.names)
    yield from ((TABLE, each) for each in map(context.tables.find, names) if each)
    engine = context.engines.get(str(query.get("database")), "")
    for sql in found.sql if engine not in NO_SQL else ():
        known = known_tables(as_sql(sql), whose, DIALECTS.get(engine), context.tables)
        yield from ((TABLE, each) for each in known)
