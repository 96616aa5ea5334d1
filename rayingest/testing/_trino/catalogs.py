"""What a cluster of ours has: catalogs in DuckDB, which answers statements about them and system tables."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import Any

from rayingest.testing._trino.story import Field, Relation, created, in_duckdb, table, view
from rayingest.testing._trino.tables import INFORMATION, METADATA, Place, Row, about, information

_SHOW = re.compile(
    r"show (catalogs|columns from|create table|create materialized view) ?(.*)",
    re.IGNORECASE | re.DOTALL,
)
_EXECUTE = re.compile(
    r"execute immediate '((?:[^']|'')*)'(?: using (.*))?", re.IGNORECASE | re.DOTALL
)


class Refusal(Exception):
    """An error of the server: its name, and what it says."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


@dataclass
class Catalogs:
    """Catalogs and what is in them; changed at any time.

    `down`: catalogs that raise. `unreadable`: tables whose columns are left out of listings, and why.
    `metadata`: which tables of system.metadata there are; none, and the user may not see them.
    """

    down: dict[str, Refusal] = field(default_factory=dict)
    unreadable: dict[tuple[str, str, str], Refusal] = field(default_factory=dict)
    metadata: tuple[str, ...] = tuple(METADATA)
    places: dict[Place, dict[str, Relation]] = field(default_factory=dict)
    names: list[str] = field(default_factory=lambda: ["system"])
    absent: str = "TABLE_NOT_FOUND"  # what the error is called about a table that is not there

    def __post_init__(self) -> None:
        """Open an empty DuckDB."""
        self._duck: Any = import_module("duckdb").connect()
        self._stale = True
        self._made_of: tuple[object, ...] = ()

    def run(self, *statements: str) -> None:
        """Make something, in Trino's SQL: schemas, tables, views, comments."""
        import sqlglot

        for each in statements:
            self._make(sqlglot.parse_one(each, read="trino"), each)
        self._stale = True

    def catalog(self, name: str) -> None:
        """Make a catalog."""
        if name not in self.names:
            self.names.append(name)
            self._duck.execute(f"attach ':memory:' as \"{name}\"")

    def fill(self, catalog: str, schema: str, number: int, fields: Sequence[Field]) -> None:
        """Make many tables of which nothing but metadata is asked."""
        self.catalog(catalog)
        made = {f"t{at:05d}": Relation("BASE TABLE", tuple(fields)) for at in range(number)}
        self.places.setdefault((catalog, schema), {}).update(made)
        self._stale = True

    def add(self, catalog: str, schema: str, name: str, relation: Relation) -> None:
        """Make a table with any name."""
        self.catalog(catalog)
        self.places.setdefault((catalog, schema), {})[name] = relation
        self._stale = True

    def drop(self, catalog: str, schema: str, name: str) -> None:
        """Forget a table."""
        del self.places[catalog, schema][name]
        self._stale = True

    def answer(self, sql: str, home: str = "") -> tuple[list[tuple[str, str]], list[Row]]:
        """Names and types of the columns of an answer, and its rows. Raises Refusal."""
        if found := _EXECUTE.fullmatch(sql):
            return self.answer(_bound(found[1].replace("''", "'"), found[2]), home)
        if found := _SHOW.fullmatch(sql.strip()):
            return self._show(found[1].lower(), found[2])
        return self._select(sql, home)

    # --- making

    def _make(self, statement: Any, text: str) -> None:
        from sqlglot import exp

        kind = (statement.args.get("kind") or "").upper()
        if isinstance(statement, exp.Comment):
            self._comment(statement, kind)
            return
        target = statement.this.this if isinstance(statement.this, exp.Schema) else statement.this
        catalog, schema, name = (target.text(each) for each in ("catalog", "db", "this"))
        if kind == "SCHEMA":
            self.catalog(catalog)
            self.places.setdefault((catalog, schema), {})
            self._duck.execute(f'create schema "{catalog}"."{schema}"')
            return
        if kind == "TABLE":
            self._duck.execute(in_duckdb(statement))
            self.places[catalog, schema][name] = table(statement, text)
            return
        query = statement.expression.sql("duckdb")
        self._duck.execute(f"create view {statement.this.sql('duckdb')} as {query}")
        told = self._duck.execute(f"describe {query}").fetchall()
        self.places[catalog, schema][name] = view(statement, [row[:2] for row in told])

    def _comment(self, statement: Any, kind: str) -> None:
        parts, said = [each.name for each in statement.this.parts], statement.expression.this
        relations = self.places[parts[0], parts[1]]
        old = relations[parts[2]]
        if kind == "COLUMN":
            fields = [replace(e, comment=said) if e.name == parts[3] else e for e in old.fields]
            relations[parts[2]] = replace(old, fields=tuple(fields))
        else:
            relations[parts[2]] = replace(old, comment=said)

    # --- answering

    def _show(self, what: str, name: str) -> tuple[list[tuple[str, str]], list[Row]]:
        if what == "catalogs":
            return [("Catalog", "varchar")], [(each,) for each in sorted(self.names)]
        place = _parts(name)
        relation = self._readable(*place)
        if what == "columns from":
            rows = [(e.name, e.type, e.extra or "", e.comment or "") for e in relation.fields]
            return [(each, "varchar") for each in ("Column", "Type", "Extra", "Comment")], rows
        return [("Create Table", "varchar")], [(created(place, relation),)]

    def _readable(self, catalog: str, schema: str, name: str) -> Relation:
        self._up(catalog)
        if why := self.unreadable.get((catalog, schema, name)):
            raise why
        relation = self.places.get((catalog, schema), {}).get(name)
        if relation is None:
            said = f"line 1:1: Table '{catalog}.{schema}.{name}' does not exist"
            raise Refusal(self.absent, said)
        return relation

    def _up(self, catalog: str) -> None:
        if why := self.down.get(catalog):
            raise why

    def _select(self, sql: str, home: str) -> tuple[list[tuple[str, str]], list[Row]]:
        import sqlglot
        from sqlglot import exp

        try:
            query = sqlglot.parse_one(sql, read="trino")
        except sqlglot.errors.ParseError as error:
            raise Refusal("SYNTAX_ERROR", str(error).splitlines()[0]) from None
        self._refresh()
        for each in list(query.find_all(exp.Table)):
            if each.db in ("information_schema", "metadata"):
                self._point(each, each.catalog or home)
        try:
            done = self._duck.execute(query.sql("duckdb"))
        except import_module("duckdb").Error as error:
            raise Refusal("GENERIC_INTERNAL_ERROR", str(error)) from None
        types = {"BIGINT": "bigint", "INTEGER": "integer"}
        columns = [(each[0], types.get(str(each[1]), "varchar")) for each in done.description]
        return columns, done.fetchall()

    def _point(self, named: Any, catalog: str) -> None:
        """Let a name mean our table of that name, or what of it is one catalog's."""
        from sqlglot import exp

        known = METADATA if named.db == "metadata" else INFORMATION
        if catalog not in self.names:
            raise Refusal("CATALOG_NOT_FOUND", f"line 1:1: Catalog '{catalog}' not found")
        if catalog == "system" and not self.metadata:
            raise Refusal("PERMISSION_DENIED", "Access Denied: Cannot access catalog system")
        if named.name not in known or (named.db == "metadata" and named.name not in self.metadata):
            said = f"line 1:1: Table '{catalog}.{named.db}.{named.name}' does not exist"
            raise Refusal(self.absent, said)
        self._up(catalog)
        columns = [each.strip("+") for each in known[named.name].split()]
        ours = exp.table_(f"{named.db}_{named.name}", db="main", catalog="memory")
        query = exp.select(*columns).from_(ours)
        if named.db == "information_schema":
            query = query.where(exp.column(columns[0]).eq(catalog))
        named.replace(query.subquery(named.alias_or_name))

    def _refresh(self) -> None:
        changed = (self.metadata, *self.unreadable, *self.down)
        if not self._stale and changed == self._made_of:
            return
        self._made_of = changed
        rows = information(self.names, self.places, self.unreadable, self.metadata)
        self._store("information_schema", INFORMATION, rows)
        self._store("metadata", METADATA, about(self.names, self.places, self.down))
        self._stale = False

    def _store(
        self, schema: str, known: Mapping[str, str], rows: Mapping[str, Sequence[Row]]
    ) -> None:
        for name, columns in known.items():
            kinds = ["bigint" if each.startswith("+") else "varchar" for each in columns.split()]
            pairs = zip(columns.replace("+", "").split(), kinds, strict=True)
            declared = ", ".join(f"{column} {kind}" for column, kind in pairs)
            self._duck.execute(f"create or replace table {schema}_{name} ({declared})")
            lists = [list(each) for each in zip(*rows[name], strict=True)]
            if lists:
                marks = ", ".join("unnest(?)" for _ in lists)
                self._duck.execute(f"insert into {schema}_{name} select {marks}", lists)


def _parts(name: str) -> tuple[str, str, str]:
    import sqlglot

    parts = [each.name for each in sqlglot.exp.to_table(name, dialect="trino").parts]
    return parts[0], parts[1], parts[2]


def _bound(sql: str, values: str | None) -> str:
    """A statement with its values in the places of the question marks."""
    import sqlglot
    from sqlglot import exp

    query = sqlglot.parse_one(sql, read="trino")
    given = sqlglot.parse_one(f"select {values}", read="trino").expressions if values else []
    for mark, value in zip(query.find_all(exp.Placeholder, bfs=False), given, strict=True):
        mark.replace(value)
    return str(query.sql("trino"))
