"""What is said at the end of a run: the verdict, both books, errors, where the time went, what next."""

from collections.abc import Iterator, Mapping, Sequence

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from rayingest.cli import logs, output
from rayingest.cli.pace import ordered
from rayingest.cli.values import allowed, plural, size, spell
from rayingest.execute.events import WithheldGroup
from rayingest.execute.limits import LimitReport
from rayingest.execute.report import ErrorGroup, Report
from rayingest.state.packed import EDGE

COLOURS = {
    "success": "bold green",
    "partialSuccess": "bold yellow",
    "failed": "bold red",
    "stopped": "bold yellow",
    "stalled": "bold red",
}
DESCRIPTORS = (
    "discovered",
    "ok",
    "unchanged",
    "skipped",
    "failed",
    "quarantined",
    "deleted",
    "open",
)
ENTITIES = ("emitted", "acknowledged", "refused", "unchanged")
MANY_ERRORS = 10
MANY_SCOPES = 10


def show(
    report: Report, *, quiet: bool, said: tuple[str, ...] = (), console: Console | None = None
) -> None:
    """Write the end of a run to standard error; `said` are warnings that were told before."""
    if logs.is_json():
        events(report, said)
        return
    console = console or output.console(stderr=True)
    if not quiet:
        for part in parts(report, said):
            console.print(part)
    for text in verdict(report):
        console.print(text, soft_wrap=True)  # paths and commands are there to be copied


def parts(report: Report, said: tuple[str, ...] = ()) -> Iterator[RenderableType]:
    """Everything but the verdict, which is read last."""
    if books := _books(report):
        yield from books
    yield from errors(report.errors)
    yield from unlisted(report.not_listed)
    yield from withheld(report.withheld)
    if report.rewritten:
        names = ", ".join(report.rewritten[:MANY_SCOPES])
        yield Text(f"Written anew, for the sink has not as many entities there as it had: {names}.")
    if report.seconds.total:
        yield from _time(report)
    for each in (*report.advice, *(each for each in report.warnings if each not in said)):
        yield Text(each)


def verdict(report: Report) -> Iterator[Text]:
    """One sentence, whether anything was written, where it is recorded, and the next command."""
    yield Text(report.verdict, COLOURS[report.state])
    if report.dry_run:
        yield Text("Nothing was written: this was a dry run.", "bold")
    yield Text(f"Run {report.run_id}, recorded in {report.run_directory}")
    if report.next_command:
        yield Text.assemble("Next: ", (report.next_command, "bold"))


def _books(report: Report) -> list[RenderableType]:
    found: list[RenderableType] = []
    if report.types:
        found.append(_book("descriptors", DESCRIPTORS, report.types))
    if report.entities:
        found.append(_book("entities", ENTITIES, report.entities))
    if any(report.filtered.values()):
        told = ", ".join(f"{kind} {count:,}" for kind, count in report.filtered.items() if count)
        found.append(Text(f"Dropped by filters: {told}."))
    if report.unresolved:
        what = plural(report.unresolved, "reference")
        named = ", ".join(each.replace(":", " ", 1) for each in report.unresolved_samples[:3])
        first = f": {named}{', …' if report.unresolved > 3 else ''}" if named else ""
        found.append(
            Text(f"Unresolved: {what} to what neither this run nor the catalogue has{first}.")
        )
    return found


def _book(name: str, heads: tuple[str, ...], book: Mapping[str, Mapping[str, int]]) -> Table:
    """A book; columns that are zero everywhere are left out, but for the first two."""
    used = [
        each for each in heads if each in heads[:2] or any(row.get(each) for row in book.values())
    ]
    table = output.plain_table(name)
    for each in used:
        table.add_column(each, justify="right", no_wrap=True)
    for kind, row in ordered(book).items():
        table.add_row(Text(kind), *(_count(each, row.get(each, 0)) for each in used))
    return table


def _count(head: str, count: int) -> Text:
    bad = head in ("failed", "quarantined", "refused") and count
    return Text(f"{count:,}", "red" if bad else "" if count else "dim")


def errors(found: Sequence[ErrorGroup]) -> Iterator[Text]:
    """Groups of errors, each with what to do about it."""
    if found:
        yield Text("Errors, alike ones together:", "bold")
    for each in found[:MANY_ERRORS]:
        yield Text.assemble((f"  {each.count:,} x ", "red"), f"{each.kind}: {each.message}")
        if each.hint:
            yield Text(f"      → {each.hint}")
        yield Text(f"      {_samples(each)}  [{each.fingerprint}]", "dim")
    if len(found) > MANY_ERRORS:
        yield Text(f"  … and {len(found) - MANY_ERRORS} more kinds: see report.json.")


def _samples(group: ErrorGroup) -> str:
    more = group.count - len(group.samples)
    return "at " + ", ".join(group.samples) + (f" and {more:,} more" if more > 0 else "")


def unlisted(scopes: Sequence[str]) -> Iterator[Text]:
    """Scopes of which nothing is known."""
    if not scopes:
        return
    rest = len(scopes) - MANY_SCOPES
    names = ", ".join(scopes[:MANY_SCOPES]) + (f" and {rest} more" if rest > 0 else "")
    yield Text(f"Could not be listed, and so nothing is known of what is there: {names}.", "yellow")


def withheld(groups: Sequence[WithheldGroup]) -> Iterator[Text]:
    """Deletions that are not made, and why."""
    for each in groups[:MANY_ERRORS]:
        one, many = ("edge", "edges") if each.type == EDGE else ("entity", "entities")
        what = plural(each.count, f"{each.type} {one}", f"{each.type} {many}")
        yield Text(f"Vanished and not deleted: {what}. {each.reason}", "yellow")
        more = each.count - len(each.samples)
        names = ", ".join(each.samples) + (f" and {more:,} more" if more else "")
        yield Text(f"      {names}", "dim")


def _time(report: Report) -> Iterator[Text]:
    seconds, calls = report.seconds, report.calls
    phases = (
        ("start-up", seconds.startup),
        ("discovery", seconds.discovery),
        ("source", seconds.source),
        ("sink", seconds.sink),
        ("waiting for the sink", seconds.waiting),
        ("waiting for limits of the source", seconds.limits),
    )
    told = ", ".join(f"{name} {spell(each)}" for name, each in phases if each >= 0.05)
    yield Text(f"Time: {spell(seconds.total)} in all" + (f"; summed: {told}." if told else "."))
    yield from (_limit(each) for each in report.limits if each.calls)
    yield from _watched(report)
    if report.bottleneck and report.types:
        yield Text(f"The bottleneck was {report.bottleneck}.")
    if report.parallelism > 1 and report.speed_up >= 1:
        yield Text(
            f"{report.speed_up:.1f} times as fast as one call after the other "
            f"({report.parallelism} at once on the {report.engine} engine)."
        )
    yield Text(
        f"{plural(calls.get('source', 0), 'call')} to the source, {calls.get('sink', 0):,} to the sink; "
        f"{report.cpu_seconds:.1f} s CPU and {size(report.peak_rss_bytes)} in this process.",
        "dim",
    )


def _watched(report: Report) -> Iterator[Text]:
    """What the watchdogs saw: stalls, too little memory, a CPU limit."""
    for each in report.stalls[:MANY_SCOPES]:
        slowest = f"; the longest: {', '.join(each.slowest)}" if each.slowest else ""
        where = f" What every thread did is in {each.file}." if each.file else ""
        told = f"Nothing happened for {spell(each.seconds)} from {each.since}, with {each.in_flight} in flight{slowest}."
        yield Text(told + where, "yellow")
    if report.crammed:
        what = plural(report.crammed, "worker")
        yield Text(
            f"Too little memory: {what} held more than its part; chunks were made smaller.",
            "yellow",
        )
    if report.throttled_seconds > max(1.0, report.seconds.total / 20):
        yield Text(
            f"The container’s CPU limit held its threads back for {spell(report.throttled_seconds)} in all:"
            " give it more CPU, or lower the parallelism.",
            "yellow",
        )


def _limit(limit: LimitReport) -> Text:
    """One limit: what it allows, how many calls it saw, who waited most."""
    allows = [allowed(limit.rate)] if limit.rate else []
    if limit.max_concurrency:
        allows.append(f"{limit.max_concurrency} at once")
    if limit.adaptive and limit.window:
        allows.append(f"{limit.window} at once as the server answered")
    told = f"Limit {limit.name} ({', '.join(allows)}): {plural(limit.calls, 'call')}"
    if limit.refused:
        told += f", {limit.refused:,} refused"
    if limit.waited_seconds >= 0.05:
        told += f", waited {spell(limit.waited_seconds)} in all, {spell(limit.longest_wait_seconds)} at most"
    if len(limit.waited) > 1 and limit.waited_seconds >= 0.05:
        most = max(limit.waited, key=lambda each: limit.waited[each])
        told += f"; {most} most ({spell(limit.waited[most])})"
    return Text(f"{told}.")


def events(report: Report, said: tuple[str, ...] = ()) -> None:
    """The same for programs: an event per group of errors, one for the verdict."""
    for each in report.errors:
        fields = {"class": each.kind, "count": each.count, "samples": each.samples}
        hint = {"hint": each.hint} if each.hint else {}
        logs.say("error", each.message, fingerprint=each.fingerprint, **fields, **hint)
    for text in (*report.advice, *(each for each in report.warnings if each not in said)):
        logs.warning(text)
    level = "info" if report.state == "success" else "warning"
    logs.say(
        level,
        report.verdict,
        runId=report.run_id,
        state=report.state,
        exitCode=report.exit_code,
        dryRun=report.dry_run,
        types=report.types,
        entities=report.entities,
        notListed=report.not_listed,
        bottleneck=report.bottleneck,
        runDirectory=report.run_directory,
        next=report.next_command,
    )
