"""Snowflake as a `Facts` value; databases and schemas are described here."""

from collections.abc import Iterator, Sequence

from rayingest.core.source import Capability, Described, EntityDescriptor, Failed, Processed
from rayingest.errors import Gone
from rayingest.kit.sql.facts import Facts, Wants
from rayingest.kit.sql.snowflake import listing
from rayingest.kit.sql.snowflake.check import check
from rayingest.kit.sql.snowflake.connect import connect
from rayingest.kit.sql.snowflake.errors import classify
from rayingest.kit.sql.snowflake.routines import routines
from rayingest.kit.sql.snowflake.session import SnowSession, quoted
from rayingest.kit.sql.snowflake.tables import tables
from rayingest.kit.sql.snowflake.tags import database_tags, schema_tags
from rayingest.model import Database, DatabaseSchema, EntityType

DATABASE = "show databases starts with %s"
SCHEMAS = """select schema_name, schema_owner, comment from {views}.schemata
 where schema_name in (%s)"""

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
        Capability.TAGS,
        Capability.INCREMENTAL,
    }
)


def databases(
    session: SnowSession, descriptors: Sequence[EntityDescriptor], wants: Wants
) -> Iterator[Processed]:
    """Answer descriptors of databases."""
    for each in descriptors:
        name = each.metadata["name"]
        rows = [row for row in session.shown(DATABASE, [name]) if row["name"] == name]
        if not rows:
            yield Failed(each, Gone(f"{quoted(name)} was dropped after it was listed."))
            continue
        database = Database(
            name=name,
            fqn=each.id,
            service=each.scope,
            description=rows[0]["comment"] or None,
            owners=wants.owned(rows[0]["owner"]),
            tags=database_tags(session) if wants.tags else (),
        )
        yield Described(each, (database,))


def schemas(
    session: SnowSession, descriptors: Sequence[EntityDescriptor], wants: Wants
) -> Iterator[Processed]:
    """Answer descriptors of schemas."""
    names = [each.metadata["name"] for each in descriptors]
    rows = session.rows(SCHEMAS.format(views=session.views), [names])
    found = {row[0]: row for row in rows}
    tags = schema_tags(session, names) if wants.tags else {}
    for name, each in zip(names, descriptors, strict=True):
        if name not in found:
            yield Failed(each, Gone(f"{quoted(name)} was dropped after it was listed."))
            continue
        schema = DatabaseSchema(
            name=name,
            fqn=each.id,
            database=each.scope,
            description=found[name][2] or None,
            owners=wants.owned(found[name][1]),
            tags=tags.get(name, ()),
        )
        yield Described(each, (schema,))


SNOWFLAKE = Facts(
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
    turn=SnowSession.turn,
    leaves_out=listing.leaves_out,
)
