# ruff: noqa: INP001 - a program
"""Ten thousand PostgreSQL tables behind a slow line, P=50: local and Ray, whole process (budget row 4).

    python benchmarks/latency_40ms.py

A proxy of our own holds every byte back for 20 ms each way. The sink is tried twice: one that
answers at once, and one that takes 40 ms a request and 2 ms an entity.
"""

import itertools
import sys
from typing import Any

from postgres_10000 import proof_of
from world import (
    Source,
    budget,
    catalogue,
    finish,
    ingest,
    machine,
    parser,
    proxy,
    say,
    source,
    summary,
    table,
)

SINKS = {"instant": (0.0, 0.0), "slow": (40.0, 2.0)}
LIMITS = {"local": 10.0, "ray": 15.0}


def main() -> None:
    """Run as a program."""
    flags = parser(__doc__.splitlines()[0])
    flags.add_argument("--parallelism", type=int, default=50, help="of rayingest run")
    flags.add_argument("--ms", type=float, default=20, help="one way")
    flags.add_argument("--engines", default="local,ray", help="which, separated by commas")
    flags.add_argument("--sinks", default="instant,slow", help="which, separated by commas")
    told = flags.parse_args()
    facts = machine()
    ways = list(itertools.product(told.engines.split(","), told.sinks.split(",")))
    samples: dict[str, list[dict[str, Any]]] = {f"{one} / {two}": [] for one, two in ways}
    proofs: dict[str, Any] = {}
    with source(told.tables) as here:
        for number in range(told.runs):
            for engine, sink in ways:
                name = f"{engine} / {sink}"
                found, proof = one_run(here, engine, sink, told, prove=name not in proofs)
                samples[name].append(found)
                proofs.setdefault(name, proof)
                say(f"run {number + 1} of {told.runs}: {name}: {found['wall_s']:.2f} s")
    medians = {name: summary(found) for name, found in samples.items()}
    table(
        f"{told.tables:,} tables at a round trip of {2 * told.ms:g} ms, P={told.parallelism}, {told.runs} runs",
        (
            "engine / sink",
            "wall s",
            "of it the run",
            "client CPU",
            "driver RSS MB",
            "statements",
            "REST",
        ),
        [
            [
                name,
                each["wall_s"],
                each["run_s"],
                each["cpu_s"],
                each["driver_rss_mb"],
                int(each["statements"]),
                int(each["rest_calls"]),
            ]
            for name, each in medians.items()
        ],
    )
    table(
        "budget (row 4)",
        ("engine / sink", "found", "limit", ""),
        [
            budget(name, each["wall_s"], LIMITS[name.partition(" ")[0]], " s")
            for name, each in medians.items()
        ],
    )
    result = {
        "tables": told.tables,
        "runs": told.runs,
        "parallelism": told.parallelism,
        "one_way_ms": told.ms,
        "sinks": SINKS,
        "proofs": proofs,
        "medians": medians,
        "samples": samples,
    }
    good = all(not each["differences"] and not each["invalid"] for each in proofs.values())
    finish("latency_40ms", facts, result, ok=good)


def one_run(
    here: Source, engine: str, sink: str, told: Any, *, prove: bool
) -> tuple[dict[str, Any], dict[str, Any]]:
    """One whole process; what arrived in the first of its kind is compared with the database."""
    ms, per_entity_ms = SINKS[sink]
    with (
        proxy(here.server.host_port, ms=told.ms) as line,
        catalogue(ms=ms, per_entity_ms=per_entity_ms) as kept,
    ):
        found = ingest(here, kept, engine=engine, parallelism=told.parallelism, host_port=line)
        return found, proof_of(here, kept) if prove else {}


if __name__ == "__main__":
    sys.exit(main())
