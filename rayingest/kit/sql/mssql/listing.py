"""What there is: one statement lists a database, schema by schema."""

from collections.abc import Iterator
from contextlib import closing

from rayingest.core.source import Settings
from rayingest.errors import Unauthorised, Unreachable
from rayingest.kit.sql.facts import Found, Wants
from rayingest.kit.sql.mssql.connect import connect
from rayingest.kit.sql.mssql.session import AZURE, Row, TdsSession, constants
from rayingest.model import EntityType

# https://learn.microsoft.com/en-us/sql/relational-databases/databases/system-databases; `distribution`
# is replication's, and has a mark of its own.
SYSTEM = constants(("master", "tempdb", "model", "msdb"))
MASTER = "master"
# Fixed roles own schemas of their names, in which nothing is:
# https://learn.microsoft.com/en-us/sql/relational-databases/security/authentication-access/database-level-roles
ROLES = (
    *("db_owner", "db_securityadmin", "db_accessadmin", "db_backupoperator", "db_ddladmin"),
    *("db_datawriter", "db_datareader", "db_denydatawriter", "db_denydatareader"),
)
HIDDEN = constants(("sys", "INFORMATION_SCHEMA", "guest", *ROLES))
# https://learn.microsoft.com/en-us/sql/relational-databases/system-catalog-views/sys-objects-transact-sql
TABLES, VIEWS = ("U", "ET"), ("V",)
ROUTINES = ("P", "PC", "FN", "IF", "TF", "FS", "FT", "AF")
LISTING = f"""
select place, kind, name, what, id from (
  select s.name as place, 0 as kind, s.name as name, '' as what, s.schema_id as id
    from sys.schemas s where s.name not in ({HIDDEN})
  union all
  select s.name, case when o.type in ({constants(ROUTINES)}) then 2 else 1 end,
         o.name, o.type, o.object_id
    from sys.objects o join sys.schemas s on s.schema_id = o.schema_id
   where s.name not in ({HIDDEN}) and o.is_ms_shipped = 0 and o.type in ({{kinds}})
) found
order by place, kind, name
"""  # noqa: S608 - our own constants
# Offline databases, and those that do not let us in, are left out; `check` tells of them.
DATABASES = f"""select name from sys.databases
 where state = 0 and has_dbaccess(name) = 1 and name not in ({SYSTEM})
   and is_distributor = 0 order by name"""  # noqa: S608 - our own constants
# HAS_DBACCESS looks into no other database there, and nothing is distributed.
IN_AZURE = f"""select name from sys.databases
 where state = 0 and name not in ({SYSTEM}) order by name"""  # noqa: S608 - our own constants
CLOSED = f"""select name, state
  from sys.databases
 where (state <> 0 or has_dbaccess(name) = 0) and name not in ({SYSTEM})
 order by name"""  # noqa: S608 - our own constants
TYPES = (EntityType.DATABASE_SCHEMA, EntityType.TABLE, EntityType.STORED_PROCEDURE)


def databases(session: TdsSession, settings: Settings) -> Iterator[Found]:
    """Name the database of the config, or all of the server that take us in."""
    if not settings.connection.ingestAllDatabases:
        yield Found(EntityType.DATABASE, "", session.database)
        return
    for (name,) in _all(session, settings):
        yield Found(EntityType.DATABASE, "", name)


def _all(session: TdsSession, settings: Settings) -> list[Row]:
    if session.edition != AZURE and not session.is_synapse:
        return session.rows(DATABASES)
    if session.database == MASTER:
        return session.rows(IN_AZURE)
    # A database of Azure knows itself and master alone:
    # https://learn.microsoft.com/en-us/sql/relational-databases/system-catalog-views/sys-databases-transact-sql
    try:
        other = connect(settings, MASTER)
    except (Unauthorised, Unreachable) as error:
        raise Unreachable(
            f"ingestAllDatabases: {error}",
            hint="In master: CREATE USER … FOR LOGIN …; or name one database, without ingestAllDatabases.",
        ) from error
    with closing(other):
        session.calls += 1
        return other.rows(IN_AZURE)


def listing(session: TdsSession, wants: Wants) -> Iterator[Found]:
    """Stream every schema with its tables, views and routines."""
    kinds = [
        *(TABLES if wants.tables else ()),
        *(VIEWS if wants.views else ()),
        *(ROUTINES if wants.procedures else ()),
    ]
    query = LISTING.format(kinds=constants(kinds))
    for place, kind, name, what, number in session.stream(query):
        yield Found(TYPES[kind], place, name, what.strip(), str(number))
