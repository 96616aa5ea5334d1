"""Streams, of which SHOW alone tells; each has the columns of what it watches, and three of its own.

https://docs.snowflake.com/en/sql-reference/sql/show-streams
"""

from collections.abc import Iterable

from rayingest.kit.sql.snowflake.session import Row, Shown, SnowSession, parts

Key = tuple[str, str]  # schema, name
KIND = "STREAM"
# https://docs.snowflake.com/en/user-guide/streams-intro#stream-columns, as rows of COLUMNS.
COLUMNS: list[Row] = [
    (None, None, None, name, kind, None, None, None, "YES", None)
    for name, kind in (
        ("METADATA$ACTION", "TEXT"),
        ("METADATA$ISUPDATE", "BOOLEAN"),
        ("METADATA$ROW_ID", "TEXT"),
    )
]


def streams(session: SnowSession, wanted: Iterable[Key]) -> dict[Key, Shown]:
    """What SHOW says of these, by schema and name."""
    keys = set(wanted)
    if not keys:
        return {}
    shown = session.within("streams", lambda: sorted({schema for schema, _ in keys}))
    found = {(each["schema_name"], each["name"]): each for each in shown}
    return {key: found[key] for key in found.keys() & keys}


def watched(stream: Shown) -> tuple[str, Key] | None:
    """Database, and schema and name there, of what a stream watches; None: the role may not see it."""
    names = parts(stream.get("table_name") or "")
    return (names[0], (names[1], names[2])) if len(names) == 3 else None
