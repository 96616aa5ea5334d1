"""`rayingest check` for PostgreSQL: what the user may see, and the grant that would mend the rest."""

from collections.abc import Iterator
from functools import partial

from rayingest.config.connection import SslMode, host_port
from rayingest.core.source import Capability, CheckResult, Settings
from rayingest.kit.hosts import is_local
from rayingest.kit.sql.facts import Wants
from rayingest.kit.sql.postgres import containers, keys, policies, routines, tables
from rayingest.kit.sql.postgres.errors import classify
from rayingest.kit.sql.postgres.listing import kinds
from rayingest.kit.sql.postgres.product import POSTGRES
from rayingest.kit.sql.postgres.session import PgSession
from rayingest.kit.sql.trial import trial

WHO = """
select current_user::text, current_setting('server_version'),
       coalesce((select ssl from pg_catalog.pg_stat_ssl where pid = pg_catalog.pg_backend_pid()), false)
"""
CLOSED_DATABASES = """
select pg_catalog.quote_ident(d.datname), pg_catalog.quote_ident(current_user)
  from pg_catalog.pg_database d
 where d.datallowconn and not d.datistemplate
   and not pg_catalog.has_database_privilege(d.oid, 'CONNECT')
 order by 1
"""
SCHEMAS = """
select pg_catalog.quote_ident(n.nspname), pg_catalog.quote_ident(current_user),
       pg_catalog.has_schema_privilege(n.oid, 'USAGE'),
       (select count(*) from pg_catalog.pg_class c
         where c.relnamespace = n.oid and c.relkind = any(%s::"char"[]))
  from pg_catalog.pg_namespace n
 where n.nspname !~ %s
 order by 1
"""
NONE = "{}"
TRIALS: dict[Capability, tuple[str, list[object]]] = {
    Capability.COLUMNS: (tables.COLUMNS, [NONE]),
    Capability.VIEWS: (tables.RELATIONS, [False, NONE]),
    Capability.COMMENTS: (tables.COMMENTS, [NONE]),
    Capability.KEYS: (keys.KEYS, [NONE]),
    Capability.PARTITIONS: (tables.RELATIONS, [False, NONE]),
    Capability.PROCEDURES: (routines.ROUTINES, [True, [], []]),
    Capability.OWNERS: (containers.SCHEMAS, [True, []]),
    Capability.DDL: (tables.DEFINED, [False, NONE]),
    Capability.TAGS: (policies.POLICIES, [NONE]),
}


def check(hidden: str, session: PgSession, settings: Settings) -> Iterator[CheckResult]:
    """Connect, then try every statement that a run would send; schemas that match `hidden` do not count."""
    user, version, encrypted = session.rows(WHO)[0]
    yield CheckResult(
        "connect", "ok", f"PostgreSQL {version}, database {session.database}, user {user}"
    )
    yield from _encryption(settings, encrypted=encrypted)
    yield from _databases(session, settings)
    yield from _schemas(session, Wants.of(settings.options), hidden)
    for capability, (query, parameters) in TRIALS.items():
        yield trial(capability, partial(session.rows, query, parameters), classify)


def _encryption(settings: Settings, *, encrypted: bool) -> Iterator[CheckResult]:
    host, _ = host_port(settings.connection.hostPort, POSTGRES.port)
    if not encrypted and not is_local(host):
        why = f"the connection to {host} is not encrypted"
        if settings.connection.sslMode is SslMode.DISABLE:
            why += " (sslMode: disable); password and metadata can be read on the way"
        yield CheckResult("encryption", "warning", why, "Set sslMode: verify-full and sslConfig.")


def _databases(session: PgSession, settings: Settings) -> Iterator[CheckResult]:
    if not settings.connection.ingestAllDatabases:
        yield CheckResult(Capability.DATABASES, "ok", f"only {session.database}")
        return
    closed = session.rows(CLOSED_DATABASES)
    for name, user in closed:
        yield CheckResult(
            Capability.DATABASES,
            "denied",
            f"no CONNECT on database {name}: it is left out",
            f"GRANT CONNECT ON DATABASE {name} TO {user};",
        )
    if not closed:
        yield CheckResult(Capability.DATABASES, "ok", "all that take connections")


def _schemas(session: PgSession, wants: Wants, hidden: str) -> Iterator[CheckResult]:
    rows = session.rows(SCHEMAS, [kinds(wants), hidden])
    relations = sum(row[3] for row in rows)
    yield CheckResult(Capability.SCHEMAS, "ok", f"{len(rows)} schemas")
    yield CheckResult(Capability.TABLES, "ok", f"{relations} tables and views")
    for name, user, usable, count in rows:
        if not usable and count:
            yield CheckResult(
                Capability.SCHEMAS,
                "warning",
                f"no USAGE on schema {name} ({count} tables and views): "
                "their metadata is read all the same, profiles and samples are not",
                f"GRANT USAGE ON SCHEMA {name} TO {user};",
            )
