# ruff: noqa: INP001 - a program
"""How long `import rayingest` and `rayingest --help` take (budget row 7), and what they import.

python benchmarks/start.py
"""

import statistics
import sys

from world import budget, clean_environment, finish, machine, measure, parser, scratch, table

COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "import rayingest": ["-c", "import rayingest"],
    "rayingest --help": ["-m", "rayingest", "--help"],
    "rayingest run --help": ["-m", "rayingest", "run", "--help"],
    "rayingest --version": ["-m", "rayingest", "--version"],
}
HEAVY = ("ray", "psycopg", "sqlalchemy", "httpx2", "pydantic", "rich", "typer", "yaml", "msgspec")


def main() -> None:
    """Run as a program."""
    told = parser(__doc__.splitlines()[0], tables=None, runs=10).parse_args()
    facts = machine()
    samples: dict[str, list[dict[str, float]]] = {name: [] for name in COMMANDS}
    with scratch() as folder:
        environment = clean_environment(folder)
        imports = {name: imported(each, environment) for name, each in COMMANDS.items()}
        for _ in range(told.runs):
            for name, command in COMMANDS.items():
                done = measure([sys.executable, *command], environment=environment, timeout=60)
                samples[name].append(done.numbers)
    medians = {
        name: {key: statistics.median(each[key] for each in found) for key in found[0]}
        for name, found in samples.items()
    }
    table(
        f"medians of {told.runs}",
        ("command", "wall s", "CPU s", "RSS MB", "modules", "of ours", "heavy ones"),
        [
            [
                name,
                each["wall_s"],
                each["cpu_s"],
                each["max_rss_mb"],
                len(imports[name]),
                sum(module.partition(".")[0] == "rayingest" for module in imports[name]),
                " ".join(heavy for heavy in HEAVY if heavy in imports[name]) or "-",
            ]
            for name, each in medians.items()
        ],
    )
    table(
        "budget (row 7)",
        ("what", "found", "limit", ""),
        [
            budget("import rayingest", medians["import rayingest"]["wall_s"], 0.2, " s"),
            budget("rayingest --help", medians["rayingest --help"]["wall_s"], 0.5, " s"),
        ],
    )
    counts = {
        name: {
            "modules": len(found),
            "heavy": [each for each in HEAVY if each in found],
        }
        for name, found in imports.items()
    }
    result = {"runs": told.runs, "medians": medians, "modules": counts, "samples": samples}
    finish("start", facts, result, ok=True)


def imported(command: list[str], environment: dict[str, str]) -> set[str]:
    """Every module that a command imports, by Python's own account; also warms the page cache."""
    done = measure(
        [sys.executable, "-X", "importtime", *command], environment=environment, timeout=60
    )
    lines = [line for line in done.output.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip() for line in lines[1:]}


if __name__ == "__main__":
    sys.exit(main())
