"""One connection to a database: statements counted, names bound in sets, cancelling."""

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from typing import Any, TypeVar

Row = tuple[Any, ...]
Key = tuple[str, str]  # owner, name
Kind = TypeVar("Kind")

AT_ONCE = 1000  # rows of one round trip
# https://docs.oracle.com/en/error-help/db/ora-01795/: a list takes no more than 1000 expressions.
LONGEST = 512
FEW = 16


class OracleSession:
    """A connection of python-oracledb; a pluggable database is one database of the catalogue.

    `views` is the family of the data dictionary that it reads: `dba` or `all`.
    """

    def __init__(
        self, connection: Any, *, database: str, config: Any, version: tuple[int, ...]
    ) -> None:
        """Wrap a connection; `version` is the server's."""
        self.connection = connection
        self.database = database
        self.config = config
        self.version = version
        self.calls = 0
        self.views = "all"
        self.schema: str | None = None

    @property
    def exact(self) -> bool:
        """Whether names are told as they are stored."""
        return bool(self.config.preserveIdentifierCase)

    def rows(self, query: str, parameters: Mapping[str, Any] | None = None) -> list[Row]:
        """Run one statement; `{v}` in it stands for the family of views."""
        return list(self.stream(query, parameters))

    def stream(self, query: str, parameters: Mapping[str, Any] | None = None) -> Iterator[Row]:
        """Run one statement whose rows are read as they come."""
        self.calls += 1
        with closing(self.connection.cursor()) as cursor:
            cursor.arraysize = AT_ONCE
            cursor.prefetchrows = AT_ONCE + 1  # an answer that fits comes with the execution
            cursor.execute(self.text(query), dict(parameters or {}))
            while rows := cursor.fetchmany():
                yield from rows

    def execute(self, statement: str) -> None:
        """Run one statement that answers nothing."""
        self.calls += 1
        with closing(self.connection.cursor()) as cursor:
            cursor.execute(statement)

    def text(self, query: str) -> str:
        """A statement as it is sent."""
        return query.replace("{v}", self.views)

    def cancel(self) -> None:
        """Make the running statement raise ORA-01013."""
        threading.Thread(target=self._cancel, name="oracle-cancel", daemon=True).start()

    def _cancel(self) -> None:
        with suppress(Exception):
            self.connection.cancel()

    def close(self) -> None:
        """Close the connection."""
        with suppress(Exception):
            self.connection.close()


class Among:
    """A set of owners' names as conditions on two columns, with what they bind.

    Lists are filled up to powers of two by their last name, so that the server has to parse few shapes of
    a statement, however many names a batch has. A few owners are constants, for which the server looks
    into their objects only; many owners are a list of pairs.
    """

    def __init__(self, keys: Iterable[Key]) -> None:
        """Number the names; they are bound by these numbers wherever `where` stands."""
        owners: dict[str, list[str]] = {}
        for owner, name in sorted(set(keys)):
            owners.setdefault(owner, []).append(name)
        self.binds: dict[str, str] = {}
        self._lists: list[tuple[str, list[str]]] = []
        self._pairs: list[tuple[str, str]] = []
        if len(owners) > FEW:
            pairs = [(owner, name) for owner, names in owners.items() for name in names]
            self._pairs = [(self._bind(o), self._bind(n)) for o, n in _filled(pairs)]
            return
        for owner, names in owners.items():
            for start in range(0, len(names), LONGEST):
                part = _filled(names[start : start + LONGEST])
                self._lists.append((self._bind(owner), [self._bind(each) for each in part]))

    def __bool__(self) -> bool:
        """Whether there is a name at all."""
        return bool(self.binds)

    def where(self, owner: str, name: str) -> str:
        """The condition that these two columns are one of the pairs."""
        if self._pairs:
            # A list of pairs is not held to a thousand members.
            listed = ", ".join(f"({o}, {n})" for o, n in self._pairs)
            return f"({owner}, {name}) in ({listed})"
        parts = [
            f"{owner} = {theirs} and {name} in ({', '.join(names)})"
            for theirs, names in self._lists
        ]
        return f"({' or '.join(parts)})"

    def _bind(self, value: str) -> str:
        name = f"b{len(self.binds)}"
        self.binds[name] = value
        return f":{name}"


def _filled(values: Sequence[Kind]) -> list[Kind]:
    size = 1
    while size < len(values):
        size *= 2
    return [*values, *([values[-1]] * (size - len(values)))]
