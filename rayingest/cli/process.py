"""`rayingest process`: one or a few entities, told in detail: the debugging loop, and a step of Argo."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rayingest.cli import loading, options, output
from rayingest.errors import ConfigError

if TYPE_CHECKING:
    from rayingest.api import Job, Run
    from rayingest.core.source import EntityDescriptor

EntityOption = Annotated[
    list[str] | None,
    typer.Option(
        "--entity",
        metavar="ID|JSON|@FILE|-",
        help="An FQN, descriptors as JSON, a file of them, or standard input; may be repeated.",
    ),
]
ShowOption = Annotated[
    bool, typer.Option("--show", help="Write nothing; print the entities as they would be written.")
]


def process(
    config: options.ConfigArgument = None,
    *,
    config_option: options.ConfigOption = None,
    entity: EntityOption = None,
    dry_run: options.DryRunOption = False,
    show: ShowOption = False,
    run_id: options.RunIdOption = None,
    state_url: options.StateUrlOption = None,
    timeout: options.TimeoutOption = None,
    partial_ok: options.PartialOkOption = False,
    sets: options.SetOption = None,
    overlays: options.OverlayOption = None,
    report_json: options.ReportOption = None,
    log_format: options.LogFormatOption = "text",
    verbose: options.VerboseOption = False,
    quiet: options.QuietOption = False,
) -> None:
    """Describe and write a few entities. Prints a JSON line for each."""
    from rayingest.api.wishes import Wishes
    from rayingest.cli import advice, logs, outcome, summary
    from rayingest.cli.progress import Silent

    logs.configure(log_format, verbose=verbose, quiet=quiet)
    source = loading.which(config, config_option)
    outcome.check_target(report_json, stdout_taken=True)
    wanted = loading.filled(entity)
    if not wanted:
        raise ConfigError(
            "Which entity? --entity takes an FQN, a descriptor as JSON, @FILE or -.",
            hint="`rayingest discover CONFIG --limit 5` prints descriptors.",
        )
    if source == "-" and "-" in wanted:
        raise ConfigError("Config and entities cannot both come from standard input.")
    job = loading.load(source, sets=sets, overlays=overlays, flags={"state_url": state_url})
    chosen = descriptors(job, wanted)
    directory = job.run_directory(run_id)
    wishes = Wishes(
        run_id=directory.run_id,
        dry_run=dry_run,
        preview=len(chosen) if show else None,
        timeout=timeout,
        partial_ok=partial_ok,
    )
    outcome.announce(job, directory)
    done = job.process(chosen, wishes, log=logs.say, interrupted=Silent().interrupted)
    done.report.next_command = advice.after_process(done.report, source)
    with output.opened(None) as write:
        output.lines(results(done), write)
    outcome.keep(done.report, report_json)
    summary.show(done.report, quiet=not verbose, said=(*job.config.warnings, *job.messages))
    raise typer.Exit(done.report.exit_code)


def descriptors(job: "Job", wanted: Sequence[str]) -> list["EntityDescriptor"]:
    """What `--entity` means: JSON as it stands, names by discovery. Raises ConfigError."""
    from rayingest.api.wishes import parse_entities

    found: list[EntityDescriptor] = []
    names: list[str] = []
    for each in wanted:
        text = _text(each)
        if text.lstrip().startswith(("{", "[")):
            found += parse_entities(text)
        else:
            names += [line.strip() for line in text.splitlines() if line.strip()]
    if names:
        found += job.find(names)
    if not found:
        raise ConfigError("--entity: there is no descriptor in what was given.")
    return list({(each.type, each.id): each for each in found}.values())


def _text(value: str) -> str:
    if value == "-":
        return sys.stdin.read()
    if not value.startswith("@"):
        return value
    try:
        return Path(value[1:]).expanduser().read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise ConfigError(f"--entity {value}: cannot be read: {why}.") from error


def results(done: "Run") -> Iterator[dict[str, Any]]:
    """One entity's end after the other, and with --show what was described."""
    shown: dict[str, list[dict[str, Any]]] = {}
    for body in done.preview:
        shown.setdefault(str(body.get("fullyQualifiedName")), []).append(body)
    for each in done.entities():
        why = each.why
        told: dict[str, Any] = {
            "id": each.id,
            "type": each.type.value,
            "status": each.status,
            "why": f"{why.kind}: {why.message}" if why else None,
            "hint": why.hint if why else None,
            "attempts": each.attempts,
            "written": [
                {"type": row.type, "fqn": row.fqn, "outcome": row.outcome} for row in each.written
            ],
        }
        if done.preview:
            told["entities"] = [body for row in each.written for body in shown.get(row.fqn, [])]
        yield told
