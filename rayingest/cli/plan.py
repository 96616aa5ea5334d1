"""`rayingest plan`: what a run would do, how long it would take; nothing is written."""

from typing import TYPE_CHECKING, Annotated

import typer

from rayingest.cli import loading, options, output
from rayingest.cli.run import (
    AllowDeletionsOption,
    ExcludeOption,
    FullRefreshOption,
    SelectOption,
)
from rayingest.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from rayingest.api.plans import Plan, TypePlan
    from rayingest.execute.estimate import Estimate

SampleOption = Annotated[
    int,
    typer.Option(
        "--sample", min=0, metavar="N", help="Describe N entities to measure; 0: only list."
    ),
]
OutOption = Annotated[
    str | None,
    typer.Option("--out", metavar="FILE", help="Keep the plan, for `rayingest run --plan FILE`."),
]
AtOption = Annotated[
    str | None,
    typer.Option("--parallelism", metavar="N,N,…", help="Estimate runs at these parallelisms."),
]
NAMES = 5


def plan(
    config: options.ConfigArgument = None,
    *,
    config_option: options.ConfigOption = None,
    sample: SampleOption = 50,
    out: OutOption = None,
    at: AtOption = None,
    engine: options.EngineOption = None,
    address: options.AddressOption = None,
    state_url: options.StateUrlOption = None,
    select: SelectOption = None,
    exclude: ExcludeOption = None,
    full_refresh: FullRefreshOption = False,
    allow_deletions: AllowDeletionsOption = False,
    allow_untested: options.AllowUntestedOption = False,
    sets: options.SetOption = None,
    overlays: options.OverlayOption = None,
    form: options.FormatOption = "text",
    log_format: options.LogFormatOption = "text",
    verbose: options.VerboseOption = False,
    quiet: options.QuietOption = False,
) -> None:
    """Show what a run would create, update and delete, and what it would cost. Nothing is written."""
    from rayingest.api.wishes import Wishes
    from rayingest.cli import logs

    logs.configure(log_format, verbose=verbose, quiet=quiet)
    wanted = numbers(at)
    if out is not None:
        output.checked(out)
    flags = {"engine": engine, "address": address, "state_url": state_url}
    source = loading.which(config, config_option)
    job = loading.load(source, sets=sets, overlays=overlays, flags=flags)
    for each in (*job.config.warnings, *job.messages):
        logs.warning(each)
    wishes = Wishes(
        select=loading.filled(select),
        exclude=loading.filled(exclude),
        full_refresh=full_refresh,
        allow_deletions=allow_deletions,
        allow_untested=allow_untested,
    )
    made = job.plan(wishes, sample=sample, parallelism=wanted, log=logs.say)
    if out is not None:
        with output.opened(out) as write:
            write(made.to_json() + b"\n")
    if form == "json":
        with output.opened(None) as write:
            write(made.to_json() + b"\n")
    else:
        console = output.console()
        for part in parts(made, quiet=quiet, said=tuple(job.config.warnings)):
            console.print(part)
        if out is not None and made.state != "failed":
            logs.info(f"Next: rayingest run {source} --plan {out}")
    raise typer.Exit(made.exit_code)


def numbers(text: str | None) -> list[int]:
    """Parallelisms from `10,25,50`. Raises ConfigError."""
    try:
        found = [int(each) for each in (text or "").split(",") if each.strip()]
    except ValueError as error:
        raise ConfigError(f"--parallelism {text!r}: expected numbers, such as 10,25,50.") from error
    if any(each < 1 for each in found):
        raise ConfigError(f"--parallelism {text!r}: a parallelism is 1 or more.")
    return found


# --- in words ---


def parts(
    plan: "Plan", *, quiet: bool = False, said: tuple[str, ...] = ()
) -> "Iterator[RenderableType]":
    """The plan for people: what, then how long, then the sentence that sums it up."""
    from rich.text import Text

    from rayingest.cli import summary

    if not quiet and plan.types:
        yield _what(plan)
        yield from _names("To create", [name for _, name in plan.create])
        yield from _names("To delete", [name for _, name in plan.delete], "red")
        if any(each.filtered for each in plan.types.values()):
            told = (
                f"{kind} {each.filtered:,}" for kind, each in plan.types.items() if each.filtered
            )
            yield Text(f"Dropped by filters: {', '.join(told)}.")
    yield from summary.errors(plan.errors)
    yield from summary.unlisted(plan.not_listed)
    yield from summary.withheld(plan.withheld)
    if not quiet:
        yield from _how_long(plan)
    for each in (each for each in plan.warnings if each not in said):
        yield Text(each, "yellow")
    yield Text(plan.verdict, summary.COLOURS[plan.state])
    yield Text("Nothing was written: this is a plan.")


def _what(plan: "Plan") -> "RenderableType":
    from rich.text import Text

    from rayingest.cli.pace import ordered

    table = output.plain_table("entities")
    shown = [name for name, always in COLUMNS.items() if always or _any(plan, name)]
    for name in shown:
        table.add_column(HEADS.get(name, name), justify="right", no_wrap=True)
    for kind, each in ordered(plan.types).items():
        cells = (_cell(each, name, sampled=bool(plan.sample.described)) for name in shown)
        table.add_row(Text(kind), *cells)
    return table


COLUMNS = {
    "discovered": True,
    "create": True,
    "rewrite": False,
    "update": True,
    "unchanged": True,
    "delete": True,
    "withheld": False,
}
HEADS = {"rewrite": "write again", "update": "update?", "unchanged": "unchanged?"}


def _any(plan: "Plan", name: str) -> bool:
    return any(getattr(each, name) for each in plan.types.values())


def _cell(each: "TypePlan", name: str, *, sampled: bool) -> "RenderableType":
    from rich.text import Text

    count = getattr(each, name)
    text = f"{count:,}"
    if each.known and name == "update" and each.update_low < each.update_high:
        span = f"{each.update_low:,}-{each.update_high:,}"
        text = f"~{count:,} ({span})" if sampled else span
    elif each.known and name == "unchanged" and each.update_low < each.update_high:
        low = each.update + count - each.update_high
        text = f"~{count:,}" if sampled else f"{low:,}-{count:,}"
    style = "red" if name == "delete" and count else "" if count or "-" in text else "dim"
    return Text(text, style)


def _names(what: str, names: list[str], style: str = "") -> "Iterator[RenderableType]":
    from rich.text import Text

    if names:
        more = len(names) - NAMES
        told = ", ".join(names[:NAMES]) + (f" and {more:,} more" if more > 0 else "")
        yield Text(f"{what}: {told}", style or "dim")


def _span(one: "Estimate") -> str:
    from rayingest.cli.values import spell

    if one.high < 0.1:
        return "less than 0.1 s"
    return f"{spell(one.seconds)} ({spell(one.low)} to {spell(one.high)})"


def _how_long(plan: "Plan") -> "Iterator[RenderableType]":
    from rich.text import Text

    from rayingest.cli.values import plural, spell

    sample = plan.sample
    yield Text(f"Listing took {spell(plan.discovery_seconds)}.")
    if sample.described:
        each = sample.seconds / sample.described * 1000
        yield Text(
            f"Measured on {plural(sample.described, 'entity', 'entities')}: {each:,.1f} ms at the source"
            f" and {sample.cpu_seconds / sample.described * 1000:,.2f} ms CPU for one,"
            f" {plural(sample.calls, 'call')}."
        )
    if sample.failed:
        what = plural(sample.failed, "entity", "entities")
        yield Text(
            f"Of the sample {what} could not be described: {'; '.join(sample.failures)}", "yellow"
        )
    if plan.estimates:
        table = output.plain_table("parallelism")
        for head in ("a run would take", "calls to the source", "to the sink", "CPU", "vCPU-hours"):
            table.add_column(head, justify="right", no_wrap=True)
        table.add_column("what sets the pace")
        for one in plan.estimates:
            table.add_row(
                str(one.parallelism),
                _span(one),
                f"{one.source_calls:,}",
                f"{one.sink_calls:,}",
                spell(one.cpu_seconds),
                f"{one.vcpu_hours:.4f}" if one.vcpu_hours < 0.1 else f"{one.vcpu_hours:,.1f}",
                one.bound,
            )
        yield table
    for caveat in plan.caveats:
        yield Text(caveat, "dim")
