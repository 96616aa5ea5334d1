"""Whole runs into a catalogue that judges each body: all catalogs at once, in good days and bad ones."""

from pathlib import Path

import pytest
import yaml

import rayingest as ri
from rayingest.testing import StrictCatalogue
from rayingest.testing.trino import Refusal

from ...running import TOKEN, balanced, outcome, tells

CANARY = "canary-9f"


@pytest.fixture
def run(shop, tmp_path, monkeypatch):
    """Run the same config into a catalogue, as often as wanted."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    shop.cluster.passwords["ada"] = CANARY
    asking = {"authType": {"password": CANARY}, "connectionArguments": {"http_scheme": "http"}}

    def ran(catalogue, *, exit_code=0, **options):
        tree = {
            "source": {
                "type": "trino",
                "serviceName": "svc",
                "serviceConnection": {"config": {**shop.probe.config, **asking}},
                "sourceConfig": {"config": {"type": "DatabaseMetadata", **options}},
            },
            "sink": {"type": "metadata-rest", "config": {}},
            "workflowConfig": {
                "openMetadataServerConfig": {
                    "hostPort": catalogue.url,
                    "authProvider": "openmetadata",
                    "securityConfig": {"jwtToken": TOKEN},
                },
                "distributedExecution": {"retryPolicy": {"maxAttempts": 1}},
            },
        }
        path = tmp_path / "config.yaml"
        path.write_text(yaml.safe_dump(tree))
        done = ri.load(path, flags={"engine": "local"}).run()
        balanced(done.report)
        assert done.report.exit_code == exit_code, done.report.verdict
        files = [each for each in Path(done.directory.url).rglob("*") if each.is_file()]
        assert not [each for each in files if CANARY in each.read_text()]
        return done.report

    return ran


@pytest.mark.usefixtures("contracts")
def test_the_catalogue_takes_tables_of_every_kind_and_once(run):
    with StrictCatalogue(token=TOKEN) as catalogue:
        assert run(catalogue, includeDDL=True).types["table"]["ok"] == 5
        assert len(outcome(catalogue)["databases"]) == 2
        assert run(catalogue, includeDDL=True).types["table"]["unchanged"] == 5
        assert catalogue.validation_errors() == []


@pytest.mark.usefixtures("contracts", "hurry")
def test_a_bad_network_changes_nothing_of_what_is_written(run, shop):
    with StrictCatalogue(token=TOKEN) as calm, StrictCatalogue(token=TOKEN) as stormy:
        run(calm)
        shop.cluster.page, shop.cluster.busy, shop.cluster.torn = 3, 4, 3
        run(stormy)
        assert outcome(stormy) == outcome(calm)


@pytest.mark.usefixtures("contracts")
def test_a_catalog_that_is_down_costs_itself_and_deletes_nothing(run, shop):
    with StrictCatalogue(token=TOKEN) as catalogue:
        run(catalogue)
        before = outcome(catalogue)
        shop.cluster.down["crm"] = Refusal("HIVE_METASTORE_ERROR", "Failed connecting to metastore")
        tells(run(catalogue, exit_code=3), "Failed connecting to metastore")
        assert outcome(catalogue) == before


@pytest.mark.usefixtures("contracts")
def test_a_poisoned_table_costs_only_itself(run, shop):
    shop.cluster.refusals["'orders'"] = Refusal("GENERIC_INTERNAL_ERROR", "poison")
    with StrictCatalogue(token=TOKEN) as catalogue:
        report = run(catalogue, exit_code=3)
        assert (report.types["table"]["ok"], report.types["table"]["failed"]) == (4, 1)
        tells(report, "poison")
