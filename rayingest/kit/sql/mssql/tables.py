"""Describe tables and views, hundreds at a time: five statements in SQL Server's own catalogue."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter

from rayingest.core import fqn
from rayingest.core.source import Described, EntityDescriptor, Failed, Processed
from rayingest.errors import Denied, Gone
from rayingest.kit.sql.facts import Wants
from rayingest.kit.sql.keys import Keys
from rayingest.kit.sql.mssql.comments import ITSELF, OBJECT, comments
from rayingest.kit.sql.mssql.ddl import Defined, Told, defined, definition
from rayingest.kit.sql.mssql.errors import VIEW_DEFINITION
from rayingest.kit.sql.mssql.keys import keys, partition, parts, told
from rayingest.kit.sql.mssql.session import EXTERNAL, GRAPH, Row, TdsSession, among, quoted
from rayingest.kit.sql.mssql.shapes import learn
from rayingest.kit.sql.reflected.shapes import column
from rayingest.kit.sql.scrub import scrub
from rayingest.model import Column, Table, TableType

VIEW = "V"
# An object without an owner of its own belongs to the owner of its schema. A view with a clustered
# index is kept as a table is.
RELATIONS = """select o.object_id, s.name, o.name, o.type, m.definition, i.index_id, p.name, {external}
  from sys.objects o
  join sys.schemas s on s.schema_id = o.schema_id
  left join sys.sql_modules m on m.object_id = o.object_id
  left join sys.indexes i on i.object_id = o.object_id and i.index_id = 1
  left join sys.database_principals p on p.principal_id = coalesce(o.principal_id, s.principal_id)
  {joined}
 where o.object_id in ({ids})"""
OUTSIDE = "x.object_id, d.location, x.location"
JOINED = """left join sys.external_tables x on x.object_id = o.object_id
  left join sys.external_data_sources d on d.data_source_id = x.data_source_id"""
COLUMNS = """select c.object_id, c.column_id, c.name, c.is_nullable,
       c.user_type_id, c.system_type_id, c.max_length, c.precision, c.scale
  from sys.columns c where c.object_id in ({ids}){plain}
 order by c.object_id, c.column_id"""
# Of the pseudo-columns of graph tables nobody can select those that hold an inner number:
# https://learn.microsoft.com/en-us/sql/relational-databases/graphs/sql-graph-architecture
PLAIN = " and coalesce(c.graph_type, 2) in (2, 5, 8)"


def tables(
    session: TdsSession, descriptors: Sequence[EntityDescriptor], wants: Wants
) -> Iterator[Processed]:
    """Answer each descriptor: a table, or why there is none."""
    batch = _Batch(session, [each.metadata["key"] for each in descriptors], ddl=wants.ddl)
    for each in descriptors:
        metadata = each.metadata
        row = batch.relations.get(int(metadata["key"]))
        if row is None or (row[1], row[2]) != (metadata["schema"], metadata["name"]):
            what = "was dropped" if row is None else "was renamed or moved"
            yield Failed(each, Gone(f"{each.id} {what} after it was listed."))
        elif row[0] not in batch.columns:
            name = quoted(row[1], row[2])
            yield Failed(
                each, Denied(f"{name} shows no columns to the user.", hint=VIEW_DEFINITION)
            )
        else:
            yield Described(each, (batch.table(each, row, wants),))


def queries(session: TdsSession, numbers: str) -> tuple[str, str]:
    """RELATIONS and COLUMNS for this server, about these tables."""
    external = session.major >= EXTERNAL or session.is_synapse
    plain = PLAIN if session.major >= GRAPH and not session.is_synapse else ""
    relations = RELATIONS.format(
        external=OUTSIDE if external else "null, null, null",
        joined=JOINED if external else "",
        ids=numbers,
    )
    return relations, COLUMNS.format(ids=numbers, plain=plain)


class _Batch:
    """What the catalogue says of some relations, by their ids."""

    def __init__(self, session: TdsSession, ids: Sequence[str], *, ddl: bool) -> None:
        of_tables, of_columns = queries(session, among(ids))
        self.relations = {row[0]: row for row in session.rows(of_tables)}
        rows = session.rows(of_columns)
        learn(session, {row[4:] for row in rows})
        self.shapes = session.shapes
        self.columns = {number: list(each) for number, each in groupby(rows, key=itemgetter(0))}
        self.comments = comments(session, OBJECT, ids)
        plain_ids = [str(row[0]) for row in self.relations.values() if row[3].strip() != VIEW]
        self.keys = told(session, plain_ids)
        self.defined = defined(session, plain_ids) if ddl else Defined()

    def table(self, descriptor: EntityDescriptor, row: Row, wants: Wants) -> Table:
        number, schema, name, kind, text, clustered, owner, outside, place, path = row
        rows = self.columns[number]
        names = {each[1]: each[2] for each in rows}
        found = parts(self.keys, number, names)
        held = keys(found, names, fqn.join(*fqn.split(descriptor.scope)[:-1]))
        columns = self._columns(rows, held)
        parted = partition(self.keys, number, columns)
        if wants.ddl and text is None and kind.strip() != VIEW and outside is None:
            known = Told(rows, columns, found, parted)
            text = definition(quoted(schema, name), number, known, self.defined)
        return Table(
            name=name,
            fqn=descriptor.id,
            description=self.comments.get((number, ITSELF)),
            owners=wants.owned(owner),
            database_schema=descriptor.scope,
            table_type=_table_type(kind.strip(), clustered, outside, parted),
            columns=tuple(columns.values()),
            constraints=held.of_table,
            partition=parted,
            schema_definition=scrub(text.strip()) if text else None,
            location_path=_location(place, path) if outside is not None else None,
        )

    def _columns(self, rows: Sequence[Row], held: Keys) -> Mapping[int, Column]:
        """The inner loop: fifteen turns for each table."""
        columns = {}
        for ordinal, (table, number, name, nullable, *measures) in enumerate(rows, 1):
            columns[number] = column(
                name,
                self.shapes[tuple(measures)],
                constraint=held.constraint(name, required=not nullable),
                ordinal_position=ordinal,
                description=self.comments.get((table, number)),
            )
        return columns


def _table_type(kind: str, clustered: object, outside: object, parted: object) -> TableType:
    if kind == VIEW:
        return TableType.MATERIALIZED_VIEW if clustered else TableType.VIEW
    if outside is not None:
        return TableType.EXTERNAL
    return TableType.PARTITIONED if parted else TableType.REGULAR


def _location(place: str | None, path: str | None) -> str | None:
    """The path of an external table in its data source, which is what the other is relative to."""
    if not (place and path):
        return place or path
    return f"{place.rstrip('/')}/{path.lstrip('/')}"
