"""Describe tables, views, streams and stages, hundreds at a time: five statements, six with tags."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from rayingest.core import fqn
from rayingest.core.source import Described, EntityDescriptor, Failed, Processed
from rayingest.errors import Denied, Gone
from rayingest.kit.sql.facts import Wants
from rayingest.kit.sql.keys import NO_KEYS
from rayingest.kit.sql.scrub import scrub
from rayingest.kit.sql.snowflake.columns import column, columns
from rayingest.kit.sql.snowflake.keys import keys
from rayingest.kit.sql.snowflake.listing import KIND, VIEWS
from rayingest.kit.sql.snowflake.partitions import clustering
from rayingest.kit.sql.snowflake.session import Row, SnowSession, among, grouped, quoted
from rayingest.kit.sql.snowflake.streams import COLUMNS, streams, watched
from rayingest.kit.sql.snowflake.streams import KIND as STREAM
from rayingest.kit.sql.snowflake.tags import TableTags, table_tags
from rayingest.kit.sql.snowflake.texts import ddl
from rayingest.model import Owner, Table, TableType

Key = tuple[str, str]  # schema, name

# VIEWS alone knows of a view's text, and whether it is a secure one.
RELATIONS = f"""select table_schema, table_name, {KIND} as what, table_owner, comment,
       clustering_key, null as body, null as secure
  from {{views}}.tables where {{where}}
union all
select table_schema, table_name, 'VIEW', table_owner, comment, null, view_definition, is_secure
  from {{views}}.views where {{where}}
order by 1, 2, 3"""  # noqa: S608 - our own constants
STAGES = """select stage_schema, stage_name, stage_owner, comment, stage_url
  from {views}.stages where {where}"""
STAGE = "STAGE"
KINDS = {
    "VIEW": TableType.VIEW,
    "MATERIALIZED VIEW": TableType.MATERIALIZED_VIEW,
    "DYNAMIC": TableType.DYNAMIC,
    "ICEBERG": TableType.ICEBERG,
    "TRANSIENT": TableType.TRANSIENT,
    "EXTERNAL TABLE": TableType.EXTERNAL,
    STREAM: TableType.STREAM,
    STAGE: TableType.STAGE,
}
ASIDE = {STREAM, STAGE}  # neither TABLES nor COLUMNS tells of them
# They can have no keys.
KEYLESS = VIEWS | ASIDE | {"EXTERNAL TABLE"}


@dataclass(slots=True)
class Relation:
    """What the server says of one relation beside its keys and tags."""

    kind: str
    owner: str | None
    comment: str | None
    clustering: str | None = None
    text: str | None = None
    secure: bool = False
    url: str | None = None
    columns: list[Row] = field(default_factory=list)


def tables(
    session: SnowSession, descriptors: Sequence[EntityDescriptor], wants: Wants
) -> Iterator[Processed]:
    """Answer each descriptor: a table, Gone when it was dropped, or why it cannot be read."""
    batch = _Batch(session, descriptors, wants)
    for each in descriptors:
        key = _key(each)
        relation = batch.found.get(key)
        if relation is None:
            yield Failed(each, Gone(f"{quoted(*key)} was dropped after it was listed."))
        elif not relation.columns and relation.kind != STAGE:
            what = "VIEW" if relation.kind in VIEWS else "TABLE"
            hint = f"GRANT REFERENCES ON {what} {quoted(session.database, *key)} TO the role;"
            yield Failed(each, Denied(f"{quoted(*key)} shows no columns to the role.", hint=hint))
        else:
            yield Described(each, (batch.table(each, key, relation),))


class _Batch:
    """What the server says of some relations of one database."""

    def __init__(
        self, session: SnowSession, descriptors: Sequence[EntityDescriptor], wants: Wants
    ) -> None:
        self.wants = wants
        wanted: dict[str, list[Key]] = defaultdict(list)
        for each in descriptors:
            kind = each.metadata.get("kind", "")
            wanted[kind if kind in ASIDE else ""].append(_key(each))
        self.found = _relations(session, wanted[""])
        self.found |= _streams(session, wanted[STREAM]) | _stages(session, wanted[STAGE])
        plain = sorted(key for key, each in self.found.items() if each.kind not in KEYLESS)
        service = fqn.join(fqn.split(descriptors[0].scope)[0])
        self.keys = keys(session, plain, service)
        self.tags: TableTags = table_tags(session, grouped(self.found)) if wants.tags else {}
        asked = [(key, each.kind) for key, each in self.found.items() if self._has_ddl(each)]
        for key, text in ddl(session, asked):
            self.found[key].text = text

    def _has_ddl(self, relation: Relation) -> bool:
        """VIEWS may lack the texts of materialized views; those of tables are wanted by includeDDL."""
        if relation.kind in VIEWS:
            return relation.kind == "MATERIALIZED VIEW" and relation.text is None
        return self.wants.ddl and relation.kind != STAGE

    def table(self, descriptor: EntityDescriptor, key: Key, relation: Relation) -> Table:
        held, tags = self.keys.get(key, NO_KEYS), self.tags.get(key, {})
        told = tuple(
            [column(row, place, held, tags) for place, row in enumerate(relation.columns, 1)]
        )
        parts = clustering(relation.clustering, {each.name for each in told})
        kind = KINDS.get(relation.kind, TableType.REGULAR)
        if kind is TableType.VIEW and relation.secure:
            kind = TableType.SECURE_VIEW
        elif kind is TableType.REGULAR and parts:
            kind = TableType.PARTITIONED
        owner = relation.owner if self.wants.owners else None
        return Table(
            name=key[1],
            fqn=descriptor.id,
            description=relation.comment or None,
            owners=(Owner(name=owner),) if owner else (),
            tags=tuple(tags.get(None, ())),
            database_schema=descriptor.scope,
            table_type=kind,
            columns=told,
            constraints=held.of_table,
            partition=parts,
            schema_definition=relation.text,
            location_path=relation.url,
        )


def _relations(session: SnowSession, wanted: Iterable[Key]) -> dict[Key, Relation]:
    """TABLES and VIEWS together: a view that both tell of is one, of the kind that TABLES says."""
    names = grouped(wanted)
    if not names:
        return {}
    where, parameters = among("table_schema", "table_name", names)
    query = RELATIONS.format(views=session.views, where=where)
    found: dict[Key, Relation] = {}
    for schema, name, kind, owner, comment, cluster, text, secure in session.rows(
        query, [*parameters, *parameters]
    ):
        each = found.setdefault((schema, name), Relation(kind, owner, comment, cluster))
        each.comment = each.comment or comment
        each.text = each.text or (scrub(text) if text else None)
        each.secure = each.secure or secure == "YES"
    for key, rows in columns(session, found).items():
        found[key].columns = rows
    return found


def _streams(session: SnowSession, wanted: Iterable[Key]) -> dict[Key, Relation]:
    told = streams(session, wanted)
    sources = {key: watched(each) for key, each in told.items()}
    theirs: dict[str, dict[Key, list[Row]]] = {}
    for database in sorted({each[0] for each in sources.values() if each}):
        names = {each[1] for each in sources.values() if each and each[0] == database}
        theirs[database] = columns(session, names, database)
    found: dict[Key, Relation] = {}
    for key, each in told.items():
        source = sources[key]
        rows = theirs[source[0]].get(source[1], []) if source else []
        found[key] = Relation(STREAM, each["owner"], each["comment"], columns=[*rows, *COLUMNS])
    return found


def _stages(session: SnowSession, wanted: Iterable[Key]) -> dict[Key, Relation]:
    names = grouped(wanted)
    if not names:
        return {}
    where, parameters = among("stage_schema", "stage_name", names)
    rows = session.rows(STAGES.format(views=session.views, where=where), parameters)
    return {
        (schema, name): Relation(STAGE, owner, comment, url=url or None)
        for schema, name, owner, comment, url in rows
    }


def _key(descriptor: EntityDescriptor) -> Key:
    return descriptor.metadata["schema"], descriptor.metadata["name"]
