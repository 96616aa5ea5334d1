"""What there is: the server's databases are schemas, one statement lists them with all in them."""

from collections.abc import Iterator

from rayingest.core.source import Settings
from rayingest.kit.sql.clickhouse.engines import VIEWS
from rayingest.kit.sql.clickhouse.session import ClickHouseSession
from rayingest.kit.sql.clickhouse.text import listed, literal
from rayingest.kit.sql.facts import Found, Wants
from rayingest.model import EntityType

HIDDEN = ("system", "information_schema", "INFORMATION_SCHEMA", "_temporary_and_external_tables")
# Rows of a materialized view that names no table to keep them in: the view stands for that table.
INNER = (".inner.", ".inner_id.")

LISTING = """select place, kind, name, what from (
  select name as place, 0 as kind, name, '' as what from system.databases where {schema}
  union all
  select database, 1, name, engine from system.tables
   where {table} and is_temporary = 0 and not match(name, {inner}){views}
) order by place, kind, name"""
TYPES = (EntityType.DATABASE_SCHEMA, EntityType.TABLE)


def databases(session: ClickHouseSession, settings: Settings) -> Iterator[Found]:
    """Name the only database: ClickHouse has schemas alone, and calls them databases."""
    yield Found(EntityType.DATABASE, "", session.database)


def listing(session: ClickHouseSession, wants: Wants) -> Iterator[Found]:
    """Every schema with its tables and views."""
    where = f"= {literal(session.schema)}" if session.schema else f"not in ({listed(HIDDEN)})"
    views = ""
    if not (wants.tables and wants.views):
        views = f" and engine {'not ' if wants.tables else ''}in ({listed(VIEWS)})"
    if not (wants.tables or wants.views):
        views = " and 0"
    statement = LISTING.format(
        schema=f"name {where}", table=f"database {where}", inner=literal(_INNER), views=views
    )
    for place, kind, name, what in session.rows(statement):
        yield Found(TYPES[int(kind)], place, name, what)


_INNER = "^(" + "|".join(each.replace(".", r"\.") for each in INNER) + ")"
