# ruff: noqa: N815 - the attributes are OpenMetadata's field names
"""Files as tables: Parquet, ORC, Avro, Arrow, JSON and CSV in S3, Google Cloud Storage, Azure or a folder.

What is read of a file is its footer, its header or its first lines. It takes s3:ListBucket and s3:GetObject
(s3:ListAllMyBuckets without bucketName), roles/storage.objectViewer, or Storage Blob Data Reader.
Azure is asked by the Blob service alone, also for accounts with a hierarchical namespace (Data Lake Storage). Without
a clientSecret it is asked with what AZURE_STORAGE_CONNECTION_STRING, AZURE_STORAGE_ACCOUNT_KEY or
AZURE_STORAGE_SAS_TOKEN say of the account, else as the identity of the environment.
The grade is that of files in a folder. S3 is tested with moto, Google Cloud Storage with fake-gcs-server, Azure with
Azurite, which has no hierarchical namespace and no roles.
Names are OpenMetadata's: the bucket is a schema, a file's key a table; what many files make up is called by
the folder (docs/decisions/0006-tables-of-a-data-lake.md).
"""

from typing import Annotated, Any, Literal

from pydantic import Field

from rayingest.config.connection import (
    Choice,
    DefaultPattern,
    SampleDataStorage,
    Supports,
    Unused,
)
from rayingest.connectors.database._datalake.facts import CAPABILITIES, DATALAKE, LACKS, LIMITS
from rayingest.core.source import Batching
from rayingest.kit.sql.spec import RELATIONS, Sql
from rayingest.kit.storage.connection import AzureStorage, GcsStorage, LocalStorage, S3Storage
from rayingest.model import EntityType


class DatalakeConnection(Supports):
    """Which files to read."""

    type: Literal["Datalake"] = Field("Datalake", description="OpenMetadata's service type.")
    configSource: Annotated[LocalStorage | S3Storage | GcsStorage | AzureStorage, Choice()] = Field(
        description="Where the files are; {} is this machine."
    )
    bucketName: str = Field(
        "",
        description="Bucket or container, all when absent; the folder's path for files of this machine.",
    )
    prefix: str = Field("", description="How keys begin that are read.")
    databaseName: str | None = Field(
        None, description="What the database is called in the catalogue; `default` when absent."
    )
    skipColdStorage: bool = Field(
        False, description="Leave out what is archived, or paid for when it is read."
    )
    connectionOptions: Annotated[dict[str, str], Unused()] = Field(
        default_factory=dict, repr=False, description="Options of a URL; there is none."
    )
    connectionArguments: Annotated[dict[str, Any], Unused()] = Field(
        default_factory=dict, repr=False, description="Arguments of a driver; there are none."
    )
    schemaFilterPattern: DefaultPattern = None
    tableFilterPattern: DefaultPattern = None
    databaseFilterPattern: DefaultPattern = None
    sampleDataStorageConfig: Annotated[SampleDataStorage | None, Unused()] = Field(
        None, description="Where sample data would be stored."
    )


CONNECTOR = Sql(
    service_type="Datalake",
    extra="datalake",
    connection=DatalakeConnection,
    facts=DATALAKE,
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
