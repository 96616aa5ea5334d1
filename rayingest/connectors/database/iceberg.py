"""Apache Iceberg by its catalogues: REST, Glue, DynamoDB, Hive's metastore, a SQL database.

OpenMetadata has no such service any more: it becomes a CustomDatabase, and what was its connection is taken unchanged.
Namespaces are schemas. It takes the right to list and load; where the catalogue is not REST, s3:GetObject or its like
on the files of metadata, too. Nothing of snapshots, manifests or data is read. For Hive's metastore pyiceberg has no
time-out: the one of the engine ends what does not answer.
"""

from rayingest.connectors.database._iceberg.connection import IcebergConnection
from rayingest.connectors.database._iceberg.facts import ICEBERG
from rayingest.connectors.database._iceberg.session import LIMIT
from rayingest.core.limits import Limit
from rayingest.core.source import Batching, Capability
from rayingest.kit.sql.spec import RELATIONS, Sql
from rayingest.model import EntityType

CONNECTOR = Sql(
    service_type="CustomDatabase",
    extra="iceberg",
    connection=IcebergConnection,
    facts=ICEBERG,
    types=RELATIONS,
    batching={
        EntityType.DATABASE_SCHEMA: Batching(1, 20),
        EntityType.TABLE: Batching(1, 20),
    },
    max_connections=50,
    # A catalogue may leave out what the account may not see: the specification asks for no refusal.
    listing_hides=True,
    limits=(Limit(name=LIMIT, adaptive=True),),
    capabilities=frozenset(
        {
            Capability.DATABASES,
            Capability.SCHEMAS,
            Capability.TABLES,
            Capability.COLUMNS,
            Capability.COMMENTS,
            Capability.VIEWS,
            Capability.PARTITIONS,
            Capability.OWNERS,
        }
    ),
    lacks={
        Capability.KEYS: "identifier fields are read as the primary key; there are no other keys",
        Capability.PROCEDURES: "Iceberg's procedures are those of the engines",
        Capability.DDL: "Iceberg keeps no statements",
        Capability.TAGS: "what Iceberg calls tags are names of snapshots",
    },
)
