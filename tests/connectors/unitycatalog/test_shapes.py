"""Types of columns that no server of ours has: out of `type_text`, `type_name` and `type_json`."""

import json

import pytest

from rayingest.connectors.database._unity.entities import TABLE_TYPES
from rayingest.connectors.database._unity.shapes import shape_of
from rayingest.kit.sql.reflected.shapes import DEEPEST


def nested(told, name="STRUCT", text=""):
    """A column's item as the API tells it: the JSON is of a field of Spark's."""
    field = {"name": "c", "type": told, "nullable": True, "metadata": {}}
    return shape_of({"type_name": name, "type_text": text, "type_json": json.dumps(field)})


@pytest.mark.parametrize(
    ("text", "name", "data_type"),
    [
        ("interval day to second", "INTERVAL", "INTERVAL"),
        ("interval year", "INTERVAL", "INTERVAL"),
        ("string collate UTF8_LCASE", "STRING", "STRING"),
        ("char(3)", "CHAR", "CHAR"),
        ("void", "NULL", "NULL"),
        ("variant", "VARIANT", "VARIANT"),
        ("geography(4326)", "GEOGRAPHY", "GEOGRAPHY"),
        ("geometry(0)", "GEOMETRY", "GEOMETRY"),
        ("", "LONG", "BIGINT"),
        ("", "BYTE", "TINYINT"),
        ("something new", "USER_DEFINED_TYPE", "UNKNOWN"),
        ("", "", "UNKNOWN"),
    ],
)
def test_words(text, name, data_type):
    assert shape_of({"type_text": text, "type_name": name}).data_type == data_type


def test_the_text_is_made_when_there_is_none():
    inner = {"type": "struct", "fields": [{"name": "a", "type": "long"}]}
    told = {
        "type": "map",
        "keyType": "string",
        "valueType": {"type": "array", "elementType": inner},
    }
    form = nested(told, "MAP")
    assert form.display == "map<string,array<struct<a:bigint>>>"
    value = form.children[1]
    assert (value.data_type, value.array_data_type) == ("ARRAY", "STRUCT")
    assert [(each.name, each.data_type) for each in value.children] == [("a", "BIGINT")]


@pytest.mark.parametrize("given", [None, "", "{", '"string"', "[]", '{"a": 1}'])
def test_without_json_the_text_is_read(given):
    form = shape_of({"type_name": "STRUCT", "type_text": "struct<a:int>", "type_json": given})
    assert [(each.name, each.data_type) for each in form.children] == [("a", "INT")]


def test_json_of_the_type_alone():
    told = json.dumps({"type": "array", "elementType": "string"})
    form = shape_of({"type_name": "ARRAY", "type_text": "array<string>", "type_json": told})
    assert (form.data_type, form.element) == ("ARRAY", "STRING")


def test_what_is_nested_too_deeply_is_cut():
    told = "int"
    for _ in range(DEEPEST + 3):
        told = {"type": "struct", "fields": [{"name": "x", "type": told}]}
    form, depth = nested(told), 0
    while form.children:
        form, depth = form.children[0], depth + 1
    assert (form.data_type, depth) == ("UNKNOWN", DEEPEST + 1)


@pytest.mark.parametrize("name", ["a.b", "a:b", "a,b", "a<b", "`", '"', "ÿ 目", ""])
def test_names_of_fields_may_hold_anything(name):
    told = {"type": "struct", "fields": [{"name": name, "type": "decimal(4,1)"}]}
    (field,) = nested(told).children
    assert (field.name, field.data_type, field.scale) == (name, "DECIMAL", 1)


def test_a_type_of_the_users_own_is_unknown():
    assert nested({"type": "udt", "class": "x.Point", "sqlType": "string"}).data_type == "UNKNOWN"


def test_every_type_and_kind_of_table_that_databricks_client_has_is_known():
    catalog = pytest.importorskip("databricks.sdk.service.catalog")
    forms = {each.value: shape_of({"type_name": each.value}) for each in catalog.ColumnTypeName}
    unknown = {name for name, form in forms.items() if form.data_type == "UNKNOWN"}
    assert unknown == {"USER_DEFINED_TYPE"}
    assert {each.value for each in catalog.TableType} == TABLE_TYPES.keys()
