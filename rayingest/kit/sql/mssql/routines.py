"""Describe procedures and functions: two statements for hundreds of them."""

from collections.abc import Iterator, Sequence

from rayingest.core.source import Described, EntityDescriptor, Failed, Processed
from rayingest.errors import Gone
from rayingest.kit.sql.facts import Wants
from rayingest.kit.sql.mssql.comments import ITSELF, OBJECT, comments
from rayingest.kit.sql.mssql.session import Row, TdsSession, among, quoted
from rayingest.kit.sql.scrub import scrub
from rayingest.model import StoredProcedure

ROUTINES = """select o.object_id, s.name, o.name, o.type, m.definition, p.name
  from sys.objects o
  join sys.schemas s on s.schema_id = o.schema_id
  left join sys.sql_modules m on m.object_id = o.object_id
  left join sys.database_principals p on p.principal_id = coalesce(o.principal_id, s.principal_id)
 where o.object_id in ({ids})"""
PROCEDURES = {"P", "PC"}
COMPILED = {"PC", "FS", "FT", "AF"}  # made of .NET: the database has no text of theirs


def routines(
    session: TdsSession, descriptors: Sequence[EntityDescriptor], wants: Wants
) -> Iterator[Processed]:
    """Answer each descriptor: a StoredProcedure, or Gone when it was dropped or renamed."""
    ids = [each.metadata["key"] for each in descriptors]
    found = {row[0]: row for row in session.rows(ROUTINES.format(ids=among(ids)))}
    said = comments(session, OBJECT, ids)
    for each in descriptors:
        row = found.get(int(each.metadata["key"]))
        if row is None or (row[1], row[2]) != (each.metadata["schema"], each.metadata["name"]):
            yield Failed(each, Gone(f"{each.id} was dropped or renamed after it was listed."))
        else:
            yield Described(each, (_routine(each, row, said.get((row[0], ITSELF)), wants),))


def _routine(
    descriptor: EntityDescriptor, row: Row, comment: str | None, wants: Wants
) -> StoredProcedure:
    _, schema, name, kind, text, owner = row
    kind = kind.strip()
    what = "procedure" if kind in PROCEDURES else "function"
    # Encrypted, of .NET, or without the right to see it: then there is its name alone.
    code = scrub(text.strip()) if text else f"create {what} {quoted(schema, name)}"
    return StoredProcedure(
        name=name,
        fqn=descriptor.id,
        database_schema=descriptor.scope,
        description=comment,
        code=code,
        language="External" if kind in COMPILED else "SQL",
        procedure_type="StoredProcedure" if kind in PROCEDURES else "Function",
        owners=wants.owned(owner),
    )
