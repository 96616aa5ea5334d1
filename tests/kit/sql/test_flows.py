"""Recorded lineage of any database: names looked up, pairs made one edge, patterns, and what views tell themselves."""

import time
from contextlib import contextmanager
from itertools import pairwise
from types import SimpleNamespace

from rayingest.config.options import DatabaseLineage, DatabaseMetadata
from rayingest.core.filters import Filters
from rayingest.core.source import Described, ScopeListed, Settings
from rayingest.kit.sql.flows import SCOPE, Flow, Recorded, listing, say_what_is_missing
from rayingest.kit.sql.known import Known
from rayingest.kit.sql.views import Lineage

A, B, C = ("shop", "raw", "a"), ("shop", "core", "b"), ("shop", "core", "c")
COLUMNS = {
    "svc.shop.raw.a": ("id", "Name"),
    "svc.shop.core.b": ("id", "who"),
    "svc.shop.core.c": ("x",),
    'svc."odd.base".s."a.b"': ("col.umn",),
    "other.lake.s.t": ("x",),
}
KNOWN = Known(
    COLUMNS, {name.lower(): name for name in COLUMNS}, views=frozenset({"svc.shop.core.c"})
)


def told(*flows, others=(), told=True, **patterns):
    """What the listing yields: edges by both ends, with their columns; and its end."""
    settings = Settings("svc", None, DatabaseLineage(), Filters.from_options(patterns))
    *found, end = listing(iter(flows), settings, KNOWN, others, told)
    assert isinstance(end, ScopeListed)
    assert (end.scope, end.count, end.mode) == (SCOPE, len(found), "changes")
    assert all(isinstance(each, Described) and not each.entities for each in found)
    edges = {}
    for each in (fact for described in found for fact in described.facts):
        details = each.payload["details"]
        assert details["source"] == "QueryLineage"
        columns = details.get("columnsLineage", ())
        edges[each.payload["fromFqn"], each.target_fqn] = {
            column["toColumn"]: column["fromColumns"] for column in columns
        }
    return edges, end


def test_pairs_of_columns_are_one_edge_in_one_order():
    flows = [Flow(A, B), Flow(A, B, "id", "id"), Flow(A, B, "name", "who"), Flow(A, B, "id", "who")]
    expected = {
        ("svc.shop.raw.a", "svc.shop.core.b"): {
            "svc.shop.core.b.id": ["svc.shop.raw.a.id"],
            "svc.shop.core.b.who": ["svc.shop.raw.a.Name", "svc.shop.raw.a.id"],
        }
    }
    assert told(*flows)[0] == expected
    assert told(*flows[::-1], *flows)[0] == expected


def test_a_column_that_nobody_has_has_no_origin():
    edges, _ = told(Flow(A, B, "gone", "id"), Flow(A, B, "id", "who"))
    assert [*edges.values()] == [{"svc.shop.core.b.who": ["svc.shop.raw.a.id"]}]


def test_two_spellings_of_a_table_are_one():
    edges, end = told(Flow(A, B), Flow(("SHOP", "raw", "A"), ("shop", "Core", "B")))
    assert (len(edges), end.count) == (1, 1)


def test_hostile_names_are_looked_up_as_the_catalogue_spells_them():
    odd = ("odd.base", "s", "a.b")
    edges, _ = told(Flow(odd, B, "col.umn", "id"))
    assert edges == {
        ('svc."odd.base".s."a.b"', "svc.shop.core.b"): {
            "svc.shop.core.b.id": ['svc."odd.base".s."a.b"."col.umn"']
        }
    }


def test_what_nobody_has_is_told_as_it_would_be_called():
    edges, _ = told(Flow(("shop", "raw", "dropped"), B))
    assert edges.keys() == {("svc.shop.raw.dropped", "svc.shop.core.b")}


def test_a_table_that_fills_itself_is_no_edge():
    assert told(Flow(A, A), Flow(("SHOP", "RAW", "A"), A))[0] == {}


def test_a_service_that_is_named_is_looked_in_after_its_own():
    flow = Flow(("lake", "s", "t"), B)
    assert told(flow, others=("other",))[0].keys() == {("other.lake.s.t", "svc.shop.core.b")}
    assert told(flow)[0].keys() == {("svc.lake.s.t", "svc.shop.core.b")}


def test_views_that_have_a_text_are_told_by_it_unless_nobody_reads_it():
    assert told(Flow(A, C), told=True)[0] == {}
    assert told(Flow(A, C), told=False)[0].keys() == {("svc.shop.raw.a", "svc.shop.core.c")}


def test_patterns_choose_what_was_filled_and_not_what_it_was_filled_from():
    flows = (Flow(A, B), Flow(B, A))
    edges, end = told(*flows, schemaFilterPattern={"includes": ["core"]})
    assert edges.keys() == {("svc.shop.raw.a", "svc.shop.core.b")}
    assert end.filtered == 1
    assert told(*flows, tableFilterPattern={"excludes": ["b"]})[0].keys() == {
        ("svc.shop.core.b", "svc.shop.raw.a")
    }
    assert told(*flows, databaseFilterPattern={"excludes": ["shop"]})[1].filtered == 2


def test_the_catalogue_says_what_is_a_view_with_a_text():
    kinds = {
        "a": ("View", "select 1"),
        "b": ("View", None),
        "c": ("Regular", "x"),
        "d": (None, "x"),
    }

    class Catalogue:
        def list(self, entity_type, scope, *, full=False):
            for name, (kind, text) in kinds.items():
                told = {"tableType": kind, "schemaDefinition": text}
                yield {"fullyQualifiedName": f"{scope}.d.s.{name}", **told}

    assert Known.of(Catalogue(), ["svc"]).views == {"svc.d.s.a"}


def test_who_asks_a_database_that_records_nothing_is_told(caplog):
    def said(recorded, **options):
        caplog.clear()
        given = DatabaseLineage.model_validate(options)
        say_what_is_missing(recorded, Settings("svc", None, given, Filters()))
        return caplog.text

    assert "queryLogDuration" in said(None, queryLogDuration=7)
    assert not said(None)
    lacking = Recorded(lambda session, days: iter(()), lambda settings: ("No log.", "Keep one."))
    assert "No log. Keep one." in said(lacking)
    assert not said(lacking, processQueryLineage=False)


def test_check_opens_its_session_as_a_run_does():
    """With options of the connector itself: those of lineage it does not know."""
    given = []

    @contextmanager
    def opened(settings, _context=None):
        given.append(type(settings.options))
        yield None

    base = SimpleNamespace(open=opened, check=lambda _settings: ())
    lineage = Lineage(base, None, Recorded(lambda *_: iter([Flow(A, B)]), lambda _settings: None))
    settings = Settings("svc", None, DatabaseLineage(), Filters())
    (line,) = lineage.check(settings)
    assert (line.status, line.why) == ("ok", "recorded in the last day: some")
    assert given == [DatabaseMetadata]


def test_an_edge_of_eight_columns_takes_less_than_half_a_millisecond():
    """Of this process; the median of three, for the machine is shared."""
    tables = [("shop", "web", f"t{at}") for at in range(1001)]
    columns = tuple(f"c{at}" for at in range(8))
    known = Known({".".join(("svc", *each)): columns for each in tables})
    settings = Settings("svc", None, DatabaseLineage(), Filters())
    pairs = list(pairwise(tables))
    flows = [Flow(*pair, each, each) for pair in pairs for each in columns]
    seconds = []
    for _ in range(3):
        before = time.process_time()
        found = [*listing(flows, settings, known, (), told=True)]
        seconds.append((time.process_time() - before) / len(pairs))
        assert len(found) == len(pairs) + 1
    assert sorted(seconds)[1] < 0.0005
