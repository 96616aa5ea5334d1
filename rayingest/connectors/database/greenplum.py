# ruff: noqa: N815 - the attributes are OpenMetadata's field names
"""Greenplum, 7 and newer: PostgreSQL 12's catalogue; how tables are distributed is not read."""

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field

from rayingest.config.connection import Unused
from rayingest.connectors.database.postgres import CONNECTOR as POSTGRES
from rayingest.kit.sql.postgres.facts import postgres
from rayingest.kit.sql.postgres.fields import PostgresFields


class GreenplumConnection(PostgresFields):
    """How to reach a Greenplum coordinator."""

    type: Literal["Greenplum"] = Field("Greenplum", description="OpenMetadata's service type.")
    scheme: Annotated[Literal["postgresql+psycopg2"] | None, Unused()] = Field(
        None, description="SQLAlchemy scheme; psycopg 3 is used whatever it says."
    )
    classificationName: str = Field(
        "GreenplumPolicyTags", description="Classification of the tags made of row-level policies."
    )


CONNECTOR = replace(
    POSTGRES,
    service_type="Greenplum",
    connection=GreenplumConnection,
    facts=postgres("^(pg_|information_schema$|gp_toolkit$)"),
    alias_of="postgres",
)
