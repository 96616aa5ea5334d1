"""Unity Catalog into a strict catalogue, as users run it."""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import yaml

import rayingest as ri
from rayingest.core.source import ScopeListed
from rayingest.testing import StrictCatalogue
from rayingest.testing.unitycatalog import TOKEN, WAREHOUSE

from ...running import balanced, tells
from ...sinks.world import TOKEN as SINK_TOKEN

KEYS = [
    ["shop", "web", "t1", "PRIMARY KEY", "pk1", "id", None, None, None, None],
    ["shop", "web", "t0", "FOREIGN KEY", "fk0", "id", "shop", "web", "t1", "id"],
]
FLOWS = [
    ["shop", "web", "t1", "shop", "web", "t0", "id", "id"],
    ["shop", "web", "t1", "shop", "web", "t0", None, None],
    ["shop", "web", "t1", "gone", "s", "x", None, None],
    ["shop", "web", "t2", "shop", "web", "t1", None, None],
    ["shop", "web", "t4", "shop", "web", "t1", None, None],
]
TAGS = [["shop", "web", "t0", "", "pii", "high"], ["shop", "web", "t0", "day", "gold", ""]]


@dataclass(frozen=True)
class Run:
    """A config of the workspace and a catalogue."""

    catalogue: StrictCatalogue
    path: Path

    def __call__(self, **wishes):
        run = ri.load(self.path, flags={"engine": "local"}).run(**wishes)
        balanced(run.report)
        assert TOKEN not in run.report.to_json().decode()
        return run.report

    def lineage(self, **options):
        """A run of `unitycatalog-lineage` into the same catalogue."""
        tree = yaml.safe_load(self.path.read_text())
        tree["source"]["type"] = "unitycatalog-lineage"
        tree["source"]["sourceConfig"]["config"] = {"type": "DatabaseLineage", **options}
        path = self.path.with_name("lineage.yaml")
        path.write_text(yaml.safe_dump(tree))
        return replace(self, path=path)

    def edges(self):
        """How each edge of the catalogue is known."""
        told = self.catalogue.entities("lineage").items()
        return {name: each["edge"]["lineageDetails"]["source"] for name, each in told}

    def tables(self):
        return self.catalogue.entities("tables")


@pytest.fixture
def run(lake, tmp_path):
    lake.world.rows = {"key_column_usage": KEYS, "column_tags": TAGS}
    with StrictCatalogue(token=SINK_TOKEN) as catalogue:
        connection = {
            "type": "UnityCatalog",
            "hostPort": lake.url,
            "httpPath": f"/sql/1.0/warehouses/{WAREHOUSE}",
            "authType": {"token": TOKEN},
        }
        tree = {
            "source": {
                "type": "unitycatalog",
                "serviceName": "lake",
                "serviceConnection": {"config": connection},
                "sourceConfig": {"config": {"type": "DatabaseMetadata", "includeOwners": True}},
            },
            "sink": {"type": "metadata-rest", "config": {}},
            "workflowConfig": {
                "distributedExecution": {
                    "enabled": True,
                    "parallelism": 4,
                    "retryPolicy": {"maxAttempts": 2, "backoffSeconds": 0.02},
                },
                "openMetadataServerConfig": {
                    "hostPort": catalogue.url,
                    "authProvider": "openmetadata",
                    "securityConfig": {"jwtToken": SINK_TOKEN},
                },
            },
        }
        path = tmp_path / "lake.yaml"
        path.write_text(yaml.safe_dump(tree))
        yield Run(catalogue, path)
        assert catalogue.validation_errors() == []


def test_what_arrives_is_what_openmetadatas_schemas_take(run):
    """Also the foreign key of a table that is written before the one that it refers to."""
    assert run().exit_code == 0
    held = run.tables()
    assert len(held) == 9
    (foreign,) = held["lake.shop.web.t0"]["tableConstraints"]
    assert foreign["referredColumns"] == ["lake.shop.web.t1.id"]
    assert [each["tagFQN"] for each in held["lake.shop.web.t0"]["tags"]] == ["pii.high"]
    assert held["lake.shop.web.t3"]["tableType"] == "MaterializedView"
    (function,) = run.catalogue.entities("storedProcedures").values()
    assert function["storedProcedureCode"]["code"] == "return x * 2"


def test_a_second_run_writes_nothing(run):
    run()
    before = len(run.catalogue.log)
    report = run()
    assert report.types["table"]["unchanged"] == 9
    assert len(run.catalogue.log) == before


def test_a_schema_that_is_refused_keeps_its_tables_in_the_catalogue(run, lake):
    lake.world.tree["shop"]["hr"] = ["a", "b"]
    run()
    lake.world.denied = {"shop.hr"}
    report = run()
    assert report.exit_code == 3
    tells(report, "tables shop.hr", "GRANT USE SCHEMA")
    assert len(run.tables()) == 11
    lake.world.denied = set()
    lake.world.tree["shop"]["hr"] = ["a"]
    run(allow_deletions=True)
    assert len(run.tables()) == 10


def test_what_is_only_browsed_keeps_its_columns_in_the_catalogue(run, lake):
    run()
    lake.world.browse_only = {"shop.web.t1"}
    report = run(allow_deletions=True)
    tells(report, "only BROWSE", "GRANT SELECT ON TABLE `shop`.`web`.`t1`")
    assert len(run.tables()["lake.shop.web.t1"]["columns"]) == 4


def test_one_that_is_not_understood_costs_itself(run, lake):
    lake.world.broken = {"shop.web.t1"}
    report = run()
    assert (report.types["table"]["ok"], report.types["table"]["failed"]) == (8, 1)


def test_a_warehouse_that_is_refused_ends_the_run_before_tags_are_lost(run, lake):
    run()
    lake.world.warehouse_denied = True
    report = run()
    assert report.exit_code == 1
    assert WAREHOUSE in report.verdict
    assert run.tables()["lake.shop.web.t0"]["tags"]


@pytest.mark.parametrize(
    ("change", "said"),
    [("denied", "USE SCHEMA"), ("gone", "does not exist"), ("unreadable", "no list of entities")],
)
def test_discovery_goes_on_behind_a_schema_that_is_not_listed(run, lake, change, said):
    lake.world.tree["shop"] = {"hr": ["a"], "web": ["b"]}
    setattr(lake.world, change, {"shop.hr"})
    missing: list[ScopeListed] = []
    found = [each.id for each in ri.load(run.path).discover(unlisted=missing.append)]
    assert "lake.shop.web.b" in found
    assert {each.scope for each in missing} == {"lake.shop.hr"}
    assert said in (missing[0].why or "")


def test_recorded_lineage_goes_beside_that_of_views_and_a_second_run_writes_nothing(run, lake):
    """t2 is a view, t4 a streaming table; nobody has `gone.s.x`."""
    run()
    lake.world.rows = {"table_lineage": FLOWS}
    report = run.lineage()()
    assert (report.state, report.exit_code, report.unresolved) == ("success", 0, 1)
    edges = run.edges()
    assert {name for name, source in edges.items() if source == "QueryLineage"} == {
        "lake.shop.web.t0 -> lake.shop.web.t1",
        "lake.shop.web.t1 -> lake.shop.web.t4",
    }
    assert edges["lake.shop.web.t0 -> lake.shop.web.t2"] == "ViewLineage"
    written = len(run.catalogue.log)
    assert run.lineage()().exit_code == 0
    assert len(run.catalogue.log) == written


def test_a_view_that_the_catalogue_does_not_have_yet_is_met_twice_and_ends_well(run, lake):
    """Its text and the records both tell of it; without it in the catalogue neither is an edge."""
    run()
    lake.world.tree["shop"]["web"] += ["t9", "t10", "t11"]  # the last one is a view
    lake.world.rows = {"table_lineage": [["shop", "web", "t11", *FLOWS[0][3:]]]}
    report = run.lineage()()
    assert (report.exit_code, report.unresolved) == (0, 2)


def test_who_may_not_read_the_records_keeps_the_lineage_of_views_and_is_told_the_grant(run, lake):
    run()
    lake.world.ungranted = {"system.access"}
    report = run.lineage()()
    assert report.exit_code == 3
    tells(report, "recorded lineage", "SELECT ON SCHEMA system.access")
    assert set(run.edges().values()) == {"ViewLineage"}
    assert run.lineage(processQueryLineage=False)().exit_code == 0


def test_records_alone_are_read_when_views_are_not_wanted(run, lake):
    run()
    lake.world.rows = {"table_lineage": FLOWS}
    assert run.lineage(processViewLineage=False)().exit_code == 0
    assert "lake.shop.web.t1 -> lake.shop.web.t2" in run.edges()
    assert set(run.edges().values()) == {"QueryLineage"}


def test_plan_and_discover_know_what_was_recorded(run, lake):
    run()
    lake.world.rows = {"table_lineage": FLOWS}
    config = ri.load(run.lineage().path)
    assert "lake.shop.web.t1.recorded lineage" in [each.id for each in config.discover()]
    before = len(run.catalogue.log)
    assert not config.plan().warnings
    assert len(run.catalogue.log) == before
    chosen = run.lineage()(select=["shop.web.t1*"])
    assert chosen.exit_code == 0
    assert {name.rpartition(" ")[2] for name in run.edges()} == {"lake.shop.web.t1"}
