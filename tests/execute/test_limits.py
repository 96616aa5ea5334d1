"""Limits hold for all workers together, are used to the full, and nobody waits without being counted."""

import heapq
import random
import statistics
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rayingest.cli.connectors import _allows
from rayingest.core.limits import UNLIMITED, Limit
from rayingest.errors import Throttled, TimedOut
from rayingest.execute.growth import wanting
from rayingest.execute.limits import Granted, Hub, Told
from rayingest.execute.pacing import Pace, Window
from rayingest.execute.share import Share
from rayingest.execute.snapshot import Snapshot
from rayingest.execute.start import Options, drive
from rayingest.sinks.memory import Memory
from rayingest.testing.busy import Room
from rayingest.testing.chaos import ChaosConnection, ChaosStage

from ..cluster import ray_cluster, ray_node
from .runs import busy

# --- pace ---


@given(
    rate=st.floats(0.2, 2000),
    burst=st.integers(1, 50),
    asked=st.lists(st.tuples(st.floats(0, 0.4), st.integers(1, 60)), min_size=1, max_size=60),
)
def test_no_window_of_time_sees_more_calls_than_rate_and_burst(
    rate: float, burst: int, asked: list[tuple[float, int]]
) -> None:
    pace, now, times = Pace(rate, burst, 0.0), 0.0, []
    for pause, wanted in asked:
        now += pause
        taken, first, wait = pace.take(wanted, 1, now)
        assert taken <= max(1, rate * 0.1)
        assert (taken == 0) == (wait > 0)
        times += [max(now, now + first + at * pace.spacing) for at in range(taken)]
    assert times == sorted(times)
    for at, start in enumerate(times):
        for more, end in enumerate(times[at:], 1):
            assert more <= burst + rate * (end - start) + 1e-6


@given(rate=st.floats(0.5, 500), workers=st.integers(1, 12))
def test_who_always_asks_gets_nearly_the_whole_rate(rate: float, workers: int) -> None:
    pace, now, taken = Pace(rate, 1, 0.0), 0.0, 0
    while now < 20 / rate + 5:
        got, first, wait = pace.take(60, max(1, pace.lease // workers), now)
        taken += got
        now += wait if not got else max(0.0, first)
    assert 0.9 * rate * now <= taken <= rate * now + 0.1 * rate + 2


def test_after_a_pause_nobody_calls_before_its_end() -> None:
    pace = Pace(50, 5, 0.0)
    pace.pause(10.0)
    taken, _, wait = pace.take(3, 1, 2.0)
    assert (taken, wait > 7) == (0, True)
    taken, first, _ = pace.take(3, 1, 10.0)
    assert (taken, first) == (3, 0.0)


# --- window ---


def answers(window: Window, server: Any, rounds: int) -> list[float]:
    """Let a server answer so many full windows."""
    sizes = []
    for _ in range(rounds):
        n = int(window.size)
        seconds, refused = server(n)
        window.told([("r", seconds)] * (n - refused), refused, n)
        sizes.append(window.size)
    return sizes


@given(room=st.integers(4, 200), base=st.floats(0.001, 2.0))
def test_a_window_finds_the_room_of_a_server_whose_latency_tells(room: int, base: float) -> None:
    window = Window(1000, adaptive=True)
    sizes = answers(window, lambda n: (base * max(1.0, n / room) ** 2, 0), 150)[80:]
    assert 0.5 * room <= sum(sizes) / len(sizes) <= 1.5 * room + 1


@given(room=st.integers(4, 200))
def test_a_window_finds_the_room_of_a_server_that_refuses(room: int) -> None:
    window = Window(1000, adaptive=True)
    sizes = answers(window, lambda n: (0.1, max(0, n - room)), 300)[150:]
    assert 0.5 * room <= sum(sizes) / len(sizes) <= 1.1 * room + 1


def test_a_window_never_passes_its_cap_nor_closes() -> None:
    window = Window(5, adaptive=True)
    assert max(answers(window, lambda _: (0.1, 0), 50)) == 5
    assert min(answers(window, lambda n: (0.1, n), 50)) == 1.0


def test_routes_are_not_compared_with_each_other() -> None:
    window = Window(64, adaptive=True)
    for _ in range(40):
        n = int(window.size)
        window.told([("quick", 0.01)] * (n // 2) + [("slow", 5.0)] * (n - n // 2), 0, n)
    assert window.size == 64


def test_a_server_that_grew_slower_for_good_is_believed_in_the_end() -> None:
    window = Window(32, adaptive=True)
    answers(window, lambda _: (0.1, 0), 40)
    answers(window, lambda _: (0.5, 0), 120)
    assert window.size == 32


def in_flight(window: Window, crowd: int, noise: float, calls: int, seed: int) -> list[int]:
    """How many calls were under way at each answer of a server that slows above `crowd` at once."""
    chance = random.Random(seed)
    answers: list[tuple[float, int, float]] = []
    now, made, seen = 0.0, 0, []
    while made < calls or answers:
        while made < calls and len(answers) < int(window.size):
            made += 1
            crowded = max(1.0, (len(answers) + 1) / crowd) ** 2
            seconds = 0.05 * crowded * chance.lognormvariate(0, noise)
            heapq.heappush(answers, (now + seconds, made, seconds))
        seen.append(len(answers))
        now, _, seconds = heapq.heappop(answers)
        window.told([("r", seconds)], 0, seen[-1])
    return seen


@pytest.mark.parametrize("noise", [0.0, 0.2, 0.5, 0.8])
def test_a_window_stays_where_the_crowd_begins_however_long_the_run(noise: float) -> None:
    seen = in_flight(Window(100, adaptive=True), 16, noise, 20_000, seed=1)
    for part in (seen[2_000:8_000], seen[14_000:]):
        assert 12 <= statistics.median(part) <= 20


@pytest.mark.parametrize("noise", [0.0, 0.2, 0.5, 0.8])
def test_a_server_that_feels_nothing_is_used_to_the_full_however_its_answers_vary(
    noise: float,
) -> None:
    seen = in_flight(Window(100, adaptive=True), 1_000_000, noise, 6_000, seed=1)
    assert statistics.median(seen[3_000:]) >= 90


# --- hub and shares ---


def test_places_of_all_workers_together_never_exceed_the_limit() -> None:
    hub = Hub([Limit(name="api", max_concurrency=7)])
    shares = [Share([Limit(name="api", max_concurrency=7)], hub, f"w{n}") for n in range(4)]
    now, most, total, lock = 0, 0, 0, threading.Lock()

    def work(share: Share) -> None:
        nonlocal now, most, total
        for _ in range(20):
            with share.call("api"):
                with lock:
                    now += 1
                    most, total = max(most, now), total + 1
                time.sleep(0.002)
                with lock:
                    now -= 1

    threads = [threading.Thread(target=work, args=(shares[n % 4],)) for n in range(24)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert total == 480
    assert 2 <= most <= 7
    for each in shares:
        each.tell()
        each.close()
    [report] = hub.report()
    assert report.calls == 480
    assert set(report.waited) == {"w0", "w1", "w2", "w3"}
    assert report.waited_seconds == pytest.approx(sum(report.waited.values()))


def test_places_that_are_told_to_be_free_are_not_used_before_the_answer() -> None:
    """One worker's heartbeat is on its way: what it does not use may be another's by now."""
    limit = Limit(name="api", max_concurrency=2)
    hub = Hub([limit])
    told, answer = threading.Event(), threading.Event()

    class Slow:
        """The hub, whose answer to a heartbeat comes late."""

        refuse, leave = hub.refuse, hub.leave

        def exchange(self, worker: str, name: str, said: Told) -> Granted:
            granted = hub.exchange(worker, name, said)
            if said.calls and not said.waiting:
                told.set()
                answer.wait(10)
            return granted

    slow, other = Share([limit], Slow(), "slow"), Share([limit], hub, "other")
    entered = threading.Event()

    def another_call() -> None:
        with slow.call("api"):
            entered.set()

    with slow.call("api"):
        with slow.call("api"):
            pass
        assert told.wait(10)
        with other.call("api"):
            thread = threading.Thread(target=another_call)
            thread.start()
            assert not entered.wait(0.3), "three calls where two are allowed"
            answer.set()
    thread.join(10)
    assert entered.is_set()
    slow.close()
    other.close()


class Asked(Hub):
    """Counts questions."""

    asked = 0

    def exchange(self, worker: str, name: str, told: Told) -> Granted:
        self.asked += 1
        return super().exchange(worker, name, told)


@pytest.mark.parametrize(
    "limit",
    [
        Limit(name="api", adaptive=True),
        Limit(name="api", max_concurrency=2),
        Limit(name="api", rate=200, burst=5, adaptive=True),
    ],
    ids=["adaptive", "at once", "rate"],
)
def test_places_that_are_given_are_taken_before_the_next_question(limit: Limit) -> None:
    """More wait than there are places for: who asks for more gives back none that somebody is to take."""
    hub = Asked((limit,))
    share = Share((limit,), hub, "worker")

    def ask() -> None:
        for _ in range(10):
            with share.call("api", "route"):
                time.sleep(0.02)

    threads = [threading.Thread(target=ask, daemon=True) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(20)
    ended = not any(each.is_alive() for each in threads)
    share.close()
    assert ended
    assert hub.asked <= 2 * 80


@pytest.mark.parametrize("_time", range(5))
def test_whoever_has_a_permit_keeps_the_place_for_it(_time: int) -> None:
    """A few calls in an hour, some at once: two wait, and the one permit that there is serves one of them."""
    limit = Limit(name="api", rate=1.0, burst=1, max_concurrency=4)
    share = Share([limit], Hub([limit]), "w")
    begun = threading.Event()

    def work() -> None:
        with share.call("api"):
            begun.set()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for each in threads:
        each.start()
    assert begun.wait(0.6)
    for each in threads:
        each.join(10)
    share.close()


def test_what_a_lost_worker_held_is_free() -> None:
    hub = Hub([Limit(name="api", max_concurrency=2)])
    assert hub.exchange("dead", "api", Told(waiting=2)).places == 2
    assert hub.exchange("w", "api", Told(waiting=1)).places == 0
    hub.leave("dead")
    assert hub.exchange("w", "api", Told(waiting=1)).places == 1


def test_a_share_that_is_closed_gives_back_what_it_held() -> None:
    limit = Limit(name="api", max_concurrency=1)
    hub = Hub([limit])
    one, other = Share([limit], hub, "one"), Share([limit], hub, "other")
    inside = one.call("api")
    inside.__enter__()
    one.close()
    with other.call("api"):
        pass
    other.close()


def test_a_retry_after_holds_for_every_worker() -> None:
    limit = Limit(name="api", rate=1000, burst=10)
    hub = Hub([limit])
    one, other = Share([limit], hub, "one"), Share([limit], hub, "other")
    with other.call("api"):
        pass
    with pytest.raises(Throttled), one.call("api"):
        raise Throttled("busy", 0.4)
    started = time.monotonic()
    with one.call("api"):
        here = time.monotonic() - started
    with other.call("api"), other.call("api"):
        pass
    assert here >= 0.35
    [report] = hub.report()
    one.tell()
    [report] = hub.report()
    assert report.refused == 1
    assert report.longest_wait_seconds >= 0.35


def test_time_outs_lower_an_adaptive_limit_and_other_errors_do_not() -> None:
    limit = Limit(name="api", adaptive=True)
    sizes = []
    for error in (ValueError("bad"), TimedOut("slow")):
        hub = Hub([limit])
        share = Share([limit], hub, "w")
        with pytest.raises(type(error)), share.call("api"):
            raise error
        share.tell()
        share.close()
        sizes.append(hub.report()[0].window)
    assert sizes == [2, 1]


def test_a_name_without_a_limit_is_not_limited() -> None:
    share = Share([Limit(name="api", rate=0.001)], Hub([]), "w")
    with share.call("other"), UNLIMITED.call("api"):
        pass


def test_a_hub_that_is_gone_fails_the_calls_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rayingest.execute.share.TRIES", 3)
    monkeypatch.setattr("rayingest.execute.share.LEASE", 0.01)

    class Gone:
        def exchange(self, worker: str, name: str, told: Told) -> Any:
            raise ConnectionError("no hub")

        def refuse(self, name: str, wait: float | None) -> None: ...

        def leave(self, worker: str) -> None: ...

    share = Share([Limit(name="api", rate=5)], Gone(), "w")
    with pytest.raises(ConnectionError, match="no hub"), share.call("api"):
        pass
    share.close()


# --- whole runs against a real server ---


def ingest(
    folder: Path, url: str, limit: Limit, *, entities: int, engine: str = "local", **more: Any
) -> Any:
    notes = folder / "notes"
    notes.mkdir()
    connection = ChaosConnection(scopes=2, entities=entities // 2, url=url, notes=str(notes))
    stage = ChaosStage(Memory(name=str(folder)), connection, **more.pop("stage", {}))
    options = Options(engine=engine, limits=(limit,), **more)
    return drive(stage, options, None).run()


@pytest.mark.parametrize("where", ["local", pytest.param("ray", marks=pytest.mark.ray)])
def test_a_rate_is_kept_by_all_workers_and_the_report_says_who_waited(
    where: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    address = request.getfixturevalue("shared_ray") if where == "ray" else "local"
    room = Room(rate=60, burst=10)
    began = time.monotonic()
    with busy(room) as url:
        report = ingest(
            tmp_path,
            url,
            Limit(name="api", rate=40, burst=5),
            entities=80,
            engine=where,
            address=address,
            parallelism=60,
        )
    assert report.state == "success"
    assert len(room.served) - len(room.refused) >= 80 - len(room.refused)
    # Calls may come late, never early.
    assert all(number <= 5 + 40 * (at - began) for number, (at, _) in enumerate(room.served, 1))
    [told] = report.limits
    assert (told.name, told.rate) == ("api", 40)
    assert told.calls == 80 + told.refused
    assert told.waited_seconds > 1
    assert told.waited_seconds == pytest.approx(sum(told.waited.values()))


def test_waiting_for_a_limit_is_no_time_of_the_source(tmp_path: Path) -> None:
    with busy(Room()) as url:
        report = ingest(
            tmp_path,
            url,
            Limit(name="api", rate=2),
            entities=12,
            parallelism=8,
            stage={"call_timeout": 2.0},
        )
    assert report.limits[0].longest_wait_seconds > 2.0
    assert report.types["table"]["ok"] == 12


def test_a_crowded_server_is_used_as_it_likes_best(tmp_path: Path) -> None:
    room = Room(crowd=6, seconds=0.1)
    with busy(room) as url:
        report = ingest(
            tmp_path, url, Limit(name="api", adaptive=True), entities=160, parallelism=60
        )
    assert report.state == "success"
    late = sorted(n for _, n in room.served[70:])
    assert late[len(late) // 2] <= 30, "60 without a limit"
    assert report.limits[0].window


@pytest.mark.slow
@pytest.mark.ray
def test_a_cluster_that_grows_gets_more_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rayingest.execute.ray_driver.LOOK_SECONDS", 0.2)
    seen: list[int] = []
    grown: list[int] = []  # workers when the cluster began to grow
    with ray_cluster(cores=1) as address, ExitStack() as more, busy(Room(seconds=0.1)) as url:
        notes = tmp_path / "notes"
        notes.mkdir()
        connection = ChaosConnection(scopes=2, entities=2_500, url=url, notes=str(notes))
        stage = ChaosStage(Memory(name=str(tmp_path)), connection)
        options = Options(engine="ray", address=address, parallelism=60)

        def observe(snapshot: Snapshot) -> None:
            seen.append(int(snapshot.about["workers"]))
            if seen[-1] and not grown:
                grown.append(max(seen))
                more.enter_context(ray_node(address, 2))

        report = drive(stage, options, None, observe=observe).run()
    assert report.types["table"]["ok"] == 5_000
    assert (grown, max(seen)) == ([1], 3)


@pytest.mark.slow
@pytest.mark.ray
def test_a_cluster_that_is_the_runs_own_is_asked_to_grow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ray is told how many cores there is work for, and whoever comes then gets its part of it."""
    monkeypatch.setattr("rayingest.execute.ray_driver.LOOK_SECONDS", 0.2)
    room, asked, grown = Room(seconds=0.1), [0], []
    with ray_cluster(cores=1) as address, ExitStack() as more, busy(room) as url:
        notes = tmp_path / "notes"
        notes.mkdir()
        connection = ChaosConnection(scopes=2, entities=1_500, url=url, notes=str(notes))
        stage = ChaosStage(Memory(name=str(tmp_path)), connection)
        options = Options(engine="ray", address=address, parallelism=60, grows=True)

        def observe(snapshot: Snapshot) -> None:
            if (told := cores_asked_for()) > asked[-1]:
                asked.append(told)
            if asked[-1] == 3 and not grown:
                grown.append(room.most)
                more.enter_context(ray_node(address, 2))

        report = drive(stage, options, None, observe=observe).run()
    assert report.types["table"]["ok"] == 3_000
    assert asked[-1] == 3  # 60 at once are 3 workers of 20
    assert (grown[0] <= 20, 40 < room.most <= 60) == (True, True), (grown, room.most)


def cores_asked_for() -> int:
    """What Ray would tell its autoscaler: the sum of the requests of `request_resources`."""
    import json

    from ray.experimental.internal_kv import _internal_kv_get

    told = _internal_kv_get("autoscaler_resource_request")
    return sum(int(each.get("CPU", 0)) for each in json.loads(told)) if told else 0


def test_only_work_that_is_there_is_asked_for() -> None:
    book = {
        "discovered": 130,
        "ok": 20,
        "unchanged": 1,
        "skipped": 1,
        "failed": 2,
        "quarantined": 1,
    }
    assert wanting({"table": book}) == 5  # 105 are left
    assert wanting({"table": book, "schema": {"discovered": 21}}) == 6
    assert wanting({}) == 1


def test_the_server_is_a_program() -> None:
    command = [sys.executable, "-m", "rayingest.testing.busy", "--rate", "1"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout
        assert process.stdout.readline().startswith("http://127.0.0.1:")
        process.communicate("")
    assert process.returncode == 0


def test_a_connectors_limits_are_told_with_their_source() -> None:
    limit = Limit(name="api", rate=50, burst=5, scope="account", documented="https://x.example")
    told = "50 calls/s, 5 at once after a rest, per account (https://x.example)"
    assert _allows(limit) == told
