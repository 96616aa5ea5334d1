"""What the commands about Kubernetes have in common: their flags, waiting for a run, how its end is told."""

import os
import signal
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn

import typer

from rayingest.cli import logs
from rayingest.cli.exits import Exit
from rayingest.cli.values import unspoken
from rayingest.errors import ConfigError, RayingestError

if TYPE_CHECKING:
    from rayingest.api.launched import Ending
    from rayingest.launch.finding import Submitted
    from rayingest.launch.kube import Kube
    from rayingest.launch.status import Status

FOLLOW_SECONDS = 5.0
OnInterrupt = Literal["delete", "detach"]

NamespaceOption = Annotated[
    str | None,
    typer.Option("--namespace", "-n", metavar="NAME", help="Namespace of the objects."),
]
ContextOption = Annotated[
    str | None,
    typer.Option("--context", metavar="NAME", help="Context of the kubeconfig (its current one)."),
]
OnInterruptOption = Annotated[
    OnInterrupt | None,
    typer.Option(
        "--on-interrupt",
        help="What Ctrl-C does to the run while --wait waits (asks at a terminal, else delete).",
    ),
]


def connected(context: str | None) -> "Kube":
    """The cluster. Raises ConfigError."""
    from rayingest.launch.kube import connected as connect

    return connect(context)


def lines(run: "Submitted") -> None:
    """How to follow a run that goes on."""
    place = f" -n {run.namespace}" if run.namespace else ""
    logs.info(f"How it is: rayingest status {run.run_id}{place}")
    logs.info(f"Its log:   rayingest logs {run.run_id}{place} --follow")
    logs.info(f"End it:    rayingest stop {run.run_id}{place}")
    kinds = run.owner.kind.plural
    logs.info(f"Watch it:  kubectl{place} get {kinds} {run.name} --watch")
    if kinds == "workflows":
        logs.info(f"In Argo:   argo{place} watch {run.name}")


def dashboard(run: "Submitted", status: "Status") -> str:
    """The line that opens Ray's dashboard on this machine."""
    service = status.dashboard.partition(".")[0].partition(":")[0] or f"{status.cluster}-head-svc"
    place = f" -n {run.namespace}" if run.namespace else ""
    return f"kubectl{place} port-forward service/{service} 8265, then http://localhost:8265"


def wait(
    cluster: "Kube",
    run: "Submitted",
    *,
    follow: bool,
    on_interrupt: OnInterrupt | None,
    state_url: str | None = None,
) -> "Ending":
    """Wait until a run has ended, telling what happens; an interruption ends the command."""
    from rayingest.api import launched
    from rayingest.launch.cluster import WATCH_SECONDS, WORKFLOWS
    from rayingest.launch.waiting import Awaited, Ended, Waiter, longest, settled

    following = launched.Following(cluster, run, state_url) if follow else None
    if following is not None and not following.possible:
        logs.warning(f"The log of run {run.run_id} cannot be read from here while it goes on.")
        following = None

    def glance() -> None:
        if following is not None:
            try:
                for each in following.news():
                    sys.stderr.write(f"{unspoken(each)}\n")
            except RayingestError as error:
                logs.warning(f"The log cannot be read just now: {error}")

    clusters: set[str] = set()

    def seen(status: "Status") -> None:
        logs.info(f"{run.owner.kind.name} {run.name}: {status}")
        if status.cluster and status.cluster not in clusters and status.deployment == "Running":
            clusters.add(status.cluster)
            logs.info(f"Dashboard: {dashboard(run, status)}")

    place = run.namespace or None
    waiter = Waiter(
        cluster=cluster,
        name=run.name,
        namespace=place,
        seen=seen,
        uneasy=logs.warning,
        glance=glance,
        look=FOLLOW_SECONDS if following is not None else WATCH_SECONDS,
    )
    coming = Awaited(
        cluster=cluster, name=run.name, namespace=place, seen=seen, uneasy=logs.warning
    )
    try:
        with terminated_as_interrupted():
            found = coming.wait() if run.owner.kind is WORKFLOWS else run.job
            ended = found if isinstance(found, Ended) else waiter.wait(longest(found))
            if run.owner.kind is WORKFLOWS:
                ended = settled(cluster, run.name, place, ended)
    except KeyboardInterrupt:
        _interrupted(cluster, run, on_interrupt)
    glance()
    return launched.ending(cluster, run, ended.outcome, ended.status, state_url=state_url)


def finish(
    run: "Submitted",
    ended: "Ending",
    *,
    partial_ok: bool = False,
    report_json: str | None = None,
    quiet: bool = False,
) -> NoReturn:
    """Tell how a run ended, and leave with its exit code."""
    from rayingest.cli import outcome, summary

    report = ended.report
    if report is None:
        logs.error(
            f"The outcome of run {run.run_id} is unknown: {ended.verdict} No report can be read: {ended.unread}",
            f"rayingest logs {run.run_id}; --state-url says where the run is recorded.",
        )
        raise typer.Exit(Exit.FAILED)
    if ended.outcome.value != "succeeded":
        logs.warning(ended.verdict)
    outcome.keep(report, report_json)
    summary.show(report, quiet=quiet)
    raise typer.Exit(ended.code(partial_ok=partial_ok))


def _interrupted(cluster: "Kube", run: "Submitted", on_interrupt: OnInterrupt | None) -> NoReturn:
    if (on_interrupt or chosen(f"Delete run {run.run_id} and its cluster?")) == "detach":
        logs.warning(f"Left alone: run {run.run_id} goes on.")
        lines(run)
        raise typer.Exit(Exit.INTERRUPTED)
    from rayingest.launch.putting import remove

    logs.warning(
        f"Interrupted: {run.owner.kind.name} {run.name} and its cluster are being deleted."
    )
    remove(cluster, run.owner.name, run.namespace or None, kind=run.owner.kind)
    logs.info(
        f"They are gone. To go on with the run: rayingest submit CONFIG --run-id {run.run_id}"
    )
    raise typer.Exit(Exit.INTERRUPTED)


def chosen(question: str) -> OnInterrupt:
    """Ask who sits at a terminal; where nobody does, nothing is left behind."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return "delete"
    try:
        gone = typer.confirm(question, default=True, err=True)
    except (typer.Abort, KeyboardInterrupt):
        return "delete"
    return "delete" if gone else "detach"


@contextmanager
def terminated_as_interrupted() -> Generator[None]:
    """Whoever ends this process ends the run, or leaves it, as Ctrl-C does."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def refuse_inside() -> None:
    """A run that was submitted submits nothing. Raises ConfigError."""
    if os.environ.get("RAYINGEST_SUBMITTED"):
        raise ConfigError("This is a submitted run already; it submits nothing itself.")
