"""`rayingest check` for HiveServer2 and Impala: what the account may read, and the right that mends the rest."""

from collections.abc import Iterator

from rayingest.core.source import Capability, CheckResult, Settings
from rayingest.errors import RayingestError
from rayingest.kit.hosts import is_local
from rayingest.kit.sql.hive import listing
from rayingest.kit.sql.hive.address import Address, Product
from rayingest.kit.sql.hive.errors import GRANT, Said, classify
from rayingest.kit.sql.hive.session import SPARK, HiveSession, quoted

ERRORS = (Said, RayingestError, OSError)
TRIED = 10  # schemas, until one has a table
SLOW = "each table is a statement: {} has no other way. The metastore's database has: metastoreConnection"


def check(product: Product, session: HiveSession, settings: Settings) -> Iterator[CheckResult]:
    """List the schemas, and describe one table."""
    who = f"{session.server or product.name} {session.version}".strip()
    yield CheckResult("connect", "ok", f"{who}, user {session.user}")
    yield from _encryption(Address.of(settings.connection, product))
    try:
        names = listing.schemas(session)
    except ERRORS as error:
        yield _denied(Capability.SCHEMAS, error)
        return
    yield CheckResult(Capability.SCHEMAS, "ok", f"{len(names)} schemas")
    yield from _tables(session, names)
    if session.server != SPARK and hasattr(settings.connection, "metastoreConnection"):
        yield CheckResult("speed", "ok", SLOW.format(session.server or product.name))


def _tables(session: HiveSession, names: list[str]) -> Iterator[CheckResult]:
    """One line for each of the first schemas that may not be read; `ok` names the first table that may."""
    for schema in names[:TRIED]:
        try:
            rows = session.rows(f"SHOW TABLES IN {quoted(schema)}", schema)
            if not rows:
                continue
            name = str(rows[0][1] if len(rows[0]) == 3 else rows[0][0])
            session.rows(f"DESCRIBE FORMATTED {quoted(schema, name)}", f"{schema}.{name}")
        except ERRORS as error:
            yield _denied(Capability.TABLES, error)
        else:
            yield CheckResult(Capability.TABLES, "ok", f"{schema}.{name} can be read")
            return
    why = f"none of the first {TRIED} schemas shows a table to user {session.user!r}"
    grant = GRANT.format(what="the schemas", who=session.user)
    yield CheckResult(Capability.TABLES, "warning", why, grant)


def _denied(capability: Capability, error: Exception) -> CheckResult:
    known = error if isinstance(error, RayingestError) else classify(error)
    if known is None:
        raise error
    return CheckResult(capability, "denied", str(known), known.hint)


def _encryption(address: Address) -> Iterator[CheckResult]:
    if is_local(address.host):
        return
    if not address.tls:
        why = f"the connection to {address.host} is not encrypted; metadata and password can be read on the way"
        yield CheckResult("encryption", "warning", why, "Set useSSL, or scheme hive+https.")
    elif not address.verified:
        why = f"the connection to {address.host} is encrypted, but nobody verified the server's certificate"
        yield CheckResult("encryption", "warning", why, "Set sslConfig.caCertificate.")
