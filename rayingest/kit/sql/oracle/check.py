"""`rayingest check` for Oracle: which views the account may read, and the grant that mends the rest."""

from collections.abc import Iterator

from rayingest.config.connection import host_port
from rayingest.core.source import Capability, CheckResult, Settings
from rayingest.kit.hosts import is_local
from rayingest.kit.sql.facts import Wants
from rayingest.kit.sql.oracle.errors import DICTIONARY, classify
from rayingest.kit.sql.oracle.options import PORT
from rayingest.kit.sql.oracle.session import OracleSession
from rayingest.kit.sql.oracle.texts import DDL

WHO = """select sys_context('USERENV', 'SESSION_USER'), sys_context('USERENV', 'CON_NAME'),
       sys_context('USERENV', 'NETWORK_PROTOCOL') from dual"""
ROOT = "CDB$ROOT"
SEEN = {
    Capability.SCHEMAS: "users",
    Capability.TABLES: "all_tables",
    Capability.VIEWS: "views",
    Capability.COLUMNS: "tab_cols",
    Capability.KEYS: "constraints",
    Capability.COMMENTS: "tab_comments",
    Capability.PARTITIONS: "part_tables",
    Capability.PROCEDURES: "source",
}
# Whether there is anything to see, not how much: counting the dictionary takes its time.
ANY = "select 1 from {v}_{view} where rownum = 1"
ONE_TABLE = """select t.owner, t.table_name from {v}_all_tables t
 where t.nested = 'NO' and t.secondary = 'N' and t.iot_name is null and rownum = 1"""


def check(session: OracleSession, settings: Settings) -> Iterator[CheckResult]:
    """Connect, then try every family of views that a run reads."""
    user, container, protocol = session.rows(WHO)[0]
    version = ".".join(map(str, session.version))
    yield CheckResult("connect", "ok", f"Oracle {version}, user {user}, container {container}")
    yield from _encryption(settings, protocol)
    yield _databases(container)
    yield _family(session, user)
    for capability, view in SEEN.items():
        yield _trial(session, capability, view, user)
    if Wants.of(settings.options).ddl:
        yield _ddl(session, user)


def _encryption(settings: Settings, protocol: str | None) -> Iterator[CheckResult]:
    address = settings.connection.hostPort
    if protocol == "tcps" or not address or is_local(host_port(address, PORT)[0]):
        return
    why = "the connection is not by TLS; unless the server asks for native encryption, which the thin "
    why += "driver lacks, metadata can be read on the way"
    yield CheckResult("encryption", "warning", why, "Set connectionOptions.protocol: tcps.")


def _databases(container: str | None) -> CheckResult:
    if container == ROOT:
        why = "this is the root of a container database: what users have is in its pluggable ones"
        grant = "Name the service of a pluggable database: SELECT pdb, name FROM cdb_services;"
        return CheckResult(Capability.DATABASES, "warning", why, grant)
    return CheckResult(Capability.DATABASES, "ok", container)


def _family(session: OracleSession, user: str) -> CheckResult:
    """Told with the listing's type: with ALL_ views alone, what the account has no right to is not listed."""
    if session.views == "dba":
        return CheckResult("dictionary", "ok", "DBA_ views: all there is")
    why = "ALL_ views: what the account has no right to is not listed"
    if not session.config.useDBATable:
        return CheckResult("dictionary", "ok", f"{why} (useDBATable is false)")
    return CheckResult("dictionary", "warning", why, DICTIONARY.format(user=user))


def _trial(session: OracleSession, capability: Capability, view: str, user: str) -> CheckResult:
    name = f"{session.views}_{view}".upper()
    try:
        found = session.rows(ANY.replace("{view}", view))
    except Exception as error:
        known = classify(error)
        if known is None:
            raise
        return CheckResult(capability, "denied", f"{name}: {known}", known.hint)
    return CheckResult(capability, "ok", name if found else f"{name} is empty")


def _ddl(session: OracleSession, user: str) -> CheckResult:
    rows = session.rows(ONE_TABLE)
    if not rows:
        return CheckResult(Capability.DDL, "ok", "there is no table to try it on")
    where = "t.owner = :owner and t.table_name = :name"
    try:
        session.rows(
            DDL.replace("{where}", where), dict(zip(("owner", "name"), rows[0], strict=True))
        )
    except Exception as error:
        known = classify(error)
        if known is None:
            raise
        return CheckResult(Capability.DDL, "denied", str(known), DICTIONARY.format(user=user))
    return CheckResult(Capability.DDL, "ok", "asked table by table; it takes the server a while")
