# ruff: noqa: N815 - the attributes are OpenMetadata's field names
"""StarRocks, 3.0 and newer: its default catalog, by information_schema over MySQL's protocol.

https://docs.starrocks.io/docs/sql-reference/information_schema/: KEY_COLUMN_USAGE, PARTITIONS and
ROUTINES are there and empty; COLUMN_KEY tells of the key of a table, TABLES_CONFIG of its partitioning
columns, MATERIALIZED_VIEWS of their texts.
"""

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field

from rayingest.config.connection import HostPort, Unused
from rayingest.connectors.database.mysql import CONNECTOR as MYSQL_CONNECTOR
from rayingest.kit.sql.mysql.facts import mysql
from rayingest.kit.sql.mysql.fields import SecureFields
from rayingest.kit.sql.mysql.frontends import FRONTENDS, TOLD, UNTOLD
from rayingest.kit.sql.mysql.product import Catalogs, Rights
from rayingest.kit.sql.spec import RELATIONS


class StarRocksConnection(SecureFields):
    """How to reach a front end of StarRocks; the databases of its default catalog become schemas."""

    type: Literal["StarRocks"] = Field("StarRocks", description="OpenMetadata's service type.")
    scheme: Annotated[Literal["mysql+pymysql"] | None, Unused()] = Field(
        None, description="SQLAlchemy scheme; PyMySQL is used whatever it says."
    )
    hostPort: HostPort = Field(
        description="Host and query port of a front end (9030 when none is given)."
    )


# By which method is not told: a date may be a range's or a list's.
PARTITIONS = """select table_schema, table_name, 'KEY', partition_key, null, null
  from information_schema.tables_config
 where partition_key <> '' and table_schema = %s and table_name in %s"""
MATERIALIZED = """select table_schema, table_name, materialized_view_definition
  from information_schema.materialized_views where table_schema = %s and table_name in %s"""
STARROCKS = replace(
    FRONTENDS,
    name="StarRocks",
    hidden=("information_schema", "_statistics_", "sys"),
    partitions=PARTITIONS,
    materialized=MATERIALIZED,
    rights=Rights(
        read="SELECT",
        view="SELECT",
        one="TABLE {}",
        database="ALL TABLES IN DATABASE `{}`",
        everything="ALL TABLES IN ALL DATABASES",
        views="ALL VIEWS IN ALL DATABASES",
        grant="GRANT {right} ON {what} TO USER {who};",
    ),
    catalogs=Catalogs("default_catalog", "set catalog default_catalog", 0),
)
CONNECTOR = replace(
    MYSQL_CONNECTOR,
    service_type="StarRocks",
    dialect="starrocks",
    connection=StarRocksConnection,
    facts=mysql(STARROCKS),
    types=RELATIONS,
    capabilities=TOLD,
    lacks=UNTOLD,
)
