"""What there is: databases, schemas, relations, routines; four statements, and one an external schema.

* https://docs.aws.amazon.com/redshift/latest/dg/r_SVV_REDSHIFT_DATABASES.html
* https://docs.aws.amazon.com/redshift/latest/dg/r_SVV_EXTERNAL_SCHEMAS.html
* https://docs.aws.amazon.com/redshift/latest/dg/r_SVV_EXTERNAL_TABLES.html
"""

from collections.abc import Iterator

from rayingest.core.source import Settings
from rayingest.kit.sql.facts import Found, Unlisted, Wants
from rayingest.kit.sql.redshift.errors import lasting
from rayingest.kit.sql.redshift.session import RedshiftSession
from rayingest.model import EntityType

# The server's own databases; those of type `shared` are another cluster's, seen through a datashare.
DATABASES = """
select database_name, database_type from svv_redshift_databases
 where database_name not in ('padb_harvest', 'template0', 'template1', 'sys:internal')
"""
# Names that begin with pg_ are the server's own: the catalogue, temporary tables, its own
# materialized views (pg_automv, pg_mv).
HIDDEN = "n.nspname !~ '^(pg_|information_schema$|catalog_history$)'"
SCHEMAS = f"select n.nspname from pg_catalog.pg_namespace n where {HIDDEN}"  # noqa: S608 - ours
EXTERNAL_SCHEMAS = "select schemaname from svv_external_schemas"
RELATIONS = f"""
select n.nspname, c.relname, c.relkind, c.oid
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where c.relkind in ('r', 'p', 'f', 'v', 'm') and {HIDDEN}
"""  # noqa: S608 - ours
ROUTINES = f"""
select distinct n.nspname, p.proname
  from pg_catalog.pg_proc_info p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
 where {HIDDEN}
"""  # noqa: S608 - ours
# With the schema as a constant only its own catalogue is asked.
EXTERNAL_TABLES = """
select tablename, tabletype from svv_external_tables
 where schemaname = {schema} and redshift_database_name = {database}
"""
EXTERNAL, EXTERNAL_VIEW = "external", "external view"
VIEWS = "vm"
# A materialized view is a view over a table called so, which nobody made.
KEPT_BY = "mv_tbl__{}__0"


def databases(session: RedshiftSession, settings: Settings) -> Iterator[Found]:
    """Name the database of the config first, then, with `ingestAllDatabases`, the other local ones."""
    yield Found(EntityType.DATABASE, "", session.database)
    if settings.connection.ingestAllDatabases:
        for name in others(session)[0]:
            yield Found(EntityType.DATABASE, "", name)


def others(session: RedshiftSession) -> tuple[list[str], list[str]]:
    """The databases beside the session's: local ones, and those that are none of this cluster's."""
    rows = sorted(row for row in session.ask(DATABASES) if row[0] != session.database)
    ours = [name for name, kind in rows if kind == "local"]
    return ours, [name for name, kind in rows if kind != "local"]


def listing(session: RedshiftSession, wants: Wants) -> Iterator[Found | Unlisted]:
    """One database's schemas, relations and routines, external ones too; hidden schemas are left out."""
    external = (
        {name for (name,) in session.ask(EXTERNAL_SCHEMAS)}
        if wants.tables or wants.views
        else set()
    )
    inside: dict[str, list[Found]] = {name: [] for (name,) in session.ask(SCHEMAS)}
    inside |= {name: [] for name in external - inside.keys() if not name.startswith("pg_")}
    for found in _relations(session, wants) if wants.tables or wants.views else ():
        inside.setdefault(found.schema, []).append(found)
    for schema, name in session.ask(ROUTINES) if wants.procedures else ():
        inside.setdefault(schema, []).append(Found(EntityType.STORED_PROCEDURE, schema, name))
    for schema in sorted(inside):
        kind = EXTERNAL if schema in external else ""
        yield Found(EntityType.DATABASE_SCHEMA, schema, schema, kind)
        yield from sorted(inside[schema], key=lambda each: (each.type.value, each.name))
        if schema in external:
            yield from _outside(session, wants, schema)


def _relations(session: RedshiftSession, wants: Wants) -> Iterator[Found]:
    rows = session.ask(RELATIONS)
    kept = {(schema, KEPT_BY.format(name)) for schema, name, kind, _ in rows if kind in VIEWS}
    for schema, name, kind, oid in rows:
        wanted = wants.views if kind in VIEWS else wants.tables
        if wanted and (schema, name) not in kept:
            yield Found(EntityType.TABLE, schema, name, kind, str(oid))


def _outside(session: RedshiftSession, wants: Wants, schema: str) -> Iterator[Found | Unlisted]:
    """The tables of an external schema; who serves it may refuse, which is about this schema alone."""
    try:
        rows = session.ask(EXTERNAL_TABLES, schema=[schema], database=[session.database])
    except Exception as error:
        known = lasting(error)
        if known is None:
            raise
        hint = f" {known.hint}" if known.hint else ""
        yield Unlisted(f"the external schema {schema!r} could not be listed: {known}{hint}")
        return
    for name, kind in sorted(rows):
        view = "VIEW" in (kind or "")
        if wants.views if view else wants.tables:
            yield Found(EntityType.TABLE, schema, name, EXTERNAL_VIEW if view else EXTERNAL)
