"""`rayingest resume` and `rayingest retry`: go on with a run, or try again what failed in it."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, NamedTuple, NoReturn

import typer

from rayingest.cli import loading, options
from rayingest.cli.run import AcceptOption, TakeOverOption, finish

if TYPE_CHECKING:
    from rayingest.api.continuing import Beginning
    from rayingest.api.wishes import Wishes
    from rayingest.state.run_directory import RunDirectory

RunArgument = Annotated[
    str,
    typer.Argument(
        metavar="RUN", help="A run's id, the beginning of one, `latest`, or its folder."
    ),
]
ServiceOption = Annotated[
    str | None, typer.Option("--service", metavar="NAME", help="Only runs of this service.")
]


def resume(
    run: RunArgument,
    *,
    config: options.ConfigOption = None,
    service: ServiceOption = None,
    state_url: options.StateUrlOption = None,
    engine: options.EngineOption = None,
    address: options.AddressOption = None,
    parallelism: options.ParallelismOption = None,
    timeout: options.TimeoutOption = None,
    partial_ok: options.PartialOkOption = False,
    allow_untested: options.AllowUntestedOption = False,
    accept_config_change: AcceptOption = False,
    take_over: TakeOverOption = False,
    sets: options.SetOption = None,
    report_json: options.ReportOption = None,
    progress: options.ProgressOption = "auto",
    log_format: options.LogFormatOption = "text",
    verbose: options.VerboseOption = False,
    quiet: options.QuietOption = False,
) -> None:
    """Go on with a run after any end; what has its end is not done again."""
    from rayingest.api import continuing, runs
    from rayingest.api.wishes import Wishes

    shown = Shown(report_json, progress, log_format, verbose, quiet).configure()
    directory = runs.find(run, state_url=state_url, service=service)
    begun = continuing.begun(directory)
    wishes = Wishes(
        run_id=directory.run_id,
        select=begun.select,
        exclude=begun.exclude,
        dry_run=begun.dry_run,
        timeout=timeout,
        partial_ok=partial_ok,
        allow_untested=allow_untested,
        accept_config_change=accept_config_change,
        take_over=take_over,
        again=runs.find(begun.parent) if begun.parent else None,
    )
    flags = {"engine": engine, "address": address, "parallelism": parallelism}
    _go(directory, begun, wishes, shown, config=config, sets=sets, flags=flags)


def retry(
    run: RunArgument,
    *,
    config: options.ConfigOption = None,
    service: ServiceOption = None,
    state_url: options.StateUrlOption = None,
    run_id: options.RunIdOption = None,
    engine: options.EngineOption = None,
    address: options.AddressOption = None,
    parallelism: options.ParallelismOption = None,
    timeout: options.TimeoutOption = None,
    partial_ok: options.PartialOkOption = False,
    allow_untested: options.AllowUntestedOption = False,
    sets: options.SetOption = None,
    report_json: options.ReportOption = None,
    progress: options.ProgressOption = "auto",
    log_format: options.LogFormatOption = "text",
    verbose: options.VerboseOption = False,
    quiet: options.QuietOption = False,
) -> None:
    """Try again what failed in a run that has ended: a new run, which deletes nothing."""
    from rayingest.api import continuing, runs
    from rayingest.api.wishes import Wishes
    from rayingest.state.run_directory import new_run_id

    shown = Shown(report_json, progress, log_format, verbose, quiet).configure()
    parent = runs.find(run, state_url=state_url, service=service)
    begun = continuing.begun(parent)
    continuing.refuse_unfinished(parent)
    wishes = Wishes(
        run_id=run_id or new_run_id(),
        dry_run=begun.dry_run,
        timeout=timeout,
        partial_ok=partial_ok,
        allow_untested=allow_untested,
        again=parent,
    )
    flags = {"engine": engine, "address": address, "parallelism": parallelism}
    _go(parent, begun, wishes, shown, config=config, sets=sets, flags=flags)


class Shown(NamedTuple):
    """How a run is shown."""

    report_json: str | None
    progress: str
    log_format: str
    verbose: bool
    quiet: bool

    def configure(self) -> "Shown":
        """Write logs like this from now on; refuse a report that could not be written."""
        from rayingest.cli import logs, outcome

        logs.configure(self.log_format, verbose=self.verbose, quiet=self.quiet)
        outcome.check_target(self.report_json, stdout_taken=False)
        return self


def _go(
    directory: "RunDirectory",
    begun: "Beginning",
    wishes: "Wishes",
    shown: Shown,
    *,
    config: str | None,
    sets: Iterable[str] | None,
    flags: Mapping[str, object],
) -> NoReturn:
    from rayingest.api import continuing
    from rayingest.cli import logs, outcome
    from rayingest.cli.progress import shown as display

    given = loading.filled(sets)
    overlays: list[str] = []
    source = config
    if source is None:
        source, overlays, given = continuing.arguments(begun, given)
    where = {"state_url": continuing.state_url_of(directory)}
    now = {name: value for name, value in flags.items() if value is not None}
    job = loading.load(
        source, sets=given, overlays=overlays, flags={**begun.origin.flags, **now, **where}
    )
    outcome.announce(job, job.run_directory(wishes.run_id))
    title = f"{job.config.connector} {job.config.service!r} -> {job.config.sink.type}"
    with display(shown.progress, title, quiet=shown.quiet) as live:
        done = job.run(wishes, observe=live.observe, log=logs.say, interrupted=live.interrupted)
    finish(done, source, job, report_json=shown.report_json, quiet=shown.quiet)
