"""Describe tables and views, hundreds at a time: three statements, two more where they are needed.

KEY_COLUMN_USAGE alone tells of keys: a user who may only SELECT sees nothing in TABLE_CONSTRAINTS
and REFERENTIAL_CONSTRAINTS of MariaDB.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from rayingest.core import fqn
from rayingest.core.source import Described, EntityDescriptor, Failed, Processed
from rayingest.errors import Denied, Gone, Permanent, RayingestError, Retryable
from rayingest.kit.sql.facts import Wants
from rayingest.kit.sql.keys import NO_KEYS, Foreign, Keys
from rayingest.kit.sql.mysql.errors import classify
from rayingest.kit.sql.mysql.partitions import partition
from rayingest.kit.sql.mysql.product import Product
from rayingest.kit.sql.mysql.session import MySqlSession, Row, quoted
from rayingest.kit.sql.scrub import scrub
from rayingest.model import Column, Table, TableType

Key = tuple[str, str]  # schema, name

RELATIONS = """select table_schema, table_name, table_type, engine, create_options, table_comment
  from information_schema.tables where table_schema = %s and table_name in %s"""
COLUMNS = """select table_schema, table_name, ordinal_position, column_name, column_type,
       is_nullable, column_comment
  from information_schema.columns where table_schema = %s and table_name in %s"""
# MariaDB writes a JSON column as LONGTEXT with this check.
CHECKS = """select constraint_schema, table_name, check_clause, 0, null, null, null, null
  from information_schema.check_constraints where constraint_schema = %s and table_name in %s"""
JSON_CHECK = "json_valid(`{}`)"
VIEWS = """select table_schema, table_name, view_definition
  from information_schema.views where table_schema = %s and table_name in %s"""
# The last two lines are Doris' and StarRocks' words.
ELSEWHERE = {
    *("FEDERATED", "CONNECT", "SPIDER"),
    *("MYSQL", "ODBC", "JDBC", "BROKER", "ELASTICSEARCH", "ES", "HIVE", "HMS", "HUDI", "ICEBERG"),
    *("PAIMON", "FILE", "EXTERNAL_DORIS"),
}
TEXT_LIKE_JSON = "longtext"


def tables(
    session: MySqlSession, descriptors: Sequence[EntityDescriptor], wants: Wants
) -> Iterator[Processed]:
    """Answer each descriptor: a table, Gone when it was dropped, or why it cannot be read."""
    keys = [(each.metadata["schema"], each.metadata["name"]) for each in descriptors]
    batch = _Batch(session, keys, fqn.join(*fqn.split(descriptors[0].scope)[:2]))
    for key, descriptor in zip(keys, descriptors, strict=True):
        error = batch.errors.get(key)
        if error is None:
            try:
                definition = batch.definition(session, key, wants)
                yield Described(descriptor, (batch.table(descriptor, key, definition),))
                continue
            except Gone as gone:
                error = gone
        yield Failed(descriptor, error)


class _Batch:
    """What information_schema says of some relations."""

    def __init__(self, session: MySqlSession, keys: Sequence[Key], database: str) -> None:
        self.database = database
        self.relations = _relations(session, keys)
        self.columns: dict[Key, list[Row]] = defaultdict(list)
        for row in session.spread((COLUMNS, _names(self.relations))):
            self.columns[row[0], row[1]].append(row)
        for rows in self.columns.values():
            rows.sort(key=lambda row: row[2])
        self.errors = self._unreadable(session, keys)
        product = session.product
        self.shape = product.shape
        self.keys: dict[Key, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
        self.json: set[tuple[str, str, str]] = set()
        self._read_keys(session)
        partitioned = [key for key, row in self.relations.items() if _partitioned(row, product)]
        rows = session.spread((product.partitions, _names(partitioned)))
        self.partitions = {(row[0], row[1]): ((row[2], row[3]), (row[4], row[5])) for row in rows}
        views = [key for key, row in self.relations.items() if _is_view(row)]
        self.views = {(row[0], row[1]): row[2] for row in session.spread((VIEWS, _names(views)))}
        stored = _names(self.relations) if product.materialized else {}
        rows = session.spread((product.materialized, stored))
        self.materialized = {(row[0], row[1]): row[2] for row in rows}

    def _read_keys(self, session: MySqlSession) -> None:
        plain = [key for key, row in self.relations.items() if not _is_view(row)]
        texts = [key for key in plain if any(row[4] == TEXT_LIKE_JSON for row in self.columns[key])]
        checks = [(CHECKS, _names(texts))] if session.is_mariadb else []
        for row in session.spread((session.product.keys, _names(plain)), *checks):
            if row[3]:
                self.keys[row[0], row[1]][row[2]].append(row)
            else:
                self.json.add((row[0], row[1], row[2]))

    def _unreadable(self, session: MySqlSession, keys: Sequence[Key]) -> dict[Key, RayingestError]:
        """What has no row was dropped; what has no columns is broken, closed to us, or just dropped."""
        empty = [key for key in self.relations if not self.columns.get(key)]
        again = _relations(session, empty)
        errors: dict[Key, RayingestError] = {}
        for key in keys:
            if key not in self.relations or (key in empty and key not in again):
                errors[key] = Gone(f"{quoted(*key)} was dropped after it was listed.")
            elif key in empty:
                errors[key] = _why_empty(again[key], session.product)
        return errors

    def definition(self, session: MySqlSession, key: Key, wants: Wants) -> str | None:
        """The text of a view; with includeDDL also of a table, by a statement of its own."""
        if key in self.materialized:
            return _stored(key, self.materialized[key])
        if _is_view(self.relations[key]):
            text = self.views.get(key)  # empty when the user lacks SHOW VIEW
            return scrub(f"create view {quoted(*key)} as {text}") if text else None
        if not wants.ddl:
            return None
        try:
            rows = session.rows(f"show create table {quoted(*key)}")
        except Exception as error:
            known = classify(error)
            if known is None or isinstance(known, Retryable | Gone):
                raise known or error from error
            return None
        return scrub(str(rows[0][1]))

    def table(self, descriptor: EntityDescriptor, key: Key, definition: str | None) -> Table:
        _, _, kind, engine, _, comment = self.relations[key]
        keys = self._keys(key)
        columns = tuple(
            [self._column(row, place, keys) for place, row in enumerate(self.columns[key], 1)]
        )
        parts = self.partitions.get(key)
        types = {column.name: column.data_type for column in columns} if parts else {}
        table_type = TableType.PARTITIONED if parts else TableType.REGULAR
        if (engine or "").upper() in ELSEWHERE:
            table_type = TableType.FOREIGN
        is_view = "VIEW" in kind
        if is_view:
            table_type = TableType.VIEW
        if key in self.materialized:
            table_type = TableType.MATERIALIZED_VIEW
        return Table(
            name=key[1],
            fqn=descriptor.id,
            description=None if is_view else comment or None,
            database_schema=descriptor.scope,
            table_type=table_type,
            columns=columns,
            constraints=keys.of_table,
            partition=partition(parts, types) if parts else (),
            schema_definition=definition,
        )

    def _column(self, row: Row, place: int, keys: Keys) -> Column:
        schema, table, _, name, column_type, nullable, comment = row
        data_type, display, element, length, precision, scale, *parts = self.shape(column_type)
        if self.json and (schema, table, JSON_CHECK.format(name.replace("`", "``"))) in self.json:
            data_type = "JSON"
        return Column(
            name=name,
            data_type=data_type,
            data_type_display=display,
            array_data_type=element,
            data_length=length,
            precision=precision,
            scale=scale,
            children=parts[0] if parts else (),
            constraint=keys.constraint(name, required=nullable == "NO"),
            ordinal_position=place,
            description=comment or None,
        )

    def _keys(self, key: Key) -> Keys:
        primary: list[str] = []
        unique: list[list[str]] = []
        foreign: list[Foreign] = []
        for name, rows in self.keys.get(key, {}).items():
            rows.sort(key=lambda row: row[3])
            columns: list[Any] = [row[4] for row in rows]
            if None in columns:  # a key over an expression
                continue
            if rows[0][6] is not None:
                target = fqn.child(self.database, rows[0][5], rows[0][6])
                foreign.append(Foreign(columns, target, [row[7] for row in rows]))
            elif name == "PRIMARY":
                primary = columns
            else:
                unique.append(columns)
        return Keys.of(primary, unique, foreign) if self.keys.get(key) else NO_KEYS


def _relations(session: MySqlSession, keys: Iterable[Key]) -> dict[Key, Row]:
    wanted = set(keys)
    rows = session.spread((RELATIONS, _names(wanted)))
    return {(row[0], row[1]): row for row in rows if (row[0], row[1]) in wanted}


def _names(keys: Iterable[Key]) -> dict[str, list[str]]:
    names: dict[str, list[str]] = defaultdict(list)
    for schema, name in keys:
        names[schema].append(name)
    return names


def _partitioned(row: Row, product: Product) -> bool:
    """Whether a relation is partitioned, or may be."""
    told = "partitioned" in (row[4] or "") if product.flagged else not _is_view(row)
    return told and bool(product.partitions)


def _stored(key: Key, text: str | None) -> str | None:
    """The statement of a materialized view, or what it selects made one."""
    if not text or text.lstrip()[:6].lower() == "create":
        return scrub(text) if text else None
    return scrub(f"create materialized view {quoted(*key)} as {text}")


def _is_view(row: Row) -> bool:
    return "VIEW" in row[2]


def _why_empty(row: Row, product: Product) -> RayingestError:
    schema, name, _, engine, _, comment = row
    what = quoted(schema, name)
    if not product.faults:
        comment = None
    if _is_view(row) and comment and comment != "VIEW":
        return Permanent(
            f"{what} cannot be read: {comment}",
            hint="The view names what was dropped, or its definer may not read it any more.",
        )
    if not _is_view(row) and engine is None and comment:
        return Permanent(f"{what} cannot be read: {comment}", hint=f"CHECK TABLE {what};")
    return Denied(
        f"The columns of {what} are hidden from this user.",
        hint=product.rights.on_one(what, "the user of the config"),
    )
