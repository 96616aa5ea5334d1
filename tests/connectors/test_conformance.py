"""One suite for every connector: the same story, told by something real, read through the contract."""

import datetime as dt
import json
import pickle
import subprocess
from contextlib import ExitStack
from pathlib import Path

import msgspec
import pytest

from rayingest.api.grades import gradings
from rayingest.core import registry
from rayingest.core.source import Capability
from rayingest.testing.conformance import FLOORS, batches, reached, settings_for, tell

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
                connector = registry.load(name)
                settings = settings_for(connector, bed.connection)
                made[name] = bed, connector, settings, tell(connector, settings)
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
    _, connector, _, told = beds(name)
    assert reached(told, connector.family, capability) == (capability in connector.capabilities)
    assert (capability in connector.lacks) != (capability in connector.capabilities)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_fails_and_every_scope_counts_right(beds, name):
    _, _, _, told = beds(name)
    assert told.failures == []
    for scope in told.scopes:
        members = [
            each
            for each in told.descriptors
            if (each.type, each.scope) == (scope.type, scope.scope)
        ]
        assert scope.complete
        assert scope.count == len(members)


@pytest.mark.parametrize("name", NAMES)
def test_descriptors_are_small_unique_and_travel(beds, name):
    bed, _, _, told = beds(name)
    assert len({(each.type, each.id) for each in told.descriptors}) == len(told.descriptors)
    given = bed.connection
    secret = given.get("password") or given.get("authType", {}).get("password")
    secret = secret or given.get("clientSecret") or given.get("apiKey")
    for each in told.descriptors:
        wire = msgspec.json.encode(each)
        assert len(wire) < 1000
        assert pickle.loads(pickle.dumps(each)) == each
        assert secret is None or secret.encode() not in wire


@pytest.mark.parametrize("name", NAMES)
def test_one_by_one_in_reverse_says_the_same_as_a_batch(beds, name):
    _, connector, settings, told = beds(name)
    with connector.open(settings, connector.prepare(settings, None)) as source:
        alone = {}
        for batch in reversed(batches(told.descriptors)):
            for descriptor in reversed(batch):
                for answer in source.process_entities([descriptor]):
                    alone |= {(each.type, each.fqn): each for each in answer.entities}
    assert alone == {(each.type, each.fqn): each for each in told.entities}


@pytest.mark.parametrize("name", NAMES)
def test_parents_are_listed_before_their_children(beds, name):
    _, connector, _, told = beds(name)
    seen = set()
    for each in told.descriptors:
        parent = connector.dependencies.get(each.type)
        assert parent is None or (parent, each.scope) in seen
        seen.add((each.type, each.id))


@pytest.mark.parametrize("name", NAMES)
def test_the_grade_is_what_the_tests_show(beds, name, write_grades):
    """The stored grades are these results; `--write-grades` stores them anew."""
    bed, connector, _, told = beds(name)
    shown = {
        each.value: bed.grade.value
        for each in Capability
        if each in connector.capabilities and reached(told, connector.family, each)
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
