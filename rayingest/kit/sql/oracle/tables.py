"""Describe tables, views and materialized views, hundreds at a time: three statements, more for what is rare."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rayingest.core import fqn
from rayingest.core.source import Described, EntityDescriptor, Failed, Processed
from rayingest.errors import Denied, Gone
from rayingest.kit.sql.facts import Wants
from rayingest.kit.sql.keys import NO_KEYS
from rayingest.kit.sql.oracle import columns, keys, partitions, texts
from rayingest.kit.sql.oracle.listing import MATERIALIZED, SEEN_AS_VIEW
from rayingest.kit.sql.oracle.names import quoted, told
from rayingest.kit.sql.oracle.session import Among, Key, OracleSession
from rayingest.model import Table, TableType

# A materialized view has a table of its own name; what is said of that one counts for nothing.
RELATIONS = """select t.owner, t.table_name, 'TABLE' as what, t.partitioned, t.temporary,
       x.table_name as external_name, m.comments
  from {v}_all_tables t
  left join {v}_external_tables x on x.owner = t.owner and x.table_name = t.table_name
  left join {v}_tab_comments m
    on m.owner = t.owner and m.table_name = t.table_name and m.table_type = 'TABLE'
 where {tables}
union all
select w.owner, w.view_name, 'VIEW', null, null, null, m.comments
  from {v}_views w
  left join {v}_tab_comments m
    on m.owner = w.owner and m.table_name = w.view_name and m.table_type = 'VIEW'
 where {views}
union all
select s.owner, s.mview_name, 'MATERIALIZED VIEW', null, null, null, m.comments
  from {v}_mviews s
  left join {v}_mview_comments m on m.owner = s.owner and m.mview_name = s.mview_name
 where {snapshots}"""
YES = {"YES", "Y"}


@dataclass(slots=True)
class Relation:
    """What the dictionary says of one relation beside its columns and keys."""

    what: str
    partitioned: bool
    temporary: bool
    external: bool
    comment: str | None
    text: str | None = None

    @property
    def kind(self) -> TableType:
        """OpenMetadata's word; rows of a temporary table belong to one session alone."""
        if self.what == MATERIALIZED:
            return TableType.MATERIALIZED_VIEW
        if self.what == "VIEW":
            return TableType.VIEW
        if self.external:
            return TableType.EXTERNAL
        if self.temporary:
            return TableType.LOCAL
        return TableType.PARTITIONED if self.partitioned else TableType.REGULAR


def tables(
    session: OracleSession, descriptors: Sequence[EntityDescriptor], wants: Wants
) -> Iterator[Processed]:
    """Answer each descriptor: a table, Gone when it was dropped, or why it cannot be read."""
    batch = _Batch(session, descriptors, wants)
    for each in descriptors:
        key = stored(each)
        if key not in batch.found:
            yield Failed(each, Gone(f"{quoted(*key)} was dropped after it was listed."))
        elif key not in batch.columns:
            hint = f"GRANT SELECT ON {quoted(*key)}, or SELECT_CATALOG_ROLE, TO the user;"
            yield Failed(each, Denied(f"{quoted(*key)} shows no columns.", hint=hint))
        else:
            yield Described(each, (batch.table(each, key),))


def stored(descriptor: EntityDescriptor) -> Key:
    """Owner and name as the dictionary has them."""
    metadata = descriptor.metadata
    return metadata["schema"], metadata.get("key") or metadata["name"]


class _Batch:
    """What the dictionary says of some relations."""

    def __init__(
        self, session: OracleSession, descriptors: Sequence[EntityDescriptor], wants: Wants
    ) -> None:
        self.exact = session.exact
        among = Among(stored(each) for each in descriptors)
        self.found = _relations(session, among)
        self.columns = columns.columns(session, among)
        self.types = columns.own_types(
            session, (row for rows in self.columns.values() for row in rows)
        )
        self.names = {
            key: columns.names(rows, exact=self.exact) for key, rows in self.columns.items()
        }
        database = fqn.join(*fqn.split(descriptors[0].scope)[:2])
        self.keys = keys.keys(session, among, database, self._spelled)
        parted = [key for key, each in self.found.items() if each.partitioned]
        self.partitions = partitions.partitions(session, parted)
        for key, text in self._texts(session, wants):
            self.found[key].text = text

    def _texts(self, session: OracleSession, wants: Wants) -> Iterator[tuple[Key, str]]:
        of = {
            what: [key for key, each in self.found.items() if each.what == what] for what in KINDS
        }
        for key, query in texts.views(session, of["VIEW"]).items():
            yield key, texts.statement("VIEW", key, [*self.names.get(key, ())], query)
        for key, query in texts.snapshots(session, of[MATERIALIZED]).items():
            yield key, texts.statement(MATERIALIZED, key, [*self.names.get(key, ())], query)
        if wants.ddl:
            yield from texts.ddl(session, of["TABLE"])

    def _spelled(self, table: Key, column: str) -> str:
        """What a key names and no column shows (an attribute, a hidden column) is told as it would be."""
        known = self.names.get(table, {})
        return known[column] if column in known else told(column, exact=self.exact)

    def table(self, descriptor: EntityDescriptor, key: Key) -> Table:
        relation, held = self.found[key], self.keys.get(key, NO_KEYS)
        rows, spelled = self.columns[key], self.names[key]
        shown = columns.told(rows, spelled, held, self.types, exact=self.exact)
        parts = self.partitions.get(key, ())
        types = {each.name: each.data_type for each in shown}
        return Table(
            name=descriptor.metadata["name"],
            fqn=descriptor.id,
            description=relation.comment or None,
            database_schema=descriptor.scope,
            table_type=relation.kind,
            columns=shown,
            constraints=held.of_table,
            partition=partitions.told(parts, spelled, types),
            schema_definition=relation.text,
        )


KINDS = (*SEEN_AS_VIEW, "TABLE")


def _relations(session: OracleSession, among: Among) -> dict[Key, Relation]:
    query = RELATIONS
    for part, owner, name in (
        ("{tables}", "t.owner", "t.table_name"),
        ("{views}", "w.owner", "w.view_name"),
        ("{snapshots}", "s.owner", "s.mview_name"),
    ):
        query = query.replace(part, among.where(owner, name))
    found: dict[Key, Relation] = {}
    # Tables first: a materialized view takes the place of its own.
    rows = sorted(session.rows(query, among.binds), key=lambda row: row[2] != "TABLE")
    for owner, name, what, partitioned, temporary, external, comment in rows:
        before = found.get((owner, name))
        found[owner, name] = Relation(
            what,
            partitioned in YES or (before is not None and before.partitioned),
            temporary in YES,
            external is not None,
            comment,
        )
    return found
