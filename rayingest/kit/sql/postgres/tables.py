"""Describe relations, hundreds at a time: four statements in one round trip.

No statement joins pg_description or sorts what the client can look up: measured on 10,000 tables,
the server is twice as fast when each catalogue is asked alone, by its own index.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter

from rayingest.core.source import Described, EntityDescriptor, Failed, Processed
from rayingest.errors import Gone, Permanent
from rayingest.kit.sql.facts import Wants
from rayingest.kit.sql.postgres import ddl, keys
from rayingest.kit.sql.postgres.errors import classify
from rayingest.kit.sql.postgres.partitions import PARTITION, PARTITIONED, partition
from rayingest.kit.sql.postgres.policies import NUMBER, POLICIES, tags
from rayingest.kit.sql.postgres.session import PgSession, Row
from rayingest.kit.sql.postgres.shapes import learn
from rayingest.kit.sql.scrub import scrub
from rayingest.model import Column, ColumnConstraint, Owner, Table, TableType

KINDS = {
    "r": TableType.REGULAR,
    "p": TableType.PARTITIONED,
    "v": TableType.VIEW,
    "m": TableType.MATERIALIZED_VIEW,
    "f": TableType.FOREIGN,
}
CREATE = {"v": "create view", "m": "create materialized view"}

# Composed of our own constants only.
_RELATIONS = """
select c.oid, n.nspname, c.relname, c.relkind::text,
       case when %s then pg_catalog.pg_get_userbyid(c.relowner) end,
       pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname),
       case when c.relkind in ('v', 'm') then pg_catalog.pg_get_viewdef(c.oid) end,
       {columns}
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  {joins}
 where c.oid = any(%s::oid[])
"""
RELATIONS = _RELATIONS.format(columns=PARTITION, joins=PARTITIONED)
DEFINED = _RELATIONS.format(
    columns=f"{PARTITION}, {ddl.RELATION}", joins=f"{PARTITIONED}\n  {ddl.FOREIGN}"
)
# The type and its modifier in one number: the key of `PgSession.shapes`.
COLUMNS = """
select a.attrelid, a.attname, a.attnum,
       a.atttypid::int8 << 32 | (a.atttypmod & 4294967295::int8), a.attnotnull
  from pg_catalog.pg_attribute a
 where a.attrelid = any(%s::oid[]) and a.attnum > 0 and not a.attisdropped
 order by a.attrelid, a.attnum
"""
COMMENTS = """
select d.objoid, d.objsubid, d.description from pg_catalog.pg_description d
 where d.objoid = any(%s::oid[]) and d.classoid = 1259
"""
# Whoever wants no tags need not be allowed to read policies.
TAGLESS, TAGGED = f"{COMMENTS} order by 1", f"{COMMENTS} union all {POLICIES} order by 1"
NULL, NOT_NULL = ColumnConstraint.NULL, ColumnConstraint.NOT_NULL


def tables(
    session: PgSession, descriptors: Sequence[EntityDescriptor], wants: Wants
) -> Iterator[Processed]:
    """Answer each descriptor: a table, or Gone when it was dropped or renamed since it was listed."""
    try:
        batch = _Batch(session, descriptors, wants)
    except Exception as error:
        if len(descriptors) == 1 and isinstance(classify(error), Gone):
            _blame(session, descriptors[0], error)
        raise
    for descriptor in descriptors:
        name = descriptor.metadata
        row = batch.relations.get(int(name["key"]))
        if row is None or row[1] != name["schema"] or row[2] != name["name"]:
            what = "was dropped" if row is None else "was renamed or moved"
            yield Failed(descriptor, Gone(f"{descriptor.id} {what} after it was listed."))
        else:
            yield Described(descriptor, (batch.table(descriptor, row),))


def _blame(session: PgSession, descriptor: EntityDescriptor, error: Exception) -> None:
    """Tell a relation that vanished from one whose own definition speaks of what has vanished."""
    query = "select from pg_catalog.pg_class where oid = %s::oid"
    if session.rows(query, [descriptor.metadata["key"]]):
        text = " ".join(str(error).split())
        raise Permanent(
            f"The server cannot describe {descriptor.id}: {text}",
            hint="Its definition refers to something that was dropped; recreate or drop it.",
        ) from error


class _Batch:
    """What the catalogue says of a batch, by relation."""

    def __init__(
        self, session: PgSession, descriptors: Sequence[EntityDescriptor], wants: Wants
    ) -> None:
        # One text for all statements: psycopg would write the list of numbers once for each.
        oids = "{" + ",".join([each.metadata["key"] for each in descriptors]) + "}"
        queries: list[tuple[str, Sequence[object]]] = [
            (DEFINED if wants.ddl else RELATIONS, [wants.owners, oids]),
            (COLUMNS, [oids]),
            (TAGGED, [oids, oids]) if wants.tags else (TAGLESS, [oids]),
            (keys.DEFINED if wants.ddl else keys.KEYS, [oids]),
        ]
        if wants.ddl:
            queries.append((ddl.COLUMNS, [oids]))
        relations, attributes, comments, constraints, *rest = session.pipeline(queries)
        learn(session, {row[3] for row in attributes})
        self.shapes = session.shapes
        self.classification = session.classification
        self.references = keys.References(descriptors[0].scope)
        self.relations = {row[0]: row for row in relations}
        self.attributes = _by_relation(attributes)
        self.comments = _by_relation(comments)
        self.constraints = _by_relation(constraints)
        self.special = _by_relation(rest[0]) if wants.ddl else None

    def table(self, descriptor: EntityDescriptor, row: Row) -> Table:
        oid, _, name, kind, owner, quoted, view, *rest = row
        attributes = self.attributes.get(oid, [])
        told = self.comments.get(oid, [])
        comments = {each[1]: each[2] for each in told}
        constraints = self.constraints.get(oid, [])
        found = keys.Keys.of(constraints, attributes, self.references) if constraints else None
        definition = f"{CREATE[kind]} {quoted} as {view}" if view is not None else None
        if definition is None and self.special is not None:
            parts = ddl.Parts(rest[4:], self.special.get(oid, []), constraints)
            definition = ddl.definition(quoted, kind, attributes, self.shapes, parts)
        return Table(
            name=name,
            fqn=descriptor.id,
            description=comments.get(0),
            database_schema=descriptor.scope,
            table_type=KINDS[kind],
            columns=self._columns(attributes, comments, found.of_columns if found else {}),
            constraints=found.of_table if found else (),
            partition=partition(rest[:4], attributes) if rest[0] else (),
            schema_definition=scrub(definition) if definition else None,
            owners=(Owner(name=owner),) if owner else (),
            tags=tags(told, self.classification) if NUMBER in comments else (),
        )

    def _columns(
        self, attributes: list[Row], comments: dict[int, str], single: dict[int, ColumnConstraint]
    ) -> tuple[Column, ...]:
        """The inner loop of the whole connector: 148,000 turns for 10,000 tables."""
        shapes = self.shapes
        columns = []
        for ordinal, (_, name, number, type_key, required) in enumerate(attributes, 1):
            data_type, display, element, length, precision, scale, children = shapes[type_key]
            columns.append(
                Column(
                    name=name,
                    data_type=data_type,
                    data_type_display=display,
                    array_data_type=element,
                    data_length=length,
                    precision=precision,
                    scale=scale,
                    constraint=single.get(number) or (NOT_NULL if required else NULL),
                    ordinal_position=ordinal,
                    description=comments.get(number),
                    children=children,
                )
            )
        return tuple(columns)


def _by_relation(rows: list[Row]) -> dict[int, list[Row]]:
    """Rows come sorted by relation, which is their first field."""
    return {oid: list(group) for oid, group in groupby(rows, key=itemgetter(0))}
