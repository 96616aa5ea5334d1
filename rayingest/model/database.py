"""The entities of a relational database, from service to column."""

from enum import StrEnum
from typing import ClassVar

from rayingest.model.entity import Entity, EntityType, Service, Struct, Tag


class TableType(StrEnum):
    """OpenMetadata's `tableType`."""

    REGULAR = "Regular"
    EXTERNAL = "External"
    DYNAMIC = "Dynamic"
    VIEW = "View"
    SECURE_VIEW = "SecureView"
    MATERIALIZED_VIEW = "MaterializedView"
    ICEBERG = "Iceberg"
    LOCAL = "Local"
    PARTITIONED = "Partitioned"
    FOREIGN = "Foreign"
    TRANSIENT = "Transient"
    STREAM = "Stream"
    STAGE = "Stage"


class ColumnConstraint(StrEnum):
    """OpenMetadata's column `constraint`: single-column keys and nullability."""

    NULL = "NULL"
    NOT_NULL = "NOT_NULL"
    UNIQUE = "UNIQUE"
    PRIMARY_KEY = "PRIMARY_KEY"


class Column(Struct, frozen=True, kw_only=True):
    """One column; `data_type` is a value of OpenMetadata's dataType enum, `ordinal_position` counts from 1."""

    name: str
    data_type: str
    data_type_display: str | None = None
    array_data_type: str | None = None
    data_length: int | None = None
    precision: int | None = None
    scale: int | None = None
    constraint: ColumnConstraint | None = None
    ordinal_position: int | None = None
    description: str | None = None
    tags: tuple[Tag, ...] = ()
    children: tuple["Column", ...] = ()
    display_name: str | None = None


class TableConstraint(Struct, frozen=True, kw_only=True):
    """A key over several columns, or a reference to another table.

    `constraint_type` is UNIQUE, PRIMARY_KEY, FOREIGN_KEY, SORT_KEY, DIST_KEY or CLUSTER_KEY. For a
    foreign key `referred_columns` are column FQNs and `referred_table` the FQN they belong to.
    """

    constraint_type: str
    columns: tuple[str, ...]
    referred_columns: tuple[str, ...] = ()
    referred_table: str | None = None
    relationship_type: str | None = None


class PartitionColumn(Struct, frozen=True, kw_only=True):
    """One column that a table is partitioned by; `interval_type` as in OpenMetadata's schema."""

    column_name: str
    interval_type: str
    interval: str | None = None


class DatabaseService(Service, frozen=True, kw_only=True):
    """One database system as the catalogue knows it."""

    type: ClassVar[EntityType] = EntityType.DATABASE_SERVICE


class Database(Entity, frozen=True, kw_only=True):
    """A database (catalogue) of a service; `service` is an FQN."""

    type: ClassVar[EntityType] = EntityType.DATABASE
    service: str


class DatabaseSchema(Entity, frozen=True, kw_only=True):
    """A schema of a database; `database` is an FQN."""

    type: ClassVar[EntityType] = EntityType.DATABASE_SCHEMA
    database: str


class Table(Entity, frozen=True, kw_only=True):
    """A table or view; `database_schema` is an FQN, `schema_definition` its DDL or view text."""

    type: ClassVar[EntityType] = EntityType.TABLE
    database_schema: str
    table_type: TableType = TableType.REGULAR
    columns: tuple[Column, ...] = ()
    constraints: tuple[TableConstraint, ...] = ()
    partition: tuple[PartitionColumn, ...] = ()
    schema_definition: str | None = None
    location_path: str | None = None


class StoredProcedure(Entity, frozen=True, kw_only=True):
    """A procedure or function; overloads share one entity, their definitions follow one another in `code`."""

    type: ClassVar[EntityType] = EntityType.STORED_PROCEDURE
    database_schema: str
    code: str
    language: str | None = None
    procedure_type: str = "StoredProcedure"
