"""Describe databases and schemas: comments and owners."""

from collections.abc import Callable, Iterator, Sequence

from rayingest.core.source import Described, EntityDescriptor, Failed, Processed
from rayingest.errors import Gone
from rayingest.kit.sql.facts import Wants
from rayingest.kit.sql.postgres.session import PgSession, Row
from rayingest.model import Database, DatabaseSchema, Entity, Owner

DATABASES = """
select d.oid::int8, d.datname, pg_catalog.shobj_description(d.oid, 'pg_database'),
       case when %s then pg_catalog.pg_get_userbyid(d.datdba) end
  from pg_catalog.pg_database d where d.datname = any(%s::text[])
"""
SCHEMAS = """
select n.oid::int8, n.nspname, pg_catalog.obj_description(n.oid, 'pg_namespace'),
       case when %s then pg_catalog.pg_get_userbyid(n.nspowner) end
  from pg_catalog.pg_namespace n where n.oid = any(%s::oid[])
"""


def databases(
    session: PgSession, descriptors: Sequence[EntityDescriptor], wants: Wants
) -> Iterator[Processed]:
    """Answer descriptors of databases."""

    def build(descriptor: EntityDescriptor, row: Row) -> Database:
        return Database(
            name=row[1],
            fqn=descriptor.id,
            service=descriptor.scope,
            description=row[2],
            owners=_owners(row[3]),
        )

    names = [each.metadata["name"] for each in descriptors]
    found = {row[1]: row for row in session.rows(DATABASES, [wants.owners, names])}
    return _answer(descriptors, [found.get(name) for name in names], build)


def schemas(
    session: PgSession, descriptors: Sequence[EntityDescriptor], wants: Wants
) -> Iterator[Processed]:
    """Answer descriptors of schemas."""

    def build(descriptor: EntityDescriptor, row: Row) -> DatabaseSchema:
        return DatabaseSchema(
            name=row[1],
            fqn=descriptor.id,
            database=descriptor.scope,
            description=row[2],
            owners=_owners(row[3]),
        )

    oids = [int(each.metadata["key"]) for each in descriptors]
    found = {row[0]: row for row in session.rows(SCHEMAS, [wants.owners, oids])}
    return _answer(descriptors, [found.get(oid) for oid in oids], build)


def _answer(
    descriptors: Sequence[EntityDescriptor],
    rows: Sequence[Row | None],
    build: Callable[[EntityDescriptor, Row], Entity],
) -> Iterator[Processed]:
    for descriptor, row in zip(descriptors, rows, strict=True):
        if row is None or row[1] != descriptor.metadata["name"]:
            yield Failed(descriptor, Gone(f"{descriptor.id} was dropped after it was listed."))
        else:
            yield Described(descriptor, (build(descriptor, row),))


def _owners(name: str | None) -> tuple[Owner, ...]:
    return (Owner(name=name),) if name else ()
