# ruff: noqa: INP001 - a program
"""A second run over ten thousand PostgreSQL tables of which none has changed (budget row 8).

    python benchmarks/unchanged.py

The sink takes 40 ms a request and 2 ms an entity. The second run finds the state of the first one; it
must write nothing, and cost less.
"""

import statistics
import sys
from typing import Any

from world import (
    Source,
    budget,
    catalogue,
    fail,
    finish,
    ingest,
    machine,
    parser,
    say,
    scratch,
    source,
    summary,
    table,
)

REQUEST_MS, ENTITY_MS = 40.0, 2.0


def main() -> None:
    """Run as a program."""
    flags = parser(__doc__.splitlines()[0])
    flags.add_argument("--parallelism", type=int, default=4, help="of rayingest run")
    told = flags.parse_args()
    facts = machine()
    with source(told.tables) as here:
        pairs = []
        for number in range(told.runs):
            pairs.append(one_pair(here, told.parallelism))
            first, second = pairs[-1]
            say(
                f"pair {number + 1} of {told.runs}: {first['wall_s']:.2f} s, "
                f"then {second['wall_s']:.2f} s and {second['written']} rows written"
            )
    show(pairs, told)
    firsts, seconds = ([pair[at] for pair in pairs] for at in (0, 1))
    result = {
        "tables": told.tables,
        "medians": {"first": summary(firsts), "second": summary(seconds)},
        "samples": {"first": firsts, "second": seconds},
    }
    finish("unchanged", facts, result, ok=not any(each["written"] for each in seconds))


def one_pair(here: Source, parallelism: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """The same run twice, on one state and one catalogue."""
    with catalogue(ms=REQUEST_MS, per_entity_ms=ENTITY_MS) as sink, scratch() as place:
        found = []
        for _ in range(2):
            sink.before = sink.ask("GET", "/__stats")
            sample = ingest(here, sink, parallelism=parallelism, place=place)
            sample["written"] = sum(sample["rows"].values())
            found.append(sample)
    first, second = found
    if first["written"] < here.tables:
        fail(f"the first run wrote {first['written']} rows")
    return first, second


def show(pairs: list[tuple[dict[str, Any], dict[str, Any]]], told: Any) -> None:
    """The tables for people."""
    names = ("wall_s", "cpu_s", "max_rss_mb", "statements", "rest_calls", "written")
    medians = [summary([pair[at] for pair in pairs]) for at in (0, 1)]
    table(
        f"{told.tables:,} tables, P={told.parallelism}, {told.runs} pairs; "
        f"sink {REQUEST_MS:g} ms + {ENTITY_MS:g} ms an entity",
        ("median", "wall s", "client CPU", "max RSS MB", "statements", "REST", "rows written"),
        [
            [name, *(each[key] for key in names)]
            for name, each in zip(("first", "second"), medians, strict=True)
        ],
    )
    walls = statistics.median(second["wall_s"] / first["wall_s"] for first, second in pairs)
    cpus = statistics.median(second["cpu_s"] / first["cpu_s"] for first, second in pairs)
    written = max(second["written"] for _, second in pairs)
    lines = [
        budget("entity writes of the second run", written, 0),
        budget("wall, second against first", walls, 0.6),
        budget("CPU, second against first", cpus, 1),
    ]
    table("budget (row 8)", ("what", "found", "limit", ""), lines)


if __name__ == "__main__":
    sys.exit(main())
