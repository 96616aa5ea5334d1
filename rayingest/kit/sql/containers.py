"""Databases and schemas of which there is little to tell."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from rayingest.core.source import Described, EntityDescriptor, Failed, Processed
from rayingest.errors import Gone
from rayingest.kit.sql.facts import Wants
from rayingest.model import Database, DatabaseSchema, EntityType


def named(
    session: object, descriptors: Sequence[EntityDescriptor], wants: Wants
) -> Iterator[Processed]:
    """Answer descriptors of databases and schemas: they are there, and have a name."""
    for each in descriptors:
        name = each.metadata["name"]
        if each.type is EntityType.DATABASE:
            yield Described(each, (Database(name=name, fqn=each.id, service=each.scope),))
        else:
            yield Described(each, (DatabaseSchema(name=name, fqn=each.id, database=each.scope),))


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
