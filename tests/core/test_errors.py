"""Errors cross processes: whatever their constructor asks for, they arrive as they were."""

import pickle

import pytest

from rayingest import errors


def every(kind):
    yield kind
    for each in kind.__subclasses__():
        yield from every(each)


ARGUMENTS = {errors.UnknownConnector: ("x", ["y"]), errors.MissingDriver: ("ray", "ray")}
OURS = [each for each in every(errors.RayingestError) if each.__module__ == errors.__name__]


@pytest.mark.parametrize("kind", OURS)
def test_an_error_survives_the_journey_from_a_worker(kind):
    error = kind(*ARGUMENTS.get(kind, ("what happened",)))
    error.hint = "what to do"
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is kind
    assert str(back) == str(error)
    assert back.__dict__ == error.__dict__


def test_a_throttled_source_says_how_long_to_wait():
    back = pickle.loads(pickle.dumps(errors.Throttled("slow down", 7.5)))
    assert back.wait == 7.5


@pytest.mark.parametrize("kind", OURS)
def test_the_tree_is_drawn_in_the_modules_docstring(kind):
    assert kind.__name__ in errors.__doc__


def test_a_missing_driver_says_what_to_install():
    error = errors.MissingDriver("postgres", "psycopg")
    assert error.hint == "pip install 'rayingest[postgres]'"
