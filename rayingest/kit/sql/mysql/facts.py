"""MySQL and MariaDB as a `Facts` value; databases and schemas are described here."""

from collections.abc import Iterator, Sequence

from rayingest.core.source import Capability, Described, EntityDescriptor, Failed, Processed
from rayingest.errors import Gone
from rayingest.kit.sql.facts import Facts, Wants
from rayingest.kit.sql.mysql import listing
from rayingest.kit.sql.mysql.check import check
from rayingest.kit.sql.mysql.connect import connect
from rayingest.kit.sql.mysql.errors import classify
from rayingest.kit.sql.mysql.routines import routines
from rayingest.kit.sql.mysql.session import MySqlSession, quoted
from rayingest.kit.sql.mysql.tables import tables
from rayingest.model import Database, DatabaseSchema, EntityType

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


def databases(
    session: MySqlSession,
    descriptors: Sequence[EntityDescriptor],
    wants: Wants,
) -> Iterator[Processed]:
    """Answer the descriptor of the only database, of which there is nothing to tell."""
    for each in descriptors:
        name = each.metadata["name"]
        yield Described(each, (Database(name=name, fqn=each.id, service=each.scope),))


def schemas(
    session: MySqlSession,
    descriptors: Sequence[EntityDescriptor],
    wants: Wants,
) -> Iterator[Processed]:
    """Answer descriptors of schemas."""
    commented = session.is_mariadb and session.version >= COMMENTED
    query = SCHEMAS.format(comment="schema_comment" if commented else "null")
    names = tuple(each.metadata["name"] for each in descriptors)
    found = {row[0]: row[1] for row in session.rows(query, [names])}
    for each in descriptors:
        name = each.metadata["name"]
        if name in found:
            schema = DatabaseSchema(
                name=name, fqn=each.id, database=each.scope, description=found[name] or None
            )
            yield Described(each, (schema,))
        else:
            yield Failed(each, Gone(f"{quoted(name)} was dropped after it was listed."))


MYSQL = Facts(
    connect=connect,
    databases=listing.databases,
    listing=listing.listing,
    describe={
        EntityType.DATABASE: databases,
        EntityType.DATABASE_SCHEMA: schemas,
        EntityType.TABLE: tables,
        EntityType.STORED_PROCEDURE: routines,
    },
    classify=classify,
    check=check,
)
