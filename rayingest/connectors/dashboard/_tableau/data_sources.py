"""From Tableau's data sources, published or embedded in a workbook, to entities: pure functions."""

from collections.abc import Iterator, Mapping
from typing import Any

from rayingest.connectors.dashboard._tableau import entities
from rayingest.connectors.dashboard._tableau.entities import MODEL, TABLE
from rayingest.core.source import Described, EntityDescriptor
from rayingest.kit.dashboards import edge, text
from rayingest.kit.rest.kinds import Found, Site
from rayingest.kit.tables import Tables
from rayingest.model import Column, DashboardDataModel, Fact

TYPES = {
    "BOOLEAN": "BOOLEAN", "DATE": "DATE", "DATETIME": "DATETIME", "INTEGER": "BIGINT",
    "REAL": "DOUBLE", "STRING": "STRING", "SPATIAL": "SPATIAL", "TUPLE": "TUPLE",
    "TABLE": "TABLE",
}  # fmt: skip
FOLDERS = {"HierarchyField"}  # drill paths: they hold other fields
FILES = {
    "textscan", "excel-direct", "hyper", "dataengine", "google-sheets", "webdata-direct", "pdf",
    "ogrdirect", "stat-direct", "semistructpassivestore-direct",
}  # fmt: skip


def published_found(raw: Any, site: Site) -> Found:
    """A published data source as the listing tells it."""
    return Found(
        fqn=site.place.data_model(raw["id"]),
        name=raw["name"],
        metadata={"published": raw["id"]},
        project=entities.project_of(raw, site),
    )


def embedded_found(each: entities.Embedded, site: Site) -> Found:
    """A data source of a workbook."""
    return Found(
        site.place.data_model(each.id),
        each.name,
        {"embedded": each.id, "project": each.project or ""},
        project=each.project,
    )


def published(descriptor: EntityDescriptor, site: Site, node: Any) -> Described:
    """A published data source: what REST knows of it, and the fields of the Metadata API."""
    raw = site.context.published.get(descriptor.metadata["published"], {})
    made = DashboardDataModel(
        name=descriptor.metadata["published"],
        fqn=descriptor.id,
        service=site.place.service,
        service_type="Tableau",
        data_model_type="TableauPublishedDatasource",
        display_name=text(node["name"] or raw.get("name")),
        description=text(raw.get("description")),
        project=entities.project_of(raw, site),
        source_url=entities.place_of(site).shown(raw.get("webpageUrl")),
        owners=entities.owners_of(raw, site),
        tags=entities.tags_of(raw, site),
        columns=columns(node),
    )
    return Described(descriptor, (made,), _from_tables(node, made.fqn, site))


def embedded(descriptor: EntityDescriptor, site: Site, node: Any) -> Described:
    """A data source of a workbook; one that is connected to published ones gets its data from there."""
    made = DashboardDataModel(
        name=descriptor.metadata["embedded"],
        fqn=descriptor.id,
        service=site.place.service,
        service_type="Tableau",
        data_model_type="TableauEmbeddedDatasource",
        display_name=text(node["name"]),
        project=descriptor.metadata["project"] or None,
        columns=columns(node),
    )
    above = [each["luid"] for each in node.get("upstreamDatasources") or ()]
    if not above:
        return Described(descriptor, (made,), _from_tables(node, made.fqn, site))
    known = (site.context.published[each] for each in above if each in site.context.published)
    found = (published_found(each, site) for each in known)
    read = [each.fqn for each in found if site.takes(MODEL, each)]
    return Described(descriptor, (made,), [edge(MODEL, each, MODEL, made.fqn) for each in read])


def columns(node: Mapping[str, Any]) -> tuple[Column, ...]:
    """The fields of a data source, each name once."""
    once = {each["name"]: each for each in node["fields"] if each.get("name")}
    told = ((name, each, each.get("remoteField") or each) for name, each in once.items())
    kept = [each for each in told if each[2]["__typename"] not in FOLDERS]
    return tuple(_column(*each, at) for at, each in enumerate(kept, 1))


def _column(name: str, raw: Mapping[str, Any], real: Mapping[str, Any], at: int) -> Column:
    """A field; `real` is the one of a published data source that it stands for, or itself."""
    kind, role, formula = (real.get(key) for key in ("dataType", "role", "formula"))
    shown = ", ".join(part.lower() for part in (role, kind) if part)
    said = [text(raw.get("description") or real.get("description"))]
    if formula:
        said.append(f"Formula: {formula.strip()}")
    return Column(
        name=name,
        data_type=TYPES.get(kind or "", "UNKNOWN"),
        data_type_display=shown or real["__typename"],
        ordinal_position=at,
        description="\n\n".join(part for part in said if part) or None,
    )


def _from_tables(node: Mapping[str, Any], target: str, site: Site) -> list[Fact]:
    tables = site.context.tables
    told = node.get("upstreamTables") or ()
    found = dict.fromkeys(name for each in told for name in _known(each, tables))
    return [edge(TABLE, each, MODEL, target) for each in found]


def _known(raw: Mapping[str, Any], tables: Tables) -> Iterator[str]:
    """A table of the catalogue; the name of its database is not always what the catalogue calls it."""
    if not raw.get("name") or raw.get("isEmbedded") or raw.get("connectionType") in FILES:
        return
    database = (raw.get("database") or {}).get("name")
    parts = [each for each in (database, raw.get("schema"), raw["name"]) if each]
    for some in (parts, parts[-2:]):
        if tuple(each.lower() for each in some) in tables.by_name:
            parts = some
            break
    name = tables.find(".".join(f'"{each}"' for each in parts))
    if name:
        yield name
