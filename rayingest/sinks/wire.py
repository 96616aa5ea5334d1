"""OpenMetadata's create requests, as far as we fill them: the spelling that all sinks share.

Structs encode in the order of their fields, so equal entities are equal bytes.
"""

from typing import Any

import msgspec

from rayingest.model import EntityType


class Wire(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel", gc=False):
    """A value as it is sent."""


class TagLabel(Wire, frozen=True, kw_only=True):
    """A tag on an entity or a column."""

    tag_fqn: str = msgspec.field(name="tagFQN")
    source: str
    label_type: str
    state: str


class Reference(Wire, frozen=True, kw_only=True):
    """An entity reference; `id` is what OpenMetadata wants, `name` what is known without asking it."""

    id: str | None = None
    type: str
    name: str | None = None


class Column(Wire, frozen=True, kw_only=True):
    """A column whose name or tags need a spelling of their own; otherwise the model's is sent as it is."""

    name: str
    data_type: str
    data_type_display: str | None = None
    array_data_type: str | None = None
    data_length: int | None = None
    precision: int | None = None
    scale: int | None = None
    constraint: str | None = None
    ordinal_position: int | None = None
    description: str | None = None
    tags: tuple[TagLabel, ...] = ()
    children: tuple["Column", ...] = ()
    display_name: str | None = None


class Constraint(Wire, frozen=True, kw_only=True):
    """A key over several columns, or a foreign key."""

    constraint_type: str
    columns: tuple[str, ...]
    referred_columns: tuple[str, ...] = ()
    relationship_type: str | None = None


class PartitionColumn(Wire, frozen=True, kw_only=True):
    """One column that a table is partitioned by."""

    column_name: str
    interval_type: str
    interval: str | None = None


class Partition(Wire, frozen=True, kw_only=True):
    """How a table is partitioned."""

    columns: tuple[PartitionColumn, ...]


class Code(Wire, frozen=True, kw_only=True):
    """The text of a stored procedure."""

    language: str | None = None
    code: str


class Create(Wire, frozen=True, kw_only=True):
    """What all create requests share."""

    name: str
    display_name: str | None = None
    description: str | None = None
    owners: tuple[Reference, ...] = ()
    tags: tuple[TagLabel, ...] = ()
    source_url: str | None = None
    source_hash: str | None = None
    fully_qualified_name: str | None = None


class CreateService(Create, frozen=True, kw_only=True):
    """`connection` is encoded beforehand: it may hold secrets, which appear in no struct."""

    service_type: str
    connection: Any = None


class CreateDatabase(Create, frozen=True, kw_only=True):
    """A database of a service."""

    service: str


class CreateSchema(Create, frozen=True, kw_only=True):
    """A schema of a database."""

    database: str


class CreateTable(Create, frozen=True, kw_only=True):
    """A table or view."""

    database_schema: str
    table_type: str
    columns: tuple[Column, ...]
    table_partition: Partition | None = None
    schema_definition: str | None = None
    location_path: str | None = None
    # The last field: a row with foreign keys is encoded once and gets them spliced in.
    table_constraints: tuple[Constraint, ...] = ()


class CreateProcedure(Create, frozen=True, kw_only=True):
    """A stored procedure or function."""

    database_schema: str
    stored_procedure_code: Code
    stored_procedure_type: str


class CreateChart(Create, frozen=True, kw_only=True):
    """A chart; its dashboards name it."""

    service: str
    chart_type: str


class CreateDashboard(Create, frozen=True, kw_only=True):
    """A dashboard or report."""

    service: str
    dashboard_type: str
    project: str | None = None
    # The last fields: a row that refers to others is encoded once and gets them spliced in.
    charts: tuple[str, ...] = ()
    data_models: tuple[str, ...] = ()


class CreateDataModel(Create, frozen=True, kw_only=True):
    """A data model of a dashboard service."""

    service: str
    service_type: str | None = None
    data_model_type: str
    project: str | None = None
    sql: str | None = None
    columns: tuple[Column, ...]


REQUESTS: dict[str, type[Create]] = {
    EntityType.DATABASE_SERVICE: CreateService,
    EntityType.DATABASE: CreateDatabase,
    EntityType.DATABASE_SCHEMA: CreateSchema,
    EntityType.TABLE: CreateTable,
    EntityType.STORED_PROCEDURE: CreateProcedure,
    EntityType.DASHBOARD_SERVICE: CreateService,
    EntityType.DASHBOARD: CreateDashboard,
    EntityType.CHART: CreateChart,
    EntityType.DASHBOARD_DATA_MODEL: CreateDataModel,
}
