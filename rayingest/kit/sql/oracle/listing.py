"""What there is: one statement lists a database, all its schemas with what is in them.

https://docs.oracle.com/en/database/oracle/oracle-database/19/refrn/ALL_ALL_TABLES.html (…/ALL_USERS.html)
"""

from collections.abc import Iterator

from rayingest.core.source import Settings
from rayingest.kit.sql.facts import Found, Wants
from rayingest.kit.sql.oracle.names import told
from rayingest.kit.sql.oracle.session import OracleSession, Row
from rayingest.model import EntityType

# Oracle 12.1 marks the accounts that it made itself; before that they are known by their names.
MARKED = (12, 1)
NOT_ORACLES = "u.oracle_maintained = 'N'"
MADE_BY_ORACLE = """ANONYMOUS APEX_030200 APEX_PUBLIC_USER APPQOSSYS CTXSYS DBSNMP DIP EXFSYS FLOWS_FILES
 LBACSYS MDDATA MDSYS MGMT_VIEW OLAPSYS ORACLE_OCM ORDDATA ORDPLUGINS ORDSYS OUTLN OWBSYS OWBSYS_AUDIT
 SI_INFORMTN_SCHEMA SPATIAL_CSW_ADMIN_USR SPATIAL_WFS_ADMIN_USR SYS SYSMAN SYSTEM WK_TEST WKPROXY WKSYS
 WMSYS XDB XS$NULL"""
NOT_NAMED = f"u.username not in ({', '.join(map(repr, MADE_BY_ORACLE.split()))})"
# Left out: what is in the recycle bin, nested tables, overflows and mappings of index-organized tables,
# what a domain index keeps, and logs of materialized views. A materialized view's own table stays hidden
# behind it: both have the same name, and it comes first.
TABLES = """union all
  select t.owner, 1, t.table_name, 'TABLE' from {v}_all_tables t
   where t.owner{mine} and t.nested = 'NO' and t.secondary = 'N' and t.iot_name is null
     and t.table_name not like 'BIN$%==$%'
     and t.table_name not like 'MLOG$!_%' escape '!' and t.table_name not like 'RUPD$!_%' escape '!'"""
VIEWS = "union all select w.owner, 1, w.view_name, 'VIEW' from {v}_views w where w.owner{mine}"
# Asked for always: where it is not wanted, its table must not be told in its place.
SNAPSHOTS = """union all
  select m.owner, 1, m.mview_name, 'MATERIALIZED VIEW' from {v}_mviews m where m.owner{mine}"""
ROUTINES = """union all
  select o.owner, 2, o.object_name, o.object_type from {v}_objects o
   where o.owner{mine} and o.object_type in ('FUNCTION', 'PACKAGE', 'PROCEDURE')"""
LISTING = """select place, kind, name, what from (
  select u.username as place, 0 as kind, u.username as name, 'SCHEMA' as what
    from {v}_users u where u.username{mine}
  {more}
) found order by place, kind, name, what"""
ONE, ALL = " = :schema", " in (select u.username from {v}_users u where {theirs})"
KINDS = (EntityType.DATABASE_SCHEMA, EntityType.TABLE, EntityType.STORED_PROCEDURE)
MATERIALIZED = "MATERIALIZED VIEW"
SEEN_AS_VIEW = {"VIEW", MATERIALIZED}


def databases(session: OracleSession, settings: Settings) -> Iterator[Found]:
    """Name the only database: a session sees the pluggable database that it is in."""
    yield Found(EntityType.DATABASE, "", session.database)


def listing(session: OracleSession, wants: Wants) -> Iterator[Found]:
    """Stream every schema with its tables, views and routines.

    `schema` of a row is the owner as it is stored, `key` the name as it is stored, where that is not
    the name that is told.
    """
    place, last = None, None
    lowered: set[tuple[int, str]] = set()
    for owner, kind, stored, what in _rows(session, wants):
        if owner != place:
            place = owner
            lowered = {each for each in lowered if each[0] == 0}  # schemas have twins, too
        if (owner, kind, stored) == last:
            continue
        last = (owner, kind, stored)
        if not _wanted(wants, kind, what):
            continue
        # OpenMetadata's option is about tables, columns and schemas; routines are told as stored.
        name = stored if kind == 2 else told(stored, exact=session.exact)
        twin = name == stored and (kind, name) in lowered
        if name != stored:
            lowered.add((kind, name))
        yield Found(
            KINDS[kind],
            owner,
            name,
            what if kind else "",
            stored if name != stored else "",
            twin=twin,
        )


def _rows(session: OracleSession, wants: Wants) -> Iterator[Row]:
    more = [TABLES, SNAPSHOTS] if wants.tables else [SNAPSHOTS] if wants.views else []
    more += [VIEWS] if wants.views else []
    more += [ROUTINES] if wants.procedures else []
    query = LISTING.replace("{more}", "\n  ".join(more)).replace("{mine}", _mine(session))
    return session.stream(query, {"schema": session.schema} if session.schema else {})


def _mine(session: OracleSession) -> str:
    if session.schema:
        return ONE
    return ALL.replace("{theirs}", NOT_ORACLES if session.version >= MARKED else NOT_NAMED)


def _wanted(wants: Wants, kind: int, what: str) -> bool:
    if kind != 1:
        return True
    return wants.views if what in SEEN_AS_VIEW else wants.tables
