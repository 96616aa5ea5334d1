"""A SQL database as a connector: a frozen value."""

from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from rayingest.core.limits import Limit
from rayingest.core.source import (
    Batching,
    Capability,
    CheckResult,
    Connector,
    DiscoverableSource,
    Prepare,
    Settings,
    no_context,
)
from rayingest.errors import RayingestError
from rayingest.kit.sql.facts import Facts
from rayingest.kit.sql.flows import Recorded
from rayingest.kit.sql.lineage import Reads, in_sql
from rayingest.kit.sql.source import SqlSource
from rayingest.kit.sql.views import Lineage
from rayingest.model import EntityType

TYPES = (
    EntityType.DATABASE,
    EntityType.DATABASE_SCHEMA,
    EntityType.TABLE,
    EntityType.STORED_PROCEDURE,
)
RELATIONS = TYPES[:3]  # of what has no procedures
PARENTS = {
    EntityType.DATABASE_SCHEMA: EntityType.DATABASE,
    EntityType.TABLE: EntityType.DATABASE_SCHEMA,
    EntityType.STORED_PROCEDURE: EntityType.DATABASE_SCHEMA,
}
BATCHING = {
    EntityType.DATABASE_SCHEMA: Batching(min=200, max=500),
    EntityType.TABLE: Batching(min=200, max=500),
    EntityType.STORED_PROCEDURE: Batching(min=200, max=500),
}


def _batching() -> dict[EntityType, Batching]:
    return dict(BATCHING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sql:
    """A SQL database; `facts` is all that the kit must know about it (`kit.sql.facts`).

    One statement per database lists schemas, tables and routines together, so the listing of
    schemas yields all three. `max_connections` bounds the sessions of a whole run; `local`
    sources are files that only this machine can open. `listing_hides`: without a right to it, a table
    is not listed, as in information_schema. `dialect` is sqlglot's name of its SQL; where views are
    no SQL, `reads` understands their text; `recorded` is what the database keeps of what fills tables.
    `alias_of` the connector whose catalogue it has, with another name.
    """

    service_type: str
    connection: type[BaseModel]
    facts: Facts
    extra: str = ""
    family: str = "database"
    types: tuple[EntityType, ...] = TYPES
    batching: Mapping[EntityType, Batching] = field(default_factory=_batching)
    max_connections: int = 10
    local: bool = False
    listing_hides: bool = False
    limits: tuple[Limit, ...] = ()
    capabilities: frozenset[Capability] = frozenset()
    lacks: Mapping[Capability, str] = field(default_factory=dict)
    prepare: Prepare = no_context
    dialect: str = ""
    reads: Reads | None = None
    recorded: Recorded | None = None
    alias_of: str = ""

    @property
    def dependencies(self) -> Mapping[EntityType, EntityType]:
        """Children by their parents' types."""
        return {child: parent for child, parent in PARENTS.items() if child in self.types}

    @property
    def listed_by(self) -> Mapping[EntityType, EntityType]:
        """A listing of the parents tells of the children, too."""
        return self.dependencies

    @property
    def variants(self) -> Mapping[str, Connector]:
        """Its views' lineage, where somebody understands their text, and what it has recorded."""
        reads = self.reads or (in_sql(self.dialect) if self.dialect else None)
        return {"lineage": Lineage(self, reads, self.recorded)} if reads else {}

    @contextmanager
    def open(
        self, settings: Settings, context: Any = None
    ) -> Generator[DiscoverableSource, None, None]:
        """Connect to the database that the config names."""
        source = SqlSource(self.facts, settings, self.types)
        try:
            source.start()
            yield source
        finally:
            source.close()

    def check(self, settings: Settings) -> Iterator[CheckResult]:
        """Try what a run would need, one line per capability."""
        try:
            session = self.facts.connect(settings, None)
        except RayingestError as error:
            yield CheckResult("connect", "failed", str(error), error.hint)
            return
        with closing(session):
            yield from self.facts.check(session, settings)
