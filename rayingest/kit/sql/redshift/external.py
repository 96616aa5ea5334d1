"""Describe external tables: what the data catalogue, Hive or another database tells through Redshift.

https://docs.aws.amazon.com/redshift/latest/dg/r_SVV_EXTERNAL_COLUMNS.html
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

from rayingest.core.source import Described, EntityDescriptor, Failed, Processed
from rayingest.errors import Gone, Retryable
from rayingest.kit.sql.postgres.session import Row
from rayingest.kit.sql.redshift.errors import classify
from rayingest.kit.sql.redshift.listing import EXTERNAL_VIEW
from rayingest.kit.sql.redshift.session import RedshiftSession
from rayingest.kit.sql.redshift.shapes import shape
from rayingest.kit.sql.reflected.shapes import column
from rayingest.model import ColumnConstraint, PartitionColumn, Table, TableType

COLUMNS = """
select tablename, columnname, external_type, columnnum, part_key, is_nullable
  from svv_external_columns
 where schemaname = {schema} and redshift_database_name = {database} and tablename in ({names})
 order by tablename, columnnum
"""


def external(
    session: RedshiftSession, descriptors: Sequence[EntityDescriptor]
) -> Iterator[Processed]:
    """Answer descriptors of external tables, schema by schema: one that is refused is refused alone."""
    by_schema = sorted(descriptors, key=_schema)
    for schema, group in groupby(by_schema, key=_schema):
        asked = list(group)
        try:
            found = _columns(session, schema, [each.metadata["name"] for each in asked])
        except Exception as error:
            known = classify(error)
            if known is None or isinstance(known, Retryable):
                raise
            yield from (Failed(each, known) for each in asked)
            continue
        for each in asked:
            rows = found.get(each.metadata["name"])
            if rows:
                yield Described(each, (_table(each, rows),))
            else:
                gone = f"{each.id} was dropped after it was listed, or has no columns."
                yield Failed(each, Gone(gone))


def _schema(descriptor: EntityDescriptor) -> str:
    return descriptor.metadata["schema"]


def _columns(session: RedshiftSession, schema: str, names: list[str]) -> dict[str, list[Row]]:
    rows = session.ask(COLUMNS, schema=[schema], database=[session.database], names=names)
    # Sorted here once more: the server's order may hold names together that differ.
    rows.sort(key=lambda row: row[0])
    return {name: list(group) for name, group in groupby(rows, key=lambda row: row[0])}


def _table(descriptor: EntityDescriptor, rows: Sequence[Row]) -> Table:
    name = descriptor.metadata
    keys = sorted((row[4], row[1]) for row in rows if row[4])
    return Table(
        name=name["name"],
        fqn=descriptor.id,
        database_schema=descriptor.scope,
        table_type=TableType.VIEW if name["kind"] == EXTERNAL_VIEW else TableType.EXTERNAL,
        columns=tuple(
            column(
                row[1],
                shape(row[2] or ""),
                constraint=ColumnConstraint.NOT_NULL
                if row[5] == "false"
                else ColumnConstraint.NULL,
                ordinal_position=place,
            )
            for place, row in enumerate(rows, 1)
        ),
        partition=tuple(
            PartitionColumn(column_name=key, interval_type="COLUMN-VALUE") for _, key in keys
        ),
    )
