"""Entities and facts: what sources describe and sinks write, in OpenMetadata's open vocabulary."""

from rayingest.model.database import (
    Column,
    ColumnConstraint,
    Database,
    DatabaseSchema,
    DatabaseService,
    PartitionColumn,
    StoredProcedure,
    Table,
    TableConstraint,
    TableType,
)
from rayingest.model.entity import Entity, EntityType, Fact, Owner, Tag

__all__ = [
    "Column",
    "ColumnConstraint",
    "Database",
    "DatabaseSchema",
    "DatabaseService",
    "Entity",
    "EntityType",
    "Fact",
    "Owner",
    "PartitionColumn",
    "StoredProcedure",
    "Table",
    "TableConstraint",
    "TableType",
    "Tag",
]
