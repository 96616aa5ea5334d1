# ruff: noqa: N815 - the attributes are OpenMetadata's field names
"""Delta Lake: tables in buckets of S3 or in a folder of this machine, by their logs, without Spark.

It takes s3:ListBucket on the buckets and s3:GetObject on the logs; s3:ListAllMyBuckets where no bucket is named.
Buckets are schemas. What costs is finding the tables: one call for each, and two for each folder that is none, more
where it has thousands of files: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html. `prefix` spares
the rest of a bucket. A `configSource` that is a metastore is refused.
"""

from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr

from rayingest.config.connection import (
    Choice,
    ConnectionModel,
    DefaultPattern,
    Supports,
    Unused,
)
from rayingest.connectors.database._deltalake.facts import DELTALAKE
from rayingest.core.source import Batching, Capability
from rayingest.kit.sql.spec import RELATIONS, Sql
from rayingest.kit.storage.connection import LocalStorage, S3Storage
from rayingest.kit.storage.s3 import LIMIT
from rayingest.model import EntityType


class DeltaStorage(ConnectionModel):
    """Tables that are looked for in a storage."""

    connection: Annotated[LocalStorage | S3Storage, Choice()] = Field(
        description="S3, with a securityConfig; an empty one is this machine."
    )
    bucketName: str = Field(
        "", description="Bucket, or the path of a folder; all buckets of the account when absent."
    )
    prefix: str = Field("", description="Folder in the bucket to look into.")


class MetastoreHostPort(ConnectionModel):
    """Hive's metastore."""

    metastoreHostPort: str | None = Field(None, description="Address of Hive's metastore.")


class MetastoreDb(ConnectionModel):
    """The database of Hive's metastore."""

    metastoreDb: str | None = Field(None, description="JDBC URL of the metastore's database.")
    username: str | None = Field(None, description="User name.")
    password: SecretStr | None = Field(None, description="Password.")
    driverName: str | None = Field(None, description="Class of the JDBC driver.")
    jdbcDriverClassPath: str | None = Field(None, description="Where the JDBC driver is.")


class MetastoreFile(ConnectionModel):
    """A metastore in a file."""

    metastoreFilePath: str | None = Field(None, description="Path of the metastore's file.")


class DeltaMetastore(ConnectionModel):
    """Tables that a metastore knows: Spark alone can read it, so `check` and runs refuse it."""

    connection: Annotated[MetastoreHostPort | MetastoreDb | MetastoreFile, Choice()] = Field(
        description="Which metastore."
    )
    appName: str = Field("OpenMetadata", description="Name of the application of Spark.")


class DeltaLakeConnection(Supports):
    """Where Delta's tables lie."""

    type: Literal["DeltaLake"] = Field("DeltaLake", description="OpenMetadata's service type.")
    configSource: Annotated[DeltaStorage | DeltaMetastore, Choice()] = Field(
        description="The storage to look into; a metastore takes Spark, and is refused."
    )
    databaseName: str | None = Field(
        None, description="What the database is called in the catalogue; `default` when absent."
    )
    connectionArguments: Annotated[dict[str, Any], Unused()] = Field(
        default_factory=dict, repr=False, description="Settings of Spark; there is none."
    )
    databaseFilterPattern: DefaultPattern = None
    schemaFilterPattern: DefaultPattern = None
    tableFilterPattern: DefaultPattern = None


CONNECTOR = Sql(
    service_type="DeltaLake",
    extra="deltalake",
    connection=DeltaLakeConnection,
    facts=DELTALAKE,
    types=RELATIONS,
    batching={
        EntityType.DATABASE_SCHEMA: Batching(1, 100),
        EntityType.TABLE: Batching(1, 20),
    },
    max_connections=50,
    limits=(LIMIT,),
    capabilities=frozenset(
        {
            Capability.DATABASES,
            Capability.SCHEMAS,
            Capability.TABLES,
            Capability.COLUMNS,
            Capability.COMMENTS,
            Capability.PARTITIONS,
        }
    ),
    lacks={
        Capability.KEYS: "a log has no keys; Databricks keeps those of its tables in Unity Catalog",
        Capability.VIEWS: "Delta has no views; a metastore has",
        Capability.PROCEDURES: "Delta has no procedures",
        Capability.OWNERS: "a log has no owner",
        Capability.DDL: "a log keeps no statements",
        Capability.TAGS: "a log has no tags",
    },
)
