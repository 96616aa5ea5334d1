"""`rayingest check` for SQL Server: what the user may see, and the grant that mends the rest."""

from collections.abc import Iterator
from functools import partial

from rayingest.core.source import Capability, CheckResult, Settings
from rayingest.errors import RayingestError
from rayingest.kit.hosts import is_local
from rayingest.kit.sql.mssql import comments, containers, ddl, keys, routines, tables
from rayingest.kit.sql.mssql.errors import classify
from rayingest.kit.sql.mssql.listing import CLOSED, databases
from rayingest.kit.sql.mssql.options import Address, given
from rayingest.kit.sql.mssql.session import AZURE, NAMES, TdsSession, quoted
from rayingest.kit.sql.mssql.shapes import TYPES
from rayingest.kit.sql.trial import trial

WHO = "select suser_sname(), user_name()"
MAY_SEE = "select has_perms_by_name(null, 'DATABASE', 'VIEW DEFINITION')"
HIDDEN = """select o.type, count(*) from sys.objects o
  left join sys.sql_modules m on m.object_id = o.object_id
 where o.is_ms_shipped = 0 and m.definition is null and o.type in ('V', 'P', 'FN', 'IF', 'TF')
 group by o.type"""
GRANT = "GRANT VIEW DEFINITION TO {};"


def check(session: TdsSession, settings: Settings) -> Iterator[CheckResult]:
    """Connect, then try every statement that a run would send."""
    login, user = session.rows(WHO)[0]
    product = NAMES.get(session.edition, "SQL Server")
    why = f"{product} {session.version}, database {session.database}, login {login}, user {user}"
    yield CheckResult("connect", "ok", why)
    yield from encryption(settings)
    yield from _tried(Capability.DATABASES, _databases(session, settings))
    yield from _tried(Capability.TABLES, _visible(session, user))
    for capability, queries in _trials(session).items():
        yield trial(capability, partial(_ask, session, queries), classify)
    yield from _tried(Capability.VIEWS, _texts(session, user))


def _tried(capability: Capability, lines: Iterator[CheckResult]) -> Iterator[CheckResult]:
    """These lines, or what the server refused."""
    try:
        yield from lines
    except Exception as error:
        known = error if isinstance(error, RayingestError) else classify(error)
        if known is None:
            raise
        yield CheckResult(capability, "denied", str(known), known.hint)


def encryption(settings: Settings) -> Iterator[CheckResult]:
    """Warn of a server elsewhere that did not have to prove who it is."""
    machine = Address.of(settings.connection.hostPort).machine
    wanted = given(settings.connection).encryption
    if wanted.verified or is_local(machine):
        return
    why = f"nobody verified who {machine} is"
    if not wanted.whole:
        why = f"of the connection to {machine} the sign-in alone is encrypted, and {why}"
    yield CheckResult(
        "encryption", "warning", why, "Set encrypt: true, and sslConfig.caCertificate if need be."
    )


def _databases(session: TdsSession, settings: Settings) -> Iterator[CheckResult]:
    if not settings.connection.ingestAllDatabases:
        yield CheckResult(Capability.DATABASES, "ok", f"only {session.database}")
        return
    found = list(databases(session, settings))
    yield CheckResult(Capability.DATABASES, "ok", f"{len(found)} databases")
    if session.edition == AZURE or session.is_synapse:
        return
    for name, state in session.rows(CLOSED):
        why = f"{name} is not online" if state else f"no access to database {name}"
        grant = None if state else f"USE {quoted(name)}; CREATE USER … FOR LOGIN …;"
        yield CheckResult(Capability.DATABASES, "warning", f"{why}: it is left out", grant)


def _visible(session: TdsSession, user: str) -> Iterator[CheckResult]:
    """https://learn.microsoft.com/en-us/sql/relational-databases/security/metadata-visibility-configuration."""
    if session.rows(MAY_SEE)[0][0]:
        yield CheckResult(Capability.TABLES, "ok", "the user sees all definitions")
        return
    why = "the server shows only what the user has some right on, without a word of the rest"
    yield CheckResult(Capability.TABLES, "warning", why, GRANT.format(quoted(user)))


def _trials(session: TdsSession) -> dict[Capability, list[str]]:
    none = "0"
    trials = {
        Capability.SCHEMAS: [containers.SCHEMAS.format(ids=none)],
        Capability.COLUMNS: [*tables.queries(session, none), TYPES],
        Capability.PARTITIONS: [keys.INDEXES.format(ids=none)],
        Capability.OWNERS: [routines.ROUTINES.format(ids=none)],
    }
    if not session.is_synapse:
        trials[Capability.KEYS] = [keys.FOREIGN.format(ids=none)]
        trials[Capability.DDL] = [*ddl.queries(session, none)]
        trials[Capability.COMMENTS] = [comments.COMMENTS.format(kind=comments.OBJECT, ids=none)]
    return trials


def _ask(session: TdsSession, queries: list[str]) -> None:
    for each in queries:
        session.rows(each)


def _texts(session: TdsSession, user: str) -> Iterator[CheckResult]:
    """Texts that are encrypted, or hidden for want of a right."""
    found = {kind.strip(): count for kind, count in session.rows(HIDDEN)}
    hidden = {
        Capability.VIEWS: found.pop("V", 0),
        Capability.PROCEDURES: sum(found.values()),
    }
    for capability, count in hidden.items():
        if count:
            why = f"the text of {count} is hidden or encrypted"
            yield CheckResult(capability, "warning", why, GRANT.format(quoted(user)))
        else:
            yield CheckResult(capability, "ok")
