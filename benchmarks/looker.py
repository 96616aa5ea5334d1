# ruff: noqa: INP001 - a program
"""Looker: 2,000 dashboards of 400 ms a call, fifty at a time, into a catalogue, against one by one.

    python benchmarks/looker.py

A whole `rayingest run` through looker-sdk from our own Looker (a process) into the strict catalogue
(another). One by one is the sum of the service times: calls for entities x 400 ms. The second table
has a dashboard that takes 30 s, and 1 % of the calls answered with 503 the first time.
"""

import argparse
import itertools
import json
import sys
from typing import Any

from world import (
    catalogue,
    clean_environment,
    finish,
    machine,
    measure,
    parser,
    program,
    say,
    scratch,
    summary,
    table,
    workflow,
    write_config,
)

EXPLORES = 5
COLUMNS = ("wall_s", "drive_s", "service_s", "speed_up", "calls_each", "cpu_s", "max_rss_mb")


def main() -> None:
    """Run as a program."""
    flags = parser(__doc__.splitlines()[0], tables=None)
    flags.add_argument("--dashboards", type=int, default=2000)
    flags.add_argument("--ms", type=float, default=400, help="what a call takes")
    flags.add_argument("--parallelism", type=int, default=50)
    flags.add_argument("--straggler", type=float, default=30, help="seconds, in the second table")
    flags.add_argument("--engines", default="local,ray", help="which, separated by commas")
    told = flags.parse_args()
    facts = machine()
    ways = list(itertools.product((False, True), told.engines.split(",")))
    samples: dict[str, list[dict[str, Any]]] = {}
    for number in range(told.runs):
        for odd, engine in ways:
            name = f"{engine}, straggler and errors" if odd else engine
            found = one_run(told, engine, odd=odd)
            samples.setdefault(name, []).append(found)
            say(f"run {number + 1} of {told.runs}: {name}: {found['wall_s']:.1f} s")
    medians = {name: summary(each) for name, each in samples.items()}
    table(
        f"{told.dashboards:,} dashboards and {EXPLORES} explores of {told.ms:g} ms, P={told.parallelism}",
        ("", *COLUMNS),
        [[name, *(each[column] for column in COLUMNS)] for name, each in medians.items()],
    )
    result = {
        "dashboards": told.dashboards,
        "service_ms": told.ms,
        "parallelism": told.parallelism,
        "samples": samples,
        "medians": medians,
    }
    finish("looker", facts, result, ok=True)


def one_run(told: argparse.Namespace, engine: str, *, odd: bool) -> dict[str, Any]:
    """One process of ours between two servers."""
    server = [sys.executable, "-m", "rayingest.testing.looker"]
    server += ["--dashboards", str(told.dashboards), "--ms", str(told.ms)]
    server += ["--explores", str(EXPLORES)]
    if odd:
        server += ["--straggler-ms", str(told.straggler * 1000), "--fails", "0.01"]
    with scratch() as folder, program(server) as there, catalogue() as kept:
        login = {"type": "Looker", "clientId": "rayingest", "hostPort": there["url"]}
        login["clientSecret"] = "looker-canary-2f61"
        config = workflow("looker", "bi", login, {"type": "DashboardMetadata"}, kept)
        report = folder / "report.json"
        command = [sys.executable, "-m", "rayingest", "run", str(write_config(folder, config))]
        command += ["--engine", engine, "--parallelism", str(told.parallelism)]
        command += ["--progress", "none", "--report-json", str(report)]
        done = measure(command, environment=clean_environment(folder))
        held = len(kept.entities("dashboards"))
        book = json.loads(report.read_text("utf-8"))
    entities = told.dashboards + EXPLORES
    if held != told.dashboards or book["types"]["dashboard"]["ok"] != told.dashboards:
        raise SystemExit(f"{held} of {told.dashboards} dashboards arrived: {book['verdict']}")
    service = (entities - odd) * told.ms / 1000 + (told.straggler if odd else 0)
    drive = book["seconds"]["total"]
    return done.numbers | {
        "wall_s": done.wall_s,
        "drive_s": drive,
        "startup_s": book["seconds"]["startup"],
        "service_s": service,
        "speed_up": service / drive,
        "speed_up_whole": service / done.wall_s,
        "calls": book["calls"]["source"],
        "calls_each": book["calls"]["source"] / entities,
    }


if __name__ == "__main__":
    main()
