"""Grafana into a catalogue: what arrives, what it costs, and what viewers may not see."""

from collections import Counter
from typing import Any

import pytest

import rayingest as ri
from rayingest.connectors.dashboard.grafana import panels, plain_sql
from rayingest.kit.queries import STAND_IN, tables_read
from rayingest.testing.grafana import World

from ..dashboards import Place


def test_each_costs_one_call(place: Place[World]) -> None:
    place.run()
    log = Counter(place.world.log)
    assert {log.pop(f"/api/dashboards/uid/{each}") for each in place.world.ids()} == {1}
    assert log == {"/api/search": 2, "/api/datasources": 1}


def test_small_pages_are_read_to_their_end(place: Place[World]) -> None:
    place.run(place.config({"pageSize": 2}))
    assert len(place.held("dashboards")) == 20
    assert place.held("dashboards")["bi.d2"]["project"] == "Shared / Finance / Board"


def test_folders_are_projects_and_what_lies_in_none_has_none(place: Place[World]) -> None:
    place.run(place.config(projectFilterPattern={"includes": ["Shared / Finance$"]}))
    found = {name: each["project"] for name, each in place.held("dashboards").items()}
    assert found
    assert set(found.values()) == {"Shared / Finance"}


def test_owners_and_tags_are_read_when_they_are_wanted(place: Place[World]) -> None:
    place.run(place.config(includeTags=False))
    assert not place.held("dashboards")["bi.d1"].get("tags")
    plain = place.held("dashboards")["bi.d1"]
    assert not plain.get("owners")
    place.run(place.config(includeOwners=True), full_refresh=True)
    tags = place.held("dashboards")["bi.d1"]["tags"]
    assert [each["tagFQN"] for each in tags] == ["GrafanaTags.sales"]


def test_tables_that_panels_read_flow_into_dashboards(
    place: Place[World], caplog: pytest.LogCaptureFixture
) -> None:
    place.stock("orders", "users", "products")
    run = place.run(place.config(lineageInformation={"dbServiceNames": ["pg"]}))
    assert run.report.exit_code == 0
    assert run.report.unresolved == 0
    assert {source for source, target in place.edges() if target == "bi.d1"} == {
        "pg.shop.inventory.products",
        "pg.shop.inventory.orders",
    }
    assert "cannot be parsed" not in caplog.text


def test_a_viewer_may_not_see_data_sources_and_reads_all_the_same(place: Place[World]) -> None:
    place.world.viewer = True
    assert place.run().report.exit_code == 0
    assert len(place.held("dashboards")) == 20


def test_check_says_what_works(place: Place[World]) -> None:
    checks = ri.load(place.config(), flags={"engine": "local"}).check()
    found = {each.capability: each.status for where, each in checks if where == "source"}
    assert found == {"dashboard": "ok", "what is shared": "ok"}


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        ("SELECT * FROM $table", (STAND_IN,)),
        ("SELECT * FROM s.[[table]] JOIN t ON true", (f"s.{STAND_IN}", "t")),
        ("SELECT $__timeGroup(at, '5m'), x FROM a.b WHERE $__timeFilter(at) GROUP BY 1", ("a.b",)),
        ("SELECT * FROM a WHERE v IN (${v:singlequote}) AND $__unixEpochFilter(t)", ("a",)),
    ],
)
def test_macros_and_variables_leave_sql_behind(sql: str, tables: tuple[str, ...]) -> None:
    assert tables_read(plain_sql(sql), "a test", "postgres") == tables


def test_panels_of_old_dashboards_lie_in_rows() -> None:
    old: Any = {"rows": [{"panels": [{"id": 1, "type": "graph"}]}, {}]}
    new: Any = {
        "panels": [{"id": 2, "type": "row", "panels": [{"id": 3}]}, {"id": 4, "type": "text"}]
    }
    assert [each["id"] for each in panels(old)] == [1]
    assert [each["id"] for each in panels(new)] == [3, 4]


def test_what_is_not_understood_costs_itself(
    place: Place[World], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = place.world.dashboard

    def broken(uid: str) -> Any:
        told = whole(uid)
        if uid == "d3":
            del told["dashboard"]["title"]
        return told

    monkeypatch.setattr(place.world, "dashboard", broken)
    run = place.run()
    assert len(place.held("dashboards")) == 19
    (told,) = run.report.errors
    assert told.samples == ["bi.d3"]
    assert "there is no 'title'" in told.message
