"""The statements that create tables and views: out of VIEWS, and by GET_DDL for all the others.

https://docs.snowflake.com/en/sql-reference/functions/get_ddl
"""

from collections.abc import Iterable, Iterator, Sequence

from rayingest.errors import Denied
from rayingest.kit.sql.scrub import scrub
from rayingest.kit.sql.snowflake.errors import classify
from rayingest.kit.sql.snowflake.session import SnowSession, quoted

Key = tuple[str, str]  # schema, name
GET_DDL = "select %s, get_ddl(%s, %s, true)"
# How many make one statement; one that the role may not see makes all of them fail.
TOGETHER = 50
KINDS = {
    "MATERIALIZED VIEW": "VIEW",
    "VIEW": "VIEW",
    "DYNAMIC": "DYNAMIC_TABLE",
    "ICEBERG": "ICEBERG_TABLE",
    "EVENT TABLE": "EVENT_TABLE",
    "STREAM": "STREAM",
}


def ddl(session: SnowSession, things: Iterable[tuple[Key, str]]) -> Iterator[tuple[Key, str]]:
    """Texts of things of these kinds; what the role may not see has none."""
    wanted = sorted(things)
    for start in range(0, len(wanted), TOGETHER):
        yield from _ddl(session, wanted[start : start + TOGETHER])


def _ddl(session: SnowSession, things: Sequence[tuple[Key, str]]) -> Iterator[tuple[Key, str]]:
    asked = [
        (number, KINDS.get(kind, "TABLE"), quoted(session.database, *key))
        for number, (key, kind) in enumerate(things)
    ]
    query = " union all ".join([GET_DDL] * len(asked))
    try:
        rows = session.rows(query, [value for each in asked for value in each])
    except Exception as error:
        if not isinstance(classify(error), Denied):
            raise
        if len(things) > 1:
            half = len(things) // 2
            yield from _ddl(session, things[:half])
            yield from _ddl(session, things[half:])
        return
    yield from ((things[int(number)][0], scrub(text)) for number, text in rows if text)
