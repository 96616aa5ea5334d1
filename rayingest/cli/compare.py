"""`rayingest compare`: a shadow run against what the catalogue has; nothing is written."""

from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rayingest.cli import loading, options, output
from rayingest.cli.run import ExcludeOption, SelectOption

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from rayingest.api.comparison import Comparison, FieldGroup

OutOption = Annotated[
    str | None,
    typer.Option(
        "--out", metavar="FILE", help="Write every difference of every entity, a JSON line each."
    ),
]
NAMES = 5
FIELDS = 20
WORDS = {"differs": "differs", "here": "only here", "there": "only in the catalogue"}
COLUMNS = {
    "here": "here",
    "there": "in the catalogue",
    "same": "same",
    "changed": "differ",
    "create": "only here",
    "only_there": "only there",
    "renamed": "other FQN",
    "filtered": "filtered here",
    "unknown": "unknown",
}


def compare(
    config: options.ConfigArgument = None,
    *,
    config_option: options.ConfigOption = None,
    engine: options.EngineOption = None,
    address: options.AddressOption = None,
    parallelism: options.ParallelismOption = None,
    select: SelectOption = None,
    exclude: ExcludeOption = None,
    allow_untested: options.AllowUntestedOption = False,
    out: OutOption = None,
    sets: options.SetOption = None,
    overlays: options.OverlayOption = None,
    form: options.FormatOption = "text",
    progress: options.ProgressOption = "auto",
    log_format: options.LogFormatOption = "text",
    verbose: options.VerboseOption = False,
    quiet: options.QuietOption = False,
) -> None:
    """Hold what a run would write against what the catalogue has, field by field. Nothing is written."""
    from rayingest.api.wishes import Wishes
    from rayingest.cli import logs
    from rayingest.cli.progress import shown

    logs.configure(log_format, verbose=verbose, quiet=quiet)
    if out is not None:
        output.checked(out)
    flags = {"engine": engine, "address": address, "parallelism": parallelism}
    job = loading.load(
        loading.which(config, config_option), sets=sets, overlays=overlays, flags=flags
    )
    for each in (*job.config.warnings, *job.messages):
        logs.warning(each)
    wishes = Wishes(
        select=loading.filled(select),
        exclude=loading.filled(exclude),
        allow_untested=allow_untested,
    )
    title = f"{job.config.connector} {job.config.service!r} against {job.config.sink.type}"
    with ExitStack() as stack:
        tell = None
        if out is not None:
            write = stack.enter_context(output.opened(out))

            def tell(found: dict[str, Any]) -> None:
                output.lines([found], write)

        live = stack.enter_context(shown(progress, title, quiet=quiet))
        made = job.compare(wishes, tell=tell, observe=live.observe, log=logs.say)
    if form == "json":
        with output.opened(None) as write:
            write(made.to_json() + b"\n")
    else:
        console = output.console()
        for part in parts(made, quiet=quiet):
            console.print(part)
    raise typer.Exit(made.exit_code)


# --- in words ---


def parts(made: "Comparison", *, quiet: bool = False) -> "Iterator[RenderableType]":
    """The comparison for people; the sentence that sums it up is last."""
    from rich.text import Text

    from rayingest.cli import summary

    if not quiet:
        if made.types:
            yield _table(made)
        yield from _fields(made)
        yield from _names("Only here, a run would create them", made.create)
        yield from _names(
            "Only in the catalogue, a run would leave them as they are", made.only_there
        )
        for kind, here, there in made.renamed[:NAMES]:
            yield Text(f"Another FQN: {kind} {here} is {there} in the catalogue", "yellow")
        if (more := len(made.renamed) - NAMES) > 0:
            yield Text(f"… and {more:,} more under another FQN", "yellow")
    yield from summary.errors(made.errors)
    yield from summary.unlisted(made.not_listed)
    yield Text(made.verdict, summary.COLOURS[made.state])
    yield Text("Nothing was written: this was a comparison.")


def _table(made: "Comparison") -> "RenderableType":
    from rich.text import Text

    from rayingest.cli.pace import ordered

    table = output.plain_table("entities")
    always = ("here", "there", "same", "changed")
    used = [
        name
        for name in COLUMNS
        if name in always or any(getattr(each, name) for each in made.types.values())
    ]
    for name in used:
        table.add_column(COLUMNS[name], justify="right", no_wrap=True)
    for kind, each in ordered(made.types).items():
        counts = [getattr(each, name) for name in used]
        table.add_row(Text(kind), *(Text(f"{count:,}", "" if count else "dim") for count in counts))
    return table


def _fields(made: "Comparison") -> "Iterator[RenderableType]":
    from rich.text import Text

    if not made.fields:
        return
    yield Text("Fields that differ, the most frequent first:", "bold")
    for each in made.fields[:FIELDS]:
        word = WORDS[each.how]
        kept = "; the catalogue keeps its own, unless overrideMetadata" if each.kept else ""
        line = f"  {each.count:,} x {each.type} {each.field}: {word}{kept}"
        yield Text(line, "dim" if each.kept else "")
        yield Text(f"      {_sample(each)}", "dim")
    if (more := len(made.fields) - FIELDS) > 0:
        yield Text(f"  … and {more} more fields: see --format json.")


def _sample(group: "FieldGroup") -> str:
    first = group.samples[0]
    if group.how == "here":
        return f"{first.fqn} {first.field}: here {first.here!r}"
    if group.how == "there":
        return f"{first.fqn} {first.field}: catalogue {first.there!r}"
    return f"{first.fqn} {first.field}: here {first.here!r}, catalogue {first.there!r}"


def _names(what: str, names: list[tuple[str, str]]) -> "Iterator[RenderableType]":
    from rich.text import Text

    if names:
        more = len(names) - NAMES
        told = ", ".join(name for _, name in names[:NAMES])
        yield Text(f"{what}: {told}" + (f" and {more:,} more" if more > 0 else ""))
