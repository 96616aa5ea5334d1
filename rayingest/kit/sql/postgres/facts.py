"""PostgreSQL as a `Facts` value, and those with its catalogue."""

from functools import partial

from rayingest.kit.sql.facts import Facts
from rayingest.kit.sql.postgres import containers, listing
from rayingest.kit.sql.postgres.check import check
from rayingest.kit.sql.postgres.connect import connect
from rayingest.kit.sql.postgres.errors import classify
from rayingest.kit.sql.postgres.routines import routines
from rayingest.kit.sql.postgres.tables import tables
from rayingest.model import EntityType


def postgres(hidden: str = listing.HIDDEN) -> Facts:
    """A database with PostgreSQL's catalogue; schemas whose names match `hidden` are its own."""
    return Facts(
        connect=connect,
        databases=listing.databases,
        listing=partial(listing.listing, hidden),
        describe={
            EntityType.DATABASE: containers.databases,
            EntityType.DATABASE_SCHEMA: containers.schemas,
            EntityType.TABLE: tables,
            EntityType.STORED_PROCEDURE: routines,
        },
        classify=classify,
        check=partial(check, hidden),
    )


POSTGRES = postgres()
