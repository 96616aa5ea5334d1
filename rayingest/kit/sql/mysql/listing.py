"""What there is: the server's databases are schemas, one statement lists them with all in them."""

from collections.abc import Iterator

from rayingest.core.source import Settings
from rayingest.kit.sql.facts import Found, Wants
from rayingest.kit.sql.mysql.session import MySqlSession
from rayingest.model import EntityType

# Collations of information_schema hold `Shop` and `shop` for the same: their bytes keep them apart.
# A directory that MySQL cannot name (`#mysql50#lost+found`) is no schema.
LISTING = """
select place, kind, name, what from (
  select schema_name as place, 0 as kind, schema_name as name, '' as what
    from information_schema.schemata where {schema}
  union all
  select table_schema, 1, table_name, table_type
    from information_schema.tables where {table} and table_type in %s{routines}
) found
order by {place}, kind, {name}
"""
ROUTINES = """
  union all
  select routine_schema, 2, routine_name, ''
    from information_schema.routines where {routine} and routine_type in ('PROCEDURE', 'FUNCTION')"""
ALL = "{0} not in %s and {0} not like '#mysql50#%%'"
ONE = "{0} in %s"
TABLES = ("BASE TABLE", "SYSTEM VERSIONED", "TABLE", "EXTERNAL TABLE")
VIEWS = ("VIEW", "SYSTEM VIEW")
NOTHING = ("",)
TYPES = (EntityType.DATABASE_SCHEMA, EntityType.TABLE, EntityType.STORED_PROCEDURE)


def databases(session: MySqlSession, settings: Settings) -> Iterator[Found]:
    """Name the only database: MySQL has schemas alone, and calls them databases."""
    yield Found(EntityType.DATABASE, "", session.database)


def listing(session: MySqlSession, wants: Wants) -> Iterator[Found]:
    """Stream every schema with its tables, views and routines; a name stands for all its routines."""
    where = ONE if session.schema else ALL
    product = session.product
    names = (session.schema,) if session.schema else product.hidden
    routine = ROUTINES.format(routine=where.format("routine_schema"))
    routines = routine if wants.procedures else ""
    query = LISTING.format(
        schema=where.format("schema_name"),
        table=where.format("table_schema"),
        routines=routines,
        place=product.exact.format("place"),
        name=product.exact.format("name"),
    )
    kinds = (TABLES if wants.tables else NOTHING) + (VIEWS if wants.views else NOTHING)
    given = [names, names, kinds, *([names] if routines else [])]
    last = None
    for place, kind, name, what in session.stream(query, given):
        if session.schema and place != session.schema:
            continue  # a twin that differs in case only
        if (place, kind, name) != last:
            last = (place, kind, name)
            yield Found(TYPES[kind], place, name, what)
