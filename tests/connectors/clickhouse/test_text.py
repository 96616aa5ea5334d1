"""What is quoted arrives as it was, and no statement breaks out of its quotes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rayingest.errors import SessionLost
from rayingest.kit.sql.clickhouse.text import LONGEST, among, literal, quoted

NASTY = st.text(alphabet="\\'`\"\0\n\r\t\b%{}();-/*#0nxN ✓é😀a")
ANY = st.text(max_size=40) | NASTY
SETTINGS = settings(max_examples=100, deadline=None)


def asked(session, statement):
    """Once more when the server has hung up: Hypothesis may think for longer than it waits."""
    try:
        return session.rows(statement)
    except SessionLost:
        return session.rows(statement)


@pytest.mark.parametrize("scheme", ["clickhouse+http", "clickhouse+native"])
def test_texts_come_back(whole, scheme):
    with whole(scheme).open() as source, source._session("") as session:

        @SETTINGS
        @given(st.lists(ANY, min_size=1, max_size=20))
        def hold(texts):
            columns = ", ".join(f"{literal(each)} as c{i}" for i, each in enumerate(texts))
            assert asked(session, f"select {columns}") == [tuple(texts)]

        hold()


def test_names_come_back(whole):
    with whole().open() as source, source._session("") as session:

        @SETTINGS
        @given(ANY.filter(bool))
        def holds(name):
            inner = f"select 7 as {quoted(name)}"
            statement = f"select {quoted(name)} from ({inner})"  # noqa: S608 - what is tested
            assert asked(session, statement) == [(7,)]

        holds()


@SETTINGS
@given(st.lists(st.tuples(ANY, ANY), max_size=10))
def test_every_key_is_in_one_condition_and_none_is_too_long(keys):
    conditions = list(among("database", "name", keys))
    whole = "".join(conditions)
    assert all(len(each) <= LONGEST + 20_000 for each in conditions)
    for place, name in keys:
        assert f"({literal(place)}, {literal(name)})" in whole


def test_many_keys_become_several_conditions():
    keys = [("shop", f"{'x' * 190}{place}") for place in range(1500)]
    conditions = list(among("database", "name", keys))
    assert len(conditions) == 4
    assert all(len(each.encode()) <= LONGEST for each in conditions)
    assert sum(each.count("('shop', ") for each in conditions) == 1500
