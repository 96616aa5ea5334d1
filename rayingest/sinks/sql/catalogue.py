"""The read side of the SQLite catalogue: what an entity's own table holds, without its columns."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from rayingest.model import EntityType
from rayingest.sinks.sql import schema

_SPELLED = {"fqn": "fullyQualifiedName", "hash": "sourceHash"}


class SqlCatalogue:
    """Asks through a session; a type that has no table has no entities."""

    def __init__(self, ask: Callable[..., list[tuple[Any, ...]]]) -> None:
        self._ask = ask

    def list(
        self, entity_type: EntityType, scope: str, *, full: bool = False
    ) -> Iterator[dict[str, object]]:
        """Entities of a type below an FQN ('' for all)."""
        yield from self._entities(entity_type, *_below(scope))

    def get(self, entity_type: EntityType, fqns: Sequence[str]) -> dict[str, dict[str, object]]:
        """Entities by FQN; the unknown ones are left out."""
        names = msgspec.json.encode([*fqns]).decode()
        found = self._entities(entity_type, schema.AMONG, names)
        return {str(each["fullyQualifiedName"]): each for each in found}

    def count(self, entity_type: EntityType, scope: str) -> int:
        """How many entities of a type lie below an FQN ('' for all)."""
        home, (where, *values) = schema.HOMES.get(entity_type), _below(scope)
        if home is None:
            return 0
        rows = self._ask(f"SELECT count(*) FROM {home} WHERE {where}", *values)  # noqa: S608
        return sum(number for (number,) in rows)

    def _entities(
        self, entity_type: EntityType, where: str, *values: str
    ) -> Iterator[dict[str, object]]:
        if home := schema.HOMES.get(entity_type):
            told = self._ask("SELECT name FROM pragma_table_info(?)", home)
            columns = [_SPELLED.get(name, _camel(name)) for (name,) in told]
            for row in self._ask(f"SELECT * FROM {home} WHERE {where}", *values):  # noqa: S608
                yield dict(zip(columns, row, strict=True))


def _below(scope: str) -> tuple[str, ...]:
    """A condition, and its values. What begins with an FQN and a dot: a slash comes after a dot."""
    return ("fqn > ? AND fqn < ?", f"{scope}.", f"{scope}/") if scope else ("true",)


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(other.capitalize() for other in others)
