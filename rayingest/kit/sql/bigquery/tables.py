"""Describe tables and views: a few statements for hundreds of them, whatever dataset they lie in."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from rayingest.core import fqn
from rayingest.core.source import Described, EntityDescriptor, Failed, Processed
from rayingest.errors import Denied, Gone, RayingestError
from rayingest.kit.sql.bigquery import queries
from rayingest.kit.sql.bigquery.columns import (
    Fields,
    Said,
    clustering,
    columns,
    partition,
    shards,
)
from rayingest.kit.sql.bigquery.errors import READ
from rayingest.kit.sql.bigquery.listing import SHARDS
from rayingest.kit.sql.bigquery.options import Options
from rayingest.kit.sql.bigquery.queries import ask
from rayingest.kit.sql.bigquery.session import BigQuerySession, Row, quoted, spread
from rayingest.kit.sql.facts import Wants
from rayingest.kit.sql.keys import NO_KEYS, Foreign, Keys
from rayingest.kit.sql.scrub import scrub
from rayingest.model import PartitionColumn, Table, TableConstraint, TableType, Tag

Key = tuple[str, str]  # dataset, name

KINDS = {
    "VIEW": TableType.VIEW,
    "MATERIALIZED VIEW": TableType.MATERIALIZED_VIEW,
    "EXTERNAL": TableType.EXTERNAL,
}
TEXTS = ("VIEW", "MATERIALIZED VIEW")  # whose text is what they are
# Making up DDL takes Google a while: only where it is wanted. bqemulator has no such column.
DDL = {True: "t.ddl", False: "if(t.table_type = 'MATERIALIZED VIEW', t.ddl, null)"}


def tables(
    session: BigQuerySession, descriptors: Sequence[EntityDescriptor], wants: Wants
) -> Iterator[Processed]:
    """Answer each descriptor: a Table, or why there is none."""
    keys = [_key(each) for each in descriptors]
    batch = _Batch(session, keys, wants)
    for key, descriptor in zip(keys, descriptors, strict=True):
        error = batch.why_not(key)
        if error is None:
            yield Described(descriptor, (batch.table(descriptor, key),))
        else:
            yield Failed(descriptor, error)


def _key(descriptor: EntityDescriptor) -> Key:
    """What to ask for: of tables by day the newest."""
    told = descriptor.metadata
    return told["schema"], told.get("key") or told["name"]


class _Batch:
    """What INFORMATION_SCHEMA says of some tables."""

    def __init__(self, session: BigQuerySession, keys: Sequence[Key], wants: Wants) -> None:
        self.session = session
        self.wants = wants
        ddl = "null" if session.emulated else DDL[wants.ddl]
        rows = ask(session, queries.TABLES, spread(keys), ddl=ddl)
        self.tables: dict[Key, Row] = {(row[0], row[1]): row for row in rows}
        self.columns: dict[Key, list[Row]] = defaultdict(list)
        for row in ask(session, queries.COLUMNS, spread(self.tables)):
            self.columns[row[0], row[1]].append(row)
        for each in self.columns.values():
            each.sort(key=lambda row: row[3] or 0)
        self.fields: dict[Key, dict[str, Said]] = defaultdict(dict)
        for row in ask(session, queries.FIELDS, spread(self.tables)):
            self.fields[row[0], row[1]][row[2]] = Said(row[3], tuple(row[4] or ()))
        self.options: dict[Key, list[tuple[str, str]]] = defaultdict(list)
        for row in ask(session, queries.OPTIONS, spread(self.tables)):
            self.options[row[0], row[1]].append((row[2], row[3]))
        views = spread(key for key, row in self.tables.items() if row[2] == "VIEW")
        self.views = {(row[0], row[1]): row[2] for row in ask(session, queries.VIEWS, views)}
        self.keys: dict[Key, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
        plain = spread(key for key, row in self.tables.items() if row[2] not in TEXTS)
        for row in ask(session, queries.KEYS, plain):
            self.keys[row[0], row[1]][row[2]].append(row)

    def why_not(self, key: Key) -> RayingestError | None:
        """A table without a row was dropped; a table may have no columns, a view has some."""
        if key not in self.tables:
            return Gone(f"{quoted(*key)} was dropped after it was listed.")
        if not self.columns.get(key) and self.tables[key][2] in TEXTS:
            return Denied(
                f"The columns of {quoted(*key)} are hidden from this account.",
                hint=f"Grant {READ} on the dataset, or on the project.",
            )
        return None

    def table(self, descriptor: EntityDescriptor, key: Key) -> Table:
        kind, rows = self.tables[key][2], self.columns[key]
        options = Options.of(self.options.get(key, ()), labels=self.wants.tags)
        keys = self._keys(key, fqn.join(*fqn.split(descriptor.scope)[:2]))
        word, _, more = descriptor.metadata.get("kind", "").partition("/")
        many = int(more) if word == SHARDS else 0
        parts = shards() if many else partition(rows, more)
        fields: Fields = self.fields.get(key, {})
        return Table(
            name=descriptor.metadata["name"],
            fqn=descriptor.id,
            display_name=options.display_name,
            description=_description(options.description, key[1], many),
            tags=options.tags,
            database_schema=descriptor.scope,
            table_type=KINDS.get(kind) or _stored(parts),
            columns=columns(rows, fields, keys, self._policy_tags),
            constraints=(*keys.of_table, *_clustered(rows)),
            partition=parts,
            schema_definition=self._definition(key),
            location_path=options.location,
        )

    def _policy_tags(self, names: Sequence[str]) -> tuple[Tag, ...]:
        return self.session.policy_tags(names) if self.wants.tags else ()

    def _definition(self, key: Key) -> str | None:
        """Google's DDL, where it was asked for; else the text of a view."""
        if ddl := self.tables[key][3]:
            return scrub(ddl)
        text = self.views.get(key)
        return scrub(f"create view {quoted(*key)} as {text}") if text else None

    def _keys(self, key: Key, project: str) -> Keys:
        primary: list[str] = []
        foreign: list[Foreign] = []
        for rows in self.keys.get(key, {}).values():
            rows.sort(key=lambda row: row[3])
            names = [row[4] for row in rows]
            if rows[0][5] is None:
                primary = names
            elif rows[0][6] is not None:  # else it refers to what this account may not see
                target = fqn.child(project, key[0], rows[0][6])
                foreign.append(Foreign(names, target, [row[7] for row in rows]))
        return Keys.of(primary, (), foreign) if self.keys.get(key) else NO_KEYS


def _description(own: str | None, newest: str, many: int) -> str | None:
    if not many:
        return own
    told = f"{many} tables by day; this is the newest, {newest}."
    return f"{own}\n\n{told}" if own else told


def _stored(parts: tuple[PartitionColumn, ...]) -> TableType:
    return TableType.PARTITIONED if parts else TableType.REGULAR


def _clustered(rows: Sequence[Row]) -> tuple[TableConstraint, ...]:
    names = clustering(rows)
    return (TableConstraint(constraint_type="CLUSTER_KEY", columns=names),) if names else ()
