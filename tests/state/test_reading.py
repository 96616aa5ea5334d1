"""A run is read from what it left, whether it ended or was cut off."""

import json
from uuid import uuid4

import pytest

from rayingest.api.run import Run
from rayingest.core.source import EntityDescriptor
from rayingest.errors import StateError
from rayingest.execute.events import Result, Why, Written
from rayingest.execute.report import Report
from rayingest.model import EntityType
from rayingest.state.run_directory import RunDirectory, pack

TABLE = EntityType.TABLE


def opened(name):
    return "opened", EntityDescriptor(TABLE, name, "s", metadata={"oid": "7"})


def ended(name, status="ok", why=None):
    return (
        "ended",
        TABLE,
        Result(name, status, why, [Written("table", name, "h", "acknowledged")], 2),
    )


@pytest.fixture
def directory(tmp_path):
    made = RunDirectory(str(tmp_path), "shop", uuid4().hex)
    made.claim(take_over=True)
    made.put_segment("segment", 1, [opened("a"), opened("b"), opened("c"), ended("a")])
    made.put_segment("segment", 2, [ended("b", "failed", Why("Denied", "no rights", "GRANT"))])
    return made


@pytest.fixture
def run(directory):
    return Run(Report(run_id=directory.run_id, state="stopped"), directory)


def tear(directory, name):
    whole = directory.store.get(name)
    directory.store.put(name, whole[: len(whole) // 2])


def test_every_entity_is_found_with_its_end(run):
    a, b, c = (run.entity(name) for name in "abc")
    assert (a.status, a.attempts, a.written[0].outcome) == ("ok", 2, "acknowledged")
    assert a.descriptor.metadata == {"oid": "7"}
    assert (b.status, b.why.hint) == ("failed", "GRANT")
    assert c.status == "open"


def test_failures_say_what_to_do(run):
    (failure,) = run.failures
    assert (failure.id, failure.kind, failure.hint) == ("b", "Denied", "GRANT")


def test_an_attempts_last_segment_may_be_torn_and_is_dropped(run, directory):
    tear(directory, "attempts/1/segment-000002.jsonl")
    directory.claim(take_over=True)
    directory.put_segment("segment", 1, [ended("c")])
    assert [each.id for each in run.entities()] == ["a", "c"]
    assert run.entity("b").status == "open"


def test_a_segment_torn_in_the_middle_is_never_passed_over(run, directory):
    tear(directory, "attempts/1/segment-000001.jsonl")
    with pytest.raises(StateError, match=r"segment-000001\.jsonl is incomplete"):
        list(run.entities())


def test_a_whole_segment_of_another_version_is_not_taken_for_a_torn_one(
    run, directory, monkeypatch
):
    with monkeypatch.context() as patch:
        patch.setattr("rayingest.state.run_directory.VERSION", "rayingest.segment/2")
        later = pack([ended("c")])
    directory.store.put("attempts/1/segment-000003.jsonl", later)
    with pytest.raises(StateError, match=r"segment/2.*reads 'rayingest.segment/1'") as caught:
        list(run.entities())
    assert "version of rayingest" in caught.value.hint


def test_segments_are_plain_json_lines(directory):
    lines = directory.store.get("attempts/1/segment-000001.jsonl").splitlines()
    head, *records, foot = map(json.loads, lines)
    assert head == {"segment": "rayingest.segment/1"}
    assert foot["records"] == len(records) == 4
    assert records[0][1]["id"] == "a"


def test_a_run_without_a_directory_has_nothing_to_tell():
    assert list(Run(Report(run_id="r", state="success"), None).entities()) == []
