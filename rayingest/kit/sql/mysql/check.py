"""`rayingest check` for MySQL and MariaDB: what the user may see, and the grant that mends the rest."""

from collections.abc import Iterator

from rayingest.config.connection import host_port
from rayingest.core.source import Capability, CheckResult, Settings
from rayingest.kit.hosts import is_local
from rayingest.kit.sql.mysql.connect import PORT
from rayingest.kit.sql.mysql.errors import classify
from rayingest.kit.sql.mysql.listing import HIDDEN
from rayingest.kit.sql.mysql.session import MySqlSession

WHO = "select current_user(), version()"
CIPHER = "show session status like 'Ssl_cipher'"
COUNT = "select count(*) from information_schema.{} where {} not in %s"
HIDDEN_BODIES = COUNT + " and {} is null"
HIDDEN_VIEWS = COUNT + " and coalesce({}, '') = ''"


def check(session: MySqlSession, settings: Settings) -> Iterator[CheckResult]:
    """Connect, then try every view of information_schema that a run reads."""
    user, version = session.rows(WHO)[0]
    yield CheckResult("connect", "ok", f"{version}, user {user}")
    yield from _encryption(session, settings)
    trials = {
        Capability.SCHEMAS: ("schemata", "schema_name"),
        Capability.TABLES: ("tables", "table_schema"),
        Capability.COLUMNS: ("columns", "table_schema"),
        Capability.KEYS: ("key_column_usage", "table_schema"),
        Capability.PARTITIONS: ("partitions", "table_schema"),
    }
    for capability, (view, column) in trials.items():
        yield _count(session, capability, COUNT.format(view, column), view)
    yield _hidden(session, user, Capability.VIEWS)
    yield _hidden(session, user, Capability.PROCEDURES)


def _encryption(session: MySqlSession, settings: Settings) -> Iterator[CheckResult]:
    host, _ = host_port(settings.connection.hostPort, PORT)
    rows = session.rows(CIPHER)
    if not (rows and rows[0][1]) and not is_local(host):
        why = f"the connection to {host} is not encrypted; metadata can be read on the way"
        yield CheckResult("encryption", "warning", why, "Set up TLS on the server, and sslConfig.")
    elif not getattr(settings.connection, "sslConfig", None) and not is_local(host):
        why = f"the connection to {host} is encrypted, but nobody verified the server's certificate"
        yield CheckResult("encryption", "warning", why, "Set sslConfig.caCertificate.")


def _count(session: MySqlSession, capability: Capability, query: str, view: str) -> CheckResult:
    try:
        found = session.rows(query, [HIDDEN])[0][0]
    except Exception as error:
        known = classify(error)
        if known is None:
            raise
        return CheckResult(capability, "denied", str(known), known.hint)
    return CheckResult(capability, "ok", f"information_schema.{view}: {found} rows")


def _hidden(session: MySqlSession, user: str, capability: Capability) -> CheckResult:
    """Texts that information_schema leaves empty for want of a privilege."""
    if capability is Capability.VIEWS:
        query = HIDDEN_VIEWS.format("views", "table_schema", "view_definition")
        right, what = "SHOW VIEW ON *.*", "views"
    else:
        query = HIDDEN_BODIES.format("routines", "routine_schema", "routine_definition")
        right = "SELECT ON mysql.proc" if session.is_mariadb else "SHOW_ROUTINE ON *.*"
        what = "routines"
    result = _count(session, capability, query, what)
    hidden = (result.why or "").rpartition(": ")[2].partition(" ")[0]
    if result.status != "ok" or hidden == "0":
        return CheckResult(capability, result.status, None if hidden == "0" else result.why)
    name, _, host = user.partition("@")
    grant = f"GRANT {right} TO '{name}'@'{host}';"
    return CheckResult(capability, "warning", f"the text of {hidden} {what} is hidden", grant)
