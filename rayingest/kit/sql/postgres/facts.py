"""PostgreSQL as a `Facts` value."""

from rayingest.kit.sql.facts import Facts
from rayingest.kit.sql.postgres import containers, listing
from rayingest.kit.sql.postgres.check import check
from rayingest.kit.sql.postgres.connect import connect
from rayingest.kit.sql.postgres.errors import classify
from rayingest.kit.sql.postgres.routines import routines
from rayingest.kit.sql.postgres.tables import tables
from rayingest.model import EntityType

POSTGRES = Facts(
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
