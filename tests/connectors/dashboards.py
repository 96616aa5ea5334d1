"""Dashboard tools, a catalogue, and runs between them."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

import pytest
import yaml

import rayingest as ri
from rayingest.api import Run
from rayingest.core import fqn
from rayingest.kit.rest.jobs import Waits
from rayingest.model import Column, Database, DatabaseSchema, DatabaseService, Table
from rayingest.sinks.openmetadata.settings import Service
from rayingest.testing import (
    StrictCatalogue,
    grafana,
    looker,
    metabase,
    powerbi,
    redash,
    superset,
    tableau,
)
from rayingest.testing.rest import RestWorld, serving

from ..running import balanced
from ..sinks.test_all_sinks import write
from ..sinks.world import TOKEN, openmetadata

World = TypeVar("World", bound=RestWorld)


@dataclass(frozen=True)
class Tool:
    """A tool's server for tests: how to make it, log in, and what must never be said.

    `judge` is the distribution that holds its answers to be the vendor's, '' when nothing does; or else
    they are held against a `specification`, or, when it is `real`, against the product itself by a slow
    test. `driver` is what the connector, or its server, imports. `small` makes a world for a golden file,
    `more` says what its connection has besides; `addresses` are its keys that have the server's URL.
    `together`: dashboards are not asked for one by one, but with all that lies in their folder. `waits`
    is where it stands how long the connector waits for what the tool works on, `limits` are those that
    are too slow for tests.
    """

    world: Callable[..., RestWorld]
    login: Mapping[str, Any]
    secret: str
    small: Mapping[str, int]
    judge: str = ""
    specification: str = ""
    real: bool = False
    driver: str = ""
    addresses: tuple[str, ...] = ("hostPort",)
    together: bool = False
    waits: str = ""
    limits: tuple[str, ...] = ()
    more: Callable[[Path], Mapping[str, str]] = lambda folder: {}

    @property
    def judged(self) -> bool:
        """Whether its answers are known to be the vendor's."""
        return bool(self.judge or self.specification or self.real)

    def at(self, url: str) -> dict[str, Any]:
        """A connection to a server."""
        return {**self.login, **dict.fromkeys(self.addresses, url)}

    @contextmanager
    def hurried(self) -> Iterator[None]:
        """Whatever the tool works on is asked after at once."""
        with pytest.MonkeyPatch.context() as patch:
            if self.waits:
                patch.setattr(self.waits, Waits(0.0, 0.0))
            yield


def _lookml(folder: Path) -> Mapping[str, str]:
    looker.write_lookml(folder)
    return {"gitCredentials": str(folder)}


TOOLS: dict[str, Tool] = {
    "grafana": Tool(
        grafana.World,
        {"apiKey": grafana.KEY},
        grafana.KEY,
        {"dashboards": 4},
        judge="grafana-foundation-sdk",
    ),
    "looker": Tool(
        looker.World,
        {"clientId": looker.CLIENT_ID, "clientSecret": looker.CLIENT_SECRET},
        looker.CLIENT_SECRET,
        {"dashboards": 3, "lookml_dashboards": 1, "explores": 2, "rich": 1},
        judge="looker-sdk",
        driver="looker_sdk",
        more=_lookml,
    ),
    "metabase": Tool(
        metabase.World,
        {"username": metabase.USERNAME, "password": metabase.PASSWORD},
        metabase.PASSWORD,
        {"dashboards": 3, "models": 3},
    ),
    "powerbi": Tool(
        powerbi.World,
        {
            "clientId": powerbi.CLIENT_ID,
            "clientSecret": powerbi.CLIENT_SECRET,
            "tenantId": powerbi.TENANT,
            "pagination_entity_per_page": 2,
        },
        powerbi.CLIENT_SECRET,
        {"workspaces": 3},
        specification="Microsoft's OpenAPI description of Power BI (PowerBI-CSharp)",
        addresses=("apiURL", "authorityURI", "hostPort"),
        together=True,
        waits="rayingest.connectors.dashboard._powerbi.source.WAITS",
        limits=("modified", "groups", "getInfo", "scanStatus", "scanResult"),
    ),
    "redash": Tool(
        redash.World,
        {"username": "ann", "apiKey": redash.KEY},
        redash.KEY,
        {"dashboards": 4},
    ),
    "superset": Tool(
        superset.World,
        {
            "connection": {
                "provider": "db",
                "username": superset.USERNAME,
                "password": superset.PASSWORD,
            }
        },
        superset.PASSWORD,
        {"dashboards": 4},
        real=True,
    ),
    "tableau": Tool(
        tableau.World,
        {
            "authType": {
                "personalAccessTokenName": tableau.TOKEN,
                "personalAccessTokenSecret": tableau.SECRET,
            },
            "siteName": tableau.SITE_NAME,
        },
        tableau.SECRET,
        {"dashboards": 3, "published": 2},
        judge="tableauserverclient",
        driver="graphql",
    ),
}


@dataclass
class Place(Generic[World]):
    """One tool and one catalogue; every run is audited, and says no secret."""

    tool: str
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
        """A file; None in `connection` leaves a key out."""
        login = {**TOOLS[self.tool].at(self.url), **(connection or {})}
        login = {key: each for key, each in login.items() if each is not None}
        tree = {
            "source": {
                "type": self.tool,
                "serviceName": "bi",
                "serviceConnection": {"config": login},
                "sourceConfig": {"config": {"type": "DashboardMetadata", **options}},
            },
            "sink": {"type": "metadata-rest", "config": {}},
            "workflowConfig": {
                "distributedExecution": {
                    "enabled": True,
                    "parallelism": 4,
                    "retryPolicy": {"maxAttempts": 3, "backoffSeconds": 0.02},
                    "limits": {each: {"rate": 1e4} for each in TOOLS[self.tool].limits},
                    **(execution or {}),
                },
                "openMetadataServerConfig": {
                    "hostPort": self.catalogue.url,
                    "authProvider": "openmetadata",
                    "securityConfig": {"jwtToken": TOKEN},
                },
            },
        }
        path = self.folder / f"{self.tool}.yaml"
        path.write_text(yaml.safe_dump(tree))
        return path

    def run(self, config: Path | None = None, /, *, engine: str = "local", **wishes: Any) -> Run:
        unfinished = wishes.pop("unfinished", False)
        wishes.setdefault("allow_untested", not TOOLS[self.tool].judged)
        job = ri.load(config or self.config(), flags={"engine": engine})
        run = job.run(log=lambda level, text: self.said.append(text), **wishes)
        balanced(run.report, unfinished=unfinished)
        assert run.directory is not None
        files = [each for each in Path(run.directory.url).rglob("*") if each.is_file()]
        told = [run.report.to_json().decode(), *self.said, *(each.read_text() for each in files)]
        secrets = (TOOLS[self.tool].secret, TOKEN)
        assert not [each for each in told if any(secret in each for secret in secrets)]
        return run

    def stock(self, *names: str) -> None:
        """Put these tables of one schema into the catalogue, `pg.shop.inventory`."""
        with replace(openmetadata(self.catalogue), service=Service()).open() as session:
            write(session, shop(*names))

    def held(self, kind: str) -> dict[str, Any]:
        """What is alive in the catalogue, by FQN: the requests that made it."""
        return self.catalogue.entities(kind)

    def edges(self) -> set[tuple[str, str]]:
        """Lineage as pairs of FQNs."""
        log = (each.fqn for each in self.catalogue.log if each.collection == "lineage")
        return {tuple(each.split(" -> ")) for each in log}  # type: ignore[misc]


@contextmanager
def place_of(tool: str, folder: Path, **world: Any) -> Iterator[Place[Any]]:
    """A tool and a catalogue; at the end everything that was written was right."""
    made = TOOLS[tool].world(**world)
    with (
        serving(made) as url,
        StrictCatalogue(token=TOKEN) as catalogue,
        TOOLS[tool].hurried(),
    ):
        yield Place(tool, made, url, catalogue, folder)
        assert catalogue.validation_errors() == []


def shop(*names: str) -> list[Any]:
    """A database service with these tables of one schema, `pg.shop.inventory`."""
    service = DatabaseService(name="pg", fqn="pg", service_type="Postgres")
    database = Database(name="shop", fqn="pg.shop", service="pg")
    schema = DatabaseSchema(name="inventory", fqn="pg.shop.inventory", database="pg.shop")
    made = [
        Table(
            name=each,
            fqn=fqn.child(schema.fqn, each),
            database_schema=schema.fqn,
            columns=(Column(name="id", data_type="INT"),),
        )
        for each in names
    ]
    return [service, database, schema, *made]
