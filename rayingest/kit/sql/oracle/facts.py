"""Oracle as a `Facts` value."""

from rayingest.core.source import Capability
from rayingest.kit.sql.containers import named
from rayingest.kit.sql.facts import Facts
from rayingest.kit.sql.oracle import listing
from rayingest.kit.sql.oracle.check import check
from rayingest.kit.sql.oracle.connect import connect
from rayingest.kit.sql.oracle.errors import classify
from rayingest.kit.sql.oracle.routines import routines
from rayingest.kit.sql.oracle.tables import tables
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
        Capability.DDL,
    }
)
LACKS = {
    Capability.OWNERS: "what is in a schema belongs to it: there is no other owner",
    Capability.TAGS: "it has no tags; the annotations of 23ai are not read yet",
    Capability.INCREMENTAL: "every run reads all: LAST_DDL_TIME tells of no comment, and of nothing "
    "that is dropped",
}
ORACLE = Facts(
    connect=connect,
    databases=listing.databases,
    listing=listing.listing,
    describe={
        EntityType.DATABASE: named,
        EntityType.DATABASE_SCHEMA: named,
        EntityType.TABLE: tables,
        EntityType.STORED_PROCEDURE: routines,
    },
    classify=classify,
    check=check,
)
