"""What there is: one statement lists a database, schema by schema where the server finds that too much.

SHOW is faster, and ends after 10,000 rows without a word; INFORMATION_SCHEMA has no such end.
https://docs.snowflake.com/en/sql-reference/info-schema
"""

import logging
from collections.abc import Iterator
from itertools import groupby

from rayingest.core.source import Settings
from rayingest.errors import Unreachable
from rayingest.kit.sql.facts import Found, Wants
from rayingest.kit.sql.snowflake.changes import columns, token
from rayingest.kit.sql.snowflake.errors import TOO_MUCH, code
from rayingest.kit.sql.snowflake.session import Row, SnowSession, quoted
from rayingest.kit.sql.snowflake.streams import KIND as STREAM
from rayingest.model import EntityType

_log = logging.getLogger(__name__)

DATABASES = "show databases"
SYSTEM = "SNOWFLAKE"  # the account's own usage, shared by the vendor
HIDDEN = "INFORMATION_SCHEMA"
SCHEMAS = "select schema_name from {views}.schemata where schema_name <> 'INFORMATION_SCHEMA'"
KIND = """case when is_dynamic = 'YES' then 'DYNAMIC' when is_iceberg = 'YES' then 'ICEBERG'
              when table_type = 'BASE TABLE' and is_transient = 'YES' then 'TRANSIENT'
              else table_type end"""
# A view comes out of TABLES and out of VIEWS, which tells whether it is a secure one.
LISTING = f"""
select place, kind, name, what{{told}} from (
  select schema_name as place, 0 as kind, schema_name as name, '' as what{{none}}
    from {{views}}.schemata where schema_name{{where}}
  union all
  select table_schema, 1, table_name, {KIND}{{token}}
    from {{views}}.tables where table_schema{{where}}
  union all
  select table_schema, 1, table_name, 'VIEW'{{token}}
    from {{views}}.views where table_schema{{where}}
  {{more}}
) found
order by place, kind, name, case what when 'STAGE' then 'Z' else what end
"""  # noqa: S608 - our own constants
ROUTINES = """union all
  select procedure_schema, 2, procedure_name, ''{none}
    from {views}.procedures where procedure_schema{where}
  union all
  select function_schema, 2, function_name, ''{none}
    from {views}.functions where function_schema{where}"""
STAGES = """union all
  select stage_schema, 1, stage_name, 'STAGE'{none}
    from {views}.stages where stage_schema{where}"""
ALL, ONE = " <> 'INFORMATION_SCHEMA'", " = %s"
TYPES = (EntityType.DATABASE_SCHEMA, EntityType.TABLE, EntityType.STORED_PROCEDURE)
VIEWS = {"VIEW", "MATERIALIZED VIEW"}


def databases(session: SnowSession, settings: Settings) -> Iterator[Found]:
    """Name the database of the config, or all that the role sees. Raises Unreachable."""
    names = [each["name"] for each in session.pages(DATABASES)]
    wanted = settings.connection.database
    if not wanted:
        yield from (Found(EntityType.DATABASE, "", each) for each in names if each != SYSTEM)
        return
    # As in SQL without quotes: the name in capitals, unless there is one spelled just so.
    name = next((each for each in (wanted, wanted.upper()) if each in names), None)
    if name is None:
        role = settings.connection.role or "<that of the user>"
        raise Unreachable(
            f"Snowflake has no database {wanted!r}, or the role may not see it.",
            hint=f"GRANT USAGE ON DATABASE {quoted(wanted.upper())} TO ROLE {role};",
        )
    yield Found(EntityType.DATABASE, "", name)


def listing(session: SnowSession, wants: Wants) -> Iterator[Found]:
    """Stream every schema with its tables, views and routines; a name stands for all its overloads."""
    streams = _streams(session) if wants.tables and session.config.includeStreams else {}
    for place, rows in groupby(_rows(session, wants), key=lambda row: row[0]):
        if place == HIDDEN:
            continue
        names = set()
        for key, twins in groupby(rows, key=lambda row: (row[1], row[2])):
            first, *more = twins
            whats = [row[3] for row in (first, *more)]
            _tell_of_twins(key, whats)
            if _wanted(session, wants, TYPES[key[0]], whats[0]):
                yield Found(TYPES[key[0]], place, key[1], whats[0], token=token(first))
            if place in streams:
                names.add(key)
        for name in streams.get(place, ()):
            if (1, name) in names:
                _log.warning("The stream %s is left out: a table has its name", quoted(place, name))
            else:
                yield Found(EntityType.TABLE, place, name, STREAM)


def _tell_of_twins(key: tuple[int, str], whats: list[str]) -> None:
    if len(whats) > 1 and whats[-1] == "STAGE" != whats[0]:
        _log.warning("The stage %s is left out: a table has its name", quoted(key[1]))


def _rows(session: SnowSession, wants: Wants) -> Iterator[Row]:
    """All of a database by one statement; by one for each schema where that is refused."""
    try:
        yield from session.stream(_query(session, wants, ALL))
    except Exception as error:
        if code(error) != TOO_MUCH:
            raise
    else:
        return
    query = _query(session, wants, ONE)
    for name in schemas(session):
        yield from session.stream(query, [name] * query.count("%s"))


def _query(session: SnowSession, wants: Wants, where: str) -> str:
    more = [ROUTINES] if wants.procedures else []
    more += [STAGES] if wants.tables and session.config.includeStages else []
    query = LISTING.replace("{more}", "\n  ".join(more))
    return query.format(views=session.views, where=where, **columns(wants.margin))


def schemas(session: SnowSession) -> list[str]:
    """Names of all schemas, by a statement of their own."""
    return sorted(row[0] for row in session.rows(SCHEMAS.format(views=session.views)))


def _streams(session: SnowSession) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for each in session.within("streams", lambda: schemas(session)):
        found.setdefault(each["schema_name"], []).append(each["name"])
    return found


def _wanted(session: SnowSession, wants: Wants, entity_type: EntityType, what: str) -> bool:
    if entity_type is not EntityType.TABLE:
        return True
    if what == "TRANSIENT" and not session.config.includeTransientTables:
        return False
    return wants.views if what in VIEWS else wants.tables


def leaves_out(settings: Settings) -> str | None:
    """Transient tables that nobody wants to see are there all the same."""
    return None if settings.connection.includeTransientTables else "includeTransientTables is false"
