"""Trino, and Presto, as a `Facts` value."""

from rayingest.core.source import Capability
from rayingest.kit.sql.containers import named
from rayingest.kit.sql.facts import Facts
from rayingest.kit.sql.trino import listing
from rayingest.kit.sql.trino.check import check
from rayingest.kit.sql.trino.connect import connect
from rayingest.kit.sql.trino.session import turn
from rayingest.kit.sql.trino.tables import tables
from rayingest.model import EntityType

CAPABILITIES = frozenset(
    {
        Capability.DATABASES,
        Capability.SCHEMAS,
        Capability.TABLES,
        Capability.COLUMNS,
        Capability.COMMENTS,
        Capability.VIEWS,
        Capability.PARTITIONS,
        Capability.DDL,
    }
)
LACKS = {
    Capability.KEYS: "it has no keys, and tells none of what its catalogs read",
    Capability.PROCEDURES: "its procedures are those of its connectors; functions that users made are listed by"
    " SHOW FUNCTIONS alone, schema by schema, and not read yet",
    Capability.OWNERS: "its system tables name no owners of tables",
    Capability.TAGS: "it has no tags",
}


TRINO = Facts(
    connect=connect,
    databases=listing.databases,
    listing=listing.listing,
    members=listing.members,
    describe={
        EntityType.DATABASE: named,
        EntityType.DATABASE_SCHEMA: named,
        EntityType.TABLE: tables,
    },
    check=check,
    turn=turn,
)
