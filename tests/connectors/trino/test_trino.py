"""What arrives of a cluster: every kind of thing, batch by batch, and no more than was asked."""

import pickle

import pytest

from rayingest.connectors.database.trino import CONNECTOR
from rayingest.errors import Denied, Forbidden, Gone, Retryable, Throttled
from rayingest.kit.sql.trino.session import TrinoSession
from rayingest.model import EntityType, PartitionColumn, TableType
from rayingest.testing.conformance import Kept, settings_for, tell
from rayingest.testing.probe import of, sort
from rayingest.testing.trino import Cluster, Field, Refusal, Relation

DATABASE, SCHEMA, TABLE = EntityType.DATABASE, EntityType.DATABASE_SCHEMA, EntityType.TABLE
DDL = {"includeDDL": True}


def asked(cluster, piece):
    return [each for each in cluster.statements if piece in each]


def test_every_kind_of_thing_arrives(shop):
    found = shop.tables(options=DDL)
    assert {name: each.table_type for name, each in found.items()} == {
        "svc.crm.people.customer": TableType.REGULAR,
        "svc.lake.sales.daily": TableType.MATERIALIZED_VIEW,
        "svc.lake.sales.named": TableType.VIEW,
        "svc.lake.sales.orders": TableType.REGULAR,
        "svc.lake.sales.visits": TableType.REGULAR,
    }
    named, daily = found["svc.lake.sales.named"], found["svc.lake.sales.daily"]
    assert named.description == "Who ordered"
    assert [each.name for each in named.columns] == ["id", "name"]
    assert "crm.people.customer" in named.schema_definition
    assert "COUNT(id)" in daily.schema_definition
    customer = found["svc.crm.people.customer"]
    assert [each.description for each in customer.columns] == [None, "Full name"]
    assert [each.constraint for each in customer.columns] == ["NOT_NULL", "NULL"]
    orders = found["svc.lake.sales.orders"]
    assert orders.description == "What's ordered"
    lines = orders.columns[3]
    assert (lines.data_type, lines.array_data_type) == ("ARRAY", "STRUCT")
    assert [(each.name, each.data_type) for each in lines.children] == [
        ("sku", "VARCHAR"),
        ("how many", "INT"),
    ]
    assert orders.schema_definition.startswith("CREATE TABLE lake.sales.orders (")
    assert orders.partition == (
        PartitionColumn(column_name="placed", interval_type="TIME-UNIT", interval="month"),
        PartitionColumn(column_name="id", interval_type="OTHER", interval="bucket"),
    )


def test_without_ddl_hives_partitions_are_told_and_no_table_is_asked_for_alone(shop):
    found = shop.tables()
    ds = PartitionColumn(column_name="ds", interval_type="COLUMN-VALUE")
    assert found["svc.lake.sales.visits"].partition == (ds,)
    assert found["svc.lake.sales.orders"].partition == ()
    assert found["svc.lake.sales.orders"].schema_definition is None
    assert not asked(shop.cluster, "show create")


def test_batches_orders_and_singles_say_the_same(shop):
    shop.probe.agree(TABLE, options=DDL, catalog="lake")
    shop.probe.agree(SCHEMA, catalog="lake")
    shop.probe.agree(DATABASE)


def test_the_clusters_own_catalogs_and_schemas_are_not_listed(shop):
    shop.cluster.catalog("jmx")
    found = {each.id for each in of(shop.probe.listing()) if each.type is not TABLE}
    assert found == {
        *("svc.crm", "svc.crm.people"),
        *("svc.lake", "svc.lake.empty", "svc.lake.sales"),
    }
    assert {each.id for each in shop.probe.descriptors(DATABASE, catalog="system")} == {
        "svc.system"
    }


def test_a_catalog_or_a_schema_alone(shop):
    listed = {each.id for each in of(shop.probe.listing(catalog="lake", databaseSchema="empty"))}
    assert listed == {"svc.lake", "svc.lake.empty"}
    # Of several catalogs some may not have that schema.
    listed = {each.id for each in of(shop.probe.listing(databaseSchema="people"))}
    assert listed == {"svc.crm", "svc.lake", "svc.crm.people", "svc.crm.people.customer"}


def test_filters_reach_the_cluster(shop):
    """Of what they drop nothing is asked."""
    drop = {
        "databaseFilterPattern": {"excludes": ["crm"]},
        "schemaFilterPattern": {"includes": ["empty"]},
    }
    shop.probe.listing(filters=drop)
    assert not asked(shop.cluster, '"crm"')
    assert not asked(shop.cluster, "'sales'")


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"includeTables": False}, ["daily", "named"]),
        ({"includeViews": False}, ["orders", "visits"]),
        ({"includeTables": False, "includeViews": False}, []),
    ],
)
def test_tables_or_views_alone(shop, options, names):
    found = shop.probe.descriptors(TABLE, options=options, catalog="lake")
    assert sorted(each.metadata["name"] for each in found) == names


def test_lineage_of_a_view_reaches_across_catalogs(shop):
    settings = settings_for(CONNECTOR, shop.probe.config)
    told = tell(CONNECTOR, settings)
    variant = CONNECTOR.variants["lineage"]
    lineage = tell(variant, settings_for(variant, shop.probe.config), Kept(told.entities))
    edges = {(str(each.payload["fromFqn"]), each.target_fqn) for each in lineage.facts}
    assert edges == {
        ("story.lake.sales.orders", "story.lake.sales.named"),
        ("story.crm.people.customer", "story.lake.sales.named"),
        ("story.lake.sales.orders", "story.lake.sales.daily"),
    }


def test_a_catalog_whose_metastore_is_down_fails_alone(shop, hurry):
    shop.cluster.down["crm"] = Refusal(
        "HIVE_METASTORE_ERROR", "Failed connecting to Hive metastore"
    )
    with shop.probe.open() as source:
        assert [each.id for each in of(source.discover_entities(DATABASE))] == [
            "svc.crm",
            "svc.lake",
        ]
        with pytest.raises(Retryable, match="Failed connecting to Hive metastore"):
            list(source.discover_entities(SCHEMA, "svc.crm"))
        assert len(of(source.discover_entities(SCHEMA, "svc.lake"))) == 2
        assert len(of(source.discover_entities(TABLE, "svc.lake.sales"))) == 4


def test_a_table_that_cannot_be_read_is_told_with_its_reason(shop):
    """Trino leaves its columns out of the listing of all; it must not arrive without any."""
    bad = Refusal("HIVE_UNSUPPORTED_FORMAT", "Unsupported Hive StorageFormat")
    no = Refusal("PERMISSION_DENIED", "Access Denied: Cannot show columns of table sales.visits")
    shop.cluster.unreadable |= {("lake", "sales", "orders"): bad, ("lake", "sales", "visits"): no}
    found, failed = shop.probe.answers(TABLE, catalog="lake")
    assert sorted(found) == ["svc.lake.sales.daily", "svc.lake.sales.named"]
    assert "Unsupported Hive StorageFormat" in str(failed["svc.lake.sales.orders"])
    denied = failed["svc.lake.sales.visits"]
    assert isinstance(denied, Denied)
    assert "TO USER ada" in denied.hint


def test_what_is_no_fault_of_a_table_fails_none(shop):
    full = Refusal("QUERY_QUEUE_FULL", "Too many queued queries")
    shop.cluster.unreadable["lake", "sales", "orders"] = full
    with pytest.raises(Throttled, match="Too many queued"):
        shop.probe.answers(TABLE, catalog="lake")


def test_columns_are_in_order_whatever_the_order_of_the_rows(shop, monkeypatch):
    expected, rows = shop.tables(), TrinoSession.rows
    monkeypatch.setattr(TrinoSession, "rows", lambda self, each: rows(self, each)[::-1])
    assert shop.tables() == expected


def test_icebergs_tables_in_a_catalog_of_hive_are_passed_over_and_told(shop):
    iceberg = Refusal("UNSUPPORTED_TABLE_TYPE", "Cannot query Iceberg table 'sales.orders'")
    shop.cluster.unreadable["lake", "sales", "orders"] = iceberg
    _, failed = shop.probe.answers(TABLE, catalog="lake")
    (why,) = failed.values()
    assert isinstance(why, Forbidden)
    assert "Cannot query Iceberg table" in str(why)


def test_a_table_that_was_dropped_is_gone_and_one_without_columns_is_there(shop):
    shop.cluster.add("lake", "sales", "bare", Relation("BASE TABLE", ()))
    descriptors = shop.probe.descriptors(TABLE, catalog="lake")
    shop.cluster.drop("lake", "sales", "orders")
    with shop.probe.open() as source:
        found, failed = sort(source.process_entities(descriptors))
    assert isinstance(failed.pop("svc.lake.sales.orders"), Gone)
    assert not failed
    assert found["svc.lake.sales.bare"].columns == ()


def test_ddl_that_is_denied_costs_the_ddl(shop):
    shop.cluster.refusals['create table "lake"."sales"."orders"'] = Refusal(
        "PERMISSION_DENIED", "no"
    )
    found = shop.probe.entities(TABLE, options=DDL, catalog="lake")
    assert found["svc.lake.sales.orders"].schema_definition is None
    assert found["svc.lake.sales.visits"].schema_definition


def test_secrets_in_texts_are_masked(shop):
    shop.cluster.run("create view lake.sales.leak as select 'password=canary-9f' as x")
    view = shop.tables()["svc.lake.sales.leak"]
    assert "canary-9f" not in view.schema_definition


def test_who_may_not_read_the_system_catalog_gets_the_rest(shop, caplog):
    shop.cluster.metadata = ()
    found = shop.tables()
    assert found["svc.lake.sales.daily"].table_type is TableType.REGULAR
    assert found["svc.lake.sales.orders"].description is None
    assert "Access Denied: Cannot access catalog system" in caplog.text


def test_materialized_views_whose_text_is_nowhere_are_views_without_one(shop):
    """As of a cluster that calls them by that name and has no system table about them."""
    descriptors = shop.probe.descriptors(TABLE, catalog="lake")
    shop.cluster.metadata = ("catalogs",)
    with shop.probe.open() as source:
        found, failed = sort(source.process_entities(descriptors))
    assert not failed
    daily = found["svc.lake.sales.daily"]
    assert (daily.table_type, daily.schema_definition) == (TableType.MATERIALIZED_VIEW, None)


HOSTILE = (
    "apostrophe's",
    'quote"inside',
    "dot.in",
    "semi;colon -- x",
    "per%cent",
    "ünïcödé 汉字 🛒",
    "a\\b",
)


def test_hostile_names(start):
    cluster = Cluster()
    for name in HOSTILE:
        cluster.add(
            "lake",
            name,
            name,
            Relation("BASE TABLE", (Field(name, "integer", comment=name),), name),
        )
    world = start(cluster)
    found = world.probe.entities(TABLE)
    assert sorted(each.name for each in found.values()) == sorted(HOSTILE)
    for each in found.values():
        (column,) = each.columns
        assert (each.description, column.name, column.description) == (each.name,) * 3
    world.probe.agree(TABLE)


def test_the_connector_pickles():
    assert pickle.loads(pickle.dumps(CONNECTOR)).service_type == "Trino"
