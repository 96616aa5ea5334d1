"""A Looker, a catalogue, and runs between them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import stamina
import yaml

import rayingest as ri
from rayingest.api import Run
from rayingest.testing import StrictCatalogue
from rayingest.testing.looker import CLIENT_ID, CLIENT_SECRET, World, looker

from ...cluster import ray_cluster
from ...running import balanced
from ...sinks.world import TOKEN

pytest.importorskip("looker_sdk")


@dataclass
class Place:
    """One Looker and one catalogue; every run is audited, and says no secret."""

    world: World
    url: str
    catalogue: StrictCatalogue
    folder: Path
    said: list[str] = field(default_factory=list)

    def config(
        self,
        connection: dict[str, Any] | None = None,
        execution: dict[str, Any] | None = None,
        **options: Any,
    ) -> Path:
        login = {"clientId": CLIENT_ID, "clientSecret": CLIENT_SECRET, "hostPort": self.url}
        tree = {
            "source": {
                "type": "looker",
                "serviceName": "bi",
                "serviceConnection": {"config": {"type": "Looker", **login, **(connection or {})}},
                "sourceConfig": {"config": {"type": "DashboardMetadata", **options}},
            },
            "sink": {"type": "metadata-rest", "config": {}},
            "workflowConfig": {
                "distributedExecution": {
                    "retryPolicy": {"maxAttempts": 3, "backoffSeconds": 0.02},
                    "enabled": True,
                    "parallelism": 4,
                    **(execution or {}),
                },
                "openMetadataServerConfig": {
                    "hostPort": self.catalogue.url,
                    "authProvider": "openmetadata",
                    "securityConfig": {"jwtToken": TOKEN},
                },
            },
        }
        path = self.folder / "looker.yaml"
        path.write_text(yaml.safe_dump(tree))
        return path

    def run(self, config: Path | None = None, /, *, engine: str = "local", **wishes: Any) -> Run:
        unfinished = wishes.pop("unfinished", False)
        job = ri.load(config or self.config(), flags={"engine": engine})
        run = job.run(log=lambda level, text: self.said.append(text), **wishes)
        balanced(run.report, unfinished=unfinished)
        assert run.directory is not None
        files = [each for each in Path(run.directory.url).rglob("*") if each.is_file()]
        told = [run.report.to_json().decode(), *self.said, *(each.read_text() for each in files)]
        assert not [each for each in told if CLIENT_SECRET in each or TOKEN in each]
        return run

    def held(self, kind: str) -> dict[str, Any]:
        """What is alive in the catalogue, by FQN: the requests that made it."""
        return self.catalogue.entities(kind)

    def edges(self) -> set[tuple[str, str]]:
        """Lineage as pairs of FQNs."""
        log = (each.fqn for each in self.catalogue.log if each.collection == "lineage")
        return {tuple(each.split(" -> ")) for each in log}  # type: ignore[misc]


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    stamina.set_testing(True, attempts=3)
    yield
    stamina.set_testing(False)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    world = World()
    with looker(world) as url, StrictCatalogue(token=TOKEN) as catalogue:
        yield Place(world, url, catalogue, tmp_path)
        assert catalogue.validation_errors() == []


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    with ray_cluster() as address:
        yield address
