# ruff: noqa: N815 - the attributes are OpenMetadata's field names
"""Apache Doris, 2.1 and newer: its internal catalog, by information_schema over MySQL's protocol.

https://doris.apache.org/docs/admin-manual/system-tables/information_schema/columns: KEY_COLUMN_USAGE
and ROUTINES are empty, COLUMN_KEY tells of the key of a table. Where PARTITIONS is empty, too, as in older
versions, partitioned tables look like others. Materialized views are listed as tables, by older versions as views.
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


class DorisConnection(SecureFields):
    """How to reach a front end of Doris; the databases of its internal catalog become schemas."""

    type: Literal["Doris"] = Field("Doris", description="OpenMetadata's service type.")
    scheme: Annotated[Literal["doris"] | None, Unused()] = Field(
        None, description="SQLAlchemy scheme; PyMySQL is used whatever it says."
    )
    hostPort: HostPort = Field(
        description="Host and query port of a front end (9030 when none is given)."
    )


# Every table has a partition at least: those of one that has none are UNPARTITIONED.
PARTITIONS = """select distinct table_schema, table_name, partition_method, partition_expression,
       null, null
  from information_schema.partitions
 where partition_method in ('RANGE', 'LIST') and table_schema = %s and table_name in %s"""
DORIS = replace(
    FRONTENDS,
    name="Doris",
    hidden=("information_schema", "mysql", "__internal_schema"),
    partitions=PARTITIONS,
    rights=Rights(
        read="SELECT_PRIV, SHOW_VIEW_PRIV",
        view="SHOW_VIEW_PRIV",
        database="internal.`{}`.*",
        everything="internal.*.*",
        views="internal.*.*",
    ),
    catalogs=Catalogs("internal", "switch internal", 1),
)
CONNECTOR = replace(
    MYSQL_CONNECTOR,
    service_type="Doris",
    dialect="doris",
    connection=DorisConnection,
    facts=mysql(DORIS),
    types=RELATIONS,
    capabilities=TOLD,
    lacks=UNTOLD,
)
