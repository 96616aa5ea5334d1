"""Describe tables and views, hundreds at a time: four statements in one snapshot of the file.

`pragma_…(name)` is a table-valued function: joined to a list of names it answers for all of them.
"""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Sequence

from rayingest.core import fqn
from rayingest.core.source import Described, EntityDescriptor, Failed, Processed
from rayingest.errors import Gone, Permanent
from rayingest.kit.sql.facts import Wants
from rayingest.kit.sql.keys import NO_KEYS, Foreign, Keys
from rayingest.kit.sql.scrub import scrub
from rayingest.kit.sql.sqlite.session import Row, SqliteSession, classify
from rayingest.kit.sql.sqlite.shapes import shape
from rayingest.model import Column, Table, TableType

RELATIONS = """
select s.name, s.type, s.sql from json_each(?) j
  join sqlite_master s on s.name = j.value and s.type in ('table', 'view')
"""
# `cross join` fixes the order of the loops: rows come table by table, in the order of the list.
COLUMNS = """
select j.value, x.name, x.type, x."notnull", x.pk
  from json_each(?) j cross join pragma_table_xinfo(j.value, 'main') x
 where x.hidden <> 1
"""
UNIQUE = """
select j.value, i.name, x.name
  from json_each(?) j cross join pragma_index_list(j.value, 'main') i
 cross join pragma_index_info(i.name, 'main') x
 where i.origin = 'u'
 order by j.key, i.seq desc, x.seqno
"""
# Names are compared without regard to case, as SQLite itself does; a reference that names no
# columns means the primary key.
REFERENCES = """
select j.value, f.id, coalesce(t.name, f."table"), f."from", coalesce(c.name, f."to")
  from json_each(?) j cross join pragma_foreign_key_list(j.value, 'main') f
  left join sqlite_master t on t.type = 'table' and t.name = f."table" collate nocase
  left join pragma_table_info(t.name, 'main') c
       on case when f."to" is null then c.pk = f.seq + 1 else c.name = f."to" collate nocase end
 order by j.key, f.id desc, f.seq
"""
PLAIN_ERROR = 1


def tables(
    session: SqliteSession, descriptors: Sequence[EntityDescriptor], wants: Wants
) -> Iterator[Processed]:
    """Answer each descriptor: a table, Gone when it was dropped, or why its view cannot be read."""
    with session.snapshot():
        batch = _Batch(
            session, [each.metadata["name"] for each in descriptors], descriptors[0].scope
        )
    for descriptor in descriptors:
        name = descriptor.metadata["name"]
        if name in batch.broken:
            yield Failed(descriptor, batch.broken[name])
        elif name in batch.relations:
            yield Described(descriptor, (batch.table(descriptor, name, wants),))
        elif "\ufffd" in name:
            yield Failed(descriptor, Permanent(f"{descriptor.id}: its name is no valid UTF-8."))
        else:
            yield Failed(descriptor, Gone(f"{descriptor.id} was dropped after it was listed."))


class _Batch:
    """What the file says of some relations, by name."""

    def __init__(self, session: SqliteSession, names: Sequence[str], scope: str) -> None:
        self.scope = scope
        self.relations = {row[0]: row for row in session.rows(RELATIONS, [json.dumps(names)])}
        self.columns: dict[str, list[Row]] = defaultdict(list)
        self.broken: dict[str, Permanent] = {}
        self._read_columns(session, list(self.relations))
        plain = json.dumps([row[0] for row in self.relations.values() if not _is_derived(row)])
        self.unique: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for name, index, column in session.rows(UNIQUE, [plain]):
            self.unique[name][index].append(column)
        self.references: dict[str, dict[int, list[Row]]] = defaultdict(lambda: defaultdict(list))
        for row in session.rows(REFERENCES, [plain]):
            self.references[row[0]][row[1]].append(row)

    def _read_columns(self, session: SqliteSession, names: list[str]) -> None:
        """Read what can be read; the names around an error are asked again, each by itself.

        Python's cursor is one row ahead: an error swallows the row before it, which may be the last
        of the table answered, or the only one of the next.
        """
        while names:
            rows: dict[str, list[Row]] = {}
            try:
                for row in session.stream(COLUMNS, [json.dumps(names)]):
                    rows.setdefault(row[0], []).append(row)
            except sqlite3.OperationalError as error:
                if getattr(error, "sqlite_errorcode", None) != PLAIN_ERROR:
                    raise
                if len(names) == 1:
                    self.broken[names[0]] = _broken(names[0], error)
                    return
                last = names.index(list(rows)[-1]) if rows else 0
                for name in names[last : last + 3]:
                    rows.pop(name, None)
                    self._read_columns(session, [name])
                names = names[last + 3 :]
            else:
                names = []
            self.columns |= rows

    def table(self, descriptor: EntityDescriptor, name: str, wants: Wants) -> Table:
        row = self.relations[name]
        keys = self._keys(name)
        return Table(
            name=name,
            fqn=descriptor.id,
            database_schema=descriptor.scope,
            table_type=TableType.VIEW if row[1] == "view" else TableType.REGULAR,
            columns=tuple(
                [_column(each, place, keys) for place, each in enumerate(self.columns[name], 1)]
            ),
            constraints=keys.of_table,
            schema_definition=scrub(row[2]) if row[2] and (wants.ddl or row[1] == "view") else None,
        )

    def _keys(self, name: str) -> Keys:
        key = sorted((row[4], row[1]) for row in self.columns[name] if row[4])
        unique, references = self.unique.get(name, {}), self.references.get(name, {})
        if not key and not unique and not references:
            return NO_KEYS
        foreign = [
            Foreign(
                [row[3] for row in rows], fqn.child(self.scope, rows[0][2]), [r[4] for r in rows]
            )
            for rows in references.values()
            if all(row[4] is not None for row in rows)
        ]
        return Keys.of([column for _, column in key], list(unique.values()), foreign)


def _broken(name: str, error: Exception) -> Permanent:
    return Permanent(
        f"{name!r} cannot be read: {classify(error)}",
        hint="A view of something that was dropped, or a table of a missing extension.",
    )


def _is_derived(row: Row) -> bool:
    return row[1] == "view" or (row[2] or "")[:30].lower().startswith("create virtual")


def _column(row: Row, place: int, keys: Keys) -> Column:
    _, name, declared, required, _ = row
    form = shape(declared or "")
    return Column(
        name=name,
        data_type=form.data_type,
        data_type_display=form.display,
        data_length=form.length,
        precision=form.precision,
        scale=form.scale,
        constraint=keys.constraint(name, required=bool(required)),
        ordinal_position=place,
    )
