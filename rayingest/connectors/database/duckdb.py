# ruff: noqa: N815, S608 - OpenMetadata's field names; SQL composed of our own constants only
"""DuckDB: one file, by its own `duckdb_…()` functions over SQLAlchemy.

OpenMetadata has no such service: it becomes a CustomDatabase. The dialect's reflection of keys fails
on DuckDB 2, its listing of schemas on a name with a dot, and it tells nothing of lists and structs.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from rayingest.config.connection import SqlCommon, Unused
from rayingest.core.source import Capability, Settings
from rayingest.errors import ConfigError, Unreachable
from rayingest.kit.sql.reflected.facts import Reflected, reflected
from rayingest.kit.sql.reflected.lookups import (
    QueriedColumns,
    QueriedKeys,
    QueriedMembers,
    QueriedSchemas,
    QueriedTexts,
)
from rayingest.kit.sql.reflected.session import Connect
from rayingest.kit.sql.spec import RELATIONS, Sql


class DuckdbConnection(SqlCommon):
    """Which DuckDB file to read."""

    type: Literal["CustomDatabase"] = Field(
        "CustomDatabase", description="OpenMetadata's service type for what it does not know."
    )
    sourcePythonClass: Annotated[str | None, Unused()] = Field(
        None, description="Class of a custom source; this connector needs none."
    )
    database: str = Field(description="Path of the DuckDB file; it is opened read-only.")
    databaseSchema: str | None = Field(None, description="Read this schema only; all when absent.")


def connect(settings: Settings) -> Connect:
    """Open the file of the config; it is never created and never written."""
    import sqlalchemy as sa

    config: DuckdbConnection = settings.connection
    path = Path(config.database).expanduser()
    if ":memory:" in config.database:
        raise ConfigError(
            "DuckDB: ':memory:' is a new, empty database of this process: there is nothing to read.",
            hint="Name a file: database: /path/to/file.duckdb",
        )
    if not path.is_file():
        raise Unreachable(
            f"DuckDB file {path} does not exist.", hint="Check database of the connection."
        )
    url = sa.URL.create("duckdb", database=str(path), query=config.connectionOptions)
    return Connect(url, {**config.connectionArguments, "read_only": True})


def name(settings: Settings) -> str:
    """What DuckDB calls the database of a file."""
    return Path(settings.connection.database).stem


OURS = "database_name = current_database() and not internal"
WITHIN = f"{OURS} and schema_name = :schema"

DUCKDB = Reflected(
    extra="duckdb",
    connect=connect,
    database=name,
    schemas=QueriedSchemas(
        "select schema_name from duckdb_schemas() where database_name = current_database() order by 1"
    ),
    members=QueriedMembers(
        f"select table_name, 'table' from duckdb_tables() where {WITHIN} "
        f"union all select view_name, 'view' from duckdb_views() where {WITHIN} order by 1"
    ),
    columns=QueriedColumns(
        "select table_name, column_name, data_type, is_nullable, comment from duckdb_columns() "
        f"where {WITHIN} and table_name in :names order by table_oid, column_index"
    ),
    keys=QueriedKeys(
        "select table_name, constraint_type, constraint_index, unnest(constraint_column_names), "
        "schema_name, referenced_table, unnest(referenced_column_names) from duckdb_constraints() "
        "where database_name = current_database() and schema_name = :schema "
        "and table_name in :names and constraint_type in ('PRIMARY KEY', 'UNIQUE', 'FOREIGN KEY') "
        "order by table_oid, constraint_index, generate_subscripts(constraint_column_names, 1)"
    ),
    comments=QueriedTexts(
        f"select table_name, comment from duckdb_tables() where {WITHIN} and table_name in :names "
        f"union all select view_name, comment from duckdb_views() where {WITHIN} and view_name in :names"
    ),
    definitions=QueriedTexts(
        f"select view_name, sql from duckdb_views() where {WITHIN} and view_name in :names"
    ),
    ddl=QueriedTexts(
        f"select table_name, sql from duckdb_tables() where {WITHIN} and table_name in :names"
    ),
    chunk=500,
)

CONNECTOR = Sql(
    service_type="CustomDatabase",
    extra="duckdb",
    dialect="duckdb",
    connection=DuckdbConnection,
    facts=reflected(DUCKDB),
    local=True,
    types=RELATIONS,
    capabilities=frozenset(
        {
            Capability.DATABASES,
            Capability.SCHEMAS,
            Capability.TABLES,
            Capability.COLUMNS,
            Capability.KEYS,
            Capability.COMMENTS,
            Capability.VIEWS,
            Capability.DDL,
        }
    ),
    lacks={
        Capability.OWNERS: "DuckDB has no owners",
        Capability.PARTITIONS: "DuckDB's tables have no partitions",
        Capability.PROCEDURES: "DuckDB's macros are not read",
        Capability.TAGS: "DuckDB's tags are not read",
    },
)
