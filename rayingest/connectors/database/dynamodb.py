# ruff: noqa: N815 - the attributes are OpenMetadata's field names
"""Amazon DynamoDB: the tables of a region; their columns are keys, and what a sample of items has.

It takes dynamodb:ListTables, dynamodb:DescribeTable, and dynamodb:Scan unless `sampleSize` is 0. A scan reads
the first items of a table once, at most 1 MB, and costs as much as any read of them.
"""

from typing import Literal

from pydantic import ConfigDict, Field

from rayingest.config.connection import ConnectionModel
from rayingest.connectors.database._dynamodb.facts import CAPABILITIES, DYNAMODB, LACKS, LIMITS
from rayingest.core.source import Batching
from rayingest.kit.aws.connection import AwsDatabase
from rayingest.kit.sql.spec import RELATIONS, Sql
from rayingest.model import EntityType


class DynamodbOptions(ConnectionModel):
    """OpenMetadata takes any key here; the others are of no use to us."""

    model_config = ConfigDict(extra="ignore")

    sampleSize: int = Field(
        default=100,
        ge=0,
        le=1000,
        description="Items of each table that are looked at for attributes; 0 reads keys alone.",
    )


class DynamodbConnection(AwsDatabase):
    """How to reach DynamoDB."""

    type: Literal["DynamoDB"] = Field("DynamoDB", description="OpenMetadata's service type.")
    connectionOptions: DynamodbOptions = Field(DynamodbOptions(), description="How much is read.")


CONNECTOR = Sql(
    service_type="DynamoDB",
    extra="aws",
    connection=DynamodbConnection,
    facts=DYNAMODB,
    types=RELATIONS,
    batching={
        EntityType.DATABASE_SCHEMA: Batching(1, 1),
        EntityType.TABLE: Batching(1, 20),
    },
    max_connections=50,
    limits=LIMITS,
    capabilities=CAPABILITIES,
    lacks=LACKS,
)
