"""minilake in one process, run by the Python of an environment that has it: see minilake.py.

Its information schema is DuckDB's, which knows no tags; nobody can add to that, and it has no schema
`system.access`. So the four relations of tags and the two of lineage are tables of another schema, with the columns
that Databricks documents, and a statement that names them in the catalog `system` is told of those.
"""

import os
import sys
from pathlib import Path
from typing import Any

TAGS = {
    "catalog_tags": (),
    "schema_tags": ("schema_name",),
    "table_tags": ("schema_name", "table_name"),
    "column_tags": ("schema_name", "table_name", "column_name"),
}
# https://docs.databricks.com/aws/en/admin/system-tables/lineage, but for `entity_metadata`
BEGIN = ("account_id", "metastore_id", "workspace_id", "entity_type", "entity_id", "entity_run_id")
PARTS = ("full_name", "catalog", "schema", "name")
ENDS = {
    end: (*(f"{end}_table_{each}" for each in PARTS), f"{end}_path", f"{end}_type")
    for end in ("source", "target")
}
LAST = ("created_by", "event_time timestamp", "event_date date")
PLACES = {
    **{
        f"information_schema.{name}": ("catalog_name", *columns, "tag_name", "tag_value")
        for name, columns in TAGS.items()
    },
    "access.table_lineage": (*BEGIN, *ENDS["source"], *ENDS["target"], *LAST),
    "access.column_lineage": (
        *BEGIN,
        *(*ENDS["source"], "source_column_name", *ENDS["target"], "target_column_name"),
        *LAST,
    ),
}
MADE = "memory.made"


def main(folder: str, port: str) -> None:
    """Serve until the process is ended."""
    Path(folder, "extensions").mkdir(parents=True)
    os.environ["MINILAKE_DATA_DIR"] = folder
    # A folder without the extension `delta`: else it would be downloaded.
    os.environ["MINILAKE_DUCKDB_EXTENSION_DIR"] = str(Path(folder, "extensions"))
    from minilake import duckdb_pool
    from minilake.services import sql_statements

    before: Any = sql_statements._rewrite_sql_for_duckdb  # noqa: SLF001 - it has no other door
    known: set[int] = set()

    def rewritten(sql: str) -> str:
        for name in PLACES:
            sql = sql.replace(f"system.{name}", _made(name))
        return str(before(sql))

    async def connection(pool: Any) -> Any:
        found = await original(pool)
        if id(found) not in known:
            known.add(id(found))
            found.execute("attach if not exists ':memory:' as memory")
            found.execute(f"create schema if not exists {MADE}")
            for name, columns in PLACES.items():
                described = ", ".join(
                    each if " " in each else f"{each} varchar" for each in columns
                )
                found.execute(f"create table if not exists {_made(name)} ({described})")
        return found

    original: Any = duckdb_pool.DuckDBPool.get_uc_connection
    duckdb_pool.DuckDBPool.get_uc_connection = connection
    sql_statements._rewrite_sql_for_duckdb = rewritten  # noqa: SLF001
    from minilake.cli import main as serve

    sys.argv = ["minilake", "--host", "127.0.0.1", "--port", port]
    sys.exit(serve())


def _made(name: str) -> str:
    """The table that stands for one of the catalog `system`."""
    return f"{MADE}.{name.rpartition('.')[2]}"


if __name__ == "__main__":
    main(*sys.argv[1:])
