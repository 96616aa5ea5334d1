"""What Snowflake has recorded of what fills tables: our statement, run by an emulator over the documented columns.

fakesnow records nothing: the rows are laid out as the vendor's page has them. No account has answered.
"""

import json
from dataclasses import replace

import pytest

from rayingest.config.options import DatabaseLineage
from rayingest.connectors.database.snowflake import CONNECTOR
from rayingest.core.source import Described, ScopeListed
from rayingest.errors import Denied
from rayingest.kit.sql.flows import SCOPE, Flow
from rayingest.kit.sql.snowflake.flows import flow
from rayingest.model import EntityType
from rayingest.testing.conformance import Kept, tell

TABLE = EntityType.TABLE
LINEAGE = CONNECTOR.variants["lineage"]
# https://docs.snowflake.com/en/sql-reference/account-usage/access_history
MADE = """create table history.usage.access_history (query_id varchar, query_start_time timestamp_ltz,
 user_name varchar, direct_objects_accessed array, base_objects_accessed array, objects_modified array)"""
A, B, V, HOSTILE = (
    "FLOWING.PUBLIC.A",
    "FLOWING.PUBLIC.B",
    "FLOWING.PUBLIC.V",
    'FLOWING.PUBLIC."a.b"',
)


def named(name, kind="Table", **columns):
    """An object as it stands in a column of the view; columns with those that they come from."""
    told = [
        {
            "columnId": at,
            "columnName": column,
            "directSources": [
                {"columnName": each, "objectDomain": kind, "objectId": 1, "objectName": of}
                for of, each in sources
            ],
            "baseSources": [],
        }
        for at, (column, sources) in enumerate(columns.items())
    ]
    return {"objectDomain": kind, "objectId": 1, "objectName": name, "columns": told}


@pytest.fixture(scope="module")
def usage(server):
    """The account's records, empty, under another name: `SNOWFLAKE` is the emulator's own."""
    server.run("create database history", "create schema history.usage", MADE)
    return "HISTORY.USAGE"


@pytest.fixture(scope="module")
def flowing(make):
    return make(
        "flowing",
        "create table a (id int, name varchar)",
        "create table b (id int, label varchar)",
        'create table "a.b" (id int, "low" int)',
        "create view v as select id from a",
    )


@pytest.fixture
def record(server, usage):
    """Write what a statement changed and named, so many hours ago; all of it is gone at the end."""

    def write(modified, accessed, *, hours=1):
        given = [
            "parse_json('{}')".format(json.dumps(each).replace("\\", "\\\\"))
            for each in (accessed, accessed, modified)
        ]
        row = f"'q', dateadd(hour, -{hours}, current_timestamp()), 'ada', {', '.join(given)}"
        server.run(f"insert into {usage}.access_history select {row}")

    yield write
    server.run(f"truncate table {usage}.access_history")


def settings_of(probe, usage, *, options=None, **changes):
    # The emulator has its FLATTEN in databases alone: the session must be in one.
    given = probe.settings(
        accountUsageSchema=usage,
        connectionArguments={**probe.config["connectionArguments"], "database": "FLOWING"},
        **changes,
    )
    return replace(given, options=DatabaseLineage.model_validate(options or {}))


def edges_of(probe, usage, **changes):
    """What a run would tell of a catalogue that has the tables of the database, by both ends."""
    tables = Kept([*probe.entities(TABLE).values()])
    facts = tell(LINEAGE, settings_of(probe, usage, **changes), tables).facts
    return {
        tuple(each.removeprefix("svc.") for each in (fact.payload["fromFqn"], fact.target_fqn)): {
            "source": fact.payload["details"]["source"],
            "columns": [
                (
                    line["toColumn"].split(".")[-1],
                    [name.split(".")[-1] for name in line["fromColumns"]],
                )
                for line in fact.payload["details"].get("columnsLineage", ())
            ],
        }
        for fact in facts
    }


def recorded(edges):
    return {ends for ends, each in edges.items() if each["source"] == "QueryLineage"}


def test_each_pair_is_one_edge_with_its_columns(flowing, usage, record):
    filled = named(B, ID=[(A, "ID")], LABEL=[(A, "NAME"), (HOSTILE, "low")])
    record([filled], [named(A), named(HOSTILE)])
    record([filled], [named(A), named(HOSTILE)])
    edges = edges_of(flowing, usage)
    assert recorded(edges) == {(A, B), (HOSTILE, B)}
    assert edges[A, B]["columns"] == [("ID", ["ID"]), ("LABEL", ["NAME"])]
    assert edges[HOSTILE, B]["columns"] == [("LABEL", ["low"])]


def test_a_table_that_is_only_compared_with_is_an_edge_without_columns(flowing, usage, record):
    record([named(B, ID=[(A, "ID")])], [named(A), named(HOSTILE), named(B)])
    edges = edges_of(flowing, usage)
    assert recorded(edges) == {(A, B), (HOSTILE, B)}
    assert edges[HOSTILE, B]["columns"] == []


def test_a_view_is_told_by_its_text_alone(flowing, usage, record):
    record([named(V, "VIEW", ID=[(B, "ID")])], [named(B)])
    assert edges_of(flowing, usage).keys() == {(A, V)}
    record([named(B, ID=[(V, "ID")])], [named(V, "View")])
    assert recorded(edges_of(flowing, usage)) == {(V, B)}


def test_stages_functions_and_what_only_reads_are_no_tables(flowing, usage, record):
    record([named("FLOWING.PUBLIC.FILES", "Stage")], [named(A)])
    record([named(B)], [named("FLOWING.PUBLIC.F", "FUNCTION")])
    record([named(B)], [])
    record([], [named(A)])
    assert recorded(edges_of(flowing, usage)) == set()


def test_so_many_days_are_looked_back(flowing, usage, record):
    record([named(B, ID=[(A, "ID")])], [named(A)], hours=49)
    for days, told in ((0, set()), (1, set()), (3, {(A, B)})):
        assert recorded(edges_of(flowing, usage, options={"queryLogDuration": days})) == told


def test_the_database_of_the_connection_is_what_was_filled(flowing, usage, record):
    far = "FAR.PUBLIC.T"
    record([named(far, ID=[(A, "ID")])], [named(A)])
    record([named(B, ID=[(far, "ID")])], [named(far)])
    assert recorded(edges_of(flowing, usage)) == {(far, B)}
    found = recorded(edges_of(flowing, usage, database=None))
    assert found == {(far, B), (A, far)}


def test_it_is_one_statement_and_its_listing_deletes_nothing(flowing, usage, record):
    record([named(B, ID=[(A, "ID")])], [named(A)])
    settings = settings_of(flowing, usage)
    with LINEAGE.open(settings, LINEAGE.prepare(settings, None)) as source:
        before = source.calls
        *found, end = source.discover_entities(TABLE, SCOPE)
        assert source.calls - before == 1
    assert all(isinstance(each, Described) and not each.whole for each in found)
    assert isinstance(end, ScopeListed)
    assert (end.count, end.mode) == (1, "changes")


def test_who_does_not_want_it_has_the_lineage_of_views_alone(flowing, usage, record, caplog):
    record([named(B, ID=[(A, "ID")])], [named(A)])
    for wish in ({"options": {"processQueryLineage": False}}, {"useAccessHistory": False}):
        assert edges_of(flowing, usage, **wish).keys() == {(A, V)}
        assert ("useAccessHistory is false" in caplog.text) is ("useAccessHistory" in wish)


def test_who_may_not_read_the_records_is_told_the_grant(flowing, usage):
    settings = settings_of(flowing, "CLOSED.ACCOUNT_USAGE", role="READER")
    shared = LINEAGE.prepare(settings, None)
    with LINEAGE.open(settings, shared) as source, pytest.raises(Denied) as caught:
        [*source.discover_entities(TABLE, SCOPE)]
    for part in (
        "DATABASE ROLE CLOSED.GOVERNANCE_VIEWER TO ROLE READER",
        "Enterprise",
        "PRIVILEGES",
    ):
        assert part in (caught.value.hint or "")
    lines = [each for each in LINEAGE.check(settings) if each.capability == "lineage"]
    assert [(each.status, "GOVERNANCE_VIEWER" in (each.grant or "")) for each in lines] == [
        ("denied", True)
    ]


def test_check_tells_what_it_found(flowing, usage, record):
    def line():
        found = LINEAGE.check(settings_of(flowing, usage))
        return [(each.status, each.why) for each in found if each.capability == "lineage"]

    assert line() == [("ok", "recorded in the last day: none")]
    record([named(B, ID=[(A, "ID")])], [named(A)])
    assert line() == [("ok", "recorded in the last day: some")]


@pytest.mark.parametrize(
    ("row", "found"),
    [
        (("D.S.T", "C", "D.S.U", "X"), Flow(("D", "S", "U"), ("D", "S", "T"), "X", "C")),
        (
            ('D."s.""x".T', '"c"', "D.S.U", None),
            Flow(("D", "S", "U"), ("D", 's."x', "T"), None, "c"),
        ),
        (("D.S.T", None, "STAGED", None), None),
        (("T", None, "D.S.U", None), None),
    ],
)
def test_names_are_taken_apart(row, found):
    assert flow(row) == found
