"""A SQLAlchemy dialect as a `Facts` value: `reflected(Reflected(...))`."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby

from rayingest.core import fqn
from rayingest.core.source import (
    Capability,
    CheckResult,
    Described,
    EntityDescriptor,
    Failed,
    Processed,
    Settings,
)
from rayingest.errors import Denied, Gone, RayingestError, Retryable
from rayingest.kit.sql.containers import named
from rayingest.kit.sql.facts import Facts, Found, Wants
from rayingest.kit.sql.keys import NO_KEYS, Foreign, Keys
from rayingest.kit.sql.reflected import lookups
from rayingest.kit.sql.reflected.check import check
from rayingest.kit.sql.reflected.session import Connect, ReflectedSession, classify, open_session
from rayingest.kit.sql.reflected.shapes import column, shape, text_of
from rayingest.kit.sql.scrub import scrub
from rayingest.model import EntityType, Table, TableType

KINDS = {lookups.VIEW: TableType.VIEW, lookups.MATERIALIZED: TableType.MATERIALIZED_VIEW}
# PostgreSQL's catalogue is scanned whole per call from some 60 names on: fewer, or all of a schema.
MANY = 50


def always_default(settings: Settings) -> str:
    """What OpenMetadata calls the database of systems that have none."""
    return "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reflected:
    """How one kind of database is read through SQLAlchemy; every lookup can be replaced.

    * `extra` is the pip extra with dialect and driver; `connect` builds the URL from the config.
    * `database` names the database in the catalogue; `hidden` schemas are left out.
    * `chunk` tables are looked up at once; None: 50 where the dialect reads many in one
      statement, else one by one.
    * `rights` is the hint when something is denied: what the account must be given.
    """

    extra: str
    connect: Callable[[Settings], Connect]
    database: Callable[[Settings], str] = always_default
    hidden: frozenset[str] = frozenset({"information_schema"})
    schemas: Callable[[ReflectedSession], Iterable[str]] = lookups.reflected_schemas
    members: lookups.Members = lookups.reflected_members
    columns: lookups.Columns = lookups.reflected_columns
    keys: lookups.Keys = lookups.reflected_keys
    comments: lookups.Texts = lookups.reflected_comments
    definitions: lookups.Texts = lookups.reflected_definitions
    ddl: lookups.Texts | None = None
    chunk: int | None = None
    rights: str | None = None


def reflected(how: Reflected) -> Facts:
    """The functions that the SQL kit asks for."""
    return Facts(
        connect=partial(_connect, how),
        databases=_databases,
        listing=partial(_schemas, how),
        members=partial(_members, how),
        describe={
            EntityType.DATABASE: named,
            EntityType.DATABASE_SCHEMA: named,
            EntityType.TABLE: partial(_describe_tables, how),
        },
        classify=partial(_classify, how),
        check=partial(_check, how),
    )


def _classify(how: Reflected, error: Exception) -> RayingestError | None:
    known = classify(error)
    if isinstance(known, Denied):
        known.hint = known.hint or how.rights
    return known


def _connect(how: Reflected, settings: Settings, database: str | None) -> ReflectedSession:
    name = database or how.database(settings)
    return open_session(settings, how.extra, how.connect, name)


def _databases(session: ReflectedSession, settings: Settings) -> Iterator[Found]:
    yield Found(EntityType.DATABASE, "", session.database)


def _schemas(how: Reflected, session: ReflectedSession, wants: Wants) -> Iterator[Found]:
    session.refresh()
    for name in how.schemas(session):
        if name == session.schema or (session.schema is None and name not in how.hidden):
            yield Found(EntityType.DATABASE_SCHEMA, name, name)


def _members(
    how: Reflected, session: ReflectedSession, wants: Wants, schema: str
) -> Iterator[Found]:
    session.refresh()
    for name, kind in how.members(session, schema):
        if wants.views if kind in KINDS else wants.tables:
            yield Found(EntityType.TABLE, schema, name, kind)


def _describe_tables(
    how: Reflected,
    session: ReflectedSession,
    descriptors: Sequence[EntityDescriptor],
    wants: Wants,
) -> Iterator[Processed]:
    """Answer chunk by chunk; the tables of a chunk that cannot be read are asked one by one."""
    size = how.chunk or (MANY if session.reads_many else 1)
    session.refresh()
    in_order = sorted(descriptors, key=lambda each: each.metadata["schema"])
    for schema, group in groupby(in_order, key=lambda each: each.metadata["schema"]):
        batch = list(group)
        for start in range(0, len(batch), size):
            yield from _chunk(how, session, schema, batch[start : start + size], wants)
    session.refresh()


def _chunk(
    how: Reflected,
    session: ReflectedSession,
    schema: str,
    chunk: Sequence[EntityDescriptor],
    wants: Wants,
) -> Iterator[Processed]:
    try:
        answers = _answers(how, session, schema, chunk, wants)
    except Exception as error:
        known = error if isinstance(error, RayingestError) else _classify(how, error)
        if known is None or isinstance(known, Retryable):
            raise
        session.refresh()
        if len(chunk) == 1:
            yield Failed(chunk[0], known)
        else:
            for each in chunk:
                yield from _chunk(how, session, schema, [each], wants)
        return
    yield from answers


def _answers(
    how: Reflected,
    session: ReflectedSession,
    schema: str,
    chunk: Sequence[EntityDescriptor],
    wants: Wants,
) -> list[Processed]:
    names = [each.metadata["name"] for each in chunk]
    views = [each.metadata["name"] for each in chunk if each.metadata.get("kind") in KINDS]
    plain = [name for name in names if name not in set(views)]
    columns = how.columns(session, schema, names)
    keys = how.keys(session, schema, plain) if plain else {}
    comments = how.comments(session, schema, names)
    texts = dict(how.definitions(session, schema, views)) if views else {}
    if wants.ddl and how.ddl and plain:
        texts |= how.ddl(session, schema, plain)
    dialect = session.engine.dialect
    answers: list[Processed] = []
    for each in chunk:
        name = each.metadata["name"]
        if name not in columns:
            gone = Gone(f"{each.id} was dropped after it was listed.")
            answers.append(Failed(each, gone))
            continue
        found = _keys(keys.get(name), each.scope)
        table = Table(
            name=name,
            fqn=each.id,
            description=comments.get(name),
            database_schema=each.scope,
            table_type=KINDS.get(each.metadata.get("kind", ""), TableType.REGULAR),
            columns=tuple(
                column(
                    row.name,
                    shape(text_of(row.type, dialect)),
                    constraint=found.constraint(row.name, required=not row.nullable),
                    ordinal_position=place,
                    description=row.comment or None,
                )
                for place, row in enumerate(columns[name], 1)
            ),
            constraints=found.of_table,
            schema_definition=scrub(texts[name]) if texts.get(name) else None,
        )
        answers.append(Described(each, (table,)))
    return answers


def _keys(row: lookups.KeyRow | None, scope: str) -> Keys:
    if row is None:
        return NO_KEYS
    database = fqn.join(*fqn.split(scope)[:2])
    foreign = [
        Foreign(
            each.columns,
            fqn.child(database, each.schema, each.table)
            if each.schema
            else fqn.child(scope, each.table),
            each.referred,
        )
        for each in row.foreign
    ]
    return Keys.of(row.primary, row.unique, foreign)


def _check(how: Reflected, session: ReflectedSession, settings: Settings) -> Iterator[CheckResult]:
    """Connect, list the schemas, and try the queries of one's own."""
    yield CheckResult("connect", "ok", f"{session.engine.dialect.name} {session.database}")
    count = partial(_counted, how, session)
    asked: Mapping[Capability, lookups.Lookup] = {
        Capability.TABLES: how.members,
        Capability.COLUMNS: how.columns,
        Capability.KEYS: how.keys,
        Capability.COMMENTS: how.comments,
        Capability.VIEWS: how.definitions,
    }
    yield from check(session, count, asked, partial(_classify, how))


def _counted(how: Reflected, session: ReflectedSession) -> str:
    return f"{sum(1 for _ in _schemas(how, session, Wants()))} schemas"
