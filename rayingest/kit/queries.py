"""Which tables a statement reads, for those whose lineage stands in SQL."""

import logging
from collections.abc import Iterator
from typing import Any

from rayingest.kit.tables import Tables

STAND_IN = "rayingest_parameter"  # for what a tool fills in before it asks
_log = logging.getLogger(__name__)


def tables_read(sql: str, whose: str, dialect: str | None = None) -> tuple[str, ...]:
    """The tables that statements read, as SQL spells them; `dialect` is one of sqlglot's.

    Nothing of what cannot be parsed, with a warning that says `whose` it is.
    """
    import sqlglot  # 0.15 s, which only those pay who have SQL
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    try:
        parsed = [each for each in sqlglot.parse(sql, read=dialect) if each is not None]
    except (SqlglotError, RecursionError) as error:
        _log.warning("The SQL of %s cannot be parsed: %s", whose, str(error).splitlines()[0])
        return ()
    names: dict[str, None] = {}
    for statement in parsed:
        own = {each.alias_or_name for each in statement.find_all(exp.CTE)}
        for table in statement.find_all(exp.Table):
            if table.name and not (table.name in own and not table.db):
                names[".".join(_quoted(part) for part in table.parts)] = None
    return tuple(names)


def known_tables(sql: object, whose: str, dialect: str | None, tables: Tables) -> Iterator[str]:
    """FQNs of the catalogue's tables that statements read; nothing is parsed when none are asked for.

    A name with the STAND_IN in it is no table's.
    """
    if not tables.places or not isinstance(sql, str) or not sql.strip():
        return
    for name in tables_read(sql, whose, dialect):
        found = None if STAND_IN in name else tables.find(name)
        if found:
            yield found


def _quoted(part: Any) -> str:
    return f'"{part.name}"' if "." in part.name else str(part.name)
