"""What an item of Unity Catalog's REST API becomes: pure.

The keys of items: https://docs.databricks.com/api/workspace/tables/get, …/schemas/get,
…/catalogs/get, …/functions/get.
"""

from collections.abc import Mapping
from typing import Any

from rayingest.connectors.database._unity.facets import Facets
from rayingest.connectors.database._unity.shapes import shape_of
from rayingest.core.source import EntityDescriptor
from rayingest.kit.sql.facts import Wants
from rayingest.kit.sql.keys import Keys
from rayingest.kit.sql.reflected.shapes import column
from rayingest.kit.sql.scrub import scrub
from rayingest.model import (
    Column,
    Database,
    DatabaseSchema,
    Owner,
    PartitionColumn,
    StoredProcedure,
    Table,
    TableType,
)

Raw = Mapping[str, Any]
VIEWS = {"VIEW", "MATERIALIZED_VIEW", "METRIC_VIEW"}
TABLE_TYPES = {
    "MANAGED": TableType.REGULAR,
    "MANAGED_SHALLOW_CLONE": TableType.REGULAR,
    "EXTERNAL": TableType.EXTERNAL,
    "EXTERNAL_SHALLOW_CLONE": TableType.EXTERNAL,
    "VIEW": TableType.VIEW,
    "METRIC_VIEW": TableType.VIEW,
    "MATERIALIZED_VIEW": TableType.MATERIALIZED_VIEW,
    "STREAMING_TABLE": TableType.STREAM,
    "FOREIGN": TableType.FOREIGN,
}


def database(raw: Raw, at: EntityDescriptor, wants: Wants, facets: Facets) -> Database:
    """A catalog."""
    return Database(
        name=raw["name"],
        fqn=at.id,
        service=at.scope,
        description=raw.get("comment") or None,
        owners=_owners(raw, wants),
        tags=facets.tags_of(raw["name"]),
    )


def schema(raw: Raw, at: EntityDescriptor, wants: Wants, facets: Facets) -> DatabaseSchema:
    """A schema."""
    return DatabaseSchema(
        name=raw["name"],
        fqn=at.id,
        database=at.scope,
        description=raw.get("comment") or None,
        owners=_owners(raw, wants),
        tags=facets.tags_of(at.batch, raw["name"]),
    )


def table(raw: Raw, at: EntityDescriptor, wants: Wants, facets: Facets) -> Table:
    """A table or view, whatever its kind."""
    names = at.batch, at.metadata["schema"], raw["name"]
    kind = raw["table_type"]
    keys = facets.keys_of(*names)
    columns = sorted(raw.get("columns") or (), key=lambda each: int(each.get("position") or 0))
    text = raw.get("view_definition")
    return Table(
        name=raw["name"],
        fqn=at.id,
        database_schema=at.scope,
        table_type=_table_type(raw),
        description=raw.get("comment") or None,
        owners=_owners(raw, wants),
        tags=facets.tags_of(*names),
        columns=tuple([_column(each, names, keys, facets) for each in columns]),
        constraints=keys.of_table,
        partition=_partition(columns),
        schema_definition=scrub(text) if text else None,
        location_path=raw.get("storage_location") if kind.startswith("EXTERNAL") else None,
    )


def function(raw: Raw, at: EntityDescriptor, wants: Wants, facets: Facets) -> StoredProcedure:
    """A function; in a schema there is one of each name."""
    external = raw.get("routine_body") == "EXTERNAL"
    return StoredProcedure(
        name=raw["name"],
        fqn=at.id,
        database_schema=at.scope,
        description=raw.get("comment") or None,
        owners=_owners(raw, wants),
        code=scrub(raw.get("routine_definition") or ""),
        language=(raw.get("external_language") if external else None) or "SQL",
        procedure_type="Function",
    )


def _owners(raw: Raw, wants: Wants) -> tuple[Owner, ...]:
    name = raw.get("owner") if wants.owners else None
    return (Owner(name=name),) if name else ()


def _table_type(raw: Raw) -> TableType:
    """By the kind; a table of Iceberg's own format is called so."""
    kind = TABLE_TYPES.get(raw["table_type"], TableType.REGULAR)
    is_iceberg = kind is TableType.REGULAR and raw.get("data_source_format") == "ICEBERG"
    return TableType.ICEBERG if is_iceberg else kind


def _column(raw: Raw, names: tuple[str, str, str], keys: Keys, facets: Facets) -> Column:
    name = raw["name"]
    return column(
        name,
        shape_of(raw),
        constraint=keys.constraint(name, required=raw.get("nullable") is False),
        ordinal_position=int(raw.get("position") or 0) + 1,
        description=raw.get("comment") or None,
        tags=facets.tags_of(*names, name),
    )


def _partition(columns: list[Raw]) -> tuple[PartitionColumn, ...]:
    found = [each for each in columns if each.get("partition_index") is not None]
    return tuple(
        [
            PartitionColumn(column_name=each["name"], interval_type="COLUMN-VALUE")
            for each in sorted(found, key=lambda each: int(each["partition_index"]))
        ]
    )
