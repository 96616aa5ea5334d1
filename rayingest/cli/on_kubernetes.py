"""What `status`, `logs`, `stop` and `gc` do with runs on Kubernetes, and say of them."""

from typing import TYPE_CHECKING, Any, NoReturn

import typer

from rayingest.cli import kubernetes, logs, output
from rayingest.cli.exits import Exit
from rayingest.errors import ConfigError

if TYPE_CHECKING:
    from rayingest.launch.finding import Submitted
    from rayingest.launch.kube import Kube


def status(
    cluster: "Kube", run: str | None, *, namespace: str | None, state_url: str | None, form: str
) -> None:
    """How a run is, or how it ended; without one all of a namespace."""
    from rayingest.launch import finding

    if run is None:
        _list(finding.submitted(cluster, namespace), form, namespace or cluster.namespace)
        return
    found = finding.find(cluster, run, namespace)
    if form == "json":
        output.document([_told(found)])
    else:
        _show(found)
    if found.status.outcome is not None:
        _end(cluster, found, state_url)
    _going(found, state_url)


def log(
    cluster: "Kube", run: str, *, namespace: str | None, state_url: str | None, follow: bool
) -> None:
    """The log of a run, until now or until its end."""
    from rayingest.api import launched
    from rayingest.launch import finding

    found = finding.find(cluster, run, namespace)
    if follow and not found.over:
        _follow(cluster, found, state_url)
        return
    told = False
    with output.opened(None) as write:
        for each in launched.log(cluster, found, state_url=state_url):
            told = True
            write(f"{each}\n".encode())
    if not told:
        raise ConfigError(
            f"No log of run {found.run_id} can be read from here.",
            hint="It has not begun, or its stateUrl is known in the pods alone: --state-url names it.",
        )


def stop(cluster: "Kube", run: str, *, namespace: str | None) -> None:
    """Delete what a run is deleted by."""
    from rayingest.launch import finding
    from rayingest.launch.putting import remove

    found = finding.find(cluster, run, namespace)
    if found.over:
        logs.info(f"Run {found.run_id} had ended: {found.status}.")
    remove(cluster, found.owner.name, found.namespace or None, kind=found.owner.kind)
    logs.info(f"{found.owner.kind.name} {found.owner.name} is gone, and its cluster goes.")
    if not found.over:
        logs.info(f"To go on with it: rayingest submit CONFIG --run-id {found.run_id}")


def clean(cluster: "Kube", *, namespace: str | None, days: float, dry_run: bool) -> None:
    """Delete what ended runs have left, or say what that is."""
    from rayingest.launch import leftovers

    found = leftovers.found(cluster, namespace, days=days)
    for told in found.unseen:
        logs.warning(told)
    for each in found.objects:
        logs.info(f"{'Would delete' if dry_run else 'Deleting'} {each}")
        if not dry_run:
            leftovers.delete(cluster, each)
    if not found.objects:
        logs.info(f"Nothing that ended more than {days:g} days ago is left.")


# --- telling ---


def _list(found: "list[Submitted]", form: str, namespace: str) -> None:
    if form == "json":
        output.document([_told(each) for each in found])
        return
    if not found:
        logs.info(f"No submitted runs are in namespace {namespace}.")
        return
    output.columns(
        ("RUN", "RAYJOB", "SERVICE", "CREATED", "STATUS"),
        (
            (each.run_id, each.name, each.service, f"{each.created:%Y-%m-%d %H:%M}", each.status)
            for each in found
        ),
    )


def _told(run: "Submitted") -> dict[str, Any]:
    """For programs."""
    return {
        "runId": run.run_id,
        "rayJob": run.name,
        "namespace": run.namespace,
        "service": run.service,
        "createdAt": run.created.isoformat(),
        "over": run.over,
        "outcome": run.status.outcome,
        "jobDeploymentStatus": run.status.deployment,
        "jobStatus": run.status.job,
        "reason": run.status.reason,
        "message": run.status.message,
        "failed": run.status.failed,
        "rayCluster": run.status.cluster,
        "stateUrl": run.state_url,
    }


def _show(run: "Submitted") -> None:
    kind = run.owner.kind.name
    logs.info(f"Run {run.run_id} of service {run.service}, {kind} {run.name} in {run.namespace}")
    logs.info(f"Created {run.created:%Y-%m-%d %H:%M:%S} UTC: {run.status}")
    if run.status.failed:
        logs.info(f"Attempts that failed: {run.status.failed}")
    if run.status.cluster and not run.over:
        logs.info(f"Dashboard: {kubernetes.dashboard(run, run.status)}")


def _end(cluster: "Kube", run: "Submitted", state_url: str | None) -> NoReturn:
    from rayingest.api import launched

    outcome = run.status.outcome
    assert outcome is not None  # noqa: S101 - asked by the caller
    ended = launched.ending(cluster, run, outcome, run.status, state_url=state_url)
    kubernetes.finish(run, ended)


def _going(run: "Submitted", state_url: str | None) -> None:
    """How far it is, when its run directory can be read from here."""
    from contextlib import suppress

    from rayingest.api import launched
    from rayingest.api.recorded import standing
    from rayingest.errors import RayingestError

    with suppress(RayingestError):
        directory = launched.directory(run, state_url)
        if directory is not None and directory.store.names("attempts"):
            logs.info(standing(directory).verdict)


def _follow(cluster: "Kube", run: "Submitted", state_url: str | None) -> None:
    from rayingest.api import launched
    from rayingest.launch.waiting import Waiter

    following = launched.Following(cluster, run, state_url)
    if not following.possible:
        raise ConfigError(
            f"The log of run {run.run_id} cannot be read from here while it goes on.",
            hint="--state-url names the place where it is recorded.",
        )

    with output.opened(None) as write:

        def show() -> None:
            for each in following.news():
                write(f"{each}\n".encode())
            write(b"")  # whoever reads is to see it now

        show()
        waiter = Waiter(
            cluster=cluster,
            name=run.name,
            namespace=run.namespace or None,
            uneasy=logs.warning,
            glance=show,
            look=kubernetes.FOLLOW_SECONDS,
        )
        ended = waiter.wait(None)
        show()
        if ended.outcome.value != "succeeded":
            raise typer.Exit(Exit.FAILED)
