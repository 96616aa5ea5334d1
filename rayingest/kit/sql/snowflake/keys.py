"""Keys, which only SHOW tells of: three statements for a batch, more where an answer is cut.

SHOW … KEYS takes no LIMIT … FROM and ends at 10,000 rows without a word: an answer of that length is
asked for again by schema, and then by table.
https://docs.snowflake.com/en/sql-reference/sql/show-primary-keys (…-unique-keys, …-imported-keys)
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from rayingest.core import fqn
from rayingest.kit.sql.keys import NO_KEYS, Foreign, Keys
from rayingest.kit.sql.snowflake.session import MOST, Shown, SnowSession, spelled

Key = tuple[str, str]  # schema, name
# What SHOW calls them, and the beginning of the columns that name our table.
PRIMARY, UNIQUE, FOREIGN = "primary", "unique", "imported"
OURS = {PRIMARY: "", UNIQUE: "", FOREIGN: "fk_"}


def keys(session: SnowSession, tables: Sequence[Key], service: str) -> dict[Key, Keys]:
    """The keys of these tables of the session's database; `service` is an FQN."""
    if not tables:
        return {}
    told = {kind: _shown(session, kind, tables) for kind in OURS}
    return {key: _keys(key, told, service) for key in tables}


def _keys(key: Key, told: dict[str, dict[Key, list[Shown]]], service: str) -> Keys:
    primary, unique, foreign = (told[kind].get(key, ()) for kind in OURS)
    if not (primary or unique or foreign):
        return NO_KEYS
    return Keys.of(
        [each["column_name"] for each in _in_order(primary)],
        [[each["column_name"] for each in rows] for rows in _constraints(unique)],
        [_foreign(rows, service) for rows in _constraints(foreign, "fk_name")],
    )


def _foreign(rows: Sequence[Shown], service: str) -> Foreign:
    first = rows[0]
    names = (first["pk_database_name"], first["pk_schema_name"], first["pk_table_name"])
    return Foreign(
        [each["fk_column_name"] for each in rows],
        fqn.child(service, *names),
        [each["pk_column_name"] for each in rows],
    )


def _constraints(rows: Iterable[Shown], name: str = "constraint_name") -> Iterator[list[Shown]]:
    """Rows of each constraint, in the order of its columns."""
    found: dict[str, list[Shown]] = defaultdict(list)
    for each in rows:
        found[each[name]].append(each)
    return (_in_order(found[each]) for each in sorted(found))


def _in_order(rows: Iterable[Shown]) -> list[Shown]:
    return sorted(rows, key=lambda each: int(each["key_sequence"]))


def _shown(session: SnowSession, kind: str, tables: Sequence[Key]) -> dict[Key, list[Shown]]:
    """What SHOW says of these tables, by table; a reference to what has no name is none."""
    ours, wanted = OURS[kind], set(tables)
    found: dict[Key, list[Shown]] = defaultdict(list)
    for each in _rows(session, kind, tables):
        key = (each[f"{ours}schema_name"], each[f"{ours}table_name"])
        here = each[f"{ours}database_name"] == session.database
        if here and key in wanted and each.get("pk_table_name") != "":
            found[key].append(each)
    return found


def _rows(session: SnowSession, kind: str, tables: Sequence[Key]) -> Iterator[Shown]:
    schemas = sorted({schema for schema, _ in tables})
    statement = f"show {kind} keys in"
    if len(schemas) > 1:
        rows = _whole(session, f"{statement} database {spelled(session.database)}")
        if rows is not None:
            yield from rows
            return
    for schema in schemas:
        rows = _whole(session, f"{statement} schema {spelled(session.database, schema)}")
        if rows is not None:
            yield from rows
            continue
        for name in sorted(name for place, name in tables if place == schema):
            place = spelled(session.database, schema, name)
            yield from session.shown(f"{statement} table {place}")


def _whole(session: SnowSession, statement: str) -> list[Shown] | None:
    """The answer, if it was not cut; one that was is not asked for again in this session."""
    if statement in session.cut:
        return None
    rows = session.shown(statement)
    if len(rows) < MOST:
        return rows
    session.cut.add(statement)
    return None
