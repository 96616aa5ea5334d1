"""Redash into a catalogue: what arrives, what it costs, and what a user may not see."""

from collections import Counter
from typing import Any

import pytest
from pydantic import ValidationError

import rayingest as ri
from rayingest.connectors.dashboard.redash import RedashConnection, plain_sql
from rayingest.errors import Unauthorised
from rayingest.kit.queries import tables_read
from rayingest.testing.redash import World

from ..dashboards import Place

LINEAGE = {"dbServiceNames": ["pg"]}


def test_each_costs_one_call(place: Place[World]) -> None:
    place.run()
    log = Counter(place.world.log)
    assert {log.pop(f"/api/dashboards/{each}") for each in place.world.ids()} == {1}
    assert log == {"/api/dashboards": 1, "/api/data_sources": 1}


def test_more_than_a_page_are_read_to_their_end(place: Place[World]) -> None:
    """Two pages, and one look at whether the list has moved between them."""
    place.world.dashboards = 251
    place.run()
    assert len(place.held("dashboards")) == 251
    assert Counter(place.world.log)["/api/dashboards"] == 3


def test_drafts_are_left_out_when_they_are_not_wanted(place: Place[World]) -> None:
    place.world.drafts = {"3", "7"}
    place.run(place.config(includeDraftDashboard=False))
    assert len(place.held("dashboards")) == 18
    assert "/api/dashboards/3" not in place.world.log
    place.run()
    assert len(place.held("dashboards")) == 20


def test_a_version_before_10_is_asked_by_slug_and_keeps_its_names(place: Place[World]) -> None:
    place.world.version = 8
    place.run(place.config({"redashVersion": "8.0.0.b32245"}))
    old = place.held("dashboards")
    assert "/api/dashboards/dashboard_5" in place.world.log
    assert old["bi.5"]["sourceUrl"] == f"{place.url}/dashboard/dashboard_5"
    place.world.version = 10
    place.run()
    new = place.held("dashboards")
    assert new.keys() == old.keys()
    assert new["bi.5"]["sourceUrl"] == f"{place.url}/dashboards/5-dashboard_5"


@pytest.mark.parametrize(
    ("version", "by_slug"),
    [("10.0.0", False), ("25.1.0", False), ("v10.1.0", False), ("9.0.0-beta", True), ("5", True)],
)
def test_the_version_says_how_dashboards_are_asked_for(version: str, by_slug: bool) -> None:
    made = RedashConnection.model_validate(
        {"username": "ann", "apiKey": "x", "redashVersion": version}
    )
    assert made.by_slug == by_slug


def test_a_version_is_a_number() -> None:
    with pytest.raises(ValidationError, match="redashVersion"):
        RedashConnection.model_validate(
            {"username": "ann", "apiKey": "x", "redashVersion": "latest"}
        )


def test_texts_are_charts_and_what_is_restricted_is_none(place: Place[World]) -> None:
    place.run()
    assert place.held("dashboards")["bi.5"]["charts"] == ["bi.51", "bi.52", "bi.53"]
    written = place.held("charts")["bi.53"]
    assert (written["chartType"], written["displayName"]) == ("Text", "Notes of 5")
    assert written["description"] == "## Notes of 5\nPaid orders only."


def test_one_visualization_on_two_dashboards_is_two_charts(place: Place[World]) -> None:
    place.run()
    charts = place.held("charts")
    assert charts["bi.12"]["sourceUrl"] == charts["bi.21"]["sourceUrl"]
    assert charts["bi.12"]["sourceUrl"] == f"{place.url}/queries/3#4"


def test_owners_and_tags_are_read_when_they_are_wanted(place: Place[World]) -> None:
    place.catalogue.add_user("ann", "ann@example.com")
    place.run(place.config(includeTags=False))
    plain = place.held("dashboards")["bi.1"]
    assert not plain.get("tags")
    assert not plain.get("owners")
    place.run(place.config(includeOwners=True), full_refresh=True)
    rich = place.held("dashboards")
    assert [each["tagFQN"] for each in rich["bi.1"]["tags"]] == ["RedashTags.sales"]
    assert rich["bi.2"]["owners"]


def test_tables_that_queries_read_flow_into_dashboards(
    warehouse: Place[World], caplog: pytest.LogCaptureFixture
) -> None:
    run = warehouse.run(warehouse.config(lineageInformation=LINEAGE))
    assert run.report.exit_code == 0
    assert run.report.unresolved == 0
    assert {source for source, target in warehouse.edges() if target == "bi.1"} == {
        "pg.shop.inventory.users",
        "pg.shop.inventory.products",
    }
    assert ("pg.shop.inventory.orders", "bi.3") in warehouse.edges()
    assert "cannot be parsed" not in caplog.text


def test_who_may_not_list_data_sources_reads_sql_without_its_dialect(
    warehouse: Place[World],
) -> None:
    warehouse.world.alone = True
    run = warehouse.run(warehouse.config(lineageInformation=LINEAGE))
    assert run.report.exit_code == 0
    assert len(warehouse.held("dashboards")) == 20
    assert ("pg.shop.inventory.orders", "bi.3") in warehouse.edges()


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        ("SELECT * FROM a WHERE d > now() - INTERVAL '{{ days }} days' LIMIT {{n}}", ("a",)),
        ("SELECT * FROM a WHERE d BETWEEN '{{ span.start }}' AND '{{ span.end }}'", ("a",)),
        ("SELECT * FROM a WHERE x IN ({{ xs }}) ORDER BY {{ column }} {{ direction }}", ("a",)),
        ("SELECT * FROM a {{#late}} JOIN b ON a.x = {{{ x }}} {{/late}}", ("a", "b")),
    ],
)
def test_parameters_do_not_keep_sql_from_being_read(sql: str, tables: tuple[str, ...]) -> None:
    assert tables_read(plain_sql(sql), "a query", "postgres") == tables


def test_a_table_that_a_parameter_names_is_none(
    warehouse: Place[World], monkeypatch: pytest.MonkeyPatch
) -> None:
    sql = "SELECT * FROM inventory.orders JOIN {{ table }} USING (id) JOIN sales_{{ year }} USING (id)"
    monkeypatch.setattr("rayingest.testing.redash.QUERIES", ((1, sql),) * 4)
    run = warehouse.run(warehouse.config(lineageInformation=LINEAGE))
    assert run.report.unresolved == 0
    assert {source for source, _ in warehouse.edges()} == {"pg.shop.inventory.orders"}


def test_a_key_that_is_not_taken_any_more_is_no_dashboard_that_is_gone(
    place: Place[World],
) -> None:
    """Redash says 404 to both."""

    def withdraw(path: str) -> None:
        if path.endswith("/5"):
            place.world.tokens.clear()

    place.world.before = withdraw
    run = place.run(place.config(execution={"parallelism": 1}))
    assert run.report.exit_code != 0
    assert {each.kind for each in run.report.errors} == {Unauthorised.__name__}


def test_check_says_what_works(place: Place[World]) -> None:
    checks = ri.load(place.config(), flags={"engine": "local"}).check()
    found = {each.capability: each.status for where, each in checks if where == "source"}
    assert found == {"dashboard": "ok", "what is shared": "ok"}


def test_what_is_not_understood_costs_itself(
    place: Place[World], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = place.world.dashboard

    def broken(identity: str) -> Any:
        told = whole(identity)
        if identity == "3":
            del told["widgets"]
        return told

    monkeypatch.setattr(place.world, "dashboard", broken)
    run = place.run()
    assert len(place.held("dashboards")) == 19
    (told,) = run.report.errors
    assert told.samples == ["bi.3"]
    assert "there is no 'widgets'" in told.message
