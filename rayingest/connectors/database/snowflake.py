# ruff: noqa: N815 - the attributes are OpenMetadata's field names
"""Snowflake: INFORMATION_SCHEMA and SHOW, read in batches over the vendor's own client."""

from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, field_validator

from rayingest.config.connection import SqlCommon, Unused
from rayingest.kit.sql.flows import Recorded
from rayingest.kit.sql.snowflake.facts import CAPABILITIES, SNOWFLAKE
from rayingest.kit.sql.snowflake.flows import missing, recorded
from rayingest.kit.sql.spec import Sql


class SnowflakeConnection(SqlCommon):
    """How to reach a Snowflake account, and which of its objects are tables of the catalogue."""

    type: Literal["Snowflake"] = Field("Snowflake", description="OpenMetadata's service type.")
    scheme: Annotated[Literal["snowflake"] | None, Unused()] = Field(
        None, description="SQLAlchemy scheme; the vendor's client is used whatever it says."
    )
    username: str = Field(description="User to connect as.")
    password: SecretStr | None = Field(None, description="Password; not needed with privateKey.")
    account: str = Field(
        description="Account: what stands before .snowflakecomputing.com in its address."
    )
    role: str | None = Field(None, description="Role to read with; the user's own when absent.")
    database: str | None = Field(
        None, description="Read this database only; all that the role sees when absent."
    )
    warehouse: str = Field(description="Warehouse that the statements run in.")
    queryTag: str | None = Field(
        None, description="Tag of the session, by which its statements are found in QUERY_HISTORY."
    )
    accountUsageSchema: str = Field(
        "SNOWFLAKE.ACCOUNT_USAGE",
        description="Schema of the account's own usage, where tags are read; database and schema.",
    )
    privateKey: SecretStr | None = Field(
        None, description="Private key in PEM text; the user's public key must be in the account."
    )
    snowflakePrivatekeyPassphrase: SecretStr | None = Field(
        None, description="Passphrase of privateKey, where it is encrypted."
    )
    includeTransientTables: bool = Field(True, description="Read transient tables, too.")
    includeStreams: bool = Field(False, description="Read streams, as tables of the type Stream.")
    includeStages: bool = Field(False, description="Read stages, as tables of the type Stage.")
    includeSemanticViews: Annotated[bool, Unused()] = Field(
        False, description="Read semantic views."
    )
    clientSessionKeepAlive: bool = Field(
        False, description="Keep the session alive while nothing is asked."
    )
    useAccessHistory: bool = Field(
        True, description="Read lineage from ACCESS_HISTORY, too (processQueryLineage)."
    )
    accessHistoryChunkSize: Annotated[int, Unused()] = Field(
        2, description="Hours of ACCESS_HISTORY to read at once."
    )
    creditCost: Annotated[float, Unused()] = Field(3.3, description="What a credit costs.")
    snowflakeSourceHost: Annotated[str, Unused()] = Field(
        "app.snowflake.com", description="Host of links to the user interface."
    )
    policyAgentConfig: Annotated[dict[str, Any] | None, Unused()] = Field(
        None, repr=False, description="OpenMetadata's agent for policies."
    )

    @field_validator("accountUsageSchema")
    @classmethod
    def _is_a_name(cls, text: str) -> str:
        """It is written into statements as it is."""
        parts = text.split(".")
        if len(parts) > 2 or not all(part.replace("$", "_").isidentifier() for part in parts):
            raise ValueError("expected DATABASE.SCHEMA, without quotes")
        return text


CONNECTOR = Sql(
    service_type="Snowflake",
    dialect="snowflake",
    extra="snowflake",
    connection=SnowflakeConnection,
    facts=SNOWFLAKE,
    recorded=Recorded(recorded, missing),
    listing_hides=True,
    capabilities=CAPABILITIES,
)
