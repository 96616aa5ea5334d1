"""`rayingest check` for HiveServer2 and Impala: what the account may read, and the right that mends the rest."""

from collections.abc import Iterator

from rayingest.core.source import Capability, CheckResult, Settings
from rayingest.errors import RayingestError
from rayingest.kit.sql.encryption import encryption
from rayingest.kit.sql.facts import Wants
from rayingest.kit.sql.hive import listing
from rayingest.kit.sql.hive.address import Address, Product
from rayingest.kit.sql.hive.errors import GRANT, Said, classify
from rayingest.kit.sql.hive.session import SPARK, HiveSession, quoted

ERRORS = (Said, RayingestError, OSError)
MENDS = "Set useSSL, or scheme hive+https.", "Set sslConfig.caCertificate."
TRIED = 10  # schemas, until one has a table
SLOW = "each table is a statement: {} has no other way. The metastore's database has: metastoreConnection"


def check(product: Product, session: HiveSession, settings: Settings) -> Iterator[CheckResult]:
    """List the schemas, and describe one table."""
    who = f"{session.server or product.name} {session.version}".strip()
    yield CheckResult("connect", "ok", f"{who}, user {session.user}")
    address = Address.of(settings.connection, product)
    yield from encryption(
        address.host, encrypted=address.tls, verified=address.verified, mends=MENDS
    )
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
            first = next(listing.members(session, Wants(), schema), None)
            if first is None:
                continue
            name = first.name
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
