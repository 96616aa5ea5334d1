"""A driver that dies at any moment, and another that goes on from what was recorded: nothing is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.execute.simulation import Shape
from tests.execute.test_scheduler_properties import EXAMPLES, MANY, check, shapes

CRASHES = st.lists(st.integers(1, 120), min_size=1, max_size=3).map(tuple)


@EXAMPLES
@given(CRASHES.flatmap(lambda steps: shapes(crashes=steps)))
def test_after_any_crash_everything_ends_exactly_once_as_it_deserves(shape: Shape) -> None:
    check(shape)


@pytest.mark.slow
@MANY
@given(CRASHES.flatmap(lambda steps: shapes(crashes=steps)))
def test_after_any_crash_everything_ends_exactly_once_in_many_worlds(shape: Shape) -> None:
    check(shape)
