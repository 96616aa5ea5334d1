"""The metastore's database as a `Facts` value: listings, schemas, what `rayingest check` tries."""

from collections.abc import Iterator, Sequence

from rayingest.config.connection import host_port
from rayingest.core.source import Capability, CheckResult, EntityDescriptor, Processed, Settings
from rayingest.errors import Permanent, RayingestError
from rayingest.kit.hosts import is_local
from rayingest.kit.sql.containers import commented, named
from rayingest.kit.sql.facts import Facts, Found, Wants
from rayingest.kit.sql.hive.listing import HIDDEN, databases
from rayingest.kit.sql.hive.session import quoted
from rayingest.kit.sql.metastore import statements
from rayingest.kit.sql.metastore.session import GRANT, Metastore, connect
from rayingest.kit.sql.metastore.tables import tables
from rayingest.model import EntityType

EVERY, NONE = "1 = 1", "1 = 0"
ONE = 'd."NAME" = %s'
NO_DDL = "the metastore keeps no statements: includeDDL is without effect, but for views"


def listing(session: Metastore, wants: Wants) -> Iterator[Found]:
    """Every schema with its tables and views, in one statement."""
    kinds = {
        (True, True): EVERY,
        (True, False): statements.TABLES_ALONE,
        (False, True): statements.VIEWS,
        (False, False): NONE,
    }[wants.tables, wants.views]
    only = [session.schema.lower()] if session.schema else []
    last = None
    rows = session.stream(statements.LISTING, only, kinds=kinds, schema=ONE if only else EVERY)
    for schema, key, name, kind in rows:
        if schema in HIDDEN and not only:
            continue
        if schema != last:
            yield Found(EntityType.DATABASE_SCHEMA, schema, schema)
            last = schema
        if name is not None:
            yield Found(EntityType.TABLE, schema, name, kind or "", str(key))
    if only and last is None:
        raise Permanent(
            f"The metastore has no database {session.schema!r}.",
            hint="databaseSchema must be one that `SHOW DATABASES` lists in Hive, or absent.",
        )


def schemas(
    session: Metastore, descriptors: Sequence[EntityDescriptor], wants: Wants
) -> Iterator[Processed]:
    """Answer descriptors of schemas."""
    names = [each.metadata["name"] for each in descriptors]
    marks = ", ".join(["%s"] * len(names))
    comments = {row[0]: row[1] for row in session.rows(statements.SCHEMAS, names, marks=marks)}
    return commented(descriptors, comments, quoted)


def check(session: Metastore, settings: Settings) -> Iterator[CheckResult]:
    """Try every statement of a run, about a table that is not there."""
    config = settings.connection.metastoreConnection
    host, _ = host_port(config.hostPort, 1)
    yield CheckResult("connect", "ok", f"Hive's metastore in {session.place} at {config.hostPort}")
    if not is_local(host) and not getattr(config, "sslConfig", None):
        why = f"nobody verifies who answers at {host}"
        yield CheckResult("encryption", "warning", why, "Set metastoreConnection.sslConfig.")
    trials = {
        Capability.TABLES: statements.TABLES,
        Capability.COLUMNS: statements.COLUMNS,
        Capability.PARTITIONS: statements.PARTITIONS,
        Capability.COMMENTS: statements.PARAMETERS,
    }
    for capability, text in trials.items():
        yield _tried(session, capability, text, [0])
    if session.keys:
        yield _tried(session, Capability.KEYS, statements.KEYS, [0, 0])
    else:
        yield CheckResult(Capability.KEYS, "warning", "this metastore is of a Hive before 2.1")
    if Wants.of(settings.options).ddl:
        yield CheckResult(Capability.DDL, "warning", NO_DDL)


def _tried(
    session: Metastore, capability: Capability, text: str, parameters: list[int]
) -> CheckResult:
    try:
        session.rows(text, parameters, marks="%s")
    except RayingestError as error:
        return CheckResult(capability, "denied", str(error), error.hint or GRANT)
    return CheckResult(capability, "ok")


METASTORE = Facts(
    connect=connect,
    databases=databases,
    listing=listing,
    describe={
        EntityType.DATABASE: named,
        EntityType.DATABASE_SCHEMA: schemas,
        EntityType.TABLE: tables,
    },
    check=check,
)
