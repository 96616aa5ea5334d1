"""Which schema has the tables of some other system."""

import pytest

from rayingest.errors import Denied, Permanent
from rayingest.kit.sql.places import schema_with

BOTH = [("a", "T1"), ("a", "T2"), ("b", "T1"), ("b", "T2"), ("c", "T1")]


def found(pairs, **more):
    return schema_with(("T1", "T2"), pairs, whose="the tool's", grant="SELECT", **more)


def test_the_one_that_has_all_of_them():
    assert found(BOTH[2:]) == "b"
    assert found(BOTH, usual="a") == "a"
    assert found(BOTH, only="b") == "b"


def test_among_several_none_is_guessed():
    with pytest.raises(Permanent, match="Several schemas have the tool's tables: a, b"):
        found(BOTH)


@pytest.mark.parametrize(("pairs", "missing"), [(BOTH[4:], "T2"), ([], "T1, T2")])
def test_what_is_missing_is_told(pairs, missing):
    with pytest.raises(Denied, match=f"may be seen: {missing}") as caught:
        found(pairs)
    assert "SELECT" in caught.value.hint
