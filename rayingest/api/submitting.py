"""From a config file to the objects of a run on Kubernetes; everything wrong is found here."""

import getpass
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from rayingest import __version__
from rayingest.api.job import Job
from rayingest.api.wishes import Wishes
from rayingest.config import load
from rayingest.config.interpolate import references
from rayingest.core import registry
from rayingest.errors import ConfigError
from rayingest.launch import preflight, surviving
from rayingest.launch.argo import workflow
from rayingest.launch.cluster import Cluster, Json
from rayingest.launch.finding import Submitted, read
from rayingest.launch.manifest import manifest
from rayingest.launch.putting import put
from rayingest.launch.rayjob import rayjob
from rayingest.launch.rules import broken
from rayingest.launch.secret import config_secret
from rayingest.launch.submission import Submission, submission
from rayingest.state.run_directory import new_run_id

Mode = Literal["rayjob", "argo"]
NO_FLAGS: Mapping[str, object] = {}
LOGS_POD = "workflowConfig.distributedExecution.k8s.submissionMode=K8sJobMode"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A run that could be created: its objects as YAML, and what its user should know."""

    run: Submission
    job: Job
    text: str = field(repr=False)
    made: Json = field(repr=False)
    variables: tuple[str, ...]
    warnings: tuple[str, ...]


class NotReady(ConfigError):
    """The cluster cannot take a run: all that is missing, each with what mends it."""

    def __init__(self, missing: tuple[preflight.Missing, ...]) -> None:
        super().__init__(" ".join(each.what for each in missing), hint=missing[0].hint)
        self.missing = missing


@dataclass(frozen=True, slots=True)
class Started:
    """A run that is on a cluster; `new` is false when it was under way before."""

    run: Submitted
    new: bool
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
    logs_pod: bool = False,
    allow_untested: bool = False,
    mode: Mode | None = None,
    submitted_by: str | None = None,
) -> Prepared:
    """Read a config and make the objects of its run. Raises ConfigError, ConfigErrors.

    `mode` argo is a Workflow that applies the RayJob; when it is not said the config's orchestrator counts.
    It is read as the cluster will read it, so that no mistake of it costs a cluster. What only the pods
    have - variables, files - counts as a text.
    """
    elsewhere: set[str] = set()
    config = load(
        source,
        overlays=overlays,
        sets=[*sets, *([LOGS_POD] if logs_pod else [])],
        environ=environ,
        flags={**flags, "engine": "ray"},
        elsewhere=elsewhere,
    )
    job = Job(config)
    job.refuse_untested(Wishes(allow_untested=allow_untested))
    surviving.refuse_unknown(config, elsewhere)
    surviving.refuse_unrecorded(config)
    k8s, wanted = config.execution.k8s, references(config.tree)
    surviving.refuse_unset(k8s, wanted)
    parallelism = flags.get("parallelism")
    run = submission(
        config,
        run_id=run_id or new_run_id(),
        submitted_by=submitted_by or _user(),
        name=name,
        parallelism=parallelism if isinstance(parallelism, int) else None,
        allow_untested=allow_untested,
    )
    if wrong := broken(rayjob(run)):
        raise ConfigError(f"KubeRay would refuse this RayJob: {'; '.join(wrong)}.")
    is_argo = mode == "argo" or (mode is None and config.execution.orchestrator == "argo")
    made = workflow(run) if is_argo else rayjob(run)
    warnings = (*config.warnings, *_told(job, wanted))
    text = manifest([config_secret(run), made])
    return Prepared(run, job, text, made, tuple(surviving.variables(wanted)), warnings)


def launched(
    source: str | Path,
    *,
    overlays: Iterable[str | Path] = (),
    sets: Iterable[str] = (),
    flags: Mapping[str, object] = NO_FLAGS,
) -> bool:
    """Whether a config wants to be taken to Kubernetes, read as `prepare` reads it."""
    try:
        config = load(source, overlays=overlays, sets=sets, flags=flags, elsewhere=set())
    except ConfigError:
        return False
    return config.execution.launched is not None


def asked(prepared: Prepared, cluster: Cluster) -> tuple[Json, tuple[str, ...]]:
    """The RayJob or Workflow as the cluster will take it, and what to know; nothing is created.

    Raises NotReady with all that is missing, ClusterError when nobody answers.
    """
    run = prepared.run
    secrets = run.k8s.envFromSecrets
    answer = preflight.asked(cluster, prepared.made, secrets, list(prepared.variables))
    if answer.missing:
        raise NotReady(answer.missing)
    return answer.job, answer.warnings


def start(prepared: Prepared, cluster: Cluster) -> Started:
    """Create the objects of a run. Raises NotReady, ConfigError, ClusterError; nothing is left then."""
    job, warnings = asked(prepared, cluster)
    done = put(cluster, prepared.run, job)
    return Started(read(done.job), done.new, warnings)


def _told(job: Job, wanted: set[str]) -> Iterable[str]:
    config, k8s = job.config, job.config.execution.k8s
    if names := surviving.variables(wanted):
        yield f"The Secrets {', '.join(k8s.envFromSecrets)} must have the keys {', '.join(names)}."
    if registry.load(config.connector).local:
        yield f"{config.connector} reads a file, and reads it in the pods: mount it (k8s.volumes)."
    if files := surviving.unmounted(k8s, wanted):
        yield f"No volume brings {', '.join(files)}: the image must have them."
    if config.redacted() != config.tree:
        yield "The config may hold passwords as they are, and so does its Secret: ${VARIABLES} keep them out."
    if (tag := _version(config.execution.image or "")) and tag != __version__:
        yield f"The image says {tag}, and this is rayingest {__version__}: what they know may differ."
    if k8s.backoffLimit and not surviving.lasting(config):
        yield "No stateUrl outlives the pods: a second attempt begins anew, instead of going on."


def _version(image: str) -> str | None:
    """The version that an image's tag says, where it says one: `name:0.3.1-py311` has 0.3.1."""
    found = re.search(r":v?(\d+\.\d+\.\d+)[^/@]*(?:@|$)", image)
    return found[1] if found else None


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as in many containers
        return "unknown"
