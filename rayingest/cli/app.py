"""The program `rayingest`: its commands, and what happens to errors on the way out."""

import atexit
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import wraps
from typing import Annotated, Any, NoReturn

import typer

from rayingest import __version__
from rayingest.cli import (
    check,
    compare,
    connectors,
    discover,
    init,
    launched,
    plan,
    process,
    resume,
    run,
    runs,
    schema,
    state,
    submit,
    validate,
)
from rayingest.cli.exits import Exit, crashed, stdout_gone, told
from rayingest.errors import RayingestError

PREFIX = "RAYINGEST_"
NO_VARIABLE = {"--help", "--version"}
EPILOG = (
    "Every flag is also a variable: --run-id is RAYINGEST_RUN_ID; flags that may be repeated take "
    "one value a line. Exit codes: 0 ok, 1 failed, 2 usage or config, 3 partial success, 4 check "
    "failed, 5 stalled or --timeout, 130 interrupted."
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"rayingest {__version__} (Python {sys.version.split()[0]})")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which version.")
    ] = False,
) -> None:
    """Read the metadata of many systems, in parallel, into a catalogue, and prove that nothing was lost."""


def _interruptible(function: Callable[..., None]) -> Callable[..., None]:
    """Say it in a word, where a command has no way of its own to stop in good order."""

    @wraps(function)
    def call(*arguments: Any, **named: Any) -> None:
        try:
            function(*arguments, **named)
        except KeyboardInterrupt as error:
            from rayingest.cli import logs

            logs.warning("Interrupted.")
            raise typer.Exit(Exit.INTERRUPTED) from error

    return call


def command() -> Any:
    """The parser: all commands, every flag with its variable."""
    app = typer.Typer(
        name="rayingest",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        epilog=EPILOG,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    for module in (
        init,
        validate,
        check,
        discover,
        plan,
        compare,
        run,
        submit,
        process,
        connectors,
        schema,
    ):
        name = module.__name__.rpartition(".")[2]
        app.command(name)(_interruptible(getattr(module, name)))
    for name, function in (
        ("resume", resume.resume),
        ("retry", resume.retry),
        ("status", launched.status),
        ("logs", launched.log),
        ("stop", launched.stop),
        ("gc", launched.gc),
    ):
        app.command(name)(_interruptible(function))
    for group in (runs, state):
        name = group.__name__.rpartition(".")[2]
        app.add_typer(_group(group.HELP, group.COMMANDS), name=name)
    root = typer.main.get_command(app)
    for _, parameter in flags(root):
        parameter.envvar = variable(parameter)
        parameter.show_envvar = True
        # Values may hold spaces; one a line is what a YAML block in a pod spec gives.
        parameter.envvar_list_splitter = "\n"
    return root


def _group(about: str, functions: Mapping[str, Callable[..., None]]) -> typer.Typer:
    """Commands under one word: `rayingest runs list`."""
    group = typer.Typer(help=about, no_args_is_help=True, rich_markup_mode=None)
    for name, function in functions.items():
        group.command(name)(_interruptible(function))
    return group


def commands(root: Any) -> Iterator[tuple[str, Any]]:
    """Every command that does something, with its name: `run`, `runs list`."""
    for name, each in root.commands.items():
        if hasattr(each, "commands"):
            yield from ((f"{name} {below}", one) for below, one in commands(each))
        else:
            yield name, each


def flags(root: Any) -> Iterator[tuple[str, Any]]:
    """Every flag of every command that has a variable, with its command's name."""
    for name, each in commands(root):
        for parameter in each.params:
            if parameter.param_type_name == "option" and not NO_VARIABLE & set(parameter.opts):
                yield name, parameter


def variable(parameter: Any) -> str:
    """`--state-url` -> `RAYINGEST_STATE_URL`: the first long spelling counts."""
    long = next(each for each in parameter.opts if each.startswith("--"))
    return PREFIX + str(long)[2:].replace("-", "_").upper()


def program(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code. Nothing is raised."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        command().main(args=given, prog_name="rayingest")
    except SystemExit as left:
        return _flushed(left.code)
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except RayingestError as error:
        return told(error)
    except Exception as error:  # noqa: BLE001 - whatever nobody foresaw is told in one sentence
        verbose = bool({"-v", "--verbose"} & set(given) or os.environ.get("RAYINGEST_VERBOSE"))
        return crashed(error, verbose=verbose)
    return _flushed(0)


def _flushed(code: object) -> int:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        stdout_gone()
    return code if isinstance(code, int) else int(code is not None)


def _terminated(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def main() -> NoReturn:
    """Run the program as a process."""
    signal.signal(signal.SIGTERM, _terminated)
    codes: list[int] = []
    # The first to be registered is done last: instead of taking down a hundred megabytes of objects.
    atexit.register(lambda: _leave(codes[0]) if codes else None)
    codes.append(program())
    if codes[0] in (Exit.STALLED, Exit.INTERRUPTED):
        _leave(codes[0])  # a thread that never returns from the source must not keep the process
    sys.exit(codes[0])


def _leave(code: int) -> NoReturn:
    """End this process now, with nothing unsaid."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            continue
    os._exit(code)
