"""The statements of views, materialized views and, where they are asked for, tables.

TEXT and QUERY are LONG: such a column stands in no union, condition or order, only in a plain select.
https://docs.oracle.com/en/database/oracle/oracle-database/19/sqlrf/Data-Types.html
"""

from collections.abc import Iterable, Iterator, Sequence

from rayingest.errors import Denied
from rayingest.kit.sql.oracle.errors import classify
from rayingest.kit.sql.oracle.names import quoted
from rayingest.kit.sql.oracle.session import Among, Key, OracleSession
from rayingest.kit.sql.scrub import scrub

VIEWS = "select w.owner, w.view_name, w.text from {v}_views w where {where}"
SNAPSHOTS = "select m.owner, m.mview_name, m.query from {v}_mviews m where {where}"
# https://docs.oracle.com/en/database/oracle/oracle-database/19/arpls/DBMS_METADATA.html: the server
# writes XML, and DDL out of it, for each object.
DDL = """select t.owner, t.table_name, dbms_metadata.get_ddl('TABLE', t.table_name, t.owner)
  from {v}_all_tables t where {where}"""
# How many make one statement; one that the account may not see makes all of them fail.
TOGETHER = 50


def views(session: OracleSession, keys: Iterable[Key]) -> dict[Key, str]:
    """The queries of views."""
    return _texts(session, VIEWS, keys, "w.owner", "w.view_name")


def snapshots(session: OracleSession, keys: Iterable[Key]) -> dict[Key, str]:
    """The queries of materialized views."""
    return _texts(session, SNAPSHOTS, keys, "m.owner", "m.mview_name")


def statement(what: str, key: Key, columns: Sequence[str], query: str) -> str:
    """What creates a view: the dictionary has its query without the names of its columns."""
    named = f" ({', '.join(map(quoted, columns))})" if columns else ""
    return f"CREATE {what} {quoted(*key)}{named} AS\n{query.strip()}"


def ddl(session: OracleSession, keys: Iterable[Key]) -> Iterator[tuple[Key, str]]:
    """The statements that create tables; what the account may not see has none."""
    wanted = sorted(keys)
    for start in range(0, len(wanted), TOGETHER):
        yield from _ddl(session, wanted[start : start + TOGETHER])


def _ddl(session: OracleSession, keys: Sequence[Key]) -> Iterator[tuple[Key, str]]:
    try:
        texts = _texts(session, DDL, keys, "t.owner", "t.table_name")
    except Exception as error:
        if not isinstance(classify(error), Denied):
            raise
        if len(keys) > 1:
            half = len(keys) // 2
            yield from _ddl(session, keys[:half])
            yield from _ddl(session, keys[half:])
        return
    yield from ((key, text.strip()) for key, text in texts.items())


def _texts(
    session: OracleSession, query: str, keys: Iterable[Key], owner: str, name: str
) -> dict[Key, str]:
    among = Among(keys)
    if not among:
        return {}
    rows = session.rows(query.replace("{where}", among.where(owner, name)), among.binds)
    return {(row[0], row[1]): scrub(row[2]) for row in rows if row[2]}
