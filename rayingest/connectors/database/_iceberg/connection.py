# ruff: noqa: N815 - the attributes are OpenMetadata's field names
"""Which catalogue of Iceberg, and where its files lie: as OpenMetadata had it, and a database of SQL beside it.

https://docs.open-metadata.org/latest/connectors/database/iceberg/yaml
"""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr

from rayingest.config.connection import (
    AwsCredentials,
    AzureCredentials,
    Choice,
    ConnectionModel,
    DefaultPattern,
    Supports,
    Unused,
)


class FileSystem(ConnectionModel):
    """Where the files of metadata lie, if the catalogue does not tell what they hold."""

    type: Annotated[AwsCredentials | AzureCredentials | None, Choice()] = Field(
        None, description="Credentials of AWS or Azure; none for this machine, or the catalogue's."
    )


class OAuth(ConnectionModel):
    """A client of OAuth 2.0."""

    clientId: SecretStr | None = Field(None, description="Id of the client.")
    clientSecret: SecretStr | None = Field(None, description="Secret of the client.")


class SigV4(ConnectionModel):
    """Requests are signed as AWS does it."""

    signingRegion: str | None = Field(None, description="Region to sign for.")
    signingName: str | None = Field(None, description="Service to sign for: `glue`, `s3tables`.")


class CertPaths(ConnectionModel):
    """Certificates, as paths of PEM files."""

    caCertPath: str | None = Field(None, description="The authority that signed the server's.")
    clientCertPath: str | None = Field(None, description="Certificate to show.")
    privateKeyPath: str | None = Field(None, description="Private key of that certificate.")


class UriCatalog(ConnectionModel):
    """A REST catalogue, or Hive's metastore: the address tells which."""

    uri: str = Field(description="https://… of a REST catalogue, thrift://… of Hive's metastore.")
    credential: OAuth | None = Field(None, description="Client of OAuth 2.0, for REST.")
    token: SecretStr | None = Field(None, description="Bearer token, for REST.")
    ssl: CertPaths | None = Field(None, description="Certificates, for REST.")
    sigv4: SigV4 | None = Field(None, description="Signatures of AWS, for REST.")
    fileSystem: FileSystem | None = Field(None, description="Where the files lie.")


class GlueCatalog(ConnectionModel):
    """AWS Glue."""

    awsConfig: AwsCredentials = Field(description="AWS credentials, region and endpoint.")


class DynamoCatalog(ConnectionModel):
    """A table of DynamoDB."""

    tableName: str = Field(description="Name of the table; `iceberg` is usual.")
    awsConfig: AwsCredentials = Field(description="AWS credentials, region and endpoint.")


class SqlCatalog(ConnectionModel):
    """Tables of a SQL database; OpenMetadata has none like it."""

    sqlUri: SecretStr = Field(
        description="URL of SQLAlchemy: sqlite:////path/catalog.db, postgresql+psycopg://…"
    )
    fileSystem: FileSystem | None = Field(None, description="Where the files lie.")


class Catalog(ConnectionModel):
    """One catalogue."""

    name: str = Field(description="Its name; in a SQL database that of the rows to read.")
    connection: Annotated[UriCatalog | GlueCatalog | DynamoCatalog | SqlCatalog, Choice()] = Field(
        description="How to reach it."
    )
    databaseName: str | None = Field(
        None, description="What the database is called in the catalogue; `default` when absent."
    )
    warehouseLocation: str | None = Field(
        None, description="Warehouse, where a REST catalogue has several."
    )


def _today(given: object) -> object:
    # OpenMetadata's list of services has no Iceberg any more, and takes no such connection.
    return "CustomDatabase" if given == "Iceberg" else given


class IcebergConnection(Supports):
    """How to reach a catalogue of Iceberg."""

    type: Annotated[Literal["CustomDatabase"], BeforeValidator(_today)] = Field(
        "CustomDatabase", description="OpenMetadata's service type; `Iceberg` is taken for it."
    )
    sourcePythonClass: Annotated[str | None, Unused()] = Field(
        None, description="Class of a custom source; this connector needs none."
    )
    catalog: Catalog = Field(description="The catalogue.")
    ownershipProperty: str = Field("owner", description="Property that names the owner.")
    connectionOptions: dict[str, str] = Field(
        default_factory=dict, repr=False, description="More properties of pyiceberg's catalogue."
    )
    databaseFilterPattern: DefaultPattern = None
    schemaFilterPattern: DefaultPattern = None
    tableFilterPattern: DefaultPattern = None
