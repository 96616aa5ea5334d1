# ruff: noqa: INP001 - a program
"""At which size does a cold local Ray pay? One source, local engine against Ray, by number of tables.

python benchmarks/engines.py --sizes 100,1000,10000
"""

import sys
from typing import Any

from world import catalogue, finish, ingest, machine, parser, say, source, summary, table


def main() -> None:
    """Run as a program."""
    flags = parser(__doc__.splitlines()[0], tables=None)
    flags.add_argument("--sizes", default="100,1000,10000", help="numbers of tables")
    flags.add_argument("--parallelism", type=int, default=4, help="of rayingest run")
    told = flags.parse_args()
    facts = machine()
    samples: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for size in map(int, told.sizes.split(",")):
        found: dict[str, list[dict[str, Any]]] = {"local": [], "ray": []}
        with source(size) as here:
            for _ in range(told.runs):
                for engine, runs in found.items():
                    with catalogue(validate="off") as sink:
                        runs.append(ingest(here, sink, engine=engine, parallelism=told.parallelism))
                    say(f"{size:,} tables, {engine}: {runs[-1]['wall_s']:.2f} s")
        samples[str(size)] = found
    medians = {
        size: {engine: summary(runs) for engine, runs in found.items()}
        for size, found in samples.items()
    }
    table(
        f"whole process, P={told.parallelism}, {told.runs} runs",
        ("tables", "local s", "Ray s", "Ray/local"),
        [
            [
                f"{int(size):,}",
                each["local"]["wall_s"],
                each["ray"]["wall_s"],
                each["ray"]["wall_s"] / each["local"]["wall_s"],
            ]
            for size, each in medians.items()
        ],
    )
    result = {
        "runs": told.runs,
        "parallelism": told.parallelism,
        "medians": medians,
        "samples": samples,
    }
    finish("engines", facts, result, ok=True)


if __name__ == "__main__":
    sys.exit(main())
