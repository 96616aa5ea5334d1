"""What connectors of dashboard tools make alike: names, charts, owners, folders, lineage, views."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from rayingest.core import fqn
from rayingest.model import Chart, EntityType, Fact, Owner, Tag, usage

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

    def chart(
        self,
        identity: object,
        title: object,
        url: str | None,
        *,
        kind: str = "Other",
        description: object = None,
        tags: tuple[Tag, ...] = (),
    ) -> Chart:
        """A chart; `kind` is OpenMetadata's word for how it is drawn."""
        name = plain(str(identity))
        return Chart(
            name=name,
            fqn=self.named(name),
            service=self.service,
            display_name=text(title),
            description=text(description),
            chart_type=kind,
            source_url=url,
            tags=tags,
        )


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


def owners(*emails: object) -> tuple[Owner, ...]:
    """Those of these people of whom an address is known, each once."""
    return tuple(Owner(name=each) for each in dict.fromkeys(map(text, emails)) if each)


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


def flows(sources: Iterable[tuple[EntityType, str]], to: EntityType, target: str) -> list[Fact]:
    """Lineage into one, from many of several types."""
    return [edge(kind, name, to, target) for kind, name in sources]


def viewed(dashboard: str, count: int | None, *, wanted: bool) -> tuple[Fact, ...]:
    """How often a dashboard was looked at since ever, if the tool tells and somebody wants to know."""
    if count is None or not wanted:
        return ()
    return (usage.total(EntityType.DASHBOARD, dashboard, count),)
