"""`rayingest run`: discover, describe, write; the main job."""

from typing import Annotated

import typer

from rayingest.cli import loading, options, output
from rayingest.errors import ConfigError

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
AllowUntestedOption = Annotated[
    bool, typer.Option("--allow-untested", help="Use a connector that nothing has tested.")
]


def run(
    config: options.ConfigArgument = None,
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
    allow_untested: AllowUntestedOption = False,
    sets: options.SetOption = None,
    overlays: options.OverlayOption = None,
    report_json: options.ReportOption = None,
    progress: options.ProgressOption = "auto",
    log_format: options.LogFormatOption = "text",
    verbose: options.VerboseOption = False,
    quiet: options.QuietOption = False,
) -> None:
    """Read all that the config names, write it to its sink."""
    from rayingest.api.job import Wishes, parse_failures
    from rayingest.cli import advice, logs, outcome, summary
    from rayingest.cli.progress import shown

    logs.configure(log_format, verbose=verbose, quiet=quiet)
    source = loading.which(config, config_option)
    outcome.check_target(report_json, stdout_taken=preview is not None)
    parse_failures(max_failures)
    flags = {
        "engine": engine,
        "address": address,
        "parallelism": parallelism,
        "state_url": state_url,
    }
    job = loading.load(source, sets=sets, overlays=overlays, flags=flags)
    if not (verbose or quiet):
        logs.set_level(job.config.logger_level)
    directory = job.run_directory(run_id)
    wishes = Wishes(
        run_id=directory.run_id,
        select=loading.filled(select),
        exclude=loading.filled(exclude),
        dry_run=dry_run,
        preview=preview,
        timeout=timeout,
        max_failures=max_failures,
        partial_ok=partial_ok,
        allow_untested=allow_untested,
    )
    job.refuse_untested(wishes)
    outcome.announce(job, directory)
    title = f"{job.config.connector} {job.config.service!r} -> {job.config.sink.type}"
    with shown(progress, title, quiet=quiet) as live:
        done = job.run(wishes, observe=live.observe, log=logs.say, interrupted=live.interrupted)
    report = done.report
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
    raise typer.Exit(report.exit_code)
