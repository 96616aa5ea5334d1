# ruff: noqa: INP001 - beside programs
"""How far off `rayingest plan` is: the duration and the calls that it foretells, against the run's.

Cases: PostgreSQL on loopback and behind a slow line, a sink that takes its time (which only a run
before this one can tell), and a source whose entities each take long, at two parallelisms. For each a
plan is made by a process of its own, and the same config is run by another, on the local engine. The
run's duration is its report's `seconds.total`: from the first thread to the last, without starting
Python.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from world import (
    Catalogue,
    Source,
    catalogue,
    clean_environment,
    document,
    finish,
    machine,
    measure,
    proxy,
    say,
    scratch,
    source,
    summary,
    table,
    workflow,
    write_config,
)

CASES = ("postgres", "slow line", "slow sink", "slow entities 10", "slow entities 50")
CHAOS = "rayingest.testing.chaos"


def main() -> None:
    """Run all cases so many times."""
    if len(sys.argv) > 1 and sys.argv[1] == "--child":
        child(sys.argv[2:])
    told = arguments()
    facts = machine()
    samples: dict[str, list[dict[str, Any]]] = {}
    with source(told.tables) as shop:
        for _ in range(told.runs):
            for case in told.cases:
                samples.setdefault(case, []).append(_case(case, shop, told))
    medians = {case: summary(each) for case, each in samples.items()}
    table(
        f"plan against run: {told.tables:,} PostgreSQL tables, {told.entities:,} slow entities",
        ["case", "planned s", "run s", "off", "inside", "calls planned", "calls"],
        [
            [
                case,
                each["planned_s"],
                each["run_s"],
                each["off"],
                f"{sum(one['inside'] for one in samples[case])}/{len(samples[case])}",
                int(each["planned_calls"]),
                int(each["calls"]),
            ]
            for case, each in medians.items()
        ],
    )
    finish("estimate", facts, {"samples": samples, "medians": medians}, ok=True)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=int, default=10_000)
    parser.add_argument("--entities", type=int, default=2_000, help="of the slow source")
    parser.add_argument("--ms", type=float, default=100, help="for each of them")
    parser.add_argument("--line-ms", type=float, default=20, help="of the slow line, each way")
    parser.add_argument("--sample", type=int, default=50)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--cases", nargs="+", choices=CASES, default=CASES)
    return parser.parse_args()


def _case(case: str, shop: Source, told: argparse.Namespace) -> dict[str, Any]:
    """One plan and one run."""
    with ExitStack() as stack:
        folder = stack.enter_context(scratch())
        slow = case == "slow sink"
        kept = stack.enter_context(catalogue(per_entity_ms=2 if slow else 0))
        parallelism = 4
        if case.startswith("slow entities"):
            parallelism = int(case.rpartition(" ")[2])
            config = _chaos(kept, told)
        else:
            line = _line(shop, told) if case == "slow line" else None
            config = document(shop, kept, host_port=stack.enter_context(line) if line else "")
        path = write_config(folder, config)
        if slow:  # a run that knows how long the sink takes
            _rayingest(folder, "run", path, parallelism, "--report-json", str(folder / "first"))
        more = ["--full-refresh"] if slow else []
        foretold = _plan(folder, path, parallelism, told.sample, more)
        report = folder / "report.json"
        _rayingest(folder, "run", path, parallelism, "--report-json", str(report), *more)
        done = json.loads(report.read_text("utf-8"))
    (estimate,) = foretold["estimates"]
    run = done["seconds"]["total"]
    say(f"{case}: {estimate['seconds']:.2f} s planned, {run:.2f} s run")
    return {
        "planned_s": estimate["seconds"],
        "low_s": estimate["low"],
        "high_s": estimate["high"],
        "run_s": run,
        "off": estimate["seconds"] / run - 1,
        "inside": estimate["low"] <= run <= estimate["high"],
        "planned_calls": estimate["sourceCalls"],
        "calls": done["calls"]["source"],
        "planned_sink_calls": estimate["sinkCalls"],
        "sink_calls": done["calls"]["sink"],
        "planned_cpu_s": estimate["cpuSeconds"],
        "cpu_s": done["cpuSeconds"],
        "bound": estimate["bound"],
        "bottleneck": done["bottleneck"],
    }


@contextmanager
def _line(shop: Source, told: argparse.Namespace) -> Iterator[str]:
    with proxy(f"{shop.server.host}:{shop.server.port}", ms=told.line_ms) as address:
        yield address


def _chaos(kept: Catalogue, told: argparse.Namespace) -> dict[str, Any]:
    connection = {"scopes": 4, "entities": told.entities // 4, "seconds": told.ms / 1000}
    return workflow("chaos", "slow", connection, {"type": "DatabaseMetadata"}, kept)


def _plan(
    folder: Path, config: Path, parallelism: int, sample: int, more: list[str]
) -> dict[str, Any]:
    out = folder / "plan.json"
    _rayingest(
        folder, "plan", config, parallelism, "--sample", str(sample), "--out", str(out), *more
    )
    made: dict[str, Any] = json.loads(out.read_text("utf-8"))
    return made


def _rayingest(folder: Path, command: str, config: Path, parallelism: int, *more: str) -> None:
    """One command of the program, in a process of its own that knows the chaotic source, too."""
    line = [sys.executable, str(Path(__file__)), "--child", command, str(config)]
    line += ["--engine", "local", "--parallelism", str(parallelism), "--allow-untested", *more]
    measure(line, environment=clean_environment(folder))


def child(line: list[str]) -> None:
    """Be `rayingest`."""
    from rayingest.cli.app import program
    from rayingest.core import registry

    registry.locations()["chaos"] = CHAOS
    sys.exit(program(line))


if __name__ == "__main__":
    main()
