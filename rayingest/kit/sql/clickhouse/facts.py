"""ClickHouse as a `Facts` value; databases and schemas are described here."""

from collections.abc import Iterator, Sequence

from rayingest.core.source import Capability, EntityDescriptor, Processed
from rayingest.kit.sql.clickhouse import listing
from rayingest.kit.sql.clickhouse.check import check
from rayingest.kit.sql.clickhouse.connect import connect
from rayingest.kit.sql.clickhouse.session import ClickHouseSession
from rayingest.kit.sql.clickhouse.tables import tables
from rayingest.kit.sql.clickhouse.text import listed, quoted
from rayingest.kit.sql.containers import commented, named
from rayingest.kit.sql.facts import Facts, Wants
from rayingest.model import EntityType

SCHEMAS = "select name, {comment} from system.databases where name in ({names})"

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
    Capability.KEYS: "it has no unique and no foreign keys, and a primary key of its tables is not unique:"
    " sorting keys are told as SORT_KEY",
    Capability.PROCEDURES: "its functions belong to no database",
    Capability.OWNERS: "its tables have no owners",
    Capability.TAGS: "it has no tags",
}


def schemas(
    session: ClickHouseSession,
    descriptors: Sequence[EntityDescriptor],
    wants: Wants,
) -> Iterator[Processed]:
    """Answer descriptors of schemas."""
    names = listed(each.metadata["name"] for each in descriptors)
    comment = session.column("databases", "comment")
    rows = session.rows(SCHEMAS.format(comment=comment, names=names))
    found = {row[0]: row[1] for row in rows}
    return commented(descriptors, found, quoted)


CLICKHOUSE = Facts(
    connect=connect,
    databases=listing.databases,
    listing=listing.listing,
    describe={
        EntityType.DATABASE: named,
        EntityType.DATABASE_SCHEMA: schemas,
        EntityType.TABLE: tables,
    },
    check=check,
)
