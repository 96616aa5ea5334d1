"""Describe relations, hundreds at a time: four statements on the leader node, and one an external schema.

* attisdistkey, attsortkeyord: what PG_TABLE_DEF tells, which looks along the search path only
  (https://docs.aws.amazon.com/redshift/latest/dg/r_PG_TABLE_DEF.html)
* relnatts is 0 for a late-binding view: its columns are looked up when it is read
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter

from rayingest.core import fqn
from rayingest.core.source import Described, EntityDescriptor, Failed, Processed
from rayingest.errors import Gone, RayingestError
from rayingest.kit.sql.facts import Wants
from rayingest.kit.sql.keys import Keys
from rayingest.kit.sql.postgres.session import Row
from rayingest.kit.sql.redshift import ddl
from rayingest.kit.sql.redshift.external import external
from rayingest.kit.sql.redshift.keys import KEYS, distribution, keys
from rayingest.kit.sql.redshift.listing import EXTERNAL
from rayingest.kit.sql.redshift.session import LateColumns, RedshiftSession, quoted
from rayingest.kit.sql.redshift.shapes import shape
from rayingest.kit.sql.reflected.shapes import column
from rayingest.kit.sql.scrub import scrub
from rayingest.model import Column, ColumnConstraint, Table, TableType

KINDS = {
    "r": TableType.REGULAR,
    "p": TableType.PARTITIONED,
    "f": TableType.FOREIGN,
    "v": TableType.VIEW,
    "m": TableType.MATERIALIZED_VIEW,
}
RELATIONS = """
select c.oid, n.nspname, c.relname, c.relkind, pg_catalog.pg_get_userbyid(c.relowner), c.relnatts,
       c.reldiststyle, case when c.relkind in ('v', 'm') then pg_catalog.pg_get_viewdef(c.oid) end
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where c.oid in ({oids})
"""
COLUMNS = """
select a.attrelid, a.attname, a.attnum, pg_catalog.format_type(a.atttypid, a.atttypmod),
       a.attnotnull, a.attisdistkey, a.attsortkeyord
  from pg_catalog.pg_attribute a
 where a.attrelid in ({oids}) and a.attnum > 0 and not a.attisdropped
 order by a.attrelid, a.attnum
"""
COMMENTS = """
select d.objoid, d.objsubid, d.description from pg_catalog.pg_description d
 where d.objoid in ({oids}) and d.classoid = 1259
 order by d.objoid
"""
_CREATE = re.compile(r"\s*create\s+(?:or\s+replace\s+)?(materialized\s+)?view\b", re.IGNORECASE)
NULL, NOT_NULL = ColumnConstraint.NULL, ColumnConstraint.NOT_NULL


def tables(
    session: RedshiftSession, descriptors: Sequence[EntityDescriptor], wants: Wants
) -> Iterator[Processed]:
    """Answer each descriptor: a table, or Gone when it was dropped or renamed since it was listed."""
    outside = [each for each in descriptors if each.metadata["kind"].startswith(EXTERNAL)]
    inside = [each for each in descriptors if "key" in each.metadata]
    yield from external(session, outside)
    if not inside:
        return
    batch = _Batch(session, inside, wants)
    for each in inside:
        name = each.metadata
        row = batch.relations.get(int(name["key"]))
        if row is None or row[1] != name["schema"] or row[2] != name["name"]:
            what = "was dropped" if row is None else "was renamed or moved"
            yield Failed(each, Gone(f"{each.id} {what} after it was listed."))
        elif _is_late(row) and isinstance(batch.late, RayingestError):
            yield Failed(each, batch.late)
        else:
            yield Described(each, (batch.table(each, row),))


class _Batch:
    """What the catalogue says of a batch, by relation."""

    def __init__(
        self, session: RedshiftSession, descriptors: Sequence[EntityDescriptor], wants: Wants
    ) -> None:
        oids = [int(each.metadata["key"]) for each in descriptors]
        self.wants = wants
        self.database = fqn.join(*fqn.split(descriptors[0].scope)[:2])
        self.relations = {row[0]: row for row in session.ask(RELATIONS, oids=oids)}
        self.attributes = _by_relation(session.ask(COLUMNS, oids=oids))
        self.comments = _by_relation(session.ask(COMMENTS, oids=oids))
        self.constraints = _by_relation(session.ask(KEYS, oids=oids))
        self.special = ddl.special(session, oids) if wants.ddl else {}
        late = any(_is_late(row) for row in self.relations.values())
        self.late: LateColumns | RayingestError = session.late() if late else {}

    def table(self, descriptor: EntityDescriptor, row: Row) -> Table:
        oid, schema, name, kind, owner, _, style, text = row
        attributes = self.attributes.get(oid, [])
        comments = {each[1]: each[2] for each in self.comments.get(oid, [])}
        names = {each[2]: each[1] for each in attributes}
        found = keys(self.constraints.get(oid, []), names, self.database)
        definition = view(quoted(schema, name), text) if text is not None else None
        if definition is None and self.wants.ddl and kind == "r":
            parts = ddl.Parts(attributes, self.special, found, style)
            definition = ddl.definition(quoted(schema, name), parts)
        return Table(
            name=name,
            fqn=descriptor.id,
            description=comments.get(0),
            database_schema=descriptor.scope,
            table_type=_kind(kind, text),
            columns=self._columns(row, comments, found),
            constraints=(*found.of_table, *distribution(attributes)),
            schema_definition=scrub(definition) if definition else None,
            owners=self.wants.owned(owner),
        )

    def _columns(self, row: Row, comments: Mapping[int, str], found: Keys) -> tuple[Column, ...]:
        if not _is_late(row):
            return _columns(self.attributes.get(row[0], []), comments, found)
        told = {} if isinstance(self.late, RayingestError) else self.late
        return tuple(
            column(name, shape(kind), constraint=NULL, ordinal_position=place)
            for place, (name, kind) in enumerate(told.get((row[1], row[2]), ()), 1)
        )


def view(name: str, text: str) -> str:
    """The statement that makes a view: of late-binding and materialized ones it is kept as it was said."""
    return text.strip() if _CREATE.match(text) else f"create view {name} as {text.strip()}"


def _kind(kind: str, text: str | None) -> TableType:
    said = _CREATE.match(text or "")
    return TableType.MATERIALIZED_VIEW if said and said[1] else KINDS[kind]


def _is_late(row: Row) -> bool:
    return bool(row[3] == "v" and row[5] == 0)


def _columns(
    attributes: Sequence[Row], comments: Mapping[int, str], found: Keys
) -> tuple[Column, ...]:
    return tuple(
        column(
            name,
            shape(kind),
            constraint=found.constraint(name, required=required),
            ordinal_position=place,
            description=comments.get(number),
        )
        for place, (_, name, number, kind, required, *_) in enumerate(attributes, 1)
    )


def _by_relation(rows: Sequence[Row]) -> dict[int, list[Row]]:
    """Rows come sorted by relation, which is their first field."""
    return {oid: list(group) for oid, group in groupby(rows, key=itemgetter(0))}
