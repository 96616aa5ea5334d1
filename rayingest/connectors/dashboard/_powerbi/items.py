"""From the items of a workspace to entities: pure functions.

Their keys are documented at
https://learn.microsoft.com/en-us/rest/api/power-bi/admin/workspace-info-get-scan-result.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from rayingest.connectors.dashboard._powerbi.home import DASHBOARD, MODEL, Home, Json, Made
from rayingest.connectors.dashboard._powerbi.origins import origins
from rayingest.kit.dashboards import edge, owners, plain, tags, text
from rayingest.model import (
    Chart,
    Column,
    Dashboard,
    DashboardDataModel,
    EntityType,
    Fact,
    Owner,
    Tag,
)

TABLE = EntityType.TABLE
TAGS = "PowerBITags"
TYPES = {
    "String": "STRING", "Int64": "BIGINT", "Double": "DOUBLE", "Decimal": "DECIMAL",
    "DateTime": "DATETIME", "Boolean": "BOOLEAN", "Binary": "BINARY", "Variant": "VARIANT",
}  # fmt: skip
_ROW = "RowNumber-2662979B-"  # a column of the engine's own in every table
_log = logging.getLogger(__name__)


# --- datasets and dataflows ---


def dataset(raw: Json, home: Home) -> Made:
    """A dataset as a data model: its tables are columns, and their columns and measures lie in them."""
    fqn = home.named(MODEL, raw["id"])
    if not home.site.keeps(MODEL, raw["name"], fqn):
        return Made()
    if error := text(raw.get("schemaRetrievalError")):
        _log.warning("Power BI does not tell the tables of the dataset %r: %s", raw["name"], error)
    found = origins(raw, fqn, home.site.context)
    wanted = home.site.settings.connection.displayTableNameFromSource
    columns = [
        _table(each, at, found.behind.get(each["name"]) if wanted else None)
        for at, each in enumerate(raw.get("tables") or (), 1)
    ]
    made = _model(
        raw,
        home,
        kind="PowerBIDataModel",
        identity=raw["id"],
        path=f"datasets/{raw['id']}/details",
        columns=columns,
    )
    edges = [edge(TABLE, each, MODEL, fqn) for each in found.tables]
    unknown = [f"{raw['name']}/{each}" for each in found.unknown]
    return Made((made,), (*edges, *_upstream(raw, home, fqn)), unknown)


def dataflow(raw: Json, home: Home) -> Made:
    """A dataflow as a data model; what it makes is not told."""
    fqn = home.named(MODEL, raw["objectId"])
    if not home.site.keeps(MODEL, raw["name"], fqn):
        return Made()
    identity = raw["objectId"]
    made = _model(
        raw, home, kind="PowerBIDataFlow", identity=identity, path=f"dataflows/{identity}"
    )
    return Made((made,), _upstream(raw, home, fqn))


def _model(
    raw: Json, home: Home, *, kind: str, identity: str, path: str, columns: Sequence[Column] = ()
) -> DashboardDataModel:
    return DashboardDataModel(
        name=plain(identity),
        fqn=home.named(MODEL, identity),
        service=home.site.place.service,
        service_type="PowerBI",
        data_model_type=kind,
        display_name=text(raw["name"]),
        description=text(raw.get("description")),
        project=home.project,
        source_url=home.url(path),
        owners=_owners(home, raw.get("configuredBy")),
        tags=_tags(raw, home),
        columns=tuple(columns),
    )


def _table(raw: Json, at: int, behind: str | None) -> Column:
    fields = [_column(each) for each in raw.get("columns") or () if not _internal(each)]
    fields += [_measure(each) for each in raw.get("measures") or ()]
    children = {each.name: each for each in fields}.values()
    return Column(
        name=raw["name"],
        display_name=behind,
        data_type="TABLE",
        data_type_display="table",
        ordinal_position=at,
        description=text(raw.get("description")),
        children=tuple(replace(each, ordinal_position=at) for at, each in enumerate(children, 1)),
    )


def _internal(raw: Json) -> bool:
    return str(raw["name"]).startswith(_ROW)


def _column(raw: Json) -> Column:
    told = str(raw.get("dataType") or "Unknown")
    return Column(
        name=raw["name"],
        data_type=TYPES.get(told, "UNKNOWN"),
        data_type_display=told,
        description=text(raw.get("description")),
    )


def _measure(raw: Json) -> Column:
    """A measure; what it computes follows its description."""
    expression = text(raw.get("expression"))
    written = (text(raw.get("description")), expression and f"```\n{expression}\n```")
    return Column(
        name=raw["name"],
        data_type="MEASURE HIDDEN" if raw.get("isHidden") else "MEASURE VISIBLE",
        data_type_display="measure",
        description="\n\n".join(each for each in written if each) or None,
    )


def _upstream(raw: Json, home: Home, fqn: str) -> list[Fact]:
    """What flows into a dataset or dataflow out of others."""
    told = [each.get("targetDatasetId") for each in raw.get("upstreamDatasets") or ()]
    told += [each.get("targetDataflowId") for each in raw.get("upstreamDataflows") or ()]
    names = dict.fromkeys(home.reference(MODEL, each) for each in told)
    return [edge(MODEL, each, MODEL, fqn) for each in names if each and each != fqn]


# --- reports and dashboards ---


def report(raw: Json, home: Home) -> Made:
    """A report, and the dataset that it shows."""
    fqn = home.named(DASHBOARD, raw["id"])
    if not home.site.keeps(DASHBOARD, raw["name"], fqn):
        return Made()
    model = home.reference(MODEL, raw.get("datasetId"))
    models = (model,) if model else ()
    of = "rdlreports" if raw.get("reportType") == "PaginatedReport" else "reports"
    people = _owning(raw, "reportUserAccessRight") or [raw.get("createdBy")]
    made = Dashboard(
        name=plain(raw["id"]),
        fqn=fqn,
        service=home.site.place.service,
        dashboard_type="Report",
        display_name=text(raw["name"]),
        description=text(raw.get("description")),
        project=home.project,
        source_url=home.url(f"{of}/{raw['id']}"),
        owners=_owners(home, *people),
        tags=_tags(raw, home),
        data_models=models,
    )
    return Made((made,), [edge(MODEL, each, DASHBOARD, fqn) for each in models])


def dashboard(raw: Json, home: Home) -> Made:
    """A dashboard, its tiles as charts, and the reports and datasets that they show."""
    fqn = home.named(DASHBOARD, raw["id"])
    if not home.site.keeps(DASHBOARD, raw["displayName"], fqn):
        return Made()
    url = home.url(f"dashboards/{raw['id']}")
    tiles = [(each, _tile(each, home, url)) for each in raw.get("tiles") or ()]
    kept = [(each, chart) for each, chart in tiles if home.site.shows(chart)]
    models = _references(home, MODEL, [each.get("datasetId") for each, _ in kept])
    reports = _references(home, DASHBOARD, [each.get("reportId") for each, _ in kept])
    charts = [chart for _, chart in kept]
    made = Dashboard(
        name=plain(raw["id"]),
        fqn=fqn,
        service=home.site.place.service,
        display_name=text(raw["displayName"]),
        project=home.project,
        source_url=url,
        owners=_owners(home, *_owning(raw, "dashboardUserAccessRight")),
        tags=_tags(raw, home),
        charts=tuple(each.fqn for each in charts),
        data_models=tuple(models),
    )
    edges = [edge(MODEL, each, DASHBOARD, fqn) for each in models]
    edges += [edge(DASHBOARD, each, DASHBOARD, fqn) for each in reports]
    return Made((*charts, made), edges)


def _tile(raw: Json, home: Home, url: str) -> Chart:
    return home.site.place.chart(raw["id"], raw.get("title"), url)


def _references(home: Home, kind: EntityType, told: Sequence[Any]) -> list[str]:
    found = dict.fromkeys(home.reference(kind, each) for each in told)
    return [each for each in found if each]


# --- all of them ---


def _owning(raw: Json, right: str) -> list[Any]:
    """People who own it, where users were asked for."""
    return [
        each.get("emailAddress")
        for each in raw.get("users") or ()
        if each.get(right) == "Owner" and each.get("principalType") == "User"
    ]


def _owners(home: Home, *emails: Any) -> tuple[Owner, ...]:
    return owners(*emails) if home.site.settings.options.includeOwners else ()


def _tags(raw: Json, home: Home) -> tuple[Tag, ...]:
    """Its endorsement: Promoted or Certified. Of a sensitivity label only the id is told."""
    if not home.site.settings.options.includeTags:
        return ()
    told = text((raw.get("endorsementDetails") or {}).get("endorsement"))
    return tags(TAGS, (told,) if told else ())


MAKERS: Mapping[str, Callable[[Json, Home], Made]] = {  # data models before what shows them
    "dataflows": dataflow,
    "datasets": dataset,
    "reports": report,
    "dashboards": dashboard,
}
