"""What there is: databases in one statement; schemas, relations and routines in another."""

from collections.abc import Iterator

from rayingest.core.source import Settings
from rayingest.kit.sql.facts import Found, Wants
from rayingest.kit.sql.postgres.session import PgSession
from rayingest.model import EntityType

DATABASES = """
select d.datname
  from pg_catalog.pg_database d
 where d.datallowconn and not d.datistemplate and d.datname <> current_database()
   and pg_catalog.has_database_privilege(d.oid, 'CONNECT')
 order by d.datname
"""

# Names that begin with pg_ are the server's own (catalogue, TOAST, temporary tables), and
# information_schema is the same in every database: hidden, like in OpenMetadata's defaults.
HIDDEN = "^(pg_|information_schema$)"
LISTING = """
with place as materialized (
  select n.oid, n.nspname from pg_catalog.pg_namespace n
   where n.nspname !~ %s)
select 0, p.nspname, p.nspname as name, '' as kind, p.oid::text as key from place p
union all
select 1, p.nspname, c.relname, c.relkind::text, c.oid::text
  from pg_catalog.pg_class c join place p on p.oid = c.relnamespace
 where c.relkind = any(%s::"char"[])
union all
select distinct 2, p.nspname, f.proname, '', ''
  from pg_catalog.pg_proc f join place p on p.oid = f.pronamespace
 where %s and not exists (
   select from pg_catalog.pg_depend x
    where x.classid = 1255 and x.objid = f.oid and x.deptype in ('e', 'i'))
 order by 2, 1, 3
"""
TYPES = (EntityType.DATABASE_SCHEMA, EntityType.TABLE, EntityType.STORED_PROCEDURE)


def databases(session: PgSession, settings: Settings) -> Iterator[Found]:
    """Name the database of the config first, then, with `ingestAllDatabases`, the others.

    Templates, databases that take no connections and those that we may not connect to are left out.
    """
    yield Found(EntityType.DATABASE, "", session.database, "", "")
    if settings.connection.ingestAllDatabases:
        for (name,) in session.rows(DATABASES):
            yield Found(EntityType.DATABASE, "", name, "", "")


def listing(hidden: str, session: PgSession, wants: Wants) -> Iterator[Found]:
    """Stream one database's schemas, relations and routines; not the routines of extensions
    nor those that the server made for a range type. Schemas whose names match `hidden` are left out.
    """
    parameters = [hidden, kinds(wants), wants.procedures]
    for order, schema, name, kind, key in session.stream(LISTING, parameters):
        yield Found(TYPES[order], schema, name, kind, key)


def kinds(wants: Wants) -> list[str]:
    """The values of pg_class.relkind that are wanted."""
    return (["r", "p", "f"] if wants.tables else []) + (["v", "m"] if wants.views else [])
