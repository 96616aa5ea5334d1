"""What there is: catalogs are databases; their schemas are listed one by one, in parallel."""

from collections.abc import Iterator

from rayingest.core.source import Settings
from rayingest.errors import Denied
from rayingest.kit.sql.facts import Found, Wants
from rayingest.kit.sql.trino.session import TrinoSession
from rayingest.kit.sql.trino.text import literal, quoted
from rayingest.model import EntityType

# Catalogs and schemas of the cluster itself.
HIDDEN_CATALOGS = {"system", "jmx"}
HIDDEN_SCHEMAS = {"information_schema"}
SCHEMATA = "select schema_name from {catalog}.information_schema.schemata"
TABLES = """select table_name, table_type from {catalog}.information_schema.tables
 where table_schema = {schema}"""
# To the information schema they are tables like others: https://github.com/trinodb/trino/issues/8207
MATERIALIZED = """select name from system.metadata.materialized_views
 where catalog_name = {catalog} and schema_name = {schema}"""
VIEW, MATERIALIZED_VIEW = "VIEW", "MATERIALIZED VIEW"


def databases(session: TrinoSession, settings: Settings) -> Iterator[Found]:
    """The catalog of the config, or all."""
    only = settings.connection.catalog
    for each in (only,) if only else sorted(session.catalogs):
        if each == only or each not in HIDDEN_CATALOGS:
            yield Found(EntityType.DATABASE, "", each)


def listing(session: TrinoSession, wants: Wants) -> Iterator[Found]:
    """The schemas of a catalog; one that fails raises why, and is never an empty one."""
    rows = session.rows(SCHEMATA.format(catalog=quoted(session.database)))
    names = {str(row[0]) for row in rows}
    if session.schema and session.alone and session.schema not in names:
        raise Denied(
            f"{quoted(session.database)} has no schema {session.schema!r}, or user {session.user!r} may"
            " not see it.",
            hint="`SHOW SCHEMAS` lists them; databaseSchema must be one of them, or absent.",
        )
    for each in sorted(names & {session.schema} if session.schema else names - HIDDEN_SCHEMAS):
        yield Found(EntityType.DATABASE_SCHEMA, each, each)


def members(session: TrinoSession, wants: Wants, schema: str) -> Iterator[Found]:
    """Tables and views of a schema: a statement that names one makes Trino look into no other."""
    if not (wants.tables or wants.views):
        return
    catalog, place = quoted(session.database), literal(schema)
    kinds = {
        str(row[0]): str(row[1])
        for row in session.rows(TABLES.format(catalog=catalog, schema=place))
    }
    if "materialized_views" in session.metadata and kinds:
        statement = MATERIALIZED.format(catalog=literal(session.database), schema=place)
        for (name,) in session.rows(statement):
            kinds[name] = MATERIALIZED_VIEW
    for name, kind in sorted(kinds.items()):
        if wants.tables if kind not in (VIEW, MATERIALIZED_VIEW) else wants.views:
            yield Found(EntityType.TABLE, schema, name, kind)
