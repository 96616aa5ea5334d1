# ruff: noqa: N815 - the attributes are OpenMetadata's field names
"""SingleStore (MemSQL), 7.6 and newer: MySQL's information_schema, without foreign keys and partitions.

https://docs.singlestore.com/cloud/reference/information-schema-reference/ has MySQL's views; what
KEY_COLUMN_USAGE says of references is always null. A session has no time limit of its own there
(resource pools have), so the driver's ends what takes too long.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field

from rayingest.config.connection import HostPort, Unused
from rayingest.connectors.database.mysql import CONNECTOR as MYSQL_CONNECTOR
from rayingest.core.source import Capability
from rayingest.kit.sql.mysql.facts import CAPABILITIES, LACKS, mysql
from rayingest.kit.sql.mysql.fields import RelativeFields
from rayingest.kit.sql.mysql.product import Product


class SingleStoreConnection(RelativeFields):
    """How to reach an aggregator; its databases become the schemas of one database."""

    type: Literal["SingleStore"] = Field("SingleStore", description="OpenMetadata's service type.")
    scheme: Annotated[Literal["mysql+pymysql"] | None, Unused()] = Field(
        None, description="SQLAlchemy scheme; PyMySQL is used whatever it says."
    )
    hostPort: HostPort = Field(
        description="Host and port of an aggregator (3306 when none is given)."
    )


def no_limits(seconds: float, *, is_mariadb: bool) -> Mapping[str, object]:
    """No variables at all: those of MySQL that bound a statement are not among its own."""
    return {}


SINGLESTORE = Product(
    name="SingleStore",
    hidden=("information_schema", "memsql", "cluster"),
    limits=no_limits,
    partitions="",
    kills=False,
)
GAPS = {
    Capability.KEYS: "it has no foreign keys; primary and unique keys are told",
    Capability.PARTITIONS: "its partitions are where rows lie, by the hash of a key: none are declared",
}
CONNECTOR = replace(
    MYSQL_CONNECTOR,
    service_type="SingleStore",
    dialect="singlestore",
    connection=SingleStoreConnection,
    facts=mysql(SINGLESTORE),
    capabilities=CAPABILITIES - GAPS.keys(),
    lacks=LACKS | GAPS,
    alias_of="mysql",
)
