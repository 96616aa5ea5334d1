"""DynamoDB as a `Facts` value: names by the hundred, then two calls for each table.

There is no call about many tables: DescribeTable has the keys, and one Scan the other attributes.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rayingest.connectors.database._dynamodb.check import check
from rayingest.connectors.database._dynamodb.tables import table
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
from rayingest.kit.aws.client import Client
from rayingest.kit.aws.errors import classify
from rayingest.kit.sql import containers
from rayingest.kit.sql.facts import Facts, Found, Wants
from rayingest.model import EntityType

SERVICE = "dynamodb"
DEFAULT = "default"
SCAN = "Scan"
KEYS_ONLY = "{}, or set connectionOptions.sampleSize to 0: then only keys are read, of all tables."
# One limit for all calls: 2,500 a second of DescribeTable and its like, for an account.
LIMITS = (
    Limit(
        name=SERVICE,
        rate=2500,
        burst=100,
        adaptive=True,
        scope="account",
        documented="https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-control-plane.html",
    ),
)
CAPABILITIES = frozenset(
    {Capability.DATABASES, Capability.SCHEMAS, Capability.TABLES, Capability.COLUMNS}
)
LACKS = {
    Capability.KEYS: "its tables have a primary key, which is read, and no other keys",
    Capability.COMMENTS: "DynamoDB has no comments",
    Capability.VIEWS: "DynamoDB has no views",
    Capability.PARTITIONS: "DynamoDB places items itself; the key that it does that by is read",
    Capability.PROCEDURES: "DynamoDB has no procedures",
    Capability.OWNERS: "DynamoDB's tables belong to the account",
    Capability.DDL: "DynamoDB has no statements that make tables",
    Capability.TAGS: "they would cost one more call for each table; they are not read",
}


class Session(Client):
    """Calls to DynamoDB; `sample` is how many items of a table are looked at."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, SERVICE, settings.connection.databaseName or DEFAULT)
        self.sample: int = settings.connection.connectionOptions.sampleSize


def connect(settings: Settings, database: str | None) -> Session:
    """A session; DynamoDB has neither databases nor schemas, so there is one of each."""
    return Session(settings)


def databases(session: Session, settings: Settings) -> Iterator[Found]:
    """Name the only database; asking for one table shows whether DynamoDB knows who asks."""
    session.ask("ListTables", Limit=1)
    yield containers.database(session.database)


def listing(session: Session, wants: Wants) -> Iterator[Found]:
    """The only schema, and all tables."""
    yield containers.schema(DEFAULT)
    if not wants.tables:
        return
    pages = session.pages(
        "ListTables", sent="ExclusiveStartTableName", got="LastEvaluatedTableName"
    )
    for page in pages:
        for name in page["TableNames"]:
            yield Found(EntityType.TABLE, DEFAULT, name)


def tables(
    session: Session, descriptors: Sequence[EntityDescriptor], wants: Wants
) -> Iterator[Processed]:
    """Each with two calls; what one is denied or has lost costs only itself."""
    for each in descriptors:
        name = each.metadata["name"]
        try:
            raw = session.ask("DescribeTable", TableName=name)["Table"]
            entity = table(raw, _items(session, name), each.id, each.scope)
        except (Gone, Denied, Permanent) as error:
            yield Failed(each, error)
        else:
            yield Described(each, (entity,))


def _items(session: Session, name: str) -> Sequence[Mapping[str, Any]]:
    """The first items of a table; a scan that is denied must not look like a table with keys alone."""
    if not session.sample:
        return ()
    try:
        found: Sequence[Mapping[str, Any]] = session.ask(
            SCAN, TableName=name, Limit=session.sample
        )["Items"]
    except Denied as error:
        hint = KEYS_ONLY.format((error.hint or "").rstrip("."))
        raise Denied(str(error), hint=hint) from None
    return found


DYNAMODB = Facts(
    connect=connect,
    databases=databases,
    listing=listing,
    describe={
        EntityType.DATABASE: containers.named,
        EntityType.DATABASE_SCHEMA: containers.named,
        EntityType.TABLE: tables,
    },
    classify=classify,
    check=check,
)
