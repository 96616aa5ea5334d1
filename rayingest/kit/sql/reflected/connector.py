"""A connector of the generic tier that tells databases, schemas, tables and views, with keys and comments."""

from collections.abc import Mapping

from pydantic import BaseModel

from rayingest.core.source import Capability
from rayingest.kit.sql.facts import Facts
from rayingest.kit.sql.lineage import Reads
from rayingest.kit.sql.spec import RELATIONS, Sql

TOLD = frozenset(
    {
        Capability.DATABASES,
        Capability.SCHEMAS,
        Capability.TABLES,
        Capability.COLUMNS,
        Capability.KEYS,
        Capability.COMMENTS,
        Capability.VIEWS,
    }
)


def relational(
    service_type: str,
    extra: str,
    connection: type[BaseModel],
    facts: Facts,
    *,
    dialect: str,
    lacks: Mapping[Capability, str],
    reads: Reads | None = None,
    listing_hides: bool = True,
) -> Sql:
    """A frozen `Sql` without routines; what it has no word for is in `lacks`."""
    return Sql(
        service_type=service_type,
        extra=extra,
        dialect=dialect,
        reads=reads,
        connection=connection,
        facts=facts,
        listing_hides=listing_hides,
        types=RELATIONS,
        capabilities=TOLD - lacks.keys(),
        lacks=lacks,
    )
