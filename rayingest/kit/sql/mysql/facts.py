"""MySQL and its relatives as a `Facts` value; databases and schemas are described here."""

from collections.abc import Iterator, Sequence
from functools import partial

from rayingest.core.source import Capability, EntityDescriptor, Processed
from rayingest.kit.sql.containers import commented, named
from rayingest.kit.sql.facts import Facts, Wants
from rayingest.kit.sql.mysql import listing
from rayingest.kit.sql.mysql.check import check
from rayingest.kit.sql.mysql.connect import connect
from rayingest.kit.sql.mysql.errors import classify
from rayingest.kit.sql.mysql.product import MYSQL as PRODUCT
from rayingest.kit.sql.mysql.product import Product
from rayingest.kit.sql.mysql.routines import routines
from rayingest.kit.sql.mysql.session import MySqlSession, quoted
from rayingest.kit.sql.mysql.tables import tables
from rayingest.model import EntityType

SCHEMAS = "select schema_name, {comment} from information_schema.schemata where schema_name in %s"
COMMENTED = (10, 5, 0)  # MariaDB has had comments on schemas since then; MySQL has none

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
    Capability.OWNERS: "its tables have no owners",
    Capability.TAGS: "it has no tags",
}


def schemas(
    session: MySqlSession,
    descriptors: Sequence[EntityDescriptor],
    wants: Wants,
) -> Iterator[Processed]:
    """Answer descriptors of schemas."""
    has_comments = session.is_mariadb and session.version >= COMMENTED
    query = SCHEMAS.format(comment="schema_comment" if has_comments else "null")
    names = tuple(each.metadata["name"] for each in descriptors)
    comments = {row[0]: row[1] for row in session.rows(query, [names])}
    return commented(descriptors, comments, quoted)


def mysql(product: Product) -> Facts:
    """The facts of who speaks MySQL's protocol."""
    return Facts(
        connect=partial(connect, product=product),
        databases=listing.databases,
        listing=listing.listing,
        describe={
            EntityType.DATABASE: named,
            EntityType.DATABASE_SCHEMA: schemas,
            EntityType.TABLE: tables,
            EntityType.STORED_PROCEDURE: routines,
        },
        classify=partial(classify, rights=product.rights),
        check=check,
    )


MYSQL = mysql(PRODUCT)
