"""SQL Server and its relatives as a `Facts` value."""

from rayingest.core.source import Capability
from rayingest.kit.sql.facts import Facts
from rayingest.kit.sql.mssql import containers, listing
from rayingest.kit.sql.mssql.check import check
from rayingest.kit.sql.mssql.connect import connect
from rayingest.kit.sql.mssql.errors import classify
from rayingest.kit.sql.mssql.routines import routines
from rayingest.kit.sql.mssql.tables import tables
from rayingest.model import EntityType

CAPABILITIES = frozenset(
    {
        Capability.DATABASES,
        Capability.SCHEMAS,
        Capability.TABLES,
        Capability.COLUMNS,
        Capability.KEYS,
        Capability.COMMENTS,
        Capability.VIEWS,
        Capability.PARTITIONS,
        Capability.PROCEDURES,
        Capability.OWNERS,
        Capability.DDL,
    }
)
LACKS = {
    Capability.TAGS: "sensitivity classifications are not read yet",
}
MSSQL = Facts(
    connect=connect,
    databases=listing.databases,
    listing=listing.listing,
    describe={
        EntityType.DATABASE: containers.databases,
        EntityType.DATABASE_SCHEMA: containers.schemas,
        EntityType.TABLE: tables,
        EntityType.STORED_PROCEDURE: routines,
    },
    classify=classify,
    check=check,
)
