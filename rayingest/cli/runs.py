"""`rayingest runs`: look at runs that were recorded, compare two, delete old ones."""

import shlex
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from rayingest.cli import options, output
from rayingest.errors import StateError

if TYPE_CHECKING:
    from rayingest.api.runs import Differences, Recorded, TypeDifferences
    from rayingest.execute.report import Report
    from rayingest.state.run_directory import RunDirectory

SAMPLES = 5
HEADS = ("only in the first", "only in the second", "content changed", "status changed")
HELP = "List runs that were recorded, look at one, compare two, delete old ones."
RunArgument = Annotated[
    str,
    typer.Argument(
        metavar="RUN",
        help="A run's id, the beginning of one, `latest`, or a run directory.",
        show_default=False,
    ),
]
OtherArgument = Annotated[
    str, typer.Argument(metavar="RUN", help="The run to compare it with.", show_default=False)
]
ServiceOption = Annotated[
    str | None, typer.Option("--service", metavar="NAME", help="Only runs of this service.")
]


def listed(
    *,
    service: ServiceOption = None,
    limit: Annotated[
        int, typer.Option("--limit", min=1, metavar="N", help="Stop after so many.")
    ] = 20,
    form: options.FormatOption = "text",
    state_url: options.StateUrlOption = None,
    verbose: options.VerboseOption = False,
) -> None:
    """List runs, newest first. How each ended, when, how much it found."""
    from rayingest.api import runs
    from rayingest.cli import logs
    from rayingest.state.run_directory import default_url

    logs.configure(verbose=verbose)
    url = state_url or default_url()
    found = runs.recorded(url, service, limit=limit + 1)
    _write(found[:limit], form)
    if not found:
        logs.info(f"No runs are recorded in {url}.")
    if len(found) > limit:
        logs.info(f"Only the newest {limit} are listed; --limit lists more.")


def show(
    run: RunArgument,
    *,
    service: ServiceOption = None,
    state_url: options.StateUrlOption = None,
    verbose: options.VerboseOption = False,
) -> None:
    """Tell how a run ended. Verdict, both books, errors, the next command."""
    from rayingest.api import runs
    from rayingest.cli import logs, summary

    logs.configure(verbose=verbose)
    directory = runs.find(run, state_url=state_url, service=service)
    usual = state_url is None and service is None and "/" not in run
    resume = f"rayingest resume {shlex.quote(directory.run_id if usual else directory.url)}"
    report = runs.stored(directory) or runs.standing(directory)
    report.run_directory = directory.url
    report.next_command = _next(report, directory, resume)
    console = output.console()
    if heading := _heading(report):
        console.print(heading, style="bold", markup=False)
    summary.show(report, quiet=False, console=console)


def report(
    run: RunArgument,
    *,
    target: Annotated[
        str | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Write to a file, whole or not at all."
        ),
    ] = None,
    service: ServiceOption = None,
    state_url: options.StateUrlOption = None,
    verbose: options.VerboseOption = False,
) -> None:
    """Print the report of a run, as it was written."""
    from rayingest.api import runs
    from rayingest.cli import logs

    logs.configure(verbose=verbose)
    directory = runs.find(run, state_url=state_url, service=service)
    data = runs.report_bytes(directory)
    with output.opened(target) as write:
        write(data)


def log(
    run: RunArgument,
    *,
    service: ServiceOption = None,
    state_url: options.StateUrlOption = None,
    verbose: options.VerboseOption = False,
) -> None:
    """Print the log that a submitted run has kept in its run directory."""
    from rayingest.api import runs
    from rayingest.cli import logs
    from rayingest.errors import ConfigError
    from rayingest.state import logbook

    logs.configure(verbose=verbose)
    directory = runs.find(run, state_url=state_url, service=service)
    kept = [text for _, text in logbook.pieces(directory.store)]
    if not kept:
        raise ConfigError(
            f"Run {directory.run_id} has kept no log in {directory.url}.",
            hint="Only runs that were submitted keep one; the others say all on their own terminal.",
        )
    with output.opened(None) as write:
        for text in kept:
            write(text.encode())


def diff(
    first: RunArgument,
    second: OtherArgument,
    *,
    form: options.FormatOption = "text",
    service: ServiceOption = None,
    state_url: options.StateUrlOption = None,
    verbose: options.VerboseOption = False,
) -> None:
    """Compare two runs. What only one has, what changed in content or in status."""
    from rayingest.api import runs
    from rayingest.cli import logs

    logs.configure(verbose=verbose)
    one, other = (runs.find(each, state_url=state_url, service=service) for each in (first, second))
    found = runs.differences(one, other)
    if form == "json":
        with output.opened(None) as write:
            output.lines([found], write)
    else:
        _differences(found)
    for each in found.notes:
        logs.warning(each)


def prune(
    *,
    keep: Annotated[
        int | None,
        typer.Option(
            "--keep", min=1, metavar="N", help="Keep the newest N of each service, delete others."
        ),
    ] = None,
    older_than: Annotated[
        float | None,
        typer.Option(
            "--older-than", min=0, metavar="DAYS", help="Delete only what began so many days ago."
        ),
    ] = None,
    service: ServiceOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Delete nothing; list what would be deleted.")
    ] = False,
    form: options.FormatOption = "text",
    state_url: options.StateUrlOption = None,
    verbose: options.VerboseOption = False,
) -> None:
    """Delete old runs. Each service's newest finished one stays, and what may be under way."""
    from rayingest.api import runs
    from rayingest.cli import logs
    from rayingest.cli.values import plural
    from rayingest.state.run_directory import default_url

    logs.configure(verbose=verbose)
    gone = runs.prune(
        state_url or default_url(),
        service,
        keep=keep,
        older_than=older_than,
        dry_run=dry_run,
    )
    _write(gone, form)
    how = "would be deleted; this was a dry run" if dry_run else "deleted"
    logs.info(f"{plural(len(gone), 'run')} {how}.")


def _write(found: Sequence["Recorded"], form: str) -> None:
    if form == "json":
        with output.opened(None) as write:
            output.array(found, write)
    elif found:
        _table(found)


def _table(found: Sequence["Recorded"]) -> None:
    from rich.text import Text

    from rayingest.cli.summary import COLOURS
    from rayingest.cli.values import spell

    table = output.plain_table("run", "service", "state", "started (UTC)", "took")
    for head in ("entities", "failed"):
        table.add_column(head, justify="right")
    for each in found:
        bad = each.counts.get("failed", 0) + each.counts.get("quarantined", 0)
        table.add_row(
            Text(each.id, no_wrap=True),
            Text(each.service),
            Text(each.state, COLOURS.get(each.state, "yellow")),
            f"{each.started:%Y-%m-%d %H:%M:%S}" if each.started else "?",
            spell(each.seconds) if each.seconds is not None else "",
            f"{each.counts['discovered']:,}" if "discovered" in each.counts else "",
            Text(f"{bad:,}" if each.counts else "", "red" if bad else "dim"),
        )
    output.console().print(table)


def _heading(report: "Report") -> str:
    """Whose run, and when; empty where no report says so."""
    if not report.ended_at:
        return ""
    began = report.started_at.partition(".")[0].replace("T", " ")
    how = f"{report.parallelism} at once on the {report.engine} engine"
    return f"Service {report.service}, started {began} UTC, {how}"


def _next(report: "Report", directory: "RunDirectory", resume: str) -> str:
    """What `rayingest run` said at its end, or would have: reports do not keep it."""
    from rayingest.api import continuing
    from rayingest.cli import advice

    begun = None
    with suppress(StateError):
        begun = continuing.read(directory)
    source = begun.origin.source if begun else ""
    config = source if source not in ("", "-") and "\n" not in source else "CONFIG"
    if begun is not None and (begun.kind == "process" or begun.preview):
        return advice.after_process(report, config)
    if not report.ended_at:
        return resume
    move = advice.next_command(report, config)
    return resume if move.startswith("rayingest resume ") else move


def _differences(found: "Differences") -> None:
    from rich.text import Text

    console = output.console()
    table = output.plain_table("type")
    for head in ("same", *HEADS):
        table.add_column(head, justify="right")
    for kind, each in found.types.items():
        counts = (each.same, *map(len, _changes(each)))
        table.add_row(kind, *(Text(f"{count:,}", "" if count else "dim") for count in counts))
    console.print(Text(f"From run {found.first} to run {found.second}", "bold"))
    console.print(table)
    for number, head in enumerate(HEADS):
        _names(head, {kind: _changes(each)[number] for kind, each in found.types.items()})


def _changes(each: "TypeDifferences") -> tuple[list[str], ...]:
    """What is named, in the order of HEADS."""
    ends = [f"{change.id} ({change.first} -> {change.second})" for change in each.status_changed]
    return each.only_in_first, each.only_in_second, each.content_changed, ends


def _names(head: str, names: Mapping[str, Sequence[str]]) -> None:
    from rich.text import Text

    console = output.console()
    if any(names.values()):
        console.print(Text(f"{head[0].upper()}{head[1:]}:", "bold"))
    for kind, ids in names.items():
        more = f" and {len(ids) - SAMPLES:,} more" if len(ids) > SAMPLES else ""
        if ids:
            console.print(Text(f"  {kind}: {', '.join(ids[:SAMPLES])}{more}"), soft_wrap=True)


COMMANDS: Mapping[str, Callable[..., None]] = {
    "list": listed,
    "show": show,
    "report": report,
    "log": log,
    "diff": diff,
    "prune": prune,
}
