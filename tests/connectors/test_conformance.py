"""One suite for every connector: the same story, told by something real, read through the contract."""

import datetime as dt
import json
import subprocess
from contextlib import ExitStack
from pathlib import Path

import pytest

from rayingest.api.grades import gradings
from rayingest.core import registry
from rayingest.core.source import Capability
from rayingest.testing.conformance import FLOORS
from rayingest.testing.connector_suite import CHECKS, case, shows

from .beds import BEDS

NAMES = sorted(registry.locations())
GRADES = Path(__file__).parents[2] / "rayingest" / "connectors" / "grades.json"


@pytest.fixture(scope="module")
def beds(tmp_path_factory):
    """Beds and what was told there, made when a test first asks for them."""
    made = {}
    with ExitStack() as stack:

        def make(name):
            if name not in made:
                bed = stack.enter_context(BEDS[name](tmp_path_factory.mktemp(name)))
                made[name] = bed, case(name, bed.connection)
            return made[name]

        yield make


@pytest.mark.parametrize("name", NAMES)
def test_every_connector_has_a_bed(name):
    assert name in BEDS


@pytest.mark.parametrize(
    ("name", "capability"),
    [(name, each) for name in NAMES for each in FLOORS[registry.family(name)]],
)
def test_a_claim_holds_and_a_gap_is_one(beds, name, capability):
    """Strict both ways: a gap that closed must be taken out of `lacks`."""
    _, story = beds(name)
    assert shows(story, capability) == (capability in story.connector.capabilities)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", NAMES)
def test_every_connector_holds(beds, name, check):
    check(beds(name)[1])


@pytest.mark.parametrize("name", NAMES)
def test_the_grade_is_what_the_tests_show(beds, name, write_grades):
    """The stored grades are these results; `--write-grades` stores them anew."""
    bed, story = beds(name)
    shown = {
        each.value: bed.grade.value
        for each in Capability
        if each in story.connector.capabilities and shows(story, each)
    }
    if write_grades:
        _store(name, bed, shown)
        return
    kept = gradings()[name]
    assert (kept.grade, kept.capabilities) == (bed.grade.value, shown)


def _store(name, bed, shown):
    kept = json.loads(GRADES.read_text()) if GRADES.exists() else {}
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    kept[name] = {
        "grade": bed.grade.value,
        "server": bed.server,
        "commit": commit.stdout.strip(),
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "capabilities": shown,
    }
    GRADES.write_text(json.dumps(dict(sorted(kept.items())), indent=2) + "\n")
