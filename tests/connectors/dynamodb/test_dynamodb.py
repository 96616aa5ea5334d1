"""DynamoDB through moto: keys, items of any shape, refusals, and how often it is asked."""

import pickle

import pytest
import stamina

from rayingest.connectors.database._dynamodb.items import columns
from rayingest.connectors.database.dynamodb import CONNECTOR
from rayingest.core import fqn
from rayingest.core.source import Described, ScopeListed
from rayingest.errors import Denied, Gone, Throttled, Unauthorised
from rayingest.model import EntityType
from rayingest.testing.probe import Probe, of, sort, walk

from ..aws import serving
from .story import make as create

DATABASE, SCHEMA, TABLE = EntityType.DATABASE, EntityType.DATABASE_SCHEMA, EntityType.TABLE
FIELDS = (
    "type awsConfig databaseName connectionOptions connectionArguments schemaFilterPattern "
    "tableFilterPattern databaseFilterPattern supportsMetadataExtraction supportsProfiler"
)
NOBODY = "The security token included in the request is invalid."


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
def dynamo(aws):
    return aws.client("dynamodb")


@pytest.fixture
def probe(aws):
    return Probe(CONNECTOR, {"awsConfig": aws.config()})


def shapes(found):
    return [(each.name, each.data_type, each.data_type_display) for each in found]


def test_keys_and_the_keys_of_indexes(dynamo, probe):
    index = {
        "IndexName": "by_author",
        "KeySchema": [
            {"AttributeName": "author", "KeyType": "HASH"},
            {"AttributeName": "title", "KeyType": "RANGE"},
        ],
        "Projection": {"ProjectionType": "ALL"},
    }
    author = [{"AttributeName": "author", "AttributeType": "B"}]
    create(dynamo, "book", "id:N", "title:S", definitions=author, GlobalSecondaryIndexes=[index])
    create(dynamo, "author", "id:S")
    tables = probe.entities(TABLE)
    book, single = tables["svc.default.default.book"], tables["svc.default.default.author"]
    assert [(each.name, each.data_type, each.constraint) for each in book.columns] == [
        ("id", "NUMBER", "NOT_NULL"),
        ("title", "STRING", "NOT_NULL"),
        ("author", "BINARY", "NULL"),
    ]
    assert [(each.constraint_type, each.columns) for each in book.constraints] == [
        ("PRIMARY_KEY", ("id", "title")),
        ("DIST_KEY", ("id",)),
        ("SORT_KEY", ("title",)),
    ]
    assert [(each.name, each.constraint) for each in single.columns] == [("id", "PRIMARY_KEY")]
    assert [each.constraint_type for each in single.constraints] == ["DIST_KEY"]


def test_items_tell_the_other_attributes(dynamo, probe):
    create(dynamo, "t", "id:S")
    address = {"M": {"city": {"S": "Oslo"}, "at": {"L": [{"N": "1"}, {"N": "2"}]}}}
    for place, item in enumerate(
        (
            {"home": address, "tags": {"SS": ["a"]}, "odd": {"S": "x"}, "no": {"NULL": True}},
            {"odd": {"N": "1"}, "no": {"BOOL": True}, "lines": {"L": [{"M": {"sku": {"S": "1"}}}]}},
            {"raw": {"B": b"x"}, "never": {"NULL": True}, "empty": {"L": []}},
        )
    ):
        dynamo.put_item(TableName="t", Item={"id": {"S": str(place)}, **item})
    (found,) = probe.entities(TABLE).values()
    assert shapes(found.columns) == [
        ("id", "STRING", "string"),
        ("empty", "ARRAY", "list"),
        ("home", "MAP", "map"),
        ("lines", "ARRAY", "list<map>"),
        ("never", "NULL", "null"),
        ("no", "BOOLEAN", "boolean"),
        ("odd", "UNION", "number | string"),
        ("raw", "BINARY", "binary"),
        ("tags", "SET", "string set"),
    ]
    of_name = {each.name: each for each in found.columns}
    assert shapes(of_name["home"].children) == [
        ("at", "ARRAY", "list<number>"),
        ("city", "STRING", "string"),
    ]
    assert of_name["lines"].array_data_type == "MAP"
    assert shapes(of_name["lines"].children) == [("sku", "STRING", "string")]
    assert [each.ordinal_position for each in found.columns] == list(range(1, 10))
    probe.agree(TABLE)


def test_a_map_with_data_for_keys_has_no_fields():
    wide = {"M": {f"user{place}": {"N": "1"} for place in range(201)}}
    assert columns([{"by_user": wide}])["by_user"].children == ()


def test_maps_end_somewhere():
    value = {"S": "x"}
    for _ in range(20):
        value = {"M": {"in": value}}
    (found,) = columns([{"a": value}]).values()
    depth = 0
    while found.children:
        (found,), depth = found.children, depth + 1
    assert depth == 5


def test_how_many_items_are_looked_at(aws, dynamo, probe):
    create(dynamo, "t", "id:S")
    for place in range(9):
        dynamo.put_item(TableName="t", Item={"id": {"S": str(place)}, f"a{place}": {"N": "1"}})
    (found,) = probe.entities(TABLE, connectionOptions={"sampleSize": "4"}).values()
    assert len(found.columns) == 5
    with aws.counted() as requests:
        (found,) = probe.entities(TABLE, connectionOptions={"sampleSize": 0}).values()
    assert len(found.columns) == 1
    assert "Scan" not in requests


def test_names_are_listed_by_the_hundred_and_described_by_two_calls(aws, dynamo, probe):
    for place in range(120):
        create(dynamo, f"t{place:03}", "id:S")
    with probe.open() as source:
        with aws.counted() as names:
            listing = list(walk(source))
        tables = [each for each in of(listing) if each.type is TABLE]
        with aws.counted() as details:
            found, failed = sort(source.process_entities(tables))
        assert source.calls == len(names + details)
    assert (len(found), failed) == (120, {})
    assert names == ["ListTables"] * 3  # one of them: whether we are known
    assert details == ["DescribeTable", "Scan"] * 120
    ends = {each.scope: each.count for each in listing if isinstance(each, ScopeListed)}
    assert ends == {"svc": 1, "svc.default": 1, "svc.default.default": 120}
    assert len([each for each in listing if isinstance(each, Described)]) == 2


def test_names_and_filters(dynamo, probe):
    names = ["a.b", "A.b", "select", "x-y_z", "..."]
    for name in names:
        create(dynamo, name, "id:S")
    assert set(probe.entities(TABLE)) == {
        fqn.join("svc", "default", "default", name) for name in names
    }
    kept = probe.descriptors(TABLE, filters={"tableFilterPattern": {"excludes": ["a"]}})
    assert len(kept) == 3
    assert probe.descriptors(TABLE, databaseName="shop")[0].scope == "svc.shop.default"
    for kind in (DATABASE, SCHEMA, TABLE):
        probe.agree(kind)


def test_a_scan_that_is_denied_does_not_look_like_a_table_with_keys_alone(aws, dynamo, probe):
    for name in ("a", "b"):
        create(dynamo, name, "id:S")
        dynamo.put_item(TableName=name, Item={"id": {"S": "1"}, "more": {"S": "x"}})
    said = "User: arn:x is not authorized to perform: dynamodb:Scan on resource: arn:a"
    descriptors = probe.descriptors(TABLE)
    aws.faults.append(("Scan", 400, "AccessDeniedException", said))
    with probe.open() as source:
        found, failed = sort(source.process_entities(descriptors))
    assert [len(each.columns) for each in found.values()] == [2]
    (error,) = failed.values()
    assert isinstance(error, Denied)
    assert error.hint == (
        "Allow dynamodb:Scan on arn:a in an IAM policy of arn:x, or set "
        "connectionOptions.sampleSize to 0: then only keys are read, of all tables."
    )


def test_what_vanishes_is_gone_alone_and_who_is_throttled_waits(aws, dynamo, probe):
    for name in ("a", "b"):
        create(dynamo, name, "id:S")
    descriptors = probe.descriptors(TABLE)
    dynamo.delete_table(TableName="a")
    with probe.open() as source:
        found, failed = sort(source.process_entities(descriptors))
        assert list(found) == ["svc.default.default.b"]
        assert [type(each) for each in failed.values()] == [Gone]
        code = "ProvisionedThroughputExceededException"
        aws.faults += [("Scan", 400, code, "slow down")] * 6
        with pytest.raises(Throttled, match="slow down"):
            list(source.process_entities(descriptors[1:]))


def test_whom_dynamodb_does_not_know_learns_it_at_the_first_listing(aws, probe):
    aws.faults.append(("ListTables", 400, "UnrecognizedClientException", NOBODY))
    with probe.open() as source, pytest.raises(Unauthorised, match="security token"):
        list(source.discover_entities(DATABASE))


def test_check(aws, dynamo, probe):
    def lines(**changes):
        return [
            (each.capability, each.status) for each in CONNECTOR.check(probe.settings(**changes))
        ]

    assert lines() == [("connect", "ok"), ("tables", "warning")]
    create(dynamo, "t", "id:S")
    assert lines() == [("connect", "ok"), ("tables", "ok"), ("columns", "ok")]
    aws.faults.append(("Scan", 400, "AccessDeniedException", "no"))
    assert lines() == [("connect", "ok"), ("tables", "ok"), ("columns", "denied")]
    keys_only = {"connectionOptions": {"sampleSize": 0}}
    assert lines(**keys_only) == [("connect", "ok"), ("tables", "ok")]
    aws.faults.append(("ListTables", 400, "UnrecognizedClientException", NOBODY))
    assert lines() == [("connect", "failed")]


def test_the_connection_is_openmetadatas():
    assert set(FIELDS.split()) <= set(CONNECTOR.connection.model_fields)
    config = {"awsConfig": {"awsRegion": "x"}, "connectionOptions": {"anything": "1"}}
    assert CONNECTOR.connection.model_validate(config).connectionOptions.sampleSize == 100


def test_the_connector_pickles():
    assert pickle.loads(pickle.dumps(CONNECTOR)).service_type == "DynamoDB"
