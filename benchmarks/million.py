# ruff: noqa: INP001 - a program
"""A million descriptors that cost nothing, ledger and segments on (budget row 6), and with a slow sink.

    python benchmarks/million.py

The source is `rayingest.testing.chaos` in chunks of up to 500, describing nothing, so that what is
left is our own work: listing, scheduling, the books, the segments, the audit. Rate: descriptors over
the time from the first worker's readiness to the end of the run. The second table lists the same
million into a sink that takes 20 ms for a row, and stops after a while: what waits must not pile up.
"""

import argparse
import json
import os
import secrets
import sys
from dataclasses import replace
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
    say,
    scratch,
    summary,
    table,
)

LEAST_RATE = 50_000
MOST_MB = 400
STALLED = 5  # the exit code of --timeout


def main() -> None:
    """Run as a program."""
    flags = parser(__doc__.splitlines()[0], tables=None)
    flags.add_argument("--descriptors", type=int, default=1_000_000)
    flags.add_argument("--engines", default="local,ray", help="which, separated by commas")
    flags.add_argument("--seconds", type=float, default=30, help="how long the slow sink is borne")
    flags.add_argument("--child", help=argparse.SUPPRESS)
    flags.add_argument("--slow", action="store_true", help=argparse.SUPPRESS)
    told = flags.parse_args()
    if told.child:
        child(told)
    else:
        compare(told)


def compare(told: argparse.Namespace) -> None:
    """All engines in turn."""
    facts = machine()
    engines = told.engines.split(",")
    samples: dict[str, list[dict[str, Any]]] = {}
    for number in range(told.runs):
        for engine in engines:
            for slow in (False, True):
                name = f"{engine}, slow sink" if slow else engine
                found = one_run(told, engine, slow=slow)
                samples.setdefault(name, []).append(found)
                say(f"run {number + 1} of {told.runs}: {name}: {found['rate']:,.0f}/s")
    medians = {name: summary(each) for name, each in samples.items()}
    table(
        f"{told.descriptors:,} descriptors",
        ("engine", "a second", "driver us each", "state %", "audit s", "driver MB"),
        [
            (
                name,
                int(each["rate"]),
                each["cpu_us"],
                each["state_share"] * 100,
                each["audit_s"],
                int(each["driver_mb"]),
            )
            for name, each in medians.items()
        ],
    )
    lines = [
        budget(f"{engine}: descriptors a second", medians[engine]["rate"], LEAST_RATE, least=True)
        for engine in engines
    ]
    lines += [
        budget(f"{name}: driver", each["driver_mb"], MOST_MB, " MB")
        for name, each in medians.items()
    ]
    table("budget (row 6)", ("what", "found", "limit", ""), lines)
    finish("million", facts, {"samples": samples, "medians": medians}, ok=True)


def one_run(told: argparse.Namespace, engine: str, *, slow: bool) -> dict[str, Any]:
    """One process."""
    with scratch() as folder:
        environment = clean_environment(folder)
        here = str(Path(__file__).parent)
        environment["PYTHONPATH"] = os.pathsep.join([here, environment["PYTHONPATH"]])
        command = [sys.executable, __file__, "--child", engine]
        command += ["--descriptors", str(told.descriptors), "--seconds", str(told.seconds)]
        done = measure([*command, *(["--slow"] if slow else [])], environment=environment)
        found: dict[str, Any] = json.loads(done.output.splitlines()[-1])
    if not slow and found["ok"] != told.descriptors:
        fail(f"{told.descriptors} were expected: {found}")
    return found


def child(told: argparse.Namespace) -> None:
    """Drive once and print what it took."""
    from rayingest.core.source import Batching
    from rayingest.execute.bounding import Bounds
    from rayingest.execute.start import Options, drive
    from rayingest.model import EntityType
    from rayingest.state.run_directory import RunDirectory
    from rayingest.testing.chaos import CONNECTOR, ChaosConnection, ChaosStage

    scopes = max(1, told.descriptors // 10_000)
    connection = ChaosConnection(
        scopes=scopes, entities=told.descriptors // scopes, describe=told.slow
    )
    many = replace(CONNECTOR, batching={EntityType.TABLE: Batching(1, 500)})
    # A hundred rows in a call: with more, the first answer would come when the time is nearly over.
    sink = Nowhere(seconds=0.02, max_rows=100) if told.slow else Nowhere()
    stage = ChaosStage(sink, connection, connector=many)
    bounds = Bounds(timeout=told.seconds, grace=2.0) if told.slow else Bounds()
    options = Options(engine=told.child, parallelism=4, bounds=bounds)
    directory = RunDirectory(os.environ["XDG_STATE_HOME"], "chaos", secrets.token_hex(4))
    directory.claim()
    report = drive(stage, options, directory).run()
    if report.exit_code not in ((0, STALLED) if told.slow else (0,)):
        fail(f"{report.verdict} {report.errors}")
    book = report.types["table"]
    seconds = report.seconds.total - report.seconds.startup
    print(  # noqa: T201 - for who measures
        json.dumps(
            {
                "ok": book["ok"],
                "discovered": book["discovered"],
                "seconds": seconds,
                "startup_s": report.seconds.startup,
                "rate": book["ok"] / seconds,
                "cpu_us": report.cpu_seconds / max(1, book["ok"]) * 1e6,
                "state_share": report.state_seconds / report.cpu_seconds,
                "audit_s": report.audit_seconds,
                "driver_mb": report.peak_rss_bytes / 2**20,
            }
        )
    )


if __name__ == "__main__":
    main()
