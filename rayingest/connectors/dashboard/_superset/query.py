"""What a dataset reads: a table, or the SQL of a virtual one, which Jinja writes.

https://superset.apache.org/docs/configuration/sql-templating has the macros; `{{ dataset(12) }}` stands
for another dataset.
"""

import re
from collections.abc import Mapping
from typing import Any

from rayingest.kit.queries import STAND_IN

# By SQLAlchemy's names, as `superset/db_engine_specs` has them.
DIALECTS = {
    "postgresql": "postgres", "cockroachdb": "postgres", "greenplum": "postgres", "hologres": "postgres",
    "timescaledb": "postgres", "yugabytedb": "postgres", "risingwave": "risingwave",
    "mysql": "mysql", "mariadb": "mysql", "oceanbase": "mysql", "singlestoredb": "mysql",
    "starrocks": "starrocks", "pydoris": "doris", "doris": "doris", "mssql": "tsql",
    "redshift": "redshift", "snowflake": "snowflake", "bigquery": "bigquery", "awsathena": "athena",
    "presto": "presto", "trino": "trino", "clickhouse": "clickhouse", "clickhousedb": "clickhouse",
    "databricks": "databricks", "hive": "hive", "impala": "hive", "oracle": "oracle",
    "sqlite": "sqlite", "duckdb": "duckdb", "motherduck": "duckdb", "druid": "druid",
    "teradatasql": "teradata",
}  # fmt: skip
_DATASET = re.compile(r"\{\{-?\s*dataset\(\s*(\d+)[^}]*\}\}")
_ANOTHER = f"(SELECT * FROM {STAND_IN})"  # noqa: S608 - never run: it is parsed
_WRITTEN = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_CONTROL = re.compile(r"\{%.*?%\}|\{#.*?#\}", re.DOTALL)


def table_name(raw: Mapping[str, Any]) -> str:
    """A physical dataset's table as SQL has it: `"catalog"."schema"."table"`."""
    parts = (raw.get("catalog"), raw.get("schema"), raw["table_name"])
    return ".".join(_quoted(each) for each in parts if each)


def _quoted(part: str) -> str:
    quote = "`" if '"' in part else '"'
    return f"{quote}{part}{quote}"


def datasets_read(sql: str) -> tuple[str, ...]:
    """The ids of the datasets that SQL stands on."""
    return tuple(dict.fromkeys(_DATASET.findall(sql)))


def plain_sql(sql: str) -> str:
    """SQL as any database takes it: of what Jinja writes only the place is left."""
    return _WRITTEN.sub(STAND_IN, _CONTROL.sub(" ", _DATASET.sub(_ANOTHER, sql)))
