# ruff: noqa: N815 - the attributes are OpenMetadata's field names
"""What the connections of AWS's databases have in common."""

from typing import Annotated, Any

from pydantic import Field

from rayingest.config.connection import (
    AwsCredentials,
    ConnectionModel,
    DefaultPattern,
    Supports,
    Unused,
)


class AwsDatabase(Supports):
    """How to reach a catalogue in AWS."""

    awsConfig: AwsCredentials = Field(description="AWS credentials, region and endpoint.")
    databaseName: str | None = Field(
        None, description="What the database is called in the catalogue; `default` when absent."
    )
    connectionArguments: Annotated[dict[str, Any], Unused()] = Field(
        default_factory=dict, repr=False, description="Arguments of a driver; there are none."
    )
    databaseFilterPattern: DefaultPattern = None
    schemaFilterPattern: DefaultPattern = None
    tableFilterPattern: DefaultPattern = None


class NoOptions(ConnectionModel):
    """For those who have nothing to choose there."""

    connectionOptions: Annotated[dict[str, str], Unused()] = Field(
        default_factory=dict, repr=False, description="Options of a URL; there is none."
    )
