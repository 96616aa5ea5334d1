"""Power BI into a catalogue: what arrives, what it costs, and scans that fail, vanish and outlive a run."""

import logging
import subprocess
import sys
import time
from collections import Counter
from typing import Any

import pytest

import rayingest as ri
from rayingest.connectors.dashboard.powerbi import CONNECTOR, PowerBIConnection
from rayingest.core.source import Described, EntityDescriptor, Failed
from rayingest.errors import ConfigError
from rayingest.kit.rest.jobs import MOST_LOST
from rayingest.model import EntityType
from rayingest.testing.conformance import answers, settings_for
from rayingest.testing.powerbi import ANN, BOB, World, guid

from ..dashboards import TOOLS, Place

WORKSPACE = EntityType.CONTAINER
LINEAGE = {"dbServiceNames": ["pg"]}
ONE_SCAN = {"pagination_entity_per_page": 100}


def asked(world: World) -> Counter[str]:
    """Calls by what they are about."""
    paths = (each.removeprefix("/admin/").removeprefix("workspaces/") for each in world.log)
    return Counter(each.partition("/")[0] for each in paths)


def scanned(world: World) -> Counter[str]:
    """How often each workspace was in a scan."""
    return Counter(each for scan in world.scans.values() for each in scan.workspaces)


# --- the config ---


@pytest.mark.parametrize(
    "pbit",
    [
        {"pbitFileConfigType": "local", "path": "/x", "pbitFilesExtractDir": "/y"},
        {"pbitFileConfigType": "azure", "securityConfig": {"clientId": "c"}, "prefixConfig": {}},
        {"pbitFileConfigType": "s3", "securityConfig": {"awsRegion": "eu-central-1"}},
        {"pbitFileConfigType": "gcs", "securityConfig": {"gcpConfig": "/key.json"}},
    ],
)
def test_every_key_of_openmetadata_is_taken(pbit: dict[str, Any]) -> None:
    given = {
        "type": "PowerBI",
        "clientId": "client",
        "clientSecret": "s3cret",
        "tenantId": "tenant",
        "apiURL": "https://api.powerbigov.us",
        "authorityURI": "https://login.microsoftonline.com/",
        "hostPort": "https://app.powerbigov.us",
        "scope": ["https://analysis.usgovcloudapi.net/powerbi/api/.default"],
        "pagination_entity_per_page": 50,
        "useAdminApis": True,
        "displayTableNameFromSource": False,
        "pbitFilesSource": pbit,
        "dashboardFilterPattern": {"includes": ["a"]},
        "chartFilterPattern": {"excludes": ["a"]},
        "dataModelFilterPattern": {},
        "projectFilterPattern": {},
        "supportsMetadataExtraction": True,
    }
    made = PowerBIConnection.model_validate(given)
    assert made.pbitFilesSource is not None
    assert made.pbitFilesSource.pbitFileConfigType == pbit["pbitFileConfigType"]
    assert "s3cret" not in repr(made)


def test_little_is_needed() -> None:
    made = PowerBIConnection.model_validate({"clientId": "c", "clientSecret": "s", "tenantId": "t"})
    assert (made.apiURL, made.hostPort) == ("https://api.powerbi.com", "https://app.powerbi.com")


# --- what it costs ---


def test_a_hundred_workspaces_cost_one_scan_and_four_calls(place: Place[World]) -> None:
    place.world.workspaces = 100
    place.run(place.config(ONE_SCAN))
    assert len(place.held("dashboards")) == 200
    assert asked(place.world) == {"modified": 1, "getInfo": 1, "scanStatus": 2, "scanResult": 1}


def test_one_more_costs_another_scan(place: Place[World]) -> None:
    place.world.workspaces = 101
    place.run(place.config(ONE_SCAN))
    assert len(place.held("dashboards")) == 202
    assert sorted(len(each.workspaces) for each in place.world.scans.values()) in (
        [1, 100],
        [50, 51],
    )
    assert set(scanned(place.world).values()) == {1}


def test_a_plan_begins_one_scan_at_most_and_says_that_it_tells_nothing(
    place: Place[World],
) -> None:
    plan = ri.load(place.config(), flags={"engine": "local"}).plan(sample=50)
    assert plan.types["container"].create == 10
    assert len(place.world.scans) == 1
    assert any("works by itself" in each for each in plan.caveats)


def test_what_is_not_wanted_is_not_asked_for(place: Place[World]) -> None:
    place.run(place.config(ONE_SCAN, includeDataModels=False))
    (scan,) = place.world.scans.values()
    assert scan.wanted == {
        "lineage": "True",
        "datasetSchema": "False",
        "datasetExpressions": "False",
        "getArtifactUsers": "False",
    }
    assert not place.held("dashboard/datamodels")
    assert not [each for each in place.held("dashboards").values() if each.get("dataModels")]


def test_projects_are_workspaces_and_others_are_not_scanned(place: Place[World]) -> None:
    run = place.run(place.config(projectFilterPattern={"includes": ["Workspace [12]$"]}))
    assert {each["project"] for each in place.held("dashboards").values()} == {
        "Workspace 1",
        "Workspace 2",
    }
    assert [*scanned(place.world)] == place.world.workspace_ids()[:2]
    assert run.report.filtered["container"] == 8
    assert asked(place.world)["groups"] == 1


def test_workspaces_may_be_selected(place: Place[World]) -> None:
    place.run(select=[f"bi.{guid('workspace', 3)}"])
    assert [*scanned(place.world)] == [guid("workspace", 3)]
    assert len(place.held("dashboards")) == 2


# --- what arrives ---


def test_patterns_leave_items_of_a_workspace_out(place: Place[World]) -> None:
    run = place.run(
        place.config(
            dashboardFilterPattern={"includes": ["Dashboard"]},
            chartFilterPattern={"excludes": ["Revenue"]},
            dataModelFilterPattern={"includes": ["Dataset 1$"]},
        )
    )
    assert run.report.exit_code == 0
    assert run.report.unresolved == 0
    found = place.held("dashboards")
    assert len(found) == 10
    assert {len(each["charts"]) for each in found.values()} == {2}
    assert [*place.held("dashboard/datamodels")] == [f"bi.model.{guid('dataset', 1)}"]


def test_owners_are_people_that_own(place: Place[World]) -> None:
    told = place.world.dashboard(1, users=True)["users"]
    assert [each["dashboardUserAccessRight"] for each in told] == ["Owner", "Read"]
    ann, bob = (place.catalogue.add_user(each.partition("@")[0]) for each in (ANN, BOB))
    place.run(place.config(includeOwners=True))
    held = place.held("dashboards") | place.held("dashboard/datamodels")
    owners = {name: [each["id"] for each in made["owners"]] for name, made in held.items()}
    assert owners[f"bi.{guid('dashboard', 1)}"] == [ann]
    assert owners[f"bi.{guid('report', 1)}"] == [bob], "nobody owns it: who made it"
    assert owners[f"bi.model.{guid('dataset', 1)}"] == [ann]


def test_tables_flow_through_datasets_into_reports_and_dashboards(
    warehouse: Place[World], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        run = warehouse.run(warehouse.config(ONE_SCAN, lineageInformation=LINEAGE))
    assert run.report.exit_code == 0
    assert run.report.unresolved == 0
    edges = warehouse.edges()
    model, report = f"bi.model.{guid('dataset', 2)}", f"bi.{guid('report', 2)}"
    dashboard, flow = f"bi.{guid('dashboard', 2)}", f"bi.model.{guid('dataflow', 2)}"
    assert {source for source, target in edges if target == model} == {
        "pg.shop.inventory.orders",
        "pg.shop.inventory.users",
        flow,
    }
    assert {source for source, target in edges if target == report} == {model}
    assert {source for source, target in edges if target == dashboard} == {model, report}
    far = {source for source, target in edges if target == f"bi.{guid('report', 3)}"}
    assert far == {model}, "a dataset of another workspace"
    assert "Where 1 tables of the workspace 'Workspace 1' come from is not known" in caplog.text
    assert "Dataset 1/Targets (Excel.Workbook)" in caplog.text


def test_the_name_of_the_table_behind_is_shown_when_it_is_wanted(warehouse: Place[World]) -> None:
    login = {"displayTableNameFromSource": True}
    warehouse.run(warehouse.config(login, lineageInformation=LINEAGE))
    made = warehouse.held("dashboard/datamodels")[f"bi.model.{guid('dataset', 1)}"]
    shown = {each["name"]: each.get("displayName") for each in made["columns"]}
    assert shown == {"Orders": "orders", "Users": "users", "Calendar": None, "Targets": None}


# --- what goes wrong ---


def broken(world: World, monkeypatch: pytest.MonkeyPatch, key: str = "name") -> None:
    """The report of the third workspace has no name, or no id."""
    whole = world.report

    def report(at: int, *, users: bool) -> Any:
        told = whole(at, users=users)
        if at == 3:
            del told[key]
        return told

    monkeypatch.setattr(world, "report", report)


def test_what_is_not_understood_costs_itself_and_is_told_by_name(
    place: Place[World], monkeypatch: pytest.MonkeyPatch
) -> None:
    place.run()
    broken(place.world, monkeypatch)
    place.world.log.clear()
    run = place.run(place.config(ONE_SCAN))
    assert run.report.types["container"]["ok"] + run.report.types["container"]["unchanged"] == 10
    assert run.report.types["dashboard"]["failed"] == 1
    (told,) = run.report.errors
    assert told.samples == [f"bi.{guid('report', 3)}"]
    assert "'Workspace 3' is not understood: there is no 'name'" in told.message
    assert asked(place.world)["scanResult"] == 2
    assert len(place.held("dashboards")) == 20, "what was known of it stays"


def test_what_has_not_even_an_id_is_told_by_its_place(
    place: Place[World], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken(place.world, monkeypatch, "id")
    run = place.run()
    (told,) = run.report.errors
    assert told.samples == [f'bi."{guid("workspace", 3)}.reports.0"']
    assert "there is no 'id'" in told.message
    assert len(place.held("dashboards")) == 19


def test_what_is_asked_for_alone_when_its_scan_is_gone_is_scanned_again(
    place: Place[World], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `rayingest retry` does a day later, when a newer version understands it."""
    settings = settings_for(CONNECTOR, TOOLS["powerbi"].at(place.url))
    with monkeypatch.context() as patch, CONNECTOR.open(settings) as source:
        broken(place.world, patch)
        found = [e for e in source.discover_entities(WORKSPACE) if isinstance(e, EntityDescriptor)]
        children = [child for each in answers(source, found) for child in told_of(each)]
    place.world.expired = set(place.world.scans)
    with CONNECTOR.open(settings) as source:
        ((end,),) = (answers(source, [child]) for child in children)
    assert [each.name for each in told_of(end, "entities")] == [guid("report", 3)]
    assert [*place.world.scans.values()][-1].workspaces == [guid("workspace", 3)]


def told_of(answer: Described | Failed, what: str = "children") -> Any:
    assert isinstance(answer, Described)
    return getattr(answer, what)


def test_a_workspace_that_vanished_is_passed_over_and_its_dashboards_stay(
    place: Place[World],
) -> None:
    place.run()
    place.world.deleted.add(guid("workspace", 4))
    run = place.run()
    assert run.report.exit_code == 0
    assert run.report.types["container"]["skipped"] == 1
    assert len(place.held("dashboards")) == 20


def test_what_lay_in_a_workspace_that_is_no_more_is_deleted(place: Place[World]) -> None:
    place.run()
    place.world.workspaces = 9
    run = place.run()
    assert run.report.exit_code == 0
    assert len(place.held("dashboards")) == 18
    assert len(place.held("charts")) == 27
    assert f"bi.model.{guid('dataset', 10)}" not in place.held("dashboard/datamodels")


def test_a_workspace_that_is_not_told_of_has_failed(place: Place[World]) -> None:
    place.world.untold.add(guid("workspace", 4))
    run = place.run()
    (told,) = run.report.errors
    assert told.samples == [f"bi.{guid('workspace', 4)}"]
    assert "does not tell of the workspace" in told.message
    assert len(place.held("dashboards")) == 18


def test_a_scan_that_fails_is_made_once_more(place: Place[World]) -> None:
    place.world.scans_fail = 1
    run = place.run(place.config(ONE_SCAN))
    assert run.report.exit_code == 0
    assert len(place.held("dashboards")) == 20
    assert len(place.world.scans) == 3


def test_a_workspace_that_no_scan_survives_costs_itself(place: Place[World]) -> None:
    """In halves of halves: of ten workspaces the one to blame is alone after four scans."""
    place.world.poison.add(guid("workspace", 7))
    run = place.run(place.config(ONE_SCAN))
    (told,) = run.report.errors
    assert told.samples == [f"bi.{guid('workspace', 7)}"]
    assert "The scan was given up." in told.message
    assert len(place.held("dashboards")) == 18
    assert max(scanned(place.world).values()) <= 5


def test_what_came_out_of_a_scan_and_is_gone_is_scanned_again(place: Place[World]) -> None:
    place.world.expired = {guid("scan", 1)}
    run = place.run(place.config(ONE_SCAN))
    assert run.report.exit_code == 0
    assert len(place.held("dashboards")) == 20
    assert len(place.world.scans) == 2


def test_what_is_gone_each_time_has_failed_in_the_end(place: Place[World]) -> None:
    place.world.expired = {guid("scan", at) for at in range(100)}
    run = place.run(place.config(ONE_SCAN))
    assert run.report.types["container"]["failed"] == 10
    assert len(place.world.scans) == MOST_LOST + 1


def test_more_than_sixteen_scans_at_once_wait_their_turn(place: Place[World]) -> None:
    place.world.workspaces, place.world.polls = 60, 3
    run = place.run()
    assert run.report.exit_code == 0
    assert len(place.held("dashboards")) == 120
    assert set(scanned(place.world).values()) == {1}
    assert len(place.world.scans) == 30
    (limit,) = (each for each in run.report.limits if each.name == "getInfo")
    assert limit.refused > 0


def test_whoever_may_not_use_admin_apis_hears_what_to_do(place: Place[World]) -> None:
    place.world.admin = False
    run = place.run()
    assert run.report.exit_code != 0
    (told,) = (each for each in run.report.errors if each.kind == "Unauthorised")
    assert "may not use admin APIs" in told.message
    assert "tenant settings" in (told.hint or "")


def test_without_admin_apis_the_config_is_refused(place: Place[World]) -> None:
    with pytest.raises(ConfigError, match="useAdminApis is false") as caught:
        place.run(place.config({"useAdminApis": False}))
    assert caught.value.hint


def test_check_says_what_works(place: Place[World]) -> None:
    checks = ri.load(place.config(), flags={"engine": "local"}).check()
    found = {each.capability: each.status for where, each in checks if where == "source"}
    assert found == {"workspaces": "ok"}


# --- a run that dies while its scans are under way ---

DYING = """
import sys
import rayingest as ri
from rayingest.connectors.dashboard._powerbi import source
from rayingest.kit.rest.jobs import Waits

source.WAITS = Waits(0.05, 0.05)
ri.load(sys.argv[1], flags={"engine": "local"}).run(run_id="night")
"""


def test_a_killed_run_goes_on_with_its_scans_and_begins_none_twice(place: Place[World]) -> None:
    world, config = place.world, place.config()
    world.polls = 1_000_000
    with subprocess.Popen([sys.executable, "-c", DYING, str(config)]) as run:
        deadline = time.monotonic() + 60
        while len(world.scans) < 5 or not all(each.polls for each in world.scans.values()):
            assert time.monotonic() < deadline
            assert run.poll() is None
            time.sleep(0.05)
        run.kill()
    assert len(world.scans) == 5
    world.polls = 0
    went_on = place.run(config, run_id="night")
    assert (went_on.report.state, went_on.report.attempt) == ("success", 2)
    assert len(place.held("dashboards")) == 20
    assert len(world.scans) == 5
    assert scanned(world) == dict.fromkeys(world.workspace_ids(), 1)


# --- limits ---


@pytest.mark.parametrize(
    ("name", "calls"),
    [
        ("modified", 30),
        ("groups", 50),
        ("getInfo", 500),
        ("scanStatus", 10_000),
        ("scanResult", 500),
    ],
)
def test_what_is_documented_for_an_hour_is_never_exceeded(name: str, calls: int) -> None:
    (limit,) = (each for each in CONNECTOR.limits if each.name == name)
    assert limit.rate is not None
    assert limit.burst is not None
    assert limit.rate * 3600 + limit.burst == pytest.approx(calls)
    assert limit.documented.startswith("https://learn.microsoft.com/en-us/rest/api/power-bi/admin/")
