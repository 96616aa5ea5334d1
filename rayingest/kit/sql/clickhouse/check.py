"""`rayingest check` for ClickHouse: what the user may see, and the grant that mends the rest."""

from collections.abc import Iterator

from rayingest.core.source import Capability, CheckResult, Settings
from rayingest.errors import RayingestError
from rayingest.kit.sql.clickhouse.connect import Address
from rayingest.kit.sql.clickhouse.errors import SYNTAX, Said
from rayingest.kit.sql.clickhouse.listing import HIDDEN
from rayingest.kit.sql.clickhouse.session import ClickHouseSession
from rayingest.kit.sql.clickhouse.text import listed, literal, quoted
from rayingest.kit.sql.encryption import encryption

COUNT = "select toUInt32(count()) from system.{view} where {column} {where}"
VISIBLE = "SHOW DATABASES, SHOW TABLES, SHOW COLUMNS ON {place}"
# Newer than 24.10: https://clickhouse.com/docs/sql-reference/statements/check-grant
MAY = "check grant {rights}"
MENDS = "Set https, or secure.", "Set connectionArguments.ca_certs."
SINCE = {
    Capability.COMMENTS: ("tables", "comment", "comments on tables"),
    Capability.PARTITIONS: ("tables", "partition_key", "partition keys"),
}


def check(session: ClickHouseSession, settings: Settings) -> Iterator[CheckResult]:
    """Connect, then count what each system table that a run reads shows this user."""
    yield CheckResult("connect", "ok", f"ClickHouse {session.version}, user {session.user}")
    address = Address.of(settings.connection)
    verified = bool(address.options.get("verify", True))
    yield from encryption(address.host, encrypted=address.tls, verified=verified, mends=MENDS)
    yield from _visible(session)
    trials = {
        Capability.SCHEMAS: ("databases", "name"),
        Capability.TABLES: ("tables", "database"),
        Capability.COLUMNS: ("columns", "database"),
    }
    for capability, (view, column) in trials.items():
        yield _count(session, capability, view, column)
    for capability, (view, column, what) in SINCE.items():
        if session.column(view, column, "") == "":
            why = f"ClickHouse {session.version} tells no {what}"
            yield CheckResult(capability, "warning", why, "A newer server does.")
        else:
            yield CheckResult(capability, "ok")


def _visible(session: ClickHouseSession) -> Iterator[CheckResult]:
    """Whether what the user was not granted is missing in the listings; old servers cannot say."""
    place = f"{quoted(session.schema)}.*" if session.schema else "*.*"
    rights = VISIBLE.format(place=place)
    try:
        granted = session.rows(MAY.format(rights=rights))[0][0]
    except Said as error:
        if error.code not in SYNTAX:
            raise
        return
    if not int(granted):
        why = f"user {session.user} may not see all of {place}: what is hidden is not listed"
        yield CheckResult("grants", "warning", why, f"GRANT {rights} TO {session.user};")


def _count(
    session: ClickHouseSession, capability: Capability, view: str, column: str
) -> CheckResult:
    where = f"= {literal(session.schema)}" if session.schema else f"not in ({listed(HIDDEN)})"
    try:
        found = session.rows(COUNT.format(view=view, column=column, where=where))[0][0]
    except RayingestError as error:
        return CheckResult(capability, "denied", str(error), error.hint)
    return CheckResult(capability, "ok", f"system.{view}: {found} rows")
