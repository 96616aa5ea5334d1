"""`rayingest check` for Snowflake: what the role may see, and the grant that mends the rest."""

from collections.abc import Callable, Iterator

from rayingest.core.source import Capability, CheckResult, Settings
from rayingest.errors import RayingestError
from rayingest.kit.sql.facts import Wants
from rayingest.kit.sql.snowflake.changes import TELLING
from rayingest.kit.sql.snowflake.errors import TOO_MUCH, classify, code
from rayingest.kit.sql.snowflake.listing import databases
from rayingest.kit.sql.snowflake.session import SnowSession, quoted, spelled
from rayingest.kit.sql.snowflake.tags import TRIAL, usage
from rayingest.kit.sql.snowflake.texts import GET_DDL

WHO = "select current_version(), current_user(), current_role()"
VIEWS = {
    Capability.SCHEMAS: "schemata",
    Capability.TABLES: "tables",
    Capability.COLUMNS: "columns",
    Capability.PROCEDURES: "procedures",
}
COUNT = "select count(*) from {views}.{view}"
HIDDEN = """select count(*) from {views}.views
 where table_schema <> 'INFORMATION_SCHEMA' and view_definition is null"""
ONE_TABLE = """select table_schema, table_name from {views}.tables
 where table_type = 'BASE TABLE' order by 1, 2 limit 1"""


def check(session: SnowSession, settings: Settings) -> Iterator[CheckResult]:
    """Connect, then try what a run reads, in the first database that it would."""
    version, user, role = session.rows(WHO)[0]
    yield CheckResult("connect", "ok", f"Snowflake {version}, user {user}, role {role}")
    try:
        names = [each.name for each in databases(session, settings)]
    except RayingestError as error:
        yield CheckResult(Capability.DATABASES, "failed", str(error), error.hint)
        return
    if not names:
        grant = f"GRANT USAGE ON DATABASE <database> TO ROLE {role};"
        yield CheckResult(Capability.DATABASES, "denied", "the role sees none", grant)
        return
    session.database = names[0]
    yield CheckResult(Capability.DATABASES, "ok", f"{len(names)}; what follows is about {names[0]}")
    yield from _tried(session, Wants.of(settings.options), role)


def _tried(session: SnowSession, wants: Wants, role: str) -> Iterator[CheckResult]:
    for capability, view in VIEWS.items():
        yield _trial(capability, lambda view=view: _counted(session, view))  # type: ignore[misc]
    place = spelled(session.database)
    yield _trial(
        Capability.KEYS, lambda: session.shown(f"show primary keys in database {place}") and None
    )
    yield _views(session)
    if session.config.includeStreams:
        statement = f"show streams in database {place} limit 1"
        yield _trial(
            Capability.TABLES, lambda: f"streams: {(session.shown(statement) and 'some') or 'none'}"
        )
    if session.config.includeStages:
        yield _trial(Capability.TABLES, lambda: _counted(session, "stages"))
    if wants.margin is not None:
        yield _trial(Capability.INCREMENTAL, lambda: _telling(session))
    if wants.ddl:
        yield _trial(Capability.DDL, lambda: _ddl(session))
    if wants.tags:
        yield _tags(session, role)


def _trial(capability: Capability, ask: Callable[[], object]) -> CheckResult:
    """Ask, and say how it went; what it answers, if it is a text, is told."""
    try:
        told = ask()
    except Exception as error:
        known = classify(error)
        if known is None:
            raise
        if code(error) == TOO_MUCH:
            why = "too much for one statement: it is read schema by schema"
            return CheckResult(capability, "ok", why)
        return CheckResult(capability, "denied", str(known), known.hint)
    return CheckResult(capability, "ok", told if isinstance(told, str) else None)


def _counted(session: SnowSession, view: str) -> str:
    found = session.rows(COUNT.format(views=session.views, view=view))[0][0]
    return f"information_schema.{view}: {found} rows"


def _telling(session: SnowSession) -> str:
    found, telling = session.rows(TELLING.format(views=session.views))[0]
    return f"{telling} of {found} tables and views tell when they were defined last"


def _views(session: SnowSession) -> CheckResult:
    result = _trial(
        Capability.VIEWS, lambda: str(session.rows(HIDDEN.format(views=session.views))[0][0])
    )
    if result.status != "ok" or result.why == "0":
        return CheckResult(
            Capability.VIEWS, result.status, None if result.why == "0" else result.why
        )
    why = f"the text of {result.why} views is hidden: a secure view shows it to its owner alone"
    return CheckResult(
        Capability.VIEWS, "warning", why, "GRANT ROLE <the owner's> TO ROLE <that of the config>;"
    )


def _ddl(session: SnowSession) -> str | None:
    rows = session.rows(ONE_TABLE.format(views=session.views))
    if not rows:
        return "there is no table to try it on"
    session.rows(GET_DDL, [0, "TABLE", quoted(session.database, *rows[0])])
    return None


def _tags(session: SnowSession, role: str) -> CheckResult:
    result = _trial(Capability.TAGS, lambda: session.rows(TRIAL.format(usage=usage(session))))
    if result.status == "ok":
        return CheckResult(Capability.TAGS, "ok", "up to two hours late")
    why = f"{usage(session)} is closed to the role: a run reads all the rest, and no tags"
    grant = (
        f"GRANT IMPORTED PRIVILEGES ON DATABASE {usage(session).partition('.')[0]} TO ROLE {role};"
    )
    return CheckResult(Capability.TAGS, "denied", why, grant)
