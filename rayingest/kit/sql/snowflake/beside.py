"""Streams and stages, which stand beside the tables: SHOW alone tells of them.

https://docs.snowflake.com/en/sql-reference/sql/show-streams and …/show-stages
"""

import re
from collections.abc import Mapping

from rayingest.kit.sql.snowflake.session import Row, Shown, SnowSession

Key = tuple[str, str]  # schema, name
KINDS = {"STREAM": "streams", "STAGE": "stages"}
# https://docs.snowflake.com/en/user-guide/streams-intro#stream-columns, as rows of COLUMNS.
COLUMNS: list[Row] = [
    (None, None, None, name, kind, None, None, None, "YES", None)
    for name, kind in (
        ("METADATA$ACTION", "TEXT"),
        ("METADATA$ISUPDATE", "BOOLEAN"),
        ("METADATA$ROW_ID", "TEXT"),
    )
]
_PART = re.compile(r'"((?:[^"]|"")*)"|([^".]+)')


def shown(session: SnowSession, wanted: Mapping[Key, str]) -> dict[Key, Shown]:
    """What SHOW says of these, by schema and name."""
    schemas = sorted({schema for schema, _ in wanted})
    found: dict[Key, Shown] = {}
    for kind, what in KINDS.items():
        if kind not in wanted.values():
            continue
        for each in session.within(what, lambda: schemas):
            key = (each["schema_name"], each["name"])
            if wanted.get(key) == kind:
                found[key] = each
    return found


def source(stream: Shown) -> tuple[str, str, str] | None:
    """Database, schema and name of what a stream watches; None where the role may not see it."""
    name = stream.get("table_name") or ""
    parts = [quoted.replace('""', '"') or plain for quoted, plain in _PART.findall(name)]
    return (parts[0], parts[1], parts[2]) if len(parts) == 3 else None
