"""`rayingest submit --mode ray-job`: the same run on a Ray cluster that is there, and how its end is told."""

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from rayingest.cli import kubernetes
from rayingest.cli.exits import Exit
from rayingest.cli.values import unspoken
from rayingest.cli.waiting import Waiting
from rayingest.errors import ConfigError

if TYPE_CHECKING:
    from rayingest.api.ray_jobs import Ended
    from rayingest.launch.dashboard import Dashboard
    from rayingest.launch.job import JobStatus, RayRun

AddressOption = Annotated[
    str | None,
    typer.Option(
        "--address",
        metavar="URL",
        help="ray-job: the Ray dashboard, http://HOST:8265 (or RAY_API_SERVER_ADDRESS).",
    ),
]


def refuse_others(mode: str, *, ours: Mapping[str, object], others: Mapping[str, object]) -> None:
    """Each mode has flags that the other one cannot do anything with. Raises ConfigError."""
    odd = others if mode == "ray-job" else ours
    if given := [name for name, value in odd.items() if value]:
        another = "rayjob" if odd is others else "ray-job"
        raise ConfigError(
            f"{', '.join(given)}: --mode {mode} has no use for it.",
            hint=f"Leave it out, or take --mode {another}.",
        )


def submit(
    source: str,
    waiting: Waiting,
    *,
    address: str | None,
    overlays: Sequence[str],
    sets: Sequence[str],
    flags: Mapping[str, object],
    run_id: str | None,
    name: str | None,
    allow_untested: bool,
) -> None:
    """Give a run to a cluster; wait for it when that is wanted, and leave with its exit code."""
    from rayingest.api import giving
    from rayingest.cli import logs, secrecy
    from rayingest.launch.dashboard import connected

    prepared = giving.prepare(
        source,
        overlays=overlays,
        sets=sets,
        flags=flags,
        run_id=run_id,
        name=name,
        allow_untested=allow_untested,
    )
    chosen = prepared.job.config
    secrecy.remember(chosen.tree, dict(chosen.variables))
    with connected(address) as at:
        given = giving.submit(prepared, at)
        for each in (*prepared.warnings, *given.warnings):
            logs.warning(each)
        run = given.run
        logs.info(f"Run {run.run_id} is job {run.name} at {at.address}, Ray {given.version}.")
        if given.before:
            logs.info(f"It was submitted before: {given.status}.")
        if not waiting.wait:
            _lines(run, at)
            return
        ended = _waited(run, at, waiting, state_url=chosen.execution.state_url)
    finish(
        ended,
        at.address,
        partial_ok=waiting.partial_ok,
        report_json=waiting.report_json,
        quiet=waiting.quiet,
    )


def _lines(run: "RayRun", at: "Dashboard") -> None:
    """How to follow a run that goes on."""
    from rayingest.cli import logs

    logs.info(f"How it is: rayingest status {run.run_id} --address {at.address}")
    logs.info(f"Its log:   rayingest logs {run.run_id} --address {at.address} --follow")
    logs.info(f"End it:    rayingest stop {run.run_id} --address {at.address}")


def again(run_id: str, address: str) -> str:
    """The command that goes on with a run."""
    return f"rayingest submit CONFIG --mode ray-job --address {address} --run-id {run_id}"


def _waited(run: "RayRun", at: "Dashboard", waiting: Waiting, *, state_url: str | None) -> "Ended":
    """Wait, telling what happens; an interruption ends the command."""
    from rayingest.api import ray_jobs
    from rayingest.cli import logs

    def seen(status: "JobStatus") -> None:
        logs.info(f"{run.name}: {status}")

    line = _print if waiting.follow else None
    try:
        with kubernetes.terminated_as_interrupted():
            return ray_jobs.wait(
                run, at, state_url=state_url, seen=seen, uneasy=logs.warning, line=line
            )
    except KeyboardInterrupt:
        wanted = waiting.on_interrupt or kubernetes.chosen(f"Stop run {run.run_id}?")
        if wanted == "detach":
            logs.warning(f"Left alone: run {run.run_id} goes on.")
            _lines(run, at)
        else:
            at.stop(run.name)
            logs.warning(f"Run {run.run_id} is being stopped.")
            logs.info(f"To go on then: {again(run.run_id, at.address)}")
        raise typer.Exit(Exit.INTERRUPTED) from None


def _print(line: str) -> None:
    """A line of the run's log, beside what is said here; its report is told at the end."""
    from rayingest.api.lines import MARK

    if not line.startswith(MARK):
        sys.stderr.write(f"{unspoken(line)}\n")


def finish(
    ended: "Ended",
    address: str,
    *,
    partial_ok: bool = False,
    report_json: str | None = None,
    quiet: bool = False,
) -> NoReturn:
    """Tell how a run ended, and leave with its exit code."""
    from rayingest.cli import logs, outcome, summary
    from rayingest.launch.job import why
    from rayingest.launch.status import Outcome

    run_id = ended.status.run_id
    if ended.report is None:
        if ended.outcome is Outcome.FAILED:
            logs.error(*why(ended.status))
        if ended.outcome is Outcome.DELETED:
            forgotten(run_id)
        logs.error(
            f"The outcome of run {run_id} is unknown: {ended.unread}.",
            f"rayingest logs {run_id} --address {address}; --state-url says where the run is recorded. "
            f"`{again(run_id, address)}` goes on with it: what is done is not done twice.",
        )
        raise typer.Exit(Exit.FAILED)
    outcome.keep(ended.report, report_json)
    # At the end of the log stands a command for where the run was: the config is there, and its state.
    ended.report.next_command = again(run_id, address) if ended.report.resumable else ""
    summary.show(ended.report, quiet=quiet)
    raise typer.Exit(ended.code(partial_ok=partial_ok))


def forgotten(run_id: str) -> None:
    """Say why a job is not there any more."""
    from rayingest.cli import logs

    logs.warning(
        "The cluster knows nothing of the job any more, nor of its log: was its head made anew? "
        f"`rayingest runs show {run_id} --state-url URL` has what the run recorded."
    )
