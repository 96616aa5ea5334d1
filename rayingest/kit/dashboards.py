"""What connectors of dashboard tools make alike: names, folders, lineage."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from rayingest.core import fqn
from rayingest.model import EntityType, Fact, Tag

LONGEST = 50  # folders in folders


@dataclass(frozen=True)
class Place:
    """Where things are: the service's FQN in the catalogue, and the tool's own address."""

    service: str
    url: str

    def named(self, identity: object) -> str:
        """The FQN of what the tool calls by this id."""
        return fqn.child(self.service, plain(str(identity)))

    def data_model(self, name: str) -> str:
        """The FQN of a data model."""
        return fqn.child(fqn.child(self.service, "model"), plain(name))


def plain(identity: str) -> str:
    """A name without `::`, which OpenMetadata allows in none: `thelook::overview`."""
    return identity.replace("::", "_")


def text(told: object) -> str | None:
    """What somebody wrote, without space around it; None for nothing."""
    return str(told).strip() or None if told is not None else None


def tags(classification: str, names: Iterable[str] | None) -> tuple[Tag, ...]:
    """Labels as tags of a classification, each once."""
    told = dict.fromkeys(names or ())
    return tuple(Tag(classification=classification, name=each) for each in told if each)


def paths(folders: Iterable[tuple[str, str, str | None]]) -> dict[str, str]:
    """Folders as id, name and parent's id: id -> the names from the root to it.

    A parent that we may not see is left out.
    """
    known = {identity: (name, parent) for identity, name, parent in folders}
    return {each: " / ".join(_upwards(each, known)) for each in known}


def _upwards(identity: str, known: Mapping[str, tuple[str, str | None]]) -> list[str]:
    names: list[str] = []
    at: str | None = identity
    while at is not None and at in known and len(names) < LONGEST:
        name, at = known[at]
        names.append(name)
    return names[::-1]


def edge(kind: EntityType, source: str, to: EntityType, target: str) -> Fact:
    """Lineage: data flows from one to the other, by their FQNs."""
    payload: dict[str, Any] = {
        "fromType": kind.value,
        "fromFqn": source,
        "details": {"source": "DashboardLineage"},
    }
    return Fact(target_type=to, target_fqn=target, kind="lineage", key=source, payload=payload)
