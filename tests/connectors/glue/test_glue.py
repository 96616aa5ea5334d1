"""Glue through moto: what listings tell, what is not told, names, refusals, and how often it is asked."""

import json
import pickle
import time
from importlib import import_module

import msgspec
import pytest
import stamina

from rayingest.connectors.database.glue import CONNECTOR
from rayingest.core import fqn
from rayingest.core.source import Described, EntityDescriptor, ScopeListed, ScopeOpened
from rayingest.errors import Denied, Gone, Throttled, Unauthorised, Unreachable
from rayingest.model import EntityType, TableType
from rayingest.testing.probe import Probe, of, sort, walk

from ..aws import ACCOUNT, serving
from ..glue_tables import columns, presto, table, view

DATABASE, SCHEMA, TABLE = EntityType.DATABASE, EntityType.DATABASE_SCHEMA, EntityType.TABLE
HOSTILE = ["a.b", "a b", 'a"b', "a'b", "select", "ünïcödé 🛒", "%s", "::", "a>b", "[x]", "-"]
FIELDS = (
    "type awsConfig databaseName connectionOptions connectionArguments schemaFilterPattern "
    "tableFilterPattern databaseFilterPattern supportsMetadataExtraction supportsDBTExtraction"
)


@pytest.fixture(scope="module")
def server():
    with serving() as running:
        yield running


@pytest.fixture
def aws(server):
    stamina.set_testing(True, attempts=6)
    yield server
    stamina.set_testing(False)
    server.reset()


@pytest.fixture
def make(aws):
    """Databases of these tables, and who asks for them."""

    def create(**databases):
        client = aws.client("glue")
        for name, tables in databases.items():
            client.create_database(DatabaseInput={"Name": name})
            for each in tables:
                client.create_table(DatabaseName=name, TableInput=each)
        return Probe(CONNECTOR, {"awsConfig": aws.config()})

    return create


def told(probe, **changes):
    """What listings describe at once, by FQN; of tables only."""
    found = [each for each in probe.listing(**changes) if isinstance(each, Described)]
    entities = (each.entities[0] for each in found if each.descriptor.type is TABLE)
    return {each.fqn: each for each in entities}


def one(make, given):
    (found,) = told(make(shop=[given])).values()
    return found


def test_listings_tell_all_there_is(make):
    probe = make(shop=[table("a", "i int"), table("b", "i int")], other=[])
    listing = probe.listing()
    assert not [each for each in listing if isinstance(each, EntityDescriptor)]
    assert [(each.type, each.scope) for each in listing if isinstance(each, ScopeOpened)] == [
        (SCHEMA, "svc.default"),
        (TABLE, "svc.default.shop"),
        (TABLE, "svc.default.other"),
    ]
    ends = {
        (each.type, each.scope): each.count for each in listing if isinstance(each, ScopeListed)
    }
    assert ends == {
        (DATABASE, "svc"): 1,
        (SCHEMA, "svc.default"): 2,
        (TABLE, "svc.default.shop"): 2,
        (TABLE, "svc.default.other"): 0,
    }
    assert all(len(msgspec.json.encode(each)) < 1000 for each in of(listing))


def test_what_is_asked_for_again_is_the_same(make):
    probe = make(shop=[table("a", "i int", Owner="ada"), view("v", "select 1", "i int")])
    for kind in (DATABASE, SCHEMA, TABLE):
        probe.agree(kind)
    assert told(probe) == probe.entities(TABLE)
    assert told(probe)["svc.default.shop.a"].owners == ()
    owned = told(probe, options={"includeOwners": True})["svc.default.shop.a"]
    assert [each.name for each in owned.owners] == ["ada"]


def test_a_database_is_called_as_the_config_says(make):
    assert list(told(make(shop=[table("a", "i int")]), databaseName="lake")) == ["svc.lake.shop.a"]


def test_columns_and_partitions(make):
    given = table(
        "t",
        *("i bigint; An id", "d decimal(10,2)", "v varchar(7)", "a array<string>"),
        "s struct<x:int,y:array<struct<z:map<string,int>>>>",
        *("m map<string,int>", "u uniontype<int,string>", "b binary"),
        "w timestamp with local time zone",
        Description="hey",
        PartitionKeys=columns("day date", "hour int"),
    )
    found = one(make, given)
    assert (found.description, found.location_path) == ("hey", "s3://warehouse/t")
    assert [(each.name, each.data_type) for each in found.columns] == [
        *(("i", "BIGINT"), ("d", "DECIMAL"), ("v", "VARCHAR"), ("a", "ARRAY"), ("s", "STRUCT")),
        *(("m", "MAP"), ("u", "UNION"), ("b", "BINARY"), ("w", "TIMESTAMPZ")),
        *(("day", "DATE"), ("hour", "INT")),
    ]
    assert [each.ordinal_position for each in found.columns] == list(range(1, 12))
    i, d, v, a, s, *_ = found.columns
    assert (i.description, d.precision, d.scale, v.data_length) == ("An id", 10, 2, 7)
    assert (a.array_data_type, a.data_type_display) == ("STRING", "array<string>")
    x, y = s.children
    assert (x.data_type, y.data_type, y.array_data_type) == ("INT", "ARRAY", "STRUCT")
    assert [each.data_type for each in y.children] == ["MAP"]
    assert [(each.column_name, each.interval_type) for each in found.partition] == [
        ("day", "COLUMN-VALUE"),
        ("hour", "COLUMN-VALUE"),
    ]


SPARK = {
    "type": "struct",
    "fields": [
        {"name": "id", "type": "long", "nullable": False, "metadata": {"comment": "An id"}},
        {"name": "at", "type": "timestamp_ntz", "nullable": True, "metadata": {}},
        {
            "name": "s",
            "type": {
                "type": "struct",
                "fields": [{"name": "a b", "type": "decimal(5,1)"}, {"name": "n", "type": "short"}],
            },
        },
        {"name": "m", "type": {"type": "map", "keyType": "string", "valueType": "integer"}},
        {"name": "l", "type": {"type": "array", "elementType": "byte"}},
        {"name": "u", "type": {"type": "udt", "sqlType": "double"}},
    ],
}


def by_spark(schema, pieces=1, *given, **parameters):
    """A table whose columns Hive could not take."""
    text = json.dumps(schema)
    size = -(-len(text) // pieces)
    parts = {f"spark.sql.sources.schema.part.{i}": text[i * size :][:size] for i in range(pieces)}
    parameters |= {"spark.sql.sources.schema.numParts": str(pieces), **parts}
    return table("t", *(given or ["col array<string>; from deserializer"]), Parameters=parameters)


@pytest.mark.parametrize("pieces", [1, 3])
def test_columns_that_spark_keeps_for_itself(make, pieces):
    given = by_spark(SPARK, pieces, **{"spark.sql.sources.provider": "delta"})
    found = one(make, given)
    assert [(each.name, each.data_type, each.constraint) for each in found.columns] == [
        ("id", "BIGINT", "NOT_NULL"),
        ("at", "TIMESTAMP", "NULL"),
        ("s", "STRUCT", "NULL"),
        ("m", "MAP", "NULL"),
        ("l", "ARRAY", "NULL"),
        ("u", "DOUBLE", "NULL"),
    ]
    assert found.columns[0].description == "An id"
    assert found.columns[2].data_type_display == "struct<`a b`:decimal(5,1),`n`:smallint>"
    assert [(each.name, each.data_type) for each in found.columns[2].children] == [
        ("a b", "DECIMAL"),
        ("n", "SMALLINT"),
    ]
    assert found.columns[3].data_type_display == "map<string,int>"


def test_a_stand_in_is_no_column(make):
    """Delta's columns may be nowhere but in its log."""
    assert one(make, by_spark({"type": "struct", "fields": []})).columns == ()


def test_what_spark_says_of_columns_that_glue_has_changes_nothing(make):
    assert [each.name for each in one(make, by_spark(SPARK, 1, "id bigint")).columns] == ["id"]


def test_iceberg_keeps_columns_that_were_dropped(make):
    given = table("t", "id int!", "old int", "new int", Parameters={"table_type": "ICEBERG"})
    storage = given["StorageDescriptor"]["Columns"]
    storage[1]["Parameters"] = {"iceberg.field.current": "false"}
    found = one(make, given)
    assert found.table_type is TableType.ICEBERG
    assert [(each.name, each.constraint) for each in found.columns] == [
        ("id", "NOT_NULL"),
        ("new", "NULL"),
    ]


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        ({}, TableType.EXTERNAL),
        ({"TableType": "MANAGED_TABLE"}, TableType.REGULAR),
        ({"Parameters": {"table_type": "iceberg"}}, TableType.ICEBERG),
        ({"Parameters": {"spark.sql.sources.provider": "hudi"}}, TableType.EXTERNAL),
        ({"Parameters": {"spark.sql.sources.provider": "delta"}}, TableType.EXTERNAL),
        ({"TargetTable": {"DatabaseName": "a", "Name": "b"}}, TableType.FOREIGN),
        ({"TableType": "MATERIALIZED_VIEW"}, TableType.MATERIALIZED_VIEW),
    ],
)
def test_kinds_of_tables(make, more, kind):
    assert one(make, table("t", "i int") | more).table_type is kind


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ({"ViewOriginalText": presto("SELECT 'ü' x")}, "SELECT 'ü' x"),
        (
            {"ViewOriginalText": presto("SELECT 1").replace("View", "Materialized View")},
            "SELECT 1",
        ),
        ({"ViewOriginalText": "/* Presto View: bm8ganNvbg== */"}, None),
        (
            {"ViewOriginalText": "/* Presto View: !! */", "ViewExpandedText": "select 2"},
            "select 2",
        ),
        ({"ViewOriginalText": "select a from b"}, "select a from b"),
        ({"ViewExpandedText": "/* a */\nselect 1"}, "/* a */\nselect 1"),
        (
            {"ViewOriginalText": presto("select f(password => 'canary')")},
            "select f(password => '********')",
        ),
        ({}, None),
    ],
)
def test_texts_of_views(make, texts, expected):
    found = one(make, table("v", "x string", TableType="VIRTUAL_VIEW", **texts))
    assert (found.table_type, found.schema_definition) == (TableType.VIEW, expected)


def test_tables_without_columns_or_anything(make):
    found = one(make, {"Name": "bare"})
    assert (found.table_type, found.columns, found.location_path) == (TableType.REGULAR, (), None)


def test_filters_and_options(make):
    probe = make(shop=[table("a", "i int"), view("v", "select 1", "i int")], other=[table("b")])
    kept = told(probe, filters={"schemaFilterPattern": {"excludes": ["oth"]}})
    assert sorted(kept) == ["svc.default.shop.a", "svc.default.shop.v"]
    assert list(told(probe, filters={"tableFilterPattern": {"includes": ["B$"]}})) == [
        "svc.default.other.b"
    ]
    listing = probe.listing(options={"includeViews": False})
    assert "svc.default.shop.v" not in {each.id for each in of(listing)}
    (end,) = [e for e in listing if isinstance(e, ScopeListed) and e.scope == "svc.default.shop"]
    assert (end.mode, end.why) == ("changes", "includeViews is false")


def test_names_come_out_as_they_went_in(make):
    probe = make(**{name: [table(name, f"c{place} int")] for place, name in enumerate(HOSTILE)})
    client = probe.config
    assert client
    tables = told(probe)
    assert set(tables) == {fqn.join("svc", "default", name, name) for name in HOSTILE}
    assert tables == probe.entities(TABLE)


def test_calls_for_each_table(aws, make):
    probe = make(shop=[])
    backend = import_module("moto.backends").get_backend("glue")[ACCOUNT]["eu-west-1"]
    for place in range(300):
        name = f"t{place:04}"
        backend.create_table("shop", name, table(name, *(f"c{i} int" for i in range(10))))
    with probe.open() as source:
        begun = time.thread_time()
        with aws.counted() as requests:
            found = of(walk(source))
        spent = time.thread_time() - begun
        assert source.calls == len(requests)
    assert len([each for each in found if each.type is TABLE]) == 300
    assert requests == ["GetDatabases"] * 2 + ["GetTables"] * 3
    assert len(requests) / 300 <= 0.02
    assert spent / 300 < 0.001  # of which botocore's parser takes most


def test_a_database_that_may_not_be_read_costs_only_itself(aws, make):
    probe = make(shop=[table("a")], other=[table("b")])
    said = "Insufficient Lake Formation permission(s): Required Describe on shop"
    with probe.open() as source:
        list(source.discover_entities(SCHEMA, "svc.default"))
        aws.faults.append(("GetTables", 400, "AccessDeniedException", said))
        with pytest.raises(Denied, match="Lake Formation") as raised:
            list(source.discover_entities(TABLE, "svc.default.shop"))
        assert "Grant DESCRIBE" in raised.value.hint
        assert len(of(source.discover_entities(TABLE, "svc.default.other"))) == 1


def test_a_page_that_comes_too_early_is_asked_for_again(aws, make):
    probe = make(shop=[table(f"t{place:03}") for place in range(150)])
    aws.faults += [("GetTables", 400, "ThrottlingException", "Rate exceeded")] * 4
    assert len(told(probe)) == 150
    aws.faults += [("GetTables", 400, "ThrottlingException", "Rate exceeded")] * 6
    with pytest.raises(Throttled):
        told(probe)


def test_a_listing_that_breaks_has_no_end(aws, make):
    """What came before it counts; nothing says that the rest is not there."""
    probe = make(shop=[table(f"t{place:03}") for place in range(150)])
    with probe.open() as source:
        listing = source.discover_entities(TABLE, "svc.default.shop")
        came = [next(listing) for _ in range(100)]
        aws.faults.append(("GetTables", 400, "AccessDeniedException", "no more"))
        with pytest.raises(Denied):
            came += listing
    assert not [each for each in came if isinstance(each, ScopeListed)]


def test_what_vanishes_is_gone_alone(aws, make):
    probe = make(shop=[table("a"), table("b")], other=[])
    found = [*probe.descriptors(TABLE), *probe.descriptors(SCHEMA)]
    aws.client("glue").delete_table(DatabaseName="shop", Name="a")
    aws.client("glue").delete_database(Name="other")
    with probe.open() as source:
        kept, failed = sort(source.process_entities(found))
    assert sorted(kept) == ["svc.default.shop", "svc.default.shop.b"]
    assert {name: type(error) for name, error in failed.items()} == {
        "svc.default.shop.a": Gone,
        "svc.default.other": Gone,
    }


def test_whom_glue_does_not_know_learns_it_at_the_first_listing(aws, make):
    probe = make()
    said = "The security token included in the request is invalid."
    aws.faults.append(("GetDatabases", 400, "UnrecognizedClientException", said))
    with probe.open() as source, pytest.raises(Unauthorised, match="security token"):
        list(source.discover_entities(DATABASE))
    nowhere = {**aws.config(), "endPointURL": "http://127.0.0.1:9"}
    with (
        probe.open(awsConfig=nowhere) as source,
        pytest.raises(Unreachable, match="Could not connect"),
    ):
        list(source.discover_entities(DATABASE))


def test_check(aws, make):
    probe = make(shop=[table("a")])

    def lines(**changes):
        return [
            (each.capability, each.status) for each in CONNECTOR.check(probe.settings(**changes))
        ]

    assert lines() == [("connect", "ok"), ("schemas", "ok"), ("tables", "ok")]
    aws.faults.append(("GetTables", 400, "AccessDeniedException", "perform: glue:GetTables"))
    told = list(CONNECTOR.check(probe.settings()))
    assert (told[-1].status, told[-1].grant) == (
        "denied",
        "Allow glue:GetTables in an IAM policy of the user of awsConfig.",
    )
    aws.faults.append(("GetDatabases", 400, "AccessDeniedException", "no"))
    assert lines() == [("schemas", "denied")]
    aws.faults.append(("GetDatabases", 400, "ExpiredTokenException", "no"))
    assert lines() == [("connect", "failed")]
    assert lines(awsConfig=aws.config("us-west-2"))[-1] == ("schemas", "warning")
    assert lines(awsConfig={"awsRegion": "x", "profileName": "no"}) == [("connect", "failed")]


def test_the_connection_is_openmetadatas():
    assert set(FIELDS.split()) <= set(CONNECTOR.connection.model_fields)


def test_the_connector_pickles():
    assert pickle.loads(pickle.dumps(CONNECTOR)).service_type == "Glue"
