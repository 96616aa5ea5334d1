# ruff: noqa: N815 - the attributes are OpenMetadata's field names
"""MongoDB: databases as schemas, collections with what validators declare and a sample of documents has.

It takes listDatabases, listCollections, listIndexes and find; the role `readAnyDatabase` has them all, and
`read` on one database is enough for that. The oldest and the newest documents of a collection are looked
at, on a secondary if there is one; nothing of them is kept but names and types of fields.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field, SecretStr

from rayingest.config.connection import (
    ConnectionModel,
    DefaultPattern,
    Flag,
    SslConfig,
    SslMode,
    host_port,
)
from rayingest.connectors.database._mongodb.facts import CAPABILITIES, LACKS, MONGODB
from rayingest.connectors.database._mongodb.options import PORT, SAMPLE
from rayingest.connectors.database._mongodb.pipelines import reads
from rayingest.core.source import Batching
from rayingest.kit.sql.spec import RELATIONS, Sql
from rayingest.model import EntityType


def _hosts(text: str) -> str:
    """One server or several, as members of a replica set are. Raises ValueError."""
    for each in text.split(","):
        host_port(each, PORT)
    return text


class MongodbOptions(ConnectionModel):
    """Options of a MongoDB connection string, and one of ours."""

    model_config = ConfigDict(extra="allow")

    sampleSize: int = Field(
        default=100,
        ge=0,
        le=1000,
        description="Documents of each collection that are looked at; 0 reads none, only what is declared.",
    )

    @property
    def driver(self) -> Mapping[str, str]:
        """All but ours, as text; YAML's `true` is that of a connection string."""
        given = {key: each for key, each in self if key != SAMPLE}
        return {
            key: str(each).lower() if isinstance(each, bool) else str(each)
            for key, each in given.items()
        }


class MongodbConnection(ConnectionModel):
    """How to reach MongoDB; its databases become the schemas of one database."""

    type: Literal["MongoDB"] = Field("MongoDB", description="OpenMetadata's service type.")
    scheme: Literal["mongodb", "mongodb+srv"] = Field(
        "mongodb", description="With `mongodb+srv` DNS names the servers, and TLS is on."
    )
    username: str | None = Field(None, description="User to connect as.")
    password: SecretStr | None = Field(None, description="Password.")
    hostPort: Annotated[str, AfterValidator(_hosts)] = Field(
        description="Host and port (27017 when none is given), several with commas between, or the"
        " path of a socket; with `mongodb+srv` a host alone."
    )
    connectionOptions: MongodbOptions = Field(
        MongodbOptions(),
        repr=False,
        description="Options of the connection string, such as authSource, authMechanism or"
        " replicaSet, and `sampleSize`.",
    )
    databaseName: str | None = Field(
        None, description="What the database is called in the catalogue; `default` when absent."
    )
    databaseSchema: str | None = Field(
        None, description="Read this MongoDB database only; all but the system's when absent."
    )
    sslMode: SslMode = Field(
        SslMode.DISABLE,
        description="`require` and stricter switch TLS on, always verified; else scheme,"
        " sslConfig and connectionOptions say whether there is TLS.",
    )
    sslConfig: SslConfig | None = Field(
        None, description="Certificates; with any of them TLS is on."
    )
    schemaFilterPattern: DefaultPattern = None
    tableFilterPattern: DefaultPattern = None
    databaseFilterPattern: DefaultPattern = None
    supportsMetadataExtraction: Flag = None
    supportsProfiler: Flag = None


CONNECTOR = Sql(
    service_type="MongoDB",
    extra="mongodb",
    connection=MongodbConnection,
    facts=MONGODB,
    types=RELATIONS,
    # Up to three calls for each collection: small chunks keep many of them under way.
    batching={
        EntityType.DATABASE_SCHEMA: Batching(min=200, max=500),
        EntityType.TABLE: Batching(min=10, max=100),
    },
    # Each is a connection that works and one that watches each server. Atlas's smallest clusters take
    # 500 a server: https://www.mongodb.com/docs/atlas/reference/atlas-limits/
    max_connections=50,
    listing_hides=True,
    capabilities=CAPABILITIES,
    lacks=LACKS,
    reads=reads,
)
