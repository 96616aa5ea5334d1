# ruff: noqa: INP001, S603 - a program, which starts our own servers
"""Limits for all workers of a run together, against servers that have little room.

    python benchmarks/limits.py [--seconds 70] [--workers 8] [--parallelism 200]

A token bucket of 50/s, burst 5: how much of it is used, how many calls are refused, in the 60 s after
10 s of warm-up and in the worst window of 10 s; and what keeping to it costs a call. And a server
whose latency grows with the square of n/16 above 16 calls at once: how near 16 the run stays, and how
long it takes, against a fixed 100. Workers are processes (`--workers`) that share one hub over Ray.
"""

import json
import os
import secrets
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from world import budget, finish, machine, parser, say, scratch, table

from rayingest.core.limits import UNLIMITED, Limit
from rayingest.execute.limits import Hub
from rayingest.execute.share import Share
from rayingest.execute.start import Options, drive
from rayingest.sinks.memory import Memory
from rayingest.testing.chaos import ChaosConnection, ChaosStage

RATE, BURST, CROWD, BASE = 50.0, 5, 16, 0.05


@contextmanager
def program(*arguments: str) -> Iterator[str]:
    """A Python program that prints one line and ends with its standard input; the line."""
    command, pipe = [sys.executable, *arguments], subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None  # noqa: S101 - for the type checker
        try:
            yield process.stdout.readline().strip()
        finally:
            process.communicate("")


def busy(*arguments: str) -> AbstractContextManager[str]:
    """The server, as a process of its own."""
    return program("-m", "rayingest.testing.busy", *arguments)


def stats(url: str) -> dict[str, Any]:
    """What the server saw."""
    with urllib.request.urlopen(f"{url}/stats") as answer:  # noqa: S310 - loopback
        found: dict[str, Any] = json.load(answer)
    return found


def run(
    folder: Path, url: str, entities: int, limit: Limit, *, address: str = "", parallelism: int
) -> Any:
    """Ingest so many entities, each of one call."""
    connection = ChaosConnection(entities=entities // 4, url=url, notes=str(folder))
    stage = ChaosStage(Memory(name=str(folder)), connection)
    options = Options(
        engine="ray" if address else "local",
        address=address,
        parallelism=parallelism,
        limits=(limit,),
    )
    return drive(stage, options, None).run()


def bucket(folder: Path, seconds: float, parallelism: int, address: str) -> dict[str, Any]:
    """How well the token bucket is used."""
    limit = Limit(name="api", rate=RATE, burst=BURST)
    with busy("--rate", str(RATE), "--burst", str(BURST)) as url:
        report = run(
            folder,
            url,
            int(seconds * RATE * 0.95),
            limit,
            address=address,
            parallelism=parallelism,
        )
        seen = stats(url)
    times = [each[0] for each in seen["served"]]
    begin = times[0] + 10
    end = min(begin + 60, times[-1])
    used = [each for each in times if begin <= each < end]
    refused = [each for each in seen["refused"] if begin <= each < end]
    windows = [
        sum(start <= each < start + 10 for each in used) / 10
        for start in [begin + at for at in range(int(end - begin) - 10)]
    ]
    told = report.limits[0]
    return {
        "seconds": end - begin,
        "rate": len(used) / (end - begin),
        "worst_window": min(windows),
        "refused": len(refused) / max(1, len(used) + len(refused)),
        "refused_in_all": len(seen["refused"]),
        "waited_seconds": told.waited_seconds,
        "workers": len(told.waited),
        "state": report.state,
        "ok": report.types["table"]["ok"],
    }


def crowd(folder: Path, limit: Limit, parallelism: int, entities: int) -> dict[str, Any]:
    """How long it takes, and how many calls were under way."""
    with busy("--crowd", str(CROWD), "--seconds", str(BASE)) as url:
        started = time.monotonic()
        report = run(folder, url, entities, limit, parallelism=parallelism)
        wall = time.monotonic() - started
        seen = [each[1] for each in stats(url)["served"]]
    settled = seen[len(seen) // 4 :]
    return {
        "wall_s": wall,
        "median_in_flight": statistics.median(settled),
        "p95_in_flight": statistics.quantiles(settled, n=20)[-1],
        "state": report.state,
    }


def overhead(calls: int = 20_000) -> dict[str, float]:
    """Microseconds that a call costs: without limits, and under one that never makes it wait."""
    limit = Limit(name="api", max_concurrency=64)
    share = Share([limit], Hub([limit]), "here")
    costs = {}
    for name, limiter in (("unlimited", UNLIMITED), ("limited", share)):
        started = time.process_time()
        for _ in range(calls):
            with limiter.call("api"):
                pass
        costs[name] = 1e6 * (time.process_time() - started) / calls
    share.close()
    return costs


SERVE = """
import os, sys, ray
context = ray.init(
    address="local", num_cpus=int(sys.argv[1]), include_dashboard=False, log_to_driver=False,
    logging_level="ERROR", _temp_dir=os.environ["RAYINGEST_RAY_TEMP_DIR"],
)
print(context.address_info["gcs_address"], flush=True)
sys.stdin.read()
ray.shutdown()
"""


def cluster(workers: int, place: Path) -> AbstractContextManager[str]:
    """A Ray that believes in so many cores, and so has so many workers."""
    os.environ |= {
        "RAYINGEST_RAY_TEMP_DIR": str(place),
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
        "RAY_AUTH_MODE": "token",
    }
    return program("-c", SERVE, str(workers))


def main() -> None:
    """Measure, and tell."""
    said = parser(__doc__ or "", tables=None, runs=1)
    said.add_argument("--seconds", type=float, default=75.0, help="of the token bucket")
    said.add_argument("--parallelism", type=int, default=200)
    said.add_argument("--workers", type=int, default=8)
    said.add_argument("--entities", type=int, default=2000, help="of the crowded server")
    given = said.parse_args()
    facts = machine()
    with scratch() as place, cluster(given.workers, place) as address:
        folders = [place / str(at) for at in range(3)]
        for each in folders:
            each.mkdir()
        say("the token bucket …")
        first = bucket(folders[0], given.seconds, given.parallelism, address)
        say("the crowded server, adaptive …")
        adaptive = crowd(folders[1], Limit(name="api", adaptive=True), 100, given.entities)
        say("the crowded server, 100 at once …")
        fixed = crowd(folders[2], Limit(name="api", max_concurrency=100), 100, given.entities)
    cost = overhead()
    table(
        f"a token bucket of 50/s, burst 5; P={given.parallelism}, {given.workers} workers",
        ["", "used/s", "worst 10 s", "refused", "workers", "ok"],
        [
            [
                f"{first['seconds']:.0f} s",
                first["rate"],
                first["worst_window"],
                f"{first['refused']:.2%}",
                first["workers"],
                first["ok"],
            ]
        ],
    )
    table(
        f"a server that is slow above {CROWD} calls at once; {given.entities:,} calls of {BASE:g} s",
        ["", "wall s", "median in flight", "95 % in flight"],
        [
            [name, each["wall_s"], each["median_in_flight"], each["p95_in_flight"]]
            for name, each in (("adaptive", adaptive), ("100 at once", fixed))
        ],
    )
    table("what a call costs", ["", "µs CPU"], [[name, each] for name, each in cost.items()])
    table(
        "budget",
        ["what", "found", "limit", ""],
        [
            budget("calls per second", first["rate"], 45, least=True),
            budget("calls per second", first["rate"], 50),
            budget("refused", first["refused"], 0.01),
            budget("adaptive against 100 at once", adaptive["wall_s"] / fixed["wall_s"], 1),
            budget("median in flight", adaptive["median_in_flight"], 20),
            budget("median in flight", adaptive["median_in_flight"], 12, least=True),
        ],
    )
    result = {"bucket": first, "adaptive": adaptive, "fixed": fixed, "overhead_us": cost}
    finish("limits", facts, result, ok=first["state"] == adaptive["state"] == "success")


if __name__ == "__main__":
    main()
