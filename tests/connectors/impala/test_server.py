"""Impala by its protocol alone: a real Spark Thrift Server, each table asked for as Impala's are."""

import pytest

from rayingest.connectors.database.impala import CONNECTOR
from rayingest.model import EntityType
from rayingest.testing.conformance import FLOORS
from rayingest.testing.connector_suite import CHECKS, case, shows
from rayingest.testing.probe import Probe, of, sort

from .. import goldens
from ..grading import check_grade
from .bed import bed as story_bed

pytestmark = pytest.mark.slow
TABLE = EntityType.TABLE


@pytest.fixture(scope="module")
def bed(tmp_path_factory):
    with story_bed(tmp_path_factory.mktemp("impala")) as made:
        yield made


@pytest.fixture(scope="module")
def story(bed):
    return case("impala", bed.connection)


@pytest.mark.parametrize("capability", FLOORS["database"])
def test_a_claim_holds_and_a_gap_is_one(bed, story, capability):
    claimed = capability in CONNECTOR.capabilities
    assert shows(story, capability) == (claimed and capability not in bed.compiled)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_every_connector_holds(story, check):
    check(story)


def test_the_story_is_told_as_in_the_golden_file(request, bed, story):
    write = request.config.getoption("--write-golden")
    goldens.hold("impala", story.told, write=write, spelled=bed.spelled)


def test_the_grade_is_what_the_tests_show(bed, story, write_grades):
    check_grade("impala", bed, story, write=write_grades)


def test_each_table_is_a_statement(bed):
    """There is no other way in Impala; a batch is as many statements as it has tables."""
    probe = Probe(CONNECTOR, bed.connection)
    descriptors = probe.descriptors(TABLE, databaseSchema="library")
    with probe.open() as source:
        before = source.calls
        found, failed = sort(source.process_entities(descriptors))
        assert source.calls == before + len(descriptors)
    assert (len(found), failed) == (4, {})
    assert len(of(probe.listing(databaseSchema="library"))) == 6
