"""Names in the catalogue: quoting, the spellings its API refuses, and back again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rayingest.core import fqn

NAMES = st.text(min_size=1, max_size=12).filter(
    lambda name: not any(code in name for code in fqn.RESERVED.values())
)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (("shop", "db", "public", "orders"), "shop.db.public.orders"),
        (("shop", "v1.2", "t"), 'shop."v1.2".t'),
        (("shop", "a::b"), "shop.a__reserved__colon__b"),
        (("shop", 'say "hi"'), "shop.say __reserved__quote__hi__reserved__quote__"),
        (("shop", "a>b"), "shop.a__reserved__arrow__b"),
        (("shop", "two\nlines"), "shop.two__reserved__newline__lines"),
        (("shop", ""), "shop. "),
        (("shop", "Ünï©ode 😀"), "shop.Ünï©ode 😀"),
    ],
)
def test_parts_are_joined_by_openmetadatas_rules(parts, expected):
    assert fqn.join(*parts) == expected


@given(st.lists(NAMES, min_size=1, max_size=5))
def test_splitting_undoes_joining(parts):
    assert fqn.split(fqn.join(*parts)) == parts


@given(NAMES)
def test_an_encoded_name_holds_nothing_that_the_api_refuses(name):
    encoded = fqn.encode(name)
    assert fqn.is_plain(encoded)
    assert fqn.decode(encoded) == name


def test_a_child_is_appended():
    assert fqn.child('shop."v1.2"', "a.b") == 'shop."v1.2"."a.b"'


@pytest.mark.parametrize("text", ['shop."v1', '"a"b'])
def test_an_unbalanced_quote_is_refused(text):
    with pytest.raises(ValueError, match="not a fully qualified name"):
        fqn.split(text)
