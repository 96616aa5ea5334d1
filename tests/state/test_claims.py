"""A run has one driver at a time; a dead one is replaced, a replaced one stops."""

import json
import multiprocessing
import os
import socket
import sys
import time

import msgspec
import pytest

from rayingest.errors import StateError
from rayingest.state import claims
from rayingest.state.claims import Claim, Holder, Superseded
from rayingest.state.store import store

SOMEBODY = Holder("elsewhere", 4711, 0.0, "boot", "pid:[1]", "token")
SPAWN = multiprocessing.get_context("spawn")
linux = pytest.mark.skipif(sys.platform != "linux", reason="needs boot ids and pid namespaces")


class Clocked:
    """A store whose clock stands where it is set, in 2001; no clock of a machine is near."""

    def __init__(self, kept):
        self._kept = kept
        self._written = {}
        self.now = 1_000_000_000.0

    def __getattr__(self, name):
        return getattr(self._kept, name)

    def put(self, name, data, **how):
        self._kept.put(name, data, **how)
        self._written[name] = self.now

    def modified(self, name):
        return self._written[name]

    def times(self, prefix=""):
        return {name: self._written[name] for name in self._kept.names(prefix)}


class Before:
    """A store where something happens just before the first exclusive put."""

    def __init__(self, kept, happens):
        self._kept = kept
        self._happens = happens

    def __getattr__(self, name):
        return getattr(self._kept, name)

    def put(self, name, data, *, exclusive=False):
        if exclusive and self._happens:
            happens, self._happens = self._happens, None
            happens(name, data)
        self._kept.put(name, data, exclusive=exclusive)


@pytest.fixture
def clocked(kept):
    return Clocked(kept)


def held_by(kept, holder, number=1):
    """An attempt that another process took."""
    kept.put(f"attempts/{number}/claim.json", msgspec.json.encode(holder), exclusive=True)


# --- taking ---


def test_attempts_have_numbers_one_after_the_other(kept):
    for number in range(1, 12):
        claim = Claim.take(kept)
        assert claim.number == number
        claim.release("stopped")
    assert Claim.take(kept).number == 12


def test_a_claim_says_who_took_it(kept):
    Claim.take(kept)
    said = json.loads(kept.get("attempts/1/claim.json"))
    assert (said["host"], said["pid"]) == (socket.gethostname(), os.getpid())
    assert abs(said["at"] - time.time()) < 60
    assert {"boot", "namespace", "token"} <= set(said)


def test_a_run_that_is_driven_is_refused_with_the_drivers_address(clocked):
    held_by(clocked, SOMEBODY)
    clocked.now += 41
    with pytest.raises(StateError) as caught:
        Claim.take(clocked)
    assert not isinstance(caught.value, Superseded)
    said = str(caught.value)
    for part in (clocked.url, "process 4711 on elsewhere", "attempt 1", "41 s ago"):
        assert part in said
    assert "--take-over" in caught.value.hint
    assert clocked.names() == ["attempts/1/claim.json"]


def test_ones_own_claim_is_refused_too(kept):
    Claim.take(kept)
    with pytest.raises(StateError, match=f"process {os.getpid()} on {socket.gethostname()}"):
        Claim.take(kept)


def test_a_released_attempt_is_not_waited_for(clocked):
    Claim.take(clocked).release("success")
    assert json.loads(clocked.get("attempts/1/ended.json"))["state"] == "success"
    assert Claim.take(clocked).number == 2


@pytest.mark.parametrize("age", [0, 59.9])
@pytest.mark.parametrize("name", ["alive", "segment-000009.jsonl", "shards/deep/x"])
def test_any_object_of_the_last_minute_is_a_sign_of_life(clocked, name, age):
    held_by(clocked, SOMEBODY)
    clocked.now += 10_000
    clocked.put(f"attempts/1/{name}", b"")
    clocked.now += age
    with pytest.raises(StateError, match=f"wrote {age:.0f} s ago"):
        Claim.take(clocked)


def test_a_holder_that_has_not_written_for_a_minute_is_replaced(clocked):
    held_by(clocked, SOMEBODY)
    clocked.now += 10_000
    clocked.put("attempts/1/alive", b"")
    clocked.put("report.json", b"")
    clocked.now += 60
    clocked.put("attempts/10x", b"not of this attempt")
    assert Claim.take(clocked).number == 2
    assert not [each for each in clocked.names() if "probe" in each]


def test_only_the_newest_attempt_counts(clocked):
    held_by(clocked, SOMEBODY, 9)
    held_by(clocked, SOMEBODY, 10)
    clocked.now += 60
    clocked.put("attempts/9/alive", b"")
    assert Claim.take(clocked).number == 11


def test_a_store_whose_clock_runs_behind_itself_makes_nobody_old(clocked):
    """Front ends of a store may differ by a little."""
    held_by(clocked, SOMEBODY)
    clocked.now -= 5
    with pytest.raises(StateError, match="wrote 0 s ago"):
        Claim.take(clocked)


@pytest.mark.parametrize("content", [b"", b'{"host": "elsewh', b"[]", b'{"pid": "x"}'])
def test_a_claim_that_nobody_can_read_is_waited_for_and_then_replaced(clocked, content):
    clocked.put("attempts/1/claim.json", content)
    with pytest.raises(StateError, match="an unknown process took attempt 1"):
        Claim.take(clocked)
    clocked.now += 60
    assert Claim.take(clocked).number == 2


# --- who is dead ---


@linux
def test_a_holder_that_has_died_here_is_not_waited_for(kept, place):
    with SPAWN.Pool(1) as pool:
        assert pool.apply(_take, (place,)) == 1
        with pytest.raises(StateError, match="took attempt 1"):
            Claim.take(kept)
        pool.close()
        pool.join()
    assert Claim.take(kept).number == 2


@linux
@pytest.mark.parametrize(
    "change",
    [
        {"host": "elsewhere"},
        {"boot": "another"},
        {"boot": ""},
        {"namespace": "pid:[1]"},
        {"namespace": ""},
        {"pid": 0},
        {"pid": -1},
        {"pid": 2**80},
        {"pid": 1},
        {"pid": os.getpid()},
    ],
    ids=lambda each: str(each).replace(str(os.getpid()), "ours"),
)
def test_a_holder_that_may_live_is_waited_for(clocked, change):
    """Its pid tells nothing on another machine, after a reboot, or in another container."""
    holder = msgspec.structs.replace(Holder.here(), pid=_dead_pid())
    assert holder.is_dead()
    changed = msgspec.structs.replace(holder, **change)
    assert not changed.is_dead()
    if changed.pid < 2**63:
        held_by(clocked, changed)
        with pytest.raises(StateError):
            Claim.take(clocked)


def _dead_pid():
    process = SPAWN.Process(target=int)
    process.start()
    process.join()
    return process.pid


# --- taking over ---


def test_a_run_is_taken_over_on_demand_and_the_other_driver_stops(kept):
    old = Claim.take(kept)
    old.check()
    new = Claim.take(kept, take_over=True)
    assert new.number == 2
    new.check()
    with pytest.raises(Superseded, match=f"process {os.getpid()} on .* as attempt 2") as caught:
        old.check()
    assert kept.url in str(caught.value)
    assert caught.value.hint


def test_a_new_run_can_be_taken_over_too(kept):
    assert Claim.take(kept, take_over=True).number == 1


def test_one_who_was_taken_over_may_still_say_how_it_ended(kept):
    old = Claim.take(kept)
    new = Claim.take(kept, take_over=True)
    old.release("superseded")
    new.check()
    with pytest.raises(StateError, match="took attempt 2"):
        Claim.take(kept)


# --- two at once ---


@pytest.mark.parametrize("take_over", [False, True])
def test_who_comes_second_to_a_number_is_refused(kept, take_over):
    """Also with --take-over: whoever won has only just begun."""
    rival = []
    late = Before(kept, lambda *_: rival.append(Claim.take(kept)))
    with pytest.raises(StateError, match="took attempt 1"):
        Claim.take(late, take_over=take_over)
    assert rival[0].number == 1
    rival[0].check()


def test_who_comes_second_to_one_that_is_gone_already_goes_on(kept):
    late = Before(kept, lambda *_: Claim.take(kept).release("success"))
    assert Claim.take(late).number == 2


def test_a_listing_that_lags_behind_gives_no_number_twice(kept, monkeypatch):
    """Network file systems show new folders late."""
    first = Claim.take(kept)
    monkeypatch.setattr(kept, "names", lambda prefix="": [])
    with pytest.raises(StateError, match="took attempt 1"):
        Claim.take(kept)
    first.release("stopped")


def test_a_claim_whose_answer_was_lost_is_ours(kept):
    """The client sends it again, and the store says that there is one."""
    late = Before(kept, lambda name, data: kept.put(name, data, exclusive=True))
    assert Claim.take(late).number == 1


def test_of_many_drivers_at_once_one_wins(place):
    with SPAWN.Pool(4) as pool:
        won = pool.map(_take, [place] * 16, chunksize=1)
    assert sorted(won, key=str) == [1, *["refused"] * 15]


def test_of_many_that_take_over_at_once_each_has_a_number_of_its_own(place):
    with SPAWN.Pool(4) as pool:
        won = pool.starmap(_take, [(place, True)] * 16, chunksize=1)
    numbers = [each for each in won if each != "refused"]
    assert sorted(numbers) == list(range(1, len(numbers) + 1))


def _take(place, take_over=False):
    try:
        return Claim.take(store(place), take_over=take_over).number
    except Superseded:
        raise
    except StateError:
        return "refused"


# --- staying ---


def test_a_driver_shows_every_15_seconds_that_it_lives(clocked, monkeypatch):
    started = time.monotonic()
    monkeypatch.setattr(claims.time, "monotonic", lambda: started)
    claim = Claim.take(clocked)
    beats = []
    for second in range(0, 61, 5):
        monkeypatch.setattr(claims.time, "monotonic", lambda at=second: started + at)
        clocked.now += 5
        claim.beat()
        if clocked.times().get("attempts/1/alive") == clocked.now:
            beats.append(second)
    assert beats == [15, 30, 45, 60]


def test_a_driver_that_was_taken_over_learns_it_at_the_next_beat(kept, monkeypatch):
    old = Claim.take(kept)
    Claim.take(kept, take_over=True)
    old.beat()
    later = time.monotonic() + claims.BEAT_SECONDS
    monkeypatch.setattr(claims.time, "monotonic", lambda: later)
    with pytest.raises(Superseded):
        old.beat()
    assert not kept.exists("attempts/1/alive")


def test_a_store_that_fails_once_is_asked_again_at_the_next_beat(bucket, s3, monkeypatch):
    claim = Claim.take(bucket)
    for beats in (1, 2):
        later = time.monotonic() + beats * claims.BEAT_SECONDS
        monkeypatch.setattr(claims.time, "monotonic", lambda at=later: at)
        s3.faults[:] = [("403 Forbidden", "AccessDenied")] * (2 - beats)
        if beats == 1:
            with pytest.raises(StateError):
                claim.beat()
        else:
            claim.beat()
    assert bucket.exists("attempts/1/alive")


# --- what it costs in S3 ---


def test_a_claim_costs_few_requests(bucket, s3, monkeypatch):
    with s3.counted() as first:
        claim = Claim.take(bucket)
    assert first == ["LIST", "PUT"]
    with s3.counted() as refused, pytest.raises(StateError):
        Claim.take(bucket)
    assert refused == ["LIST", "GET", "PUT", "HEAD", "DELETE", "LIST"]
    later = time.monotonic() + claims.BEAT_SECONDS
    monkeypatch.setattr(claims.time, "monotonic", lambda: later)
    with s3.counted() as beat:
        claim.beat()
        claim.beat()
    assert beat == ["LIST", "PUT"]
    with s3.counted() as released:
        claim.release("stopped")
    assert released == ["PUT"]
    with s3.counted() as second:
        Claim.take(bucket)
    assert second == ["LIST", "PUT"]
    with s3.counted() as over:
        Claim.take(bucket, take_over=True)
    assert over == ["LIST", "PUT"]
