# ruff: noqa: INP001 - a program
"""Memory of one big scope: ever more Grafana dashboards, all of one service, into files.

    python benchmarks/one_scope.py

Every dashboard has three charts and lineage from a table. A service is one scope: what became of its
members is kept until all have their ends. The second run of each size finds everything unchanged.
"""

import json
import sys
from pathlib import Path
from typing import Any

from world import (
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
    write_config,
)

from rayingest.testing.grafana import KEY, World
from rayingest.testing.rest import serving

SIZES = "1000,10000,100000"
COLUMNS = ("wall_s", "cpu_ms_each", "max_rss_mb", "kb_each")


def main() -> None:
    """Run as a program."""
    flags = parser(__doc__.splitlines()[0], tables=None)
    flags.add_argument("--sizes", default=SIZES, help="dashboards, separated by commas")
    flags.add_argument("--parallelism", type=int, default=8)
    told = flags.parse_args()
    facts = machine()
    samples: dict[str, list[dict[str, Any]]] = {}
    for number in range(told.runs):
        least = 0.0
        for size in map(int, told.sizes.split(",")):
            with scratch() as folder, serving(World(dashboards=size)) as url:
                for name in ("first", "unchanged"):
                    found = one_run(
                        folder, url, size, told.parallelism, unchanged=name == "unchanged"
                    )
                    least = least or found["max_rss_mb"]
                    found["kb_each"] = (found["max_rss_mb"] - least) * 1000 / size
                    samples.setdefault(f"{size:,} {name}", []).append(found)
                    say(f"run {number + 1} of {told.runs}: {size:,} {name}: {found}")
    medians = {name: summary(each) for name, each in samples.items()}
    rows = [[name, *(each[column] for column in COLUMNS)] for name, each in medians.items()]
    table("Dashboards of one service", ("", *COLUMNS), rows)
    finish("one_scope", facts, {"samples": samples, "medians": medians}, ok=True)


def one_run(
    folder: Path, url: str, size: int, parallelism: int, *, unchanged: bool
) -> dict[str, Any]:
    """One `rayingest run`, measured."""
    login = {"type": "Grafana", "hostPort": url, "apiKey": KEY}
    config = {
        "source": {
            "type": "grafana",
            "serviceName": "bi",
            "serviceConnection": {"config": login},
            "sourceConfig": {"config": {"type": "DashboardMetadata"}},
        },
        "sink": {"type": "file", "config": {"path": str(folder / "catalogue")}},
    }
    report = folder / "report.json"
    command = [sys.executable, "-m", "rayingest", "run", str(write_config(folder, config))]
    command += ["--engine", "local", "--parallelism", str(parallelism)]
    command += ["--progress", "none", "--report-json", str(report)]
    done = measure(command, environment=clean_environment(folder))
    book = json.loads(report.read_text("utf-8"))["types"]["dashboard"]
    if book["unchanged" if unchanged else "ok"] != size:
        fail(f"{book} of {size} dashboards")
    return done.numbers | {
        "wall_s": done.wall_s,
        "cpu_ms_each": done.numbers["cpu_s"] * 1000 / size,
    }


if __name__ == "__main__":
    main()
