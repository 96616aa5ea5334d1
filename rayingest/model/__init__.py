"""Entities and facts: what sources describe and sinks write, in OpenMetadata's open vocabulary."""

from rayingest.model.dashboard import Chart, Dashboard, DashboardDataModel, DashboardService
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
from rayingest.model.entity import Entity, EntityType, Fact, Owner, Service, Tag
from rayingest.model.usage import USAGE

__all__ = [
    "USAGE",
    "Chart",
    "Column",
    "ColumnConstraint",
    "Dashboard",
    "DashboardDataModel",
    "DashboardService",
    "Database",
    "DatabaseSchema",
    "DatabaseService",
    "Entity",
    "EntityType",
    "Fact",
    "Owner",
    "PartitionColumn",
    "Service",
    "StoredProcedure",
    "Table",
    "TableConstraint",
    "TableType",
    "Tag",
]
