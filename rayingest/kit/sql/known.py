"""The tables that the catalogue has, with their columns: what names in SQL are looked up in."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from rayingest.core import fqn
from rayingest.core.source import Readable
from rayingest.model import EntityType, TableType

VIEWS = {TableType.VIEW, TableType.SECURE_VIEW, TableType.MATERIALIZED_VIEW}
Columns = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Known:
    """Tables of the catalogue: their columns by FQN, and FQNs by lower-case spelling.

    '' stands for a spelling that several tables share. `views` are those that have a text.
    """

    columns: Columns = field(default_factory=dict)
    spelled: Mapping[str, str] = field(default_factory=dict)
    views: frozenset[str] = frozenset()

    @classmethod
    def of(cls, catalogue: Readable | None, services: Iterable[str]) -> "Known":
        """List the tables of services, once for a whole run. Raises SinkError."""
        columns: dict[str, tuple[str, ...]] = {}
        spelled: dict[str, str] = {}
        views: set[str] = set()
        if catalogue is None:
            return cls()
        for service in services:
            for each in catalogue.list(EntityType.TABLE, fqn.join(service), full=True):
                name = str(each["fullyQualifiedName"])
                columns[name] = _names(each.get("columns"))
                if each.get("tableType") in VIEWS and each.get("schemaDefinition"):
                    views.add(name)
                lower = name.lower()
                spelled[lower] = name if spelled.get(lower, name) == name else ""
        return cls(columns, spelled, frozenset(views))

    def find(self, name: str) -> str | None:
        """The table of this FQN, or the only one that is spelled so in another case."""
        return name if name in self.columns else self.spelled.get(name.lower()) or None

    def place(self, names: Sequence[str], services: Sequence[str]) -> str:
        """The FQN of these names in the first of services that has it; in the first one when none has."""
        for each in services:
            if found := self.find(fqn.join(each, *names)):
                return found
        return fqn.join(services[0], *names)

    def column(self, table: str, name: str) -> str | None:
        """The FQN of a column, in the catalogue's spelling; as named when the table's are unknown."""
        known = self.columns.get(table, ())
        if not known or name in known:
            return fqn.child(table, name)
        alike = [each for each in known if each.lower() == name.lower()]
        return fqn.child(table, alike[0]) if len(alike) == 1 else None


def _names(columns: object) -> tuple[str, ...]:
    told = columns if isinstance(columns, list) else []
    return tuple(str(each["name"]) for each in told)
