"""Recorded lineage by our own server: what is asked, what is told, and what is missing. test_minilake.py executes it."""

import pickle
from dataclasses import replace

import pytest
import sqlglot
from sqlglot import exp

from rayingest.config.options import DatabaseLineage
from rayingest.connectors.database._unity.flows import flows_query
from rayingest.connectors.database._unity.statements import TooMuch
from rayingest.connectors.database.databricks import CONNECTOR as DATABRICKS
from rayingest.connectors.database.unitycatalog import CONNECTOR
from rayingest.core.source import Described, EntityDescriptor, ScopeListed, ScopeOpened
from rayingest.errors import ConfigError, Denied, Permanent, TimedOut, Unreachable
from rayingest.kit.sql.flows import SCOPE
from rayingest.model import EntityType
from rayingest.testing.conformance import Kept, tell

TABLES = EntityType.TABLE
WEB = "svc.shop.web"
LINEAGE = CONNECTOR.variants["lineage"]
A, B = ["shop", "web", "t0"], ["shop", "web", "t1"]
FAR = ["far", "s", "x"]
ROWS = [
    [*B, *A, "id", "id"],
    [*B, *A, "Land", "Land"],
    [*B, *A, None, None],
    [*B, *FAR, None, None],
    [*FAR, *B, "x", "day"],
]


def settings_of(lake, *, options=None, **changes):
    given = lake.probe.settings(**changes)
    return replace(given, options=DatabaseLineage.model_validate(options or {}))


def edges_of(lake, *, options=None, connector=LINEAGE, **changes):
    """What a run would tell, by both ends, of a catalogue that has the tables of the workspace."""
    found = lake.probe.entities(TABLES)
    settings = settings_of(lake, options=options, **changes)
    lake.world.said.clear()
    facts = tell(connector, settings, Kept([*found.values()])).facts
    return {(each.payload["fromFqn"], each.target_fqn): each.payload["details"] for each in facts}


def recorded(edges):
    return {ends for ends, each in edges.items() if each["source"] == "QueryLineage"}


def asked(lake):
    """Statements about what was recorded."""
    return [each for each in lake.world.said if "system.access" in each]


# --- what is told ---


@pytest.mark.parametrize("of", [CONNECTOR, DATABRICKS], ids=lambda each: each.service_type)
def test_each_pair_is_one_edge_with_its_columns_across_catalogs(lake, of):
    lake.world.rows = {"table_lineage": ROWS}
    edges = edges_of(lake, connector=of.variants["lineage"])
    assert recorded(edges) == {
        (f"{WEB}.t0", f"{WEB}.t1"),
        ("svc.far.s.x", f"{WEB}.t1"),
        (f"{WEB}.t1", "svc.far.s.x"),
    }
    assert edges[f"{WEB}.t0", f"{WEB}.t1"] == {
        "source": "QueryLineage",
        "columnsLineage": [
            {"fromColumns": [f"{WEB}.t0.Land"], "toColumn": f"{WEB}.t1.Land"},
            {"fromColumns": [f"{WEB}.t0.id"], "toColumn": f"{WEB}.t1.id"},
        ],
    }
    assert edges["svc.far.s.x", f"{WEB}.t1"] == {"source": "QueryLineage"}


def test_a_view_is_told_by_its_text_and_a_stream_by_what_was_recorded(lake):
    """t2 is a view, t4 a streaming table."""
    view, stream = ["shop", "web", "t2"], ["shop", "web", "t4"]
    lake.world.rows = {"table_lineage": [[*view, *B, None, None], [*stream, *B, None, None]]}
    edges = edges_of(lake)
    assert recorded(edges) == {(f"{WEB}.t1", f"{WEB}.t4")}
    assert edges[f"{WEB}.t0", f"{WEB}.t2"]["source"] == "ViewLineage"
    edges = edges_of(lake, options={"processViewLineage": False})
    assert edges.keys() == {(f"{WEB}.t1", f"{WEB}.t4"), (f"{WEB}.t1", f"{WEB}.t2")}


def test_it_has_a_listing_of_its_own_that_deletes_nothing(lake):
    lake.world.rows = {"table_lineage": ROWS}
    settings = settings_of(lake)
    shared = pickle.loads(pickle.dumps(LINEAGE.prepare(settings, None)))
    with LINEAGE.open(settings, shared) as source:
        assert ScopeOpened(TABLES, SCOPE) in [*source.discover_entities(TABLES)]
        *found, end = source.discover_entities(TABLES, SCOPE)
    assert all(isinstance(each, Described) for each in found)
    assert isinstance(end, ScopeListed)
    assert (end.count, end.complete, end.mode) == (2, True, "changes")


def test_patterns_and_the_connection_choose_what_was_filled(lake):
    lake.world.rows = {"table_lineage": ROWS}
    kept = {"databaseFilterPattern": {"includes": ["far"]}}
    assert recorded(edges_of(lake, filters=kept)) == {(f"{WEB}.t1", "svc.far.s.x")}
    found = recorded(edges_of(lake, catalog="shop"))
    assert {target for _, target in found} == {f"{WEB}.t1"}
    (said,) = asked(lake)
    assert said.count("target_table_catalog = 'shop'") == 2


# --- what is asked ---


def test_one_statement_for_thousands_of_pairs_each_once(lake):
    tables = [["shop", "web", f"n{at}"] for at in range(3000)]
    lake.world.rows = {"table_lineage": [[*one, *A, None, None] for one in tables]}
    lake.world.most = 5000
    assert len(recorded(edges_of(lake))) == 3000
    assert len(asked(lake)) == 1


@pytest.mark.parametrize("within", [(), ("a'b\\c",), ("shop", "w`eb' or 1=1 --")])
def test_the_statement_is_databricks_sql_and_names_stay_literals(within):
    parsed = sqlglot.parse_one(flows_query(7, "It's", *within), dialect="databricks")
    assert isinstance(parsed, exp.Union)
    assert parsed.args["distinct"]
    assert [each.sql() for each in parsed.find_all(exp.Table)] == [
        "system.access.column_lineage",
        "system.access.table_lineage",
    ]
    literals = {each.this for each in parsed.find_all(exp.Literal) if each.is_string}
    assert {*within, "it's"} <= literals
    assert len(parsed.selects) == len(parsed.right.selects) == 8


@pytest.mark.parametrize("days", [0, 1, 30])
def test_so_many_days_are_looked_back(lake, days):
    edges_of(lake, options={"queryLogDuration": days})
    (said,) = asked(lake)
    assert said.count(f"event_date >= current_date() - interval {days} day") == 2


def test_what_is_too_much_for_one_statement_is_asked_for_in_parts(lake):
    lake.world.tree["far"] = {"s": []}
    lake.world.rows = {"table_lineage": ROWS}
    lake.world.most = 4
    assert len(recorded(edges_of(lake))) == 3
    places = [each.count("target_table_catalog = 'shop'") for each in asked(lake)]
    assert places == [0, 2, 0]


def test_a_schema_that_is_too_much_is_told_with_what_mends_it(lake):
    lake.world.rows = {"table_lineage": ROWS}
    lake.world.most = 2
    with pytest.raises(TooMuch, match="only a part") as caught:
        edges_of(lake)
    assert "queryLogDuration" in (caught.value.hint or "")


# --- what is missing ---


def test_who_may_not_read_the_records_is_told_the_grant(lake):
    lake.world.ungranted = {"system.access"}
    with pytest.raises(Denied, match="INSUFFICIENT_PERMISSIONS") as caught:
        edges_of(lake)
    for grant in ("USE CATALOG ON CATALOG system", "SELECT ON SCHEMA system.access", "enables it"):
        assert grant in (caught.value.hint or "")
    (line,) = [each for each in LINEAGE.check(settings_of(lake)) if each.capability == "lineage"]
    assert line.status == "denied"
    assert "SELECT ON SCHEMA system.access" in (line.grant or "")


def test_a_schema_that_is_not_enabled_is_told_the_same(lake):
    said = "[TABLE_OR_VIEW_NOT_FOUND] `system`.`access`.`column_lineage` cannot be found."
    lake.world.failure = {"error_code": "BAD_REQUEST", "message": said}
    with lake.probe.open() as source, pytest.raises(Denied, match="cannot be found") as caught:
        [*source.flows(1)]
    assert "enables it" in (caught.value.hint or "")


def test_check_tells_what_it_found(lake):
    def line(**options):
        lines = [*LINEAGE.check(settings_of(lake, options=options))]
        return [each for each in lines if each.capability == "lineage"]

    assert [(each.status, each.why) for each in line()] == [
        ("ok", "recorded in the last day: none")
    ]
    lake.world.rows = {"table_lineage": ROWS}
    assert [each.why for each in line()] == ["recorded in the last day: some"]
    assert line(processQueryLineage=False) == []
    lake.world.failure = {"error_code": "BAD_REQUEST", "message": "[INTERNAL] broken"}
    assert [each.status for each in line()] == ["failed"]


def test_check_of_a_workspace_that_is_not_there_says_so_once(lake):
    lines = [*LINEAGE.check(settings_of(lake, hostPort="http://127.0.0.1:9"))]
    assert [(each.capability, each.status) for each in lines] == [("connect", "failed")]


@pytest.mark.parametrize("path", [None, "sql/protocolv1/o/1/0123-abc"])
def test_without_a_warehouse_there_is_the_lineage_of_views_alone_and_it_is_said(lake, path, caplog):
    lake.world.rows = {"table_lineage": ROWS}
    edges = edges_of(lake, httpPath=path)
    assert edges
    assert not recorded(edges)
    assert not lake.world.said
    assert "of lineage only that of views is read" in caplog.text
    lines = {each.capability: each for each in LINEAGE.check(settings_of(lake, httpPath=path))}
    assert lines["lineage"].status == "warning"
    assert "/sql/1.0/warehouses/" in (lines["lineage"].grant or "")


def test_who_does_not_want_it_sends_no_statement(lake):
    lake.world.rows = {"table_lineage": ROWS}
    assert not recorded(edges_of(lake, options={"processQueryLineage": False}))
    assert not asked(lake)


@pytest.mark.parametrize("path", [None, "/sql/1.0/warehouses/w1a2"])
def test_a_config_that_asks_for_nothing_says_so(lake, path):
    nothing = {"processViewLineage": False, "processQueryLineage": path is None}
    with pytest.raises(ConfigError, match="processViewLineage is false"):
        LINEAGE.prepare(settings_of(lake, httpPath=path, options=nothing), None)


# --- faults ---


def test_a_warehouse_that_does_not_start_in_time_is_told(lake):
    lake.world.pending = 10_000
    with (
        lake.probe.open(call_timeout=0.01) as source,
        pytest.raises(TimedOut, match="did not answer"),
    ):
        [*source.flows(1)]
    assert lake.world.cancelled == 1


def test_a_workspace_that_goes_away_is_told(lake):
    with (
        lake.probe.open(hostPort="http://127.0.0.1:9") as source,
        pytest.raises(Unreachable, match="Nobody answers"),
    ):
        [*source.flows(1)]


def test_a_warehouse_that_answers_nonsense_is_told(lake):
    lake.world.failure = "nonsense"
    with lake.probe.open() as source, pytest.raises(Permanent, match="is not understood"):
        [*source.flows(1)]


def test_rows_of_another_width_are_told(lake):
    lake.world.rows = {"table_lineage": [["shop", "web"]]}
    with lake.probe.open() as source, pytest.raises(Permanent, match="is not understood"):
        [*source.flows(1)]


def test_batches_have_nothing_to_add(lake):
    """All is told by the listing: who asks for a table by name has a view or nothing."""
    settings = settings_of(lake)
    at = EntityDescriptor(TABLES, f"{WEB}.t1", WEB, "shop", {"name": "t1", "schema": "web"})
    with LINEAGE.open(settings, None) as source:
        (described,) = source.process_entities([at])
    assert isinstance(described, Described)
    assert not described.facts
