"""What filled which table, out of the account's own records.

`ACCESS_HISTORY` has a row for each statement: what it changed, with the columns that each column was
filled from, and what it names; https://docs.snowflake.com/en/sql-reference/account-usage/access_history.
It comes up to three hours late, reaches a year back, and wants Enterprise Edition.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

from rayingest.core.source import Settings
from rayingest.errors import Denied
from rayingest.kit.sql.flows import Flow
from rayingest.kit.sql.snowflake.errors import DENIED, MISSING, classify, code
from rayingest.kit.sql.snowflake.session import Row, SnowSession, parts
from rayingest.kit.sql.snowflake.tags import usage
from rayingest.kit.sql.source import SqlSource

# Their kinds are spelled `Table` in one of the vendor's examples, and `VIEW` in another. A stage, a function
# and a procedure are no tables.
KINDS = (
    "table",
    "view",
    "materialized view",
    "external table",
    "dynamic table",
    "iceberg table",
    "event table",
    "stream",
)
_AMONG = ", ".join(f"'{each}'" for each in KINDS)
_SINCE = "h.query_start_time >= dateadd(day, -{days}, current_date())"
# Of what a statement names: a table that it only compares with is read, too, as in the text of a view.
FLOWS = f"""select target.value:objectName::string, target_column.value:columnName::string,
       source.value:objectName::string, source.value:columnName::string
  from {{usage}}.access_history as h,
       lateral flatten(input => h.objects_modified) as target,
       lateral flatten(input => target.value:columns) as target_column,
       lateral flatten(input => target_column.value:directSources) as source
 where {_SINCE}
   and lower(target.value:objectDomain::string) in ({_AMONG})
   and lower(source.value:objectDomain::string) in ({_AMONG})
 union
select target.value:objectName::string, null, source.value:objectName::string, null
  from {{usage}}.access_history as h,
       lateral flatten(input => h.objects_modified) as target,
       lateral flatten(input => h.direct_objects_accessed) as source
 where {_SINCE}
   and lower(target.value:objectDomain::string) in ({_AMONG})
   and lower(source.value:objectDomain::string) in ({_AMONG})"""  # noqa: S608 - our own words
NOT_WANTED = (
    "useAccessHistory is false, and query logs are not read: of lineage only that of views is read."
)
USE_IT = "Leave useAccessHistory out; or write processQueryLineage: false."
GRANT = (
    "GRANT DATABASE ROLE {database}.GOVERNANCE_VIEWER TO ROLE {role}; or GRANT IMPORTED PRIVILEGES ON "
    "DATABASE {database} TO ROLE {role}. It wants Enterprise Edition: without that, write "
    "processQueryLineage: false."
)
NAMES = 3  # database, schema, table


def missing(settings: Settings) -> tuple[str, str] | None:
    """Why this connection wants none, and what mends it."""
    return None if settings.connection.useAccessHistory else (NOT_WANTED, USE_IT)


def recorded(source: SqlSource, days: int) -> Iterator[Flow]:
    """By one statement for the whole account. Raises Denied with the grant."""
    return source.ask(partial(flows, days=days))


def flows(session: SnowSession, *, days: int) -> Iterator[Flow]:
    """What filled the tables of the config's database, or of all; each pair once."""
    query = FLOWS.format(usage=usage(session), days=max(days, 0))
    try:
        yield from _within(session.config.database, session.stream(query))
    except Exception as error:
        if code(error) not in {*MISSING, DENIED}:
            raise
        database = usage(session).partition(".")[0]
        role = session.config.role or "<that of the user>"
        hint = GRANT.format(database=database, role=role)
        raise Denied(str(classify(error)), hint=hint) from error


def _within(database: str | None, rows: Iterator[Row]) -> Iterator[Flow]:
    for row in rows:
        found = flow(row)
        # As in SQL without quotes: the name in capitals, or just as it is spelled.
        if found is not None and (not database or found.target[0] in (database, database.upper())):
            yield found


def flow(row: Row) -> Flow | None:
    """A row of `FLOWS`; None where a name has not the three parts of a table's."""
    target, source = parts(row[0]), parts(row[2])
    if len(target) != NAMES or len(source) != NAMES:
        return None
    return Flow(source, target, source_column=_column(row[3]), target_column=_column(row[1]))


def _column(name: Any) -> str | None:
    """A column's name, without the quotes that it may come with."""
    if not name:
        return None
    quoted = len(name) > 2 and name[0] == name[-1] == '"'
    return str(name[1:-1].replace('""', '"') if quoted else name)
