"""One run on Kubernetes, decided: all that its objects are made of, and no client, clock or chance."""

import hashlib
import json
import re
from dataclasses import dataclass, field

import yaml

from rayingest import __version__
from rayingest.config import Config
from rayingest.config.kubernetes import CONFIG_FOLDER, Kubernetes
from rayingest.errors import ConfigError
from rayingest.launch.sizing import Workers, workers

LONGEST_NAME = 40
"""The operator takes 47 characters; what it makes out of the name is longer."""
NAME = re.compile(r"[a-z](?:[-a-z0-9]*[a-z0-9])?")
RUN_ID = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")
CONFIG_FILE = "config.yaml"
LARGEST = 1_000_000
"""Bytes of a config: etcd takes objects of a little more than that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A run that is to be put on Kubernetes; `text` may hold secrets, nothing else does.

    `config_secret` and `label` are for who has given the Secret or the source another name.
    """

    name: str
    run_id: str
    source: str
    service: str
    image: str
    namespace: str | None
    entrypoint: str
    text: str = field(repr=False)
    digest: str
    state_url: str | None
    submitted_by: str
    workers: Workers
    k8s: Kubernetes
    version: str = __version__
    config_secret: str | None = None
    label: str | None = None

    @property
    def secret_name(self) -> str:
        """Name of the Secret with the config."""
        return self.config_secret or f"{self.name}-config"

    @property
    def source_label(self) -> str:
        """The source as a label: those take no spaces, and no dots at their ends."""
        return self.label or slug(self.service, 63) or "source"


def submission(
    config: Config,
    *,
    run_id: str,
    submitted_by: str,
    name: str | None = None,
    parallelism: int | None = None,
    allow_untested: bool = False,
) -> Submission:
    """Decide all of it; `parallelism` is the one that was forced. Raises ConfigError."""
    execution = config.execution
    refuse_odd(run_id)
    if execution.image is None:
        raise ConfigError(
            "Which image? Kubernetes needs one with rayingest and Ray in it.",
            hint="--image, or workflowConfig.distributedExecution.image; the Dockerfile builds one.",
        )
    text = written(config)
    if len(text.encode()) > LARGEST:
        raise ConfigError(
            f"The config has {len(text.encode()):,} bytes, and a Secret takes {LARGEST:,}.",
            hint="Make its filters shorter: patterns instead of names.",
        )
    return Submission(
        name=named(name, config.service, run_id),
        run_id=run_id,
        source=config.connector,
        service=config.service,
        image=execution.image,
        namespace=execution.namespace,
        entrypoint=entrypoint(run_id, parallelism=parallelism, allow_untested=allow_untested),
        text=text,
        digest=digest_of(config),
        state_url=_told(execution.state_url),
        submitted_by=submitted_by,
        workers=workers(execution),
        k8s=execution.k8s,
    )


def refuse_odd(run_id: str) -> None:
    """A run id goes where labels and shells read it. Raises ConfigError."""
    if not RUN_ID.fullmatch(run_id):
        raise ConfigError(
            f"The run id {run_id!r} cannot be a label and a word of a shell.",
            hint="Up to 63 letters, digits, -, _ and .; a letter or digit first and last.",
        )


def written(config: Config) -> str:
    """The config as the run reads it, its `${VARIABLES}` as they were written."""
    return yaml.safe_dump(config.tree, sort_keys=False, allow_unicode=True, width=1000)


def entrypoint(
    run_id: str,
    *,
    config: str = f"{CONFIG_FOLDER}/{CONFIG_FILE}",
    parallelism: int | None = None,
    allow_untested: bool = False,
) -> str:
    """What the cluster runs: one line that a shell takes as it is, for the operator quotes nothing.

    The engine and the address are said, so that such a run neither submits itself again nor starts a Ray
    of its own. A partial success is none to the operator, which would run it again.
    """
    words = f"rayingest run {config} --engine ray --address auto --partial-ok"
    more = f" --parallelism {parallelism}" if parallelism else ""
    more += " --allow-untested" if allow_untested else ""
    return f"{words}{more} --run-id {run_id}"


def slug(text: str, longest: int) -> str:
    """A text as part of a name: lower case, digits and single hyphens; empty when nothing is left."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:longest].rstrip("-")


def named(asked: str | None, service: str, run_id: str) -> str:
    """The same run has the same name: submitted twice, the second time finds it there."""
    if asked is None:
        tail = hashlib.sha256(f"{service}\n{run_id}".encode()).hexdigest()[:10]
        return "-".join(each for each in ("ri", slug(service, 20), tail) if each)
    if len(asked) > LONGEST_NAME or not NAME.fullmatch(asked):
        raise ConfigError(
            f"{asked!r} cannot be the name of a job.",
            hint=f"Up to {LONGEST_NAME} lower-case letters, digits and -; a letter first.",
        )
    return asked


def _told(url: str | None) -> str | None:
    """Where the run is recorded, for those who ask for it later; not when it may hold a secret."""
    return None if url is None or re.search(r"[@?]|\$\{", url) else url


def digest_of(config: Config) -> str:
    """A hash that tells two configs apart; of secrets it knows nothing, for everybody can read it."""
    text = json.dumps(config.redacted(), sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
