"""How each facet is looked up: by SQLAlchemy's reflection, or by a query of one's own for many tables."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

from rayingest.kit.sql.reflected.session import ReflectedSession

VIEW, MATERIALIZED = "view", "materialized view"


class ColumnRow(NamedTuple):
    """One column; `type` is SQLAlchemy's, or the text of one."""

    name: str
    type: Any
    nullable: bool
    comment: str | None = None


class Reference(NamedTuple):
    """A foreign key; `schema` is None for the table's own."""

    columns: Sequence[str]
    schema: str | None
    table: str
    referred: Sequence[str]


class KeyRow(NamedTuple):
    """The keys of one table."""

    primary: Sequence[str] = ()
    unique: Sequence[Sequence[str]] = ()
    foreign: Sequence[Reference] = ()


Members = Callable[[ReflectedSession, str], Iterable[tuple[str, str]]]
Columns = Callable[[ReflectedSession, str, list[str]], Mapping[str, Sequence[ColumnRow]]]
Keys = Callable[[ReflectedSession, str, list[str]], Mapping[str, KeyRow]]
Texts = Callable[[ReflectedSession, str, list[str]], Mapping[str, str]]
Lookup = Members | Columns | Keys | Texts


def reflected_schemas(session: ReflectedSession) -> Iterable[str]:
    """Names of schemas."""
    return session.inspector.get_schema_names()


def reflected_members(session: ReflectedSession, schema: str) -> Iterable[tuple[str, str]]:
    """Names and kinds of one schema's tables and views."""
    look = session.inspector
    yield from ((name, "table") for name in look.get_table_names(schema=schema))
    with suppress(NotImplementedError):
        yield from ((name, VIEW) for name in look.get_view_names(schema=schema))
    with suppress(NotImplementedError):
        yield from (
            (name, MATERIALIZED) for name in look.get_materialized_view_names(schema=schema)
        )


def reflected_columns(
    session: ReflectedSession, schema: str, names: list[str]
) -> dict[str, list[ColumnRow]]:
    """Columns of tables and views; a table without an entry does not exist."""
    found = _reflect(session, "columns", schema, names)
    return {
        name: [
            ColumnRow(row["name"], row["type"], row.get("nullable", True), row.get("comment"))
            for row in rows
        ]
        for name, rows in found.items()
    }


def reflected_keys(session: ReflectedSession, schema: str, names: list[str]) -> dict[str, KeyRow]:
    """Primary, unique and foreign keys, as far as the dialect knows them."""
    primary = _reflect(session, "pk_constraint", schema, names)
    unique = _reflect(session, "unique_constraints", schema, names)
    foreign = _reflect(session, "foreign_keys", schema, names)
    return {
        name: KeyRow(
            (primary.get(name) or {}).get("constrained_columns") or (),
            [each["column_names"] for each in unique.get(name) or ()],
            [
                Reference(
                    each["constrained_columns"],
                    each.get("referred_schema"),
                    each["referred_table"],
                    each["referred_columns"],
                )
                for each in foreign.get(name) or ()
            ],
        )
        for name in names
    }


def reflected_comments(session: ReflectedSession, schema: str, names: list[str]) -> dict[str, str]:
    """Comments on tables."""
    found = _reflect(session, "table_comment", schema, names)
    return {name: row["text"] for name, row in found.items() if row and row.get("text")}


def reflected_definitions(
    session: ReflectedSession, schema: str, names: list[str]
) -> dict[str, str]:
    """Texts of views: a statement for each."""
    texts = {}
    with suppress(NotImplementedError):
        for name in names:
            texts[name] = session.inspector.get_view_definition(name, schema=schema)
    return {name: text for name, text in texts.items() if text}


def _reflect(session: ReflectedSession, what: str, schema: str, names: list[str]) -> dict[str, Any]:
    from sqlalchemy.engine.reflection import ObjectKind

    look: Any = session.inspector
    # A dialect that cannot say leaves the facet empty.
    with suppress(NotImplementedError):
        if not session.reads_many:
            return {name: getattr(look, f"get_{what}")(name, schema=schema) for name in names}
        many = getattr(look, f"get_multi_{what}")
        found = many(schema=schema, filter_names=names, kind=ObjectKind.ANY)
        return {name: value for (_, name), value in found.items()}
    return {}


@dataclass(frozen=True, slots=True)
class QueriedSchemas:
    """A statement whose rows are names of schemas."""

    query: str

    def __call__(self, session: ReflectedSession) -> list[str]:
        """Run it."""
        return [str(row[0]) for row in session.rows(self.query)]


@dataclass(frozen=True, slots=True)
class QueriedMembers:
    """A statement over `:schema` whose rows are name and kind: `table`, `view`, `materialized view`."""

    query: str

    def __call__(self, session: ReflectedSession, schema: str) -> list[tuple[str, str]]:
        """Run it."""
        return [(row[0], row[1]) for row in session.rows(self.query, schema=schema)]


@dataclass(frozen=True, slots=True)
class QueriedColumns:
    """Over `:schema` and `:names`, in order: table, column, type, nullable (or YES), comment.

    Where a catalogue keeps types in parts, `spelled` makes the text of the type and of what follows the comment.
    """

    query: str
    spelled: Callable[..., str | None] | None = None

    def __call__(
        self, session: ReflectedSession, schema: str, names: list[str]
    ) -> dict[str, list[ColumnRow]]:
        """Run it."""
        found: dict[str, list[ColumnRow]] = defaultdict(list)
        for table, name, kind, nullable, comment, *parts in session.rows(
            self.query, schema=schema, names=names
        ):
            text = self.spelled(kind, *parts) if self.spelled else kind
            found[table].append(ColumnRow(name, text, nullable in (True, 1, "YES"), comment))
        return found


@dataclass(frozen=True, slots=True)
class QueriedKeys:
    """A row per column of a key, in order, over `:schema` and `:names`.

    Table, kind (`PRIMARY KEY`, `UNIQUE`, `FOREIGN KEY`), name of the key, column; for a foreign key
    also schema, table and column that it refers to. What follows them is only for the order.
    """

    query: str

    def __call__(
        self, session: ReflectedSession, schema: str, names: list[str]
    ) -> dict[str, KeyRow]:
        """Run it."""
        grouped: dict[str, dict[tuple[str, str], list[Any]]] = defaultdict(dict)
        for table, kind, key, *rest in session.rows(self.query, schema=schema, names=names):
            grouped[table].setdefault((kind, key), []).append(rest)
        return {table: _keys(constraints) for table, constraints in grouped.items()}


def _keys(constraints: Mapping[tuple[str, str], list[Any]]) -> KeyRow:
    of: dict[str, list[list[Any]]] = defaultdict(list)
    for (kind, _), rows in constraints.items():
        of[kind].append(rows)
    return KeyRow(
        [row[0] for rows in of["PRIMARY KEY"] for row in rows],
        [[row[0] for row in rows] for rows in of["UNIQUE"]],
        [
            Reference([row[0] for row in rows], rows[0][1], rows[0][2], [row[3] for row in rows])
            for rows in of["FOREIGN KEY"]
        ],
    )


@dataclass(frozen=True, slots=True)
class QueriedTexts:
    """A statement over `:schema` and `:names` whose rows are a name and its text, or pieces of it in order."""

    query: str

    def __call__(self, session: ReflectedSession, schema: str, names: list[str]) -> dict[str, str]:
        """Run it."""
        found: dict[str, str] = defaultdict(str)
        for name, text, *_ in session.rows(self.query, schema=schema, names=names):
            if text:
                found[name] += text
        return found
