"""Tableau into a catalogue: what arrives, what it costs, who signs in, and what the Metadata API leaves out."""

import json
import pickle
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import rayingest as ri
from rayingest.connectors.dashboard._tableau import data_sources, entities
from rayingest.connectors.dashboard._tableau.session import Pages, Ticket
from rayingest.connectors.dashboard.tableau import TableauConnection, connect
from rayingest.core import registry
from rayingest.core.source import ScopeListed
from rayingest.errors import Permanent
from rayingest.kit.rest.pages import Told
from rayingest.model import EntityType
from rayingest.testing import tableau
from rayingest.testing.conformance import settings_for
from rayingest.testing.tableau import World, luid

from ..dashboards import TOOLS, Place, place_of

pytest.importorskip("graphql")

SITE = f"/{tableau.VERSION}/sites/{tableau.SITE}"
NODE_LIMIT = 60


def work(number: int) -> str:
    return f"bi.{luid('work', number)}"


def embedded(number: int) -> str:
    return f"bi.model.{luid('embe', number)}"


def published(number: int) -> str:
    return f"bi.model.{luid('data', number)}"


def warning(code: str, message: str = "so it is") -> Any:
    return {"message": message, "extensions": {"severity": "WARNING", "code": code}}


# --- what arrives ---


def test_a_workbook_is_a_dashboard_with_its_views(place: Place[World]) -> None:
    assert place.run().report.exit_code == 0
    assert place.held("dashboards").keys() == {work(at) for at in range(1, 21)}
    one = place.held("dashboards")[work(2)]
    assert (one["displayName"], one["project"]) == ("Workbook 2", "Finance / Board")
    assert one["sourceUrl"] == f"{place.url}/#/site/shop/workbooks/2"
    assert one["charts"] == [f"bi.{luid('view', 200 + at)}" for at in range(3)]
    chart = place.held("charts")[one["charts"][1]]
    assert chart["displayName"] == "By Region"
    assert chart["sourceUrl"] == f"{place.url}/#/site/shop/views/Workbook2/ByRegion"
    assert [each["tagFQN"] for each in chart["tags"]] == ["TableauTags.pii"]


def test_data_sources_are_data_models_with_their_fields(place: Place[World]) -> None:
    place.run()
    models = place.held("dashboard/datamodels")
    assert models.keys() == {
        *(published(at) for at in range(1, 4)),
        *(embedded(at * 10 + 1) for at in range(1, 21)),
        *(embedded(at * 10 + 2) for at in range(1, 21, 2)),
    }
    kinds = Counter(each["dataModelType"] for each in models.values())
    assert kinds == {"TableauPublishedDatasource": 3, "TableauEmbeddedDatasource": 30}
    for whole in (models[published(1)], models[embedded(11)]):  # it stands for a published one
        columns = {each["name"]: each for each in whole["columns"]}
        assert list(columns) == ["Order ID", "Ordered", "Price", "Profit", "Continent"]
        assert columns["Price"]["description"] == "In EUR."
        assert columns["Profit"]["description"] == "Formula: SUM([Price]) - SUM([Cost])"
        assert columns["Ordered"]["dataType"] == "DATETIME"


def test_data_flows_from_tables_over_data_sources_into_workbooks(place: Place[World]) -> None:
    place.stock("orders", "users", "products")
    run = place.run(place.config(lineageInformation={"dbServiceNames": ["pg"]}))
    assert run.report.exit_code == 0
    assert run.report.unresolved == 0, "a file is no table of the catalogue"
    edges = place.edges()
    into = {target: {source for source, to in edges if to == target} for _, target in edges}
    assert into[work(1)] == {embedded(11), embedded(12)}
    assert into[embedded(11)] == {published(2)}, "what it has from there it has not from tables"
    assert into[published(2)] == {"pg.shop.inventory.products"}
    assert into[embedded(12)] == {"pg.shop.inventory.users"}


def test_owners_are_peoples_addresses_and_administrators_alone_may_list_them(
    place: Place[World], caplog: pytest.LogCaptureFixture
) -> None:
    ann = place.catalogue.add_user("ann")
    place.run(place.config(includeOwners=True))
    owners = {name: each.get("owners") for name, each in place.held("dashboards").items()}
    assert owners[work(3)] == [{"id": ann, "type": "user"}]
    assert owners[work(1)] is None  # bob, whom the catalogue does not know
    place.world.hidden.add("users")
    assert place.run(place.config(includeOwners=True)).report.exit_code == 0
    assert "Owners are not read" in caplog.text


def test_users_open_it_elsewhere_than_we_do(place: Place[World]) -> None:
    place.run(place.config({"proxyURL": "https://bi.example.com/"}))
    one = place.held("dashboards")[work(1)]
    assert one["sourceUrl"] == "https://bi.example.com/#/site/shop/workbooks/1"
    chart = place.held("charts")[one["charts"][0]]
    assert chart["sourceUrl"] == "https://bi.example.com/#/site/shop/views/Workbook1/Overview"


def test_the_default_site_has_no_name_in_urls() -> None:
    there = entities.Place("bi", "https://t.example")
    assert there.page("views/A/B") == "https://t.example/#/views/A/B"
    assert there.shown("http://t/#/workbooks/1/views") == "https://t.example/#/workbooks/1/views"
    assert there.shown(None) is None


@pytest.mark.parametrize(
    ("field", "shown", "kind"),
    [
        ({"__typename": "SetField", "name": "Top 10"}, "SetField", "UNKNOWN"),
        ({"__typename": "DatasourceField", "name": "x", "remoteField": None}, "DatasourceField", "UNKNOWN"),
        ({"__typename": "ColumnField", "name": "x", "dataType": "SPATIAL", "role": "DIMENSION"}, "dimension, spatial", "SPATIAL"),
        ({"__typename": "ColumnField", "name": "x", "dataType": "INTEGER", "role": None}, "integer", "BIGINT"),
    ],
)  # fmt: skip
def test_a_field_is_of_the_type_that_is_told(field: Any, shown: str, kind: str) -> None:
    (made,) = data_sources.columns(
        {"fields": [field, {"__typename": "HierarchyField", "name": "h"}]}
    )
    assert (made.data_type_display, made.data_type) == (shown, kind)


# --- what is chosen ---


def test_a_project_is_a_path(place: Place[World]) -> None:
    place.run(place.config(projectFilterPattern={"includes": ["Finance / Board$"]}))
    dashboards = place.held("dashboards")
    assert {each["project"] for each in dashboards.values()} == {"Finance / Board"}
    models = place.held("dashboard/datamodels")
    assert {each["project"] for each in models.values()} == {"Finance / Board"}
    asked = {name for each in dashboards.values() for name in each["dataModels"]}
    assert asked == models.keys(), "published ones lie in another project"


def test_data_sources_of_workbooks_that_are_left_out_are_left_out(place: Place[World]) -> None:
    run = place.run(place.config(dashboardFilterPattern={"includes": ["Workbook 1$"]}))
    assert place.held("dashboard/datamodels").keys() == {
        embedded(11),
        embedded(12),
        *(published(at) for at in range(1, 4)),
    }
    assert run.report.filtered["dashboardDataModel"] == 28


def test_a_pattern_of_data_models_leaves_no_name_behind(place: Place[World]) -> None:
    place.run(place.config(dataModelFilterPattern={"includes": ["Extra"]}))
    assert {each["displayName"] for each in place.held("dashboard/datamodels").values()} == {
        "Extra"
    }
    assert {source for source, _ in place.edges()} == place.held("dashboard/datamodels").keys()


def test_what_lies_in_a_personal_space_is_a_draft(place: Place[World]) -> None:
    place.run(place.config(includeDraftDashboard=False))
    assert place.held("dashboards").keys() == {work(at) for at in range(1, 21) if at % 5}
    assert embedded(51) not in place.held("dashboard/datamodels")


def test_without_data_models_the_metadata_api_is_not_asked(place: Place[World]) -> None:
    place.run(place.config(includeDataModels=False, includeTags=False))
    assert place.held("dashboard/datamodels") == {}
    assert place.edges() == set()
    assert "metadata" not in place.world.calls
    assert not place.held("dashboards")[work(1)].get("tags")


# --- what it costs ---


def test_a_workbook_costs_one_call_and_data_sources_one_for_ten(place: Place[World]) -> None:
    run = place.run(place.config(execution={"parallelism": 1}))
    log = Counter(each.partition("?")[0] for each in place.world.log)
    assert {log.pop(f"{SITE}/workbooks/{each}") for each in place.world.ids()} == {1}
    assert log.pop("/metadata/graphql/Published") + log.pop("/metadata/graphql/Embedded") <= 8
    assert log == {
        "/2.4/serverInfo": 1,
        "/metadata/graphql/EmbeddedNames": 1,
        f"{SITE}/projects": 1,
        f"{SITE}/datasources": 1,
        f"{SITE}/workbooks": 2,
        f"{SITE}/views": 1,
    }
    assert run.report.exit_code == 0


def test_pages_are_read_to_their_end_while_workbooks_vanish(place: Place[World]) -> None:
    connector = registry.load("tableau")
    given = {**TOOLS["tableau"].login, "hostPort": place.url}
    listings: list[str] = []

    def vanish(path: str) -> None:
        listings.extend([path] if path.endswith("/workbooks") else [])
        if len(listings) == 4:  # what is behind comes nearer by one
            place.world.gone.add(place.world.ids()[0])

    place.world.before = vanish
    api = connect(settings_for(connector, given))
    found = [each["id"] for each in api.items("/workbooks", Pages("workbooks", "workbook", 3))]
    api.close()
    assert sorted(found) == place.world.ids()


def test_a_page_that_is_no_list_never_looks_like_an_empty_one() -> None:
    def ask(body: Any) -> list[Any]:
        return list(Pages("workbooks", "workbook").items(lambda more, url: Told(body)))

    assert ask({"pagination": {"totalAvailable": "0"}, "workbooks": {}}) == []
    one = {"pagination": {"totalAvailable": "1"}, "workbooks": {"workbook": {"id": "1"}}}
    assert ask(one) == [{"id": "1"}]
    for body in ({}, [], {"workbooks": {}}, {"pagination": {"totalAvailable": "3"}}):
        with pytest.raises(Permanent, match="no list of workbooks"):
            ask(body)
    with pytest.raises(Permanent, match="Page 1 of workbooks is empty, of 3 in all"):
        ask({"pagination": {"totalAvailable": "3"}, "workbooks": {}})


def test_an_empty_site_is_no_error(tmp_path: Path) -> None:
    with place_of("tableau", tmp_path, dashboards=0, published=0) as place:
        run = place.run()
        assert run.report.exit_code == 0
        assert place.held("dashboards") == {}


# --- who signs in ---


def test_a_run_signs_in_once(place: Place[World]) -> None:
    """With a personal access token a second sign-in would end the first."""
    run = place.run(place.config(execution={"parallelism": 8}))
    assert run.report.exit_code == 0
    assert place.world.calls["login"] == 1
    assert [each["name"] for each in json.loads(run.report.to_json())["limits"]] == [
        "api",
        "metadata",
    ]


def test_a_sign_in_that_is_forgotten_is_renewed_for_all(place: Place[World]) -> None:
    place.world.token_calls = 12
    assert place.run(place.config(execution={"parallelism": 8})).report.exit_code == 0
    assert len(place.held("dashboards")) == 20
    calls = place.world.calls
    assert 3 <= calls["login"] <= 2 + (calls.total() - calls["login"]) // 12


def test_workers_on_two_machines_end_each_others_sign_in_and_go_on(place: Place[World]) -> None:
    """As it is when the sign-in that they began with has expired."""
    connector = registry.load("tableau")
    given = {**TOOLS["tableau"].login, "hostPort": f"{place.url}/#/site/shop/home"}
    machines = [connect(settings_for(connector, given)) for _ in range(2)]
    for identity in place.world.ids()[:4]:
        for each in machines:
            assert each.get(f"/workbooks/{identity}")["workbook"]["id"] == identity
    assert place.world.calls["login"] == 8
    for each in machines:
        each.close()


def test_a_user_may_sign_in_with_a_password(place: Place[World]) -> None:
    who = {"username": tableau.USERNAME, "password": tableau.PASSWORD}
    config = place.config({"authType": who, "apiVersion": "3.20"})
    assert place.run(config).report.exit_code == 0
    assert "/2.4/serverInfo" not in place.world.log
    assert f"/3.20/sites/{tableau.SITE}/projects" in place.world.log


def test_another_site_is_refused_in_a_sentence(place: Place[World]) -> None:
    config = place.config({"siteName": "elsewhere", "hostPort": f"{place.url}/#/site/shop/"})
    report = place.run(config).report
    assert report.state == "failed"
    assert "does not take this sign-in: 401 Error" in report.verdict
    assert "siteName" in report.verdict


def test_a_ticket_travels_and_shows_itself_to_nobody() -> None:
    ticket = Ticket("token-canary", "site", "3.25")
    ticket.seal_with("secret of a token")
    packed = pickle.dumps(entities.Context(ticket=ticket))
    assert b"canary" not in packed
    copy = pickle.loads(pickle.dumps(pickle.loads(packed))).ticket
    assert (copy.token, copy.site, copy.version) == ("", "site", "3.25")
    copy.seal_with("secret of a token")
    assert copy.token == "token-canary"  # noqa: S105
    assert "canary" not in repr(entities.Context(ticket=ticket)) + repr(ticket)


def test_who_has_another_secret_cannot_use_a_ticket_and_a_passwords_stays_behind() -> None:
    ticket = Ticket("token-canary", "site", "3.25")
    alone = pickle.dumps(ticket)
    ticket.seal_with("secret of a token")
    sealed = pickle.loads(pickle.dumps(ticket))
    sealed.seal_with("another secret")
    assert (sealed.token, sealed.site) == ("", "site")
    assert b"canary" not in alone
    assert pickle.loads(alone).token == ""


@pytest.mark.ray
def test_on_ray_workers_share_the_sign_in(shared_ray: str, place: Place[World]) -> None:
    config = place.config(execution={"address": shared_ray, "parallelism": 8})
    assert place.run(config, engine="ray").report.exit_code == 0
    assert len(place.held("dashboards")) == 20
    assert len(place.held("dashboard/datamodels")) == 33
    assert place.world.calls["login"] == 1


# --- what the Metadata API leaves out ---


def told_of(run: Any) -> str:
    return json.dumps(json.loads(run.report.to_json())["errors"])


def test_where_it_is_off_dashboards_come_and_the_report_says_what_does_not(
    place: Place[World],
) -> None:
    place.run()
    before = place.held("dashboard/datamodels").keys()
    place.world.metadata = False
    run = place.run(allow_deletions=True)
    assert len(place.held("dashboards")) == 20
    assert len(place.held("charts")) == 60
    assert place.held("dashboard/datamodels").keys() == before, "nothing is taken for deleted"
    assert "metadata-services enable" in told_of(run)
    assert run.report.exit_code == 3


@pytest.mark.parametrize(
    ("code", "severity", "said"),
    [
        ("FEATURE_DISABLED", "ERROR", "is not enabled"),
        ("ACCESS_DENIED", "ERROR", "may not use the Metadata API"),
        ("BACKFILL_RUNNING", "WARNING", "does not tell all data sources"),
        ("SOMETHING_NEW", "ERROR", "does not tell all data sources"),
    ],
)
def test_a_list_that_is_not_whole_deletes_nothing(
    place: Place[World], code: str, severity: str, said: str
) -> None:
    place.run()
    before = place.held("dashboard/datamodels").keys()
    error = {"message": "so it is", "extensions": {"severity": severity, "code": code}}
    place.world.said["EmbeddedNames"] = [error]
    place.world.dashboards = 10
    run = place.run(allow_deletions=True)
    assert place.held("dashboard/datamodels").keys() == before
    assert said in told_of(run)
    assert code in told_of(run)


def test_published_ones_that_may_not_be_listed_are_not_taken_for_deleted(
    place: Place[World],
) -> None:
    place.run()
    before = place.held("dashboard/datamodels").keys()
    place.world.hidden.add("datasources")
    run = place.run(allow_deletions=True)
    assert place.held("dashboard/datamodels").keys() == before
    assert "may not list published data sources" in told_of(run)


def test_projects_that_may_not_be_listed_have_their_own_name_only(place: Place[World]) -> None:
    place.world.hidden.add("projects")
    assert place.run().report.exit_code == 0
    assert place.held("dashboards")[work(2)]["project"] == "Board"
    denied = place.run(place.config(projectFilterPattern={"includes": ["Finance / Board"]}))
    assert denied.report.exit_code == 1
    assert "may not list projects" in denied.report.verdict


def test_what_it_cannot_tell_at_once_it_is_asked_for_in_smaller_parts(place: Place[World]) -> None:
    place.world.nodes = NODE_LIMIT
    assert place.run().report.exit_code == 0
    models = place.held("dashboard/datamodels")
    assert len(models) == 33
    assert all(len(each["columns"]) == 5 for each in models.values())


def test_a_data_source_that_is_too_big_alone_costs_itself(
    place: Place[World], monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = place.world.graph

    def one_is_big() -> Any:
        told = graph()
        told["publishedDatasources"][0]["fields"] *= 20
        return told

    place.world.nodes = NODE_LIMIT
    monkeypatch.setattr(place.world, "graph", one_is_big)
    run = place.run()
    assert published(1) not in place.held("dashboard/datamodels")
    assert {published(2), published(3)} <= place.held("dashboard/datamodels").keys()
    assert "NODE_LIMIT_EXCEEDED" in told_of(run)
    assert run.report.types["dashboardDataModel"]["failed"] >= 1


def test_too_many_questions_are_asked_again(place: Place[World]) -> None:
    slowly = {"message": "Too many", "extensions": {"severity": "ERROR", "code": "RATE_EXCEEDED"}}
    place.world.said["EmbeddedNames"] = [slowly]
    place.world.said["Embedded"] = [slowly]
    assert place.run().report.exit_code == 0
    assert len(place.held("dashboard/datamodels")) == 33


def test_that_results_are_filtered_is_no_error(place: Place[World]) -> None:
    place.world.said["EmbeddedNames"] = [warning("PERMISSIONS_MODE_SWITCHED")]
    assert place.run().report.exit_code == 0
    assert len(place.held("dashboard/datamodels")) == 33


def test_where_it_is_turned_off_in_the_middle_nothing_is_taken_for_deleted(
    place: Place[World],
) -> None:
    place.run()
    before = place.held("dashboard/datamodels").keys()

    def off(path: str) -> None:
        place.world.metadata &= "/Published" not in path and "/Embedded?" not in path

    place.world.before = off
    run = place.run(allow_deletions=True)
    assert place.held("dashboard/datamodels").keys() == before
    assert "There is no GraphQL at /api/metadata/graphql" in told_of(run)


def test_who_has_prepared_nothing_lists_nothing_as_whole(place: Place[World]) -> None:
    connector = registry.load("tableau")
    given = {**TOOLS["tableau"].login, "hostPort": place.url}
    with connector.open(settings_for(connector, given)) as source:
        (end,) = source.discover_entities(EntityType.DASHBOARD_DATA_MODEL)
    assert isinstance(end, ScopeListed)
    assert not end.complete


def test_half_an_answer_is_not_taken_for_a_whole_one(place: Place[World]) -> None:
    place.world.said["Published"] = [warning("SOMETHING_NEW")] * 9
    run = place.run()
    assert not {published(at) for at in (1, 2, 3)} & place.held("dashboard/datamodels").keys()
    assert "SOMETHING_NEW" in told_of(run)


def test_one_that_is_not_indexed_yet_is_passed_over_and_told(
    place: Place[World], monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = place.world.graph

    def later() -> Any:
        told = graph()
        return {**told, "publishedDatasources": told["publishedDatasources"][1:]}

    place.run()
    monkeypatch.setattr(place.world, "graph", later)
    run = place.run(allow_deletions=True)
    assert run.report.exit_code == 0
    assert published(1) in place.held("dashboard/datamodels")
    (told,) = run.report.errors
    assert (told.kind, told.samples) == ("Forbidden", [published(1)])


def test_check_says_what_works_and_what_is_off(place: Place[World]) -> None:
    def found() -> dict[str, str]:
        checks = ri.load(place.config(), flags={"engine": "local"}).check()
        return {each.capability: each.status for where, each in checks if where == "source"}

    fine = {"dashboardDataModel": "ok", "dashboard": "ok", "what is shared": "ok"}
    assert found() == fine
    place.world.metadata = False
    assert found() == {**fine, "metadata API": "warning"}


# --- OpenMetadata's connection ---


def test_every_key_of_openmetadatas_connection_is_taken() -> None:
    told = {
        "type": "Tableau",
        "hostPort": "https://tableau.example.com",
        "authType": {"personalAccessTokenName": "n", "personalAccessTokenSecret": "pat-canary"},
        "siteName": "",
        "paginationLimit": 10,
        "apiVersion": "",
        "proxyURL": "https://bi.example.com",
        "verifySSL": "no-ssl",
        "sslConfig": {"caCertificate": "/ca.pem"},
        "dashboardFilterPattern": {"includes": [".*"]},
        "chartFilterPattern": {},
        "dataModelFilterPattern": {},
        "projectFilterPattern": {},
        "supportsMetadataExtraction": True,
    }
    made = TableauConnection.model_validate(told)
    assert (made.siteName, made.apiVersion) == (None, None)
    assert "canary" not in repr(made)
    assert set(TableauConnection.model_fields) == set(told)
