"""What there is: databases of Hive are schemas of one database, whose name the catalogue makes up."""

from collections.abc import Iterator

from rayingest.core.source import Settings
from rayingest.errors import Gone, Permanent
from rayingest.kit.sql.facts import Found, Wants
from rayingest.kit.sql.hive.errors import Said, classify
from rayingest.kit.sql.hive.session import HIVE, HiveSession, Row, quoted
from rayingest.model import EntityType

# Hive's own views over its metastore; Impala's functions.
HIDDEN = {"sys", "information_schema", "_impala_builtins"}
MATERIALIZED = 3  # the version of Hive that has had materialized views since


def databases(session: HiveSession, settings: Settings) -> Iterator[Found]:
    """Name the only database."""
    yield Found(EntityType.DATABASE, "", session.database)


def listing(session: HiveSession, wants: Wants) -> Iterator[Found]:
    """The schemas."""
    for name in schemas(session):
        yield Found(EntityType.DATABASE_SCHEMA, name, name)


def schemas(session: HiveSession) -> list[str]:
    """Those to be read. Raises Permanent when the one that the config names is not there."""
    names = [_plain(str(row[0])) for row in session.rows("SHOW DATABASES")]
    if session.schema is None:
        return [each for each in names if each not in HIDDEN]
    if session.schema.lower() not in names:
        raise Permanent(
            f"There is no database {session.schema!r}, or it is not shown to user {session.user!r}.",
            hint="`SHOW DATABASES` lists them; databaseSchema must be one of them, or absent.",
        )
    return [session.schema.lower()]


def members(session: HiveSession, wants: Wants, schema: str) -> Iterator[Found]:
    """Tables and views of a schema; only where one of both is wanted it is asked which is which."""
    where = quoted(schema)
    if wants.tables:
        names = _names(session, f"SHOW TABLES IN {where}", schema)
        if not wants.views:
            views = set(_views(session, schema))
            names = [each for each in names if each not in views]
    else:
        names = _views(session, schema) if wants.views else []
    for name in names:
        yield Found(EntityType.TABLE, schema, name)


def _views(session: HiveSession, schema: str) -> list[str]:
    where = quoted(schema)
    try:
        found = _names(session, f"SHOW VIEWS IN {where}", schema)
        if session.server == HIVE and _major(session.version) >= MATERIALIZED:
            rows = session.rows(f"SHOW MATERIALIZED VIEWS IN {where}", schema)
            first = (str(row[0] or "").strip() for row in rows)
            found += [
                each for each in first if each and not each.startswith("#")
            ]  # Hive 3 has a heading
    except Said as error:
        known = classify(error)
        if not isinstance(known, Permanent):
            raise
        raise Permanent(
            f"{session.server or 'The server'} {session.version} does not tell views from tables: {known}",
            hint="Leave includeTables and includeViews true: Hive knows SHOW VIEWS since 2.2, Impala since 4.2.",
        ) from error
    return list(dict.fromkeys(found))


def _names(session: HiveSession, statement: str, schema: str) -> list[str]:
    try:
        return [name for row in session.rows(statement, schema) if (name := _name(row))]
    except Said as error:
        known = classify(error)
        if isinstance(known, Gone):
            raise Gone(f"Database {schema!r} was dropped after it was listed.") from error
        raise


def _name(row: Row) -> str:
    """Spark has rows of namespace, name, and whether it is a view of the session alone."""
    if len(row) == 3:
        return "" if row[2] is True or row[2] == "true" else str(row[1])
    return str(row[0])


def _plain(name: str) -> str:
    """Spark puts names between backticks where SQL would want them."""
    return name[1:-1].replace("``", "`") if name.startswith("`") else name


def _major(version: str) -> int:
    number = version.partition(".")[0]
    return int(number) if number.isdecimal() else 0
