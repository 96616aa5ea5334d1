# ruff: noqa: N815 - the attributes are OpenMetadata's field names
"""TimescaleDB: PostgreSQL, without the schemas in which the extension keeps its chunks."""

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field

from rayingest.config.connection import Unused
from rayingest.connectors.database.postgres import CONNECTOR as POSTGRES
from rayingest.kit.sql.postgres.facts import postgres
from rayingest.kit.sql.postgres.fields import PostgresFields


class TimescaleConnection(PostgresFields):
    """How to reach a PostgreSQL server with the extension timescaledb."""

    type: Literal["Timescale"] = Field("Timescale", description="OpenMetadata's service type.")
    scheme: Annotated[Literal["postgresql+psycopg2"] | None, Unused()] = Field(
        None, description="SQLAlchemy scheme; psycopg 3 is used whatever it says."
    )
    classificationName: str = Field(
        "TimescalePolicyTags", description="Classification of the tags made of row-level policies."
    )
    queryStatementSource: Annotated[str, Unused()] = Field(
        "pg_stat_statements", description="View or table with the query log."
    )


# timescaledb_information and timescaledb_experimental hold views about it, _timescaledb_… its data.
CONNECTOR = replace(
    POSTGRES,
    service_type="Timescale",
    connection=TimescaleConnection,
    facts=postgres("^(pg_|information_schema$|_?timescaledb_)"),
    alias_of="postgres",
)
