"""`rayingest validate`: everything that is wrong with a config, without a network."""

from typing import TYPE_CHECKING

import typer

from rayingest.cli import loading, options, output
from rayingest.cli.exits import Exit
from rayingest.cli.values import plural

if TYPE_CHECKING:
    from rayingest.config import ConfigErrors


def validate(
    config: options.ConfigArgument = None,
    *,
    config_option: options.ConfigOption = None,
    sets: options.SetOption = None,
    overlays: options.OverlayOption = None,
    engine: options.EngineOption = None,
    address: options.AddressOption = None,
    parallelism: options.ParallelismOption = None,
    state_url: options.StateUrlOption = None,
    form: options.FormatOption = "text",
    verbose: options.VerboseOption = False,
) -> None:
    """Find everything that is wrong with a config. Nothing is connected to."""
    from rayingest.cli import logs
    from rayingest.config import ConfigErrors

    logs.configure(verbose=verbose)
    source = loading.which(config, config_option)
    flags = {
        "engine": engine,
        "address": address,
        "parallelism": parallelism,
        "state_url": state_url,
    }
    try:
        job = loading.load(source, sets=sets, overlays=overlays, flags=flags)
    except ConfigErrors as error:
        _complain(error, form)
        raise typer.Exit(Exit.CONFIG) from error
    chosen = job.config
    execution = chosen.execution
    facts = {
        "valid": True,
        "connector": chosen.connector,
        "service": chosen.service,
        "sink": chosen.sink.type,
        "engine": execution.engine,
        "mode": execution.mode.value,
        "parallelism": execution.parallelism,
        "warnings": list(chosen.warnings),
        "problems": [],
    }
    with output.opened(None) as write:
        if form == "json":
            output.lines([facts], write)
            return
        stored = "" if chosen.connection else ", its connection from the catalogue"
        write(
            f"{chosen.name} is fine: {chosen.connector} {chosen.service!r}{stored} "
            f"-> {chosen.sink.type}, engine {execution.engine}, "
            f"{_at_once(execution.parallelism)}.\n".encode()
        )
    for each in chosen.warnings:
        logs.warning(each)


def _at_once(parallelism: int) -> str:
    return "one piece of work after the other" if parallelism == 1 else f"{parallelism} at once"


def _complain(error: "ConfigErrors", form: str) -> None:
    with output.opened(None) as write:
        if form == "json":
            found = [
                {
                    "file": each.mark.file,
                    "line": each.mark.line,
                    "column": each.mark.column,
                    "path": each.path,
                    "message": each.message,
                    "hint": each.hint,
                }
                for each in error.problems
            ]
            output.lines([{"valid": False, "problems": found}], write)
            return
        for each in error.problems:
            write(f"{each}\n".encode())
        write(f"{plural(len(error.problems), 'problem')}\n".encode())
