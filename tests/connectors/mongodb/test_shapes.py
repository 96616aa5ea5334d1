"""What documents and validators become: columns of every kind, nested ones, and those that differ."""

import datetime as dt
import re
import uuid

import pytest

from rayingest.connectors.database._mongodb.tables import table
from rayingest.connectors.database._mongodb.values import COVERS, DOCUMENTS, KINDS, TYPES
from rayingest.kit.shapes import LONGEST, WIDEST

bson = pytest.importorskip("bson")


def columns(*documents, options=None, indexes=(), kind="collection"):
    listed = {"name": "t", "type": kind, "options": options or {}}
    told = table(listed, indexes, documents, "s.d.x.t", "s.d.x")
    return {each.name: each for each in told.columns}


def shapes(found):
    return [(each.name, each.data_type, each.data_type_display) for each in found]


def schema(**properties):
    return {"validator": {"$jsonSchema": {"bsonType": "object", "properties": properties}}}


EVERY = {
    "double": 1.5,
    "string": "x",
    "object": {"a": 1},
    "array": [1],
    "binData": b"x",
    "uuid": bson.Binary.from_uuid(uuid.uuid4()),
    "objectId": bson.ObjectId(),
    "bool": True,
    "date": dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
    "null": None,
    "regex": bson.Regex("a"),
    "javascript": bson.Code("1"),
    "int": 1,
    "timestamp": bson.Timestamp(1, 1),
    "long": bson.Int64(1),
    "decimal": bson.Decimal128("1.5"),
    "minKey": bson.MinKey(),
    "maxKey": bson.MaxKey(),
    "dbRef": bson.DBRef("c", 1),
}


@pytest.mark.parametrize("kind", EVERY)
def test_a_value_has_the_word_that_mongodb_has_for_it(kind):
    """Also after a journey through BSON, where the driver makes its own classes of it."""
    there_and_back = bson.decode(bson.encode({"v": EVERY[kind]}))
    for document in ({"v": EVERY[kind]}, there_and_back):
        found = columns(document)["v"]
        assert found.data_type == TYPES[kind][0]
        assert found.data_type_display in {kind, "array<int>"}


def test_no_kind_of_values_is_without_a_type():
    assert set(KINDS.values()) | set(COVERS) <= set(TYPES)
    assert columns({"v": object()})["v"].data_type == "UNKNOWN"
    odd = bson.decode(
        bson.encode({"v": bson.DatetimeMS(2**60)}),
        bson.CodecOptions(datetime_conversion=bson.codec_options.DatetimeConversion.DATETIME_AUTO),
    )
    assert columns(odd)["v"].data_type == "DATETIME"
    assert columns({"v": re.compile("a")})["v"].data_type_display == "regex"


def test_documents_that_differ_make_unions_and_numbers():
    found = columns(
        {"odd": "x", "n": 1, "wide": 1, "no": None, "never": None},
        {"odd": 1, "n": bson.Int64(1), "wide": 1.5, "no": True},
    )
    assert shapes(found.values()) == [
        ("_id", "UNKNOWN", "unknown"),
        ("odd", "UNION", "int | string"),
        ("n", "BIGINT", "long"),
        ("wide", "NUMBER", "number"),
        ("no", "BOOLEAN", "bool"),
        ("never", "NULL", "null"),
    ]
    assert [each.ordinal_position for each in found.values()] == [1, 2, 3, 4, 5, 6]


def test_objects_and_arrays_have_children():
    found = columns(
        {
            "home": {"city": "Oslo", "at": [1.5, 2.5]},
            "lines": [{"sku": "1"}, {"sku": "2", "n": 1}],
            "ring": [[[1.5, 2.5]]],
            "empty": [],
            "mixed": [1, "x"],
        }
    )
    assert shapes(found["home"].children) == [
        ("city", "STRING", "string"),
        ("at", "ARRAY", "array<double>"),
    ]
    assert found["lines"].array_data_type == "STRUCT"
    assert found["lines"].data_type_display == "array<object>"
    assert shapes(found["lines"].children) == [("sku", "STRING", "string"), ("n", "INT", "int")]
    assert found["ring"].data_type_display == "array<array<array<double>>>"
    assert (found["empty"].data_type, found["empty"].array_data_type) == ("ARRAY", "UNKNOWN")
    assert (found["mixed"].array_data_type, found["mixed"].data_type_display) == (
        "UNION",
        "array<int | string>",
    )


def test_an_object_with_data_for_keys_has_no_fields():
    wide = {f"user{place}": 1 for place in range(WIDEST + 1)}
    assert columns({"by_user": wide})["by_user"].children == ()
    assert len(columns(wide)) == WIDEST + 2  # a document itself may be that wide


def test_objects_in_objects_end_somewhere():
    value = 1
    for _ in range(50):
        value = {"in": [value]}
    found, depth = columns({"a": value})["a"], 0
    while found.children:
        (found,), depth = found.children, depth + 1
    assert depth == DOCUMENTS.deepest


def test_of_a_long_array_the_beginning_is_looked_at():
    found = columns({"embedding": [0.5] * LONGEST + ["never seen"]})["embedding"]
    assert found.data_type_display == "array<double>"


def test_a_validator_declares_types_descriptions_and_what_must_be_there():
    options = schema(
        title={"bsonType": "string", "description": "As printed"},
        price={"bsonType": ["double", "null"]},
        tags={"bsonType": "array", "items": {"bsonType": "string"}},
        home={"type": "object", "properties": {"city": {"type": "string", "title": "Town"}}},
        state={"enum": ["new", "old"]},
        any={"description": "whatever"},
        either={"anyOf": [{"bsonType": "int"}, {"bsonType": "string"}]},
        flag={"type": "boolean"},
    )
    options["validator"]["$jsonSchema"]["required"] = ["title", "price", "any"]
    found = columns(options=options)
    assert shapes(found.values()) == [
        ("_id", "UNKNOWN", "unknown"),
        ("title", "STRING", "string"),
        ("price", "DOUBLE", "double"),
        ("tags", "ARRAY", "array<string>"),
        ("home", "STRUCT", "object"),
        ("state", "STRING", "string"),
        ("any", "UNKNOWN", "unknown"),
        ("either", "UNION", "int | string"),
        ("flag", "BOOLEAN", "bool"),
    ]
    assert found["title"].description == "As printed"
    (city,) = found["home"].children
    assert city.description == "Town"
    assert {name for name, each in found.items() if each.constraint == "NOT_NULL"} == {"title"}


def test_what_documents_have_beside_what_is_declared_is_told_too():
    options = schema(n={"bsonType": "number"}, id={"bsonType": "binData"}, t={"bsonType": "string"})
    found = columns(
        {"n": 1, "id": bson.Binary(b"x" * 16, 4), "t": 5, "more": True}, options=options
    )
    assert shapes(found.values())[1:] == [
        ("n", "NUMBER", "number"),
        ("id", "BINARY", "binData"),
        ("t", "UNION", "int | string"),
        ("more", "BOOLEAN", "bool"),
    ]


@pytest.mark.parametrize(
    ("more", "documents", "constraint"),
    [
        ({}, [{"a": 1}], "NOT_NULL"),
        ({}, [], "NOT_NULL"),
        ({"validationLevel": "moderate"}, [{"a": 1}], "NULL"),
        ({"validationLevel": "off"}, [{"a": 1}], "NULL"),
        ({"validationAction": "warn"}, [{"a": 1}], "NULL"),
        ({}, [{"a": 1}, {"b": 1}], "NULL"),
        ({}, [{"a": None}], "NULL"),
    ],
)
def test_required_means_not_null_only_where_it_holds(more, documents, constraint):
    """Documents that were there before the validator may lack what it requires."""
    wanted = {"required": ["a"], "properties": {"a": {"bsonType": "int"}}}
    options = {"validator": {"$and": [{"$jsonSchema": wanted}, {"a": {"$gt": 0}}]}, **more}
    assert columns(*documents, options=options)["a"].constraint == constraint


@pytest.mark.parametrize("validator", [None, {}, {"a": 1}, {"$jsonSchema": {}}, {"$and": [{}]}])
def test_a_validator_without_a_schema_declares_nothing(validator):
    assert list(columns(options={"validator": validator})) == ["_id"]


def test_unique_indexes_are_keys():
    documents = [{"_id": 1, "a": 1, "b": 1, "c": {"d": 1}}]
    indexes = [
        {"key": {"_id": 1}, "name": "_id_"},
        {"key": {"a": 1}, "unique": True},
        {"key": {"b": 1}},
        {"key": {"a": 1, "b": -1}, "unique": True},
        {"key": {"b": 1}, "unique": True, "partialFilterExpression": {"a": 1}},
        {"key": {"c.d": 1}, "unique": True},
        {"key": {"never": 1}, "unique": True},
    ]
    listed = {"name": "t", "type": "collection", "options": {}}
    told = table(listed, indexes, documents, "s.d.x.t", "s.d.x")
    assert {each.name: each.constraint for each in told.columns} == {
        "_id": "PRIMARY_KEY",
        "a": "UNIQUE",
        "b": "NULL",
        "c": "NULL",
    }
    assert [(each.constraint_type, each.columns) for each in told.constraints] == [
        ("UNIQUE", ("a", "b"))
    ]


def test_a_time_series_has_its_time_and_no_key():
    options = {"timeseries": {"timeField": "at", "metaField": "who"}}
    found = columns({"_id": 1, "at": EVERY["date"], "who": "x"}, options=options)
    assert [(each.name, each.data_type, each.constraint) for each in found.values()] == [
        ("at", "DATETIME", "NOT_NULL"),
        ("_id", "INT", "NULL"),
        ("who", "STRING", "NULL"),
    ]
