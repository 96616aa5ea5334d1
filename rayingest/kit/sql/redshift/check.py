"""`rayingest check` for Redshift: what the user may see, and what would mend the rest."""

from collections.abc import Iterator
from functools import partial

from rayingest.config.connection import SslMode, host_port
from rayingest.core.source import Capability, CheckResult, Settings
from rayingest.kit.hosts import is_local
from rayingest.kit.sql.facts import Unlisted, Wants
from rayingest.kit.sql.postgres.session import PgSession
from rayingest.kit.sql.redshift import containers, ddl, keys, routines, tables
from rayingest.kit.sql.redshift.connect import REDSHIFT
from rayingest.kit.sql.redshift.errors import classify
from rayingest.kit.sql.redshift.listing import listing, others
from rayingest.kit.sql.redshift.session import RedshiftSession, quoted
from rayingest.kit.sql.trial import trial
from rayingest.model import EntityType

WHO = "select current_user, version()"
# Schemas whose tables are listed all the same, and whose late-binding views tell no columns.
CLOSED = """
select n.nspname from pg_catalog.pg_namespace n
 where n.nspname in ({schemas}) and not pg_catalog.has_schema_privilege(n.nspname, 'usage')
"""
NONE: dict[str, list[int | str]] = {"oids": [], "names": [], "schemas": []}
TRIALS = {
    Capability.COLUMNS: tables.COLUMNS,
    Capability.VIEWS: tables.RELATIONS,
    Capability.COMMENTS: tables.COMMENTS,
    Capability.KEYS: keys.KEYS,
    Capability.PROCEDURES: routines.ROUTINES,
    Capability.OWNERS: containers.SCHEMAS,
    Capability.DDL: ddl.COLUMNS,
}


def check(session: RedshiftSession, settings: Settings) -> Iterator[CheckResult]:
    """Connect, list one database, then try every statement that a run would send."""
    user, version = session.ask(WHO)[0]
    said = version.rpartition(", ")[2]
    yield CheckResult("connect", "ok", f"{said}, database {session.database}, user {user}")
    yield from _encryption(session, settings)
    yield from _databases(session, settings)
    yield from _contents(session, Wants.of(settings.options))
    for capability, statement in TRIALS.items():
        yield trial(capability, partial(session.ask, statement, **NONE), classify)


def _encryption(session: PgSession, settings: Settings) -> Iterator[CheckResult]:
    host, _ = host_port(settings.connection.hostPort, REDSHIFT.port)
    if not session.connection.pgconn.ssl_in_use and not is_local(host):
        why = f"the connection to {host} is not encrypted"
        if settings.connection.sslMode is SslMode.DISABLE:
            why += " (sslMode: disable); password and metadata can be read on the way"
        yield CheckResult("encryption", "warning", why, "Set sslMode: verify-full.")


def _databases(session: RedshiftSession, settings: Settings) -> Iterator[CheckResult]:
    if not settings.connection.ingestAllDatabases:
        yield CheckResult(Capability.DATABASES, "ok", f"only {session.database}")
        return
    ours, theirs = others(session)
    yield CheckResult(Capability.DATABASES, "ok", f"{len(ours) + 1} of this cluster's")
    for name in theirs:
        yield CheckResult(
            Capability.DATABASES,
            "warning",
            f"database {name} is made of a datashare: it is left out",
            "Read it where it comes from, in the producer's cluster.",
        )


def _contents(session: RedshiftSession, wants: Wants) -> Iterator[CheckResult]:
    rows = list(listing(session, wants))
    found = [row for row in rows if not isinstance(row, Unlisted)]
    schemas = [row.name for row in found if row.type is EntityType.DATABASE_SCHEMA]
    count = sum(row.type is EntityType.TABLE for row in found)
    yield CheckResult(Capability.SCHEMAS, "ok", f"{len(schemas)} schemas")
    yield CheckResult(Capability.TABLES, "ok", f"{count} tables and views")
    for row in rows:
        if isinstance(row, Unlisted):
            yield CheckResult(Capability.TABLES, "denied", row.why)
    for (name,) in session.ask(CLOSED, schemas=schemas):
        yield CheckResult(
            Capability.SCHEMAS,
            "warning",
            f"no USAGE on schema {name}: its late-binding views tell no columns, "
            "and its external tables may be hidden",
            f"GRANT USAGE ON SCHEMA {quoted(name)} TO the user of the config;",
        )
