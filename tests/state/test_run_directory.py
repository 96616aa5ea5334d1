"""What a run leaves: immutable segments that say themselves whether they are whole."""

import json
import os
import stat
import time

import pytest

from rayingest.errors import StateError
from rayingest.state import run_directory
from rayingest.state.run_directory import Journal, RunDirectory, new_run_id, pack, safe, unpack
from rayingest.state.store import LocalStore, store

RECORDS = [["opened", {"id": "a"}], ["ended", "table", ["a", "ok"]]]


@pytest.fixture
def directory(tmp_path):
    made = RunDirectory(str(tmp_path), "shop", "run-1")
    made.claim(take_over=True)
    return made


def test_a_segment_comes_back_as_it_was_written(directory):
    name = directory.put_segment("segment", 1, RECORDS)
    assert [json.loads(line) for line in directory.segment(name)] == RECORDS
    assert list(directory.segments()) == [name]


@pytest.mark.parametrize("cut", range(2, len(pack(RECORDS)), 7))
def test_a_torn_segment_is_told_from_a_whole_one(cut):
    """Cut anywhere, the rest is dropped, never half believed."""
    data = pack(RECORDS)
    assert unpack(data[:-cut]) is None


def test_a_segment_with_a_flipped_byte_is_refused(directory):
    data = bytearray(pack(RECORDS))
    data[len(data) // 2] ^= 1
    assert unpack(bytes(data)) is None
    directory.store.put("attempts/1/segment-000001.jsonl", bytes(data))
    with pytest.raises(StateError, match="checksum"):
        list(directory.segment("attempts/1/segment-000001.jsonl"))


def test_a_segment_of_another_version_is_not_read():
    assert unpack(pack(RECORDS).replace(b"segment/1", b"segment/9")) is None


def test_objects_appear_whole_or_not_at_all(tmp_path, monkeypatch):
    kept = LocalStore(tmp_path)
    kept.put("report.json", b"first")

    def full(handle, data):
        os.close(handle)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("rayingest.state.store._write_through", full)
    with pytest.raises(StateError, match="No space left on device") as caught:
        kept.put("report.json", b"second")
    assert caught.value.hint
    assert kept.get("report.json") == b"first"
    assert kept.names() == ["report.json"]


def test_an_exclusive_object_is_never_replaced(tmp_path):
    kept = LocalStore(tmp_path)
    kept.put("claim.json", b"mine", exclusive=True)
    with pytest.raises(FileExistsError):
        kept.put("claim.json", b"yours", exclusive=True)
    assert kept.get("claim.json") == b"mine"


def test_nobody_else_may_read_what_a_run_leaves(directory):
    directory.put_segment("segment", 1, RECORDS)
    path = directory.store.root / "attempts/1/segment-000001.jsonl"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_journal_writes_when_it_holds_enough(directory):
    journal = Journal(directory)
    for number in range(run_directory.FLUSH_RECORDS):
        journal.tick()
        assert journal.names == []
        journal.add(["ended", number])
    journal.tick()
    assert len(journal.names) == 1


def test_a_journal_writes_when_it_has_waited_enough(directory, monkeypatch):
    journal = Journal(directory)
    journal.add(["ended", 1])
    journal.tick()
    assert journal.names == []
    later = time.monotonic() + run_directory.FLUSH_SECONDS
    monkeypatch.setattr(run_directory.time, "monotonic", lambda: later)
    journal.tick()
    assert len(journal.names) == 1


def test_an_empty_journal_leaves_nothing(directory):
    Journal(directory).tick(force=True)
    assert list(directory.segments()) == []


def test_segments_are_read_in_the_order_of_attempts(directory, tmp_path):
    for number in range(1, 12):
        directory.put_segment("segment", number, RECORDS)
    again = RunDirectory(str(tmp_path), "shop", "run-1")
    assert again.claim(take_over=True) == 2
    again.put_segment("segment", 1, RECORDS)
    names = list(again.segments())
    assert names[9:] == [
        "attempts/1/segment-000010.jsonl",
        "attempts/1/segment-000011.jsonl",
        "attempts/2/segment-000001.jsonl",
    ]


@pytest.mark.parametrize("name", ["a/b", "../x", "", "sp ace", "ünï", "a:b"])
def test_services_and_runs_of_any_name_stay_inside_the_state_folder(tmp_path, name):
    directory = RunDirectory(str(tmp_path), name, name)
    directory.claim(take_over=True)
    found = list(tmp_path.rglob("claim.json"))
    assert len(found) == 1
    assert "/" not in safe(name)
    assert safe(name) not in ("", ".", "..")


def test_run_ids_sort_by_time_and_differ():
    ids = [new_run_id() for _ in range(50)]
    assert len(set(ids)) == 50
    assert ids[0][:8].isdigit()


def test_an_unknown_kind_of_storage_says_what_to_do():
    with pytest.raises(StateError, match="nosuch") as caught:
        store("nosuch://bucket/state")
    assert caught.value.hint


def test_any_fsspec_url_is_a_store():
    pytest.importorskip("fsspec")
    kept = store("memory://state/shop")
    kept.put("a/1", b"one")
    kept.put("a/2", b"two", exclusive=True)
    with pytest.raises(FileExistsError):
        kept.put("a/2", b"again", exclusive=True)
    assert kept.names("a") == ["a/1", "a/2"]
    assert kept.get("a/1") == b"one"
