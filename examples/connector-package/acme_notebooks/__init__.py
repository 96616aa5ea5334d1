"""A folder of Jupyter notebooks: each is a dashboard, each cell that has shown something a chart."""

import json
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from rayingest.config.connection import ConnectionModel, Unused
from rayingest.core import fqn
from rayingest.core.limits import Limit
from rayingest.core.source import (
    Batching,
    Capability,
    CheckResult,
    Described,
    DiscoverableSource,
    EntityDescriptor,
    Listed,
    Prepare,
    Processed,
    ScopeListed,
    Settings,
    no_context,
    one_by_one,
)
from rayingest.errors import Gone, Permanent, Unreachable
from rayingest.model import Chart, Dashboard, EntityType, Tag

DASHBOARD = EntityType.DASHBOARD


class NotebooksConnection(ConnectionModel):
    """Which folder to read."""

    type: Literal["CustomDashboard"] = Field(
        "CustomDashboard", description="OpenMetadata's service type for what it does not know."
    )
    sourcePythonClass: Annotated[str | None, Unused()] = Field(  # noqa: N815 - OpenMetadata's name
        None, description="Class of a custom source; this connector needs none."
    )
    folder: str = Field(description="Folder with notebooks, on this machine.")


class Notebooks:
    """One session; there is nothing to keep open."""

    calls = 0

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._folder = Path(settings.connection.folder)
        self._service = fqn.join(settings.service)

    def get_parallelizable_entity_types(self) -> Sequence[EntityType]:
        """Dashboards."""
        return (DASHBOARD,)

    def discover_entities(
        self, entity_type: EntityType, scope: str | None = None
    ) -> Iterator[Listed]:
        """Names only, and how many there were."""
        if not self._folder.is_dir():
            raise Unreachable(f"The folder {self._folder} does not exist.", hint="Check folder.")
        count = filtered = 0
        for path in sorted(self._folder.glob("*.ipynb")):
            whole = fqn.child(self._service, path.stem)
            if not self._settings.filters.keeps(DASHBOARD, path.stem, whole):
                filtered += 1
                continue
            count += 1
            yield EntityDescriptor(DASHBOARD, whole, self._service, metadata={"file": path.name})
        yield ScopeListed(DASHBOARD, self._service, count, filtered=filtered)

    def process_entities(self, descriptors: Sequence[EntityDescriptor]) -> Iterator[Processed]:
        """Read each file; one that cannot be read costs only itself."""
        return one_by_one(self._described)(descriptors)

    def _described(self, descriptor: EntityDescriptor) -> Described:
        path = self._folder / descriptor.metadata["file"]
        try:
            raw = json.loads(path.read_text("utf-8"))
        except FileNotFoundError:
            raise Gone(f"{path} is not there any more") from None
        except ValueError as error:
            raise Permanent(f"{path} is no notebook: {error}") from None
        charts = [self._chart(path, each) for each in shown(raw)]
        tags = raw.get("metadata", {}).get("tags", ())
        made = Dashboard(
            name=path.stem,
            fqn=descriptor.id,
            service=self._service,
            display_name=title(raw) or path.stem,
            source_url=path.absolute().as_uri(),
            tags=tuple(Tag(classification="NotebookTags", name=each) for each in tags),
            charts=tuple(each.fqn for each in charts),
        )
        return Described(descriptor, (*charts, made))

    def _chart(self, path: Path, cell: Mapping[str, Any]) -> Chart:
        name = f"{path.stem}_{cell['id']}"
        table = any("text/html" in each.get("data", {}) for each in cell["outputs"])
        return Chart(
            name=name,
            fqn=fqn.child(self._service, name),
            service=self._service,
            chart_type="Table" if table else "Graph",
            source_url=path.absolute().as_uri(),
        )


def shown(raw: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Cells with a picture or a table among their outputs; nbformat 4.5, where cells have ids."""
    for cell in raw.get("cells", ()):
        kinds = {kind for each in cell.get("outputs", ()) for kind in each.get("data", {})}
        if kinds & {"image/png", "image/svg+xml", "text/html"}:
            yield cell


def title(raw: Mapping[str, Any]) -> str | None:
    """The first heading."""
    for cell in raw.get("cells", ()):
        for line in "".join(cell.get("source", "")).splitlines():
            if cell.get("cell_type") == "markdown" and line.startswith("# "):
                return line.removeprefix("# ").strip()
    return None


@dataclass(frozen=True)
class NotebooksConnector:
    """What rayingest must know before it opens one."""

    service_type: str = "CustomDashboard"
    family: str = "dashboard"
    extra: str = ""
    connection: type[BaseModel] = NotebooksConnection
    types: tuple[EntityType, ...] = (DASHBOARD,)
    dependencies: Mapping[EntityType, EntityType] = field(default_factory=dict)
    listed_by: Mapping[EntityType, EntityType] = field(default_factory=dict)
    batching: Mapping[EntityType, Batching] = field(
        default_factory=lambda: {DASHBOARD: Batching(1, 50)}
    )
    max_connections: int = 50
    local: bool = True  # a folder of this machine: no worker elsewhere could read it
    listing_hides: bool = False
    limits: tuple[Limit, ...] = ()
    capabilities: frozenset[Capability] = frozenset(
        {Capability.DASHBOARDS, Capability.CHARTS, Capability.TAGS}
    )
    lacks: Mapping[Capability, str] = field(
        default_factory=lambda: {
            Capability.DATA_MODELS: "notebooks have none",
            Capability.COLUMNS: "there are no data models",
            Capability.VIEWS: "there are no data models",
            Capability.PROJECTS: "one folder is read, without those in it",
            Capability.OWNERS: "files know a login of the machine, nobody of the catalogue",
            Capability.LINEAGE: "what a cell reads is not looked for",
            Capability.USAGE: "nobody counts",
        }
    )
    prepare: Prepare = no_context

    @contextmanager
    def open(self, settings: Settings, context: Any = None) -> Generator[DiscoverableSource]:
        """See rayingest.core.source.Connector."""
        yield Notebooks(settings)

    def check(self, settings: Settings) -> Iterator[CheckResult]:
        """Whether there is something to read."""
        found = [*Path(settings.connection.folder).glob("*.ipynb")]
        why = None if found else "there are no notebooks in it"
        yield CheckResult("dashboards", "ok" if found else "warning", why)


CONNECTOR = NotebooksConnector()
