"""The text of views, the collections that they read, and where their columns come from."""

import pytest

from rayingest.connectors.database._mongodb.pipelines import reads, text
from rayingest.kit.sql.known import Known
from rayingest.model import Column, Table, TableType

pytest.importorskip("bson")

KNOWN = Known({"s.d.x.base": ("_id", "a", "b", "c"), "s.d.x.other": ("_id", "o")})


def view(pipeline, *names, base="base"):
    return Table(
        name="v",
        fqn="s.d.x.v",
        database_schema="s.d.x",
        table_type=TableType.VIEW,
        columns=tuple(Column(name=each, data_type="STRING") for each in names),
        schema_definition=text({"viewOn": base, "pipeline": pipeline}),
    )


def origins(pipeline, *names):
    """Where columns come from, without what stands before them all."""
    found = reads(view(pipeline, *names), KNOWN, ()).columns
    if found is None:
        return None
    return [tuple(each.removeprefix("s.d.x.base.") for each in column) for column in found]


def tables(pipeline, base="base"):
    found = reads(view(pipeline, base=base), KNOWN, ()).tables
    return [each.removeprefix("s.d.x.") for each in found]


@pytest.mark.parametrize(
    ("pipeline", "columns"),
    [
        ([], {"_id": ("_id",), "a": ("a",)}),
        ([{"$match": {"a": 1}}, {"$sort": {"a": 1}}, {"$limit": 1}], {"a": ("a",)}),
        ([{"$project": {"a": 1}}], {"_id": ("_id",), "a": ("a",)}),
        ([{"$project": {"_id": 0, "n": "$a"}}], {"n": ("a",)}),
        ([{"$project": {"n": {"$concat": ["$a", "-", "$b.c"]}}}], {"n": ("a", "b")}),
        ([{"$project": {"n": {"$literal": "$a"}, "r": "$$ROOT.a"}}], {"n": (), "r": ("a",)}),
        ([{"$project": {"a": 0}}], {"b": ("b",), "a": ()}),
        ([{"$project": {"_id": 0}}], {"b": ("b",), "_id": ()}),
        ([{"$project": {"a.x": 1, "a.y": 1}}], {"a": ("a",)}),
        ([{"$unset": "a"}, {"$unset": ["b"]}], {"a": (), "b": (), "c": ("c",)}),
        ([{"$set": {"n": {"$add": ["$a", "$b"]}}}], {"n": ("a", "b"), "a": ("a",)}),
        ([{"$addFields": {"a": "$b"}}, {"$project": {"n": "$a"}}], {"n": ("b",)}),
        ([{"$addFields": {"a.x": "$b"}}], {"a": ("a", "b")}),
        ([{"$group": {"_id": "$a", "n": {"$sum": "$b"}}}], {"_id": ("a",), "n": ("b",)}),
        ([{"$group": {"_id": {"x": "$a", "y": "$b"}}}], {"_id": ("a", "b"), "c": ()}),
        ([{"$unwind": "$a"}], {"a": ("a",)}),
        ([{"$unwind": {"path": "$a", "includeArrayIndex": "i"}}], {"a": ("a",), "i": ()}),
        ([{"$lookup": {"from": "other", "as": "o"}}], {"o": (), "a": ("a",)}),
    ],
)
def test_columns_come_from_fields(pipeline, columns):
    assert origins(pipeline, *columns) == list(columns.values())


@pytest.mark.parametrize(
    "stage",
    [
        {"$replaceRoot": {"newRoot": "$a"}},
        {"$unionWith": "other"},
        {"$facet": {"x": []}},
        {"$newOne": {}},
    ],
)
def test_no_column_is_guessed_where_a_stage_makes_other_documents(stage):
    assert origins([stage], "a") is None


def test_a_field_in_another_case_is_another_field():
    assert origins([], "a", "A") == [("a",), ()]


def test_every_collection_that_is_named_is_read():
    inner = [{"$lookup": {"from": "deep", "as": "d", "pipeline": [{"$unionWith": "deeper"}]}}]
    pipeline = [
        {"$lookup": {"from": "one", "localField": "a", "foreignField": "b", "as": "c"}},
        {"$graphLookup": {"from": "two", "startWith": "$a", "as": "g"}},
        {"$unionWith": {"coll": "three", "pipeline": inner}},
        {"$unionWith": "one"},
        {"$facet": {"x": [{"$unionWith": "four"}], "y": []}},
        {"$lookup": {"as": "l", "pipeline": [{"$documents": []}]}},
        {"$lookup": {"from": {"db": "far", "coll": "away"}, "as": "f"}},
    ]
    assert tables(pipeline) == ["base", "one", "two", "three", "deep", "deeper", "four"]


def test_names_may_hold_what_the_text_is_made_of():
    name = "x) aggregate([ )"
    assert tables([{"$unionWith": "a(b)"}], base=name) == [name, "a(b)"]


def test_the_text_is_what_one_would_type():
    told = text({"viewOn": "book", "pipeline": [{"$match": {"price": {"$lt": 10}}}]})
    assert told.startswith('db.getCollection("book").aggregate([\n  {\n    "$match"')
    assert text({"viewOn": "book"}) == 'db.getCollection("book").aggregate([])'


def test_secrets_in_pipelines_are_masked_and_fields_with_such_names_are_not():
    pipeline = [
        {"$match": {"api_key": "canary-9f", "password": {"$eq": "canary-9f"}}},
        {"$set": {"url": "https://ann:canary-9f@host/"}},
        {"$project": {"token": "$token", "secret": 1, "title": "text"}},
    ]
    told = text({"viewOn": "t", "pipeline": pipeline})
    assert "canary-9f" not in told
    assert '"token": "$token"' in told
    assert '"title": "text"' in told
