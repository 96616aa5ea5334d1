"""Iceberg as a `Facts` value: namespaces are schemas, each table and view costs one call.

A catalogue has no call about many tables. One that is no REST catalogue only knows where the metadata of a
table lies, which is a second call.
"""

from collections.abc import Iterator, Sequence

from rayingest.connectors.database._iceberg import tables
from rayingest.connectors.database._iceberg.check import check
from rayingest.connectors.database._iceberg.errors import classify
from rayingest.connectors.database._iceberg.session import Name, Session
from rayingest.core import fqn
from rayingest.core.source import Described, EntityDescriptor, Failed, Processed, Settings
from rayingest.errors import Denied, Gone, Permanent
from rayingest.kit.sql import containers
from rayingest.kit.sql.facts import Facts, Found, Wants
from rayingest.model import EntityType

VIEW = "view"


def connect(settings: Settings, database: str | None) -> Session:
    """A session; a catalogue is one database."""
    return Session(settings)


def databases(session: Session, settings: Settings) -> Iterator[Found]:
    """Name the only database."""
    yield containers.database(session.database)


def listing(session: Session, wants: Wants) -> Iterator[Found]:
    """Namespaces; one in another is called by both: `sales.europe`."""
    for each in session.namespaces():
        name = fqn.join(*each)  # a dot in a name of one level stays told from one between two
        yield Found(EntityType.DATABASE_SCHEMA, name, name)


def members(session: Session, wants: Wants, schema: str) -> Iterator[Found]:
    """Tables and views of one namespace, without those of namespaces in it."""
    place = _levels(schema)
    if wants.tables:
        for name in session.tables(place):
            yield Found(EntityType.TABLE, schema, name)
    if wants.views:
        for name in session.views(place):
            yield Found(EntityType.TABLE, schema, name, kind=VIEW)


def namespaces(
    session: Session, descriptors: Sequence[EntityDescriptor], wants: Wants
) -> Iterator[Processed]:
    """One call each: its comment and owner are properties."""
    for each in descriptors:
        name = each.metadata["name"]
        try:
            told = session.told_of(_levels(name))
            place = {"name": name, "fqn": each.id, "database": each.scope}
            entity = tables.schema(told, session.ownership, wants, **place)
        except (Gone, Denied, Permanent) as error:
            yield Failed(each, error)
        else:
            yield Described(each, (entity,))


def described(
    session: Session, descriptors: Sequence[EntityDescriptor], wants: Wants
) -> Iterator[Processed]:
    """One call each; what one is denied or has lost costs only itself."""
    for each in descriptors:
        name = (*_levels(each.metadata["schema"]), each.metadata["name"])
        place = {"name": name[-1], "fqn": each.id, "database_schema": each.scope}
        try:
            if each.metadata.get("kind") == VIEW:
                entity = tables.view(session.view(name).metadata, session.ownership, wants, **place)
            else:
                told = session.table(name).metadata
                entity = tables.table(told, session.ownership, wants, **place)
        except (Gone, Denied, Permanent) as error:
            yield Failed(each, error)
        else:
            yield Described(each, (entity,))


def _levels(schema: str) -> Name:
    return tuple(fqn.split(schema))


ICEBERG = Facts(
    connect=connect,
    databases=databases,
    listing=listing,
    members=members,
    describe={
        EntityType.DATABASE: containers.named,
        EntityType.DATABASE_SCHEMA: namespaces,
        EntityType.TABLE: described,
    },
    classify=classify,
    check=check,
)
