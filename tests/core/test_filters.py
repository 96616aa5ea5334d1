"""OpenMetadata's filter semantics, exactly."""

import pytest

from rayingest.core.filters import Filters, Pattern
from rayingest.errors import ConfigError
from rayingest.model import EntityType


@pytest.mark.parametrize(
    ("includes", "excludes", "name", "kept"),
    [
        ((), (), "anything", True),
        ((), (), "", True),
        (("sales",), (), "sales", True),
        (("sales",), (), "sales_2024", True),  # anchored at the start only
        (("sales",), (), "old_sales", False),
        ((".*sales",), (), "old_sales", True),
        (("^sales$",), (), "sales_2024", False),
        (("SALES",), (), "sales", True),  # any case
        (("a", "b"), (), "beta", True),  # a list is an OR
        ((), ("tmp",), "tmp_1", False),
        ((), ("tmp",), "orders", True),
        (("ord",), ("orders_old",), "orders", True),
        (("ord",), ("orders_old",), "orders_old", False),  # excludes win
        (("x",), (), "", False),  # a pattern that is present drops an empty name
        ((), ("x",), "", False),
    ],
)
def test_a_pattern_decides_like_openmetadata(includes, excludes, name, kept):
    verdict = Pattern("tableFilterPattern", includes, excludes).judge(name)
    assert verdict.kept is kept
    assert verdict.why


def test_the_reason_names_the_expression_that_decided():
    verdict = Pattern("schemaFilterPattern", ("s",), ("s_old",)).judge("s_old_1")
    assert verdict.why == "schemaFilterPattern.excludes 's_old' matches"


def test_use_fqn_for_filtering_looks_at_the_whole_name():
    options = {"tableFilterPattern": {"includes": [r"shop\.db\.public\..*"]}}
    bare, whole = (
        Filters.from_options(options | {"useFqnForFiltering": flag}) for flag in (False, True)
    )
    names = (EntityType.TABLE, "orders", "shop.db.public.orders")
    assert not bare.keeps(*names)
    assert whole.keeps(*names)


def test_an_invalid_expression_names_key_value_and_next_step():
    with pytest.raises(ConfigError) as caught:
        Filters.from_options({"tableFilterPattern": {"includes": ["*orders"]}})
    assert "tableFilterPattern" in str(caught.value)
    assert "'*orders'" in str(caught.value)
    assert caught.value.hint


def test_a_misspelt_key_is_not_silently_no_filter():
    with pytest.raises(ConfigError, match="Did you mean 'includes'"):
        Filters.from_options({"tableFilterPattern": {"include": ["orders"]}})


@pytest.mark.parametrize("value", [["a"], "a", 3])
def test_a_pattern_that_is_no_mapping_is_refused(value):
    with pytest.raises(ConfigError, match="tableFilterPattern"):
        Filters.from_options({"tableFilterPattern": value})
