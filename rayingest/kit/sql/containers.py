"""Databases and schemas of which there is little to tell."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from rayingest.core.source import Described, EntityDescriptor, Failed, Processed
from rayingest.errors import Gone
from rayingest.kit.sql.facts import Found, Wants
from rayingest.model import Database, DatabaseSchema, EntityType


def database(name: str) -> Found:
    """A database that is told when it is listed: there is nothing but its name."""
    return Found(EntityType.DATABASE, "", name, whole=partial(_database, name))


def schema(name: str) -> Found:
    """A schema of which there is nothing to tell but its name, either."""
    return Found(EntityType.DATABASE_SCHEMA, name, name, whole=partial(_schema, name))


def named(
    session: object, descriptors: Sequence[EntityDescriptor], wants: Wants
) -> Iterator[Processed]:
    """Answer descriptors of databases and schemas: they are there, and have a name."""
    for each in descriptors:
        name = each.metadata["name"]
        if each.type is EntityType.DATABASE:
            yield Described(each, (_database(name, each.id, each.scope),))
        else:
            yield Described(each, (_schema(name, each.id, each.scope),))


def commented(
    descriptors: Sequence[EntityDescriptor],
    comments: Mapping[str, str | None],
    spelled: Callable[[str], str],
) -> Iterator[Processed]:
    """Answer descriptors of schemas by their comments; one without an entry was dropped."""
    for each in descriptors:
        name = each.metadata["name"]
        if name not in comments:
            yield Failed(each, Gone(f"{spelled(name)} was dropped after it was listed."))
            continue
        schema = DatabaseSchema(
            name=name, fqn=each.id, database=each.scope, description=comments[name] or None
        )
        yield Described(each, (schema,))


def _database(name: str, identity: str, service: str) -> Database:
    return Database(name=name, fqn=identity, service=service)


def _schema(name: str, identity: str, database: str) -> DatabaseSchema:
    return DatabaseSchema(name=name, fqn=identity, database=database)
