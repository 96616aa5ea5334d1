"""Files as a `Facts` value: buckets are schemas, what lies together is a table, one file of it tells the columns."""

import logging
from collections.abc import Iterator, Sequence

from rayingest.connectors.database._datalake.check import check
from rayingest.connectors.database._datalake.google import GOOGLE
from rayingest.connectors.database._datalake.listing import Found, Tables
from rayingest.connectors.database._datalake.session import Session, connect
from rayingest.connectors.database._datalake.tables import stored, table
from rayingest.core.limits import Limit
from rayingest.core.source import (
    Capability,
    Described,
    EntityDescriptor,
    Failed,
    Processed,
    Settings,
)
from rayingest.errors import Denied, Gone, Permanent
from rayingest.kit.sql import containers
from rayingest.kit.sql.facts import Facts, Wants
from rayingest.kit.sql.facts import Found as Row
from rayingest.kit.storage import azure, s3
from rayingest.kit.storage.errors import classify
from rayingest.model import EntityType

_log = logging.getLogger(__name__)
COLD = "skipColdStorage is true"
LIMITS = (
    s3.LIMIT,
    Limit(
        name=GOOGLE,
        rate=5000,
        burst=500,
        adaptive=True,
        scope="bucket",
        documented="https://cloud.google.com/storage/docs/request-rate",
    ),
    azure.LIMIT,
)
CAPABILITIES = frozenset(
    {
        Capability.DATABASES,
        Capability.SCHEMAS,
        Capability.TABLES,
        Capability.COLUMNS,
        Capability.COMMENTS,
        Capability.PARTITIONS,
    }
)
LACKS = {
    Capability.KEYS: "files have no keys",
    Capability.VIEWS: "files are no views",
    Capability.PROCEDURES: "files are no procedures",
    Capability.OWNERS: "an object belongs to an account; whose a table is stands nowhere",
    Capability.DDL: "no statement makes a file",
    Capability.TAGS: "tags of objects would cost a call for each; they are not read",
}


def databases(session: Session, settings: Settings) -> Iterator[Row]:
    """Name the only database; the buckets are asked for to see whether we are known."""
    session.files.buckets()
    yield containers.database(session.database)


def listing(session: Session, wants: Wants) -> Iterator[Row]:
    """Buckets are schemas."""
    yield from map(containers.schema, session.files.buckets())


def members(session: Session, wants: Wants, bucket: str) -> Iterator[Row]:
    """The tables in a bucket; a folder that may not be read is told when the others are."""
    if not wants.tables:
        return
    found = Tables()
    for file in session.files.files(bucket, session.prefix, found.known):
        yield from (_row(bucket, each) for each in found.add(file))
    yield from (_row(bucket, each) for each in found.end())
    if found.foreign:
        _log.warning("%s", found.left_out(bucket))
    if session.files.refused:
        refused = session.files.refused
        raise Denied(
            f"{len(refused)} folders of {bucket} may not be read: {', '.join(refused[:3])}",
            hint="The user that runs this needs the right to read and enter them.",
        )


def _row(bucket: str, found: Found) -> Row:
    return Row(EntityType.TABLE, bucket, found.name, key=stored(found.sample))


def tables(
    session: Session, descriptors: Sequence[EntityDescriptor], wants: Wants
) -> Iterator[Processed]:
    """Each by a piece or two of one file; what cannot be read costs itself alone."""
    for each in descriptors:
        try:
            entity = table(session.files, each)
        except (Gone, Denied, Permanent) as error:
            yield Failed(each, error)
        else:
            yield Described(each, (entity,))


def leaves_out(settings: Settings) -> str | None:
    """Which option keeps tables out."""
    return COLD if settings.connection.skipColdStorage else None


DATALAKE = Facts(
    connect=connect,
    databases=databases,
    listing=listing,
    members=members,
    describe={
        EntityType.DATABASE: containers.named,
        EntityType.DATABASE_SCHEMA: containers.named,
        EntityType.TABLE: tables,
    },
    classify=classify,
    check=check,
    leaves_out=leaves_out,
)
