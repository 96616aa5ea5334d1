# ruff: noqa: INP001, S603 - beside pages; our own tests
"""Write the figures of reliability.md from what the campaign recorded: `python3 dev.py reliability`.

    python3 dev.py reliability                  run the whole campaign (15 minutes), then write
    python3 dev.py reliability RECORD.jsonl     write from what an earlier one recorded

A record is a JSON line of `tests/faults/campaign.py`; `RAYINGEST_RECORD` names the file.
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

PAGE = Path(__file__).resolve().parent / "reliability.md"
ROOT = PAGE.parents[1]
BEGIN, END = "<!-- campaign: begin -->\n", "<!-- campaign: end -->"
HEADS = (
    "fault",
    "runs",
    "faults injected",
    "entities",
    "lost",
    "surplus",
    "wrongly deleted",
    "blamed though innocent",
    "culprits named",
    "written again",
    "seconds more than a clean run: median, most",
)


def main(arguments: list[str]) -> int:
    """Run, or read, and write; the exit code is pytest's."""
    if arguments and arguments[0] in ("-h", "--help"):
        print(__doc__)  # noqa: T201 - a program
        return 0
    code = 0
    with tempfile.TemporaryDirectory() as folder:
        record = Path(arguments[0]) if arguments else Path(folder) / "record.jsonl"
        if not arguments:
            code = campaign(record)
        records = [json.loads(line) for line in record.read_text("utf-8").splitlines()]
    text = PAGE.read_text("utf-8")
    PAGE.write_text(replaced(text, figures(records)), "utf-8")
    print(f"{PAGE.relative_to(ROOT)} is written from {len(records)} records")  # noqa: T201
    return code


def campaign(record: Path) -> int:
    """All seeds of all faults, one after the other."""
    command = [sys.executable, "-m", "pytest", "-q", "-m", "slow or not slow"]
    command.append("tests/faults/test_campaign.py")
    environment = os.environ | {"RAYINGEST_RECORD": str(record), "RAYINGEST_LONG_SEEDS": "3"}
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


def replaced(text: str, part: str) -> str:
    """The page with another part between its marks. Raises ValueError where they are not there."""
    before, found, rest = text.partition(BEGIN)
    _, also, after = rest.partition(END)
    if not (found and also):
        raise ValueError(f"{PAGE.name} has no part between {BEGIN.strip()} and {END}")
    return before + BEGIN + part + END + after


def figures(records: list[dict[str, Any]]) -> str:
    """The table, its sums, and what it was measured on."""
    by: dict[str, list[dict[str, Any]]] = {}
    for each in records:
        by.setdefault(each["fault"], []).append(each)
    rows = [HEADS, ("---",) * len(HEADS), *(line(name, each) for name, each in by.items())]
    rows.append(line("**all**", records))
    table = "".join(f"| {' | '.join(map(str, row))} |\n" for row in rows)
    day = datetime.now(UTC).date().isoformat()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    where = f"{platform.system()}, {cores} cores, Python {platform.python_version()}"
    return (
        f"On {day}, {where}: {len(records):,} runs with {total(records, 'injected'):,} injected faults,"
        f" each compared with a run without.\n\n{table}"
    )


def line(name: str, records: list[dict[str, Any]]) -> tuple[str, ...]:
    """One row: sums over the runs, and the seconds."""
    seconds = [each["recovery"] for each in records]
    sums = ("entities", "lost", "surplus", "deleted", "blamed", "culprits", "writtenAgain")
    return (
        name,
        f"{len(records):,}",
        f"{total(records, 'injected'):,}",
        *(f"{total(records, each):,}" for each in sums),
        f"{median(seconds):.1f}, {max(seconds):.1f}",
    )


def total(records: Iterable[dict[str, Any]], key: str) -> int:
    """A sum over records."""
    return sum(int(each[key]) for each in records)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
