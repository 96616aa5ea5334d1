"""Giving a run to a Ray cluster that is there: read, refused or told of, sent once, and found when it was sent before."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from rayingest.api.job import Job
from rayingest.api.wishes import Wishes
from rayingest.config import Config, load
from rayingest.config.interpolate import references
from rayingest.core import registry
from rayingest.errors import AlreadyThere, ConfigError, NotThere
from rayingest.launch import surviving
from rayingest.launch.dashboard import Dashboard
from rayingest.launch.job import JobStatus, RayRun, job_status, ray_run
from rayingest.launch.ray_version import compare
from rayingest.launch.status import Outcome
from rayingest.launch.token import overheard
from rayingest.state.run_directory import new_run_id

NO_FLAGS: Mapping[str, object] = {}


@dataclass(frozen=True, slots=True)
class PreparedJob:
    """A run that could be given to a cluster, and what its user should know."""

    run: RayRun
    job: Job
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A run that a cluster has: now, or (`before`) since somebody submitted it earlier."""

    run: RayRun
    status: JobStatus
    version: str
    before: bool
    warnings: tuple[str, ...]


def prepare(
    source: str | Path,
    *,
    overlays: Iterable[str | Path] = (),
    sets: Iterable[str] = (),
    environ: Mapping[str, str] | None = None,
    flags: Mapping[str, object] = NO_FLAGS,
    run_id: str | None = None,
    name: str | None = None,
    allow_untested: bool = False,
) -> PreparedJob:
    """Read a config as the cluster will read it. Raises ConfigError, ConfigErrors.

    What only the cluster's nodes have - variables, files - counts as a text.
    """
    elsewhere: set[str] = set()
    more = {**flags, "engine": "ray"}
    config = load(
        source, overlays=overlays, sets=sets, environ=environ, flags=more, elsewhere=elsewhere
    )
    job = Job(config)
    job.refuse_untested(Wishes(allow_untested=allow_untested))
    surviving.refuse_unknown(config, elsewhere)
    parallelism = flags.get("parallelism")
    run = ray_run(
        config,
        run_id=run_id or new_run_id(),
        name=name,
        parallelism=parallelism if isinstance(parallelism, int) else None,
        allow_untested=allow_untested,
    )
    return PreparedJob(run, job, (*config.warnings, *_told(config)))


def _told(config: Config) -> Iterator[str]:
    wanted = references(config.tree)
    if names := surviving.variables(wanted):
        yield f"Every node of the cluster must have {', '.join(names)} in its environment: the values stay here."
    if files := sorted(each.removeprefix("file:") for each in wanted if each.startswith("file:")):
        yield f"Every node of the cluster must have {', '.join(files)}."
    if registry.load(config.connector).local:
        yield f"{config.connector} reads a file, and every node of the cluster must have it."
    if config.redacted() != config.tree:
        yield (
            "The config may hold passwords as they are. Whoever has the cluster's token can read them there: "
            "${VARIABLES} keep them out."
        )
    url = config.execution.state_url
    if url is None or not (surviving.remote(url) or "${" in url):
        yield (
            "What is recorded stays where the run starts, unless the cluster shares that folder; a head that is made "
            "anew has none of it: give a stateUrl on object storage."
        )


def submit(prepared: PreparedJob, at: Dashboard) -> Given:
    """Give a run to a cluster, unless it has it. Raises ConfigError, ClusterError.

    One that failed there, or was stopped, is begun again under its run id, and so goes on.
    """
    run, version = prepared.run, at.version()
    warnings = [*compare(version, prepared.job.config.execution.k8s, at.address)]
    if at.vouched and overheard(at.address):
        warnings.append("The cluster's token goes over http:// as it is: others can read it.")
    run, before = _turn(run, at)
    if before is None:
        at.upload(run.package, run.data)
        try:
            at.submit(run.request)
        except AlreadyThere:  # by an answer that was lost, or by somebody else just now
            _same(run, job_status(at.job(run.name)), at)
    status = before or job_status(at.job(run.name))
    return Given(
        run=run,
        status=status,
        version=version,
        before=before is not None,
        warnings=tuple(warnings),
    )


def _turn(run: RayRun, at: Dashboard) -> tuple[RayRun, JobStatus | None]:
    """The run under the name that it is begun by, or the job, where it need not be begun again.

    Each time has a name of its own, `NAME-2`: for some seconds the process of a job that has ended would
    be taken for that of a new one of its name.
    """
    for time in count(1):
        turn = run if time == 1 else replace(run, name=f"{run.name}-{time}")
        try:
            found = _same(turn, job_status(at.job(turn.name)), at)
        except NotThere:
            return turn, None
        if found.outcome in (None, Outcome.SUCCEEDED):
            return turn, found
    raise AssertionError  # pragma: no cover - it counts on


def _same(run: RayRun, found: JobStatus, at: Dashboard) -> JobStatus:
    if found.run_id == run.run_id:
        return found
    whose = f"run {found.run_id}" if found.run_id else "something that is no run of rayingest"
    raise ConfigError(
        f"The Ray cluster at {at.address} has a job {run.name} already: {whose}.",
        hint="Give another --name, or none: then it is made from service and run id.",
    )
