"""What `status`, `logs` and `stop` do with runs that a Ray cluster was given, and say of them."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import typer

from rayingest.cli import logs, output, ray_job
from rayingest.cli.exits import Exit
from rayingest.cli.values import plural, unspoken
from rayingest.errors import ConfigError

if TYPE_CHECKING:
    from rayingest.launch.dashboard import Dashboard
    from rayingest.launch.job import JobStatus


def status(address: str, run: str | None, *, state_url: str | None, form: str) -> None:
    """How a run is, or how it ended, with its exit code; without one all of the cluster."""
    from rayingest.api import ray_jobs
    from rayingest.launch.dashboard import connected

    with connected(address) as at:
        if run is None:
            _list(at, form)
            return
        found = ray_jobs.status(at, run)
        if form == "json":
            output.document([_told(found, at.address)])
        else:
            _show(found, at.address)
        if found.outcome is not None:
            ended = ray_jobs.ended(at, found, found.outcome, state_url=state_url)
            ray_job.finish(ended, at.address)
    if far := ray_jobs.progress(found, state_url=state_url):
        logs.info(far)


def log(address: str, run: str, *, state_url: str | None, follow: bool) -> None:
    """The log of a run, until now or until its end."""
    from rayingest.api import ray_jobs
    from rayingest.launch.dashboard import connected

    with connected(address) as at:
        found = ray_jobs.status(at, run)
        if follow:
            _follow(at, found)
            return
        text = ray_jobs.log(at, found, state_url=state_url)
    if not text:
        raise ConfigError(
            f"There is no log of run {found.run_id}: its job is {found}.",
            hint="It has not begun, or the log went with its node: --state-url names the place where the run kept one.",
        )
    with output.opened(None) as write:
        for each in text.splitlines():
            write(f"{unspoken(each)}\n".encode())


def stop(address: str, run: str) -> None:
    """Ask a run to end; nobody waits here until it has."""
    from rayingest.api import ray_jobs
    from rayingest.launch.dashboard import connected
    from rayingest.launch.job import STOP_SECONDS

    with connected(address) as at:
        found = ray_jobs.status(at, run)
        if found.outcome is not None:
            logs.info(f"Run {found.run_id} had ended: {found}.")
        elif at.stop(found.name):
            logs.info(
                f"Run {found.run_id} is being stopped; it has {STOP_SECONDS} s to close its books."
            )
            logs.info(f"How it ended: rayingest status {found.run_id} --address {at.address}")
            logs.info(f"To go on then: {ray_job.again(found.run_id, at.address)}")
        else:
            now = ray_jobs.status(at, found.name)
            wait = "" if now.outcome else " Ask again in a moment."
            logs.info(f"Ray has found nothing to stop: job {found.name} is {now}.{wait}")


def clean(address: str) -> None:
    """Say why there is nothing to do. Raises ConfigError."""
    from rayingest.launch.token import checked

    logs.info(
        f"Nothing to do at {checked(address)}: runs leave no objects on a Ray cluster. It forgets its jobs when its head is made anew."
    )


# --- telling ---


def _list(at: "Dashboard", form: str) -> None:
    from rayingest.api import ray_jobs

    found, others = ray_jobs.runs(at)
    if form == "json":
        output.document([_told(each, at.address) for each in found])
        return
    if found:
        rows = ((e.run_id, e.name, e.service, _minute(e.started), e) for e in found)
        output.columns(("RUN", "JOB", "SERVICE", "CREATED", "STATUS"), rows)
    else:
        logs.info(
            f"The Ray cluster at {at.address} knows of no run. It forgets its jobs when its head is made anew."
        )
    if others:
        logs.info(f"{plural(others, 'other job')} there: no run of rayingest.")


def _told(found: "JobStatus", address: str) -> dict[str, Any]:
    """For programs: what a run on Kubernetes has, too, has the same key."""
    return {
        "runId": found.run_id,
        "job": found.name,
        "address": address,
        "service": found.service,
        "createdAt": _written(found.started),
        "endedAt": _written(found.ended),
        "over": found.outcome is not None,
        "outcome": found.outcome,
        "jobStatus": found.job,
        "errorType": found.trouble,
        "message": found.message,
        "driverExitCode": found.code,
    }


def _show(found: "JobStatus", address: str) -> None:
    logs.info(f"Run {found.run_id} of service {found.service}, job {found.name} at {address}")
    ended = f", ended {_second(found.ended)}" if found.ended else ""
    logs.info(f"Created {_second(found.started)}{ended} UTC: {found}")
    if found.job == "PENDING" and found.message:
        logs.info(found.message)


def _follow(at: "Dashboard", found: "JobStatus") -> None:
    from rayingest.launch.following import Follower
    from rayingest.launch.status import Outcome

    with output.opened(None) as write:

        def line(text: str) -> None:
            write(f"{unspoken(text)}\n".encode())
            write(b"")  # whoever reads is to see it now

        follower = Follower(dashboard=at, name=found.name, uneasy=logs.warning, line=line)
        outcome, last = follower.wait()
        if outcome is Outcome.DELETED:
            ray_job.forgotten(found.run_id)
        elif outcome is not Outcome.SUCCEEDED:
            logs.warning(f"Run {found.run_id} has ended: {last}.")
        if outcome is not Outcome.SUCCEEDED:
            raise typer.Exit(Exit.FAILED)


def _time(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _minute(seconds: float | None) -> str:
    moment = _time(seconds)
    return f"{moment:%Y-%m-%d %H:%M}" if moment else "?"


def _second(seconds: float | None) -> str:
    moment = _time(seconds)
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment else "?"


def _written(seconds: float | None) -> str | None:
    moment = _time(seconds)
    return moment.isoformat(timespec="seconds") if moment else None
