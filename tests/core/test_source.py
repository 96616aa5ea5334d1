"""What crosses processes for every entity: small, and the same on the other side."""

import pickle

import msgspec
import pytest

from rayingest.core.source import (
    EntityDescriptor,
    Part,
    Removed,
    ScopeListed,
    ScopeOpened,
    one_by_one,
)
from rayingest.errors import Denied
from rayingest.model import EntityType

TABLE = EntityType.TABLE
LONG = EntityDescriptor(
    TABLE,
    "warehouse." + "d" * 63 + "." + "s" * 63 + "." + "t" * 63,
    "warehouse." + "d" * 63 + "." + "s" * 63,
    "d" * 63,
    {"oid": "4294967295", "kind": "p", "name": "t" * 63},
    3,
    "2026-11-22T18:04:05Z",
)
VALUES = [
    LONG,
    ScopeOpened(TABLE, "s"),
    ScopeListed(TABLE, "s", 3, complete=False, why="denied", filtered=2),
    Removed(TABLE, "t", "s"),
    Part("orders", {"count": 3}),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_listed_value_survives_pickle_and_json(value):
    assert pickle.loads(pickle.dumps(value)) == value
    assert msgspec.json.decode(msgspec.json.encode(value), type=type(value)) == value


def test_a_descriptor_with_the_longest_names_is_smaller_than_a_kilobyte():
    assert len(pickle.dumps(LONG)) < 1024
    assert len(msgspec.json.encode(LONG)) < 1024


def test_a_plain_descriptor_writes_only_what_it_has():
    plain = EntityDescriptor(TABLE, "a.b.c", "a.b")
    assert msgspec.json.encode(plain) == b'{"type":"table","id":"a.b.c","scope":"a.b"}'


def test_nobody_changes_a_descriptor():
    with pytest.raises(AttributeError):
        LONG.id = "other"  # type: ignore[misc]


def test_a_source_that_describes_one_at_a_time_answers_for_each():
    def describe(item):
        if item.id == "b":
            raise Denied("no rights")
        return item.id

    items = [EntityDescriptor(TABLE, name) for name in "abc"]
    first, second, third = one_by_one(describe)(items)
    assert (first, third) == ("a", "c")
    assert isinstance(second.error, Denied)


def test_a_fault_that_is_no_answer_is_left_to_the_engine():
    def describe(item):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(one_by_one(describe)([LONG]))
