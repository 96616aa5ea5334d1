"""Describe databases and schemas: owners, and the comment of a database.

A schema cannot have a comment: https://docs.aws.amazon.com/redshift/latest/dg/r_COMMENT.html
"""

from collections.abc import Iterator, Sequence

from rayingest.core.source import Described, EntityDescriptor, Failed, Processed
from rayingest.errors import Gone
from rayingest.kit.sql.facts import Wants
from rayingest.kit.sql.redshift.listing import EXTERNAL
from rayingest.kit.sql.redshift.session import RedshiftSession
from rayingest.model import Database, DatabaseSchema

DATABASES = """
select d.datname, pg_catalog.pg_get_userbyid(d.datdba), c.description
  from pg_catalog.pg_database d
  left join pg_catalog.pg_description c on c.objoid = d.oid and c.classoid = 1262
 where d.datname in ({names})
"""
SCHEMAS = """
select n.nspname, pg_catalog.pg_get_userbyid(n.nspowner)
  from pg_catalog.pg_namespace n where n.nspname in ({names})
"""
EXTERNAL_SCHEMAS = "select schemaname from svv_external_schemas where schemaname in ({names})"


def databases(
    session: RedshiftSession, descriptors: Sequence[EntityDescriptor], wants: Wants
) -> Iterator[Processed]:
    """Answer descriptors of databases."""
    names = [each.metadata["name"] for each in descriptors]
    found = {name: rest for name, *rest in session.ask(DATABASES, names=names)}
    for name, each in zip(names, descriptors, strict=True):
        if name not in found:
            yield Failed(each, _gone(each))
            continue
        owner, comment = found[name]
        database = Database(
            name=name,
            fqn=each.id,
            service=each.scope,
            description=comment or None,
            owners=wants.owned(owner),
        )
        yield Described(each, (database,))


def schemas(
    session: RedshiftSession, descriptors: Sequence[EntityDescriptor], wants: Wants
) -> Iterator[Processed]:
    """Answer descriptors of schemas."""
    names = [each.metadata["name"] for each in descriptors]
    found: dict[str, str | None] = dict(session.ask(SCHEMAS, names=names))
    outside = [
        name
        for name, each in zip(names, descriptors, strict=True)
        if each.metadata.get("kind") == EXTERNAL and name not in found
    ]
    if outside:
        found |= {name: None for (name,) in session.ask(EXTERNAL_SCHEMAS, names=outside)}
    for name, each in zip(names, descriptors, strict=True):
        if name not in found:
            yield Failed(each, _gone(each))
            continue
        schema = DatabaseSchema(
            name=name, fqn=each.id, database=each.scope, owners=wants.owned(found[name])
        )
        yield Described(each, (schema,))


def _gone(descriptor: EntityDescriptor) -> Gone:
    return Gone(f"{descriptor.id} was dropped after it was listed.")
