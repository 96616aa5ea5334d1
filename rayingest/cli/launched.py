"""`rayingest status`, `logs`, `stop` and `gc`: runs that were submitted to Kubernetes."""

import sys
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from rayingest.cli import options, output
from rayingest.cli.exits import Exit
from rayingest.cli.kubernetes import ContextOption, NamespaceOption, RunArgument

if TYPE_CHECKING:
    from rayingest.launch.finding import Submitted
    from rayingest.launch.kube import Kube

FollowOption = Annotated[
    bool, typer.Option("--follow", "-f", help="Go on until the run has ended.")
]


def status(
    run: Annotated[
        str | None, typer.Argument(metavar="RUN", help="A run's id, or the name of its RayJob.")
    ] = None,
    *,
    namespace: NamespaceOption = None,
    context: ContextOption = None,
    state_url: options.StateUrlOption = None,
    form: options.FormatOption = "text",
    verbose: options.VerboseOption = False,
) -> None:
    """Tell how a submitted run is, or how it ended; without RUN list all of a namespace."""
    from rayingest.cli import logs
    from rayingest.launch import finding

    logs.configure(verbose=verbose)
    from rayingest.cli.kubernetes import connected

    with connected(context) as cluster:
        if run is None:
            _list(finding.submitted(cluster, namespace), form, namespace or cluster.namespace)
            return
        found = finding.find(cluster, run, namespace)
        if form == "json":
            _write([found])
        else:
            _show(found)
        if found.status.outcome is not None:
            _end(cluster, found, state_url)
        _going(found, state_url)


def log(
    run: RunArgument,
    *,
    namespace: NamespaceOption = None,
    context: ContextOption = None,
    state_url: options.StateUrlOption = None,
    follow: FollowOption = False,
    verbose: options.VerboseOption = False,
) -> None:
    """Print the log of a submitted run, from its run directory or from the pod that follows it."""
    from rayingest.api import launched
    from rayingest.cli import kubernetes, logs
    from rayingest.errors import ConfigError
    from rayingest.launch import finding

    logs.configure(verbose=verbose)
    with kubernetes.connected(context) as cluster:
        found = finding.find(cluster, run, namespace)
        if follow and not found.over:
            _follow(cluster, found, state_url)
            return
        told = False
        for each in launched.log(cluster, found, state_url=state_url):
            sys.stdout.write(f"{each}\n")
            told = True
        if not told:
            raise ConfigError(
                f"No log of run {found.run_id} can be read from here.",
                hint="It has not begun, or its stateUrl is known in the pods alone: --state-url names it.",
            )


def stop(
    run: RunArgument,
    *,
    namespace: NamespaceOption = None,
    context: ContextOption = None,
    verbose: options.VerboseOption = False,
) -> None:
    """End a submitted run: delete its RayJob, and with it the cluster; what it recorded stays."""
    from rayingest.cli import kubernetes, logs
    from rayingest.launch import finding
    from rayingest.launch.putting import remove

    logs.configure(verbose=verbose)
    with kubernetes.connected(context) as cluster:
        found = finding.find(cluster, run, namespace)
        if found.over:
            logs.info(f"Run {found.run_id} had ended: {found.status}.")
        remove(cluster, found.owner.name, found.namespace or None, kind=found.owner.kind)
        logs.info(f"{found.owner.kind.name} {found.owner.name} is gone, and its cluster goes.")
        if not found.over:
            logs.info(f"To go on with it: rayingest submit CONFIG --run-id {found.run_id}")


def gc(
    *,
    older_than: Annotated[
        float,
        typer.Option("--older-than", min=0, metavar="DAYS", help="Keep what is younger than this."),
    ] = 7,
    namespace: NamespaceOption = None,
    context: ContextOption = None,
    dry_run: options.DryRunOption = False,
    verbose: options.VerboseOption = False,
) -> None:
    """Delete what ended runs have left in a namespace: RayJobs, Secrets of configs, reader pods."""
    from rayingest.cli import kubernetes, logs
    from rayingest.launch import leftovers

    logs.configure(verbose=verbose)
    with kubernetes.connected(context) as cluster:
        found = leftovers.found(cluster, namespace, days=older_than)
        for told in found.unseen:
            logs.warning(told)
        for each in found.objects:
            logs.info(f"{'Would delete' if dry_run else 'Deleting'} {each}")
            if not dry_run:
                leftovers.delete(cluster, each)
        if not found.objects:
            logs.info(f"Nothing that ended more than {older_than:g} days ago is left.")


# --- telling ---


def _list(found: "list[Submitted]", form: str, namespace: str) -> None:
    from rayingest.cli import logs

    if form == "json":
        _write(found)
        return
    if not found:
        logs.info(f"No submitted runs are in namespace {namespace}.")
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for head in ("RUN", "RAYJOB", "SERVICE", "CREATED", "STATUS"):
        table.add_column(head, no_wrap=head != "STATUS")
    for each in found:
        created = f"{each.created:%Y-%m-%d %H:%M}"
        table.add_row(each.run_id, each.name, each.service, created, str(each.status))
    output.console().print(table)


def _write(found: "list[Submitted]") -> None:
    import json

    told = [
        {
            "runId": each.run_id,
            "rayJob": each.name,
            "namespace": each.namespace,
            "service": each.service,
            "createdAt": each.created.isoformat(),
            "over": each.over,
            "outcome": each.status.outcome,
            "jobDeploymentStatus": each.status.deployment,
            "jobStatus": each.status.job,
            "reason": each.status.reason,
            "message": each.status.message,
            "failed": each.status.failed,
            "rayCluster": each.status.cluster,
            "stateUrl": each.state_url,
        }
        for each in found
    ]
    with output.opened(None) as write:
        write(json.dumps(told, indent=2).encode() + b"\n")


def _show(run: "Submitted") -> None:
    from rayingest.cli import kubernetes, logs

    kind = run.owner.kind.name
    logs.info(f"Run {run.run_id} of service {run.service}, {kind} {run.name} in {run.namespace}")
    logs.info(f"Created {run.created:%Y-%m-%d %H:%M:%S} UTC: {run.status}")
    if run.status.failed:
        logs.info(f"Attempts that failed: {run.status.failed}")
    if run.status.cluster and not run.over:
        logs.info(f"Dashboard: {kubernetes.dashboard(run, run.status)}")


def _end(cluster: "Kube", run: "Submitted", state_url: str | None) -> NoReturn:
    from rayingest.api import launched
    from rayingest.cli import kubernetes

    outcome = run.status.outcome
    assert outcome is not None  # noqa: S101 - asked by the caller
    ended = launched.ending(cluster, run, outcome, run.status, state_url=state_url)
    kubernetes.finish(run, ended)


def _going(run: "Submitted", state_url: str | None) -> None:
    """How far it is, when its run directory can be read from here."""
    from contextlib import suppress

    from rayingest.api import launched
    from rayingest.api.recorded import standing
    from rayingest.cli import logs
    from rayingest.errors import RayingestError

    with suppress(RayingestError):
        directory = launched.directory(run, state_url)
        if directory is not None and directory.store.names("attempts"):
            logs.info(standing(directory).verdict)


def _follow(cluster: "Kube", run: "Submitted", state_url: str | None) -> None:
    from rayingest.api import launched
    from rayingest.cli.kubernetes import FOLLOW_SECONDS
    from rayingest.errors import ConfigError
    from rayingest.launch.waiting import Waiter

    following = launched.Following(cluster, run, state_url)
    if not following.possible:
        raise ConfigError(
            f"The log of run {run.run_id} cannot be read from here while it goes on.",
            hint="--state-url names the place where it is recorded.",
        )

    def show() -> None:
        for each in following.news():
            sys.stdout.write(f"{each}\n")
        sys.stdout.flush()

    from rayingest.cli import logs

    show()
    waiter = Waiter(
        cluster=cluster,
        name=run.name,
        namespace=run.namespace or None,
        uneasy=logs.warning,
        glance=show,
        look=FOLLOW_SECONDS,
    )
    ended = waiter.wait(None)
    show()
    if ended.outcome.value != "succeeded":
        raise typer.Exit(Exit.FAILED)
