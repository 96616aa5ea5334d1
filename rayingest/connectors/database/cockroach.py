# ruff: noqa: N815 - the attributes are OpenMetadata's field names
"""CockroachDB: its information_schema and pg_catalog, read in batches over SQLAlchemy and Cockroach's own dialect.

It speaks PostgreSQL's protocol and has tables of the same names, but some stay empty, and columns that nobody made
(`rowid`, shards, regions) are among the others: so that it is no value of PostgreSQL's connector. Keys are reflected
by the dialect, which Cockroach tests against its server.
https://www.cockroachlabs.com/docs/stable/information-schema, https://www.cockroachlabs.com/docs/stable/pg-catalog
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Literal

from pydantic import Field

from rayingest.config.connection import (
    BasicAuth,
    HostPort,
    SqlCommon,
    SslConfig,
    SslMode,
    Unused,
    host_port,
)
from rayingest.core.source import Capability, Settings
from rayingest.kit.sql.facts import Found
from rayingest.kit.sql.known import Known
from rayingest.kit.sql.origins import Origins, origins
from rayingest.kit.sql.postgres.connect import parameters
from rayingest.kit.sql.postgres.listing import DATABASES
from rayingest.kit.sql.postgres.product import Product
from rayingest.kit.sql.reflected.connector import relational
from rayingest.kit.sql.reflected.facts import Reflected, reflected
from rayingest.kit.sql.reflected.lookups import (
    KeyRow,
    QueriedColumns,
    QueriedMembers,
    QueriedSchemas,
    QueriedTexts,
    reflected_keys,
)
from rayingest.kit.sql.reflected.session import Connect, ReflectedSession, open_session
from rayingest.model import EntityType, Table

COCKROACH = Product("CockroachDB", "cockroach", 26257, "Check username and authType.")
DIALECT = "postgres"
SYSTEM = "system"  # a database of the cluster's own: https://www.cockroachlabs.com/docs/stable/system-catalogs
HIDDEN = """
select table_name, column_name from information_schema.columns
 where table_schema = :schema and table_name in :names and is_hidden = 'YES'
"""


class CockroachConnection(SqlCommon):
    """How to reach a CockroachDB cluster."""

    type: Literal["Cockroach"] = Field("Cockroach", description="OpenMetadata's service type.")
    scheme: Annotated[Literal["cockroachdb+psycopg2"] | None, Unused()] = Field(
        None, description="SQLAlchemy scheme; psycopg 3 is used whatever it says."
    )
    username: str = Field(description="User to connect as.")
    authType: BasicAuth | None = Field(None, description="Password.")
    hostPort: HostPort = Field(description="Host and port; 26257 when no port is given.")
    database: str = Field(
        description="Database to read, and to start from with ingestAllDatabases."
    )
    ingestAllDatabases: bool = Field(
        False, description="Read every database of the cluster that the user may connect to."
    )
    databaseSchema: str | None = Field(None, description="Read this schema only.")
    sslMode: SslMode = Field(SslMode.DISABLE, description="Encryption and verification.")
    sslConfig: SslConfig | None = Field(None, description="Certificates.")


def address(settings: Settings, database: str) -> Connect:
    """What psycopg is told: reads only, a statement at a time, each with a bound."""
    import sqlalchemy as sa

    config: CockroachConnection = settings.connection
    host, port = host_port(config.hostPort, COCKROACH.port)
    folder = TemporaryDirectory(prefix="rayingest-tls-") if config.sslConfig else None
    bound = max(1, int(settings.call_timeout * 1000))
    options = f"-c default_transaction_read_only=on -c statement_timeout={bound}"
    told = parameters(config, COCKROACH, database, Path(folder.name) if folder else None, options)
    secret = config.authType.password if config.authType else None
    url = sa.URL.create(
        "cockroachdb+psycopg",
        username=config.username,
        password=secret.get_secret_value() if secret else None,
        host=host,
        port=port,
        database=database,
    )
    more = {"autocommit": True, "prepare_threshold": None}
    return Connect(url, {**more, **told}, folder=folder)


def connect(settings: Settings, database: str | None) -> ReflectedSession:
    """Open a session in one database."""
    name: str = database or settings.connection.database
    return open_session(settings, "cockroach", partial(address, database=name), name)


def databases(session: ReflectedSession, settings: Settings) -> Iterator[Found]:
    """Name the database of the config first, then, with `ingestAllDatabases`, the others; not the cluster's own."""
    yield Found(EntityType.DATABASE, "", session.database)
    if settings.connection.ingestAllDatabases:
        for (name,) in session.rows(DATABASES):
            if name != SYSTEM:
                yield Found(EntityType.DATABASE, "", name)


def keys(session: ReflectedSession, schema: str, names: list[str]) -> dict[str, KeyRow]:
    """As the dialect reflects them, without columns that nobody made: a table that has no key has one of `rowid`."""
    hidden: dict[str, set[str]] = defaultdict(set)
    for table, column in session.rows(HIDDEN, schema=schema, names=names):
        hidden[table].add(column)

    def plain(table: str, columns: Sequence[str]) -> list[str]:
        return [each for each in columns if each not in hidden[table]]

    return {
        name: found._replace(
            primary=plain(name, found.primary),
            unique=[left for each in found.unique if (left := plain(name, each))],
        )
        for name, found in reflected_keys(session, schema, names).items()
    }


def reads(view: Table, known: Known, others: Sequence[str]) -> Origins:
    """What a view reads; sqlglot does not know the `:::` that names the type of a constant."""
    text = (view.schema_definition or "").replace(":::", "::")
    return origins(text, view.fqn, DIALECT, known, others)


def spelled(kind: str) -> str:
    """A type without its collation."""
    return kind.partition(" COLLATE ")[0]


REFLECTED = Reflected(
    extra="cockroach",
    connect=lambda settings: address(settings, settings.connection.database),
    hidden=frozenset({"information_schema", "crdb_internal"}),
    schemas=QueriedSchemas(
        # Nobody may call a schema pg_…: pg_catalog, pg_extension, and those of temporary tables.
        "select schema_name from information_schema.schemata"
        " where left(schema_name, 3) <> 'pg_' order by 1"
    ),
    # Whether the first lists materialized views, too, the documentation does not say.
    members=QueriedMembers(
        "select table_name, case table_type when 'VIEW' then 'view' else 'table' end"
        " from information_schema.tables where table_schema = :schema"
        " and table_type in ('BASE TABLE', 'VIEW') and table_name not in"
        " (select matviewname from pg_catalog.pg_matviews where schemaname = :schema) "
        "union all select matviewname, 'materialized view'"
        " from pg_catalog.pg_matviews where schemaname = :schema order by 1"
    ),
    columns=QueriedColumns(
        "select table_name, column_name, crdb_sql_type, is_nullable, column_comment"
        " from information_schema.columns where table_schema = :schema"
        " and table_name in :names and is_hidden = 'NO' order by table_name, ordinal_position",
        spelled,
    ),
    keys=keys,
    # An index may be called as a table is.
    comments=QueriedTexts(
        "select c.relname, pg_catalog.obj_description(c.oid, 'pg_class')"
        " from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace"
        " where n.nspname = :schema and c.relname in :names and c.relkind in ('r', 'v', 'm')"
    ),
    definitions=QueriedTexts(
        "select viewname, definition from pg_catalog.pg_views"
        " where schemaname = :schema and viewname in :names "
        "union all select matviewname, definition from pg_catalog.pg_matviews"
        " where schemaname = :schema and matviewname in :names"
    ),
    chunk=500,
    rights="GRANT SELECT ON ALL TABLES IN SCHEMA … TO the user; who has no right to a table does not see it.",
)

CONNECTOR = relational(
    "Cockroach",
    "cockroach",
    CockroachConnection,
    replace(reflected(REFLECTED), connect=connect, databases=databases),
    dialect=DIALECT,
    reads=reads,
    lacks={
        Capability.DDL: "SHOW CREATE tells it table by table, and is not asked yet",
        Capability.OWNERS: "owners are not read yet",
        Capability.PARTITIONS: "pg_partitioned_table is empty there; partitions and localities are not read yet",
        Capability.PROCEDURES: "procedures and functions are not read yet",
        Capability.TAGS: "it has no tags; row-level security policies are not read yet",
    },
)
