"""One connection to an account: statements counted, listings by SHOW in pages, cancelling."""

import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from itertools import chain
from typing import Any

Row = tuple[Any, ...]
Shown = dict[str, Any]
Names = Mapping[str, Sequence[str]]  # schema -> names of things in it

# https://docs.snowflake.com/en/sql-reference/sql/show: no more rows come than these, without a word.
MOST = 10_000
_PART = re.compile(r'"((?:[^"]|"")*)"|([^".]+)')
CANCEL = "select system$cancel_all_queries(%s)"


class SnowSession:
    """A connection of the vendor's client; it tells of one database, and can turn to any other."""

    def __init__(
        self,
        connection: Any,
        *,
        database: str,
        config: Any,
        number: int,
        beside: Callable[[], Any],
    ) -> None:
        """Wrap a connection; `number` is the server's of it, `beside` opens another, with short time-outs."""
        self.connection = connection
        self.number = number
        self.database = database
        self.config = config
        self.calls = 0
        self.tags_told = True  # until the account's tags turn out to be closed to the role
        self.cut: set[str] = set()  # statements that have more to tell than is shown
        self._beside = beside

    @property
    def views(self) -> str:
        """Where this database tells about itself."""
        return f"{spelled(self.database)}.information_schema"

    def turn(self, database: str) -> None:
        """Tell of another database from now on."""
        self.database = database

    def rows(self, query: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Run one statement; a list among the parameters is for `in (%s)`."""
        with closing(self._asked(query, parameters)) as cursor:
            return list(cursor.fetchall())

    def stream(self, query: str, parameters: Sequence[Any] = ()) -> Iterator[Row]:
        """Run one statement whose rows are read as they come."""
        with closing(self._asked(query, parameters)) as cursor:
            while rows := cursor.fetchmany(1000):
                yield from rows

    def shown(self, statement: str, parameters: Sequence[Any] = ()) -> list[Shown]:
        """Run a SHOW; its columns by their names, for their order has changed before."""
        with closing(self._asked(statement, parameters)) as cursor:
            names = [each[0].lower() for each in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def _asked(self, query: str, parameters: Sequence[Any]) -> Any:
        """A cursor with the answer. Without parameters the client leaves `%%` as it is."""
        self.calls += 1
        cursor = self.connection.cursor()
        try:
            if parameters:
                return cursor.execute(query, tuple(parameters))
            return cursor.execute(query.replace("%%", "%"))
        except BaseException:
            cursor.close()
            raise

    def pages(self, statement: str) -> list[Shown]:
        """A SHOW of one scope whose names are unique and in order, page by page to its end."""
        found = {each["name"]: each for each in self.shown(f"{statement} limit {MOST}")}
        full = len(found) >= MOST
        while full:
            after = [next(reversed(found))]
            page = self.shown(f"{statement} limit {MOST} from %s", after)
            fresh = {each["name"]: each for each in page if each["name"] not in found}
            found |= fresh
            full = bool(fresh) and len(page) >= MOST
        return list(found.values())

    def within(self, what: str, schemas: Callable[[], Iterable[str]]) -> list[Shown]:
        """SHOW all of a kind in this database: by one statement, or by schema where that is cut."""
        found = self.shown(f"show {what} in database {spelled(self.database)} limit {MOST}")
        if len(found) < MOST:
            return found
        places = (spelled(self.database, each) for each in schemas())
        return list(chain.from_iterable(self.pages(f"show {what} in schema {p}") for p in places))

    def cancel(self) -> None:
        """Ask the server to break off what runs in this session, over a connection of its own."""
        threading.Thread(target=self._cancel, name="snowflake-cancel", daemon=True).start()

    def _cancel(self) -> None:
        with (
            suppress(Exception),
            closing(self._beside()) as other,
            closing(other.cursor()) as cursor,
        ):
            cursor.execute(CANCEL, (self.number,))

    def close(self) -> None:
        """Close the connection."""
        with suppress(Exception):
            self.connection.close()


def quoted(*names: str) -> str:
    """Names between double quotes, joined by dots: their case counts."""
    return ".".join('"' + each.replace('"', '""') + '"' for each in names)


def parts(name: str) -> tuple[str, ...]:
    """The names of one that is spelled like this; quotes that are not needed may be missing."""
    return tuple(quoted.replace('""', '"') or plain for quoted, plain in _PART.findall(name))


def spelled(*names: str) -> str:
    """The same for the text of a statement, where a percent sign counts double."""
    return quoted(*names).replace("%", "%%")


def grouped(keys: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Names by their schema."""
    names: dict[str, list[str]] = {}
    for schema, name in sorted(keys):
        names.setdefault(schema, []).append(name)
    return names


def among(schema: str, name: str, names: Names) -> tuple[str, list[Any]]:
    """A condition on two columns, for the names of several schemas, and its parameters."""
    given = {place: list(each) for place, each in names.items() if each}
    parts = [f"({schema} = %s and {name} in (%s))"] * len(given)
    return f"({' or '.join(parts)})", [value for pair in given.items() for value in pair]
