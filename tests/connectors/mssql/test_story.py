"""The story that every database tells, out of rows of SQL Server's catalogue; what only this shows is `compiled`."""

import pytest
import yaml

import rayingest as ri
from rayingest.connectors.database.mssql import CONNECTOR
from rayingest.testing import StrictCatalogue
from rayingest.testing.conformance import DATABASE_FLOORS, reached
from rayingest.testing.connector_suite import CHECKS, case

from .story import COMPILED
from .test_listing import NASTY
from .test_types import TYPES
from .written import library


@pytest.fixture(scope="module")
def story(running):
    made = library(running, "the library")
    return case("mssql", running.config(database=made.name))


@pytest.mark.parametrize("capability", DATABASE_FLOORS)
def test_the_story_is_told_to_its_end(story, capability):
    """Also what the emulator has nothing of."""
    assert COMPILED.keys() <= CONNECTOR.capabilities
    assert reached(story.told, "database", capability) == (capability in CONNECTOR.capabilities)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_suite_holds_for_it(story, check):
    check(story)


def test_the_catalogue_takes_it_all(running, database, tmp_path, monkeypatch):
    """Judged by OpenMetadata's schemas; the second run finds nothing to write."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    database.table("types", {f"c{place}": each for place, each in enumerate(TYPES)})
    for name in NASTY:
        database.table(
            name, dict.fromkeys(NASTY, "int"), kind="V", text="create view x as select 1"
        )
    database.write()
    library(running, f"{database.name} library")
    with StrictCatalogue() as catalogue:
        connection = running.config(database=f"{database.name} library", ingestAllDatabases=True)
        tree = {
            "source": {
                "type": "mssql",
                "serviceName": "svc",
                "serviceConnection": {"config": connection},
                "sourceConfig": {"config": {"type": "DatabaseMetadata", "includeDDL": True,
                    "databaseFilterPattern": {"includes": [database.name]}}},
            },
            "sink": {"type": "metadata-rest", "config": {}},
            "workflowConfig": {"openMetadataServerConfig": {
                "hostPort": catalogue.url, "authProvider": "openmetadata",
                "securityConfig": {"jwtToken": "t"}}},
        }  # fmt: skip
        path = tmp_path / "config.yaml"
        path.write_text(yaml.safe_dump(tree))
        first = ri.load(path, flags={"engine": "local"}).run().report
        assert first.state == "success", first.errors
        assert first.types["table"]["ok"] == len(NASTY) + 5
        second = ri.load(path, flags={"engine": "local"}).run().report
        assert second.state == "success", second.errors
        assert second.types["table"]["unchanged"] == len(NASTY) + 5
