# ruff: noqa: N815 - the attributes are OpenMetadata's field names
"""PostgreSQL, 12 and newer: its own catalogue, read in batches over psycopg 3."""

from typing import Annotated, Literal

from pydantic import Field

from rayingest.config.connection import (
    Unused,
)
from rayingest.core.source import Capability
from rayingest.kit.sql.postgres.facts import POSTGRES
from rayingest.kit.sql.postgres.fields import PostgresFields
from rayingest.kit.sql.spec import Sql


class PostgresConnection(PostgresFields):
    """How to reach a PostgreSQL server."""

    type: Literal["Postgres"] = Field("Postgres", description="OpenMetadata's service type.")
    scheme: Annotated[
        Literal["postgresql+psycopg2", "pgspider+psycopg2", "postgresql+psycopg"] | None, Unused()
    ] = Field(None, description="SQLAlchemy scheme; psycopg 3 is used whatever it says.")
    classificationName: str = Field(
        "PostgresPolicyTags", description="Classification of the tags made of row-level policies."
    )
    queryStatementSource: Annotated[str, Unused()] = Field(
        "pg_stat_statements", description="View or table with the query log."
    )


CONNECTOR = Sql(
    service_type="Postgres",
    extra="postgres",
    dialect="postgres",
    connection=PostgresConnection,
    facts=POSTGRES,
    capabilities=frozenset(
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
            Capability.DDL,
            Capability.TAGS,
        }
    ),
)
