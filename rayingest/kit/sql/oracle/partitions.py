"""What partitioned tables are partitioned by, both levels, of a batch by one statement.

https://docs.oracle.com/en/database/oracle/oracle-database/19/refrn/ALL_PART_TABLES.html
"""

from collections.abc import Iterable, Mapping

from rayingest.kit.sql.oracle.session import Among, Key, OracleSession, Row
from rayingest.model import PartitionColumn

# OBJECT_TYPE is a CHAR(5): INDEX is as long as TABLE.
PARTITIONS = """select p.owner, p.table_name, 1 as depth, k.column_position, k.column_name,
       p.partitioning_type, p.interval
  from {v}_part_tables p
  join {v}_part_key_columns k on k.owner = p.owner and k.name = p.table_name
 where k.object_type = 'TABLE' and {where}
union all
select p.owner, p.table_name, 2, k.column_position, k.column_name, p.subpartitioning_type, null
  from {v}_part_tables p
  join {v}_subpart_key_columns k on k.owner = p.owner and k.name = p.table_name
 where k.object_type = 'TABLE' and {where}"""


def partitions(session: OracleSession, keys: Iterable[Key]) -> dict[Key, list[Row]]:
    """Rows of the columns by table, outer level first."""
    among = Among(keys)
    found: dict[Key, list[Row]] = {}
    if among:
        query = PARTITIONS.replace("{where}", among.where("p.owner", "p.table_name"))
        for row in session.rows(query, among.binds):
            found.setdefault((row[0], row[1]), []).append(row)
    return {key: sorted(rows, key=lambda row: row[2:4]) for key, rows in found.items()}


def told(
    rows: Iterable[Row], spelled: Mapping[str, str], types: Mapping[str, str]
) -> tuple[PartitionColumn, ...]:
    """The columns, each once; `types` are OpenMetadata's, of columns as they are told."""
    found: dict[str, PartitionColumn] = {}
    for _, _, _, _, stored, method, interval in rows:
        name = spelled.get(stored, stored)
        kind = _interval(method, types.get(name, ""))
        column = PartitionColumn(column_name=name, interval_type=kind, interval=interval or None)
        found.setdefault(name, column)
    return tuple(found.values())


def _interval(method: str | None, data_type: str) -> str:
    if method == "LIST":
        return "COLUMN-VALUE"
    if method == "RANGE" and data_type in {"DATE", "TIMESTAMP", "TIMESTAMPZ"}:
        return "TIME-UNIT"
    if method == "RANGE" and data_type == "NUMBER":
        return "INTEGER-RANGE"
    return "OTHER"
