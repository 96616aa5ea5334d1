"""`rayingest discover`: what exists, as descriptors, one JSON line each."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from rayingest.cli import loading, options, output
from rayingest.cli.exits import Exit
from rayingest.errors import ConfigError

if TYPE_CHECKING:
    from rayingest.api import Job
    from rayingest.core.source import ScopeListed
    from rayingest.model import EntityType

TypeOption = Annotated[
    str | None,
    typer.Option(
        "--type",
        "--entity-type",
        metavar="TYPE",
        help="Only this type: TABLE, table, stored_procedure, …",
    ),
]
OutputOption = Annotated[
    str | None,
    typer.Option("--output", "-o", metavar="FILE", help="Write to a file, whole or not at all."),
]
ExplainOption = Annotated[
    str | None,
    typer.Option(
        "--explain",
        metavar="NAME",
        help="Say which filter keeps or drops a name; nothing is listed.",
    ),
]


def discover(
    config: options.ConfigArgument = None,
    *,
    config_option: options.ConfigOption = None,
    entity_type: TypeOption = None,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, metavar="N", help="Stop after so many.")
    ] = None,
    form: Annotated[
        Literal["jsonl", "json"],
        typer.Option("--format", help="A descriptor a line, or one array (Argo's withParam)."),
    ] = "jsonl",
    group: Annotated[
        int | None,
        typer.Option(
            "--group", min=1, metavar="N", help="Arrays of N descriptors, not single ones."
        ),
    ] = None,
    target: OutputOption = None,
    explain: ExplainOption = None,
    sets: options.SetOption = None,
    overlays: options.OverlayOption = None,
    log_format: options.LogFormatOption = "text",
    verbose: options.VerboseOption = False,
    quiet: options.QuietOption = False,
) -> None:
    """List what exists. Descriptors that `rayingest process` takes; nothing is written."""
    from rayingest.cli import logs

    logs.configure(log_format, verbose=verbose, quiet=quiet)
    wanted = parsed(entity_type)
    job = loading.load(loading.which(config, config_option), sets=sets, overlays=overlays)
    for each in job.config.warnings:
        logs.warning(each)
    if explain is not None:
        _explain(job, explain, form)
        return
    if target not in (None, "-"):
        output.checked(str(target))
    missing: list[ScopeListed] = []
    found = job.discover(wanted, limit, unlisted=missing.append)
    values: Iterable[Any] = found if group is None else groups(found, group)
    with output.opened(target) as write:
        (output.array if form == "json" else output.lines)(values, write)
    for scope in missing:
        where = scope.scope or "the source"
        logs.warning(f"{where}: its list of {scope.type.value} is not complete: {scope.why}")
    if missing:
        raise typer.Exit(Exit.PARTIAL)


def parsed(text: str | None) -> "EntityType | None":
    """An entity type in any of its spellings. Raises ConfigError."""
    from rayingest.model import EntityType

    if text is None:
        return None
    try:
        return EntityType.parse(text)
    except ValueError as error:
        raise ConfigError(f"--type: {error}") from error


def groups(values: Iterable[Any], count: int) -> Iterator[list[Any]]:
    """Lists of so many; the last one may be shorter."""
    rest = iter(values)
    while some := list(islice(rest, count)):
        yield some


def _explain(job: "Job", name: str, form: str) -> None:
    try:
        told = list(dict.fromkeys(job.explain(name)))
    except ValueError as error:
        raise ConfigError(f"--explain: {error}") from error
    with output.opened(None) as write:
        if form == "json":
            rows = ({"type": kind.value, "kept": each.kept, "why": each.why} for kind, each in told)
            output.array(rows, write)
            return
        for kind, each in told:
            word = "kept" if each.kept else "dropped"
            write(f"as {kind.value}: {word}: {each.why}\n".encode())
