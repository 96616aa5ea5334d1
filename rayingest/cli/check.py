"""`rayingest check`: connect to source and sink, and say what is allowed and what to grant."""

from typing import TYPE_CHECKING

import typer

from rayingest.cli import loading, options, output
from rayingest.cli.exits import Exit

if TYPE_CHECKING:
    from rayingest.core.source import CheckResult

STYLES = {"ok": "green", "warning": "yellow", "denied": "red", "failed": "red"}


def check(
    config: options.ConfigArgument = None,
    *,
    config_option: options.ConfigOption = None,
    sets: options.SetOption = None,
    overlays: options.OverlayOption = None,
    form: options.FormatOption = "text",
    log_format: options.LogFormatOption = "text",
    verbose: options.VerboseOption = False,
    quiet: options.QuietOption = False,
) -> None:
    """Try source and sink. What works, what is denied, why, and what to grant."""
    from rayingest.cli import logs

    logs.configure(log_format, verbose=verbose, quiet=quiet)
    job = loading.load(loading.which(config, config_option), sets=sets, overlays=overlays)
    for each in job.config.warnings:
        logs.warning(each)
    results = list(job.check())
    with output.opened(None) as write:
        if form == "json":
            output.array(({"side": side} | _plain(each) for side, each in results), write)
        else:
            _table(results)
    bad = [each for _, each in results if each.status in ("failed", "denied")]
    if bad:
        logs.error(f"{len(bad)} of {len(results)} checks did not pass.", _next(bad))
        raise typer.Exit(Exit.CHECK)


def _plain(result: "CheckResult") -> dict[str, str | None]:
    return {
        "capability": str(result.capability),
        "status": result.status,
        "why": result.why,
        "grant": result.grant,
    }


def _next(bad: list["CheckResult"]) -> str | None:
    return next((each.grant for each in bad if each.grant), None)


def _table(results: list[tuple[str, "CheckResult"]]) -> None:
    from rich.text import Text

    table = output.plain_table("", "capability", "status", "why", "what to do")
    before = ""
    for side, each in results:
        status = Text(each.status, style=STYLES[each.status])
        cells = (Text(text or "") for text in (str(each.capability), each.why, each.grant))
        capability, why, grant = cells
        table.add_row("" if side == before else side, capability, status, why, grant)
        before = side
    output.console().print(table)
