"""`rayingest run`: discover, describe, write; the main job."""

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from rayingest.cli import loading, options, output
from rayingest.cli.many import run_several, several
from rayingest.errors import ConfigError

if TYPE_CHECKING:
    from rayingest.api import Job, Run
    from rayingest.api.wishes import Wishes

SelectOption = Annotated[
    list[str] | None,
    typer.Option(
        "--select", metavar="PATTERN", help="Only names or FQNs like this glob; may be repeated."
    ),
]
ExcludeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--exclude", metavar="PATTERN", help="No names or FQNs like this glob; may be repeated."
    ),
]
PreviewOption = Annotated[
    int | None,
    typer.Option(
        "--preview", min=1, metavar="N", help="Write nothing; print N entities as JSON lines."
    ),
]
MaxFailuresOption = Annotated[
    str | None,
    typer.Option(
        "--max-failures", metavar="N|P%", help="Stop when more than N, or P%, have failed."
    ),
]

AcceptOption = Annotated[
    bool,
    typer.Option("--accept-config-change", help="Go on with a run though its config has changed."),
]
TakeOverOption = Annotated[
    bool,
    typer.Option("--take-over", help="Go on though the run's driver may still be alive."),
]
FullRefreshOption = Annotated[
    bool, typer.Option("--full-refresh", help="Write again what the sink has already.")
]
AllowDeletionsOption = Annotated[
    bool,
    typer.Option(
        "--allow-deletions", help="Delete what the source may only hide from this account."
    ),
]


ConfigsArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="CONFIG...|DIR",
        help="The config file; several, or a folder of them; - is standard input.",
        show_default=False,
    ),
]
PlanOption = Annotated[
    str | None,
    typer.Option(
        "--plan", metavar="FILE", help="Run this plan: delete nothing that it does not name."
    ),
]
JobsOption = Annotated[
    int,
    typer.Option("--jobs", min=1, metavar="N", help="Of several configs, so many at once."),
]


def run(
    configs: ConfigsArgument = None,
    *,
    config_option: options.ConfigOption = None,
    engine: options.EngineOption = None,
    address: options.AddressOption = None,
    parallelism: options.ParallelismOption = None,
    run_id: options.RunIdOption = None,
    state_url: options.StateUrlOption = None,
    select: SelectOption = None,
    exclude: ExcludeOption = None,
    dry_run: options.DryRunOption = False,
    preview: PreviewOption = None,
    timeout: options.TimeoutOption = None,
    max_failures: MaxFailuresOption = None,
    partial_ok: options.PartialOkOption = False,
    allow_untested: options.AllowUntestedOption = False,
    accept_config_change: AcceptOption = False,
    take_over: TakeOverOption = False,
    full_refresh: FullRefreshOption = False,
    allow_deletions: AllowDeletionsOption = False,
    plan: PlanOption = None,
    jobs: JobsOption = 4,
    sets: options.SetOption = None,
    overlays: options.OverlayOption = None,
    report_json: options.ReportOption = None,
    progress: options.ProgressOption = "auto",
    log_format: options.LogFormatOption = "text",
    verbose: options.VerboseOption = False,
    quiet: options.QuietOption = False,
) -> None:
    """Read all that the config names, write it to its sink; of several configs, one beside the other."""
    from rayingest.api.wishes import Wishes, parse_failures
    from rayingest.cli import launching, logs, outcome, submitted
    from rayingest.cli.progress import shown

    logs.configure(log_format, verbose=verbose, quiet=quiet)
    given = loading.filled(configs)
    outcome.check_target(report_json, stdout_taken=preview is not None)
    parse_failures(max_failures)
    flags = {
        "engine": engine,
        "address": address,
        "parallelism": parallelism,
        "state_url": state_url,
    }
    wishes = Wishes(
        run_id=run_id,
        select=loading.filled(select),
        exclude=loading.filled(exclude),
        dry_run=dry_run,
        preview=preview,
        timeout=timeout,
        max_failures=max_failures,
        partial_ok=partial_ok,
        allow_untested=allow_untested,
        accept_config_change=accept_config_change,
        take_over=take_over,
        full_refresh=full_refresh,
        allow_deletions=allow_deletions,
    )
    wishes = planned(wishes, plan)
    if (many := several(given)) is not None:
        alone = preview is not None or plan is not None
        if alone or config_option not in (None, os.environ.get("RAYINGEST_CONFIG")):
            raise ConfigError("--preview, --plan and --config are for a single config.")
        run_several(
            many,
            lambda job: replace(wishes, run_id=job.run_directory(run_id).run_id),
            jobs=jobs,
            run_id=run_id,
            flags=flags,
            sets=loading.filled(sets),
            overlays=loading.filled(overlays),
            report_json=report_json,
            quiet=quiet,
        )
    source = loading.which(given[0] if given else None, config_option)
    try:
        job = loading.load(source, sets=sets, overlays=overlays, flags=flags)
    except ConfigError:
        if engine is None and launching.launched(source, sets, overlays, flags):
            launching.instead(source, sets, overlays, flags, wishes, report_json=report_json)
        raise
    if job.config.execution.launched:
        launching.instead(source, sets, overlays, flags, wishes, report_json=report_json)
    if not (verbose or quiet):
        logs.set_level(job.config.logger_level)
    directory = job.run_directory(run_id)
    wishes = replace(wishes, run_id=directory.run_id)
    job.refuse_untested(wishes)
    title = f"{job.config.connector} {job.config.service!r} -> {job.config.sink.type}"
    with submitted.recorded(directory):
        outcome.announce(job, directory)
        with shown(progress, title, quiet=quiet) as live:
            done = job.run(wishes, observe=live.observe, log=logs.say, interrupted=live.interrupted)
        finish(done, source, job, report_json=report_json, preview=preview, quiet=quiet)


def planned(wishes: "Wishes", plan: str | None) -> "Wishes":
    """The wishes of a run of a plan: those that it was made with. Raises ConfigError."""
    if plan is None:
        return wishes
    from rayingest.api import plans

    if wishes.select or wishes.exclude or wishes.full_refresh or wishes.allow_deletions:
        raise ConfigError(
            "--plan goes with none of --select, --exclude, --full-refresh and --allow-deletions.",
            hint="They are the plan's: make it with them.",
        )
    path = Path(plan).expanduser()
    try:
        text = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"--plan {plan} cannot be read: {error.strerror or error}.") from error
    told = plans.read(text, plan)
    return replace(
        wishes,
        plan=told,
        select=told.select,
        exclude=told.exclude,
        full_refresh=told.full_refresh,
        allow_deletions=told.allow_deletions,
    )


def finish(
    done: "Run",
    source: str,
    job: "Job",
    *,
    report_json: str | None,
    preview: int | None = None,
    quiet: bool = False,
) -> NoReturn:
    """Show how a run ended, and leave with its exit code."""
    from rayingest.cli import advice, logs, outcome, submitted, summary

    report = done.report
    if done.finished_before:
        logs.info(f"Run {report.run_id} ended before; nothing was done. This is its report.")
    report.next_command = advice.next_command(report, source)
    if preview is not None:
        with output.opened(None) as write:
            # Containers come first in a preview, and are no part of N.
            output.lines(done.preview[-preview:], write)
    try:
        outcome.keep(report, report_json)
    except ConfigError as error:
        logs.error(str(error), error.hint)
        report.exit_code = report.exit_code or 1
    summary.show(report, quiet=quiet, said=(*job.config.warnings, *job.messages))
    submitted.tell(report)
    raise typer.Exit(report.exit_code)
