"""MongoDB as a `Facts` value: its databases are schemas, listed side by side, one call for each.

A batch takes one listCollections for each of its databases, which tells options and validators; a
collection then takes up to three calls: its oldest and its newest documents, and its indexes.
"""

from rayingest.connectors.database._mongodb.check import check
from rayingest.connectors.database._mongodb.collections import collections
from rayingest.connectors.database._mongodb.connect import connect
from rayingest.connectors.database._mongodb.errors import classify
from rayingest.connectors.database._mongodb.listing import databases, listing, members
from rayingest.core.source import Capability
from rayingest.kit.sql.containers import named
from rayingest.kit.sql.facts import Facts
from rayingest.model import EntityType

CAPABILITIES = frozenset(
    {
        *(Capability.DATABASES, Capability.SCHEMAS, Capability.TABLES, Capability.COLUMNS),
        *(Capability.COMMENTS, Capability.VIEWS),
    }
)
LACKS = {
    Capability.KEYS: "`_id` and unique indexes are read; MongoDB knows no foreign keys",
    Capability.PARTITIONS: "shard keys are told only by the database `config`, which is not read",
    Capability.PROCEDURES: "functions stored in system.js are deprecated, and not read",
    Capability.OWNERS: "MongoDB's collections have no owner",
    Capability.DDL: "MongoDB has no statements that make collections",
    Capability.TAGS: "MongoDB has no tags",
}


MONGODB = Facts(
    connect=connect,
    databases=databases,
    listing=listing,
    members=members,
    describe={
        EntityType.DATABASE: named,
        EntityType.DATABASE_SCHEMA: named,
        EntityType.TABLE: collections,
    },
    classify=classify,
    check=check,
)
