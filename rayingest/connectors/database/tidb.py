# ruff: noqa: N815 - the attributes are OpenMetadata's field names
"""TiDB, 6.6 and newer: MySQL's information_schema, its service type too; it has no routines.

Its system schemas are in capitals, and compared with case
(https://docs.pingcap.com/tidb/stable/information-schema-schemata). `transaction_read_only` is refused,
unless noop functions are allowed (https://docs.pingcap.com/tidb/stable/system-variables).
"""

from collections.abc import Mapping
from dataclasses import replace

from pydantic import Field

from rayingest.config.connection import HostPort
from rayingest.connectors.database.mysql import CONNECTOR as MYSQL_CONNECTOR
from rayingest.connectors.database.mysql import MysqlConnection
from rayingest.core.source import Capability
from rayingest.kit.sql.mysql.facts import CAPABILITIES, LACKS, mysql
from rayingest.kit.sql.mysql.product import MYSQL, Product
from rayingest.kit.sql.spec import RELATIONS


class TidbConnection(MysqlConnection):
    """How to reach a TiDB server; its databases become the schemas of one database."""

    hostPort: HostPort = Field(description="Host and port (4000 when none is given).")


def limits(seconds: float, *, is_mariadb: bool) -> Mapping[str, object]:
    """What bounds a statement in TiDB."""
    return {"max_execution_time": int(seconds * 1000)}


TIDB = Product(
    name="TiDB",
    port=4000,
    hidden=(
        *MYSQL.hidden,
        *("INFORMATION_SCHEMA", "PERFORMANCE_SCHEMA", "METRICS_SCHEMA", "metrics_schema"),
    ),
    limits=limits,
    routines=False,
    # Before 7.3, or if told so, a connection's number has 64 bits and the client learns 32 of them: KILL then
    # does nothing, and says so in a warning (https://docs.pingcap.com/tidb/stable/sql-statement-kill).
    kills=False,
)
GAPS = {Capability.PROCEDURES: "TiDB has none: information_schema.routines is empty there"}
CONNECTOR = replace(
    MYSQL_CONNECTOR,
    connection=TidbConnection,
    facts=mysql(TIDB),
    types=RELATIONS,
    capabilities=CAPABILITIES - GAPS.keys(),
    lacks=LACKS | GAPS,
    alias_of="mysql",
)
