"""Which table of the catalogue somebody means by a name in SQL."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from rayingest.core import fqn
from rayingest.core.source import Readable
from rayingest.model import EntityType

_DEPTH = 3  # parts of a name in SQL: database, schema, table
_OPENING = {'"': '"', "`": "`", "[": "]"}


@dataclass(frozen=True)
class Tables:
    """The tables of some services by the ends of their names, without regard to case.

    '' stands for names that several tables share. `places` are the FQNs that were listed.
    """

    by_name: Mapping[tuple[str, ...], str] = field(default_factory=dict)
    places: tuple[str, ...] = ()

    @classmethod
    def of(cls, catalogue: Readable | None, places: Sequence[str]) -> "Tables":
        """List all tables below some FQNs, once for the whole run. Raises SinkError."""
        found: dict[tuple[str, ...], str] = {}
        if catalogue is None:
            return cls()
        for place in places:
            for each in catalogue.list(EntityType.TABLE, place):
                name = str(each["fullyQualifiedName"])
                own = [part.lower() for part in fqn.split(name)[1:]]
                for depth in range(1, _DEPTH + 1):
                    key = tuple(own[-depth:])
                    found[key] = name if found.get(key, name) == name else ""
        return cls(found, tuple(places))

    def find(self, name: str) -> str | None:
        """The FQN of a table, by the longest part of its name that only one table has.

        A name that nobody has, in a place that was listed, is told as what its FQN would be: it ends
        as an unresolved reference, and is seen. None: no table's name, or nothing was listed.
        """
        parts = split(name)
        if not parts or not self.places:
            return None
        key = tuple(part.lower() for part in parts[-_DEPTH:])
        known = self.by_name.get(key)
        if known:
            return known
        return fqn.child(self.places[0], ".".join(parts)) if known is None else None


def split(name: str) -> list[str]:
    """The parts of a name, in the quotes of any dialect; [] for an expression.

    BigQuery's `project.dataset.table` is in one pair of quotes.
    """
    parts = list(_parts(name.strip()))
    if len(parts) == 1 and "." in parts[0] and name.strip().startswith("`"):
        parts = parts[0].split(".")
    return [] if not all(parts) or len(parts) > _DEPTH + 1 else parts


def _parts(text: str) -> Iterator[str]:
    while text:
        closing = _OPENING.get(text[0])
        if closing is not None:
            part, found, text = text[1:].partition(closing)
            yield part if found else ""
            rest = text.lstrip()
            if rest and not rest.startswith("."):
                yield ""
                return
            text = rest[1:]
            continue
        part, _, text = text.partition(".")
        part = part.strip()
        yield part if part and not set(part) & set(" (){}$;'\"`") else ""
