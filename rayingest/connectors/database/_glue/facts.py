"""Glue's catalogue as a `Facts` value: its listings tell all there is, so nothing is asked twice.

https://docs.aws.amazon.com/glue/latest/webapi/API_GetTables.html: a page has 100 tables, each whole.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from rayingest.connectors.database._glue.check import check
from rayingest.connectors.database._glue.tables import VIEWS, table
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
from rayingest.model import Database, DatabaseSchema, EntityType

SERVICE = "glue"
PAGE = 100  # the most that Glue allows
DEFAULT = "default"
# AWS states no rate for the calls that read; it throttles by what an account does.
LIMITS = (
    Limit(
        name=SERVICE,
        adaptive=True,
        scope="account",
        documented="https://docs.aws.amazon.com/general/latest/gr/glue.html",
    ),
)
CAPABILITIES = frozenset(
    {
        Capability.DATABASES,
        Capability.SCHEMAS,
        Capability.TABLES,
        Capability.COLUMNS,
        Capability.COMMENTS,
        Capability.VIEWS,
        Capability.PARTITIONS,
        Capability.OWNERS,
    }
)
LACKS = {
    Capability.KEYS: "Glue's tables have no keys",
    Capability.PROCEDURES: "Glue's functions are names of Java classes; they are not read",
    Capability.DDL: "Glue keeps no statements",
    Capability.TAGS: "Lake Formation tells its tags one table at a time; they are not read",
}


@dataclass
class Session:
    """Calls to Glue about one catalogue: `catalog` is what each of them names it by, mostly nothing."""

    client: Client
    catalog: Mapping[str, str]
    database: str

    @property
    def calls(self) -> int:
        """Calls so far."""
        return self.client.calls

    def cancel(self) -> None:
        """See Client."""
        self.client.cancel()

    def close(self) -> None:
        """See Client."""
        self.client.close()

    def ask(self, operation: str, **given: Any) -> Mapping[str, Any]:
        """One answer about the catalogue."""
        return self.client.ask(operation, **self.catalog, **given)

    def pages(self, operation: str, **given: Any) -> Iterator[Mapping[str, Any]]:
        """All answers of a listing."""
        return self.client.pages(operation, **self.catalog, MaxResults=PAGE, **given)


def no_catalog(settings: Settings) -> Mapping[str, str]:
    """The account's own catalogue."""
    return {}


def connect(
    settings: Settings,
    database: str | None,
    catalog: Callable[[Settings], Mapping[str, str]] = no_catalog,
) -> Session:
    """A session; Glue has one level, so the database is only a name."""
    name = settings.connection.databaseName or DEFAULT
    return Session(Client(settings, SERVICE), catalog(settings), name)


def databases(session: Session, settings: Settings) -> Iterator[Found]:
    """Name the only database; asking for one schema shows whether Glue knows who asks."""
    session.ask("GetDatabases", MaxResults=1)
    yield containers.database(session.database)


def listing(session: Session, wants: Wants) -> Iterator[Found]:
    """Glue's databases are schemas."""
    for page in session.pages("GetDatabases"):
        for raw in page["DatabaseList"]:
            name = raw["Name"]
            yield Found(EntityType.DATABASE_SCHEMA, name, name, whole=partial(schema, raw))


def members(session: Session, wants: Wants, name: str) -> Iterator[Found]:
    """The tables and views of a schema."""
    for page in session.pages("GetTables", DatabaseName=name):
        for raw in page["TableList"]:
            if wants.views if raw.get("TableType") in VIEWS else wants.tables:
                whole = partial(table, raw, wants)
                yield Found(EntityType.TABLE, name, raw["Name"], whole=whole)


def schema(raw: Mapping[str, Any], identity: str, scope: str) -> DatabaseSchema:
    """One of Glue's databases."""
    return DatabaseSchema(
        name=raw["Name"], fqn=identity, database=scope, description=raw.get("Description") or None
    )


def describe(
    session: Session, descriptors: Sequence[EntityDescriptor], wants: Wants
) -> Iterator[Processed]:
    """What a listing told already, once more: for `rayingest process`, and for what failed."""
    for each in descriptors:
        name = each.metadata["name"]
        try:
            match each.type:
                case EntityType.DATABASE:
                    entity: Any = Database(name=name, fqn=each.id, service=each.scope)
                case EntityType.DATABASE_SCHEMA:
                    told = session.ask("GetDatabase", Name=name)
                    entity = schema(told["Database"], each.id, each.scope)
                case _:
                    told = session.ask("GetTable", DatabaseName=each.metadata["schema"], Name=name)
                    entity = table(told["Table"], wants, each.id, each.scope)
        except (Gone, Denied, Permanent) as error:
            yield Failed(each, error)
        else:
            yield Described(each, (entity,))


GLUE = Facts(
    connect=connect,
    databases=databases,
    listing=listing,
    members=members,
    describe=dict.fromkeys(
        (EntityType.DATABASE, EntityType.DATABASE_SCHEMA, EntityType.TABLE), describe
    ),
    classify=classify,
    check=check,
)
