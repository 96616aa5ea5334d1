"""How each type of a REST tool is listed, what describes one, and what that becomes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rayingest.core.source import Described, Settings
from rayingest.kit.dashboards import Place
from rayingest.kit.rest.pages import Pager, Whole
from rayingest.model import Chart, EntityType


@dataclass(frozen=True)
class Found:
    """One item of a listing: what it is called, and what its details are asked for by (`metadata`)."""

    fqn: str
    name: str
    metadata: Mapping[str, str]
    project: str | None = None
    draft: bool = False


@dataclass(frozen=True)
class Site:
    """What functions of a connector may look at: where things are, what is wanted, what `prepare` made."""

    place: Place
    settings: Settings
    context: Any = None

    def keeps(self, entity_type: EntityType, name: str, fqn: str) -> bool:
        """Whether the filter patterns keep it."""
        return self.settings.filters.keeps(entity_type, name, fqn)

    def shows(self, chart: Chart) -> bool:
        """Whether the patterns keep a chart, by its title if it has one."""
        return self.keeps(EntityType.CHART, chart.display_name or chart.name, chart.fqn)

    def takes(self, entity_type: EntityType, found: Found) -> bool:
        """Whether what was found is read: by the patterns of its type and of projects, and as a draft."""
        filters = self.settings.filters
        return (
            self.keeps(entity_type, found.name, found.fqn)
            and filters.keeps_project(found.project or "")
            and (filters.drafts or not found.draft)
        )


@dataclass(frozen=True)
class Kind:
    """One type of entity.

    `path`, `params` and `pager` (of the connection's model) are its listing; `found` makes something of an item, or None of one
    that is no entity of this type. `details` are paths with `{…}` out of the metadata, asked for in
    this order; `describe` takes the descriptor, the site and their answers. `grant` says what whoever
    may not list it needs. `wanted` looks at the options.
    """

    path: str
    found: Callable[[Any, Site], Found | None]
    describe: Callable[..., Described]
    details: tuple[str, ...] = ()
    pager: Callable[[Any], Pager] = lambda connection: Whole()
    params: Mapping[str, str] = field(default_factory=dict)
    grant: str = ""
    wanted: Callable[[Any], bool] = lambda options: True
