"""Unity Catalog as a connector: a frozen value."""

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from rayingest.connectors.database._unity.check import check
from rayingest.connectors.database._unity.connect import connect
from rayingest.connectors.database._unity.facets import Facets, prepare
from rayingest.connectors.database._unity.flows import missing
from rayingest.connectors.database._unity.source import UnitySource
from rayingest.core.limits import Limit
from rayingest.core.source import (
    Batching,
    Capability,
    CheckResult,
    Connector,
    DiscoverableSource,
    Readable,
    Settings,
)
from rayingest.kit.sql.flows import Recorded
from rayingest.kit.sql.lineage import in_sql
from rayingest.kit.sql.spec import PARENTS, TYPES
from rayingest.kit.sql.views import Lineage
from rayingest.model import EntityType

# The page has rates of jobs, clusters and others, and none of Unity Catalog: only 429 tells it.
LIMITS = (
    Limit(
        name="api",
        adaptive=True,
        scope="workspace",
        documented="https://docs.databricks.com/aws/en/resources/limits",
    ),
)
CAPABILITIES = frozenset(
    {
        Capability.DATABASES,
        Capability.SCHEMAS,
        Capability.TABLES,
        Capability.COLUMNS,
        Capability.KEYS,
        Capability.COMMENTS,
        Capability.VIEWS,
        Capability.PARTITIONS,
        Capability.PROCEDURES,
        Capability.OWNERS,
        Capability.TAGS,
    }
)
LACKS = {Capability.DDL: "SHOW CREATE TABLE would be a statement for each table"}


def _parents() -> dict[EntityType, EntityType]:
    return dict(PARENTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unity:
    """A service of OpenMetadata's that is read through Unity Catalog; they differ in their connections."""

    service_type: str
    connection: type[BaseModel]
    extra: str = ""
    family: str = "database"
    types: tuple[EntityType, ...] = TYPES
    dependencies: Mapping[EntityType, EntityType] = field(default_factory=_parents)
    listed_by: Mapping[EntityType, EntityType] = field(default_factory=_parents)
    max_connections: int = 50
    local: bool = False
    listing_hides: bool = True  # what the account has no right to is not listed
    limits: tuple[Limit, ...] = LIMITS
    capabilities: frozenset[Capability] = CAPABILITIES
    lacks: Mapping[Capability, str] = field(default_factory=lambda: dict(LACKS))
    prepare: Callable[[Settings, Readable | None], Facets] = prepare
    alias_of: str = ""

    @property
    def variants(self) -> Mapping[str, Connector]:
        """The lineage of views, and what Unity Catalog has recorded."""
        recorded = Recorded(UnitySource.flows, missing)
        return {"lineage": Lineage(self, in_sql("databricks"), recorded)}

    @property
    def batching(self) -> Mapping[EntityType, Batching]:
        """A call for each of the few that their listing does not describe."""
        return dict.fromkeys(TYPES, Batching(1, 5))

    @contextmanager
    def open(self, settings: Settings, context: Any = None) -> Generator[DiscoverableSource]:
        """See Connector."""
        source = UnitySource(connect(settings), settings, context)
        try:
            yield source
        finally:
            source.close()

    def check(self, settings: Settings) -> Iterator[CheckResult]:
        """See Connector."""
        return check(settings)
