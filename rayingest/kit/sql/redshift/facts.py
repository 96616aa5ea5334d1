"""Redshift as a `Facts` value."""

from rayingest.kit.sql.facts import Facts
from rayingest.kit.sql.redshift import containers, listing
from rayingest.kit.sql.redshift.check import check
from rayingest.kit.sql.redshift.connect import connect
from rayingest.kit.sql.redshift.errors import classify
from rayingest.kit.sql.redshift.routines import routines
from rayingest.kit.sql.redshift.tables import tables
from rayingest.model import EntityType

REDSHIFT = Facts(
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
