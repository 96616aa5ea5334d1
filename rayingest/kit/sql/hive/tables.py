"""Describe tables and views: Spark tells of many in two calls, Hive and Impala of one in a statement."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from rayingest.core.source import Described, EntityDescriptor, Failed, Processed
from rayingest.errors import Denied, Gone, Permanent, RayingestError, Retryable
from rayingest.kit.sql.facts import Wants
from rayingest.kit.sql.hive import described, extended, formatted
from rayingest.kit.sql.hive.ddl import statement
from rayingest.kit.sql.hive.errors import Said, classify
from rayingest.kit.sql.hive.fields import Field
from rayingest.kit.sql.hive.session import SPARK, HiveSession, quoted

EXTENDED = "SHOW TABLE EXTENDED IN {schema} LIKE '{names}'"
FORMATTED = "DESCRIBE FORMATTED {table}"
CREATE = "SHOW CREATE TABLE {table}"
MANY = 250  # names in one pattern, which Spark's metastore makes a condition of each
_WORD = re.compile(r"\w+", re.ASCII)
Texts = dict[str, str]
Columns = dict[str, list[Field]]


def tables(
    session: HiveSession, descriptors: Sequence[EntityDescriptor], wants: Wants
) -> Iterator[Processed]:
    """Answer each descriptor; what Spark does not tell of many at once is asked of one."""
    by_schema: dict[str, list[EntityDescriptor]] = defaultdict(list)
    for each in descriptors:
        by_schema[each.metadata["schema"]].append(each)
    for schema, group in by_schema.items():
        for start in range(0, len(group), MANY):
            yield from _part(session, schema, group[start : start + MANY], wants)


def _part(
    session: HiveSession, schema: str, part: Sequence[EntityDescriptor], wants: Wants
) -> Iterator[Processed]:
    texts, columns = _many(session, schema, part) if session.server == SPARK else ({}, {})
    for each in part:
        name = each.metadata["name"]
        try:
            if texts.get(name) and columns.get(name):
                told = extended.described(name, texts[name], columns[name])
            else:
                rows = session.rows(
                    FORMATTED.format(table=quoted(schema, name)), f"{schema}.{name}"
                )
                told = formatted.described(name, rows, formatted.among(each.scope))
            ddl = _ddl(session, schema, name) if wants.ddl and not any(told.texts) else None
        except Said as error:
            yield Failed(each, _meant(error, schema, name))
            continue
        if not told.columns and not told.partitions:
            yield Failed(each, Permanent(f"No columns are told of {quoted(schema, name)}."))
            continue
        yield Described(each, (described.table(told, wants, each.id, each.scope, ddl),))


def _many(
    session: HiveSession, schema: str, part: Sequence[EntityDescriptor]
) -> tuple[Texts, Columns]:
    """Texts and columns by table. One table that cannot be read may keep Spark from telling any."""
    names = [each.metadata["name"] for each in part if _WORD.fullmatch(each.metadata["name"])]
    if not names or not _WORD.fullmatch(schema):
        return {}, {}
    pattern = "|".join(names)
    try:
        rows = session.rows(EXTENDED.format(schema=quoted(schema), names=pattern), schema)
        found = session.columns(schema, pattern)
    except Said as error:
        if isinstance(classify(error), Retryable):
            raise
        return {}, {}
    columns: Columns = defaultdict(list)
    # Rows as of JDBC's getColumns: TABLE_SCHEM, TABLE_NAME, COLUMN_NAME, …, TYPE_NAME, …, NULLABLE, REMARKS
    for row in sorted(found, key=lambda row: int(row[16])):
        if row[1] == schema:
            columns[row[2]].append(Field.of(row[3], row[5], row[11], required=row[10] == 0))
    texts = {row[1]: row[3] for row in rows if not row[2]}
    return texts, columns


def _ddl(session: HiveSession, schema: str, name: str) -> str:
    rows = session.rows(CREATE.format(table=quoted(schema, name)), f"{schema}.{name}")
    return statement(str(row[0]) for row in rows)


def _meant(error: Said, schema: str, name: str) -> RayingestError:
    """The failure of one table. Raises what is none."""
    known = classify(error)
    if known is None or isinstance(known, Retryable):
        raise error
    if isinstance(known, Gone):
        return Gone(f"{quoted(schema, name)} was dropped after it was listed.")
    if isinstance(known, Denied):
        return known
    return Permanent(f"{quoted(schema, name)}: {known}", hint=known.hint)
