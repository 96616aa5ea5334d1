"""`rayingest run` of several configs: a line for each that ends, one table, one exit code."""

import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import typer

from rayingest.cli import loading, output
from rayingest.errors import ConfigError, RayingestError

if TYPE_CHECKING:
    from rayingest.api import Job
    from rayingest.api.many import Source
    from rayingest.api.wishes import Wishes

SUFFIXES = (".yaml", ".yml", ".json")
OVERLAY = "rayingest"  # lies beside configs and is none
SCHEMA = "rayingest.reports/1"


def several(configs: Sequence[str]) -> list[str] | None:
    """The configs that are meant when they are more than one, or a folder. Raises ConfigError."""
    if len(configs) < 2 and not any(Path(each).is_dir() for each in configs):
        return None
    found: list[str] = []
    for each in configs:
        if each == "-":
            raise ConfigError("Standard input can only be read alone, not beside other configs.")
        path = Path(each)
        if not path.is_dir():
            found.append(each)
            continue
        inside = sorted(
            one
            for one in path.iterdir()
            if one.suffix in SUFFIXES and one.stem != OVERLAY and not one.name.startswith(".")
        )
        if not inside:
            raise ConfigError(f"There is no config (*.yaml, *.yml, *.json) in {each}.")
        found += map(str, inside)
    twice = sorted({each for each in found if found.count(each) > 1})
    if twice:
        raise ConfigError(f"A config is given twice: {', '.join(twice)}.")
    return found


def run_several(
    configs: Sequence[str],
    wishes: Callable[["Job"], "Wishes"],
    *,
    jobs: int,
    run_id: str | None,
    flags: Mapping[str, object],
    sets: Sequence[str],
    overlays: Sequence[str],
    report_json: str | None,
    quiet: bool,
) -> NoReturn:
    """Run them all, tell of each, and leave with the worst exit code."""
    from rayingest.api.many import Listener, run_many
    from rayingest.cli import logs
    from rayingest.cli.progress import Silent

    sources = [_loaded(each, flags, sets, overlays) for each in configs]
    _refuse_twins(sources, run_id)
    logs.info(f"{len(sources)} sources, up to {jobs} at once")
    listener = Listener(began=_begins, ended=_ended, log=logs.say, interrupted=Silent().interrupted)
    code = run_many(sources, wishes, jobs=jobs, listener=listener)
    if report_json is not None:
        with output.opened(report_json) as write:
            write(_reports(sources, code))
    good = sum(each.exit_code == 0 for each in sources)
    told = f"{good} of {len(sources)} sources succeeded; exit code {code}."
    if logs.is_json():
        (logs.info if code == 0 else logs.warning)(told)
    else:
        _table(sources, told, quiet=quiet)
    raise typer.Exit(code)


def _loaded(
    config: str, flags: Mapping[str, object], sets: Sequence[str], overlays: Sequence[str]
) -> "Source":
    """A config, or what is wrong with it: the others are run all the same."""
    from rayingest.api.many import Source
    from rayingest.cli import logs

    try:
        job = loading.load(config, sets=sets, overlays=overlays, flags=flags)
    except RayingestError as error:
        return Source(config, error=error)
    for each in (*job.config.warnings, *job.messages):
        logs.warning(f"{job.config.service}: {each}")
    return Source(config, job)


def _refuse_twins(sources: Sequence["Source"], run_id: str | None) -> None:
    """Two configs of one service under one run id would be one run: the second would do nothing."""
    ids: dict[tuple[str, str], str] = {}
    for each in sources:
        name = run_id or (each.job.config.pipeline_run_id if each.job is not None else None)
        if name is None:
            continue
        other = ids.setdefault((each.service, name), each.name)
        if other != each.name:
            raise ConfigError(
                f"{other} and {each.name} are of one service, {each.service!r}, and would be one run, {name!r}.",
                hint="Give them different serviceNames, or run them apart.",
            )


def _begins(source: "Source") -> None:
    from rayingest.cli import logs

    assert source.job is not None  # noqa: S101 - only those begin
    config = source.job.config
    where = "on Ray" if config.execution.engine == "ray" else "in this process"
    logs.info(
        f"{source.service}: reading {config.connector}, writing to {config.sink.type}: "
        f"up to {config.execution.parallelism} at once {where}"
    )


def _ended(source: "Source") -> None:
    from rayingest.cli import advice, exits, logs

    if source.run is None:
        assert source.error is not None  # noqa: S101 - one of the two
        logs.error(f"{source.name}:")
        exits.told(source.error)
        return
    report = source.run.report
    report.next_command = advice.next_command(report, source.name)
    say = logs.info if report.exit_code == 0 else logs.warning
    before = "it ended before, and nothing was done: " if source.run.finished_before else ""
    say(f"{source.service}: {before}{report.verdict}", run=report.run_id)


def _reports(sources: Sequence["Source"], code: int) -> bytes:
    """All reports in one document, in the order of the configs."""
    found = [
        {
            "config": each.name,
            "service": each.service,
            "exitCode": each.exit_code,
            "error": str(each.error) if each.error is not None else None,
            "report": json.loads(each.run.report.to_json()) if each.run is not None else None,
        }
        for each in sources
    ]
    whole = {"schema": SCHEMA, "exitCode": code, "sources": found}
    return json.dumps(whole, indent=2, ensure_ascii=False).encode() + b"\n"


def _table(sources: Sequence["Source"], verdict: str, *, quiet: bool) -> None:
    from rich.text import Text

    from rayingest.cli.values import spell

    table = output.plain_table("source", "ended", "entities", "written", "failed", "took")
    for each in sources:
        if each.run is None:
            table.add_row(each.service, "not run", "", "", "", "")
            continue
        report = each.run.report
        books = report.types.values()
        table.add_row(
            each.service,
            report.state,
            f"{sum(book['discovered'] for book in books):,}",
            f"{sum(book['acknowledged'] for book in report.entities.values()):,}",
            f"{sum(book['failed'] + book['quarantined'] for book in books):,}",
            spell(report.seconds.total),
        )
    console = output.console(stderr=True)
    if not quiet:
        console.print(table)
    for each in sources:
        if each.run is not None and each.run.report.next_command and each.exit_code:
            told = f"Next, for {each.service}: {each.run.report.next_command}"
            console.print(Text(told), soft_wrap=True)
        elif each.run is None and each.error is not None:
            told = f"Next, for {each.name}: rayingest validate {shlex.quote(each.name)}"
            console.print(Text(told), soft_wrap=True)
    console.print(Text(verdict))
