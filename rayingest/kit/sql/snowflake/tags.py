"""Tags of databases, schemas, tables and columns: one statement for a batch, of the account's own usage.

https://docs.snowflake.com/en/sql-reference/account-usage/tag_references: up to two hours late, and
without tags that an object has from its container.
"""

import logging
from collections.abc import Mapping, Sequence
from functools import cache

from rayingest.kit.sql.snowflake.errors import MISSING, code
from rayingest.kit.sql.snowflake.session import Row, SnowSession, among
from rayingest.model import Tag

_log = logging.getLogger(__name__)

Tags = Mapping[str | None, tuple[Tag, ...]]  # column, or None for the thing itself
TableTags = Mapping[tuple[str, str], Tags]  # by schema and name
TAGS = """select object_schema, object_name, column_name, tag_name, tag_value
  from {usage}.tag_references
 where object_deleted is null and object_database = %s and domain in (%s) and """
# A database and a schema are objects themselves, without a schema.
SCHEMAS = TAGS + "object_name in (%s)"
DATABASE = TAGS.replace("object_database = %s", "object_name = %s") + "true"
TABLES = ["TABLE", "VIEW", "MATERIALIZED VIEW", "EXTERNAL TABLE", "DYNAMIC TABLE", "ICEBERG TABLE"]
TABLES += ["EVENT TABLE", "STREAM", "STAGE", "COLUMN"]
TRIAL = "select count(*) from {usage}.tag_references where false"


def table_tags(session: SnowSession, names: Mapping[str, Sequence[str]]) -> TableTags:
    """Tags of tables and of their columns."""
    where, parameters = among("object_schema", "object_name", names)
    if not parameters:
        return {}
    return _tags(session, TAGS + where, [session.database, TABLES, *parameters])


def schema_tags(session: SnowSession, names: Sequence[str]) -> Mapping[str, tuple[Tag, ...]]:
    """Tags of schemas, by their names."""
    told = _tags(session, SCHEMAS, [session.database, ["SCHEMA"], list(names)])
    return {name: each.get(None, ()) for (_, name), each in told.items()}


def database_tags(session: SnowSession) -> tuple[Tag, ...]:
    """Tags of the session's database."""
    told = _tags(session, DATABASE, [session.database, ["DATABASE"]])
    return next((each.get(None, ()) for each in told.values()), ())


def usage(session: SnowSession) -> str:
    """The schema of the account's own usage, as the config spells it."""
    return str(session.config.accountUsageSchema)


def _tags(session: SnowSession, query: str, parameters: Sequence[object]) -> TableTags:
    """None, told once, where the role may not see the account's usage; `check` says what to grant."""
    if not session.tags_told:
        return {}
    try:
        rows = session.rows(query.format(usage=usage(session)), parameters)
    except Exception as error:
        if code(error) not in MISSING:
            raise
        session.tags_told = False
        _warn(usage(session))
        return {}
    return by_place(rows)


@cache
def _warn(place: str) -> None:
    """Once for all sessions of this process."""
    _log.warning("Tags are not read: the role may not see %s", place)


def by_place(rows: Sequence[Row]) -> TableTags:
    """A tag of Snowflake is a classification, its value the tag; without a value it is its own."""
    found: dict[tuple[str, str], dict[str | None, set[tuple[str, str]]]] = {}
    for schema, name, column, tag, value in rows:
        place = found.setdefault((schema, name), {})
        place.setdefault(column or None, set()).add((tag, value or tag))
    return {
        key: {column: _sorted(tags) for column, tags in each.items()} for key, each in found.items()
    }


def _sorted(tags: set[tuple[str, str]]) -> tuple[Tag, ...]:
    return tuple([Tag(classification=each, name=value) for each, value in sorted(tags)])
