"""MySQL's relatives: what each says differently arrives all the same, and nobody is asked what it refuses."""

import json
import pickle

import pytest

from rayingest.core import registry
from rayingest.core.source import Capability, ScopeListed
from rayingest.errors import Denied, Gone, SessionLost
from rayingest.kit.sql.mysql.errors import classify, classify_connect
from rayingest.model import EntityType

from .documented import PRODUCTS
from .story import table

pymysql = pytest.importorskip("pymysql")
from .standin import connector_of  # noqa: E402 - it needs the driver

TABLE, SCHEMA = EntityType.TABLE, EntityType.DATABASE_SCHEMA
SCHEMAS = {
    "doris": "dorisConnection",
    "starrocks": "starrocksConnection",
    "singlestore": "singleStoreConnection",
    "tidb": "mysqlConnection",
}
names = pytest.mark.parametrize("name", sorted(PRODUCTS))
HOSTILE = [
    "a'b",
    'a"b',
    "a.b",
    "a`b",
    "back\\slash",
    "%s",
    "%(x)s",
    "a--b",
    "漢字",
    "select",
    "Twin",
]


def product_of(name):
    return registry.load(name).facts.connect.keywords["product"]


@names
def test_openmetadatas_yaml_works_unchanged(contracts, name):
    folder = contracts / "openmetadata/schemas/entity/services/connections/database"
    schema = json.loads((folder / f"{SCHEMAS[name]}.json").read_text())
    model = registry.load(name).connection
    assert set(schema["properties"]) <= set(model.model_fields)
    assert set(schema["required"]) == {
        key for key, field in model.model_fields.items() if field.is_required()
    }


@names
def test_the_value_travels(name):
    facts = registry.load(name).facts
    there = pickle.loads(pickle.dumps(facts))
    assert there.connect.keywords == facts.connect.keywords == {"product": product_of(name)}
    assert there.describe == facts.describe


@pytest.mark.parametrize(
    ("name", "port"), [("doris", 9030), ("starrocks", 9030), ("singlestore", 3306), ("tidb", 4000)]
)
def test_without_a_port_the_products_is_meant(name, port):
    assert product_of(name).port == port
    assert str(port) in registry.load(name).connection.model_fields["hostPort"].description


@names
def test_what_is_the_systems_is_hidden(server, name):
    _, probe = server(name, library=True)
    assert [each.id for each in probe.descriptors(SCHEMA)] == ["svc.default.library"]
    assert {each.scope for each in probe.descriptors(TABLE)} == {"svc.default.library"}


@names
def test_one_database_can_be_read_alone(server, name):
    made, probe = server(name, library=True)
    made.add("schemata", schema_name="other")
    found = probe.descriptors(SCHEMA, databaseSchema="other")
    assert [each.id for each in found] == ["svc.default.other"]


@names
def test_a_session_begins_with_what_the_server_knows(server, name):
    made, probe = server(name)
    with probe.open(call_timeout=90):
        pass
    assert made.said[0].startswith("set session sql_mode = ''")
    limit = {
        "doris": "query_timeout = 90",
        "starrocks": "query_timeout = 90",
        "tidb": "max_execution_time = 90000",
        "singlestore": "sql_mode = ''",
    }
    assert made.said[0].endswith(limit[name])
    assert made.said[1:] == ([made.has.enters] if made.has.enters else [])


@names
def test_batches_orders_and_singles_agree(server, name):
    _, probe = server(name, library=True)
    probe.agree(TABLE)
    probe.agree(TABLE, options={"includeDDL": True})
    probe.agree(SCHEMA)


@names
def test_names_come_out_as_they_went_in(server, name):
    made, probe = server(name)
    for schema in ("plain", "sche.ma'`"):
        made.add("schemata", schema_name=schema)
        for each in HOSTILE:
            key = "PRI" if name == "starrocks" else "UNI"
            table(made, schema, each, (each, "int", "NO", key))
    found = probe.entities(TABLE)
    assert len(found) == 2 * len(HOSTILE)
    assert {each.name for each in found.values()} == set(HOSTILE)
    assert all(each.columns[0].name == each.name for each in found.values())
    probe.agree(TABLE)


@names
def test_a_hundred_tables_take_a_handful_of_statements(server, name):
    made, probe = server(name)
    for schema in range(20):  # more than MySQL is asked about one by one
        made.add("schemata", schema_name=f"s{schema}")
        for each in range(5):
            table(made, f"s{schema}", f"t{each}", ("id", "int", "NO"), ("v", "int"))
    descriptors = probe.descriptors(TABLE)
    assert len(descriptors) == 100
    with probe.open() as source:
        before = source.calls
        answers = list(source.process_entities(descriptors))
        assert len(answers) == 100
        assert all(len(each.entities[0].columns) == 2 for each in answers)
        assert source.calls - before <= 5
    for end in (each for each in probe.listing() if isinstance(each, ScopeListed)):
        assert end.complete


@names
def test_what_was_dropped_meanwhile_is_gone_alone(server, name):
    made, probe = server(name, library=True)
    descriptors = probe.descriptors(TABLE)
    made.engine.execute("delete from i_s.tables where table_name = 'book'")
    with probe.open() as source:
        answers = {each.descriptor.id: each for each in source.process_entities(descriptors)}
    failed = {key: each.error for key, each in answers.items() if hasattr(each, "error")}
    assert [*failed] == ["svc.default.library.book"]
    assert isinstance(failed["svc.default.library.book"], Gone)


@names
def test_columns_without_rights_name_the_grant_in_its_own_words(server, name):
    made, probe = server(name)
    made.add("schemata", schema_name="s")
    made.add("tables", table_schema="s", table_name="closed", table_type="BASE TABLE")
    if made.has.by_bytes:  # what they say there is a comment, and nothing else
        made.engine.execute("update i_s.tables set table_comment = 'ours'")
    _, failed = probe.answers(TABLE)
    error = failed["svc.default.s.closed"]
    assert isinstance(error, Denied)
    grant = {
        "doris": "GRANT SELECT_PRIV, SHOW_VIEW_PRIV ON `s`.`closed` TO the user of the config;",
        "starrocks": "GRANT SELECT ON TABLE `s`.`closed` TO USER the user of the config;",
    }
    assert error.hint == grant.get(
        name, "GRANT SELECT, SHOW VIEW ON `s`.`closed` TO the user of the config;"
    )


@names
def test_ddl_only_when_asked_and_without_its_secrets(server, name):
    _, probe = server(name, library=True)
    assert probe.entities(TABLE)["svc.default.library.book"].schema_definition is None
    found = probe.entities(TABLE, options={"includeDDL": True})["svc.default.library.book"]
    assert found.schema_definition.startswith("CREATE TABLE book")
    assert "hunter2" not in found.schema_definition


@names
def test_check_tries_just_what_a_run_reads(server, name):
    made, probe = server(name, library=True)
    connector = connector_of(made)
    told = {each.capability: each for each in connector.check(probe.settings())}
    assert not [each for each in told.values() if each.status in {"denied", "failed"}]
    assert ("procedures" in told) == (Capability.PROCEDURES in connector.capabilities)
    assert ("partitions" in told) == (Capability.PARTITIONS in connector.capabilities)
    if name == "doris":
        assert told["catalogs"].why == "only the catalog internal is read, not hive, lake"
    else:
        assert "catalogs" not in told


@names
def test_a_view_whose_text_is_hidden_is_told_with_the_grant(server, name):
    made, probe = server(name, library=True)
    made.engine.execute("update i_s.views set view_definition = ''")
    told = {each.capability: each for each in connector_of(made).check(probe.settings())}
    assert told["views"].why == "the text of 1 views is hidden"
    assert told["views"].grant == {
        "doris": "GRANT SHOW_VIEW_PRIV ON internal.*.* TO 'rayingest'@'%';",
        "starrocks": "GRANT SELECT ON ALL VIEWS IN ALL DATABASES TO USER 'rayingest'@'%';",
    }.get(name, "GRANT SHOW VIEW ON *.* TO 'rayingest'@'%';")
    assert probe.entities(TABLE)["svc.default.library.cheap_book"].schema_definition is None


def test_singlestores_own_types(server):
    made, probe = server("singlestore")
    made.add("schemata", schema_name="s")
    forms = ("geography", "geographypoint", "vector(3, F32)", "json", "tinyint(1)")
    table(made, "s", "t", *((form.split("(")[0], form) for form in forms))
    (found,) = probe.entities(TABLE).values()
    kinds = [each.data_type for each in found.columns]
    assert kinds == ["GEOGRAPHY", "GEOGRAPHY", "ARRAY", "JSON", "TINYINT"]


def test_what_starrocks_means_by_its_numbers():
    said = "Access denied; you need (at least one of) the SELECT privilege(s) on TABLE book"
    error = classify(pymysql.OperationalError(5203, said), product_of("starrocks").rights)
    assert isinstance(error, Denied)
    assert error.hint.startswith("GRANT SELECT ON ALL TABLES IN ALL DATABASES TO USER ")


def test_who_may_not_see_the_text_of_a_view_is_given_just_that():
    said = "SHOW VIEW command denied to user 'x'@'10.0.0.1' for table `sales`.`v`"
    denied = pymysql.OperationalError(1142, said)
    hints = {name: classify(denied, product_of(name).rights).hint for name in ("doris", "tidb")}
    assert hints == {
        "doris": "GRANT SHOW_VIEW_PRIV ON `sales`.`v` TO 'x'@'%';",
        "tidb": "GRANT SHOW VIEW ON `sales`.`v` TO 'x'@'%';",
    }


def test_a_database_that_is_closed_names_the_grant_of_the_product():
    closed = pymysql.OperationalError(1044, "Access denied for user 'x' to database 'sales'")
    hints = {
        name: classify_connect(closed, "db", "sales", "x", product_of(name)).hint
        for name in PRODUCTS
    }
    assert hints == {
        "doris": "GRANT SELECT_PRIV, SHOW_VIEW_PRIV ON internal.`sales`.* TO the user of the config;",
        "starrocks": "GRANT SELECT ON ALL TABLES IN DATABASE `sales` TO USER the user of the config;",
        "singlestore": "GRANT SELECT, SHOW VIEW ON `sales`.* TO the user of the config;",
        "tidb": "GRANT SELECT, SHOW VIEW ON `sales`.* TO the user of the config;",
    }


@names
def test_a_line_that_breaks_is_no_short_listing(server, name):
    made, probe = server(name, library=True)
    with probe.open() as source:
        made.broken = pymysql.OperationalError(2013, "Lost connection to server during query")
        with pytest.raises(SessionLost, match="The connection broke"):
            list(source.discover_entities(SCHEMA, "svc.default"))
