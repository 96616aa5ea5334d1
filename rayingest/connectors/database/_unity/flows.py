# ruff: noqa: S608 - SQL composed of our own constants, of a number, and of literals that are escaped
"""What filled which table, out of Unity Catalog's own records, by SQL.

`system.access.table_lineage` has a row for each read and write,
`system.access.column_lineage` one for each pair of columns:
https://docs.databricks.com/aws/en/admin/system-tables/lineage. What has no source was only
written, what has no target only read; a file read by its path has no name. What is read by
a pipeline may have no columns: the pairs of tables are asked for, too.
"""

from collections.abc import Iterator
from functools import partial

from rayingest.connectors.database._unity.connect import USE_A_WAREHOUSE, WorkspaceConnection
from rayingest.connectors.database._unity.queries import (
    SYSTEM,
    catalog_of,
    equal,
    in_parts,
    parts_of,
)
from rayingest.connectors.database._unity.statements import NotGranted, Row, Statements, TooMuch
from rayingest.core.source import Settings
from rayingest.errors import Permanent
from rayingest.kit.rest.api import Api
from rayingest.kit.sql.flows import Flow

PLACES = tuple(
    f"{end}_table_{part}" for end in ("target", "source") for part in ("catalog", "schema", "name")
)
COLUMNS = ("target_column_name", "source_column_name")
NO_WAREHOUSE = "httpPath names no SQL warehouse: of lineage only that of views is read."
GRANT = (
    "GRANT USE CATALOG ON CATALOG system TO …; GRANT USE SCHEMA, SELECT ON SCHEMA system.access "
    "TO …. Where there is no such schema, an admin of the account or the metastore enables it. "
    "Or write processQueryLineage: false."
)
FEWER_DAYS = "Write a smaller queryLogDuration, or keep fewer catalogs by `catalog`."


def missing(settings: Settings) -> tuple[str, str] | None:
    """Why this connection can read none, and what mends it."""
    config: WorkspaceConnection = settings.connection
    return (NO_WAREHOUSE, USE_A_WAREHOUSE) if config.warehouse is None else None


def recorded(api: Api, settings: Settings, days: int) -> Iterator[Flow]:
    """One statement, more where it has too much. Raises NotGranted and TooMuch with what mends it."""
    config: WorkspaceConnection = settings.connection
    if config.warehouse is None:
        return
    statements = Statements(api, config.warehouse, settings.call_timeout)
    query = partial(flows_query, days, config.databaseSchema)
    parts = partial(parts_of, api, settings)
    try:
        rows = in_parts(statements, query, catalog_of(settings), parts)
    except NotGranted as error:
        raise NotGranted(str(error), hint=GRANT) from None
    except TooMuch as error:
        raise TooMuch(str(error), hint=FEWER_DAYS) from None
    try:
        yield from [flow(row) for row in rows]
    except (IndexError, TypeError) as error:
        said = f"{type(error).__name__}: {error}"
        raise Permanent(f"A row of system.access is not understood: {said}") from error


def flows_query(days: int, only_schema: str | None, *within: str, place: str = SYSTEM) -> str:
    """The statement for what is within a catalog and a schema, as far as they are given; each pair once."""
    named = [f"{each} is not null" for each in PLACES]
    schema = equal(PLACES[1:2], (only_schema.lower(),)) if only_schema else []
    which = " and ".join(
        (
            f"event_date >= current_date() - interval {max(days, 0)} day",
            *equal(PLACES, within),
            *schema,
            *named,
            "source_table_full_name <> target_table_full_name",
        )
    )
    pairs = ", ".join(PLACES)
    return (
        f"select {pairs}, {', '.join(COLUMNS)} from {place}.access.column_lineage where {which} "
        f"union select {pairs}, cast(null as string), cast(null as string) "
        f"from {place}.access.table_lineage where {which}"
    )


def flow(row: Row) -> Flow:
    """A row of `flows_query`."""
    names = [str(each) for each in row[: len(PLACES)]]
    return Flow(tuple(names[3:]), tuple(names[:3]), source_column=row[7], target_column=row[6])
