"""The table of what distributedExecution, --engine, threads and parallelism come to, for docs/."""

from collections.abc import Iterator
from itertools import product

from rayingest.config.execution import DistributedExecution, Engine, resolve
from rayingest.errors import ConfigError

BLOCKS: tuple[tuple[str, str, dict[str, object]], ...] = (
    ("false or absent", "any", {}),
    ("true", "ray", {"enabled": True}),
    ("true", "kuberay, argo", {"enabled": True, "orchestrator": "kuberay"}),
    ("true", "airflow", {"enabled": True, "orchestrator": "airflow"}),
)
ENGINES: tuple[Engine | None, ...] = (None, "local", "ray")


NUMBERS: dict[str, tuple[int | None, int | None, int | None]] = {
    "nothing more said": (None, None, None),
    "`threads: 8`": (8, None, None),
    "`parallelism: 20`": (None, 20, None),
    "both": (8, 20, None),
    "`--parallelism 4`": (8, 20, 4),
}
"""What is said of numbers: threads, parallelism in the block, --parallelism."""


def execution_table() -> str:
    """The whole table as Markdown, each answer given by `resolve` itself."""
    head = ["`enabled`", "`orchestrator`", "`--engine`", *NUMBERS]
    rows = [head, ["---"] * len(head), *_rows()]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _rows() -> Iterator[list[str]]:
    for (enabled, orchestrator, block), engine in product(BLOCKS, ENGINES):
        answers = (_answer(block, engine, *numbers) for numbers in NUMBERS.values())
        yield [enabled, orchestrator, engine or "absent", *answers]


def _answer(
    block: dict[str, object],
    engine: Engine | None,
    threads: int | None,
    written: int | None,
    forced: int | None,
) -> str:
    model = DistributedExecution.model_validate(block | {"parallelism": written})
    try:
        execution = resolve(model, engine=engine, threads=threads, forced=forced)
    except ConfigError:
        return "exit 2"
    if execution.launched:
        return f"Kubernetes, {execution.parallelism}"
    match execution.engine, execution.parallelism:
        case "ray", parallelism:
            return f"Ray, {parallelism}"
        case _, 1:
            return "this process, in order"
        case _, parallelism:
            return f"this process, {parallelism}"
