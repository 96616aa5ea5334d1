# ruff: noqa: INP001 - a program
"""Ten thousand PostgreSQL tables on a Ray that is started for it: the whole process (budget row 3).

    python benchmarks/ray_cold.py

Every run starts and ends its own local Ray. The driver's peak memory is from the run's report
(its worker processes are not counted); the wall is that of the process, from exec to exit. The
first run is not timed: it fills the page cache and proves that everything arrived.
"""

import sys
from typing import Any

from postgres_10000 import proof_of
from world import (
    budget,
    catalogue,
    finish,
    ingest,
    machine,
    parser,
    say,
    source,
    summary,
    table,
)


def main() -> None:
    """Run as a program."""
    flags = parser(__doc__.splitlines()[0])
    flags.add_argument("--parallelism", type=int, default=4, help="of rayingest run")
    told = flags.parse_args()
    facts = machine()
    samples: list[dict[str, Any]] = []
    with source(told.tables) as here:
        with catalogue() as sink:
            say("the first run, which is also the proof …")
            first = ingest(here, sink, engine="ray", parallelism=told.parallelism)
            proof = proof_of(here, sink)
        for number in range(told.runs):
            with catalogue() as sink:
                samples.append(ingest(here, sink, engine="ray", parallelism=told.parallelism))
            say(f"run {number + 1} of {told.runs}: {samples[-1]['wall_s']:.2f} s")
    middle = summary(samples)
    table(
        f"{told.tables:,} tables on a cold local Ray, P={told.parallelism}, {told.runs} runs",
        (
            "",
            "wall s",
            "of it the run",
            "start-up",
            "driver CPU",
            "driver RSS MB",
            "statements",
            "REST",
        ),
        [
            [
                "median",
                middle["wall_s"],
                middle["run_s"],
                sorted(each["seconds"]["startup"] for each in samples)[len(samples) // 2],
                middle["cpu_s"],
                middle["driver_rss_mb"],
                int(middle["statements"]),
                int(middle["rest_calls"]),
            ],
            [
                "first",
                first["wall_s"],
                first["run_s"],
                first["seconds"]["startup"],
                first["cpu_s"],
                first["driver_rss_mb"],
                int(first["statements"]),
                int(first["rest_calls"]),
            ],
        ],
    )
    table(
        "budget (row 3)",
        ("what", "found", "limit", ""),
        [
            budget("wall of the whole process", middle["wall_s"], 15, " s"),
            budget("  [stretch]", middle["wall_s"], 8, " s"),
            budget("driver RSS", middle["driver_rss_mb"], 300, " MB"),
        ],
    )
    result = {
        "tables": told.tables,
        "runs": told.runs,
        "parallelism": told.parallelism,
        "proof": proof,
        "medians": middle,
        "samples": samples,
        "first": first,
    }
    finish("ray_cold", facts, result, ok=not proof["differences"] and not proof["invalid"])


if __name__ == "__main__":
    sys.exit(main())
