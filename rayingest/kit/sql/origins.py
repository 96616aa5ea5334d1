"""Which tables a query reads, and which of its columns comes from which of theirs.

sqlglot parses and qualifies; names are looked up in what the catalogue has, and nothing is guessed: a
name that is ambiguous or unknown is told as the FQN that it would have, and a column whose origin
is not certain has none.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from rayingest.core import fqn
from rayingest.kit.sql.known import Known

_log = logging.getLogger(__name__)


class Origins(NamedTuple):
    """Tables that a statement reads, by FQN, and for each of its columns whence it comes.

    `columns` are in the statement's order; None where they cannot be told. What could not be `read` may
    have others.
    """

    tables: tuple[str, ...]
    columns: tuple[tuple[str, ...], ...] | None
    read: bool = True


UNREAD = Origins((), None, read=False)


def origins(
    sql: str, whose: str, dialect: str, known: Known, others: Sequence[str] = ()
) -> Origins:
    """What the query in a statement reads; `whose` is the FQN of the view, where bare names are at home."""
    import sqlglot  # 0.15 s, which only those pay who have SQL
    from sqlglot.errors import SqlglotError

    try:
        query = _query(sqlglot.parse_one(sql, read=dialect))
        if query is None:
            _log.warning("The statement of %s has no query.", whose)
            return UNREAD
        home = fqn.split(whose)
        tables = _Tables(known, home, others)
        tables.replace_in(query)
        columns = _columns(query, tables, dialect)
    except (SqlglotError, RecursionError) as error:
        _log.warning("The statement of %s cannot be parsed: %s", whose, _first_line(error))
        return UNREAD
    return Origins(
        tuple(each for each in dict.fromkeys(tables.places.values()) if each != whose), columns
    )


class _Tables:
    """The tables of one query, which stand in it by numbers: no dialect's rules for case apply."""

    def __init__(self, known: Known, home: Sequence[str], others: Sequence[str]) -> None:
        self._known, self._home, self._others = known, home, others
        self.places: dict[str, str] = {}

    def replace_in(self, query: Any) -> None:
        """Give each table a name of its own; those that the query itself defines keep theirs."""
        from sqlglot import exp
        from sqlglot.optimizer.scope import traverse_scope

        seen: dict[int, Any] = {}
        for scope in traverse_scope(query):
            for source in scope.sources.values():
                if isinstance(source, exp.Table) and isinstance(
                    source.this, exp.Identifier | exp.Dot
                ):
                    seen[id(source)] = source
        for table in seen.values():
            alias = table.args.get("alias") or exp.TableAlias(
                this=exp.to_identifier(table.name, quoted=bool(table.this.args.get("quoted")))
            )
            place = f"table:{len(self.places)}"
            self.places[place] = self._resolve([each.name for each in table.parts])
            for key in ("db", "catalog"):
                table.set(key, None)
            table.set("this", exp.to_identifier(place, quoted=True))
            table.set("alias", alias)

    def _resolve(self, parts: Sequence[str]) -> str:
        """The FQN: missing parts are the view's own; a service of its own comes before the others."""
        service, *own = self._home[:-1]
        name = [*own[: max(0, len(own) - len(parts) + 1)], *parts]
        return self._known.place(name, (service, *self._others))

    @property
    def schema(self) -> dict[str, object]:
        """Columns as sqlglot wants them; tables without any are unknown to it."""
        told = {place: self._known.columns.get(name, ()) for place, name in self.places.items()}
        return {
            name: dict.fromkeys(columns, "unknown") for name, columns in told.items() if columns
        }

    def column(self, place: str, name: str) -> str | None:
        """The FQN of a column of what stands at a place; None for a function's."""
        table = self.places.get(place)
        return self._known.column(table, name) if table is not None else None


def _query(statement: Any) -> Any:
    from sqlglot import exp

    if isinstance(statement, exp.Create):
        statement = statement.expression
    while isinstance(statement, exp.Subquery) and not statement.alias:
        statement = statement.this
    return statement if isinstance(statement, exp.Query) else None


def _columns(query: Any, tables: _Tables, dialect: str) -> tuple[tuple[str, ...], ...] | None:
    """For each column of the query the FQNs of those that it is made of; None with an unknown `*`."""
    from sqlglot import MappingSchema
    from sqlglot.optimizer.qualify import qualify
    from sqlglot.optimizer.scope import traverse_scope

    schema = MappingSchema(tables.schema, dialect=dialect, normalize=_is_deaf_to_case(dialect))
    qualified = qualify(query, schema=schema, dialect=dialect, validate_qualify_columns=False)
    if any(each.is_star for each in qualified.selects):
        return None
    walk = _Walk({id(scope.expression): scope for scope in traverse_scope(qualified)}, tables)
    return tuple(
        tuple(dict.fromkeys(walk.origins(qualified, at, frozenset())))
        for at in range(len(qualified.selects))
    )


def _is_deaf_to_case(dialect: str) -> bool:
    """Whether `ID`, `id` and `"Id"` are one column there: then ours have to be spelled like the query's."""
    from sqlglot.dialects.dialect import Dialect, NormalizationStrategy

    strategy = Dialect.get_or_raise(dialect).normalization_strategy
    return strategy is NormalizationStrategy.CASE_INSENSITIVE


@dataclass(frozen=True)
class _Walk:
    """From a column of a qualified query through all that lies between to columns of tables."""

    scopes: Mapping[int, Any]
    tables: _Tables

    def origins(self, query: Any, at: int, above: frozenset[Any]) -> Iterator[str]:
        """Whence the column at this place of a query comes; `above` are those that asked."""
        from sqlglot import exp

        if (id(query), at) in above:  # a recursive query
            return
        above |= {(id(query), at)}
        if isinstance(query, exp.Subquery):
            yield from self.origins(query.this, at, above)
        elif isinstance(query, exp.SetOperation):
            yield from self.origins(query.left, at, above)
            yield from self.origins(query.right, at, above)
        elif (scope := self.scopes.get(id(query))) is not None and at < len(query.selects):
            yield from self._within(query.selects[at], scope, above)

    def _within(self, node: Any, scope: Any, above: frozenset[Any]) -> Iterator[str]:
        from sqlglot import exp

        if isinstance(node, exp.Query):
            for at in range(len(node.selects)):
                yield from self.origins(node, at, above)
        elif isinstance(node, exp.Column):
            yield from self._of_column(node, scope, above)
        else:
            for each in node.iter_expressions():
                yield from self._within(each, scope, above)

    def _of_column(self, column: Any, scope: Any, above: frozenset[Any]) -> Iterator[str]:
        from sqlglot import exp

        source = scope.sources.get(column.table)
        if isinstance(source, exp.Table):
            found = self.tables.column(source.name, column.name)
            if found is not None:
                yield found
        elif source is not None and isinstance(source.expression, exp.Query):
            names = source.expression.named_selects
            if names.count(column.name) == 1:
                yield from self.origins(source.expression, names.index(column.name), above)


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
