"""Unity Catalog by our own server: pages, refusals, statements, kinds of tables; judged by Databricks' client."""

import pickle
from collections import Counter
from dataclasses import replace
from inspect import signature

import pytest
import sqlglot

from rayingest.config.options import DatabaseLineage
from rayingest.connectors.database._unity.api import BROWSE
from rayingest.connectors.database._unity.facets import keys_query, tags_query
from rayingest.connectors.database._unity.statements import TooMuch
from rayingest.connectors.database.databricks import CONNECTOR as DATABRICKS
from rayingest.connectors.database.unitycatalog import CONNECTOR
from rayingest.core.source import Described, EntityDescriptor, ScopeListed
from rayingest.errors import (
    ConfigError,
    Denied,
    Forbidden,
    Gone,
    Permanent,
    Retryable,
    TimedOut,
    Unauthorised,
    Unreachable,
)
from rayingest.model import EntityType, TableType
from rayingest.testing.conformance import Kept, tell
from rayingest.testing.probe import Probe, of
from rayingest.testing.unitycatalog import OWNER, TOKEN, VIEWS, WAREHOUSE

CATALOGS, SCHEMAS = EntityType.DATABASE, EntityType.DATABASE_SCHEMA
TABLES, FUNCTIONS = EntityType.TABLE, EntityType.STORED_PROCEDURE
WEB = "svc.shop.web"
WHOLE = {"includeOwners": True}


def told(listing, entity_type=TABLES):
    """What listings describe by themselves, by name."""
    found = (each for each in listing if isinstance(each, Described))
    return {
        e.descriptor.metadata["name"]: e.entities[0]
        for e in found
        if e.descriptor.type is entity_type
    }


def ends(listing, entity_type=TABLES):
    return {
        each.scope: each
        for each in listing
        if isinstance(each, ScopeListed) and each.type is entity_type
    }


def prepared(lake, **changes):
    """A listing with the keys and tags that a run has."""
    settings = lake.probe.settings(**changes)
    shared = pickle.loads(pickle.dumps(CONNECTOR.prepare(settings, None)))
    with CONNECTOR.open(settings, shared) as source:
        return list(source.discover_entities(TABLES, WEB))


# --- the judge ---


def test_the_vendors_client_knows_every_key_and_value_of_ours(lake):
    sdk = pytest.importorskip("databricks.sdk")
    from databricks.sdk.service import sql

    lake.world.page = 2
    lake.world.rows = {"key_column_usage": [["shop", None]]}
    client = sdk.WorkspaceClient(host=lake.url, token=TOKEN, auth_type="pat")
    for listed, items in (
        (client.catalogs.list(), lake.world._items("catalogs", [])),
        (client.schemas.list("shop"), lake.world._items("schemas", ["shop"])),
        (client.tables.list("shop", "web"), lake.world._items("tables", ["shop", "web"])),
        (client.functions.list("shop", "web"), lake.world._items("functions", ["shop", "web"])),
    ):
        assert [each.as_dict() for each in listed] == items
    done = client.statement_execution.execute_statement(
        statement=keys_query(), warehouse_id=WAREHOUSE
    )
    assert done.status.state is sql.StatementState.SUCCEEDED
    assert done.result.data_array == [["shop", None]]


def test_the_vendors_client_could_ask_all_that_we_ask(lake):
    pytest.importorskip("databricks.sdk")
    from databricks.sdk.service import catalog, sql

    CONNECTOR.prepare(lake.probe.settings(), None)
    lake.probe.listing()
    known = {
        "catalogs": catalog.CatalogsAPI.list,
        "schemas": catalog.SchemasAPI.list,
        "tables": catalog.TablesAPI.list,
        "functions": catalog.FunctionsAPI.list,
    }
    assert {kind for kind, _ in lake.world.queries} == known.keys()
    for kind, query in lake.world.queries:
        assert query.keys() <= signature(known[kind]).parameters.keys()
    for api in (catalog.CatalogsAPI, catalog.SchemasAPI, catalog.TablesAPI, catalog.FunctionsAPI):
        assert BROWSE.keys() <= signature(api.get).parameters.keys()
    body = signature(sql.StatementExecutionAPI.execute_statement).parameters
    assert len(lake.world.bodies) == 2
    for each in lake.world.bodies:
        assert each.keys() <= body.keys()
        assert sql.ExecuteStatementRequestOnWaitTimeout(each["on_wait_timeout"])
        assert sql.Disposition(each["disposition"])
        assert sql.Format(each["format"])


# --- listings ---


def test_what_a_listing_tells_is_what_asking_for_each_tells(lake):
    lake.world.rows = {"column_tags": [["shop", "web", "t1", "id", "pii", "high"]]}
    listing = lake.probe.listing(options=WHOLE)
    for kind in (CATALOGS, SCHEMAS, TABLES, FUNCTIONS):
        by_name = {each.name: each for each in lake.probe.entities(kind, options=WHOLE).values()}
        assert told(listing, kind) == by_name
    assert len(told(listing)) == 9
    lake.probe.agree(TABLES)


def test_pages_are_read_to_their_end_also_behind_one_without_items(lake):
    lake.world.tree["shop"]["web"] = [f"t{at}" for at in range(120)]
    lake.world.bare_pages = True
    listing = lake.probe.listing()
    assert len(told(listing)) == 120
    assert ends(listing)[WEB].count == 120
    assert ends(listing)["svc.shop.empty"] == ScopeListed(TABLES, "svc.shop.empty", 0)


def test_a_table_costs_a_fiftieth_of_a_call(lake):
    """Twenty pages of fifty, and one of each container; two statements for a whole run."""
    lake.world.tree["shop"] = {"web": [f"t{at}" for at in range(1000)]}
    settings = lake.probe.settings()
    shared = CONNECTOR.prepare(settings, None)
    assert len(lake.world.said) == 2
    lake.world.log.clear()
    with CONNECTOR.open(settings, shared) as source:
        for kind, scope in ((CATALOGS, None), (SCHEMAS, "svc.shop"), (TABLES, WEB)):
            list(source.discover_entities(kind, scope))
        assert source.calls == len(lake.world.log)
    by_path = Counter(each.rpartition("/")[2] for each in lake.world.log)
    assert by_path == {"catalogs": 1, "schemas": 1, "tables": 20}


def test_information_schemas_and_databricks_own_catalogs_are_left_out(lake):
    found = of(lake.probe.listing())
    assert {each.id for each in found if each.type is CATALOGS} == {"svc.shop"}
    assert {each.id for each in found if each.type is SCHEMAS} == {WEB, "svc.shop.empty"}


def test_one_catalog_and_one_schema(lake):
    lake.world.tree["other"] = {"web": ["x"]}
    assert set(told(lake.probe.listing(catalog="other"))) == {"x"}
    listing = lake.probe.listing(catalog="shop", databaseSchema="WEB")
    assert ends(listing).keys() == {WEB}


def test_filters_count_what_they_drop(lake):
    listing = lake.probe.listing(filters={"tableFilterPattern": {"includes": ["t[12]$"]}})
    assert set(told(listing)) == {"t1", "t2"}
    assert (ends(listing)[WEB].count, ends(listing)[WEB].filtered) == (2, 7)
    dropped = lake.probe.listing(filters={"schemaFilterPattern": {"excludes": ["web"]}})
    assert ends(dropped).keys() == {"svc.shop.empty"}


@pytest.mark.parametrize(("key", "views"), [("includeViews", False), ("includeTables", True)])
def test_without_views_or_tables_a_listing_deletes_nothing(lake, key, views):
    listing = lake.probe.listing(options={key: False})
    kinds = {each.table_type for each in told(listing).values()}
    assert (kinds == {TableType.VIEW, TableType.MATERIALIZED_VIEW}) == views
    assert ends(listing)[WEB].mode == "changes"


def test_functions_that_are_not_wanted_are_not_asked_for(lake):
    lake.probe.listing(options={"includeStoredProcedures": False})
    assert "/api/2.1/unity-catalog/functions" not in lake.world.log


@pytest.mark.parametrize("scope", [None, "svc", "svc.shop", WEB])
def test_tables_are_listed_below_any_place(lake, scope):
    with lake.probe.open() as source:
        found = told(source.discover_entities(TABLES, scope))
    assert len(found) == 9


@pytest.mark.parametrize("scope", ["other.shop.web", "svc.shop.web.t1"])
def test_a_scope_of_another_service_is_refused(lake, scope):
    with lake.probe.open() as source, pytest.raises(ConfigError, match="no place"):
        list(source.discover_entities(TABLES, scope))


# --- what a table is ---


def test_kinds_of_tables(lake):
    found = told(lake.probe.listing())
    assert [found[f"t{at}"].table_type for at in range(9)] == [
        *(TableType.REGULAR, TableType.EXTERNAL, TableType.VIEW, TableType.MATERIALIZED_VIEW),
        *(
            TableType.STREAM,
            TableType.FOREIGN,
            TableType.REGULAR,
            TableType.EXTERNAL,
            TableType.VIEW,
        ),
    ]
    assert found["t1"].location_path == "s3://lake/t1"
    assert found["t0"].location_path is None


def test_the_text_of_a_view_has_no_secret(lake):
    found = told(lake.probe.listing())
    with_text = {name for name, each in found.items() if each.schema_definition}
    assert with_text == {"t2", "t3", "t4", "t8"}
    assert len(with_text) == len(VIEWS)
    assert found["t2"].schema_definition == "select id from web.t0 where key = 'token=********'"


def test_columns_in_order_with_their_parts(lake):
    found = told(lake.probe.listing())["t0"]
    assert [each.name for each in found.columns] == ["id", "day", "Land", "parts"]
    number, day, land, parts = found.columns
    assert (number.data_type, str(number.constraint), number.ordinal_position) == (
        "BIGINT",
        "NOT_NULL",
        1,
    )
    assert (day.data_type, str(day.constraint)) == ("DATE", "NULL")
    assert (land.data_type, land.data_length) == ("VARCHAR", 2)
    assert (parts.data_type, parts.array_data_type, parts.description) == (
        "ARRAY",
        "STRUCT",
        "All of them",
    )
    first, more = parts.children
    assert (first.name, first.data_type, first.data_type_display) == ("a:b", "INT", "int")
    assert (str(first.constraint), first.description) == ("NOT_NULL", "The first")
    assert [(each.name, each.data_type, each.scale) for each in more.children] == [
        ("key", "STRING", None),
        ("value", "DECIMAL", 2),
    ]


def test_partitions_are_in_their_own_order(lake):
    found = told(lake.probe.listing())["t0"]
    assert [each.column_name for each in found.partition] == ["Land", "day"]


def test_owners_only_when_they_are_wanted(lake):
    assert not told(lake.probe.listing())["t0"].owners
    assert [each.name for each in told(lake.probe.listing(options=WHOLE))["t0"].owners] == [OWNER]


def test_a_function_in_its_language(lake):
    (found,) = told(lake.probe.listing(), FUNCTIONS).values()
    assert (found.language, found.code, found.procedure_type) == (
        "PYTHON",
        "return x * 2",
        "Function",
    )


HOSTILE = [
    'quo"te',
    "per%cent",
    "%s",
    "%2F",
    "hash#?",
    "sel>ect",
    "``",
    "ünïcode-目录",
    "a::b",
    "semi;colon",
    "'",
]


def test_hostile_names(lake):
    """A point, a blank and a slash are in no name: https://docs.databricks.com/sql/language-manual/sql-ref-names.html."""
    lake.world.tree = {'c"1': {"s'2": HOSTILE}}
    listing = lake.probe.listing()
    assert set(told(listing)) == set(HOSTILE)
    found = lake.probe.entities(TABLES)
    assert {each.name for each in found.values()} == set(HOSTILE)
    assert ends(listing)["svc.c__reserved__quote__1.s'2"].count == len(HOSTILE)


def test_a_service_with_a_point_in_its_name(lake):
    lake.world.rows = {"key_column_usage": KEYS}
    probe = Probe(CONNECTOR, lake.probe.config, service="la.ke")
    assert '"la.ke".shop.web.t1' in probe.entities(TABLES)
    settings = probe.settings()
    with CONNECTOR.open(settings, CONNECTOR.prepare(settings, None)) as source:
        found = told(source.discover_entities(TABLES, '"la.ke".shop.web'))
    (foreign,) = found["t1"].constraints
    assert foreign.referred_columns == ('"la.ke".shop.web.t0.id', '"la.ke".shop.web.t0.day')


# --- keys and tags ---

KEYS = [
    ["shop", "web", "t0", "PRIMARY KEY", "pk0", "id", None, None, None, None],
    ["shop", "web", "t0", "PRIMARY KEY", "pk0", "day", None, None, None, None],
    ["shop", "web", "t1", "FOREIGN KEY", "fk1", "id", "shop", "web", "t0", "id"],
    ["shop", "web", "t1", "FOREIGN KEY", "fk1", "day", "shop", "web", "t0", "day"],
    ["shop", "web", "t1", "FOREIGN KEY", "fk2", "id", None, None, None, None],
    ["shop", "web", "t1", "PRIMARY KEY", "pk1", "id", None, None, None, None],
]
TAGS = [
    ["shop", "", "", "", "team", "web"],
    ["shop", "web", "", "", "gold", ""],
    ["shop", "web", "t0", "", "pii", "high"],
    ["shop", "web", "t0", "", "gold", None],
    ["shop", "web", "t0", "id", "pii", "low"],
]


def test_keys_of_one_and_of_several_columns(lake):
    lake.world.rows = {"key_column_usage": KEYS}
    found = told(prepared(lake))
    (primary,) = found["t0"].constraints
    assert (primary.constraint_type, primary.columns) == ("PRIMARY_KEY", ("id", "day"))
    (foreign,) = found["t1"].constraints
    assert (foreign.constraint_type, foreign.columns) == ("FOREIGN_KEY", ("id", "day"))
    assert foreign.referred_columns == (f"{WEB}.t0.id", f"{WEB}.t0.day")
    assert str(found["t1"].columns[0].constraint) == "PRIMARY_KEY"


def test_tags_of_everything(lake):
    lake.world.rows = {"column_tags": TAGS}
    lake.world.chunk = 2
    settings = lake.probe.settings()
    with CONNECTOR.open(settings, CONNECTOR.prepare(settings, None)) as source:
        listed = [
            list(source.discover_entities(kind, scope))
            for kind, scope in ((CATALOGS, None), (SCHEMAS, "svc.shop"), (TABLES, WEB))
        ]
    tags = {
        each.fqn: [(tag.classification, tag.name) for tag in each.tags]
        for one, kind in zip(listed, (CATALOGS, SCHEMAS, TABLES), strict=True)
        for each in told(one, kind).values()
    }
    assert tags["svc.shop"] == [("team", "web")]
    assert tags[WEB] == [("UnityCatalogTags", "gold")]
    assert tags[f"{WEB}.t0"] == [("pii", "high"), ("UnityCatalogTags", "gold")]
    column = told(listed[2])["t0"].columns[0]
    assert [(tag.classification, tag.name) for tag in column.tags] == [("pii", "low")]


def test_a_catalog_in_other_letters_has_its_keys(lake):
    """Unity Catalog stores names in small letters, and finds them in any."""
    lake.world.rows = {"key_column_usage": KEYS}
    assert CONNECTOR.prepare(lake.probe.settings(catalog="SHOP"), None).keys
    assert "'shop'" in lake.world.said[0]


def test_tags_that_are_not_wanted_are_not_asked_for(lake):
    prepared(lake, options={"includeTags": False})
    assert len(lake.world.said) == 1


def test_what_is_too_much_for_one_statement_is_asked_for_in_parts(lake):
    """By catalog, then by schema; tags of the catalog itself have no schema."""
    lake.world.rows = {"key_column_usage": KEYS, "column_tags": TAGS}
    whole = CONNECTOR.prepare(lake.probe.settings(), None)
    lake.world.said.clear()
    lake.world.tree["other"] = {"web": []}
    lake.world.most = 4
    settings = lake.probe.settings(options={"includeTags": False})
    with pytest.raises(TooMuch, match="only a part"):
        CONNECTOR.prepare(settings, None)  # one schema alone has six
    lake.world.rows = {"column_tags": TAGS}
    assert CONNECTOR.prepare(lake.probe.settings(), None).tags == whole.tags
    tried = [each for each in lake.world.said if "column_tags" in each]
    assert [each.count("catalog_name = 'shop'") for each in tried] == [0, 4, 4, 4, 4, 0]


def test_who_has_no_right_to_the_system_catalog_asks_each_catalog(lake):
    lake.world.rows = {"key_column_usage": KEYS, "column_tags": TAGS}
    whole = CONNECTOR.prepare(lake.probe.settings(), None)
    lake.world.said.clear()
    lake.world.ungranted = {"system"}
    lake.world.tree["o`ther"] = {}
    assert CONNECTOR.prepare(lake.probe.settings(), None) == whole
    places = [each.count("`shop`.information_schema") for each in lake.world.said]
    assert places == [0, 4, 0, 0, 4, 0]
    assert "`o``ther`.information_schema" in lake.world.said[-1]
    lines = {each.capability: each for each in CONNECTOR.check(lake.probe.settings())}
    assert (lines["keys"].status, lines["tags"].status) == ("ok", "ok")
    lake.world.ungranted |= {"`o``ther`"}
    with pytest.raises(Denied, match="INSUFFICIENT_PERMISSIONS") as caught:
        CONNECTOR.prepare(lake.probe.settings(), None)
    assert "USE CATALOG on each catalog" in (caught.value.hint or "")
    kept = lake.probe.settings(filters={"databaseFilterPattern": {"includes": ["shop"]}})
    assert CONNECTOR.prepare(kept, None) == whole


@pytest.mark.parametrize("within", [(), ("o'neil\\x",), ("shop", "it's")])
@pytest.mark.parametrize("query", [keys_query, tags_query])
def test_statements_are_databricks_sql(query, within):
    place = within[0] if within else "system"
    parsed = sqlglot.parse_one(query(*within, place=place), dialect="databricks")
    assert {each.catalog for each in parsed.find_all(sqlglot.exp.Table)} == {place}
    literals = {each.this for each in parsed.find_all(sqlglot.exp.Literal) if each.is_string}
    assert set(within) <= literals
    assert len(list(parsed.find_all(sqlglot.exp.EQ))) >= len(within)


@pytest.mark.parametrize("path", [None, "", "sql/protocolv1/o/1/0123-abc"])
def test_without_a_warehouse_no_statement_is_sent_and_it_is_said(lake, path, caplog):
    assert len(told(prepared(lake, httpPath=path))) == 9
    assert not lake.world.said
    assert "keys and tags are not read" in caplog.text
    lines = {each.capability: each for each in CONNECTOR.check(lake.probe.settings(httpPath=path))}
    assert lines["keys"].status == lines["tags"].status == "warning"
    assert "/sql/1.0/warehouses/" in (lines["keys"].grant or "")


def test_a_warehouse_that_starts_is_waited_for(lake, monkeypatch):
    monkeypatch.setattr("rayingest.connectors.database._unity.statements.PAUSE", 0.0)
    lake.world.pending = 3
    lake.world.rows = {"key_column_usage": KEYS}
    assert told(prepared(lake))["t1"].constraints


def test_a_statement_that_takes_too_long_is_cancelled(lake, monkeypatch):
    monkeypatch.setattr("rayingest.connectors.database._unity.statements.PAUSE", 0.02)
    lake.world.pending = 10_000
    with pytest.raises(TimedOut, match=r"did not answer in 0 s.*pending") as caught:
        prepared(lake, call_timeout=0.3)
    assert "Start the warehouse" in (caught.value.hint or "")
    assert lake.world.cancelled == 1


@pytest.mark.parametrize(
    ("failure", "kind", "said"),
    [
        ({"error_code": "TEMPORARILY_UNAVAILABLE", "message": "Busy"}, Retryable, "Busy"),
        ({"error_code": "BAD_REQUEST", "message": "[INSUFFICIENT_PERMISSIONS] No"}, Denied, "No"),
        ({"error_code": "BAD_REQUEST", "message": "Too big"}, Permanent, "Too big"),
    ],
)
def test_a_statement_that_fails_is_no_table_without_keys(lake, failure, kind, said):
    lake.world.failure = failure
    with pytest.raises(kind, match=said):
        prepared(lake)


def test_a_statement_is_tried_again_when_the_warehouse_may_do_better(lake):
    lake.world.failure, lake.world.failures = {"error_code": "TEMPORARILY_UNAVAILABLE"}, 2
    lake.world.rows = {"key_column_usage": KEYS}
    assert told(prepared(lake))["t1"].constraints


def test_whoever_asks_too_often_waits(lake, monkeypatch):
    monkeypatch.setattr("rayingest.connectors.database._unity.statements.PAUSE", 0.0)
    lake.world.throttles, lake.world.pending, lake.world.chunk = 1.0, 1, 2
    lake.world.rows = {"key_column_usage": KEYS, "column_tags": TAGS}
    assert told(prepared(lake))["t1"].constraints


def test_a_warehouse_that_may_not_be_used(lake):
    lake.world.warehouse_denied = True
    with pytest.raises(Denied, match=WAREHOUSE) as caught:
        prepared(lake)
    assert "CAN USE" in (caught.value.hint or "")


def test_an_answer_that_is_no_statement(lake, monkeypatch):
    monkeypatch.setattr(lake.world, "_statement", lambda number: {"statement_id": "1"})
    with pytest.raises(Permanent, match="not understood: KeyError: 'status'"):
        prepared(lake)
    lines = {each.capability: each for each in CONNECTOR.check(lake.probe.settings())}
    assert lines["keys"].status == "failed"


def test_a_warehouse_that_is_not_there(lake):
    with pytest.raises(Permanent, match="No such warehouse") as caught:
        prepared(lake, httpPath="/sql/1.0/warehouses/other")
    assert caught.value.hint == "Check httpPath."


# --- refusals ---


def test_a_schema_that_is_refused_is_denied_and_not_empty(lake):
    lake.world.denied = {"shop.web"}
    with (
        lake.probe.open() as source,
        pytest.raises(Denied, match=r"tables shop\.web: 403") as caught,
    ):
        list(source.discover_entities(TABLES, WEB))
    assert "GRANT USE SCHEMA, SELECT ON SCHEMA `shop`.`web`" in (caught.value.hint or "")
    with lake.probe.open() as source:
        assert ends(source.discover_entities(TABLES, "svc.shop.empty"))


def test_a_refusal_on_a_later_page_is_no_end(lake):
    lake.world.page = 3

    def refuse(path):
        if lake.world.log.count(path) == 2:
            lake.world.denied = {"shop.web"}

    lake.world.before = refuse
    with lake.probe.open() as source, pytest.raises(Denied):
        list(source.discover_entities(TABLES, WEB))


def test_a_schema_that_vanished(lake):
    lake.world.gone = {"shop.web"}
    with lake.probe.open() as source, pytest.raises(Gone, match="tables shop"):
        list(source.discover_entities(TABLES, WEB))


def test_a_table_that_is_only_browsed_is_listed_and_told(lake):
    """Without its columns it must not be written: they would be gone from the catalogue."""
    lake.world.browse_only = {"shop.web.t1"}
    listing = lake.probe.listing()
    assert f"{WEB}.t1" in {each.id for each in listing if isinstance(each, EntityDescriptor)}
    assert ends(listing)[WEB].count == 9
    found, failed = lake.probe.answers(TABLES)
    assert isinstance(failed[f"{WEB}.t1"], Forbidden)
    assert "SELECT ON TABLE `shop`.`web`.`t1`" in (failed[f"{WEB}.t1"].hint or "")
    assert len(found) == 8


def test_one_that_is_not_understood_fails_alone(lake):
    lake.world.broken = {"shop.web.t1"}
    listing = lake.probe.listing()
    assert (len(told(listing)), ends(listing)[WEB].count) == (8, 9)
    found, failed = lake.probe.answers(TABLES)
    assert len(found) == 8
    assert isinstance(failed[f"{WEB}.t1"], Permanent)
    assert "shop.web.t1" in str(failed[f"{WEB}.t1"])
    assert "table_type" in str(failed[f"{WEB}.t1"])


def test_denied_and_gone_are_of_one_table(lake):
    descriptors = lake.probe.descriptors(TABLES)
    lake.world.denied, lake.world.gone = {"shop.web.t1"}, {"shop.web.t2"}
    with lake.probe.open() as source:
        answers = {each.descriptor.id: each for each in source.process_entities(descriptors)}
    assert isinstance(answers[f"{WEB}.t1"].error, Denied)
    assert isinstance(answers[f"{WEB}.t2"].error, Gone)
    assert sum(isinstance(each, Described) for each in answers.values()) == 7


def test_a_wrong_token_is_no_refusal_of_one_schema(lake):
    with pytest.raises(Unauthorised, match="Invalid access token") as caught:
        lake.probe.listing(authType={"token": "dapi-wrong-1"})
    assert "authType.token" in (caught.value.hint or "")
    (line,) = CONNECTOR.check(lake.probe.settings(authType={"token": "dapi-wrong-1"}))
    assert (line.capability, line.status) == ("connect", "failed")
    assert "dapi-wrong-1" not in f"{line}{caught.value!r}"


def test_a_service_principal_logs_in_and_again(lake):
    account = {"clientId": "app", "clientSecret": "s3cr3t"}
    lake.world.token_calls = 3
    assert len(told(lake.probe.listing(authType=account))) == 9
    assert lake.world.calls["login"] > 1


def test_nobody_there(lake):
    with pytest.raises(Unreachable, match="Nobody answers at 127"):
        lake.probe.listing(hostPort="http://127.0.0.1:9")


def test_throttled_and_failing_now_and_then(lake):
    lake.world.throttles, lake.world.fails = 0.3, 0.3
    lake.world.tree = {"shop": {f"s{at}": ["a", "b"] for at in range(12)}}
    listing = lake.probe.listing()
    assert sum(each.count for each in ends(listing).values()) == 24


def test_a_catalog_that_is_not_there(lake):
    with pytest.raises(ConfigError, match="There is no catalog 'nope'") as caught:
        lake.probe.listing(catalog="nope")
    assert "catalog" in (caught.value.hint or "")


def test_hive_metastore_is_not_read_and_that_is_said(lake):
    legacy = lake.probe.settings(catalog="hive_metastore")
    with pytest.raises(ConfigError, match="hive_metastore is not part of Unity Catalog"):
        CONNECTOR.prepare(legacy, None)
    assert [each.status for each in CONNECTOR.check(legacy)] == ["failed"]
    lines = [*DATABRICKS.check(Probe(DATABRICKS, lake.probe.config).settings())]
    assert ("hive_metastore", "warning") in {(each.capability, each.status) for each in lines}


def test_a_workspace_without_unity_catalog(lake):
    lake.world.metastore = False
    with pytest.raises(ConfigError, match="This workspace has no Unity Catalog"):
        lake.probe.listing()
    (line,) = CONNECTOR.check(lake.probe.settings())
    assert line.status == "failed"


def test_who_sees_no_catalog_is_told(lake):
    lake.world.tree = {}
    lines = {each.capability: each for each in CONNECTOR.check(lake.probe.settings())}
    assert (lines["databases"].status, "tables" in lines) == ("warning", False)
    assert "BROWSE" in (lines["databases"].grant or "")
    (end,) = ends(lake.probe.listing(), CATALOGS).values()
    assert (end.count, end.complete) == (0, True)


def test_check_says_what_is_refused_and_the_grant(lake):
    lake.world.denied, lake.world.warehouse_denied = {"shop.web"}, True
    lines = {each.capability: each for each in CONNECTOR.check(lake.probe.settings())}
    assert {name: each.status for name, each in lines.items()} == {
        "connect": "ok",
        "databases": "ok",
        "schemas": "ok",
        "tables": "denied",
        "procedures": "denied",
        "keys": "denied",
        "tags": "denied",
    }
    assert "SELECT ON SCHEMA `shop`.`web`" in (lines["tables"].grant or "")
    assert "EXECUTE ON SCHEMA `shop`.`web`" in (lines["procedures"].grant or "")
    assert "CAN USE" in (lines["tags"].grant or "")


def test_the_lineage_of_views_comes_out_of_the_same_listing(lake):
    """`web.t0` is in the view's own catalog; what a stream is made of is not a view's."""
    tables = [*told(lake.probe.listing()).values()]
    settings = replace(lake.probe.settings(), options=DatabaseLineage())
    facts = tell(CONNECTOR.variants["lineage"], settings, Kept(tables)).facts
    edges = {each.target_fqn: each.payload for each in facts}
    views = [each for each in tables if each.schema_definition]
    assert edges.keys() == {e.fqn for e in views if e.table_type is not TableType.STREAM}
    for each in edges.values():
        assert each["fromFqn"] == f"{WEB}.t0"
        assert "canary-9a" not in each["details"]["sqlQuery"]
