"""A run as a job of a Ray cluster that is there: what is sent, and what the cluster says of it.

The config travels as a package of one file, which Ray unpacks where the run starts. What Ray shows of a job
- its command, environment, metadata - is made of names and hashes alone.
"""

import io
import secrets
import zipfile
from dataclasses import dataclass, field
from typing import Any

from rayingest import __version__
from rayingest.config import Config
from rayingest.launch.status import Outcome
from rayingest.launch.submission import (
    CONFIG_FILE,
    digest_of,
    entrypoint,
    named,
    refuse_odd,
    written,
)

STOP_SECONDS = 25
"""How long Ray lets a run that is stopped close its books, before it is killed; Ray's own default is 3."""
LONGEST = 300
Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class RayRun:
    """A run that is to be given to a cluster; `data` may hold secrets, nothing else does."""

    name: str
    run_id: str
    service: str
    entrypoint: str
    package: str
    data: bytes = field(repr=False)
    metadata: dict[str, str]

    @property
    def request(self) -> Json:
        """What is posted."""
        return {
            "entrypoint": self.entrypoint,
            "submission_id": self.name,
            "runtime_env": {
                "working_dir": f"gcs://{self.package}",
                "env_vars": {
                    "RAY_JOB_STOP_WAIT_TIME_S": str(STOP_SECONDS),
                    "RAYINGEST_SUBMITTED": "1",  # its log is kept, and ends with its report
                },
            },
            "metadata": self.metadata,
        }


def ray_run(
    config: Config,
    *,
    run_id: str,
    name: str | None = None,
    parallelism: int | None = None,
    allow_untested: bool = False,
) -> RayRun:
    """Decide all of it; `parallelism` is the one that was forced. Raises ConfigError."""
    refuse_odd(run_id)
    return RayRun(
        name=named(name, config.service, run_id),
        run_id=run_id,
        service=config.service,
        # The shell becomes the run: who stops a job that is just beginning would end the shell alone.
        entrypoint="exec "
        + entrypoint(
            run_id, config=CONFIG_FILE, parallelism=parallelism, allow_untested=allow_untested
        ),
        # Not called by a hash of what is in it: with a password inside, that would be a hint.
        package=f"_ray_pkg_{secrets.token_hex(16)}.zip",
        data=_zipped(written(config)),
        metadata={
            "run_id": run_id,
            "service": config.service,
            "connector": config.connector,
            "config_sha256": digest_of(config),
            "rayingest": __version__,
        },
    )


def _zipped(text: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(CONFIG_FILE, text)
    return made.getvalue()


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStatus:
    """What a cluster says of a job; words that nobody knows are kept, and end nothing."""

    name: str
    job: str = ""
    message: str = ""
    trouble: str = ""
    code: int | None = None
    started: float | None = None
    ended: float | None = None
    run_id: str = ""
    service: str = ""
    version: str = ""
    """Of the rayingest that has given it to the cluster; other people's jobs have none."""

    @property
    def ours(self) -> bool:
        """Whether it is a run of rayingest: others put a `run_id` there, too."""
        return bool(self.name and self.run_id and self.version)

    @property
    def outcome(self) -> Outcome | None:
        """How it has ended; None while it may still go on."""
        ends = {
            "SUCCEEDED": Outcome.SUCCEEDED,
            "STOPPED": Outcome.STOPPED,
            "FAILED": Outcome.FAILED,
        }
        return ends.get(self.job)

    def __str__(self) -> str:
        """`RUNNING`, `FAILED (JOB_ENTRYPOINT_COMMAND_ERROR, exit code 1)`."""
        code = f"exit code {self.code}" if self.code else ""
        inner = ", ".join(filter(None, (self.trouble, code)))
        return f"{self.job or 'UNKNOWN'} ({inner})" if inner else self.job or "UNKNOWN"


def job_status(said: Json) -> JobStatus:
    """Read what a cluster says of a job. Times are seconds since 1970, by the head's clock."""
    told = said.get("metadata")
    metadata = told if isinstance(told, dict) else {}
    code = said.get("driver_exit_code")
    return JobStatus(
        name=_text(said.get("submission_id")),
        job=_text(said.get("status")),
        message=_text(said.get("message")),
        trouble=_text(said.get("error_type")),
        code=code if isinstance(code, int) else None,
        started=_seconds(said.get("start_time")),
        ended=_seconds(said.get("end_time")),
        run_id=_text(metadata.get("run_id")),
        service=_text(metadata.get("service")),
        version=_text(metadata.get("rayingest")),
    )


_CODES = {
    127: (
        "The cluster has no program `rayingest`.",
        "Install 'rayingest[ray]', with the drivers of this config, into Ray's own Python on every node.",
    ),
    126: (
        "The cluster's `rayingest` cannot be executed.",
        "Install it into Ray's own Python on every node.",
    ),
    2: (
        "The run has refused its config as the cluster reads it.",
        "Its log says why: a variable that the cluster's environment has not, a driver, a file.",
    ),
}
_TROUBLES = {
    "RUNTIME_ENV_SETUP_FAILURE": "The cluster could not unpack the config for the run.",
    "JOB_SUPERVISOR_ACTOR_DIED": "The process that ran it is gone: its node was lost, or had no memory left.",
    "JOB_SUPERVISOR_ACTOR_UNSCHEDULABLE": "The cluster found no place for the run: is its head alive?",
    "JOB_SUPERVISOR_ACTOR_START_TIMEOUT": "The cluster has not started the run in time.",
}


def why(status: JobStatus) -> tuple[str, str]:
    """Why a job failed, in a sentence, and what to do about it."""
    if status.code in _CODES:
        return _CODES[status.code]
    first = (status.message.strip().splitlines() or ["Ray does not say why"])[0]
    plain = first.partition(", last available logs")[0][:LONGEST].rstrip(".")
    return (
        _TROUBLES.get(status.trouble, f"{plain}."),
        f"Submit it again with --run-id {status.run_id}: it goes on where it was.",
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _seconds(value: object) -> float | None:
    return value / 1000 if isinstance(value, int | float) else None
