"""SQLite as a `Facts` value: one file is one database with one schema."""

import sqlite3
from collections.abc import Iterator

from rayingest.core.source import (
    Capability,
    CheckResult,
    Settings,
)
from rayingest.kit.sql.containers import named
from rayingest.kit.sql.facts import Facts, Found, Wants
from rayingest.kit.sql.sqlite import tables
from rayingest.kit.sql.sqlite.session import SCHEMA, SqliteSession, classify, connect
from rayingest.model import EntityType

# SQLite's own tables, and those that a virtual table keeps its data in, are left out.
LISTING = """
select name, type from pragma_table_list
 where schema = 'main' and type in ('table', 'view', 'virtual') and name not like 'sqlite\\_%' escape '\\'
 order by name
"""
OLDER_LISTING = """
select name, type from sqlite_master
 where type in ('table', 'view') and name not like 'sqlite\\_%' escape '\\' order by name
"""
TABLE_LIST = (3, 37)
CAPABILITIES = frozenset(
    {
        Capability.DATABASES,
        Capability.SCHEMAS,
        Capability.TABLES,
        Capability.COLUMNS,
        Capability.KEYS,
        Capability.VIEWS,
        Capability.DDL,
    }
)


def databases(session: SqliteSession, settings: Settings) -> Iterator[Found]:
    """Name the only database."""
    yield Found(EntityType.DATABASE, "", session.database)


def listing(session: SqliteSession, wants: Wants) -> Iterator[Found]:
    """Name the only schema, then its tables and views."""
    yield Found(EntityType.DATABASE_SCHEMA, SCHEMA, SCHEMA)
    newer = sqlite3.sqlite_version_info[:2] >= TABLE_LIST
    for name, kind in session.stream(LISTING if newer else OLDER_LISTING):
        if wants.views if kind == "view" else wants.tables:
            yield Found(EntityType.TABLE, SCHEMA, name, kind)


def check(session: SqliteSession, settings: Settings) -> Iterator[CheckResult]:
    """Open the file and list it."""
    try:
        why = f"SQLite {sqlite3.sqlite_version}, {session.path}"
        yield CheckResult("connect", "ok", why)
        count = sum(each.type is EntityType.TABLE for each in listing(session, Wants()))
        yield CheckResult(Capability.TABLES, "ok", f"{count} tables and views")
        for capability in sorted(CAPABILITIES - {Capability.TABLES}):
            yield CheckResult(capability, "ok")
    except sqlite3.Error as error:
        known = classify(error)
        yield CheckResult(Capability.TABLES, "failed", str(known), known.hint if known else None)


SQLITE = Facts(
    connect=connect,
    databases=databases,
    listing=listing,
    describe={
        EntityType.DATABASE: named,
        EntityType.DATABASE_SCHEMA: named,
        EntityType.TABLE: tables.tables,
    },
    classify=classify,
    check=check,
)
