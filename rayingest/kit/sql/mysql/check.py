"""`rayingest check` for MySQL and its relatives: what the user may see, and the grant that mends the rest."""

import re
from collections.abc import Iterator

from rayingest.config.connection import host_port
from rayingest.core.source import Capability, CheckResult, Settings
from rayingest.kit.sql.encryption import encryption
from rayingest.kit.sql.mysql.errors import classify
from rayingest.kit.sql.mysql.session import MySqlSession

WHO = "select current_user(), version()"
MENDS = "Set up TLS on the server, and sslConfig.", "Set sslConfig.caCertificate."
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
        Capability.KEYS: (_asked(session.product.keys), "table_schema"),
        Capability.PARTITIONS: (_asked(session.product.partitions), "table_schema"),
    }
    for capability, (view, column) in trials.items():
        if view:
            yield _count(session, capability, COUNT.format(view, column), view)
    yield _hidden(session, user, Capability.VIEWS)
    if session.product.routines:
        yield _hidden(session, user, Capability.PROCEDURES)
    yield from _catalogs(session)


def _asked(query: str) -> str:
    """The view of information_schema that a query is about; '' without a query."""
    return "".join(re.findall(r"from information_schema\.(\w+)", query)[:1])


def _catalogs(session: MySqlSession) -> Iterator[CheckResult]:
    """Those that are not read, by their names."""
    if catalogs := session.product.catalogs:
        names = [str(row[catalogs.name]) for row in session.rows("show catalogs")]
        if others := sorted({*names} - {catalogs.own}):
            why = f"only the catalog {catalogs.own} is read, not {', '.join(others)}"
            yield CheckResult(
                "catalogs",
                "warning",
                why,
                "Read what is behind the others by services of their own.",
            )


def _encryption(session: MySqlSession, settings: Settings) -> Iterator[CheckResult]:
    host, _ = host_port(settings.connection.hostPort, session.product.port)
    verified = bool(getattr(settings.connection, "sslConfig", None))
    return encryption(
        host, encrypted=session.encrypted, verified=verified, mends=MENDS, what="metadata"
    )


def _count(session: MySqlSession, capability: Capability, query: str, view: str) -> CheckResult:
    try:
        found = session.rows(query, [session.product.hidden])[0][0]
    except Exception as error:
        known = classify(error, session.product.rights)
        if known is None:
            raise
        return CheckResult(capability, "denied", str(known), known.hint)
    return CheckResult(capability, "ok", f"information_schema.{view}: {found} rows")


def _hidden(session: MySqlSession, user: str, capability: Capability) -> CheckResult:
    """Texts that information_schema leaves empty for want of a privilege."""
    if capability is Capability.VIEWS:
        query = HIDDEN_VIEWS.format("views", "table_schema", "view_definition")
        what, right = "views", ""
    else:
        query = HIDDEN_BODIES.format("routines", "routine_schema", "routine_definition")
        right = "SELECT ON mysql.proc" if session.is_mariadb else "SHOW_ROUTINE ON *.*"
        what = "routines"
    result = _count(session, capability, query, what)
    hidden = (result.why or "").rpartition(": ")[2].partition(" ")[0]
    if result.status != "ok" or hidden == "0":
        return CheckResult(capability, result.status, None if hidden == "0" else result.why)
    name, _, host = user.replace("'", "").partition("@")
    who = f"'{name}'@'{host}'"
    grant = f"GRANT {right} TO {who};" if right else session.product.rights.on_views(who)
    return CheckResult(capability, "warning", f"the text of {hidden} {what} is hidden", grant)
