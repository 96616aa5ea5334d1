"""Describe databases and schemas: descriptions and owners."""

from collections.abc import Iterator, Sequence

from rayingest.core.source import Described, EntityDescriptor, Failed, Processed
from rayingest.errors import Gone
from rayingest.kit.sql.facts import Wants
from rayingest.kit.sql.mssql.comments import DATABASE, ITSELF, SCHEMA, comments
from rayingest.kit.sql.mssql.session import TdsSession, among, quoted
from rayingest.model import Database, DatabaseSchema

OWNER = "select suser_sname(d.owner_sid) from sys.databases d where d.name = %s"
SCHEMAS = """select s.schema_id, s.name, p.name from sys.schemas s
  left join sys.database_principals p on p.principal_id = s.principal_id
 where s.schema_id in ({ids})"""


def databases(
    session: TdsSession, descriptors: Sequence[EntityDescriptor], wants: Wants
) -> Iterator[Processed]:
    """Answer descriptors of databases: the session is in the one that they name."""
    for each in descriptors:
        rows = session.rows(OWNER, [each.metadata["name"]]) if wants.owners else []
        database = Database(
            name=each.metadata["name"],
            fqn=each.id,
            service=each.scope,
            description=comments(session, DATABASE, ["0"]).get((0, ITSELF)),
            owners=wants.owned(rows[0][0] if rows else None),
        )
        yield Described(each, (database,))


def schemas(
    session: TdsSession, descriptors: Sequence[EntityDescriptor], wants: Wants
) -> Iterator[Processed]:
    """Answer descriptors of schemas."""
    ids = [each.metadata["key"] for each in descriptors]
    found = {row[0]: row for row in session.rows(SCHEMAS.format(ids=among(ids)))}
    said = comments(session, SCHEMA, ids)
    for each in descriptors:
        name, number = each.metadata["name"], int(each.metadata["key"])
        if number not in found or found[number][1] != name:
            yield Failed(each, Gone(f"{quoted(name)} was dropped after it was listed."))
            continue
        schema = DatabaseSchema(
            name=name,
            fqn=each.id,
            database=each.scope,
            description=said.get((number, ITSELF)),
            owners=wants.owned(found[number][2]),
        )
        yield Described(each, (schema,))
