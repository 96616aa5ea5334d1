"""A store does what the state relies on, be it a folder or a bucket."""

import contextlib
import errno
import multiprocessing
import os
import re
import resource
import stat
import sys
import time
import traceback

import pytest

from rayingest.errors import StateError
from rayingest.state.store import LocalStore, store

from .s3 import BUCKET

CALLS = {
    "put": lambda kept, name="a/x": kept.put(name, b"1"),
    "put exclusive": lambda kept, name="a/x": kept.put(name, b"1", exclusive=True),
    "get": lambda kept, name="a/x": kept.get(name),
    "exists": lambda kept, name="a/x": kept.exists(name),
    "modified": lambda kept, name="a/x": kept.modified(name),
    "delete": lambda kept, name="a/x": kept.delete(name),
    "names": lambda kept, name="a": kept.names(name),
    "times": lambda kept, name="a": kept.times(name),
}
READS = {name: CALLS[name] for name in ("get", "exists", "modified", "names", "times")}


# --- what all stores do ---


@pytest.mark.parametrize("data", [b"", b"one\n", bytes(range(256)) * 4096], ids=len)
def test_an_object_comes_back_as_it_was_put(any_store, data):
    any_store.put("attempts/1/x", data)
    assert any_store.get("attempts/1/x") == data


def test_a_put_replaces(any_store):
    any_store.put("report.json", b"first, longer")
    any_store.put("report.json", b"second")
    assert any_store.get("report.json") == b"second"
    assert any_store.names() == ["report.json"]


def test_an_exclusive_put_never_replaces(any_store):
    any_store.put("claim.json", b"mine", exclusive=True)
    with pytest.raises(FileExistsError, match=re.escape(f"{any_store.url}/claim.json")):
        any_store.put("claim.json", b"yours", exclusive=True)
    assert any_store.get("claim.json") == b"mine"
    assert any_store.names() == ["claim.json"]


def test_a_name_is_free_again_when_its_object_is_deleted(any_store):
    any_store.put("claim.json", b"mine", exclusive=True)
    any_store.delete("claim.json")
    any_store.put("claim.json", b"yours", exclusive=True)
    assert any_store.get("claim.json") == b"yours"


@pytest.mark.parametrize("name", ["b", "a", "a/b", "a/b/c/d", "a/b/c/d/e"])
def test_what_is_not_an_object_is_not_found(any_store, name):
    """Neither is a folder, nor what is below an object."""
    any_store.put("a/b/c", b"1")
    assert not any_store.exists(name)
    for ask in (any_store.get, any_store.modified):
        with pytest.raises(FileNotFoundError, match=re.escape(f"{any_store.url}/{name}")):
            ask(name)
    if name not in ("a", "a/b"):
        any_store.delete(name)
    assert any_store.names() == ["a/b/c"]


def test_a_deleted_object_is_gone_and_its_neighbours_are_not(any_store):
    for name in ("a/1", "a/10", "a"):
        any_store.put(f"runs/{name}x", b"1")
    any_store.delete("runs/a/1x")
    assert not any_store.exists("runs/a/1x")
    assert any_store.names() == ["runs/a/10x", "runs/ax"]


def test_names_are_sorted_and_below_a_folder(any_store):
    names = ["attempts/1/b", "attempts/1/a", "attempts/10/c", "attempts/1/d/e", "attempts/1x", "z"]
    for name in names:
        any_store.put(name, b"")
    assert any_store.names() == sorted(names)
    assert any_store.names("attempts/1") == ["attempts/1/a", "attempts/1/b", "attempts/1/d/e"]
    assert any_store.names("attempts/1/") == any_store.names("attempts/1")
    assert any_store.names("z") == any_store.names("nowhere") == any_store.names("z/y") == []


def test_an_empty_store_has_no_names(any_store):
    assert any_store.names() == []
    assert any_store.times("attempts") == {}


def test_an_object_has_the_time_of_its_last_put(any_store):
    before = time.time()
    any_store.put("a/x", b"1")
    first = any_store.modified("a/x")
    assert before - 1.1 <= first <= time.time() + 0.1
    any_store.put("a/x", b"2")
    any_store.put("a/y", b"2")
    assert first <= any_store.modified("a/x") <= any_store.modified("a/y")
    assert any_store.times("a") == {name: any_store.modified(name) for name in ("a/x", "a/y")}


def test_of_many_that_put_at_once_exactly_one_wins(place):
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        won = pool.map(_put, [(place, f"claims/{at // 4}", at) for at in range(40)], chunksize=1)
    winners = [at for at in won if at is not None]
    assert sorted(at // 4 for at in winners) == list(range(10))
    assert {store(place).get(f"claims/{at // 4}") for at in winners} == {
        str(at).encode() for at in winners
    }


def _put(task):
    place, name, at = task
    with contextlib.suppress(FileExistsError):
        store(place).put(name, str(at).encode(), exclusive=True)
        return at
    return None


def test_what_another_process_puts_or_deletes_is_seen_at_once(place):
    """Clients of object stores like to remember what they have listed."""
    kept = store(place)
    kept.put("a/x", b"1")
    assert kept.names() == ["a/x"]
    assert not kept.exists("a/y")
    _behind(place, "put", "a/y", b"22")
    assert kept.names() == ["a/x", "a/y"]
    assert kept.exists("a/y")
    assert kept.get("a/y") == b"22"
    assert set(kept.times("a")) == {"a/x", "a/y"}
    _behind(place, "delete", "a/x")
    assert kept.names("a") == ["a/y"]
    assert not kept.exists("a/x")


def _behind(place, method, *args):
    """Do something that this process's own stores cannot know of."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        pool.apply(_call, (place, method, args))


def _call(place, method, args):
    getattr(store(place), method)(*args)


# --- what goes wrong ---


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_bucket_that_is_not_there_is_named_and_not_made(s3, call):
    kept = store("s3://no-such-bucket/state")
    with pytest.raises(StateError, match=r"s3://no-such-bucket/state.* does not exist") as caught:
        call(kept)
    assert "--state-url" in caught.value.hint
    assert [each["Name"] for each in _s3().list_buckets()["Buckets"]] == [BUCKET]


def _s3():
    return pytest.importorskip("boto3").client("s3")


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_bucket_that_may_not_be_used_says_so(bucket, s3, call):
    s3.faults[:] = [("403 Forbidden", "AccessDenied")]
    with pytest.raises(StateError, match=r"(?i)cannot be .*(as told|forbidden)") as caught:
        call(bucket)
    assert s3.faults == []
    assert bucket.url in str(caught.value)
    assert "rights" in caught.value.hint


@pytest.mark.parametrize("call", READS.values(), ids=READS)
def test_a_folder_that_may_not_be_read_says_so(folder, call):
    folder.put("a/x", b"1")
    with _loop_instead_of(folder.root / "a"), pytest.raises(StateError) as caught:
        call(folder)
    assert f"{folder.url} cannot be read: Too many levels" in str(caught.value)
    assert "--state-url" in caught.value.hint


@contextlib.contextmanager
def _loop_instead_of(path):
    """What even root cannot read."""
    aside = path.with_name("aside")
    path.rename(aside)
    path.symlink_to(path)
    yield
    path.unlink()
    aside.rename(path)


@pytest.mark.parametrize("exclusive", [False, True])
def test_a_file_where_a_folder_should_be_is_no_object_that_exists(tmp_path, exclusive):
    (tmp_path / "state").write_text("no folder")
    for kept in (store(f"{tmp_path}/state"), store(f"local://{tmp_path}/state")):
        with pytest.raises(StateError, match="cannot be written"):
            kept.put("claim.json", b"1", exclusive=exclusive)


@pytest.mark.parametrize("exclusive", [False, True])
def test_a_full_disk_leaves_nothing_behind(folder, exclusive):
    folder.put("a/whole", b"1")
    with _files_of_at_most(1000), pytest.raises(StateError, match="File too large") as caught:
        folder.put("a/claim.json", b"x" * 2000, exclusive=exclusive)
    assert "Free some space" in caught.value.hint
    assert _entries(folder.root / "a") == ["whole"]
    folder.put("a/claim.json", b"x" * 2000, exclusive=True)


def _entries(folder):
    return [each.name for each in folder.iterdir()]


@contextlib.contextmanager
def _files_of_at_most(size):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize(
    "url",
    [
        "s3://AKIAKEYKEYKEY:abc/d+f/canary-7f3a@bucket/state",
        "s3://AKIAKEYKEYKEY:canary-7f3a@bucket/state",
        "s3://no-such-bucket/state?token=canary-7f3a",
    ],
)
def test_no_secret_of_a_url_is_in_any_text(s3, url, call):
    kept = store(url)
    with pytest.raises(StateError) as caught:
        call(kept)
    said = "".join(traceback.format_exception(caught.value))
    for text in (kept.url, said, str(getattr(caught.value, "hint", ""))):
        assert not re.search("canary|AKIA|:abc|abc/", text)


@pytest.mark.parametrize(
    ("url", "package"), [("nosuch://u:canary@host/state", "fsspec"), ("s3a://b/state", "[s3]")]
)
def test_a_missing_package_is_told_with_its_cure(monkeypatch, url, package):
    pytest.importorskip("fsspec")
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(StateError, match="cannot be opened") as caught:
        store(url)
    assert package in caught.value.hint
    assert "canary" not in str(caught.value)


# --- folders ---


def test_folders_and_files_are_for_this_user_alone(tmp_path):
    before = os.umask(0)
    try:
        LocalStore(tmp_path / "new" / "run").put("attempts/1/x", b"1")
        LocalStore(tmp_path / "new" / "run").put("attempts/1/y", b"1", exclusive=True)
    finally:
        os.umask(before)
    found = sorted((tmp_path / "new").rglob("*"))
    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in found}
    assert modes == {"run": 0o700, "attempts": 0o700, "1": 0o700, "x": 0o600, "y": 0o600}
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


def test_a_folder_that_was_there_keeps_its_rights(tmp_path):
    tmp_path.chmod(0o755)
    LocalStore(tmp_path).put("a/x", b"1")
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


@pytest.mark.parametrize("code", [errno.EPERM, errno.ENOTSUP, errno.ENOSYS])
def test_without_hard_links_an_exclusive_put_is_exclusive_too(folder, monkeypatch, code):
    def refuse(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "link", refuse)
    folder.put("claim.json", b"mine", exclusive=True)
    with pytest.raises(FileExistsError):
        folder.put("claim.json", b"yours", exclusive=True)
    assert folder.get("claim.json") == b"mine"
    assert _entries(folder.root) == ["claim.json"]


def test_what_is_being_written_has_no_name_yet(folder):
    folder.put("a/x", b"1")
    (folder.root / "a" / ".y.0123456789abcdef.part").write_bytes(b"half")
    (folder.root / "a" / ".hidden").write_bytes(b"whole")
    assert folder.names() == ["a/.hidden", "a/x"]


# --- S3 ---


@pytest.mark.parametrize(
    ("call", "name", "requests"),
    [
        ("put", "a/z", ["PUT"]),
        ("put exclusive", "a/z", ["PUT"]),
        ("get", "a/x", ["GET"]),
        ("exists", "a/x", ["HEAD"]),
        ("exists", "a/z", ["HEAD", "LIST"]),
        ("modified", "a/x", ["HEAD"]),
        ("delete", "a/x", ["DELETE"]),
        ("names", "a", ["LIST"]),
        ("names", "nowhere", ["LIST"]),
        ("times", "a", ["LIST"]),
    ],
)
def test_a_call_is_one_request(bucket, s3, call, name, requests):
    """But for `exists` of what is not there: s3fs asks whether it is a folder."""
    bucket.put("a/x", b"1")
    with s3.counted() as made:
        CALLS[call](bucket, name)
    assert made == requests


def test_two_conditional_puts_that_meet_are_sent_again(bucket, s3):
    s3.faults[:] = [("409 Conflict", "ConditionalRequestConflict")] * 2
    with s3.counted() as made:
        bucket.put("claim.json", b"mine", exclusive=True)
    assert made == ["PUT"] * 3
    assert bucket.get("claim.json") == b"mine"


def test_a_server_that_does_not_name_the_condition_is_understood(bucket, s3):
    """Some servers that speak S3 answer a bare 412."""
    s3.faults[:] = [("412 Precondition Failed", "PreconditionFailed")]
    with pytest.raises(FileExistsError):
        bucket.put("claim.json", b"yours", exclusive=True)


def test_a_server_without_conditional_puts_is_refused(bucket, s3):
    s3.faults[:] = [("501 Not Implemented", "NotImplemented")]
    with pytest.raises(StateError, match="as told"):
        bucket.put("claim.json", b"yours", exclusive=True)


def test_a_folder_made_by_a_console_is_no_object(bucket):
    key = bucket.url.removeprefix(f"s3://{BUCKET}/")
    _s3().put_object(Bucket=BUCKET, Key=f"{key}/attempts/", Body=b"")
    assert bucket.names() == []
    assert not bucket.exists("attempts")
