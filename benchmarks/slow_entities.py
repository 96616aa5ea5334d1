# ruff: noqa: INP001 - a program
"""Entities that each take 400 ms, fifty at a time, against the sum of their service times (budget row 5).

    python benchmarks/slow_entities.py

The source is `rayingest.testing.chaos` (chunks of one to five), the sink throws away where the
workers are. Local: the whole of `drive` after the imports. Ray warm: the same, joining a cluster
that another process started. Ray cold: the whole process. Once plain, once with a straggler of
30 s and 1 % errors; an error answers at once, so it has no service time.
"""

import argparse
import itertools
import json
import os
import secrets
import signal
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from nowhere import Nowhere
from world import (
    budget,
    clean_environment,
    fail,
    finish,
    machine,
    measure,
    parser,
    program,
    say,
    scratch,
    summary,
    table,
)

SCOPES = 4
WAYS = ("local", "warm", "cold")
PARTIAL = 3  # exit codes
LEAST = {"local": 47.0, "warm": 45.0}
COLD_SECONDS = 23.0


def main() -> None:
    """Run as a program."""
    flags = parser(__doc__.splitlines()[0], tables=None)
    flags.add_argument("--entities", type=int, default=2000)
    flags.add_argument("--ms", type=float, default=400, help="service time of one")
    flags.add_argument("--parallelism", type=int, default=50)
    flags.add_argument("--straggler", type=float, default=30, help="seconds, in the second table")
    flags.add_argument("--ways", default=",".join(WAYS), help="which, separated by commas")
    flags.add_argument("--child", choices=("local", "ray", "cluster"), help=argparse.SUPPRESS)
    flags.add_argument("--address", default="local", help=argparse.SUPPRESS)
    flags.add_argument("--odd", action="store_true", help=argparse.SUPPRESS)
    told = flags.parse_args()
    if told.child == "cluster":
        keep_cluster()
    elif told.child:
        child(told)
    else:
        compare(told)


def compare(told: argparse.Namespace) -> None:
    """All ways, plain and with misfortune, in turn."""
    facts = machine()
    ways = list(itertools.product((False, True), told.ways.split(",")))
    samples: dict[tuple[bool, str], list[dict[str, Any]]] = {each: [] for each in ways}
    for number in range(told.runs):
        for odd, way in ways:
            found = one_run(told, way, odd=odd)
            samples[odd, way].append(found)
            say(f"run {number + 1} of {told.runs}: {_name(way, odd=odd)}: {found['wall_s']:.2f} s")
    medians = {each: summary(found) for each, found in samples.items()}
    plain = {way: each for (odd, way), each in medians.items() if not odd}
    mean = told.entities * told.ms / 1000 / told.parallelism
    _table(told, f"plain; {mean:.1f} s at the very least", plain)
    unlucky = {way: each for (odd, way), each in medians.items() if odd}
    floor = max(mean, told.straggler)
    _table(
        told,
        f"with a straggler of {told.straggler:g} s and 1 % errors; {floor:.1f} s at the very least",
        unlucky,
    )
    lines = [
        budget(f"{way}: speed-up against the sum", plain[way]["speed_up"], least, "x", least=True)
        for way, least in LEAST.items()
        if way in plain
    ]
    if "cold" in plain:
        lines.append(budget("cold: whole process", plain["cold"]["wall_s"], COLD_SECONDS, " s"))
    table("budget (row 5)", ("what", "found", "limit", ""), lines)
    result = {
        "runs": told.runs,
        "entities": told.entities,
        "service_ms": told.ms,
        "parallelism": told.parallelism,
        "straggler_s": told.straggler,
        "medians": {_name(way, odd=odd): each for (odd, way), each in medians.items()},
        "samples": {_name(way, odd=odd): each for (odd, way), each in samples.items()},
    }
    finish("slow_entities", facts, result, ok=True)


def _name(way: str, *, odd: bool) -> str:
    return f"{way}, straggler and errors" if odd else way


def _table(told: argparse.Namespace, title: str, medians: dict[str, dict[str, float]]) -> None:
    table(
        f"{told.entities:,} entities of {told.ms:g} ms, P={told.parallelism}, {told.runs} runs; {title}",
        (
            "",
            "wall s",
            "sum s",
            "speed-up",
            "drive s",
            "start-up s",
            "process s",
            "driver CPU",
            "RSS MB",
        ),
        [
            [
                name,
                each["wall_s"],
                each["service_s"],
                each["speed_up"],
                each["drive_s"],
                each["startup_s"],
                each["process_s"],
                each["cpu_s"],
                each["max_rss_mb"],
            ]
            for name, each in medians.items()
        ],
    )


def one_run(told: argparse.Namespace, way: str, *, odd: bool) -> dict[str, Any]:
    """One child process. `wall_s` is what the budget speaks of: the process when cold, else the drive."""
    with scratch() as folder:
        # One token for the cluster and who joins it; Ray uses it for a join only in this mode.
        environment = clean_environment(folder)
        environment |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
        myself = [sys.executable, str(Path(__file__).resolve()), "--runs", "1"]
        cluster = program([*myself, "--child", "cluster"], environment, patience=120)
        with cluster if way == "warm" else nullcontext({"address": "local"}) as there:
            command = [*myself, "--child", "local" if way == "local" else "ray"]
            command += ["--address", there["address"], *(["--odd"] if odd else [])]
            command += ["--entities", str(told.entities), "--ms", str(told.ms)]
            command += ["--parallelism", str(told.parallelism), "--straggler", str(told.straggler)]
            done = measure(command, environment=environment)
    found: dict[str, Any] = json.loads(done.output.strip().splitlines()[-1])
    errors = _errors(told) if odd else 0
    _check(found, told, errors=errors, straggler=odd)
    service = found.pop("plain") * told.ms / 1000 + (told.straggler if odd else 0)
    wall = done.wall_s if way == "cold" else found["drive_s"]
    return (
        found
        | done.numbers
        | {
            "wall_s": wall,
            "process_s": done.wall_s,
            "service_s": service,
            "speed_up": service / wall,
        }
    )


def _check(
    found: dict[str, Any], told: argparse.Namespace, *, errors: int, straggler: bool
) -> None:
    """Every entity ended as it should; otherwise there is no figure."""
    found["plain"] = found["ok"] - straggler
    expected = told.entities if not errors and not straggler else told.entities - errors - 1
    if found["plain"] != expected or found["failed"] != errors:
        fail(f"{expected} plain ones and {errors} errors were expected: {found}")


def _errors(told: argparse.Namespace) -> int:
    return max(1, told.entities // 100)


# --- the measured process ---


def child(told: argparse.Namespace) -> None:
    """Drive once and print what it took, from after the imports."""
    from rayingest.execute.start import Options, drive
    from rayingest.state.run_directory import RunDirectory
    from rayingest.testing.chaos import ChaosConnection, ChaosStage

    odd: tuple[str, ...] = ()
    if told.odd:
        odd = ("slow-0", *(f"bad-{number}" for number in range(_errors(told))))
    stage = ChaosStage(
        Nowhere(),
        ChaosConnection(
            scopes=SCOPES,
            entities=(told.entities - len(odd)) // SCOPES,
            seconds=told.ms / 1000,
            straggler_seconds=told.straggler,
            odd=odd + _rest(told.entities - len(odd)),
        ),
    )
    if told.child == "ray":
        import ray  # noqa: F401, TID251 - after the imports means after this one, too
    options = Options(engine=told.child, address=told.address, parallelism=told.parallelism)
    directory = RunDirectory(os.environ["XDG_STATE_HOME"], "chaos", secrets.token_hex(4))
    directory.claim()
    began = time.perf_counter()
    report = drive(stage, options, directory).run()
    taken = time.perf_counter() - began
    if report.exit_code not in (0, PARTIAL):
        fail(f"{report.verdict} {report.errors}")
    book = report.types["table"]
    print(  # noqa: T201 - for who measures
        json.dumps(
            {
                "drive_s": taken,
                "startup_s": report.seconds.startup,
                "ok": book["ok"],
                "failed": book["failed"],
                "calls": report.calls["source"],
            }
        )
    )


def _rest(number: int) -> tuple[str, ...]:
    """The entities that four equal scopes leave over."""
    return tuple(f"e-more-{at}" for at in range(number % SCOPES))


def keep_cluster() -> None:
    """A local Ray for somebody else: prints its address, until SIGTERM."""
    import ray  # noqa: TID251 - a cluster that is there already is what is measured

    over = {signal.SIGTERM, signal.SIGINT}
    ray.init(
        address="local",
        include_dashboard=False,
        log_to_driver=False,
        logging_level="ERROR",
        _temp_dir=os.environ["RAYINGEST_RAY_TEMP_DIR"],
    )
    signal.pthread_sigmask(signal.SIG_BLOCK, over)
    print(json.dumps({"address": ray.get_runtime_context().gcs_address}), flush=True)  # noqa: T201
    signal.sigwait(over)
    ray.shutdown()


if __name__ == "__main__":
    main()
