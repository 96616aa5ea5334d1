"""`rayingest state`: what is known from earlier runs; look at it, export it, forget it."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from rayingest.cli import loading, options, output
from rayingest.cli.exits import Exit
from rayingest.errors import ConfigError

if TYPE_CHECKING:
    from rayingest.api import Job
    from rayingest.api.known import Forgotten, Standing, Unreadable
    from rayingest.model import EntityType

HELP = "Look at what is known from earlier runs, export it, forget it."
OutputOption = Annotated[
    str | None,
    typer.Option("--output", "-o", metavar="FILE", help="Write to a file, whole or not at all."),
]


def show(
    config: options.ConfigArgument = None,
    *,
    config_option: options.ConfigOption = None,
    sets: options.SetOption = None,
    overlays: options.OverlayOption = None,
    state_url: options.StateUrlOption = None,
    scopes: Annotated[bool, typer.Option("--scopes", help="List every scope, too.")] = False,
    form: options.FormatOption = "text",
    verbose: options.VerboseOption = False,
) -> None:
    """Tell what is known. How many entities, what has vanished, what cannot be read."""
    from rayingest.api import known
    from rayingest.cli import logs

    logs.configure(verbose=verbose)
    found = known.look(_job(config, config_option, sets, overlays, state_url))
    if form == "json":
        with output.opened(None) as write:
            output.lines([found], write)
    else:
        _show(found, scopes=scopes)
    _warn(found.unreadable)


def export(
    config: options.ConfigArgument = None,
    *,
    config_option: options.ConfigOption = None,
    sets: options.SetOption = None,
    overlays: options.OverlayOption = None,
    state_url: options.StateUrlOption = None,
    target: OutputOption = None,
    verbose: options.VerboseOption = False,
) -> None:
    """Print all that is known. A JSON line for the key, one for each entity or vanished one."""
    from rayingest.cli import logs

    logs.configure(verbose=verbose)
    job = _job(config, config_option, sets, overlays, state_url)
    if target not in (None, "-"):
        output.checked(str(target))
    state = job.known()
    with output.opened(target) as write:
        output.lines(state.export(), write)
    for each in state.warnings:
        logs.warning(each)
    if state.unreadable:
        raise typer.Exit(Exit.PARTIAL)


def reset(
    config: options.ConfigArgument = None,
    *,
    config_option: options.ConfigOption = None,
    sets: options.SetOption = None,
    overlays: options.OverlayOption = None,
    state_url: options.StateUrlOption = None,
    entity_type: Annotated[
        str | None,
        typer.Option("--type", metavar="TYPE", help="With --scope: what the scope lists."),
    ] = None,
    scope: Annotated[
        str | None, typer.Option("--scope", metavar="FQN", help="Forget this scope only.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; else it is only told.")] = False,
    verbose: options.VerboseOption = False,
) -> None:
    """Forget what is known. The next run writes everything again; nothing is deleted."""
    from rayingest.api import known
    from rayingest.cli import logs

    logs.configure(verbose=verbose)
    wanted = _scope(entity_type, scope)
    job = _job(config, config_option, sets, overlays, state_url)
    gone = known.forget(job, wanted, dry_run=not yes)
    if not (gone.scopes or gone.unreadable):
        logs.info(f"Nothing is known of {job.config.service!r}: there is nothing to forget.")
    elif yes:
        logs.info(f"Forgotten: {_told(gone)}.")
        logs.info(_after(gone))
    else:
        raise ConfigError(f"This would forget {_told(gone)}. {_after(gone)}", hint="--yes does it.")


def _job(
    config: str | None,
    option: str | None,
    sets: list[str] | None,
    overlays: list[str] | None,
    state_url: str | None,
) -> "Job":
    source = loading.which(config, option)
    return loading.load(source, sets=sets, overlays=overlays, flags={"state_url": state_url})


def _scope(entity_type: str | None, scope: str | None) -> "tuple[EntityType, str] | None":
    """The scope that is meant; None: all of them. Raises ConfigError."""
    from rayingest.cli.discover import parsed

    kind = parsed(entity_type)
    if kind is None and scope is None:
        return None
    if kind is None or scope is None:
        raise ConfigError(
            "A scope is a type and an FQN: --type and --scope belong together.",
            hint="Such as: --type table --scope shop.shop.public; without both all is forgotten.",
        )
    return kind, scope


def _told(gone: "Forgotten") -> str:
    from rayingest.cli.values import plural

    where = plural(gone.scopes, "scope") if gone.scope is None else repr(gone.scope)
    broken = f", and {plural(gone.unreadable, 'unreadable shard')}" if gone.unreadable else ""
    return f"{plural(gone.entities, 'entity', 'entities')} in {where}{broken}"


def _after(gone: "Forgotten") -> str:
    """What it means for the next run."""
    where = "" if gone.scope is None else f" in {gone.scope!r}"
    text = (
        f"The next run writes everything{where} again, and deletes nothing that vanished before it."
    )
    if gone.missing:
        text += f" What waits for its deletion ({gone.missing:,}) stays in the sink for good."
    return text


# --- in words ---


def _show(found: "Standing", *, scopes: bool) -> None:
    from rich.text import Text

    from rayingest.cli import logs
    from rayingest.cli.secrecy import masked

    console = output.console()
    whose = f"Service {found.service}, written to {masked(found.sink)} by {found.config}"
    console.print(Text(whose, "bold"), soft_wrap=True)
    console.print(Text(f"Kept in {found.url}"), soft_wrap=True)
    if found.types:
        _table(found)
    elif not found.unreadable:
        console.print("Nothing is known yet: the next run writes everything, and deletes nothing.")
    for kind, each in found.types.items():
        if each.missing:
            rest = each.missing - len(each.samples)
            names = ", ".join(each.samples) + (f" and {rest:,} more" if rest else "")
            console.print(Text(f"Vanished and not deleted: {kind} {names}", "yellow"))
    if scopes and found.scopes:
        _scopes(found)
    if found.begun:
        logs.warning(
            f"Run {found.begun} writes now, or was cut off: then the next run writes again what that"
            " one may have changed."
        )
    if found.others:
        logs.info(
            f"There is a state of this service under another name: {masked('; '.join(found.others))}."
            " The name of the config's file, or ingestionPipelineFQN, is a part of the key."
        )


def _table(found: "Standing") -> None:
    from rich.text import Text

    table = output.plain_table("type")
    for head in ("scopes", "entities", "missing", "withheld"):
        table.add_column(head, justify="right")
    table.add_column("as left by run", no_wrap=True)
    for kind, each in found.types.items():
        counts = (each.scopes, each.entities, each.missing, each.withheld)
        shown = (Text(f"{count:,}", "" if count else "dim") for count in counts)
        table.add_row(Text(kind), *shown, Text(each.run))
    output.console().print(table)


def _scopes(found: "Standing") -> None:
    from rich.text import Text

    table = output.plain_table("type", "scope")
    for head in ("entities", "missing"):
        table.add_column(head, justify="right")
    table.add_column("as left by run", no_wrap=True)
    for each in found.scopes:
        counts = (sum(each.entities.values()), each.missing)
        shown = (Text(f"{count:,}", "" if count else "dim") for count in counts)
        table.add_row(Text(each.type.value), Text(repr(each.scope)), *shown, Text(each.run))
    output.console().print(table)


def _warn(unreadable: Sequence["Unreadable"]) -> None:
    from rayingest.cli import logs

    for each in unreadable:
        what = f"{each.type.value} in {each.scope!r}" if each.type else "a scope"
        logs.warning(
            f"What is known of {what} cannot be read: {each.url}: {each.why}. The next run writes"
            " it anew; what vanished from it before is not noticed."
        )


COMMANDS: Mapping[str, Callable[..., None]] = {"show": show, "export": export, "reset": reset}
