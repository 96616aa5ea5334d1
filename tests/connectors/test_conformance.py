"""One suite for every connector: the same story, told by something real, read through the contract."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from rayingest.core import registry
from rayingest.core.source import Grade
from rayingest.testing.conformance import FLOORS
from rayingest.testing.connector_suite import CHECKS, case, shows

from . import goldens
from .beds import BEDS, ELSEWHERE
from .dashboards import TOOLS
from .grading import check_grade

NAMES = sorted(registry.locations().keys() - ELSEWHERE)


@pytest.fixture(scope="module")
def beds(tmp_path_factory):
    """Beds and what was told there, made when a test first asks for them."""
    made = {}
    with ExitStack() as stack:

        def make(name):
            if name not in made:
                bed = stack.enter_context(BEDS[name](tmp_path_factory.mktemp(name)))
                made[name] = bed, case(name, bed.connection, bed.connector)
            return made[name]

        yield make


@pytest.mark.parametrize("name", NAMES)
def test_every_connector_has_a_bed(name):
    assert name in BEDS


@pytest.mark.parametrize("name", NAMES)
def test_who_connects_to_nothing_real_is_compiled_at_most(beds, name):
    bed, _ = beds(name)
    assert bed.connector is None or bed.grade in {Grade.COMPILED, Grade.DECLARED}


@pytest.mark.parametrize("name", sorted(ELSEWHERE))
def test_whose_product_takes_long_has_the_suite_beside_its_other_tests(name):
    assert "test_the_grade_is_what_the_tests_show" in (
        Path(__file__).parent / name / "test_server.py"
    ).read_text("utf-8")


@pytest.mark.parametrize(
    ("name", "capability"),
    [(name, each) for name in NAMES for each in FLOORS[registry.family(name)]],
)
def test_a_claim_holds_and_a_gap_is_one(beds, name, capability):
    """Strict both ways: a gap that closed must be taken out of `lacks`, or out of `compiled`."""
    bed, story = beds(name)
    assert bed.compiled.keys() <= story.connector.capabilities
    claimed = capability in story.connector.capabilities
    assert shows(story, capability) == (claimed and capability not in bed.compiled)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", NAMES)
def test_every_connector_holds(beds, name, check):
    check(beds(name)[1])


@pytest.mark.parametrize("name", [each for each in NAMES if each not in TOOLS])
def test_the_story_is_told_as_in_the_golden_file(request, beds, name):
    """Floors say the least that must be there; this is all of it."""
    bed, story = beds(name)
    write = request.config.getoption("--write-golden")
    goldens.hold(name, story.told, write=write, spelled=bed.spelled)


@pytest.mark.parametrize("name", NAMES)
def test_the_grade_is_what_the_tests_show(beds, name, write_grades):
    """The stored grades are these results; `--write-grades` stores them anew."""
    check_grade(name, *beds(name), write=write_grades)
