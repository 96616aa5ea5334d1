"""What connectors of dashboard tools make alike."""

from rayingest.kit.dashboards import Place, flows, owners
from rayingest.model import EntityType

PLACE = Place("bi", "https://bi.example.com")


def test_a_chart_is_called_by_what_the_catalogue_allows() -> None:
    chart = PLACE.chart("a::1", " Sales ", None, kind="Bar", description=" ")
    assert (chart.name, chart.fqn, chart.service) == ("a_1", "bi.a_1", "bi")
    assert (chart.display_name, chart.description, chart.chart_type) == ("Sales", None, "Bar")


def test_owners_are_those_with_an_address_each_once() -> None:
    people = owners("ann@example.com", None, "", "bob@example.com", "ann@example.com")
    assert [each.name for each in people] == ["ann@example.com", "bob@example.com"]


def test_many_flow_into_one() -> None:
    sources = {
        (EntityType.TABLE, "pg.a.b.c"): None,
        (EntityType.DASHBOARD_DATA_MODEL, "bi.m"): None,
    }
    edges = flows(sources, EntityType.DASHBOARD, "bi.1")
    assert [(each.payload["fromType"], each.key, each.target_fqn) for each in edges] == [
        ("table", "pg.a.b.c", "bi.1"),
        ("dashboardDataModel", "bi.m", "bi.1"),
    ]
